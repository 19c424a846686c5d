"""Files go out and come back the same, and no cell of them becomes a formula."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidance import tables
from guidance.errors import ImportRefused
from guidance.tables import Column, Sheet

COLUMNS = [Column("Name", "name", "text"), Column("People", "people"), Column("Share", "share", "percent")]
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: text.strip() == text and text[:1] != "'"
)


@given(st.lists(st.tuples(WORDS, st.integers(0, 10**9), st.floats(0, 1)), min_size=1, max_size=20))
def test_what_goes_out_as_csv_comes_back_the_same(rows: list[tuple[str, int, float]]) -> None:
    """Texts that look like formulas are guarded on the way out and freed on the way in."""
    content = b"".join(tables.csv_stream(COLUMNS, rows, [["What this is"], ["By", "=cmd()"]]))
    found = tables.read("x.csv", content)
    assert found.head == ("Name", "People", "Share")
    assert [(cells[0], int(cells[1]), float(cells[2])) for _, cells in found.rows] == rows


@pytest.mark.parametrize(
    "bad", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "＝1", "＋1", "－1", "＠x"]
)
def test_no_text_cell_of_a_csv_begins_like_a_formula(bad: str) -> None:
    """Spreadsheets would run it; numbers stay numbers, negative ones too."""
    content = b"".join(tables.csv_stream(COLUMNS, [(bad, -5, 0.5)], [[bad]])).decode("utf-8-sig")
    for line in content.splitlines():
        for cell in line.split(","):
            assert cell.strip('"')[:1] not in set("=+@\t＝＋－＠"), line
    assert ",-5," in content


def test_a_workbook_keeps_numbers_dates_and_vietnamese() -> None:
    """Numbers are numbers, days are days, and text that looks like a formula stays text."""
    from python_calamine import CalamineWorkbook

    columns = [*COLUMNS, Column("Day", "day", "date")]
    file = tables.xlsx(
        [Sheet("Số liệu", columns, [("=1+1", 7, 0.25, date(2026, 11, 22)), ("Lập Thạch", 0, None, None)])]
    )
    book = CalamineWorkbook.from_filelike(io.BytesIO(file.read()))
    rows = book.get_sheet_by_name("Số liệu").to_python()
    assert rows[1] == ["=1+1", 7.0, 0.25, date(2026, 11, 22)]
    assert rows[2][:2] == ["Lập Thạch", 0.0]


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x01\x02", b"PK\x03\x04 not a workbook", b"a,b\n\xff\xfe", b'a,b,c\n"1,2,3', b"1,2,3\n4,5,6"],
)
def test_a_file_that_is_no_table_is_refused_with_a_sentence(content: bytes) -> None:
    """Never a crash; the sentence says that nothing was stored."""
    with pytest.raises(ImportRefused) as refused:
        tables.read("strange", content)
    assert "Nothing was stored" in str(refused.value.message)


def test_semicolons_and_tabs_are_read_too() -> None:
    """A Vietnamese spreadsheet writes semicolons."""
    for sign in (";", "\t"):
        found = tables.read("x.csv", sign.join("abc").encode() + b"\n" + sign.join(["Hộ", "1", "2"]).encode())
        assert found.rows == ((2, ("Hộ", "1", "2")),)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """No file crashes the reader."""
    with suppress(ImportRefused):
        tables.read("any", content)
