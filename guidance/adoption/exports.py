"""What downloads hold: columns over the same queries as the pages, and the lines that say what a file contains."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import IO, Any, NamedTuple

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Integer, Select, String, cast, select, type_coerce
from sqlalchemy.engine import Engine

from guidance import i18n, tables
from guidance.adoption import indicators
from guidance.adoption.labels import PLACES
from guidance.adoption.periods import Period
from guidance.adoption.queries import DeskRow, MonthRow, Report, TopicRow, UnitRow
from guidance.adoption.sums import Sums
from guidance.db import db, now
from guidance.desk.models import AssistedCase
from guidance.tables import Column, Row, Sheet
from guidance.units import queries as units
from guidance.units.models import Unit
from guidance.units.queries import Place

TABLES = ("months", "units", "desks", "topics")
SUMS = [
    Column(_l("People helped"), "people"),
    Column(_l("Cases"), "cases"),
    Column(_l("Submitted online"), "submitted"),
    Column(_l("Accounts activated"), "activated"),
    Column(_l("At the counter"), "counter"),
    Column(_l("To do at home"), "home"),
    Column(_l("Stopped"), "stopped"),
    Column(_l("Sent elsewhere"), "referred"),
    Column(_l("First time"), "first_time"),
    Column(_l("Did it themselves"), "guided_done"),
    Column(_l("Got it done online"), "done_online"),
    Column(_l("Self-service share"), "self_service_share", "percent"),
    Column(_l("Average minutes"), "minutes", "number"),
]
BY_MONTH = [
    Column(_l("Month"), "month", "month"),
    *SUMS,
    Column(_l("People helped, same month last year"), "people_year_before"),
    Column(_l("Month not over yet"), "partial"),
]
BY_UNIT = [
    Column(_l("Unit"), "unit_name", "text"),
    Column(_l("Unit code"), "unit_code", "text"),
    *SUMS,
    Column(_l("Target"), "target", "number"),
    Column(_l("Still to go"), "gap", "number"),
    Column(_l("Share of target"), "target_share", "percent"),
    Column(_l("People helped, period before"), "people_before"),
    Column(_l("People helped, same period last year"), "people_year_before"),
]
BY_TOPIC = [
    Column(_l("Topic"), "topic_name", "text"),
    Column(_l("Topic code"), "topic", "text"),
    *SUMS,
]
BY_DESK = [
    Column(_l("Desk"), "desk_name", "text"),
    Column(_l("Desk code"), "desk"),
    *SUMS,
    Column(_l("People helped, period before"), "people_before"),
    Column(_l("People helped, same period last year"), "people_year_before"),
]
COLUMNS = {"months": BY_MONTH, "units": BY_UNIT, "desks": BY_DESK, "topics": BY_TOPIC}


class Made(NamedTuple):
    """Who made a file, for its first lines."""

    by: str
    where: str


def _sums(sums: Sums) -> tuple[Any, ...]:
    share = sums.self_service
    return (
        sums.people,
        sums.cases,
        sums.submitted,
        sums.activated,
        sums.counter,
        sums.home,
        sums.stopped,
        sums.referred,
        sums.first_time,
        share.numerator,
        share.denominator,
        share.value,
        None if sums.minutes is None else round(sums.minutes, 1),
    )


def month_row(row: MonthRow) -> Row:
    """One month as a line of a file."""
    return (row.month, *_sums(row.sums), row.year_before, 1 if row.partial else 0)


def unit_row(row: UnitRow) -> Row:
    """One place as a line of a file."""
    name = row.place.name if row.place else _("Without a unit")
    share = row.sums.people / row.target if row.target else None
    code = row.place.key if row.place else ""
    return (name, code, *_sums(row.sums), row.target, row.gap, share, row.before, row.year_before)


def desk_row(row: DeskRow) -> Row:
    """One desk of a commune as a line of a file."""
    return (str(PLACES[row.desk]), row.desk, *_sums(row.sums), row.before, row.year_before)


def topic_row(row: TopicRow) -> Row:
    """One topic as a line of a file."""
    return (row.title, row.topic, *_sums(row.sums))


ROWS: dict[str, Callable[[Report], Iterator[Row]]] = {
    "months": lambda report: map(month_row, report.months),
    "units": lambda report: map(unit_row, report.units),
    "desks": lambda report: map(desk_row, report.desks),
    "topics": lambda report: map(topic_row, report.topics),
}


def table_name(table: str) -> str:
    """What a table is called in headings and as a sheet."""
    names = {"months": _("By month"), "units": _("By unit"), "desks": _("By desk"), "topics": _("By topic")}
    return names[table]


def place_name(place: Place | None) -> str:
    """The place a report is about, in words."""
    return place.name if place else _("The whole site")


def about(report: Report, made: Made, topic_title: str = "") -> list[Row]:
    """The first lines of every file: what, where, when, which filters, which definitions, by whom."""
    period = f"{i18n.format_month(report.period.start)} – {i18n.format_month(report.period.end)}"
    return [
        [_("People helped: figures of the desk log")],
        [_("Place"), place_name(report.place), report.place.key if report.place else ""],
        [_("Period"), period, f"{report.period.from_text}..{report.period.to_text}"],
        [_("Desk"), str(PLACES[report.desk]) if report.desk else _("All desks")],
        [_("Topic"), topic_title or _("All topics")],
        [_("Complete"), _("No: the period is not over yet") if report.partial else _("Yes")],
        *signature(made),
    ]


def signature(made: Made) -> list[Row]:
    """Who made a file, when, where, with which definitions."""
    return [
        [
            _("Units"),
            _("People and cases are counted; shares stand between 0 and 1; minutes are averages of bands"),
        ],
        [_("Source"), _("Desk log of this site. Never add it to the official counts of files")],
        [_("Version of the definitions"), indicators.version()],
        [_("Made by"), made.by],
        [_("Made at"), i18n.format_instant(now())],
        [_("Site"), made.where],
    ]


def definitions() -> Sheet:
    """The sheet that says what each figure of the desk log means."""
    columns = [
        Column(_("Figure"), "name", "text"),
        Column(_("What is counted"), "numerator", "text"),
        Column(_("Of what"), "denominator", "text"),
        Column(_("Formula"), "formula", "text"),
    ]
    rows = [(one.name, one.numerator, one.denominator, one.formula) for one in indicators.of_set("assisted")]
    return Sheet(_("Definitions"), columns, rows, [[_("Definitions"), indicators.version()]])


def _meanings() -> list[Row]:
    wanted = ("assisted.people", "assisted.self_service", "assisted.minutes")
    known = indicators.all_indicators()
    return [[_("Definition"), known[key].definition] for key in wanted]


def csv_file(table: str, report: Report, made: Made, topic_title: str = "") -> Iterator[bytes]:
    """One table of the report as CSV, piece by piece."""
    preface = [[table_name(table)], *about(report, made, topic_title), *_meanings()]
    return tables.csv_stream(COLUMNS[table], list(ROWS[table](report)), preface)


def xlsx_file(table: str, report: Report, made: Made, topic_title: str = "") -> IO[bytes]:
    """One table of the report as a workbook: the table, then what it contains, then definitions."""
    sheets = [
        Sheet(_("About this file"), (), (), about(report, made, topic_title)),
        Sheet(table_name(table), COLUMNS[table], list(ROWS[table](report))),
        definitions(),
    ]
    return tables.xlsx(sheets)


CASES = [
    Column(_l("Day"), "day", "date"),
    Column(_l("Unit"), "unit_name", "text"),
    Column(_l("Unit code"), "unit_code", "text"),
    Column(_l("Place of help"), "place"),
    Column(_l("Topic"), "topic", "text"),
    Column(_l("Online level that day"), "online_level", "text"),
    Column(_l("What for"), "need"),
    Column(_l("How"), "help_mode"),
    Column(_l("Outcome"), "outcome"),
    Column(_l("Reason"), "reason"),
    Column(_l("Failed step"), "failed_step", "text"),
    Column(_l("People"), "people"),
    Column(_l("Minutes"), "minutes"),
    Column(_l("First time"), "first_time"),
    Column(_l("Age"), "age_band"),
    Column(_l("Special need"), "access_need"),
]


def case_rows(place: Place | None, period: Period, raw: bool = False) -> Iterator[Row]:
    """Cases of a place and period without note, file reference, key or staff, oldest first, streamed.

    `raw` leaves days as the database writes them, for CSV. Has a connection of its own: a download outlives its request.
    """
    day = type_coerce(AssistedCase.day, String) if raw else AssistedCase.day
    query: Select[*tuple[Any, ...]] = (
        select(
            day,
            Unit.name,
            Unit.code,
            AssistedCase.place,
            AssistedCase.topic,
            AssistedCase.online_level,
            AssistedCase.need,
            AssistedCase.help_mode,
            AssistedCase.outcome,
            AssistedCase.reason,
            AssistedCase.failed_step,
            AssistedCase.people,
            AssistedCase.minutes,
            cast(AssistedCase.first_time, Integer),
            AssistedCase.age_band,
            AssistedCase.access_need,
        )
        .join(Unit, Unit.id == AssistedCase.unit_id, isouter=True)
        .where(AssistedCase.voided_at.is_(None), AssistedCase.month.between(period.start, period.last_month))
        .order_by(AssistedCase.month, AssistedCase.id)
    )
    if place is not None:
        query = query.where(AssistedCase.unit_id.in_(units.ids_below(place.id)))
    return _streamed(db.engine, query, raw)


def _streamed(engine: Engine, query: Select[*tuple[Any, ...]], raw: bool) -> Iterator[Row]:
    with engine.connect() as connection:
        if raw and engine.dialect.name == "sqlite":
            cursor: Any = connection.execute(query).cursor
            while rows := cursor.fetchmany(2000):  # plain tuples: row objects cost a third more
                yield from rows
            return
        for rows in connection.execution_options(yield_per=2000).execute(query).partitions():
            yield from rows


def cases_sheet(place: Place | None, period: Period, made: Made, raw: bool = False) -> Sheet:
    """The anonymous list of cases."""
    preface = [
        [_("Cases, without anything that says who was helped")],
        [_("Place"), place_name(place), place.key if place else ""],
        [_("Period"), f"{period.from_text}..{period.to_text}"],
        *signature(made),
    ]
    return Sheet(_("Cases"), CASES, case_rows(place, period, raw), preface)


def made_here(by: str) -> Made:
    """Author and site for the first lines of a file."""
    settings = current_app.config["SETTINGS"]
    return Made(by, f"{settings.site_name} · {settings.site_url}")


def file_name(what: str, place: Place | None, first: date, last: date, kind: str) -> str:
    """A name that sorts and says what is inside."""
    where = place.code if place else "all"
    return f"{what}-{where}-{first:%Y-%m}-{last:%Y-%m}.{kind}"


def as_dicts(columns: Sequence[Column], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows as JSON shows them."""
    found = []
    for row in rows:
        line = dict(zip((column.name for column in columns), row, strict=True))
        found.append(
            {key: value.isoformat() if isinstance(value, date) else value for key, value in line.items()}
        )
    return found
