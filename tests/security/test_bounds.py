"""Files that are meant to hurt: each is refused with a sentence or read safely, through every door that takes files."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guidance import bounds, tables
from guidance.errors import ImportRefused
from tests.conftest import staff_of
from tests.desk.conftest import FreshClient
from tests.editing.conftest import words

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CELL = '<c r="{}"><v>1</v></c>'


def workbook(rows: str, sheets: int = 1, before: str = "", **parts: str) -> bytes:
    """A small XLSX file with these rows in its only sheet, which may go by several names."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    names = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, sheets + 1))
    files = {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
        f'ContentType="application/xml"/><Default Extension="rels" ContentType="application/xml"/><Override '
        f'PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'{before or HEAD}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        **parts,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in files.items():
            book.writestr(name, content)
    return file.getvalue()


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
BOMBS = {
    "two cells in opposite corners": workbook(
        f'<row r="1">{CELL.format("A1")}</row><row r="1048576">{CELL.format("XFD1048576")}</row>'
    ),
    "a cell far out, in another spelling": workbook(
        "<x:row r = '200000'><x:c t='n' r = 'ZZ200000'><v>1</v></x:c></x:row>"
    ),
    "a million and one cells": workbook(f"<row>{CELL.format('A1') * 1_000_001}</row>"),
    "a million and one empty cells": workbook(f"<row>{'<c/>' * 1_000_001}</row>"),
    "seventy megabytes of blanks": workbook(" " * 70_000_000),
    "entities of entities": workbook('<row><c t="inlineStr"><is><t>&i;</t></is></c></row>', before=ENTITIES),
    "one endless tag": workbook('<row a="' + "x" * 3_000_000 + '"></row>'),
    "no workbook at all": b"PK\x03\x04" + b"\x00" * 2000,
    "no text either": b"\x00\x01\x02" * 500,
    "an encoding of the past (TCVN3)": "Hµ Néi,Sè,Th¸ng\n".encode("latin-1") * 20,
    "an encoding of the past (VNI)": "Haø Noäi,Soá,Thaùng\n".encode("cp1252") * 20,
    "half a UTF-16 file": "a,b,c\n1,2,3\n".encode("utf-16")[:-1],
    "ten thousand columns": ("a" + ",b" * 10_000 + "\n1,2,3\n").encode(),
    "more lines than a year has seconds": b"a,b,c\n" + b"1,2,3\n" * 200_002,
}


@pytest.mark.parametrize("bomb", sorted(BOMBS))
def test_a_table_that_is_meant_to_hurt_is_refused_with_a_sentence(bomb: str) -> None:
    """Before a parser makes room for it."""
    with pytest.raises(ImportRefused) as refused:
        tables.read("file.xlsx", BOMBS[bomb])
    assert "Nothing was stored" in str(refused.value.message)


def test_a_manager_hears_the_sentence_and_the_site_goes_on(app: Flask) -> None:
    """Through the page that takes official counts."""
    app.test_client_class = FreshClient
    person = staff_of(app, "lan", "manager")
    for bomb in ("two cells in opposite corners", "entities of entities", "an encoding of the past (TCVN3)"):
        sent = {"indicator_set": "one-stop", "source": "x", "file": (io.BytesIO(BOMBS[bomb]), "so-lieu.xlsx")}
        answer = person.post("/en/reports/imports", sent, content_type="multipart/form-data")
        assert answer.status_code == 422 and "Nothing was stored" in words(answer), bomb
    assert person.get("/en/reports/").status_code == 200


def test_a_sheet_under_many_names_is_read_a_few_times_only() -> None:
    """Four hundred names for one sheet would be four hundred readings."""
    narrow = "".join(f'<row r="{n}">{CELL.format(f"A{n}")}</row>' for n in range(1, 2000))
    with pytest.raises(ImportRefused):
        tables.read("file.xlsx", workbook(narrow, sheets=400))


def letters(column: int) -> str:
    """The letters over a column of a sheet, 1 is A."""
    left, name = column, ""
    while left:
        left, place = divmod(left - 1, 26)
        name = chr(65 + place) + name
    return name


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 1_500) | st.integers(1, 1_048_576), st.integers(1, 1_500) | st.integers(1, 16_384)
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([CELL, "<x:c t='n'  r = '{}' ><v>1</v></x:c>"]),
)
@example([(1_000, 1_000)], CELL)
@example([(1_001, 1), (1, 1_000)], CELL)
def test_a_sheet_is_refused_exactly_when_its_cells_span_too_much(
    places: list[tuple[int, int]], cell: str
) -> None:
    """The area from the first cell to the outermost, however its cells are spelled and ordered."""
    rows = "".join(f"<row>{cell.format(f'{letters(column)}{row}')}</row>" for row, column in places)
    reach = max(row for row, _ in places) * max(column for _, column in places)
    if reach <= bounds.MOST_CELLS:
        bounds.check_workbook("a.xlsx", workbook(rows))
    else:
        with pytest.raises(ImportRefused) as refused:
            bounds.check_workbook("a.xlsx", workbook(rows))
        assert "too far apart" in str(refused.value.message)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused_in_a_sentence(data: st.DataObject) -> None:
    """Bytes changed, cut out or doubled anywhere never become a fault."""
    content = bytearray(workbook(f'<row r="1">{CELL.format("A1")}{CELL.format("B1")}</row>'))
    for _time in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        until = data.draw(st.integers(place, min(len(content), place + 40)))
        content[place:until] = data.draw(st.binary(max_size=40))
    try:
        tables.read("a.xlsx", bytes(content))
    except ImportRefused as refused:
        assert "othing" in str(refused.message)


def test_what_people_really_send_is_read() -> None:
    """A workbook with a formatted but empty far column, UTF-16 and a BOM are no reason to refuse."""
    head = "".join(f'<c r="{c}1" t="inlineStr"><is><t>{c}</t></is></c>' for c in "ABC")
    row = "".join(CELL.format(f"{c}2") for c in "ABC") + '<c r="XFD2" s="1"/>'
    found = tables.read("a.xlsx", workbook(f'<row r="1">{head}</row><row r="2">{row}</row>'))
    assert found.head == ("A", "B", "C") and found.rows == ((2, ("1", "1", "1")),)
    for encoding in ("utf-16", "utf-8-sig", "utf-8"):
        found = tables.read("a.csv", "Xã,Số,Tháng\nLập Thạch,1,2\n".encode(encoding))
        assert found.head == ("Xã", "Số", "Tháng") and len(found.rows) == 1


def test_commands_refuse_a_file_that_unpacks_to_too_much(app: Flask, tmp_path: Path) -> None:
    """A few kilobytes that become hundreds of megabytes, and a gigabyte that lies there as it is."""
    bomb = tmp_path / "units.csv.gz"
    with gzip.open(bomb, "wb") as file:
        for _ in range(70):
            file.write(b"a" * 1_000_000 + b"\n")
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(1024**3)  # a hole: it takes no room on the disk
    runner = app.test_cli_runner()
    for command in (
        ["units", "import"],
        ["figures", "import", "--indicator-set", "one-stop"],
        ["figures", "targets"],
        ["catalogue", "levels", "--source", "x", "--date", "2026-01-01"],
    ):
        for path in (bomb, huge):
            said = runner.invoke(args=[*command, str(path)])
            assert said.exit_code == 1 and "Nothing was stored" in said.output, (command, said.output)
    lines = tmp_path / "records.jsonl.gz"
    with gzip.open(lines, "wb") as file:
        file.write(b"x\n" * 30_000_000)
    said = runner.invoke(args=["catalogue", "import", str(lines)])
    assert said.exit_code == 1 and "not a file of records" in said.output
    assert bounds.MOST_BYTES < 100 * 1024 * 1024
