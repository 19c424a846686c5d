"""The monthly rollup: kept by adding and subtracting cases, and made anew from all cases; both must agree."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, delete, func, insert, select, text

from guidance.db import Base, db, is_sqlite, transaction, upsert
from guidance.desk.models import (
    ALL_TOPICS,
    HELP_MODES,
    MINUTES,
    OUTCOMES,
    UNRESOLVED,
    WHOLE_SITE,
    AssistedCase,
    MonthlyCount,
    MonthlyReason,
)

NUMBERS = (
    "cases",
    "people",
    *HELP_MODES,
    "guided_done",
    *OUTCOMES,
    "first_time",
    "timed",
    "minutes_sum",
)
COUNT_KEY = ("month", "unit_id", "topic")
REASON_KEY = ("month", "unit_id", "topic", "reason", "place", "failed_step")
DONE_ONLINE = ("submitted", "activated")
CountKey = tuple[date, int, str]
ReasonKey = tuple[date, int, str, str, str, str]


class Counted(NamedTuple):
    """What the rollup needs of a case; read before it changes, so that it can be subtracted."""

    month: date
    unit_id: int
    topic: str
    help_mode: str
    outcome: str
    reason: str
    place: str
    failed_step: str
    people: int
    first_time: bool
    minutes: str | None
    voided: bool


def counted(row: AssistedCase) -> Counted:
    """The present state of a case for the rollup."""
    return Counted(
        month=row.month,
        unit_id=row.unit_id or WHOLE_SITE,
        topic=row.topic,
        help_mode=row.help_mode,
        outcome=row.outcome,
        reason=row.reason or "",
        place=row.place,
        failed_step=row.failed_step,
        people=row.people,
        first_time=row.first_time,
        minutes=row.minutes,
        voided=row.voided_at is not None,
    )


def counted_new(columns: Mapping[str, Any]) -> Counted:
    """The state of a case that is just being stored, from its columns."""
    return Counted(
        month=columns["month"],
        unit_id=columns["unit_id"] or WHOLE_SITE,
        topic=columns["topic"],
        help_mode=columns["help_mode"],
        outcome=columns["outcome"],
        reason=columns["reason"] or "",
        place=columns["place"],
        failed_step=columns["failed_step"],
        people=columns["people"],
        first_time=columns["first_time"],
        minutes=columns["minutes"],
        voided=False,
    )


def _numbers(state: Counted) -> dict[str, int]:
    numbers = dict.fromkeys(NUMBERS, 0)
    numbers["cases"] = 1
    numbers["people"] = numbers[state.help_mode] = numbers[state.outcome] = state.people
    if state.help_mode == "guided" and state.outcome in DONE_ONLINE:
        numbers["guided_done"] = state.people
    if state.first_time:
        numbers["first_time"] = state.people
    if state.minutes is not None:
        numbers["timed"] = 1
        numbers["minutes_sum"] = MINUTES[state.minutes]
    return numbers


def move(before: Counted | None, after: Counted | None) -> None:
    """Take a case's old state out of the rollup and put its new one in, inside the caller's transaction."""
    counts: dict[CountKey, Counter[str]] = {}
    reasons: Counter[ReasonKey] = Counter()
    for state, sign in ((before, -1), (after, 1)):
        if state is None or state.voided:
            continue
        for topic in (state.topic, ALL_TOPICS):
            delta = counts.setdefault((state.month, state.unit_id, topic), Counter())
            for name, number in _numbers(state).items():
                delta[name] += sign * number
        if state.outcome in UNRESOLVED:
            why = (state.month, state.unit_id, state.topic, state.reason, state.place, state.failed_step)
            reasons[why] += sign * state.people
    # Always in the same order, so that two writers on PostgreSQL wait for each other instead of deadlocking.
    moved = {key: counts[key] for key in sorted(counts) if any(counts[key].values())}
    if moved:
        _add_counts(moved)
    for reason_key in sorted(reasons):
        if reasons[reason_key]:
            _add_reason(reason_key, reasons[reason_key])


@cache
def _adding(table: type[Base], key: tuple[str, ...], numbers: tuple[str, ...], sqlite: bool) -> Any:
    """INSERT … or add to the row that is there; made once, because every save needs it."""
    del sqlite  # upsert() follows the database in use; the argument keeps one statement for each
    columns: Any = table.__table__
    row = upsert(table).values({name: bindparam(name) for name in (*key, *numbers)})
    return row.on_conflict_do_update(
        index_elements=list(key), set_={name: columns.c[name] + row.excluded[name] for name in numbers}
    )


def _add_counts(deltas: Mapping[CountKey, Counter[str]]) -> None:
    values = [
        dict(zip(COUNT_KEY, key, strict=True)) | {name: delta[name] for name in NUMBERS}
        for key, delta in deltas.items()
    ]
    db.session.connection().execute(_adding(MonthlyCount, COUNT_KEY, NUMBERS, is_sqlite()), values)
    for key, delta in deltas.items():
        if delta["cases"] < 0:
            same_row = [
                getattr(MonthlyCount, name) == value for name, value in zip(COUNT_KEY, key, strict=True)
            ]
            db.session.execute(delete(MonthlyCount).where(*same_row, MonthlyCount.cases == 0))


def _add_reason(key: ReasonKey, people: int) -> None:
    values = dict(zip(REASON_KEY, key, strict=True)) | {"people": people}
    db.session.connection().execute(_adding(MonthlyReason, REASON_KEY, ("people",), is_sqlite()), values)
    if people < 0:
        same_row = [
            getattr(MonthlyReason, name) == value for name, value in zip(REASON_KEY, key, strict=True)
        ]
        db.session.execute(delete(MonthlyReason).where(*same_row, MonthlyReason.people == 0))


# --- anew --------------------------------------------------------------------------------------


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, AssistedCase.people), else_=0)), 0)


def sums_of_cases() -> dict[str, Any]:
    """The numbers of the rollup as sums over cases, by name."""
    band = case(*((AssistedCase.minutes == name, value) for name, value in MINUTES.items()), else_=0)
    sums: dict[str, Any] = {
        "cases": func.count(),
        "people": func.sum(AssistedCase.people),
        "guided_done": _sum(and_(AssistedCase.help_mode == "guided", AssistedCase.outcome.in_(DONE_ONLINE))),
        "first_time": _sum(AssistedCase.first_time.is_(True)),
        "timed": func.count(AssistedCase.minutes),
        "minutes_sum": func.sum(band),
    }
    sums |= {mode: _sum(AssistedCase.help_mode == mode) for mode in HELP_MODES}
    sums |= {outcome: _sum(AssistedCase.outcome == outcome) for outcome in OUTCOMES}
    return sums


def recount() -> tuple[dict[CountKey, dict[str, int]], dict[ReasonKey, int]]:
    """The whole rollup as the cases say it is, by key."""
    unit, sums = func.coalesce(AssistedCase.unit_id, WHOLE_SITE), sums_of_cases()
    query = (
        select(AssistedCase.month, unit, AssistedCase.topic, *(sums[name] for name in NUMBERS))
        .where(AssistedCase.voided_at.is_(None))
        .group_by(AssistedCase.month, unit, AssistedCase.topic)
    )
    counts: dict[CountKey, dict[str, int]] = {}
    for month, unit_id, topic, *numbers in db.session.execute(query):
        found = {name: int(number) for name, number in zip(NUMBERS, numbers, strict=True)}
        counts[(month, unit_id, topic)] = found
        total = counts.setdefault((month, unit_id, ALL_TOPICS), dict.fromkeys(NUMBERS, 0))
        for name in NUMBERS:
            total[name] += found[name]
    return counts, _recount_reasons(unit)


def _recount_reasons(unit: Any) -> dict[ReasonKey, int]:
    key = (
        AssistedCase.month,
        unit,
        AssistedCase.topic,
        func.coalesce(AssistedCase.reason, ""),
        AssistedCase.place,
        AssistedCase.failed_step,
    )
    query = (
        select(*key, func.sum(AssistedCase.people))
        .where(AssistedCase.voided_at.is_(None), AssistedCase.outcome.in_(sorted(UNRESOLVED)))
        .group_by(*key)
    )
    return {
        (month, unit_id, topic, reason, place, step): int(people)
        for month, unit_id, topic, reason, place, step, people in db.session.execute(query)
    }


def stored() -> tuple[dict[CountKey, dict[str, int]], dict[ReasonKey, int]]:
    """The whole rollup as it is kept, by key."""
    table: Any = MonthlyCount.__table__
    query = select(table.c.month, table.c.unit_id, table.c.topic, *(table.c[name] for name in NUMBERS))
    counts = {
        (month, unit_id, topic): dict(zip(NUMBERS, numbers, strict=True))
        for month, unit_id, topic, *numbers in db.session.execute(query)
    }
    rows = db.session.execute(
        select(
            MonthlyReason.month,
            MonthlyReason.unit_id,
            MonthlyReason.topic,
            MonthlyReason.reason,
            MonthlyReason.place,
            MonthlyReason.failed_step,
            MonthlyReason.people,
        )
    )
    return counts, {(m, u, t, r, p, s): people for m, u, t, r, p, s, people in rows}


def _differing(left: dict[Any, Any], right: dict[Any, Any]) -> int:
    return sum(1 for key in left.keys() | right.keys() if left.get(key) != right.get(key))


@transaction
def rebuild() -> int:
    """Make the rollup anew from the cases; returns how many rows were wrong before (0 when all was well)."""
    if not is_sqlite():
        db.session.execute(text("LOCK TABLE assisted_case IN SHARE MODE"))
    counts, reasons = recount()
    old_counts, old_reasons = stored()
    wrong = _differing(counts, old_counts) + _differing(reasons, old_reasons)
    if not wrong:
        return 0
    db.session.execute(delete(MonthlyCount))
    db.session.execute(delete(MonthlyReason))
    _insert_counts(counts.items())
    if reasons:
        db.session.execute(
            insert(MonthlyReason),
            [
                {
                    "month": month,
                    "unit_id": unit_id,
                    "topic": topic,
                    "reason": reason,
                    "place": place,
                    "failed_step": step,
                    "people": people,
                }
                for (month, unit_id, topic, reason, place, step), people in reasons.items()
            ],
        )
    return wrong


def _insert_counts(counts: Iterable[tuple[CountKey, dict[str, int]]]) -> None:
    rows = [
        {"month": month, "unit_id": unit_id, "topic": topic, **numbers}
        for (month, unit_id, topic), numbers in counts
    ]
    if rows:
        db.session.execute(insert(MonthlyCount), rows)
