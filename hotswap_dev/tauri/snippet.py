"""What to paste into an app's devtools to try an update before the app has any code for it.

Both lines talk to the plugin through `__TAURI_INTERNALS__.invoke`, which every Tauri v2 window has, with or
without `withGlobalTauri`. Devtools are open to a debug build (`tauri build --debug`), and what is typed
there is not bound by the page's CSP. A browser engine may first ask for `allow pasting`.

The command names are those of tauri-plugin-hotswap 0.0.4: `src/lib.rs` names the plugin `hotswap`,
`src/commands.rs` has the commands and `guest-js/src/index.ts` calls them in this form. They need
`hotswap:default` in the app's capability.
"""

from __future__ import annotations


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
