"""Official figures as pages and machines read them: own values, sums of parts, and those of former units."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Integer, Select, and_, cast, func, or_, select

from guidance import i18n
from guidance.adoption import indicators, targets
from guidance.adoption.imports import FORM_06_COLUMNS
from guidance.adoption.indicators import Indicator
from guidance.adoption.models import (
    ChecklistMark,
    Denominator,
    FigureImport,
    IndicatorValue,
    Office,
    ProgrammeTask,
    Target,
)
from guidance.adoption.periods import Period, period_words
from guidance.db import db
from guidance.units import queries as units
from guidance.units.queries import Place, Successor

FORM_06_KEYS = frozenset(f"onestop.{name}" for name in FORM_06_COLUMNS.values())


class Figure(NamedTuple):
    """One official figure with everything that makes it traceable. `parts` tells how many were added up."""

    indicator: Indicator
    where: str
    where_key: str
    part: str
    period_start: date
    period_end: date
    numerator: float | None
    denominator: float | None
    qualifier: str
    reported: float | None
    share_qualifier: str
    form_code: str
    source: str
    source_url: str
    retrieved_on: date | None
    note: str
    entered_by: str
    entered_at: datetime | None
    parts: int = 0
    denominator_source: str = ""
    target: targets.Goal | None = None

    @property
    def gap(self) -> float | None:
        """How far the target is off, as a number or a share; None where either is not known exactly.

        Where less is good, how much the target is exceeded by. A share as reported is held against no target.
        """
        if self.target is None or self.qualifier != "=":
            return None
        goal = self.target.number if self.target.number is not None else self.target.share
        reached = self.numerator if self.target.number is not None else self.share
        if goal is None or reached is None:
            return None
        return reached - goal if self.indicator.good == "down" else goal - reached

    @property
    def share(self) -> float | None:
        """Derived from the two numbers; None for averages and where one of them is not known."""
        if self.numerator is None or not self.denominator or self.indicator.average:
            return None
        return self.numerator / self.denominator

    @property
    def number(self) -> str:
        """The numerator with its qualifier, as readers write numbers; a dash when the source gave none."""
        if self.numerator is None:
            return "–"
        return signed(self.numerator, self.qualifier)

    @property
    def percentage(self) -> str:
        """The derived share, else the reported one, which says so; a dash when there is neither."""
        if self.share is not None:
            sign = "" if self.qualifier == "=" else f"{self.qualifier} "
            return sign + i18n.format_share(self.share)
        if self.reported is not None:
            sign = "" if self.share_qualifier == "=" else f"{self.share_qualifier} "
            return _("%(share)s (as reported)", share=sign + i18n.format_share(self.reported))
        return "–"

    @property
    def days(self) -> str:
        """The period as two days, or as a month where it is one."""
        return period_words(self.period_start, self.period_end)


class SetOfFigures(NamedTuple):
    """The figures of one set for a place, newest first."""

    key: str
    name: str
    figures: tuple[Figure, ...]

    @property
    def latest(self) -> tuple[Figure, ...]:
        """The newest figure of each indicator, as a whole where the source or a sum gives it."""
        newest = self._split()[0]
        return tuple(figure for figure in newest if not figure.part) or tuple(newest)

    @property
    def by_part(self) -> tuple[Figure, ...]:
        """The newest figures of the parts (sectors of form 06) beside a whole."""
        newest = self._split()[0]
        parts = tuple(figure for figure in newest if figure.part)
        return parts if len(parts) < len(newest) else ()

    @property
    def earlier(self) -> tuple[Figure, ...]:
        """Everything older."""
        return tuple(self._split()[1])

    def _split(self) -> tuple[list[Figure], list[Figure]]:
        newest: dict[tuple[str, str], date] = {}
        for figure in self.figures:
            newest.setdefault((figure.indicator.key, figure.part), figure.period_end)
        latest = [
            figure
            for figure in self.figures
            if newest[figure.indicator.key, figure.part] == figure.period_end
        ]
        return latest, [figure for figure in self.figures if figure not in latest]

    @property
    def trend(self) -> tuple[Figure, ...]:
        """The share with the longest history, oldest first; nothing where there are fewer than three reports."""
        by_key: dict[str, list[Figure]] = defaultdict(list)
        for figure in self.figures:
            share = figure.share if figure.share is not None else figure.reported
            if not figure.part and share is not None and figure.indicator.good != "none":
                by_key[figure.indicator.key].append(figure)
        longest = max(by_key.values(), key=len, default=[])
        return tuple(sorted(longest, key=lambda one: one.period_end)) if len(longest) > 2 else ()


class Former(NamedTuple):
    """A unit that no longer exists, whose figures a present unit may look at but does not own."""

    place: Place
    relation: str
    shared_with: tuple[Place, ...]
    figures: tuple[Figure, ...]


class OfficialPage(NamedTuple):
    """Official figures of a place: by set, and those of the units it came from; `heirs` if it is itself former."""

    place: Place
    sets: tuple[SetOfFigures, ...]
    former: tuple[Former, ...]
    heirs: tuple[Successor, ...]


class LeagueRow(NamedTuple):
    """An office or unit in the ranking of one figure in one period; `rank` is None for what is not ranked."""

    rank: int | None
    name: str
    key: str
    is_unit: bool
    figure: Figure
    unsteady: bool


def signed(number: float, qualifier: str) -> str:
    """A number with its qualifier where that is not '='."""
    shown = i18n.format_number(int(number) if float(number).is_integer() else number)
    return shown if qualifier == "=" else f"{qualifier} {shown}"


def _figure(value: IndicatorValue, where: str, key: str) -> Figure:
    return Figure(
        indicators.all_indicators()[value.indicator],
        where,
        key,
        value.part,
        value.period_start,
        value.period_end,
        value.numerator,
        value.denominator,
        value.qualifier,
        value.reported_share,
        value.share_qualifier,
        value.form_code,
        value.source_document,
        value.source_url,
        value.retrieved_on,
        value.note,
        value.entered_by,
        value.entered_at,
    )


def _values(
    unit_ids: Iterable[int],
    within: int | None,
    indicator_set: str = "",
    period: Period | None = None,
    indicator: str = "",
) -> list[tuple[IndicatorValue, Office | None]]:
    """Values in force about units, and those of offices inside a province."""
    about: ColumnElement[bool] = IndicatorValue.unit_id.in_(list(unit_ids))
    if within is not None:
        about = or_(about, Office.within_id == within)
    query = (
        select(IndicatorValue, Office)
        .join(Office, Office.id == IndicatorValue.office_id, isouter=True)
        .where(IndicatorValue.ended_by.is_(None), about)
        .order_by(IndicatorValue.period_end.desc(), IndicatorValue.id)
    )
    if indicator_set:
        query = query.where(
            IndicatorValue.indicator.in_([one.key for one in indicators.of_set(indicator_set)])
        )
    if indicator:
        query = query.where(IndicatorValue.indicator == indicator)
    if period is not None:
        query = query.where(
            IndicatorValue.period_end >= period.start, IndicatorValue.period_end <= period.end
        )
    return [(value, office) for value, office in db.session.execute(query)]


def _is_own(value: IndicatorValue, place: Place, office: Office | None) -> bool:
    return value.unit_id == place.id and (office is None or office.unit_id == place.id)


def added(values: Sequence[tuple[IndicatorValue, Office | None]], place: Place) -> list[Figure]:
    """Own figures of a place, and the sums of its parts where it has none of its own.

    Averages, figures with a qualifier and reported shares are never added up.
    """
    own: list[Figure] = []
    groups: dict[tuple[str, str, date, date], list[IndicatorValue]] = defaultdict(list)
    known: set[tuple[str, str, date, date]] = set()
    for value, office in values:
        key = (value.indicator, value.part, value.period_start, value.period_end)
        if not _is_own(value, place, office):
            groups[key].append(value)
            continue
        own.append(_figure(value, place.name, place.key))
        if value.numerator is not None:
            known.add(key)
    for key, parts in groups.items():
        if key in known or not _may_add(parts):
            continue
        own = [
            one
            for one in own
            if (one.indicator.key, one.part, one.period_start, one.period_end)
            != key  # printed alone: derived now
        ]
        first = parts[0]
        whole = all(part.denominator is not None for part in parts)
        own.append(
            _figure(first, place.name, place.key)._replace(
                numerator=sum(part.numerator or 0 for part in parts),
                denominator=sum(part.denominator or 0 for part in parts) if whole else None,
                note="",
                parts=len(parts),
            )
        )
    return own


def _may_add(parts: Sequence[IndicatorValue]) -> bool:
    indicator = indicators.all_indicators().get(parts[0].indicator)
    if indicator is None or indicator.average or indicator.set == "quality":
        return False
    return all(part.numerator is not None and part.qualifier == "=" for part in parts)


def _one_stop(figures: list[Figure]) -> list[Figure]:
    """Form 06 completed: the sum of its sectors where no total came, and the share resolved early or on time."""
    found = list(figures)
    groups: dict[tuple[date, date, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        if figure.indicator.key in FORM_06_KEYS:
            groups[figure.period_start, figure.period_end, figure.indicator.key].append(figure)
    totals: dict[tuple[date, date], dict[str, Figure]] = defaultdict(dict)
    for (start, end, key), rows in groups.items():
        whole = next((row for row in rows if not row.part), None)
        if whole is None and all(row.qualifier == "=" and row.numerator is not None for row in rows):
            number = sum(row.numerator or 0 for row in rows)
            whole = rows[0]._replace(part="", numerator=number, parts=len(rows), note="")
            found.append(whole)
        if whole is not None:
            totals[start, end][key] = whole
    punctual = indicators.all_indicators()["onestop.punctual"]
    for period, row in totals.items():
        wanted = [row.get(f"onestop.{name}") for name in ("early", "on_time", "resolved")]
        given = any(
            figure.indicator is punctual and (figure.period_start, figure.period_end) == period
            for figure in figures
        )
        if given or any(one is None or one.numerator is None or one.qualifier != "=" for one in wanted):
            continue
        early, on_time, resolved = (one.numerator or 0 for one in wanted if one is not None)
        if resolved:
            found.append(
                row["onestop.resolved"]._replace(
                    indicator=punctual, numerator=early + on_time, denominator=resolved
                )
            )
    return found


def _with_denominators(figures: Sequence[Figure], place: Place) -> list[Figure]:
    """Figures whose source gave no denominator, completed by the one a manager stated, with its source."""
    found = []
    for figure in figures:
        if figure.denominator is None and figure.numerator is not None and figure.indicator.denominator:
            stated = targets.wholes(figure.indicator.key, figure.period_end).get(place.id)
            if stated is not None:
                figure = figure._replace(denominator=stated.number, denominator_source=stated.source)
        found.append(figure)
    return found


def _with_targets(figures: Sequence[Figure], place: Place) -> list[Figure]:
    """Figures with the target of the place for just their period, or for a longer one where it is a share."""
    known: dict[tuple[str, date, date], targets.Goal | None] = {}
    named: dict[tuple[date, date], set[str]] = {}
    found = []
    for figure in figures:
        days = (figure.period_start, figure.period_end)
        if days not in named:
            named[days] = targets.named(Period(*days))
        if not figure.part and figure.indicator.key in named[days]:
            key = (figure.indicator.key, *days)
            if key not in known:
                known[key] = targets.goal(figure.indicator.key, place.id, Period(*days))
            figure = figure._replace(target=known[key])
        found.append(figure)
    return found


def official(place: Place, indicator_set: str = "", period: Period | None = None) -> OfficialPage:
    """Official figures of a place with their sources; figures of former units stay theirs and stand apart."""
    values = _values(units.ids_below(place.id), place.id, indicator_set, period)
    figures = _with_targets(_with_denominators(_one_stop(added(values, place)), place), place)
    sets = []
    order = {key: number for number, key in enumerate(indicators.all_indicators())}
    for key in dict.fromkeys(figure.indicator.set for figure in figures):
        rows = [figure for figure in figures if figure.indicator.set == key]
        rows.sort(key=lambda row: (-row.period_end.toordinal(), row.part, order[row.indicator.key]))
        sets.append(SetOfFigures(key, indicators.set_name(key), tuple(rows)))
    former = tuple(_former(place, indicator_set)) if period is None else ()
    return OfficialPage(place, tuple(sets), former, tuple(units.successors(place.id)))


def _former(place: Place, indicator_set: str) -> Iterable[Former]:
    """The units a place came from, further up as well: a commune also from the former district of its parts."""
    seen: dict[int, tuple[Place, str]] = {}
    for before in units.predecessors(place.id):
        seen.setdefault(before.place.id, (before.place, before.relation))
    for old, relation in seen.values():
        values = _values([old.id], None, indicator_set)
        figures = tuple(_figure(value, old.name, old.key) for value, _office in values)
        if figures:
            heirs = tuple(after.place for after in units.successors(old.id))
            yield Former(old, relation, heirs, figures)


def league(place: Place, indicator: Indicator, start: date, end: date) -> list[LeagueRow]:
    """Offices and units below a place by one figure, best first; reported shares and small wholes are not ranked high.

    Rows without a derived share come last: a share as reported is never ranked.
    """
    values = [
        (value, office)
        for value, office in _values(units.ids_below(place.id), place.id, indicator=indicator.key)
        if (value.period_start, value.period_end, value.part) == (start, end, "")
        and not _is_own(value, place, office)
    ]
    places = units.by_ids({value.unit_id for value, _ in values if value.unit_id})
    rows = []
    for value, office in values:
        where = places.get(value.unit_id) if value.unit_id else None
        name = where.name if where else office.name if office else ""
        figure = _figure(value, name, where.key if where else "")
        small = figure.denominator is not None and figure.denominator < 30
        rows.append(LeagueRow(None, name, where.key if where else "", where is not None, figure, small))
    return _ranked(rows, indicator)


def _ranked(rows: list[LeagueRow], indicator: Indicator) -> list[LeagueRow]:
    """Best first, equals with the same rank; small wholes and figures that are not exact come last, without a rank."""

    def measured(row: LeagueRow) -> float | None:
        return row.figure.share if indicator.denominator else row.figure.numerator

    steady = [
        row for row in rows if measured(row) is not None and not row.unsteady and row.figure.qualifier == "="
    ]
    others = [row for row in rows if row not in steady]
    best = -1 if indicator.good != "down" else 1
    for listed in (steady, others):
        listed.sort(key=lambda row: (measured(row) is None, best * (measured(row) or 0), row.name))
    found: list[LeagueRow] = []
    for place, row in enumerate(steady, start=1):
        same = bool(found) and measured(steady[place - 2]) == measured(row)
        found.append(row._replace(rank=found[-1].rank if same else place))
    return [*found, *others]


def periods_of(indicator_keys: Sequence[str]) -> list[tuple[date, date]]:
    """The periods for which any of some figures is known, newest first."""
    query = (
        select(IndicatorValue.period_start, IndicatorValue.period_end)
        .where(IndicatorValue.ended_by.is_(None), IndicatorValue.indicator.in_(list(indicator_keys)))
        .distinct()
        .order_by(IndicatorValue.period_end.desc(), IndicatorValue.period_start)
    )
    return [(start, end) for start, end in db.session.execute(query)]


def in_period(place: Place | None, indicator: str, period: Period, by: str) -> list[tuple[str, Figure]]:
    """Figures of an indicator for machines: by month (period end), by unit (parts of a place), each with its key."""
    if place is None:
        query = (
            select(IndicatorValue, Office)
            .join(Office, Office.id == IndicatorValue.office_id, isouter=True)
            .where(
                IndicatorValue.ended_by.is_(None),
                IndicatorValue.indicator == indicator,
                IndicatorValue.part == "",
                and_(IndicatorValue.period_end >= period.start, IndicatorValue.period_end <= period.end),
            )
            .order_by(IndicatorValue.period_end, IndicatorValue.id)
        )
        values: list[tuple[IndicatorValue, Office | None]] = [
            (value, office) for value, office in db.session.execute(query)
        ]
    else:
        values = _values(units.ids_below(place.id), place.id, period=period, indicator=indicator)
        values = [(value, office) for value, office in values if value.part == ""]
    if by == "month":
        if place is not None:
            return [
                (f"{figure.period_end:%Y-%m}", figure)
                for figure in sorted(added(values, place), key=lambda one: one.period_end)
            ]
        by_place: dict[int | None, list[tuple[IndicatorValue, Office | None]]] = defaultdict(list)
        for value, office in values:
            by_place[office.within_id if office else value.unit_id].append((value, office))
        found = []
        places = units.by_ids(id_ for id_ in by_place if id_ is not None)
        for id_, listed in by_place.items():
            if id_ in places:
                found += [(f"{figure.period_end:%Y-%m}", figure) for figure in added(listed, places[id_])]
        return found
    places = units.by_ids({value.unit_id for value, _ in values if value.unit_id})
    rows = []
    for value, office in values:
        if place is not None and _is_own(value, place, office):
            continue
        where = places.get(value.unit_id) if value.unit_id else None
        key = where.key if where else office.code if office else ""
        rows.append((key, _figure(value, where.name if where else office.name if office else "", key)))
    return rows


# --- lists -------------------------------------------------------------------------------------


class ImportRow(NamedTuple):
    """One import in the list; `latest` can be undone."""

    id: int
    set_name: str
    file_name: str
    lines: int
    stored: int
    at: datetime
    by: str
    undone_at: datetime | None


def all_imports(unit_ids: Sequence[int] | None, limit: int = 100) -> list[ImportRow]:
    """Imports, newest first; those made for units of a scope where given."""
    query = select(FigureImport).where(FigureImport.stored > 0).order_by(FigureImport.id.desc()).limit(limit)
    if unit_ids is not None:
        query = query.where(FigureImport.unit_id.in_(list(unit_ids)))
    return [
        ImportRow(
            row.id,
            indicators.set_name(row.indicator_set),
            row.file_name,
            row.lines,
            row.stored,
            row.at,
            row.by,
            row.undone_at,
        )
        for row in db.session.scalars(query)
    ]


class TargetRow(NamedTuple):
    """One target in the list."""

    id: int
    indicator: Indicator
    place: Place | None
    start: date
    end: date
    number: float | None
    share: float | None
    source: str
    by: str


def all_targets(unit_ids: Sequence[int] | None, limit: int = 500) -> list[TargetRow]:
    """Targets of a scope, latest period first."""
    query = select(Target).order_by(Target.period_end.desc(), Target.indicator, Target.unit_id).limit(limit)
    if unit_ids is not None:
        query = query.where(Target.unit_id.in_(list(unit_ids)))
    rows = list(db.session.scalars(query))
    places = units.by_ids({row.unit_id for row in rows if row.unit_id})
    known = indicators.all_indicators()
    return [
        TargetRow(
            row.id,
            known[row.indicator],
            places.get(row.unit_id) if row.unit_id else None,
            row.period_start,
            row.period_end,
            row.number,
            row.share,
            row.source,
            row.entered_by,
        )
        for row in rows
        if row.indicator in known
    ]


class DenominatorRow(NamedTuple):
    """One stated denominator in the list."""

    indicator: Indicator
    place: Place | None
    start: date
    end: date
    number: float
    source: str
    by: str


def all_denominators(unit_ids: Sequence[int] | None, limit: int = 200) -> list[DenominatorRow]:
    """Denominators that managers stated, latest first."""
    query = select(Denominator).order_by(Denominator.entered_at.desc(), Denominator.id.desc()).limit(limit)
    if unit_ids is not None:
        query = query.where(Denominator.unit_id.in_(list(unit_ids)))
    rows = list(db.session.scalars(query))
    places = units.by_ids({row.unit_id for row in rows if row.unit_id})
    known = indicators.all_indicators()
    return [
        DenominatorRow(
            known[row.indicator],
            places.get(row.unit_id) if row.unit_id else None,
            row.period_start,
            row.period_end,
            row.number,
            row.source,
            row.entered_by,
        )
        for row in rows
        if row.indicator in known
    ]


class TaskRow(NamedTuple):
    """One programme task. `verified` says whether anybody has checked the name of its group against the decision."""

    group: str
    verified: bool
    name: str
    owner: str
    due: date | None
    state: str
    as_of: date
    source: str


def tasks(place: Place | None) -> list[TaskRow]:
    """Programme tasks of a place (None: of the whole site), by group and due day."""
    query = select(ProgrammeTask).where(ProgrammeTask.ended_by.is_(None))
    query = (
        query.where(ProgrammeTask.unit_id == place.id)
        if place
        else query.where(ProgrammeTask.unit_id.is_(None))
    )
    groups = indicators.task_groups()
    rows = [
        TaskRow(
            groups.get(row.grouping, ""),
            indicators.task_group_verified(row.grouping),
            row.name,
            row.owner,
            row.due,
            row.state,
            row.as_of,
            row.source_document,
        )
        for row in db.session.scalars(query)
    ]
    order = {name: number for number, name in enumerate(groups.values())}
    return sorted(rows, key=lambda row: (order.get(row.group, 99), row.due or date.max, row.name))


class ChecklistRow(NamedTuple):
    """One item of the commune model for a place: how many of its communes have it."""

    name: str
    done: int
    marked: int
    evidence: str


def checklist(place: Place | None) -> list[ChecklistRow]:
    """The commune model, item by item, for all communes of a place that were marked."""
    query: Select[*tuple[Any, ...]] = select(
        ChecklistMark.item,
        func.sum(cast(ChecklistMark.done, Integer)),
        func.count(),
        func.max(ChecklistMark.evidence),
    ).where(ChecklistMark.ended_by.is_(None))
    if place is not None:
        query = query.where(ChecklistMark.unit_id.in_(units.ids_below(place.id)))
    found = {
        item: (int(done), marked, evidence)
        for item, done, marked, evidence in db.session.execute(query.group_by(ChecklistMark.item))
    }
    return [
        ChecklistRow(name, found[key][0], found[key][1], found[key][2] if found[key][1] == 1 else "")
        for key, name in indicators.checklist().items()
        if key in found
    ]
