// What a page needs to update itself with tauri-plugin-hotswap, and nothing more. Copy what you like.
//
// The one rule that is easy to break: notify_ready says "the page that runs now is good, keep it".
// Call it from the NEW page, once that page stands: see start(). Never call it between apply and
// reload. The old page still runs there, but the plugin already counts the new bundle as the current
// one: the call would confirm a bundle that nobody has seen run, and a broken one would no longer be
// rolled back at the next start.
"use strict";

const CHECK = "plugin:hotswap|hotswap_check";
const APPLY = "plugin:hotswap|hotswap_apply";
const CURRENT_VERSION = "plugin:hotswap|hotswap_current_version";
const NOTIFY_READY = "plugin:hotswap|hotswap_notify_ready";

const tauri = window.__TAURI__; // only where the app's config says "withGlobalTauri": true
const internals = window.__TAURI_INTERNALS__; // in every Tauri window, and in no browser

/** Send a command to the Rust side. A refused one rejects with the plugin's error text. */
function invoke(command, args) {
  return tauri ? tauri.core.invoke(command, args) : internals.invoke(command, args);
}

/** Hear what the Rust side emits. It needs `core:default` in the app's capability. */
function listen(event, handler) {
  const listening = tauri
    ? tauri.event.listen(event, handler)
    : invoke("plugin:event|listen", {
        event,
        target: { kind: "Any" },
        handler: internals.transformCallback(handler),
      });
  // Without the permission an update works all the same; its progress just can't be seen.
  listening.catch((error) => console.info(`no events of ${event}: ${error}`));
}

const element = (id) => document.getElementById(id);
let offer = null; // what the last check found: {version, sequence, notes, mandatory, bundle_size}

/** Show one of: starting, checking, applying (all busy), ready, available, failed. */
function show(state, text, error = "") {
  document.body.dataset.state = state;
  element("status").textContent = text;
  element("error").textContent = error;
  element("download").hidden = state !== "applying";
  const busy = state === "starting" || state === "checking" || state === "applying";
  // aria-disabled instead of disabled: a keyboard user keeps the focus on the button just pressed.
  element("check").setAttribute("aria-disabled", String(busy));
  element("apply").setAttribute("aria-disabled", String(busy || offer === null));
}

const failed = (what, error) => show("failed", what, String(error?.message ?? error));

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function describe({ version, sequence, bundle_size, mandatory, notes }) {
  const facts = [`sequence ${sequence}`];
  if (bundle_size !== null) facts.push(size(bundle_size));
  if (mandatory) facts.push("mandatory");
  return `${version} is available (${facts.join(", ")}).${notes ? ` ${notes}` : ""}`;
}

async function start() {
  if (!tauri && !internals) {
    document.body.dataset.state = "outside"; // the page says so, and its buttons stay off
    return;
  }
  show("starting", "Asking the app what runs…");
  try {
    const running = await invoke(CURRENT_VERSION);
    element("version").textContent = running.version ?? "built in";
    element("sequence").textContent = running.sequence;
    element("binary").textContent = running.binary_version || "no version";

    // The page stands: its files are loaded, its code runs, the plugin answers and the result is drawn.
    // A real app calls this after its first screen is up. This is the only place that may confirm.
    await invoke(NOTIFY_READY);

    const confirmed = "This update is confirmed. It stays after a restart.";
    show("ready", running.active ? confirmed : "This is the page built into the app.");
  } catch (error) {
    failed("This page could not be confirmed.", error);
  }
}

async function check() {
  offer = null;
  show("checking", "Checking…");
  try {
    const found = await invoke(CHECK);
    if (found.available) offer = found;
    if (offer) show("available", describe(offer));
    else show("ready", "No update for this app right now.");
  } catch (error) {
    failed("The check failed.", error);
  }
}

async function apply() {
  progress({ downloaded: 0, total: offer.bundle_size });
  show("applying", "Downloading…");
  try {
    await invoke(APPLY);
    // From here to the reload this is the old page on top of the new bundle: nothing else belongs here.
    location.reload();
  } catch (error) {
    failed("The update was not applied.", error);
  }
}

/** One step of a download; `total` is null where the server names no length. */
function progress({ downloaded, total }) {
  const bar = element("bar");
  if (total) {
    bar.max = total;
    bar.value = downloaded;
  } else {
    bar.removeAttribute("value"); // a bar without a value shows that something moves
  }
  element("amount").textContent = total ? `${size(downloaded)} of ${size(total)}` : size(downloaded);
}

function lifecycle({ event }) {
  // An event may arrive after apply's own answer, or be about another window: it must not hide an error.
  if (document.body.dataset.state !== "applying") return;
  if (event === "download-complete") show("applying", "Signature is good. Unpacking…");
  if (event === "apply") show("applying", "Applied. Reloading…");
}

function onPress(id, action) {
  element(id).addEventListener("click", () => {
    if (element(id).getAttribute("aria-disabled") !== "true") action();
  });
}

onPress("check", check);
onPress("apply", apply);
if (tauri || internals) {
  listen("hotswap://download-progress", (message) => progress(message.payload));
  listen("hotswap://lifecycle", (message) => lifecycle(message.payload));
}
start();
