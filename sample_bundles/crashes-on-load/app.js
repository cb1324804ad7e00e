// Version 3 greets you by the name you saved, and breaks for everyone who never saved one.
//
// It works on its author's machine, where localStorage has had a name for weeks. Everywhere else getItem
// gives null, and null has no `name`: the script ends at that line, the page says "Loading…" for ever,
// and notify_ready is never called. That is what the plugin waits for: at the next start of the app it
// takes this bundle away and the version before it runs again. (Until then the window stays like this:
// close the app and open it.) The same bundle is offered again at the next check, until the server
// withholds it or has something newer.
//
// Written carefully it would read: const saved = JSON.parse(localStorage.getItem("hello.settings")) ?? {};
"use strict";

const CURRENT_VERSION = "plugin:hotswap|hotswap_current_version";
const NOTIFY_READY = "plugin:hotswap|hotswap_notify_ready";

const element = (id) => document.getElementById(id);

const saved = JSON.parse(localStorage.getItem("hello.settings"));
element("greeting").textContent = `Good to see you again, ${saved.name ?? "stranger"}.`;

document.body.dataset.state = "ready";

async function start() {
  const { invoke } = window.__TAURI__?.core ?? window.__TAURI_INTERNALS__;
  const running = await invoke(CURRENT_VERSION);
  element("version").textContent = running.version ?? "built in";
  element("sequence").textContent = running.sequence;
  await invoke(NOTIFY_READY); // never reached
}

if (window.__TAURI_INTERNALS__ || window.__TAURI__) start();
