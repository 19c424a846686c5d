"""Files of official records that editors upload: taken by their content, kept under their fingerprint."""

import gzip
import hashlib
import json
import os
import re
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from guidance.catalogue import imports
from guidance.catalogue.imports import Change, Rejected, unpack
from guidance.catalogue.models import Procedure, RecordVersion
from guidance.db import db
from guidance.errors import NotFound, UserError

PIECE = 64 * 1024
MOST_UNPACKED = 120 * 1024 * 1024
MOST_LINES = 20_000
SHOWN_CHANGES = 200
COMPARED = 60
LONGEST_SHOWN = 300
_GZIP = b"\x1f\x8b"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class NotRecords(UserError):
    """The file is not JSON Lines, whatever its name says."""

    status = 422
    message = _l(
        "This is not a file of records. It has to hold one JSON object per line (JSONL), plain or packed with gzip."
    )


class TooMuch(UserError):
    """The unpacked file is over a limit."""

    status = 422
    message = _l(
        "The file holds more than 20,000 lines, one very long line, or more than 120 MB unpacked. Nothing was stored. "
        "Split it, or use the command on the server."
    )


class Comparison(NamedTuple):
    """One field of a record: what the catalogue holds and what the file says."""

    field: str
    before: str
    after: str


def _folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].data / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def receive(stream: IO[bytes]) -> str:
    """Keep an uploaded file and return its fingerprint; raises NotRecords or TooMuch and keeps nothing then."""
    incoming = _folder() / f".incoming-{secrets.token_hex(8)}"
    digest = hashlib.sha256()
    try:
        descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for piece in iter(lambda: stream.read(PIECE), b""):
                digest.update(piece)
                file.write(piece)
        with incoming.open("rb") as file:
            packed = file.read(2) == _GZIP
        _measure(incoming, packed)
        name = digest.hexdigest()
        incoming.replace(_folder() / (f"{name}.jsonl.gz" if packed else f"{name}.jsonl"))
        return name
    finally:
        incoming.unlink(missing_ok=True)


def _measure(path: Path, packed: bool) -> None:
    """Look through the whole file in small pieces before anything is parsed."""
    size = lines = since_line = 0
    begun = False
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            for piece in iter(lambda: file.read(PIECE), b""):
                if not begun:
                    start = piece.removeprefix(b"\xef\xbb\xbf").lstrip()
                    if not start.startswith(b"{"):
                        raise NotRecords
                    begun = True
                size += len(piece)
                lines += piece.count(b"\n")
                last = piece.rfind(b"\n")
                since_line = len(piece) - last - 1 if last >= 0 else since_line + len(piece)
                if size > MOST_UNPACKED or lines > MOST_LINES or since_line > imports.LONGEST_LINE:
                    raise TooMuch
    except (OSError, EOFError, zlib.error) as wrong:
        raise NotRecords from wrong
    if not begun:
        raise NotRecords


def path_of(digest: str) -> Path:
    """The kept file with this fingerprint."""
    if _DIGEST.fullmatch(digest):
        for suffix in (".jsonl", ".jsonl.gz"):
            path = _folder() / (digest + suffix)
            if path.is_file():
                return path
    raise NotFound


def rejected_lines(rejected: list[Rejected]) -> Iterator[str]:
    """Rejected lines with their reasons, as JSON Lines to mend and send again."""
    for one in rejected:
        said = {"line": one.line, "field": one.field, "reason": one.reason, "original": one.original}
        yield json.dumps(said, ensure_ascii=False) + "\n"


def comparisons(path: Path, changes: list[Change]) -> dict[str, list[Comparison]]:
    """Old and new value of every changed field, by record; for the first changed records only."""
    wanted = {change.key: change for change in [change for change in changes if change.fields][:COMPARED]}
    before = _stored(set(wanted))
    found: dict[str, list[Comparison]] = {}
    for original in imports.originals_of(path) if wanted else ():
        key = str(original.get("code") or original.get("name"))
        change = wanted.get(key) or wanted.get(key[:8])
        if change is None or change.key in found:
            continue
        stored = before.get(change.key, {})
        found[change.key] = [
            Comparison(name, _short(stored.get(name)), _short(original.get(name))) for name in change.fields
        ]
    return found


def _stored(codes: set[str]) -> dict[str, dict[str, Any]]:
    query = (
        select(Procedure.code, RecordVersion.original)
        .join(RecordVersion, RecordVersion.procedure_id == Procedure.id)
        .where(Procedure.code.in_(codes))
        .order_by(RecordVersion.number)
    )
    return {code or "": unpack(packed) for code, packed in db.session.execute(query)}


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + " …"
