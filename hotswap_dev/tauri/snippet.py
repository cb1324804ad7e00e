"""What to paste: into an app's devtools to try an update before the app has any code for it, and into the app's own
code so that it reports what became of one.

The lines for the devtools talk to the plugin through `__TAURI_INTERNALS__.invoke`, which every Tauri v2 window has,
with or without `withGlobalTauri`. Devtools are open to a debug build (`tauri build --debug`), and what is typed
there is not bound by the page's CSP. A browser engine may first ask for `allow pasting`.

The command names are those of tauri-plugin-hotswap 0.0.4: `src/lib.rs` names the plugin `hotswap`,
`src/commands.rs` has the commands and `guest-js/src/index.ts` calls them in this form. They need
`hotswap:default` in the app's capability.
"""

from __future__ import annotations

import json


def devtools_line() -> str:
    """One line of JavaScript: check, and if there is an update, apply it and reload.

    It prints what it found; where the plugin refuses, the plugin's own text. It does not confirm: until the
    reload the old page runs, while the plugin already counts the update as the current one (`hotswap_apply` in
    `src/commands.rs`), so that would keep an update that nobody has seen run. Unless the new page confirms, or
    `confirm_line` is pasted into it, the app's next start goes back to the version before.
    """
    return (
        "(async h => { const u = await h('check'); if (!u.available) return console.log('no update'); "
        "console.log('applying', u.version, 'sequence', u.sequence); await h('apply'); location.reload() })"
        "(c => __TAURI_INTERNALS__.invoke('plugin:hotswap|hotswap_' + c)).catch(console.error)"
    )


def confirm_line() -> str:
    """One line of JavaScript that confirms the page it is pasted into, once that page stands: `notifyReady()`."""
    return (
        "__TAURI_INTERNALS__.invoke('plugin:hotswap|hotswap_notify_ready')"
        ".then(() => console.log('confirmed'), console.error)"
    )


def reporting_lines(site: str, id_header: str = "X-Device-Id") -> str:
    """A JavaScript module for the app's own code: its page reports each lifecycle event to `POST /api/lifecycle`.

    `site` is the client site's address as the app reaches it, `id_header` the header by which clients are told apart.
    It imports `tauri-plugin-hotswap-api` (plugin 0.0.4: guest-js/src/index.ts). The device is what the plugin itself
    sends: `getConfig()` has the headers of the config and of `configure()`. A report must never get in the app's way:
    it may fail, and only the console hears of it. `keepalive` lets the report of an apply arrive although the page
    reloads right after it.

    `reported` wraps `applyUpdate()`: for a refused signature or a failed extraction the plugin has no event, only the
    promise's rejection.

    A page with a Content Security Policy needs what `csp_source` says. On Android the WebView lets no page fetch from
    http: there `site` has to be an https address, such as a tunnel's.
    """
    url, header = (json.dumps(text) for text in (f"{site.rstrip('/')}/api/lifecycle", id_header.lower()))
    return f"""\
import {{ getConfig, onLifecycle }} from 'tauri-plugin-hotswap-api';

let device;

function report(event) {{
  return fetch({url}, {{
    method: 'POST',
    headers: {{ 'Content-Type': 'application/json' }},
    body: JSON.stringify({{ ...event, device }}),
    keepalive: true,
  }}).catch(console.warn);
}}

// Once, after configure() and before notifyReady(), whose event would be missed otherwise.
export async function reportLifecycle() {{
  const {{ headers }} = await getConfig();
  device = Object.entries(headers).find(([name]) => name.toLowerCase() === {header})?.[1];
  await onLifecycle(report);
}}

// await reported(applyUpdate(), update.sequence)
export async function reported(promise, sequence) {{
  try {{
    return await promise;
  }} catch (error) {{
    await report({{ event: 'apply-error', sequence, error: String(error) }});
    throw error;
  }}
}}
"""


def csp_source(site: str) -> str:
    """What `connect-src` of the app's `app.security.csp` has to name, so that its page may report.

    Tauri's own two are named too: a `connect-src` that is given replaces the default one.
    """
    return f"connect-src ipc: http://ipc.localhost {site.rstrip('/')}"
