"""Faults of a bundle itself. Arming one publishes a poisoned release: a validly signed bad copy (design §7)."""

from __future__ import annotations

from typing import ClassVar

from hotswap_dev.domain.faults.registry import Fault, Stage


class BundleFault(Fault, frozen=True):
    """A fault that lies in the archive: it is offered until it is disarmed, and the signature fits."""

    stage: ClassVar[Stage] = "bundle"
    standing: ClassVar[bool] = True


class PathTraversal(BundleFault, frozen=True):
    """The archive has an entry `../evil`."""

    summary = "An entry that leads out of the folder: ../evil"


class AbsolutePath(BundleFault, frozen=True):
    """The archive has an entry `/tmp/evil`."""

    summary = "An entry with an absolute path: /tmp/evil"


class NotGzip(BundleFault, frozen=True):
    """The archive is no gzip stream."""

    summary = "An archive that is no gzip"


class SecondGzipMember(BundleFault, frozen=True):
    """All files but index.html stand in a second gzip member, which the plugin never reads."""

    summary = "Files in a second gzip member, which is never read"


class Symlinks(BundleFault, frozen=True):
    """All files but index.html are symbolic links, which the plugin skips in silence."""

    summary = "Files as symbolic links, which are skipped in silence"


class NoIndex(BundleFault, frozen=True):
    """The archive has no index.html: the app shows its embedded one."""

    summary = "No index.html: the app shows its embedded one"


class BlankPage(BundleFault, frozen=True):
    """An index.html that shows nothing and never calls notifyReady()."""

    summary = "A page that shows nothing and never says that it is ready"


class CrashOnLoad(BundleFault, frozen=True):
    """An index.html whose script throws before notifyReady()."""

    summary = "A page that crashes before it says that it is ready"
