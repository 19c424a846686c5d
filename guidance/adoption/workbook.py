"""The managers' workbook: summary with native charts, units by topics, cases, completeness, definitions."""

from __future__ import annotations

import tempfile
from datetime import date
from itertools import islice
from typing import IO, Any

from flask_babel import gettext as _

from guidance import tables
from guidance.adoption import completeness, exports, queries, targets
from guidance.adoption.exports import Made
from guidance.adoption.periods import Period
from guidance.tables import Column, Row
from guidance.units import queries as units
from guidance.units.queries import Place

MOST_CASES = 1_000_000  # Excel ends at 1,048,576 lines


def _crossed(place: Place | None, period: Period, lang: str, today: date) -> tuple[list[Column], list[Row]]:
    """Units by topics: people, target, share of it, gap, period before, last year."""
    ids = queries.ids_in(place)
    begun = period.cut(today)
    now = queries.sums_by_unit_and_topic(period, ids)
    before = queries.sums_by_unit_and_topic(begun.before(), ids)
    past = queries.sums_by_unit_and_topic(begun.year_before(), ids)
    goals = targets.numbers("assisted.people", period)
    keys = sorted(set(now) | set(before) | set(past))
    places = units.by_ids({unit_id for unit_id, _topic in keys})
    titles = queries.topic_titles([topic for topic in {topic for _unit, topic in keys} if topic], lang)
    columns = [
        Column(_("Unit"), "unit_name", "text"),
        Column(_("Unit code"), "unit_code", "text"),
        Column(_("Topic"), "topic_name", "text"),
        Column(_("Topic code"), "topic", "text"),
        Column(_("People helped"), "people"),
        Column(_("Target"), "target", "number"),
        Column(_("Share of target"), "target_share", "percent"),
        Column(_("Still to go"), "gap", "number"),
        Column(_("People helped, period before"), "people_before"),
        Column(_("People helped, same period last year"), "people_year_before"),
    ]
    rows: list[Row] = []
    for unit_id, topic in keys:
        where = places.get(unit_id)
        people = now.get((unit_id, topic), 0)
        goal = goals.get(unit_id) if not topic else None
        rows.append(
            (
                where.name if where else _("Without a unit"),
                where.key if where else "",
                titles[topic][0] if topic else _("All topics"),
                topic,
                people,
                goal,
                people / goal if goal else None,
                goal - people if goal is not None else None,
                before.get((unit_id, topic), 0),
                past.get((unit_id, topic), 0),
            )
        )
    return columns, rows


def _complete(place: Place | None, period: Period, today: date) -> tuple[list[Column], list[Row]]:
    month = period.cut(today).last_month
    found = completeness.completeness(place, month, today)
    states = {"nothing": _("Nothing logged"), "late": _("Late"), "fine": _("Up to date")}
    columns = [
        Column(_("Unit"), "unit_name", "text"),
        Column(_("Unit code"), "unit_code", "text"),
        Column(_("Month"), "month", "month"),
        Column(_("Cases"), "cases"),
        Column(_("People helped"), "people"),
        Column(_("Last entry"), "last_entry", "date"),
        Column(_("State"), "state", "text"),
        Column(_("Month closed"), "closed"),
    ]
    rows: list[Row] = [
        (
            row.place.name,
            row.place.key,
            month,
            row.cases,
            row.people,
            row.last_entry,
            states[row.state],
            int(row.closed),
        )
        for row in found.rows
    ]
    return columns, rows


def workbook(place: Place | None, period: Period, lang: str, today: date, made: Made) -> IO[bytes]:
    """The workbook in a temporary file, ready to be read."""
    report = queries.report(place, period, "", lang, today, None)
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- handed to the caller, who closes it
    book = tables.open_workbook(file)
    writer = tables.Writer(book)
    _about(book, writer, report, made)
    page = book.add_worksheet(tables.sheet_name(exports.table_name("months")))
    first, last = writer.table(page, exports.BY_MONTH, [exports.month_row(row) for row in report.months])
    _chart(
        book, page, _("People helped by month"), "column", first, last, 1, [(14, _("Same month last year"))]
    )
    page = book.add_worksheet(tables.sheet_name(exports.table_name("units")))
    first, last = writer.table(page, exports.BY_UNIT, [exports.unit_row(row) for row in report.units])
    _chart(
        book, page, _("People helped by unit"), "bar", first, min(last, first + 24), 2, [(15, _("Target"))]
    )
    page = book.add_worksheet(tables.sheet_name(exports.table_name("topics")))
    writer.table(page, exports.BY_TOPIC, [exports.topic_row(row) for row in report.topics])
    page = book.add_worksheet(tables.sheet_name(_("Units by topics")))
    writer.table(page, *_crossed(place, period, lang, today))
    page = book.add_worksheet(tables.sheet_name(_("Cases")))
    writer.table(page, exports.CASES, islice(exports.case_rows(place, period), MOST_CASES))
    page = book.add_worksheet(tables.sheet_name(_("Completeness")))
    writer.table(page, *_complete(place, period, today))
    meaning = exports.definitions()
    writer.table(
        book.add_worksheet(tables.sheet_name(meaning.name)), meaning.columns, meaning.rows, meaning.preface
    )
    book.close()
    file.seek(0)
    return file


def _about(book: Any, writer: tables.Writer, report: queries.Report, made: Made) -> None:
    page = book.add_worksheet(tables.sheet_name(_("Summary")))
    page.set_column(0, 0, 40)
    page.set_column(1, 1, 60)
    lines: list[Row] = [
        *exports.about(report, made),
        [],
        [_("People helped"), report.sums.people],
        [_("Target"), report.goal],
        [_("Still to go"), report.gap],
        [_("People helped, period before"), report.before.people],
        [_("People helped, same period last year"), report.year_before.people],
        [_("Did it themselves"), report.sums.self_service.numerator],
        [_("Got it done online"), report.sums.self_service.denominator],
        [_("Stopped or sent elsewhere"), report.sums.unresolved.numerator],
        [],
        [_("At most %(number)s cases are listed; the CSV has all.", number=MOST_CASES)],
    ]
    for line, row in enumerate(lines):
        for place, value in enumerate(row):
            writer.cell(page, line, place, value, writer.title if line == 0 else None)


def _chart(
    book: Any, page: Any, title: str, kind: str, first: int, last: int, at: int, others: list[tuple[int, str]]
) -> None:
    chart = book.add_chart({"type": kind})
    name = page.get_name()
    for column, label in [(at, title), *others]:
        chart.add_series(
            {
                "name": label,
                "categories": [name, first, 0, last, 0],
                "values": [name, first, column, last, column],
                "fill": {"color": "#1F3A6E" if column == at else "#B9B29F"},
            }
        )
    chart.set_title({"name": title})
    chart.set_legend({"position": "bottom"})
    if kind == "bar":
        chart.set_y_axis({"reverse": True})
    chart.set_size({"width": 720, "height": 380})
    page.insert_chart(last + 3, 1, chart, {"description": title})
