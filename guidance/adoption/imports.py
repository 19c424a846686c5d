"""Official counts from CSV and XLSX files: recognised by their headings, checked line by line, all or nothing."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import select

from guidance import bounds, tables
from guidance.adoption import indicators, periods
from guidance.adoption.models import QUALIFIERS, SETS, TASK_STATES, ColumnMapping
from guidance.db import db
from guidance.errors import ImportRefused, UserError
from guidance.text import fold, slug, words
from guidance.units import queries as units
from guidance.units.queries import Place

FORM_06 = "06/VPCP/KSTT"
FORM_06_COLUMNS = {
    "3": "received",
    "4": "online",
    "5": "direct",
    "6": "carried",
    "7": "resolved",
    "8": "early",
    "9": "on_time",
    "10": "overdue",
    "11": "in_progress",
    "12": "in_progress_due",
    "13": "in_progress_overdue",
}
# The older form II.06a has one column for early and on time together.
FORM_II_06A = "II.06a/VPCP/KSTT"
FORM_II_06A_COLUMNS = {
    "3": "received",
    "4": "online",
    "5": "carried",
    "6": "direct",
    "7": "resolved",
    "8": "punctual",
    "9": "overdue",
    "10": "in_progress",
    "11": "in_progress_due",
    "12": "in_progress_overdue",
}
_NUMBERED = re.compile(r"\((\d{1,2})\)\s*(?:=.*)?")
IDENTITIES = (
    ("received", ("online", "direct", "carried"), "(3) = (4) + (5) + (6)"),
    ("resolved", ("early", "on_time", "overdue"), "(7) = (8) + (9) + (10)"),
    ("in_progress", ("in_progress_due", "in_progress_overdue"), "(11) = (12) + (13)"),
    ("received", ("resolved", "in_progress"), "(3) = (7) + (11)"),
    ("resolved", ("punctual", "overdue"), "(7) = (8) + (9)"),
)
# What people call the columns; compared folded, without signs. The field's own name always counts.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "indicator": ("chi tieu", "ma chi tieu", "chi so", "key"),
    "unit": ("unit code", "ma don vi", "don vi", "ma xa", "xa", "commune", "code"),
    "office_code": ("department code", "ma co quan"),
    "office_name": ("department name", "department", "ten co quan", "co quan", "office"),
    "province": ("tinh",),
    "level": ("cap",),
    "period": ("ky", "ky bao cao", "thang", "month"),
    "period_start": ("tu ngay", "from", "start"),
    "period_end": ("den ngay", "to", "end"),
    "numerator": ("so luong", "tu so", "value", "count", "gia tri", "number"),
    "denominator": ("mau so", "tong so", "of"),
    "qualifier": ("dau",),
    "reported_share": ("ty le", "ty le bao cao", "share", "percent", "percentage"),
    "share_qualifier": (),
    "part": ("linh vuc", "sector"),
    "form_code": ("bieu", "bieu mau", "form"),
    "source_document": ("nguon", "van ban", "nguon so lieu", "source"),
    "source_url": ("dia chi", "url"),
    "retrieved_on": ("ngay lay so lieu", "retrieved", "captured"),
    "note": ("ghi chu",),
    "received": ("total received", "tiep nhan", "tong tiep nhan", "tong so tiep nhan"),
    "online": ("received online", "truc tuyen"),
    "direct": ("received direct", "truc tiep buu chinh", "truc tiep"),
    "post": ("received by post", "buu chinh"),
    "carried": ("carried over", "ky truoc chuyen qua", "ky truoc"),
    "resolved": ("da giai quyet", "tong da giai quyet"),
    "early": ("resolved early", "truoc han"),
    "on_time": ("total on time", "resolved on time", "dung han"),
    "overdue": ("resolved overdue", "qua han"),
    "in_progress": ("dang giai quyet", "tong dang giai quyet"),
    "in_progress_due": ("not yet due", "chua den han", "trong han"),
    "in_progress_overdue": ("in progress overdue", "dang giai quyet qua han"),
    "rest": ("total overdue", "con lai"),
    "days": ("avg processing days", "average days", "so ngay trung binh"),
    "ratio": ("on time ratio pct",),
    "on_time_share": ("on time pct",),
    "rest_share": ("overdue pct",),
    "fully_online_share": ("fully online dossier pct",),
    "punctual": ("truoc va dung han",),
    "number": ("no", "stt"),
    "maximum": ("max score", "diem toi da"),
    "score": ("diem", "diem dat duoc", "total score"),
    "group": ("nhom", "nhom nhiem vu"),
    "task": ("nhiem vu", "name"),
    "metric": ("name", "ten chi so", "chi so thanh phan"),
    "owner": ("co quan chu tri", "chu tri", "don vi thuc hien"),
    "due": ("han", "thoi han"),
    "state": ("trang thai", "status"),
    "as_of": ("tinh den ngay", "date", "ngay"),
    "item": ("muc",),
    "done": ("dat", "hoan thanh"),
    "evidence": ("minh chung",),
}
_LONG = [
    "indicator",
    "unit",
    "office_code",
    "office_name",
    "province",
    "period",
    "period_start",
    "period_end",
    "numerator",
    "denominator",
    "qualifier",
    "reported_share",
    "share_qualifier",
    "part",
    "form_code",
    "source_document",
    "source_url",
    "retrieved_on",
    "note",
]
_FORM = [
    "unit",
    "office_code",
    "office_name",
    "province",
    "period",
    "period_start",
    "period_end",
    "part",
    "form_code",
]
_FORM += [
    *FORM_06_COLUMNS.values(),
    "punctual",
    "post",
    "source_document",
    "source_url",
    "retrieved_on",
    "note",
]
_FIELDS: dict[str, list[str]] = {
    "portal-month": [
        "period",
        "province",
        "office_code",
        "office_name",
        "level",
        "received",
        "on_time",
        "rest",
        "days",
        "ratio",
        "on_time_share",
        "rest_share",
        "fully_online_share",
        "source_document",
    ],
    "quality": ["unit", "period", "number", "metric", "score", "maximum", "source_document"],
    "tasks": ["unit", "group", "task", "owner", "due", "state", "as_of", "source_document"],
    "commune-model": ["unit", "item", "done", "as_of", "evidence", "source_document"],
}
_YES = {"1", "yes", "true", "x", "co", "dat", "roi", "✓"}
_NO = {"", "0", "no", "false", "khong", "chua"}


class Problem(NamedTuple):
    """What is wrong with one line; `line` 0 is the file as a whole."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "file"
        return f"{where}: {self.field}: {self.reason}" if self.field else f"{where}: {self.reason}"


class OfficeNamed(NamedTuple):
    """An office as a file names it, with the commune it is the committee of, if it is one."""

    code: str
    name: str
    unit_id: int | None
    within_id: int | None


class Value(NamedTuple):
    """One figure as it will be stored."""

    line: int
    indicator: str
    unit_id: int | None
    office: OfficeNamed | None
    part: str
    period_start: date
    period_end: date
    numerator: float | None
    denominator: float | None
    qualifier: str = "="
    reported_share: float | None = None
    share_qualifier: str = "="
    form_code: str = ""
    source_document: str = ""
    source_url: str = ""
    retrieved_on: date | None = None
    note: str = ""


class TaskLine(NamedTuple):
    """One programme task of a file."""

    line: int
    unit_id: int | None
    key: str
    grouping: str
    name: str
    owner: str
    due: date | None
    state: str
    as_of: date
    source_document: str


class MarkLine(NamedTuple):
    """One item of the commune model of a file."""

    line: int
    unit_id: int
    item: str
    done: bool
    marked_on: date
    evidence: str
    source_document: str


@dataclass
class Checked:
    """What a file holds and what is wrong with it; nothing is stored yet."""

    indicator_set: str
    file_name: str
    digest: str
    head: tuple[str, ...]
    mapping: dict[str, str]
    lines: int = 0
    values: list[Value] = field(default_factory=list)
    tasks: list[TaskLine] = field(default_factory=list)
    marks: list[MarkLine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def found(self) -> int:
        """How many figures, tasks and marks the file holds."""
        return len(self.values) + len(self.tasks) + len(self.marks)


class _Wrong(Exception):
    def __init__(self, field_: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field_, reason


def fields_of(indicator_set: str) -> list[str]:
    """The fields that headings of a set's files can mean."""
    if indicator_set == "one-stop":
        return list(dict.fromkeys([*_LONG, *_FORM]))
    if indicator_set in _FIELDS:
        return list(dict.fromkeys([*_FIELDS[indicator_set], *_LONG]))
    return _LONG


def headings_key(head: tuple[str, ...]) -> str:
    """Headings as the memory of column mappings keeps them."""
    return "|".join(" ".join(words(cell)) for cell in head)


def guess(head: tuple[str, ...], indicator_set: str) -> dict[str, str]:
    """Heading → field: as remembered from the last file with these headings, else by name."""
    remembered = db.session.scalar(
        select(ColumnMapping.mapping).where(
            ColumnMapping.indicator_set == indicator_set, ColumnMapping.headings == headings_key(head)
        )
    )
    if remembered:
        return dict(remembered)
    allowed = fields_of(indicator_set)
    names = {" ".join(words(name)): name for name in allowed}
    for name in allowed:
        for synonym in _SYNONYMS.get(name, ()):
            names.setdefault(synonym, name)
    mapping: dict[str, str] = {}
    numbers = _numbers_of(head)
    form = FORM_II_06A_COLUMNS if numbers and max(map(int, numbers)) == 12 else FORM_06_COLUMNS
    for cell in head:
        plain = " ".join(words(cell))
        number = re.fullmatch(r"\(?(\d{1,2})\)?\s*(?:=.*)?", cell.strip())
        found = ({"2": "part"} | form).get(number[1]) if number else names.get(plain)
        if found in allowed and found not in mapping.values():
            mapping[cell] = str(found)
    return mapping


def _numbers_of(head: tuple[str, ...]) -> list[str]:
    """The numbers of a line that numbers the columns of a form: (1), (2), (3)=(4)+(5)+(6) …; else nothing."""
    filled = [cell.strip() for cell in head if cell.strip()]
    found = [match[1] for cell in filled if (match := _NUMBERED.fullmatch(cell))]
    return found if len(found) == len(filled) >= 10 else []


def _table(name: str, content: bytes, indicator_set: str) -> tables.Read:
    """The table of a file; a form as it is printed has its head in the line that numbers the columns."""
    if indicator_set == "one-stop":
        form = tables.read(name, content, lambda cells: bool(_numbers_of(tuple(cells))), optional=True)
        if form.head:
            return form
    return tables.read(name, content)


def check_file(
    path: Path,
    indicator_set: str,
    source: str = "",
    scope: set[int] | None = None,
    unit: str = "",
    period: str = "",
) -> Checked:
    """Read and check a file on disk; see check()."""
    return check(path.name, bounds.read_file(path), indicator_set, None, source, scope, unit, period)


def check(
    name: str,
    content: bytes,
    indicator_set: str,
    mapping: Mapping[str, str] | None = None,
    source: str = "",
    scope: set[int] | None = None,
    unit: str = "",
    period: str = "",
) -> Checked:
    """Everything a file holds, with what is wrong. `scope` limits the units it may speak about.

    `unit` and `period` hold for lines that name none: a printed form says them above its table.
    """
    if indicator_set not in SETS:
        raise ImportRefused(_("There is no indicator set called %(name)s.", name=indicator_set))
    table = _table(name, content, indicator_set)
    digest = hashlib.sha256(content).hexdigest()
    chosen = dict(mapping) if mapping is not None else guess(table.head, indicator_set)
    found = Checked(indicator_set, name, digest, table.head, chosen, len(table.rows))
    reader = _reader(indicator_set, chosen)
    if reader is None:
        wanted = ", ".join(fields_of(indicator_set))
        found.problems.append(
            Problem(0, "", _("The headings are not known for this set. Known: %(names)s.", names=wanted))
        )
        return found
    context = _Context(found, source or name, scope)
    places = {field_: table.head.index(cell) for cell, field_ in chosen.items() if cell in table.head}
    for line, cells in table.rows:
        row = {field_: cells[place] for field_, place in places.items()}
        if unit and not any(row.get(name, "").strip() for name in ("unit", "office_code", "office_name")):
            row["unit"] = unit
        if period and not any(row.get(name, "").strip() for name in ("period", "period_start", "period_end")):
            row["period"] = period
        try:
            reader(context, line, row)
        except _Wrong as wrong:
            found.problems.append(Problem(line, wrong.field, wrong.reason))
    if not table.rows:
        found.problems.append(Problem(0, "", _("The file has headings but no lines.")))
    if context.metrics:
        found.notes.append(
            _(
                "%(known)s indicators of service quality are the site’s own definitions.",
                known=context.metrics,
            )
        )
    _check_together(found)
    if context.communes or context.departments:
        found.notes.append(
            _(
                "%(all)s offices: %(communes)s match communes by name, %(departments)s are departments.",
                all=len(context.communes) + len(context.departments),
                communes=len(context.communes),
                departments=len(context.departments),
            )
        )
    return found


@dataclass
class _Context:
    found: Checked
    source: str
    scope: set[int] | None
    communes: set[str] = field(default_factory=set)
    departments: set[str] = field(default_factory=set)
    metrics: int = 0
    provinces: dict[tuple[str, date], Place | None] = field(default_factory=dict)
    places: dict[tuple[str, date], Place | None] = field(default_factory=dict)
    children: dict[int, dict[str, Place]] = field(default_factory=dict)


_Reader = Callable[[_Context, int, dict[str, str]], None]


def _reader(indicator_set: str, mapping: Mapping[str, str]) -> _Reader | None:
    fields_ = set(mapping.values())
    if indicator_set == "portal-month" and {"received", "on_time"} <= fields_:
        return _portal_row
    if indicator_set == "portal-month" and fields_ & set(_PORTAL_SHARES):
        return _portal_share_row
    if indicator_set == "quality" and "metric" in fields_ and "indicator" not in fields_:
        return _metric_row
    if indicator_set == "tasks" and {"task", "state"} <= fields_:
        return _task_row
    if indicator_set == "commune-model" and {"unit", "item", "done"} <= fields_:
        return _mark_row
    if "indicator" in fields_ and fields_ & {"numerator", "reported_share"}:
        return _long_row
    if indicator_set == "one-stop" and fields_ & set(FORM_06_COLUMNS.values()):
        return _form_row
    return None


def number(text: str, field_: str, *, whole: bool = True) -> tuple[float | None, str]:
    """A number with its qualifier: '> 80.000' is (80000, '>'). For counts, dots and commas before three digits group."""
    plain = text.replace("\u00a0", "").replace(" ", "")
    qualifier = "="
    for sign, meaning in ((">=", "≥"), ("≥", "≥"), (">", ">"), ("≈", "≈"), ("~", "≈"), ("=", "=")):
        if plain.startswith(sign):
            qualifier, plain = meaning, plain[len(sign) :]
            break
    if not plain or plain in {"-", "–"}:
        return None, qualifier
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", plain) and whole:
        plain = re.sub(r"[.,]", "", plain)
    elif re.fullmatch(r"\d+,\d+", plain):
        plain = plain.replace(",", ".")
    if not re.fullmatch(r"\d{1,15}(\.\d+)?", plain):
        raise _Wrong(field_, _("%(text)s is not a number", text=repr(text[:40])))
    value = float(plain)
    if whole and not value.is_integer():
        raise _Wrong(field_, _("%(text)s is not a whole number", text=repr(text[:40])))
    return value, qualifier


def share(text: str, field_: str) -> tuple[float | None, str]:
    """A share between 0 and 1 with its qualifier: '> 99%', '99,4' and '0.994' are understood."""
    percent = "%" in text
    value, qualifier = number(text.replace("%", ""), field_, whole=False)
    if value is None:
        return None, qualifier
    if percent or value > 1:
        value = round(value / 100, 8)
    if value > 1:
        raise _Wrong(field_, _("%(text)s is more than 100 %%", text=repr(text[:40])))
    return value, qualifier


def _day(text: str, field_: str) -> date | None:
    text = text.strip()
    if not text:
        return None
    if found := re.fullmatch(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", text):
        text = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise _Wrong(field_, _("%(text)s is not a day", text=repr(text[:40]))) from wrong


def _period(row: dict[str, str]) -> tuple[date, date]:
    start, end = (
        _day(row.get("period_start", ""), "period_start"),
        _day(row.get("period_end", ""), "period_end"),
    )
    if start and end:
        if end < start:
            raise _Wrong("period_end", _("the period ends before it begins"))
        return start, end
    text = row.get("period", "")
    if not text.strip():
        raise _Wrong("period", _("the period is missing"))
    try:
        return periods.days(text)
    except UserError as wrong:
        raise _Wrong("period", _("%(text)s is not a period", text=repr(text[:40]))) from wrong


def _in_scope(context: _Context, unit_id: int | None, field_: str = "unit") -> None:
    if context.scope is not None and unit_id not in context.scope:
        raise _Wrong(field_, _("this unit is outside your own"))


def _unit(context: _Context, text: str, on: date) -> Place:
    key = (text.strip(), on)
    if key not in context.places:
        context.places[key] = units.by_code(text, on=on)
    place = context.places[key]
    if place is None:
        raise _Wrong(
            "unit", _("there was no unit %(text)s on %(day)s", text=repr(text[:40]), day=on.isoformat())
        )
    return place


def _province(context: _Context, text: str, on: date) -> Place:
    key = (fold(text.strip()), on)
    if key not in context.provinces:
        named = [
            place for place in units.provinces(on) if fold(place.name) == key[0] or place.code == text.strip()
        ]
        context.provinces[key] = named[0] if len(named) == 1 else None
    place = context.provinces[key]
    if place is None:
        raise _Wrong(
            "province",
            _("there was no province %(text)s on %(day)s", text=repr(text[:40]), day=on.isoformat()),
        )
    return place


def _commune_named(context: _Context, name: str, province: Place) -> Place | None:
    """The commune a committee is named after: 'UBND xã Lập Thạch - Tỉnh Phú Thọ' → Xã Lập Thạch."""
    if province.id not in context.children:
        below = [place for place in units.children(province.id) if place.kind == "commune"]
        folded: dict[str, list[Place]] = defaultdict(list)
        for place in below:
            folded[fold(place.name)].append(place)
        context.children[province.id] = {key: found[0] for key, found in folded.items() if len(found) == 1}
    plain = re.sub(r"^(ubnd|uy ban nhan dan)\s+", "", fold(name.strip()))
    plain = re.sub(r"\s*-\s*" + re.escape(fold(province.name)) + "$", "", plain)
    return context.children[province.id].get(plain)


def _subject(context: _Context, row: dict[str, str], on: date) -> tuple[int | None, OfficeNamed | None]:
    """The unit or office a line is about."""
    code, name = row.get("office_code", "").strip(), row.get("office_name", "").strip()
    if row.get("unit", "").strip():
        place = _unit(context, row["unit"], on)
        _in_scope(context, place.id)
        if not code and not name:
            return place.id, None
    if not code and not name:
        raise _Wrong("unit", _("the unit or office is missing"))
    within = _province(context, row["province"], on) if row.get("province", "").strip() else None
    if within is None and row.get("unit", "").strip():
        within = _unit(context, row["unit"], on)
    commune = _commune_named(context, name, within) if within else None
    _in_scope(context, commune.id if commune else within.id if within else None, "office_name")
    office = OfficeNamed(
        code or slug(name), name or code, commune.id if commune else None, within.id if within else None
    )
    (context.communes if commune else context.departments).add(office.code)
    return office.unit_id, office


def _portal_row(context: _Context, line: int, row: dict[str, str]) -> None:
    start, end = _period(row)
    if not row.get("office_name", "").strip():
        raise _Wrong("office_name", _("the office is missing"))
    province = _province(context, row.get("province", ""), end)
    commune = _commune_named(context, row["office_name"], province)
    if commune is None and fold(row.get("level", "")).strip() == "commune":
        raise _Wrong("office_name", _("no commune of %(province)s has this name", province=province.name))
    _in_scope(context, commune.id if commune else province.id, "office_name")
    office = OfficeNamed(
        row.get("office_code", "").strip() or slug(row["office_name"]),
        row["office_name"].strip(),
        commune.id if commune else None,
        province.id,
    )
    (context.communes if commune else context.departments).add(office.code)
    received = _needed(row, "received")
    on_time = _needed(row, "on_time")
    rest, _sign = number(row.get("rest", ""), "rest")
    days, _sign = number(row.get("days", ""), "days", whole=False)
    if on_time > received:
        raise _Wrong("on_time", _("more files on time than received"))
    if rest is not None and received != on_time + rest:
        raise _Wrong("rest", _("received is not on time plus the rest"))
    source = row.get("source_document", "").strip() or context.source
    common = {
        "unit_id": office.unit_id,
        "office": office,
        "part": "",
        "period_start": start,
        "period_end": end,
    }

    def add(key: str, numerator: float, denominator: float | None) -> None:
        context.found.values.append(
            Value(line, key, numerator=numerator, denominator=denominator, source_document=source, **common)  # type: ignore[arg-type]  # values of several types by name
        )

    add("portal.received", received, None)
    add("portal.on_time", on_time, received)
    add("portal.rest", received - on_time, received)
    if days is not None:
        add("portal.days", days, None)


_PORTAL_SHARES = {
    "on_time_share": "portal.on_time",
    "rest_share": "portal.rest",
    "fully_online_share": "portal.fully_online",
}


def _portal_share_row(context: _Context, line: int, row: dict[str, str]) -> None:
    """One month of one unit as percentages alone: they are kept as reported."""
    start, end = _period(row)
    if not row.get("unit", "").strip():
        raise _Wrong("unit", _("the file names no unit: say which one it is about"))
    place = _unit(context, row["unit"], end)
    _in_scope(context, place.id)
    for name, key in _PORTAL_SHARES.items():
        stated, sign = share(row[name].rstrip("% ") + "%", name) if row.get(name, "").strip() else (None, "=")
        if stated is None:
            continue
        context.found.values.append(
            Value(
                line,
                key,
                place.id,
                None,
                "",
                start,
                end,
                None,
                None,
                reported_share=stated,
                share_qualifier=sign,
                source_document=row.get("source_document", "").strip() or context.source,
            )
        )


def _metric_row(context: _Context, line: int, row: dict[str, str]) -> None:
    """One indicator of service quality: its name and maximum must be the known ones; a score is stored if given."""
    name = fold(row["metric"].strip())
    named = [one for one in indicators.of_set("quality") if fold(one.names["vi"]) == name]
    if not named:
        raise _Wrong("metric", _("%(text)s is no indicator of this set", text=repr(row["metric"][:40])))
    indicator = named[0]
    maximum, _sign = number(row.get("maximum", ""), "maximum", whole=False)
    if maximum is not None and maximum != (indicator.maximum or 0):
        raise _Wrong(
            "maximum", _("the maximum is %(number)s in the definitions", number=f"{indicator.maximum or 0:g}")
        )
    context.metrics += 1
    score, sign = number(row.get("score", ""), "score", whole=False)
    if score is None:
        return
    start, end = _period(row)
    unit_id, office = _subject(context, row, end)
    if indicator.maximum and score > indicator.maximum:
        raise _Wrong("score", _("the part is larger than the whole"))
    context.found.values.append(
        Value(
            line,
            indicator.key,
            unit_id,
            office,
            "",
            start,
            end,
            score,
            indicator.maximum or None,
            sign,
            source_document=row.get("source_document", "").strip() or context.source,
        )
    )


def _needed(row: dict[str, str], field_: str) -> float:
    value, _sign = number(row.get(field_, ""), field_)
    if value is None:
        raise _Wrong(field_, _("the number is missing"))
    return value


def _long_row(context: _Context, line: int, row: dict[str, str]) -> None:
    key = row.get("indicator", "").strip()
    known = indicators.all_indicators()
    indicator = known.get(key) or next(
        (one for one in indicators.of_set(context.found.indicator_set) if one.key.partition(".")[2] == key),
        None,
    )
    if indicator is None or indicator.set != context.found.indicator_set:
        raise _Wrong("indicator", _("%(text)s is no indicator of this set", text=repr(key[:40])))
    start, end = _period(row)
    unit_id, office = _subject(context, row, end)
    whole = indicator.unit not in {"days", "points", "minutes"}
    numerator, sign = number(row.get("numerator", ""), "numerator", whole=whole)
    denominator, _sign = number(row.get("denominator", ""), "denominator", whole=whole)
    stated, share_sign = share(row.get("reported_share", ""), "reported_share")
    qualifier = row.get("qualifier", "").strip() or sign
    share_sign = row.get("share_qualifier", "").strip() or share_sign
    for given, field_ in ((qualifier, "qualifier"), (share_sign, "share_qualifier")):
        if given not in QUALIFIERS:
            raise _Wrong(field_, _("%(text)s is none of = > ≥ ≈", text=repr(given[:10])))
    if numerator is None and stated is None:
        raise _Wrong("numerator", _("a number or a reported share is needed"))
    if denominator is not None and denominator <= 0:
        raise _Wrong("denominator", _("the denominator must be more than nothing"))
    if numerator is not None and denominator is not None:
        if indicator.denominator and not indicator.average and numerator > denominator:
            raise _Wrong("numerator", _("the part is larger than the whole"))
        if stated is not None and abs(stated - numerator / denominator) > 0.006:
            raise _Wrong("reported_share", _("the share does not follow from the two numbers"))
        stated = None  # derived from now on
    context.found.values.append(
        Value(
            line,
            indicator.key,
            unit_id,
            office,
            row.get("part", "").strip(),
            start,
            end,
            numerator,
            denominator,
            qualifier,
            stated,
            share_sign,
            row.get("form_code", "").strip(),
            row.get("source_document", "").strip() or context.source,
            row.get("source_url", "").strip(),
            _day(row.get("retrieved_on", ""), "retrieved_on"),
            row.get("note", "").strip(),
        )
    )


def _form_row(context: _Context, line: int, row: dict[str, str]) -> None:
    columns = (*FORM_06_COLUMNS.values(), "punctual", "post")
    if not any(row.get(name, "").strip() for name in columns):
        return  # the notes below a printed form
    start, end = _period(row)
    unit_id, office = _subject(context, row, end)
    part = row.get("part", "").strip()
    if fold(part) in {"tong", "tong so", "tong cong", "total"}:
        part = ""
    resolved = number(row.get("resolved", ""), "resolved")[0]
    form = FORM_II_06A if row.get("punctual", "").strip() else FORM_06
    for name in columns:
        if name not in row:
            continue
        value, sign = number(row[name], name)
        if value is None:
            continue
        context.found.values.append(
            Value(
                line,
                f"onestop.{name}",
                unit_id,
                office,
                part,
                start,
                end,
                value,
                (resolved or None) if name == "punctual" else None,
                sign,
                form_code=row.get("form_code", "").strip() or form,
                source_document=row.get("source_document", "").strip() or context.source,
                source_url=row.get("source_url", "").strip(),
                retrieved_on=_day(row.get("retrieved_on", ""), "retrieved_on"),
                note=row.get("note", "").strip(),
            )
        )


def _task_row(context: _Context, line: int, row: dict[str, str]) -> None:
    as_of = _day(row.get("as_of", ""), "as_of") or units.today()
    place = _unit(context, row["unit"], as_of) if row.get("unit", "").strip() else None
    _in_scope(context, place.id if place else None)
    name = row["task"].strip()
    if not name:
        raise _Wrong("task", _("the task is missing"))
    grouping = row.get("group", "").strip()
    known = {
        **{key: key for key in indicators.task_groups()},
        **{fold(name): key for key, name in indicators.task_groups().items()},
    }
    if grouping and fold(grouping) not in known:
        raise _Wrong(
            "group",
            _(
                "%(text)s is none of: %(names)s",
                text=repr(grouping[:40]),
                names=", ".join(indicators.task_groups()),
            ),
        )
    state = row["state"].strip()
    if state not in TASK_STATES:
        raise _Wrong(
            "state", _("%(text)s is none of: %(names)s", text=repr(state[:40]), names=", ".join(TASK_STATES))
        )
    context.found.tasks.append(
        TaskLine(
            line,
            place.id if place else None,
            slug(name),
            known.get(fold(grouping), ""),
            name,
            row.get("owner", "").strip(),
            _day(row.get("due", ""), "due"),
            state,
            as_of,
            row.get("source_document", "").strip() or context.source,
        )
    )


def _mark_row(context: _Context, line: int, row: dict[str, str]) -> None:
    marked_on = _day(row.get("as_of", ""), "as_of") or units.today()
    place = _unit(context, row["unit"], marked_on)
    _in_scope(context, place.id)
    if place.kind != "commune":
        raise _Wrong("unit", _("the checklist is for communes"))
    item = row["item"].strip()
    known = {
        **{key: key for key in indicators.checklist()},
        **{fold(name): key for key, name in indicators.checklist().items()},
    }
    if fold(item) not in known:
        raise _Wrong(
            "item",
            _(
                "%(text)s is none of: %(names)s",
                text=repr(item[:40]),
                names=", ".join(indicators.checklist()),
            ),
        )
    done = fold(row["done"].strip())
    if done not in _YES | _NO:
        raise _Wrong("done", _("%(text)s is neither yes nor no", text=repr(row["done"][:20])))
    context.found.marks.append(
        MarkLine(
            line,
            place.id,
            known[fold(item)],
            done in _YES,
            marked_on,
            row.get("evidence", "").strip(),
            row.get("source_document", "").strip() or context.source,
        )
    )


def _check_together(found: Checked) -> None:
    """Rules about several figures at once: nothing twice, and the identities of form 06."""
    seen: dict[tuple[object, ...], int] = {}
    groups: dict[tuple[object, ...], dict[str, Value]] = defaultdict(dict)
    for value in found.values:
        about = (value.unit_id, value.office, value.part, value.period_start, value.period_end)
        if (about, value.indicator) in seen:
            found.problems.append(
                Problem(
                    value.line,
                    "indicator",
                    _("says the same as line %(line)s", line=seen[about, value.indicator]),
                )
            )
        seen[about, value.indicator] = value.line
        if value.indicator.startswith("onestop."):
            groups[about][value.indicator.removeprefix("onestop.")] = value
    for group in groups.values():
        for whole, parts, words_ in IDENTITIES:
            if whole not in group or any(part not in group for part in parts):
                continue
            if any(group[name].qualifier != "=" for name in (whole, *parts)):
                continue
            if group[whole].numerator != sum(group[part].numerator or 0 for part in parts):
                found.problems.append(
                    Problem(group[whole].line, whole, _("does not add up: %(rule)s", rule=words_))
                )
    for task_key in {task.key for task in found.tasks}:
        lines = [(task.line, task.unit_id) for task in found.tasks if task.key == task_key]
        if len({unit_id for _, unit_id in lines}) < len(lines):
            found.problems.append(
                Problem(lines[-1][0], "task", _("says the same as line %(line)s", line=lines[0][0]))
            )


def refuse(found: Checked) -> None:
    """Raise ImportRefused with every problem of a file; say nothing when there is none."""
    if found.problems:
        ordered = sorted(found.problems, key=lambda problem: problem.line)
        listed = "\n".join(f"{found.file_name}, {problem}" for problem in ordered[:50])
        raise ImportRefused(f"{listed}\n{_('Nothing was stored.')}")


def amount(text: str) -> tuple[float | None, float | None]:
    """A target as (number, share): '1.250' is a number, '80%' a share; two Nones when it is neither."""
    try:
        if "%" in text:
            return None, share(text, "amount")[0]
        value, sign = number(text, "amount")
    except _Wrong:
        return None, None
    return (value, None) if sign == "=" else (None, None)


TargetRow = tuple[str, int | None, tuple[date, date], float | None, float | None, str]


def check_targets(path: Path, scope: set[int] | None = None) -> tuple[list[TargetRow], list[Problem]]:
    """Targets from a CSV or XLSX file: indicator, unit (empty: the whole site), period, target, source."""
    table = tables.read_file(path)
    names = {
        "indicator": "indicator",
        "chi tieu": "indicator",
        "unit": "unit",
        "don vi": "unit",
        "period": "period",
        "ky": "period",
    }
    names |= {
        "target": "target",
        "muc tieu": "target",
        "number": "target",
        "share": "share",
        "ty le": "share",
    }
    names |= {
        "source": "source",
        "nguon": "source",
        "period start": "period_start",
        "period end": "period_end",
    }
    places = {
        names[" ".join(words(cell))]: place
        for place, cell in enumerate(table.head)
        if " ".join(words(cell)) in names
    }
    missing = [
        name
        for name in ("indicator", "target")
        if name not in places and not (name == "target" and "share" in places)
    ]
    if missing:
        return [], [Problem(0, name, _("the column is missing")) for name in missing]
    context = _Context(Checked("targets", path.name, "", table.head, {}), path.name, scope)
    rows: list[TargetRow] = []
    problems: list[Problem] = []
    for line, cells in table.rows:
        row = {name: cells[place] for name, place in places.items()}
        try:
            rows.append(_target_row(context, row))
        except _Wrong as wrong:
            problems.append(Problem(line, wrong.field, wrong.reason))
    return rows, problems


def _target_row(context: _Context, row: dict[str, str]) -> TargetRow:
    key = row["indicator"].strip()
    if key not in indicators.all_indicators():
        raise _Wrong("indicator", _("%(text)s is no indicator", text=repr(key[:40])))
    start, end = _period(row)
    place = _unit(context, row["unit"], end) if row.get("unit", "").strip() else None
    _in_scope(context, place.id if place else None)
    count, part = amount(row.get("target", ""))
    if row.get("share", "").strip():
        part, _sign = share(row["share"], "share")
    if (count is None) == (part is None):
        raise _Wrong("target", _("give either a number or a percentage"))
    return key, place.id if place else None, (start, end), count, part, row.get("source", "").strip()
