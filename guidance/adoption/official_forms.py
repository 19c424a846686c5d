"""Form 06/VPCP/KSTT and the older II.06a, column for column, with their identities checked; always Vietnamese."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any, NamedTuple

from guidance import tables
from guidance.adoption import values
from guidance.adoption.exports import Made
from guidance.adoption.imports import FORM_06_COLUMNS, IDENTITIES
from guidance.adoption.periods import Period
from guidance.units.queries import Place

_NAMES = tuple(FORM_06_COLUMNS.values())
_OLD = (
    "received",
    "online",
    "carried",
    "direct",
    "resolved",
    "punctual",
    "overdue",
    "in_progress",
    "in_progress_due",
    "in_progress_overdue",
)


@dataclass
class Line:
    """One sector: numbers by column name; None where the source gave none."""

    sector: str
    numbers: dict[str, float | None] = field(default_factory=dict)

    @property
    def broken(self) -> list[str]:
        """The identities that do not hold; those with missing numbers are not judged."""
        wrong = []
        for whole, parts, words in IDENTITIES:
            known = [self.numbers.get(name) for name in (whole, *parts)]
            if all(number is not None for number in known) and known[0] != sum(known[1:]):  # type: ignore[arg-type]  # none of them is None here
                wrong.append(words)
        return wrong


class Form(NamedTuple):
    """A filled form: lines by sector, their sum, and the documents the figures come from."""

    place: Place
    start: date
    end: date
    lines: tuple[Line, ...]
    total: Line
    sources: tuple[str, ...]


def filled(place: Place, start: date, end: date) -> Form:
    """The one-stop figures of a place between two days as the form has them."""
    page = values.official(place, "one-stop", Period(start, end))
    lines: dict[str, Line] = {}
    sources: dict[str, None] = {}
    for group in page.sets:
        for figure in group.figures:
            name = figure.indicator.key.removeprefix("onestop.")
            if (figure.period_start, figure.period_end) != (start, end) or name not in {*_NAMES, "punctual"}:
                continue
            lines.setdefault(figure.part, Line(figure.part)).numbers[name] = figure.numerator
            sources[figure.source] = None
    total = lines.pop("", None)
    parts = tuple(sorted(lines.values(), key=lambda line: line.sector))
    if total is None:
        total = Line("")
        for name in (*_NAMES, "punctual"):
            known = [line.numbers.get(name) for line in parts]
            total.numbers[name] = (
                sum(number or 0 for number in known) if any(n is not None for n in known) else None
            )
    return Form(place, start, end, parts, total, tuple(sources))


def form(kind: str, place: Place, start: date, end: date, made: Made) -> IO[bytes]:
    """The form as a workbook in a temporary file; `kind` is form-06 or form-II-06a."""
    found = filled(place, start, end)
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- handed to the caller, who closes it
    book = tables.open_workbook(file, streamed=False)
    writer = tables.Writer(book)
    page = book.add_worksheet("Biểu 06" if kind == "form-06" else "Biểu II.06a")
    line = _head(book, page, found, new=kind == "form-06")
    line = _body(book, page, found, line, new=kind == "form-06")
    notes = [
        f"{row.sector or 'Tổng cộng'}: không khớp {words}"
        for row in (*found.lines, found.total)
        for words in row.broken
    ]
    for text in (
        "Kiểm tra: " + ("; ".join(notes) if notes else "mọi đẳng thức của biểu đều khớp."),
        "Nguồn số liệu: " + ("; ".join(found.sources) or "chưa có số liệu cho kỳ này."),
        f"Lập bởi {made.by}, {made.where}. Cột để trống: nguồn không nêu.",
    ):
        line += 1
        writer.cell(page, line, 0, text)
    book.close()
    file.seek(0)
    return file


def _head(book: Any, page: Any, found: Form, *, new: bool) -> int:
    middle = {
        "align": "center",
        "valign": "vcenter",
        "text_wrap": True,
        "font_name": "Times New Roman",
        "font_size": 11,
    }
    bold = book.add_format({**middle, "bold": True, "font_size": 13})
    plain = book.add_format(middle)
    italic = book.add_format({**middle, "italic": True})
    head = book.add_format({**middle, "bold": True, "border": 1})
    last = 12 if new else 11
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_column(0, 0, 6)
    page.set_column(1, 1, 34)
    page.set_column(2, last, 13)
    title = "TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH"
    side = book.add_format({**middle, "align": "left", "text_wrap": False})
    page.write_string(0, last - 3, "Đơn vị báo cáo: " + found.place.name, side)
    page.write_string(1, last - 3, "Đơn vị nhận báo cáo: ……………………", side)
    page.merge_range(0, 0, 0, 1, f"Biểu số {'06/VPCP/KSTT' if new else 'II.06a/VPCP/KSTT'}", plain)
    page.merge_range(2, 0, 2, last, title, bold)
    days = f"Kỳ báo cáo: từ ngày {found.start:%d/%m/%Y} đến ngày {found.end:%d/%m/%Y}"
    page.merge_range(3, 0, 3, last - 3, days, plain)
    page.merge_range(3, last - 2, 3, last, "Đơn vị tính: hồ sơ", italic)
    for line, height in ((2, 24), (4, 20), (5, 20), (6, 48), (7, 32)):
        page.set_row(line, height)
    page.merge_range(4, 0, 6, 0, "STT", head)
    page.merge_range(4, 1, 6, 1, "Lĩnh vực giải quyết", head)
    if new:
        page.merge_range(4, 2, 4, 5, "Số lượng hồ sơ tiếp nhận", head)
        page.merge_range(4, 6, 4, 9, "Số lượng hồ sơ đã giải quyết", head)
        page.merge_range(4, 10, 4, 12, "Số lượng hồ sơ đang giải quyết", head)
        page.merge_range(5, 2, 6, 2, "Tổng số", head)
        page.merge_range(5, 3, 5, 4, "Trong kỳ", head)
        page.write_string(6, 3, "Trực tuyến", head)
        page.write_string(6, 4, "Trực tiếp, dịch vụ bưu chính", head)
        page.merge_range(5, 5, 6, 5, "Từ kỳ trước", head)
        for place, words in enumerate(
            ("Tổng số", "Trước hạn", "Đúng hạn", "Quá hạn", "Tổng số", "Trong hạn", "Quá hạn"), start=6
        ):
            page.merge_range(5, place, 6, place, words, head)
        marks = [f"({number})" for number in range(1, 14)]
        marks[2], marks[6], marks[10] = "(3)=(4)+(5)+(6)", "(7)=(8)+(9)+(10)", "(11)=(12)+(13)"
    else:
        page.merge_range(4, 2, 4, 5, "Số hồ sơ nhận giải quyết", head)
        page.merge_range(4, 6, 4, 8, "Số hồ sơ đã giải quyết", head)
        page.merge_range(4, 9, 4, 11, "Số hồ sơ đang giải quyết", head)
        names = (
            "Tổng số",
            "Tiếp nhận mới trực tuyến",
            "Kỳ trước chuyển qua",
            "Tiếp nhận mới trực tiếp, bưu chính",
            "Tổng số",
            "Trước và đúng hạn",
            "Quá hạn",
            "Tổng số",
            "Chưa đến hạn",
            "Quá hạn",
        )
        for place, words in enumerate(names, start=2):
            page.merge_range(5, place, 6, place, words, head)
        marks = [f"({number})" for number in range(1, 13)]
    for place, words in enumerate(marks):
        page.write_string(7, place, words, head)
    return 8


def _body(book: Any, page: Any, found: Form, line: int, *, new: bool) -> int:
    cell = {"border": 1, "font_name": "Times New Roman", "font_size": 11}
    text, number = (
        book.add_format({**cell, "text_wrap": True}),
        book.add_format({**cell, "num_format": "#,##0"}),
    )
    bold, bold_number = (
        book.add_format({**cell, "bold": True}),
        book.add_format({**cell, "bold": True, "num_format": "#,##0"}),
    )
    names = _NAMES if new else _OLD
    for place, row in enumerate((*found.lines, found.total), start=1):
        whole = row is found.total
        page.write_string(line, 0, "" if whole else str(place), bold if whole else text)
        page.write_string(line, 1, "Tổng cộng" if whole else row.sector, bold if whole else text)
        for column, name in enumerate(names, start=2):
            value = _punctual(row) if name == "punctual" else row.numbers.get(name)
            style = bold_number if whole else number
            if value is None:
                page.write_blank(line, column, None, style)
            else:
                page.write_number(line, column, value, style)
        line += 1
    return line


def _punctual(row: Line) -> float | None:
    early, on_time = row.numbers.get("early"), row.numbers.get("on_time")
    if early is None and on_time is None:
        return row.numbers.get("punctual")
    return (early or 0) + (on_time or 0)
