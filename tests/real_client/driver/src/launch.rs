//! How an app starts with the plugin: by its Tauri config (`init`), or by a builder with its own resolver.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use tauri::test::{mock_builder, mock_context, noop_assets, MockRuntime};
use tauri::utils::acl::ExecutionContext;
use tauri::{App, Context, Listener, WebviewWindow, WebviewWindowBuilder};
use tauri_plugin_hotswap::{Error, HotswapBuilder, HotswapConfig, HotswapPlugin, StaticFileResolver};

use crate::assets::Embedded;
use crate::record;

const COMMANDS: [&str; 9] = [
    "check",
    "apply",
    "download",
    "activate",
    "rollback",
    "current_version",
    "notify_ready",
    "configure",
    "get_config",
];

/// The first line: what would be compiled into the app.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Launch {
    identifier: String,
    /// `version` of the Tauri config; null where it has none.
    version: Option<String>,
    /// `plugins.hotswap` of the Tauri config, as it is.
    plugin: Value,
    /// Path or URL of a `latest.json`: the app wires the plugin's StaticFileResolver instead of the endpoint.
    #[serde(default)]
    static_manifest: Option<String>,
    /// The page compiled into the app: path to text.
    #[serde(default)]
    embedded: HashMap<String, String>,
}

/// Start the app and open its window. The error is the plugin's own text where its `init` fails.
pub fn start(line: &str) -> Result<(App<MockRuntime>, WebviewWindow<MockRuntime>), String> {
    let launch: Launch = serde_json::from_str(line).map_err(|e| format!("not a launch: {e}"))?;
    let mut context: Context<MockRuntime> = mock_context(noop_assets());
    context.set_assets(Box::new(Embedded(launch.embedded)));
    let config = context.config_mut();
    config.identifier = launch.identifier;
    config.version = launch.version;
    if !launch.plugin.is_null() {
        config.plugins.0.insert("hotswap".into(), launch.plugin.clone());
    }
    for name in COMMANDS {
        context
            .runtime_authority_mut()
            .__allow_command(format!("plugin:hotswap|hotswap_{name}"), ExecutionContext::Local);
    }
    let (plugin, context) = match launch.static_manifest {
        None => tauri_plugin_hotswap::init(context),
        Some(source) => init_with_static_file(context, launch.plugin, source),
    }
    .map_err(|e| e.to_string())?;
    let app = mock_builder()
        .plugin(plugin)
        .build(context)
        .map_err(|e| e.to_string())?;
    app.listen_any("hotswap://lifecycle", |event| record::lifecycle(event.payload()));
    app.listen_any("hotswap://download-progress", |_| record::progress());
    let page = WebviewWindowBuilder::new(&app, "main", Default::default())
        .build()
        .map_err(|e| e.to_string())?;
    Ok((app, page))
}

/// The builder path of the plugin's README: all but the endpoint still comes from the config given.
fn init_with_static_file(
    context: Context<MockRuntime>,
    plugin: Value,
    source: String,
) -> Result<(HotswapPlugin<MockRuntime>, Context<MockRuntime>), Error> {
    let config: HotswapConfig = serde_json::from_value(plugin).map_err(|e| Error::Config(e.to_string()))?;
    let mut builder = HotswapBuilder::new(config.pubkey).resolver(StaticFileResolver::new(source));
    if let Some(size) = config.max_bundle_size {
        builder = builder.max_bundle_size(size);
    }
    if let Some(require) = config.require_https {
        builder = builder.require_https(require);
    }
    if let Some(policy) = config.binary_cache_policy {
        builder = builder.binary_cache_policy(policy);
    }
    if let Some(policy) = config.confirmation_policy {
        builder = builder.confirmation_policy(policy);
    }
    if let Some(policy) = config.rollback_policy {
        builder = builder.rollback_policy(policy);
    }
    if let Some(count) = config.max_retained_versions {
        builder = builder.max_retained_versions(count);
    }
    for (name, value) in config.headers.unwrap_or_default() {
        builder = builder.header(name, value);
    }
    if let Some(channel) = config.channel {
        builder = builder.channel(channel);
    }
    if let Some(retries) = config.max_retries {
        builder = builder.max_retries(retries);
    }
    builder.build(context)
}
