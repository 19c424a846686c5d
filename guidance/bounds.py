"""Files from outside: how much of them is looked at before anything is parsed, so that a small file stays a small matter."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO

from guidance.errors import ImportRefused

MOST_BYTES = 60 * 1024 * 1024  # of a whole file, and of a workbook, unpacked
MOST_CELLS = 1_000_000  # of a sheet, also of the area that its outermost cells span
MOST_ROWS = 200_000
MOST_COLUMNS = 1_000
MOST_SHEETS = 6  # that are looked through for a table
_PIECE = 256 * 1024
_LONGEST_TAG = 1024 * 1024
_CELL = re.compile(rb"<(?:[\w.-]+:)?c(?=[\s/>])([^<>]*)>")
_ROW = re.compile(rb"<(?:[\w.-]+:)?row(?=[\s/>])([^<>]*)>")
_PLACE = re.compile(rb"""\br\s*=\s*["']\s*\$?([A-Za-z]*)\$?(\d*)""")


def read_file(path: Path) -> bytes:
    """What a file holds, unpacked where it is gzip; raises ImportRefused over the limit or when it is damaged."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as wrong:
        raise ImportRefused(
            f"{path}: cannot be read ({type(wrong).__name__}). Nothing was stored."
        ) from wrong
    if len(content) > MOST_BYTES:
        raise ImportRefused(f"{path.name}: more than 60 MB unpacked. Nothing was stored.")
    return content


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file in UTF-8, plain or packed with gzip, by their headings; raises ImportRefused."""
    rows: list[dict[str, str]] = []
    try:
        reader = csv.DictReader(io.StringIO(read_file(path).decode("utf-8-sig"), newline=""))
        if len(reader.fieldnames or ()) > MOST_COLUMNS:
            raise ImportRefused(f"{path.name}: more than {MOST_COLUMNS} columns. Nothing was stored.")
        for row in reader:
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise ImportRefused(f"{path.name}: more than {MOST_ROWS} lines. Nothing was stored.")
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise ImportRefused(f"{path.name} is not a CSV file in UTF-8. Nothing was stored.") from wrong
    return rows


def check_workbook(name: str, content: bytes) -> None:
    """Go through an XLSX file in pieces; raises ImportRefused when it unpacks to too much or spans too many cells.

    A parser makes room for everything between the first and the last cell: two cells in opposite corners of a sheet
    would take all memory of the machine.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            left = MOST_BYTES
            for part in parts.infolist():
                with parts.open(part) as file:
                    left -= _look_through(name, file, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as wrong:
        raise ImportRefused(f"{name}: this workbook cannot be read ({wrong}). Nothing was stored.") from wrong


def _look_through(name: str, file: IO[bytes], left: int) -> int:
    sheet, size, rest = _Sheet(name), 0, b""
    while piece := file.read(_PIECE):
        size += len(piece)
        if size > left:
            raise ImportRefused(f"{name}: the workbook is too large when unpacked. Nothing was stored.")
        piece = rest + piece
        cut = piece.rfind(b"<")
        sheet.look(piece[:cut] if cut >= 0 else piece)
        rest = piece[cut:] if cut >= 0 else b""
        if len(rest) > _LONGEST_TAG:
            raise ImportRefused(f"{name}: this workbook is not written as Excel does. Nothing was stored.")
    sheet.look(rest)
    return size


class _Sheet:
    """What has been seen of one part of a workbook: how many cells, and how far they reach."""

    def __init__(self, name: str) -> None:
        self.name, self.cells, self.rows, self.row, self.columns = name, 0, 0, 0, 0

    def look(self, piece: bytes) -> None:
        """Take in some more of it."""
        for said in _ROW.findall(piece):
            place = _PLACE.search(said)
            self.rows += 1
            self.row = max(self.row, self.rows, int(place[2][:9] or b"0") if place else 0)
        for said in _CELL.findall(piece):
            self.cells += 1
            if said.endswith(b"/"):
                continue  # only formatted
            place = _PLACE.search(said)
            if place:
                self.row = max(self.row, int(place[2][:9] or b"0"))
                self.columns = max(self.columns, _column(place[1]))
        if self.cells > MOST_CELLS or self.row * max(self.columns, 1) > MOST_CELLS or self.row > 1_048_576:
            raise ImportRefused(
                f"{self.name}: a sheet has cells too far apart or more than a million of them. Nothing was stored."
            )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper()[:4]:
        number = number * 26 + letter - 64
    return number
