"""What the reports page downloads, written to a file by a command."""

from __future__ import annotations

import json
from pathlib import Path

from guidance import i18n, tables
from guidance.adoption import exports, machine, queries, review, workbook
from guidance.adoption.periods import Period
from guidance.units import queries as units
from guidance.units.queries import Place

KINDS = ("csv", "xlsx", "json", "docx")
TABLES = (*exports.TABLES, "cases")


def write(path: Path, kind: str, table: str, place: Place | None, period: Period, by: str) -> int:
    """Write one file and give its size; the cases as a stream."""
    made = exports.made_here(by)
    today = units.today()
    lang = i18n.current().code
    with path.open("wb") as out:
        if kind == "json":
            out.write(json.dumps(machine.feed(place, period, today), ensure_ascii=False, indent=1).encode())
        elif kind == "docx":
            out.writelines(tables.in_pieces(review.document(place, period, today, made)))
        elif kind == "xlsx":
            out.writelines(tables.in_pieces(workbook.workbook(place, period, lang, today, made)))
        elif table == "cases":
            sheet = exports.cases_sheet(place, period, made, raw=True)
            out.writelines(tables.csv_stream(sheet.columns, sheet.rows, sheet.preface))
        else:
            report = queries.report(place, period, "", lang, today, None)
            out.writelines(exports.csv_file(table, report, made))
        return out.tell()
