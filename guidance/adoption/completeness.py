"""Whether the desks' log is complete: who logged nothing, who is late, which months are closed."""

from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import func, select

from guidance.adoption import queries
from guidance.adoption.periods import month_end, months_from
from guidance.adoption.sums import NOTHING
from guidance.db import db
from guidance.desk.models import WHOLE_SITE, AssistedCase, ClosedMonth
from guidance.units import queries as units
from guidance.units.models import Unit
from guidance.units.queries import Place

LATE_AFTER = timedelta(days=7)


class UnitState(NamedTuple):
    """One commune in a month: cases and people, the day of its last case ever, and `nothing`, `late` or `fine`."""

    place: Place
    cases: int
    people: int
    last_entry: date | None
    state: str
    closed: bool


class Completeness(NamedTuple):
    """All communes of a place in a month."""

    month: date
    rows: tuple[UnitState, ...]
    nothing: int
    late: int
    closed: bool
    over: bool


def completeness(place: Place | None, month: date, today: date) -> Completeness:
    """Who logged what in a month; late means: no case in the seven days before the month's end, or before today."""
    communes = _communes(place)
    sums = queries.sums_by_unit(months_from(month, 1), [one.id for one in communes] if place else None)
    last = last_entries([one.id for one in communes])
    closed = _closed(month)
    by = min(month_end(month), today)
    rows = []
    for one in communes:
        found = sums.get(one.id, NOTHING)
        entry = last.get(one.id)
        state = "nothing" if not found.cases else "fine"
        if state == "fine" and entry is not None and by - entry > LATE_AFTER:
            state = "late"
        rows.append(
            UnitState(
                one,
                found.cases,
                found.people,
                entry,
                state,
                bool(closed & {one.id, one.parent_id, WHOLE_SITE}),
            )
        )
    order = {"nothing": 0, "late": 1, "fine": 2}
    rows.sort(key=lambda row: (order[row.state], row.place.name))
    own = place.id if place else WHOLE_SITE
    return Completeness(
        month=month,
        rows=tuple(rows),
        nothing=sum(row.state == "nothing" for row in rows),
        late=sum(row.state == "late" for row in rows),
        closed=bool(closed & {own, place.parent_id if place else WHOLE_SITE, WHOLE_SITE}),
        over=month_end(month) < today,
    )


def _communes(place: Place | None) -> list[Place]:
    """Communes of a place; of the whole site only those that have ever logged, for there are 3,321 in the country."""
    if place is not None:
        return units.communes_below(place.id)
    logged = set(
        db.session.scalars(select(AssistedCase.unit_id).where(AssistedCase.unit_id.is_not(None)).distinct())
    )
    return [one for one in units.by_ids(id_ for id_ in logged if id_).values() if one.kind == "commune"]


def last_entries(unit_ids: list[int]) -> dict[int, date]:
    """The day of the last case of each unit that has any; one look into the index per unit."""
    last = (
        select(func.max(AssistedCase.day))
        .where(AssistedCase.unit_id == Unit.id)
        .correlate(Unit)
        .scalar_subquery()
    )
    found: dict[int, date] = {}
    for start in range(0, len(unit_ids), 500):
        chunk = unit_ids[start : start + 500]
        rows = db.session.execute(select(Unit.id, last).where(Unit.id.in_(chunk)))
        found |= {unit_id: day for unit_id, day in rows if day is not None}
    return found


def _closed(month: date) -> set[int | None]:
    return set(db.session.scalars(select(ClosedMonth.unit_id).where(ClosedMonth.month == month)))
