"""Public pages as they were drawn last: their parts between head and foot, kept on disk until something changes.

Derived, like the search index and compiled templates: throw the folder away and every page is drawn anew.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

BETWEEN = "\0"  # names and texts; no HTML holds it
QUICK = 1  # of zlib: a page is packed once and unpacked for many readers


def fingerprint(files: Iterable[Path], *more: object) -> str:
    """What pages are drawn with besides the content: code, templates, sentences, settings."""
    whole = hashlib.sha256(repr(more).encode())
    for path in sorted(files):
        content = path.read_bytes()
        whole.update(f"{path.name} {len(content)} ".encode() + content)
    return whole.hexdigest()[:20]


class DrawnPages:
    """One file a page; each says with what and from which state of the content it was drawn, and is good for that alone.

    All workers of a machine share them, and so does the next start. A page that is drawn anew takes the place of the
    one before, so there are never more files than pages.
    """

    def __init__(self, folder: Path, drawn_with: str) -> None:
        """`folder` must be the site's own: what lies there is shown as it is. `drawn_with` is a fingerprint()."""
        self._folder, self._drawn_with = folder, drawn_with

    def _path(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode()).hexdigest()
        return self._folder / digest[:2] / digest[2:34]

    def _head(self, state: str) -> bytes:
        return f"{self._drawn_with} {state}".encode()

    def find(self, name: str, state: str) -> dict[str, str] | None:
        """The parts of a page if they were drawn from this state; a damaged file is none."""
        try:
            head, _line, packed = self._path(name).read_bytes().partition(b"\n")
            if head != self._head(state):
                return None
            said = zlib.decompress(packed).decode().split(BETWEEN)
        except (OSError, zlib.error, ValueError):
            return None
        return dict(zip(said[::2], said[1::2], strict=True))

    def keep(self, name: str, state: str, parts: dict[str, str]) -> None:
        """Put a page in the place of its last one, if there is room; a full disk is no matter."""
        path = self._path(name)
        fresh = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        said = [text for named in parts.items() for text in named]
        if any(BETWEEN in text for text in said):
            return
        packed = zlib.compress(BETWEEN.join(said).encode(), QUICK)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(self._head(state) + b"\n" + packed)
            fresh.replace(path)
        except OSError:
            with suppress(OSError):
                fresh.unlink()
