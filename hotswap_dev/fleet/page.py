"""Whether a page starts. Simulated clients run no JavaScript: they look at what the page is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hotswap_dev.packing.gate import INDEX, missing_references, read_page

CRASHES = '<meta name="hotswap-dev" content="crashes">'
"""What a page carries that crashes on purpose: the sample crashes-on-load, and the poison crash-on-load."""

_MOST_READ = 1024 * 1024
_META = re.compile(r"<meta\b[^<>]*>", re.IGNORECASE)
_NAMED = re.compile(r"""\bname\s*=\s*["']?hotswap-dev(?![\w-])""", re.IGNORECASE)
_SAYING = re.compile(r"""\bcontent\s*=\s*["']?crashes(?![\w-])""", re.IGNORECASE)
_COMMENT = (re.compile(r"<!--.*?-->", re.DOTALL), re.compile("-->"))
_UNSEEN = (
    *(
        (
            re.compile(rf"<{tag}\b.*?</{tag}\s*>", re.DOTALL | re.IGNORECASE),
            re.compile(rf"</{tag}\s*>", re.IGNORECASE),
        )
        for tag in ("title", "style")
    ),
    (re.compile(r"</?(?:html|head|body|meta|link|base|!doctype)\b[^>]*>", re.IGNORECASE), re.compile(">")),
)
"""What is taken off a page, each with what it ends with."""


def starts(files: Mapping[str, bytes]) -> bool:
    """Whether the page in a bundle would come up and call notifyReady(), as far as its files tell.

    Without an index.html the app shows the page that is compiled into it, which does (plugin: assets.rs falls back to
    the embedded assets). One that shows nothing, whose scripts are not all there, or that says so itself does not.
    """
    index = files.get(INDEX)
    if index is None:
        return True
    html = _without(*_COMMENT, index[:_MOST_READ].decode("utf-8", "replace"))
    if any(_NAMED.search(meta) and _SAYING.search(meta) for meta in _META.findall(html)):
        return False
    shows = html
    for unseen in _UNSEEN:
        shows = _without(*unseen, shows)
    if not shows.strip("\ufeff \t\r\n"):
        return False
    # A page without its style is ugly, and runs.
    missing = missing_references(read_page(html), files)
    return all(_path(reference).endswith(".css") for reference in missing)


def _without(what: re.Pattern[str], ends: re.Pattern[str], html: str) -> str:
    """The page without each `what`, which `ends` with that: in time that grows with the page's length alone.

    Looked at up to the last end only. Behind it every beginning would be followed to the page's end in vain, and a page
    may be nothing but beginnings.
    """
    last = max((found.end() for found in ends.finditer(html)), default=0)
    return what.sub("", html[:last]) + html[last:]


def _path(reference: str) -> str:
    return reference.partition("#")[0].partition("?")[0].lower()
