"""The page at `/`: what somebody needs who opens the address in a browser. No JavaScript."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

from aiohttp import web

from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import Release

_NEWEST = 10


@dataclass(frozen=True, slots=True)
class SitePage:
    """What the page says beside the releases. `build_line` None: not in a Tauri project."""

    app: str
    endpoint: str
    pubkey: str
    build_line: str | None


def page(site: SitePage, controls: Controls) -> web.Response:
    """The page as it is now. Its policy lets nothing in but its own style, named by its hash."""
    return web.Response(
        text=_html(site, controls),
        content_type="text/html",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
        },
    )


def _html(site: SitePage, controls: Controls) -> str:
    newest = sorted(controls.releases, reverse=True)[:_NEWEST]
    rows = "".join(_row(controls.releases[sequence]) for sequence in newest)
    releases = (
        "<table><thead><tr><th>Sequence<th>Version<th>Channel<th>From binary<th>Files<th>Size"
        f"</thead><tbody>{rows}</tbody></table>"
        if rows
        else "<p>No release yet: the first build becomes one.</p>"
    )
    build = f"<dt>Build once</dt><dd><code>{escape(site.build_line)}</code></dd>" if site.build_line else ""
    app = escape(site.app)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{app} · hotswap-dev</title><style>{_STYLE}</style></head><body><main>
<h1>{app}</h1>
<p>This is a local update server for apps that use <b>tauri-plugin-hotswap</b>. It is for development only.</p>
<dl><dt>Endpoint</dt><dd><code>{escape(site.endpoint)}</code></dd>
<dt>Public key</dt><dd><code>{escape(site.pubkey)}</code></dd>{build}</dl>
<h2>Newest releases</h2>
{releases}
</main></body></html>
"""


def _row(release: Release) -> str:
    cells = (
        release.sequence,
        escape(release.version),
        escape(release.channel),
        escape(release.min_binary_version),
        release.bundle.files,
        f"{release.bundle.size / 1000:,.0f} kB",
    )
    return f"<tr>{''.join(f'<td>{cell}' for cell in cells)}</tr>"


_STYLE = """
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5d6678;--line:#d9dee8;--paper:#fff;--code:#f2f4f9}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebf2;--soft:#9aa4b8;--line:#303747;--paper:#14171f;--code:#1f2430}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:52rem;margin:3rem auto;padding:0 1.25rem}
h1{font-size:2rem;margin:0 0 .5rem}h2{margin-top:2.5rem}
dt{color:var(--soft);margin-top:1rem}dd{margin:0}
code{display:block;background:var(--code);border-radius:.4rem;padding:.5rem .75rem;overflow-x:auto;font-size:.9rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:500}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
