//! The actual plugin behind JSON lines: what a page's JavaScript would do and see, without a window.
//!
//! The first line on stdin is the launch (`Launch`); each further line is a command and gets one line back:
//!
//! ```text
//! {"cmd": "check"}                          -> {"ok": {"available": true, ...}, "events": [...], "log": [...], "progress": 0}
//! {"cmd": "configure", "args": {"channel": "beta"}}
//! {"cmd": "apply"}                          -> {"error": "HTTP 503: bundle download failed", ...}
//! {"cmd": "page", "path": "/index.html"}    -> {"ok": {"mime": "text/html", "base64": "..."}, ...}
//! {"cmd": "exit"}
//! ```
//!
//! The launch itself is answered with what `hotswap_current_version` says, or with the error of the plugin's
//! `init`; then the process ends with 1. `events` are the payloads on `hotswap://lifecycle` in their order,
//! `progress` counts those on `hotswap://download-progress`, `log` is what the plugin logged; each since the
//! answer before. The process ends when stdin closes, even in the middle of a download.

mod assets;
mod launch;
mod record;

use std::io::{BufRead, Write};
use std::sync::mpsc;

use base64::Engine;
use serde_json::{json, Value};
use tauri::ipc::{CallbackFn, InvokeBody, InvokeResponseBody};
use tauri::test::{get_ipc_response, MockRuntime, INVOKE_KEY};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewWindow};

/// What the process does next with a line.
enum Outcome {
    Answer(Result<Value, Value>),
    Exit,
}

fn main() {
    record::install_logger();
    let lines = stdin_lines();
    let Ok(first) = lines.recv() else { return };
    let (app, page) = match launch::start(&first) {
        Ok(started) => started,
        Err(text) => {
            answer(Err(Value::String(text)));
            std::process::exit(1);
        }
    };
    answer(invoke(&page, "current_version", json!({})));
    for line in lines {
        match obey(&app, &page, &line) {
            Outcome::Answer(result) => answer(result),
            Outcome::Exit => break,
        }
    }
}

/// Lines of stdin, read beside the work: its end must end the process while a command still runs.
fn stdin_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(text) = line else { break };
            if sender.send(text).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    lines
}

fn obey(app: &App<MockRuntime>, page: &WebviewWindow<MockRuntime>, line: &str) -> Outcome {
    let command: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(e) => return Outcome::Answer(Err(json!(format!("not a command: {e}: {line}")))),
    };
    let name = command["cmd"].as_str().unwrap_or_default();
    Outcome::Answer(match name {
        "exit" => return Outcome::Exit,
        "page" => match app
            .asset_resolver()
            .get(command["path"].as_str().unwrap_or("/").into())
        {
            Some(asset) => Ok(json!({
                "mime": asset.mime_type,
                "base64": base64::engine::general_purpose::STANDARD.encode(&asset.bytes),
            })),
            None => Err(json!("no such asset")),
        },
        "" => Err(json!(format!("no cmd in {line}"))),
        _ => invoke(
            page,
            name,
            command.get("args").cloned().unwrap_or_else(|| json!({})),
        ),
    })
}

/// `invoke('plugin:hotswap|hotswap_NAME', args)` as guest-js does it.
fn invoke(page: &WebviewWindow<MockRuntime>, name: &str, args: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: format!("plugin:hotswap|hotswap_{name}"),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: "tauri://localhost".parse().expect("a constant URL"),
        body: InvokeBody::Json(args),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_string(),
    };
    get_ipc_response(page, request).map(|body| match body {
        InvokeResponseBody::Json(text) => serde_json::from_str(&text).expect("tauri serialises JSON"),
        InvokeResponseBody::Raw(bytes) => json!(bytes),
    })
}

fn answer(result: Result<Value, Value>) {
    let seen = record::take();
    let mut line = json!({"events": seen.events, "log": seen.log, "progress": seen.progress});
    match result {
        Ok(value) => line["ok"] = value,
        Err(text) => line["error"] = text,
    }
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
