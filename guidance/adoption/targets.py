"""Targets and denominators of units: what is to be reached, and of how many; they roll up from the units below."""

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import select

from guidance.adoption.models import Denominator, Target
from guidance.adoption.periods import Period
from guidance.db import db
from guidance.units import queries as units


class Goal(NamedTuple):
    """A target: a number or a share; `parts` units below were added up when the unit has none of its own."""

    number: float | None
    share: float | None
    source: str
    parts: int = 0


class Whole(NamedTuple):
    """How many there are in all, with the source."""

    number: float
    source: str
    parts: int = 0


def _tiled(rows: list[tuple[date, date, float, str]], period: Period) -> tuple[float, str] | None:
    """The sum of rows whose periods fill this one exactly, without gap or overlap."""
    inside = sorted(row for row in rows if period.start <= row[0] and row[1] <= period.end)
    exact = [row for row in inside if row[0] == period.start and row[1] == period.end]
    if exact:
        return exact[0][2], exact[0][3]
    if not inside or inside[0][0] != period.start or inside[-1][1] != period.end:
        return None
    if any(right[0] != left[1] + timedelta(days=1) for left, right in pairwise(inside)):
        return None
    return sum(row[2] for row in inside), "; ".join(dict.fromkeys(row[3] for row in inside if row[3]))


def numbers(indicator: str, period: Period) -> dict[int, float]:
    """Targets as numbers for a period, by unit id (0: the whole site); months that fill the period are added up."""
    query = select(
        Target.unit_id, Target.period_start, Target.period_end, Target.number, Target.source
    ).where(
        Target.indicator == indicator,
        Target.number.is_not(None),
        Target.period_start >= period.start,
        Target.period_end <= period.end,
    )
    rows: dict[int, list[tuple[date, date, float, str]]] = defaultdict(list)
    for unit_id, start, end, number, source in db.session.execute(query):
        rows[unit_id or 0].append((start, end, float(number or 0), source))
    found = {unit_id: _tiled(listed, period) for unit_id, listed in rows.items()}
    return {unit_id: tiled[0] for unit_id, tiled in found.items() if tiled is not None}


def named(period: Period) -> set[str]:
    """The indicators that have any target, of whatever unit, in a period."""
    query = select(Target.indicator).where(
        Target.period_start <= period.end, Target.period_end >= period.start
    )
    return set(db.session.scalars(query.distinct()))


def goal(indicator: str, unit_id: int | None, period: Period) -> Goal | None:
    """The target of a unit (None: the whole site): its own, else the sum of those of the units below it."""
    own = db.session.execute(
        select(Target.period_start, Target.period_end, Target.number, Target.share, Target.source)
        .where(
            Target.indicator == indicator,
            Target.unit_id == unit_id if unit_id is not None else Target.unit_id.is_(None),
            Target.period_start <= period.end,
            Target.period_end >= period.start,
        )
        .order_by(Target.period_start.desc(), Target.period_end)
    ).all()
    tiled = _tiled(
        [(start, end, number, source) for start, end, number, _, source in own if number is not None], period
    )
    if tiled is not None:
        return Goal(tiled[0], None, tiled[1])
    for start, end, _number, share, source in own:
        if share is not None and start <= period.start and end >= period.end:
            return Goal(None, share, source)
    below = numbers(indicator, period)
    parts = _below(unit_id, below) if below else []
    return Goal(sum(parts), None, "", len(parts)) if parts else None


def _below(unit_id: int | None, found: dict[int, float]) -> list[float]:
    """The numbers of the highest units below that have one, so that nothing is counted twice."""
    if unit_id is None:
        tops = [place.id for place in units.by_ids(id_ for id_ in found if id_).values()]
        parents = {place.id: place.parent_id for place in units.by_ids(tops).values()}
        return [found[id_] for id_ in tops if parents[id_] not in found]
    numbers_below: list[float] = []
    for place in units.children(unit_id):
        if place.id in found:
            numbers_below.append(found[place.id])
        elif place.kind != "commune":
            numbers_below.extend(_below(place.id, found))
    return numbers_below


def whole(indicator: str, unit_id: int | None, period: Period) -> Whole | None:
    """The denominator that holds at the end of a period: the unit's own, else the sum of all units below it.

    Adds up only when every commune below has one: a sum with holes would make shares look better than they are.
    """
    found = wholes(indicator, period.end)
    if (unit_id or 0) in found:
        return found[unit_id or 0]
    if unit_id is None or not found:
        return None
    children = units.children(unit_id)
    if not children or any(place.id not in found for place in children):
        return None
    parts = [found[place.id] for place in children]
    return Whole(sum(part.number for part in parts), parts[0].source, len(parts))


def wholes(indicator: str, day: date) -> dict[int, Whole]:
    """Denominators that hold on a day, by unit id (0: the whole site); the one entered last wins."""
    query = (
        select(Denominator.unit_id, Denominator.number, Denominator.source)
        .where(
            Denominator.indicator == indicator, Denominator.period_start <= day, Denominator.period_end >= day
        )
        .order_by(Denominator.entered_at, Denominator.id)
    )
    return {unit_id or 0: Whole(number, source) for unit_id, number, source in db.session.execute(query)}
