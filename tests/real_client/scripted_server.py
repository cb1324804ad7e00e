"""A server that answers with what a test puts into it, and keeps what it was asked."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from minisign import KeyPair

from tests.real_client.answers import MANIFEST

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class ScriptedServer:
    """`check` and `download` may be swapped at any time; any path with a dot in its name is a download."""

    origin: str = ""
    check: Handler | None = None
    download: Handler | None = None
    checks: list[str] = field(default_factory=list)
    """Path and query of each check, in order."""
    downloads: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    """Of each request, in order."""

    @property
    def endpoint(self) -> str:
        return f"{self.origin}/check/{{{{current_sequence}}}}"

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/check/{rest:.*}", self._checked)
        application.router.add_route("*", "/files/{rest:.*}", self._downloaded)
        return application

    def offer(self, bundle: bytes, signature: str, name: str = "bundle.tar.gz", **fields: Any) -> None:
        """Answer each check with a manifest for these bytes, and each download with them."""
        manifest = {**MANIFEST, "url": f"{self.origin}/files/{name}", "signature": signature, **fields}
        self.check = answering(200, json.dumps(manifest).encode())
        self.download = answering(200, bundle, "application/octet-stream")

    async def _checked(self, request: web.Request) -> web.StreamResponse:
        self.checks.append(request.path_qs)
        self.headers.append(request.headers)
        assert self.check is not None
        return await self.check(request)

    async def _downloaded(self, request: web.Request) -> web.StreamResponse:
        self.downloads.append(request.path_qs)
        self.headers.append(request.headers)
        assert self.download is not None
        return await self.download(request)


def answering(status: int, body: bytes = b"", content_type: str = "application/json") -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=content_type)

    return answer


async def resetting(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def cut_short(body: bytes, announced: int) -> Handler:
    """Announce more bytes than are sent, then close."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(announced)})
        await response.prepare(request)
        await response.write(body)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def signed(key: KeyPair, content: bytes, *, prehash: bool = True) -> str:
    """The raw four lines of a minisign signature."""
    lines = bytes(key.secret_key.sign(content, prehash=prehash))
    return lines.decode()


def public_line(key: KeyPair) -> str:
    """The `RW…` line that belongs into `pubkey`."""
    line = bytes(key.public_key.to_base64())
    return line.decode()


def in_base64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def tar_gz(files: Mapping[str, str], links: Mapping[str, str] | None = None) -> bytes:
    """An archive with these names as they are, be they evil; `links` are symbolic."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
        for name, to in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, to
            archive.addfile(entry)
    return gzip.compress(target.getvalue())


def zipped(files: Mapping[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()
