"""`pack`, `verify` and `api`: bundles without a server, and the server without a dashboard."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hotswap_dev import wire
from hotswap_dev.cli.lines import size
from hotswap_dev.cli.options import WHERE, control, parameters, settle
from hotswap_dev.cli.serving.signing_key import open_key
from hotswap_dev.domain.model import MAX_SEQUENCE, Format
from hotswap_dev.errors import HotswapError, UsageError

_PACK_SETTINGS = (*WHERE, "key", "format", "app-version", "min-binary-version", "production-key")


@click.command(params=parameters(_PACK_SETTINGS))
@click.argument("dist", required=False, metavar="[DIST]")
@click.option("--out", "-o", "folder", required=True, metavar="DIR", help="where the three files go")
@click.option("--name", help="their name without ending (default: the version)")
@click.option("--sequence", default="1", metavar="N", help="the sequence in the .json (default: 1)")
@click.option("--url", default=None, help="the url in the .json (default: the file's name, to be replaced)")
@click.option("--notes", help="release notes in the .json")
def pack(
    dist: str | None,
    folder: str,
    name: str | None,
    sequence: str,
    url: str | None,
    notes: str | None,
    **flags: Any,
) -> None:
    """Pack DIST, sign it, and write NAME.tar.gz, NAME.tar.gz.minisig and NAME.json (a manifest)."""
    from hotswap_dev.domain.model import SAME_AS_CLIENT, Manifest
    from hotswap_dev.packing.archive import Packer, TreeMoved
    from hotswap_dev.packing.signing import trusted_comment, verify
    from hotswap_dev.packing.tree import scan

    settings = settle({**flags, "dist": dist})
    if settings.dist is None:
        raise UsageError("there is no build folder to pack", "name it: hotswap-dev pack dist -o out")
    if not (re.fullmatch("[0-9]{1,20}", sequence) and 0 < int(sequence) <= MAX_SEQUENCE):
        raise UsageError(
            f"--sequence is {sequence!r}", f"expected is a whole number from 1 to {MAX_SEQUENCE}"
        )
    opened = open_key(settings, os.environ)
    version = f"{settings.app_version}-ota.{sequence}"
    name = name or version
    if "/" in name or os.sep in name or name.startswith("."):
        raise UsageError(f"--name is {name!r}", "expected is a file's name without folder and ending")
    out = Path(folder)
    if out.resolve().is_relative_to(settings.dist.resolve()):
        raise UsageError(f"-o {folder} lies in {settings.dist}, which is packed", "name a folder outside it")
    out.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    packer = Packer()
    found = scan(settings.dist)
    for warning in found.warnings:
        click.echo(f"{click.style('!', fg='yellow')} {warning.path}: {warning.detail}", err=True)
    packed = packer.pack(found, format=settings.format, into=out)
    try:
        archive = out / f"{name}.{settings.format}"
        signature = opened.key.sign(packed.path, comment=trusted_comment(archive.name, now))
        packer.verify(packed)
        if scan(settings.dist) != found:
            raise TreeMoved(f"{settings.dist} changed while it was packed")
        verify(packed.path, signature, opened.key.public_key)
        minimum = settings.min_binary_version
        manifest = Manifest(
            version=version,
            sequence=int(sequence),
            min_binary_version=settings.app_version if minimum in (None, SAME_AS_CLIENT) else str(minimum),
            url=url or archive.name,
            signature=signature,
            notes=notes,
            pub_date=wire.rfc3339(now),
            bundle_size=packed.size,
        )
        # The archive last: whoever finds it finds its signature too.
        (out / f"{archive.name}.minisig").write_text(signature, encoding="utf-8", newline="\n")
        (out / f"{name}.json").write_bytes(wire.encode_manifest(manifest) + b"\n")
        packed.path.replace(archive)
    finally:
        packed.path.unlink(missing_ok=True)
    click.echo(f"{archive}  {size(packed.size)}, {len(packed.files)} files, key {opened.key.short}")
    click.echo(f"pubkey {opened.key.public_key}", err=True)


@click.command(params=parameters((*WHERE, "key")))
@click.argument("file", metavar="FILE")
@click.option("--signature", metavar="FILE", help="default: FILE.minisig")
@click.option("--pubkey", metavar="RW…", help="line or file (default: the public half of the key in use)")
def verify(file: str, signature: str | None, pubkey: str | None, **flags: Any) -> None:
    """Judge a bundle as a client does: signature, archive, index.html. Exit 1 if it would refuse it."""
    from hotswap_dev.packing.signing import parse_public_key
    from hotswap_dev.packing.signing import verify as verify_signature
    from hotswap_dev.packing.verify import verify_archive

    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {path}", "name the archive, not its signature")
    # The plugin goes by the address, lower-cased (plugin: updater.rs).
    kind: Format = "zip" if file.lower().endswith(".zip") else "tar.gz"
    text = _read(Path(signature) if signature else path.with_name(f"{path.name}.minisig"))
    if pubkey is not None:
        given = Path(pubkey)
        line = parse_public_key(_read(given) if given.is_file() else pubkey)
    else:
        line = open_key(settle(flags), os.environ, make=False).key.public_key
    verify_signature(path, text, line)
    files = verify_archive(path, kind)
    if "index.html" not in {name for name, _, _ in files}:
        raise HotswapError(
            f"{path} has no index.html",
            "a client applies it and goes on showing its old page",
            code="no-index",
        )
    click.echo(f"{path}  good: {len(files)} files, signed by key {line[-4:]}")


@click.command(params=parameters(WHERE))
@click.argument("method_or_path", metavar="[METHOD] PATH")
@click.argument("path", required=False, metavar="")
@click.option("--data", "-d", help="the body, JSON; alone it makes the request a POST")
def api(method_or_path: str, path: str | None, data: str | None, **where: Any) -> None:
    """Ask the running server's control site, with its address and token added; prints the body.

    Paths: /api/state, /api/events, /api/checks, /api/history, /api/releases, /api/clients, /api/why?client=ID,
    /api/faults (what can be armed), /api/commands (what can be asked), /api/commands/NAME (to ask it, with the
    arguments as a JSON object in -d; NAME?dry_run=1 only says what would change).

    \b
    hotswap-dev api /api/state
    hotswap-dev api POST /api/commands/publish -d '{"notes": "hello"}'
    """  # noqa: D301 - click's mark for lines that stay as they are
    method = method_or_path if path is not None else ("POST" if data is not None else "GET")
    target = path if path is not None else method_or_path
    site = control(where)
    if target.partition("?")[0].rstrip("/").endswith("/api/events"):
        for text in site.lines(target):
            click.echo(text)
        return
    body = data.encode() if data is not None else (b"{}" if method.upper() != "GET" else None)
    click.echo(site.request(method.upper(), target, body))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"{path} can't be read: {why}", "give it with --signature or --pubkey") from None
