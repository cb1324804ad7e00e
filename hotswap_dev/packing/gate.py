"""Whether a scanned folder is a whole frontend: a non-empty index.html, and every file that it starts with.

Build tools empty their folder, are silent for seconds, and write on (facts 5): no waiting time tells a
half-written build from a finished one, its content does. This looks at index.html alone. What a script loads
later is not known here, and what may be packed is `tree`'s to say.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote, urljoin, urlsplit

from hotswap_dev.packing.tree import Scan

__all__ = ["INDEX", "Gate", "Page", "gate", "inline_scripts", "missing_references", "read_page"]

INDEX = "index.html"
"""What the plugin's pages start with (facts 1: any other path that is absent is answered with it)."""

MOST_READ = 16 * 1024 * 1024
"""Bytes of index.html that are looked at; more is a single-file build, whose references stand at the top."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Open (no code), or closed and why.

    `code` is `no-index`, `empty-index`, `unreadable-index` or `missing-reference`; `missing` are the
    references of index.html without their file, as index.html writes them. `inline_scripts` counts what an app
    with a content security policy will not run (facts 1).
    """

    code: str = ""
    detail: str = ""
    missing: tuple[str, ...] = ()
    inline_scripts: int = 0

    @property
    def is_open(self) -> bool:
        """True when the folder may be offered as it stands."""
        return not self.code


@dataclass(frozen=True, slots=True)
class Page:
    """What an index.html asks for: `script[src]` and `link[rel~=stylesheet|modulepreload][href]`, in order."""

    base: str = ""
    references: tuple[str, ...] = ()
    inline_scripts: int = 0


def gate(scan: Scan) -> Gate:
    """Judge a scan: the only file read is index.html, and never anything but a regular file.

    What index.html says may be newer than the scan. Whoever acts on an open gate scans again and finds the
    two equal, or starts over.
    """
    if INDEX not in scan.files:
        other = next((path for path in scan.files if path.lower() == INDEX), None)
        hint = f"; {other} is not it: names are case-sensitive on devices" if other else ""
        return Gate("no-index", f"there is no {INDEX} at the top of {scan.root.name or scan.root}{hint}")
    try:
        content = _read(os.path.join(scan.root, INDEX))  # noqa: PTH118 (43,000 files: this room stays on os)
    except FileNotFoundError:
        return Gate("no-index", f"{INDEX} went away while it was looked at")
    except OSError as error:
        return Gate("unreadable-index", f"{INDEX} can't be read: {error.strerror or error}")
    html = _decoded(content)
    if not html.strip():
        return Gate("empty-index", f"{INDEX} is empty")
    page = read_page(html)
    missing = missing_references(page, scan.files)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return Gate(
            "missing-reference",
            f"{INDEX} asks for {missing[0]}{more}, which is not there",
            missing,
            page.inline_scripts,
        )
    return Gate(inline_scripts=page.inline_scripts)


def missing_references(page: Page, files: Mapping[str, object] | Set[str]) -> tuple[str, ...]:
    """The references of a page whose file is not among `files` (paths relative to the root, with `/`).

    Compared percent-decoded, without query and fragment, and case-sensitively; a folder of that name is no
    file. Other origins and `data:` are nobody's to wait for. A page that was built for a sub-path
    (`base: '/app/'`) asks for `/app/x.js` where the folder has `x.js`: a path with which every reference from
    the site's root starts, and which the folder does not have, counts as that base and is taken off.
    """
    local = [(text, path) for text in page.references if (path := _local(page.base, text)) is not None]
    missing = tuple(text for text, path in local if path not in files)
    if not missing:
        return ()
    rooted = [path for text, path in local if page.base or text.startswith("/")]
    for base in _common_folders(rooted):
        if any(path.startswith(base) for path in files):
            break  # the folder has such a folder itself: these paths mean what they say
        without = tuple(
            text for text, path in local if (path.removeprefix(base) if path in rooted else path) not in files
        )
        if len(without) < len(missing):
            missing = without
    return missing


def read_page(html: str) -> Page:
    """What a page asks for, however broken its markup: browsers show such pages too.

    An own walk over the tags, as the standard library's parser raises on `<![`, takes quadratic time over
    unclosed tags and comments, and changes its mind on titles from one Python to the next.
    """
    base: str | None = None
    references: list[str] = []
    inline = 0
    for tag, said, text in _start_tags(html):
        if tag == "script":
            if "src" in said:
                references.append(_trimmed(said["src"]))
            elif text.strip() and _runs(said.get("type", "")):
                inline += 1
        elif tag == "link" and _LOADED_AT_ONCE & set(said.get("rel", "").lower().split()):
            references.append(_trimmed(said.get("href", "")))
        elif tag == "base" and base is None and "href" in said:
            base = _trimmed(said["href"])
    return Page(base or "", tuple(dict.fromkeys(filter(None, references))), inline)


def inline_scripts(html: str) -> int:
    """How many scripts of a page stand in the page itself; with any `app.security.csp` none of them runs."""
    return read_page(html).inline_scripts


def _local(base: str, reference: str) -> str | None:
    """The path, relative to the root, that a reference of index.html means; None for another origin's."""
    here = "http://page.invalid/"
    try:
        url = urlsplit(urljoin(urljoin(here, base), reference))
    except ValueError:  # `http://[`: no browser asks anyone for it
        return None
    if (url.scheme, url.netloc) != ("http", "page.invalid"):
        return None
    return unquote(url.path).removeprefix("/")


def _common_folders(paths: Sequence[str]) -> list[str]:
    """The folders that all paths have in common, the shortest first: `app/`, `app/assets/`."""
    folders: list[str] = []
    for parts in zip(*(path.split("/")[:-1] for path in paths), strict=False):
        if len(set(parts)) > 1:
            break
        folders.append((folders[-1] if folders else "") + parts[0] + "/")
    return folders


_LOADED_AT_ONCE = {"stylesheet", "modulepreload"}
_TEXT_ONLY = {"script", "style", "title", "textarea", "iframe", "noembed", "noframes", "xmp"}
_OPENING = re.compile(r"<(?:(!--)|([!?/])|([A-Za-z][^\s/>]*))")
_COMMENT_END = re.compile(r"--!?>")
_BETWEEN_ATTRIBUTES = re.compile(r"[\s/]*")
_ATTRIBUTE_NAME = re.compile(r"=?[^\s/>=]*")
_EQUALS = re.compile(r"\s*=\s*")
_BARE_VALUE = re.compile(r"[^\s>]*")


def _start_tags(html: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Every start tag that a browser would see: name, attributes, and the text of those that hold only text.

    Follows the HTML standard's tokenizer as far as tags go, in one pass; a tag or comment that never ends
    swallows the rest, as there.
    """
    at = 0
    while opening := _OPENING.search(html, at):
        comment, other, name = opening.groups()
        if comment:  # `<!-->` and `<!--->` are whole comments
            end = _COMMENT_END.search(html, opening.end() - 2)
            if end is None:
                return
            at = end.end()
        elif other:  # an end tag, a doctype, `<?…>`, `<![…]>`: over at the next `>`
            at = html.find(">", opening.end()) + 1
            if not at:
                return
        else:
            tag = name.lower()
            said, at = _attributes(html, opening.end())
            if not at:
                return
            text = ""
            if tag in _TEXT_ONLY:
                closing = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(html, at)
                stop = closing.start() if closing else len(html)
                text, at = html[at:stop], stop
            yield tag, said, text


def _attributes(html: str, at: int) -> tuple[dict[str, str], int]:
    """The attributes from `at` on, and where the tag's `>` is behind us; 0 where it has none."""
    said: dict[str, str] = {}
    while True:
        at = _end_of(_BETWEEN_ATTRIBUTES, html, at)
        if at >= len(html):
            return said, 0
        if html[at] == ">":
            return said, at + 1
        end = _end_of(_ATTRIBUTE_NAME, html, at)
        name, at, value = html[at:end].lower(), end, ""
        if equals := _EQUALS.match(html, at):
            at = equals.end()
            quote = html[at : at + 1]
            if quote in {'"', "'"}:
                end = html.find(quote, at + 1)
                if end < 0:
                    return said, 0
                value, at = html[at + 1 : end], end + 1
            else:
                end = _end_of(_BARE_VALUE, html, at)
                value, at = html[at:end], end
        said.setdefault(name, unescape(value))  # of two equal names the first counts


def _end_of(pattern: re.Pattern[str], html: str, at: int) -> int:
    found = pattern.match(html, at)
    return found.end() if found else at


def _runs(type_: str) -> bool:
    """True for the types of a script that a browser executes (HTML, "prepare the script element")."""
    essence = type_.strip().lower()
    return essence in {"", "module", "importmap"} or essence.endswith(("javascript", "ecmascript"))


def _trimmed(url: str) -> str:
    """A URL as a browser takes it from an attribute: without surrounding blanks and inner line ends."""
    return re.sub(r"[\t\n\r]", "", url.strip("".join(map(chr, range(0x21)))))


def _read(path: str) -> bytes:
    """A regular file's bytes; anything else is an OSError, and a pipe never holds us up."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        look = os.fstat(handle)
        if not stat.S_ISREG(look.st_mode):
            raise OSError(0, "it is not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(MOST_READ)
    finally:
        os.close(handle)


def _decoded(content: bytes) -> str:
    """HTML as text: a byte order mark, else UTF-8, else what the page declares, else Windows-1252."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        declared = re.search(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", content[:1024])
        name = declared[1].decode("ascii") if declared else "windows-1252"
        try:
            return content.decode(name, "replace")
        except (LookupError, ValueError):
            return content.decode("windows-1252", "replace")
