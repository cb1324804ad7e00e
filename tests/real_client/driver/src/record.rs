//! What the plugin said since the last answer: lifecycle events, download progress, log lines.

use std::sync::{Mutex, MutexGuard};

use serde_json::Value;

static SEEN: Mutex<Seen> = Mutex::new(Seen {
    events: Vec::new(),
    log: Vec::new(),
    progress: 0,
});

#[derive(Default)]
pub struct Seen {
    pub events: Vec<Value>,
    pub log: Vec<String>,
    pub progress: u64,
}

/// All that was recorded since the last call.
pub fn take() -> Seen {
    std::mem::take(&mut *seen())
}

pub fn lifecycle(payload: &str) {
    seen()
        .events
        .push(serde_json::from_str(payload).expect("tauri serialises events as JSON"));
}

pub fn progress() {
    seen().progress += 1;
}

/// The start-up decides before anything can listen; its log is the only word on why (`updater.rs`).
pub fn install_logger() {
    log::set_logger(&PluginLog).expect("nobody else logs");
    log::set_max_level(log::LevelFilter::Info);
}

fn seen() -> MutexGuard<'static, Seen> {
    SEEN.lock().expect("no recorder panics")
}

struct PluginLog;

impl log::Log for PluginLog {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("tauri_plugin_hotswap")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            seen().log.push(format!(
                "{}: {}",
                record.level().as_str().to_lowercase(),
                record.args()
            ));
        }
    }

    fn flush(&self) {}
}
