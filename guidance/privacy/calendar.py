"""Working days in Vietnam, and the terms the law sets: data with their source, marked until a lawyer has checked them."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import select

from guidance import content_files
from guidance.config import PROJECT
from guidance.db import db
from guidance.privacy.models import Holiday

SHIPPED = PROJECT / "guidance" / "content" / "privacy.yaml"
SATURDAY = 5


class Terms(NamedTuple):
    """How long an answer may take, and where that is said; without `verified_on` a lawyer has yet to check it."""

    title: str
    url: str | None
    verified_on: str | None
    answer_working_days: int
    carry_out_days: Mapping[str, int]


class SpecialDay(NamedTuple):
    """A day off, or a weekend day that is worked; `own` was entered on this site."""

    day: date
    name: str
    off: bool
    verified_on: str | None
    own: bool


@cache
def _shipped() -> dict[str, Any]:
    found: dict[str, Any] = content_files.read(SHIPPED)
    return found


def terms() -> Terms:
    """The terms in force."""
    said = _shipped()["terms"]
    return Terms(
        said["source"],
        said["url"],
        said["verified_on"],
        said["answer_working_days"],
        said["carry_out_days"],
    )


def special_days() -> dict[date, SpecialDay]:
    """Every day that is counted otherwise than its weekday says; what was entered here counts before what is shipped."""
    found = {
        row["day"]: SpecialDay(row["day"], row["name"], True, row["verified_on"], False)
        for row in _shipped()["holidays"]
    }
    for row in db.session.scalars(select(Holiday)):
        found[row.day] = SpecialDay(row.day, row.name, row.off, row.verified_on, True)
    return dict(sorted(found.items()))


def known_until() -> date:
    """The last day of the last year whose holidays are known."""
    return date(max((day.year for day, one in special_days().items() if one.off), default=1), 12, 31)


def is_working_day(day: date, special: Mapping[date, SpecialDay]) -> bool:
    """Whether offices work on a day."""
    if day in special:
        return not special[day].off
    return day.weekday() < SATURDAY


def working_days_after(day: date, number: int, special: Mapping[date, SpecialDay]) -> date:
    """The day on which so many working days have passed; the day itself does not count."""
    while number:
        day += timedelta(days=1)
        number -= is_working_day(day, special)
    return day
