"""What a frame of the wall is served: one release's files, each release at a host name of its own.

The host is `s14-NAME.localhost`, so that a build's absolute addresses (`/assets/x.js`) lead to its own files by
themselves, and `location.pathname` is what it is in an app. A path such as `/preview/14/` could do neither: a frame
without an origin of its own sends no Referer (Referrer Policy §8.4), so nothing would tell whose `/assets/x.js` is
asked for. Browsers take every name under `localhost` for this machine without asking anybody (RFC 6761 §6.3). NAME is
the release's alone: a page that knows its own host can't lead its frame to another release's, under a wrong caption.

A page here is hostile until shown otherwise. Whatever it tries, it has no origin (`sandbox`), loads and asks for
nothing over HTTP but the files of its own bundle, and is framed by the wall alone. What no policy of today's browsers
stops is WebRTC: a page may send packets of that protocol to any address, as any web page may, and read no HTTP by it.
"""

from __future__ import annotations

import hmac
import html
import re
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import PurePosixPath

from aiohttp import web

from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.server.wall.opened import CannotShow, OpenBundles

_LABEL = re.compile(r"s(0|[1-9][0-9]{0,19})-([0-9a-z]+)\.localhost")

_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".htm": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "text/xml; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
"""Not the system's: Windows' registry may say text/plain of a script, and no browser would run it."""

_FOR_GOOD = "private, max-age=86400, immutable"
"""Sixty frames with one page need its files once, in a browser that keeps them for frames without an origin: Firefox
does, Chromium keeps the page alone."""

_AT_ONCE = 64 * 1024
_NAME_LENGTH = 24

_ANY = "application/octet-stream"
_DOCUMENTS = ("document", "iframe", "frame")
_NOTHING_OF_THE_MACHINE = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "bluetooth", "camera", "clipboard-read", "clipboard-write"),
        *("display-capture", "encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid"),
        *("idle-detection", "local-fonts", "magnetometer", "microphone", "midi", "payment"),
        *(
            "picture-in-picture",
            "publickey-credentials-get",
            "screen-wake-lock",
            "serial",
            "usb",
            "web-share",
        ),
        "xr-spatial-tracking",
    )
)

_PLACEHOLDER = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title>
<style>
body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; text-align: center; padding: 32px;
  box-sizing: border-box; font: 22px/1.4 system-ui, sans-serif; background: Canvas; color: CanvasText; }}
h1 {{ font-size: 30px; margin: 0 0 12px; }} p {{ margin: 0; opacity: .75; overflow-wrap: anywhere; }}
</style>
<h1>{title}</h1><p>{text}</p></html>
"""


class Previews:
    """The previews' hosts. `key` makes each name one that nobody can guess; `port` is the wall's."""

    def __init__(
        self, controls: Callable[[], Controls], bundles: OpenBundles, *, key: str, port: int
    ) -> None:
        self._controls = controls
        self._bundles = bundles
        self._key = key.encode()
        self._port = port

    def address(self, sequence: int) -> str:
        """Where the page of this sequence is; of 0, an address at which there is none but that answers."""
        return f"http://{self._host(sequence)}:{self._port}/"

    def sequence_of(self, host: str) -> int | None:
        """The sequence whose host this is (of `guard.host_of`); None for any other name."""
        found = _LABEL.fullmatch(host)
        if found is None or (sequence := int(found[1])) > MAX_SEQUENCE:
            return None
        return sequence if hmac.compare_digest(found[2], self._name(sequence)) else None

    async def answer(self, request: web.Request, sequence: int) -> web.Response:
        """A file of a release's bundle, or a page that says why there is none."""
        if request.method not in ("GET", "HEAD"):
            raise web.HTTPMethodNotAllowed(request.method, ("GET", "HEAD"))
        return self._dressed(await self._found(request, sequence), sequence)

    async def _found(self, request: web.Request, sequence: int) -> web.Response:
        if sequence == 0:
            return web.Response(status=204)
        release = self._controls().releases.get(sequence)
        if release is None:
            return _page("Not from here", f"This server has no release {sequence}.", status=404)
        try:
            files = await self._bundles.files(release.bundle)
        except CannotShow as error:
            return _page(f"{sequence} can't be shown", error.message, status=404)
        path = request.path.lstrip("/")
        asks_for_a_page = request.headers.get("Sec-Fetch-Dest") in _DOCUMENTS
        if path not in files and (not path or asks_for_a_page):
            path = "index.html"  # as Tauri has it of any path that no file has
        if path in files:
            kind = _TYPES.get(PurePosixPath(path).suffix.lower(), _ANY)
            return _file(files[path], kind)
        if asks_for_a_page:
            return _page("No index.html", "An app shows its embedded page in its place.", status=404)
        return web.Response(status=404, text="not in this bundle\n")

    def _dressed(self, response: web.Response, sequence: int) -> web.Response:
        own = f"http://{self._host(sequence)}:{self._port}"
        response.headers.update(
            {
                "Content-Security-Policy": _policy(own, self._port),
                "Permissions-Policy": _NOTHING_OF_THE_MACHINE,
                # A module, a font and a fetch of a page without an origin are asked for with `Origin: null`. Who may
                # read is no question: what is here is one bundle, which any client of this server may download.
                "Access-Control-Allow-Origin": "*",
                "Cross-Origin-Resource-Policy": "cross-origin",
                "X-Content-Type-Options": "nosniff",
                "X-DNS-Prefetch-Control": "off",
                "Referrer-Policy": "no-referrer",
                # A name of this run and a sequence: it never means other bytes.
                "Cache-Control": _FOR_GOOD if response.status == 200 else "no-store",
            }
        )
        return response

    def _host(self, sequence: int) -> str:
        return f"s{sequence}-{self._name(sequence)}.localhost"

    def _name(self, sequence: int) -> str:
        return hmac.new(self._key, str(sequence).encode(), "sha256").hexdigest()[:_NAME_LENGTH]


def _file(content: bytes, kind: str) -> web.Response:
    """A file as the answer. A large one goes out in pieces, as fast as it is read: what a connection is handed whole it
    copies whole, for each of a wall's frames.
    """
    headers = {"Content-Type": kind, "Content-Length": str(len(content))}
    return web.Response(body=content if len(content) <= _AT_ONCE else _pieces(content), headers=headers)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), _AT_ONCE):
        yield content[begin : begin + _AT_ONCE]


def _policy(own: str, port: int) -> str:
    """What a page in a frame may do: run, and use the files of its own bundle.

    `frame-src 'none'` and the sandbox keep it from opening anything; where it may lead its own frame is for the wall's
    `frame-src` to say. `webrtc` (CSP3 §6.3.2) is asked for in vain of Chromium, so far.
    """
    return (
        "sandbox allow-scripts; default-src 'none'; "
        f"script-src {own} blob: 'unsafe-inline' 'unsafe-eval'; style-src {own} 'unsafe-inline'; "
        f"img-src {own} data: blob:; font-src {own} data:; media-src {own} data: blob:; connect-src {own}; "
        "worker-src blob:; frame-src 'none'; object-src 'none'; manifest-src 'none'; base-uri 'none'; "
        f"form-action 'none'; webrtc 'block'; frame-ancestors http://127.0.0.1:{port} http://localhost:{port}"
    )


def _page(title: str, text: str, *, status: int) -> web.Response:
    body = _PLACEHOLDER.format(title=html.escape(title), text=html.escape(text))
    return web.Response(status=status, text=body, content_type="text/html")
