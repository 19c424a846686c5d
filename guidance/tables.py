"""Tables out as CSV and XLSX, streamed, and tables in; no cell of them ever becomes a formula."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from guidance import bounds
from guidance.errors import ImportRefused
from guidance.i18n import VIETNAM

Kind = Literal["text", "count", "number", "percent", "date", "month"]
Row = Sequence[Any]

# What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_CHUNK = 2000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"


class Column(NamedTuple):
    """One column of a download: heading, name for machines, kind. Its place is its place in the list.

    `percent` cells hold shares between 0 and 1. Only `text` cells are looked at for formulas: they alone can
    hold what somebody typed.
    """

    label: object
    name: str
    kind: Kind = "count"


class Sheet(NamedTuple):
    """One sheet of a workbook: what it contains in words, then a table."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    preface: Sequence[Row] = ()


class Read(NamedTuple):
    """A table that came in: headings, and rows with their line numbers in the file."""

    head: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def guard(text: str) -> str:
    """A text that no spreadsheet takes for a formula; unchanged unless it could be one."""
    return "'" + text if text[:1] in _FORMULA else text


def unguard(text: str) -> str:
    """The text that guard() was given."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text


def _plain(value: Any) -> Any:
    return guard(value) if isinstance(value, str) else value


def _guarded(chunk: Sequence[Row], text_at: Sequence[int]) -> Sequence[Row]:
    """The rows with dangerous text cells guarded. Looking at distinct values first keeps the common case cheap."""
    columns = list(zip(*chunk, strict=True))
    suspects = [
        place
        for place in text_at
        if any(type(value) is str and value[:1] in _FORMULA for value in set(columns[place]))
    ]
    if not suspects:
        return chunk
    for place in suspects:
        columns[place] = tuple(_plain(value) for value in columns[place])
    return list(zip(*columns, strict=True))


def csv_stream(
    columns: Sequence[Column], rows: Iterable[Row], preface: Sequence[Row] = ()
) -> Iterator[bytes]:
    """A CSV in pieces: UTF-8 with BOM, preface rows, an empty line, headings, rows. Shares stand as 0.3341.

    Headings are made at once, in the language of the request: the pieces are sent when it is over.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in preface:
        writer.writerow([_plain(value) for value in row])
    if preface:
        writer.writerow([])
    writer.writerow([guard(str(column.label)) for column in columns])
    beginning = b"\xef\xbb\xbf" + buffer.getvalue().encode()
    return _pieces(beginning, [place for place, column in enumerate(columns) if column.kind == "text"], rows)


def _pieces(beginning: bytes, text_at: Sequence[int], rows: Iterable[Row]) -> Iterator[bytes]:
    yield beginning
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    source = iter(rows)
    while chunk := list(islice(source, _CHUNK)):
        writer.writerows(_guarded(chunk, text_at) if text_at else chunk)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def open_workbook(file: IO[bytes], *, streamed: bool = True) -> Any:
    """A workbook in which strings stay strings; streamed ones are written row by row, without going back."""
    import xlsxwriter

    return xlsxwriter.Workbook(
        file,
        {
            "constant_memory": streamed,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "dd/mm/yyyy",
        },
    )


class Writer:
    """Writes tables into sheets of a workbook; numbers stay numbers, dates stay dates."""

    def __init__(self, book: Any) -> None:
        self.book = book
        add = book.add_format
        self.bold = add({"bold": True})
        self.title = add({"bold": True, "font_size": 14})
        self.wrap = add({"text_wrap": True, "valign": "top"})
        self.head = add({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.quoted = add({"quote_prefix": True})
        self.formats = {
            "count": add({"num_format": "#,##0"}),
            "number": add({"num_format": "#,##0.##"}),
            "percent": add({"num_format": "0.0%"}),
            "date": add({"num_format": "dd/mm/yyyy"}),
            "month": add({"num_format": "mm/yyyy"}),
        }

    def table(
        self, page: Any, columns: Sequence[Column], rows: Iterable[Row], preface: Sequence[Row] = ()
    ) -> tuple[int, int]:
        """Write preface and table into an empty sheet; gives the first and last row (from 0) of the data."""
        for place, column in enumerate(columns):
            page.set_column(place, place, 34 if column.kind == "text" and place == 0 else 16)
        line = 0
        for row in preface:
            for place, value in enumerate(row):
                self.cell(page, line, place, value, self.title if line == 0 else None)
            line += 1
        line += 1 if preface else 0
        for place, column in enumerate(columns):
            page.write_string(line, place, str(column.label), self.head)
        page.freeze_panes(line + 1, 1)
        first = line + 1
        text_at = {place for place, column in enumerate(columns) if column.kind == "text"}
        formats = [self.formats.get(column.kind) for column in columns]
        number, string = page.write_number, page.write_string
        for line, row in enumerate(rows, start=first):
            for place, value in enumerate(row):
                if value is None or value == "":
                    continue
                if place in text_at:
                    words = str(value)
                    string(line, place, words, self.quoted if words[:1] in _FORMULA else None)
                elif isinstance(value, (int, float)):
                    number(line, place, value, formats[place])
                elif isinstance(value, date):
                    self._day(page, line, place, value, formats[place])
                else:
                    string(line, place, str(value))
        last = max(line, first)
        page.autofilter(first - 1, 0, last, max(len(columns) - 1, 0))
        return first, last

    def cell(self, page: Any, line: int, place: int, value: Any, style: Any = None) -> None:
        """Write one cell outside a table."""
        if value is None or value == "":
            return
        if isinstance(value, (int, float)):
            page.write_number(line, place, value, style)
        elif isinstance(value, date):
            self._day(page, line, place, value, self.formats["date"])
        else:
            words = str(value)
            page.write_string(line, place, words, self.quoted if words[:1] in _FORMULA else style)

    def _day(self, page: Any, line: int, place: int, value: date, style: Any) -> None:
        if isinstance(value, datetime):
            value = value.astimezone(VIETNAM).replace(tzinfo=None)
        page.write_datetime(line, place, value, style)


def sheet_name(words: str, taken: Iterable[str] = ()) -> str:
    """A name that Excel accepts for a sheet: no []:*?/\\, at most 31 characters, not taken."""
    plain = "".join(" " if letter in "[]:*?/\\'" else letter for letter in words).strip()[:31] or "1"
    known = {name.lower() for name in taken}
    number = 2
    name = plain
    while name.lower() in known:
        name = f"{plain[:28]} {number}"
        number += 1
    return name


def xlsx(sheets: Sequence[Sheet]) -> IO[bytes]:
    """A workbook in a temporary file, ready to be read from its beginning."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- handed to the caller, who closes it
    book = open_workbook(file)
    writer = Writer(book)
    taken: list[str] = []
    for sheet in sheets:
        name = sheet_name(sheet.name, taken)
        taken.append(name)
        writer.table(book.add_worksheet(name), sheet.columns, sheet.rows, sheet.preface)
    book.close()
    file.seek(0)
    return file


def in_pieces(file: IO[bytes], size: int = 64 * 1024) -> Iterator[bytes]:
    """What a file holds, piece by piece; the file is closed at the end."""
    with file:
        while piece := file.read(size):
            yield piece


# --- in ----------------------------------------------------------------------------------------


def read(
    name: str,
    content: bytes,
    is_head: Callable[[Sequence[str]], bool] | None = None,
    *,
    optional: bool = False,
) -> Read:
    """The first table of a CSV or XLSX file; raises ImportRefused when it is neither or too large.

    Rows above the headings are skipped: downloads of this site begin with some. `is_head` knows the headings
    where they look unusual; `optional` gives an empty table instead of an error where there are none such.
    """
    lines = _from_xlsx(name, content) if content[:2] == b"PK" else _from_csv(name, content)
    rows: list[tuple[int, tuple[str, ...]]] = []
    cells_seen = 0
    for number, cells in lines:
        cells_seen += len(cells)
        if len(cells) > bounds.MOST_COLUMNS and any(cells[bounds.MOST_COLUMNS :]):
            raise ImportRefused(
                f"{name}, line {number}: more than {bounds.MOST_COLUMNS} columns. Nothing was stored."
            )
        if len(rows) > bounds.MOST_ROWS or cells_seen > bounds.MOST_CELLS * 5:
            raise ImportRefused(f"{name}: more than {bounds.MOST_ROWS} lines. Nothing was stored.")
        if any(cells):
            rows.append((number, cells[: bounds.MOST_COLUMNS]))
    known = is_head or _is_head
    start = next((place for place, (_, cells) in enumerate(rows) if known(cells)), None)
    if start is None and optional:
        return Read((), ())
    if start is None:
        raise ImportRefused(f"{name}: there is no line with headings. Nothing was stored.")
    head = tuple(cell.strip() for cell in rows[start][1])
    while head and not head[-1]:
        head = head[:-1]
    width = len(head)
    body = tuple(
        (number, tuple(unguard(cell.strip()) for cell in (*cells, *[""] * width)[:width]))
        for number, cells in rows[start + 1 :]
    )
    return Read(head, body)


def read_file(path: Path) -> Read:
    """The first table of a CSV or XLSX file on disk."""
    return read(path.name, bounds.read_file(path))


def _is_head(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return len(filled) >= 3 and not any(_looks_like_number(cell) for cell in filled)


def _looks_like_number(cell: str) -> bool:
    return cell.replace(".", "").replace(",", "").replace("%", "").replace("-", "").isdigit()


def _from_csv(name: str, content: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    if b"\x00" in content[:4096] and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        raise ImportRefused(f"{name}: this is neither CSV nor XLSX. Nothing was stored.")
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as wrong:
        raise ImportRefused(
            f"{name}: the text is not UTF-8 (byte {wrong.start}). Nothing was stored."
        ) from wrong
    sample = text[:8192]
    delimiter = max(",;\t", key=sample.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num, tuple(row)
    except csv.Error as wrong:
        raise ImportRefused(f"{name}, line {reader.line_num}: {wrong}. Nothing was stored.") from wrong


def _from_xlsx(name: str, content: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    bounds.check_workbook(name, content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        # The first sheet with three columns or more: this site's workbooks begin with a sheet of words.
        page = None
        for place in range(min(len(book.sheet_names), bounds.MOST_SHEETS)):
            found = book.get_sheet_by_index(place)
            page = found if page is None or found.width >= 3 else page
            if found.width >= 3:
                break
    except (CalamineError, ValueError, KeyError) as wrong:
        raise ImportRefused(f"{name}: this workbook cannot be read ({wrong}). Nothing was stored.") from wrong
    if page is None:
        return
    for number, row in enumerate(page.to_python(skip_empty_area=False), start=1):
        yield number, tuple(_as_text(cell) for cell in row)


def _as_text(cell: object) -> str:
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return "" if cell is None else str(cell)
