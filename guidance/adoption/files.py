"""Uploaded files that wait for their confirmation, for a day at most."""

from __future__ import annotations

import time
from pathlib import Path

_KEPT_SECONDS = 24 * 3600


def waiting_room(data: Path) -> Path:
    """The folder of files that were checked and not yet stored."""
    folder = data / "uploads" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(data: Path, digest: str, content: bytes) -> None:
    """Keep a file under its digest until it is confirmed; forget those of yesterday."""
    folder = waiting_room(data)
    for path in folder.iterdir():
        if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
            path.unlink(missing_ok=True)
    (folder / digest).write_bytes(content)
