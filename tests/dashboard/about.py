"""What a server says of itself, where a test does not care: on loopback, in a project that builds to `production`."""

from __future__ import annotations

from hotswap_dev import wire

ABOUT = wire.About(
    app="my-app",
    version="0.1.0",
    site="http://127.0.0.1:3333",
    endpoint="http://127.0.0.1:3333/api/ota/{{current_sequence}}",
    addresses=("http://127.0.0.1:3333",),
    pubkey="RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
    key_id="3FqA",
    production_key=False,
    workspace="my-app/.hotswap-dev",
    dist="my-app/dist",
    overlays=("my-app/.hotswap-dev/tauri.dev.conf.json", "my-app/.hotswap-dev/tauri.mobile.conf.json"),
    build_line="npm run tauri build -- --debug --no-bundle -c .hotswap-dev/tauri.dev.conf.json",
    watch_line="npx vite build --watch",
    devtools_line="(async h => h)",
    host_is_loopback=True,
    channel_configured="production",
)
