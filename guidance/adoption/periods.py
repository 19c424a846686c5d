"""Months, named stretches of them, and what to compare them with."""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

from flask_babel import lazy_gettext as _l

from guidance import i18n
from guidance.errors import UserError

PRESETS = {
    "month": _l("This month"),
    "last-month": _l("Last month"),
    "quarter": _l("This quarter"),
    "half-year": _l("This half-year"),
    "year": _l("This year"),
    "last-year": _l("Last year"),
}
LONGEST_MONTHS = 120


class OddPeriod(UserError):
    """The months asked for cannot be read, or end before they begin."""

    status = 400
    message = _l(
        "This period cannot be read. Write months as 2026-07 or days as 2026-07-15, the earlier one first."
    )


class Period(NamedTuple):
    """Whole months: `start` is the first day of the first, `end` the last day of the last; both included."""

    start: date
    end: date

    @property
    def months(self) -> list[date]:
        """The first days of all months."""
        found = [self.start]
        while len(found) < self.length:
            found.append(shift(found[-1], 1))
        return found

    @property
    def length(self) -> int:
        """How many months."""
        return (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1

    @property
    def last_month(self) -> date:
        """First day of the last month."""
        return self.end.replace(day=1)

    @property
    def from_text(self) -> str:
        """The first month as addresses write it."""
        return self.start.strftime("%Y-%m")

    @property
    def to_text(self) -> str:
        """The last month as addresses write it."""
        return self.end.strftime("%Y-%m")

    @property
    def words(self) -> str:
        """As readers say it: one month, or the first and the last."""
        return period_words(self.start, self.end)

    def before(self) -> "Period":
        """As many months directly before."""
        return months_from(shift(self.start, -self.length), self.length)

    def year_before(self) -> "Period":
        """The same months of the year before."""
        return months_from(shift(self.start, -12), self.length)

    def partial(self, today: date) -> bool:
        """Whether the period is not over yet."""
        return self.end >= today

    def cut(self, today: date) -> "Period":
        """The part that has begun: months after the present one hold nothing yet."""
        return (
            self
            if self.last_month <= today
            else Period(self.start, month_end(max(today.replace(day=1), self.start)))
        )


def shift(month: date, by: int) -> date:
    """The first day of the month so many months later."""
    place = month.year * 12 + month.month - 1 + by
    return date(place // 12, place % 12 + 1, 1)


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_from(start: date, length: int) -> Period:
    """So many whole months from a first day on."""
    return Period(start, month_end(shift(start, length - 1)))


def preset(name: str, today: date) -> Period:
    """A named period as of a day: calendar months, quarters and halves of the year the day is in."""
    this = today.replace(day=1)
    if name == "last-month":
        return months_from(shift(this, -1), 1)
    if name == "quarter":
        return months_from(date(this.year, (this.month - 1) // 3 * 3 + 1, 1), 3)
    if name == "half-year":
        return months_from(date(this.year, 1 if this.month <= 6 else 7, 1), 6)
    if name == "year":
        return months_from(date(this.year, 1, 1), 12)
    if name == "last-year":
        return months_from(date(this.year - 1, 1, 1), 12)
    return months_from(this, 1)


def _day(text: str) -> date:
    if re.fullmatch(r"\d{4}-\d{2}", text):
        text += "-01"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise OddPeriod
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise OddPeriod from wrong


def between(first: str, last: str, today: date) -> Period:
    """The whole months that hold two given months or days; a missing end is the other one, or this month."""
    start = _day(first) if first else _day(last) if last else today
    end = _day(last) if last else max(start, today)
    if end < start or start.year < 1990 or end.year > 2200:
        raise OddPeriod
    period = Period(start.replace(day=1), month_end(end))
    if period.length > LONGEST_MONTHS:
        raise OddPeriod
    return period


def days(text: str) -> tuple[date, date]:
    """First and last day of what a file calls a period: 2026-08, 2026-Q3, 2026-H1, 2026, or two days with `..`.

    Report periods that end on the 14th are written as two days: 2026-06-15..2026-09-14.
    """
    text = text.strip()
    if ".." in text:
        first, _dots, last = text.partition("..")
        start, end = _day(first.strip()), _day(last.strip())
    elif found := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        start = date(int(found[1]), int(found[2]) * 3 - 2, 1)
        end = month_end(shift(start, 2))
    elif found := re.fullmatch(r"(\d{4})-H([12])", text):
        start = date(int(found[1]), 1 if found[2] == "1" else 7, 1)
        end = month_end(shift(start, 5))
    elif re.fullmatch(r"\d{4}", text):
        start, end = date(int(text), 1, 1), date(int(text), 12, 31)
    elif re.fullmatch(r"\d{4}-\d{2}", text):
        start = _day(text)
        end = month_end(start)
    else:
        start = end = _day(text)
    if end < start:
        raise OddPeriod
    return start, end


def day_before(day: date) -> date:
    """The day before."""
    return day - timedelta(days=1)


def period_words(start: date, end: date) -> str:
    """A period as a month, as the first and last of several whole ones, else as two days, both included."""
    if start.day == 1 and end == month_end(end):
        first, last = i18n.format_month(start), i18n.format_month(end)
        return first if first == last else f"{first} – {last}"
    if start == end:
        return i18n.format_day(end, "short")
    return f"{i18n.format_day(start, 'short')} – {i18n.format_day(end, 'short')}"
