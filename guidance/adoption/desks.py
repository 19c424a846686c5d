"""Figures of the desks of one commune, counted from its cases: the rollup adds the desks of a commune together.

A desk is a place of help: the service centre, a hamlet, people's homes, the telephone, the web.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from guidance.adoption.periods import Period
from guidance.adoption.sums import NAMES, Sums
from guidance.db import db
from guidance.desk import rollup
from guidance.desk.models import ALL_TOPICS, AssistedCase


def _counted(keys: tuple[Any, ...], period: Period, unit_id: int, topic: str, desk: str) -> dict[Any, Sums]:
    numbers = rollup.sums_of_cases()
    query = select(*keys, *(numbers[name] for name in NAMES)).where(
        AssistedCase.unit_id == unit_id,
        AssistedCase.month.between(period.start, period.last_month),
        AssistedCase.voided_at.is_(None),
    )
    if topic != ALL_TOPICS:
        query = query.where(AssistedCase.topic == topic)
    if desk:
        query = query.where(AssistedCase.place == desk)
    wide = len(keys)
    return {
        row[0] if wide == 1 else tuple(row[:wide]): Sums(*(int(number or 0) for number in row[wide:]))
        for row in db.session.execute(query.group_by(*keys))
    }


def by_desk_and_month(
    period: Period, unit_id: int, topic: str = ALL_TOPICS, desk: str = ""
) -> dict[tuple[str, date], Sums]:
    """Sums of every desk of a commune (or of one) in every month that has any."""
    return _counted((AssistedCase.place, AssistedCase.month), period, unit_id, topic, desk)


def by_topic(period: Period, unit_id: int, desk: str) -> dict[str, Sums]:
    """Sums of every topic at one desk of a commune."""
    return _counted((AssistedCase.topic,), period, unit_id, ALL_TOPICS, desk)
