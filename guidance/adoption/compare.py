"""Two units or two periods side by side: the desk log's figures, its topics, and official figures both have."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from flask_babel import gettext as _

from guidance.adoption import exports, queries, targets, values
from guidance.adoption.measures import Amount
from guidance.adoption.periods import Period
from guidance.adoption.queries import MonthRow
from guidance.adoption.sums import NOTHING, Sums
from guidance.tables import Column, Row, Sheet
from guidance.units.queries import Place

MOST_TOPICS = 20


class Side(NamedTuple):
    """One of the two: a place (None: the whole site) and its months, those to come left out."""

    place: Place | None
    period: Period
    partial: bool
    sums: Sums
    estimate: targets.Whole | None
    months: tuple[Sums, ...]

    @property
    def name(self) -> str:
        """The place in words."""
        return exports.place_name(self.place)


class Line(NamedTuple):
    """One figure of both sides. `kind` is count, share (of the two denominators) or number."""

    name: str
    kind: str
    left: Amount
    right: Amount

    @property
    def difference(self) -> float | None:
        """Left minus right: a count, a number, or a share in parts of one; None where one is not known."""
        if self.kind == "count":
            return self.left.numerator - self.right.numerator
        if self.left.share is None or self.right.share is None:
            return None
        return self.left.share - self.right.share

    @property
    def growth(self) -> float | None:
        """The difference of two counts as a part of the right one."""
        if self.kind != "count" or not self.right.numerator:
            return None
        return self.left.numerator / self.right.numerator - 1


class TopicLine(NamedTuple):
    """People helped with one topic on both sides."""

    topic: str
    title: str
    lang: str
    left: int
    right: int


class OfficialLine(NamedTuple):
    """One official figure that both sides have, the latest of each period."""

    left: values.Figure
    right: values.Figure

    @property
    def difference(self) -> float | None:
        """Left share minus right share; only of derived shares with exact numbers, reported ones are not compared."""
        exact = self.left.qualifier == self.right.qualifier == "="
        if not exact or self.left.share is None or self.right.share is None:
            return None
        return self.left.share - self.right.share


class Comparison(NamedTuple):
    """Both sides with everything that can be held against each other."""

    left: Side
    right: Side
    lines: tuple[Line, ...]
    topics: tuple[TopicLine, ...]
    official: tuple[OfficialLine, ...]

    @property
    def people(self) -> Line:
        """The line of people helped."""
        return self.lines[0]

    @property
    def same_length(self) -> bool:
        """Whether both have as many months, so that counts may be held against each other as they are."""
        return self.left.period.length == self.right.period.length


def _side(place: Place | None, asked: Period, today: date) -> Side:
    period = asked.cut(today)
    found = queries.sums_by_month(period, queries.ids_in(place))
    months = tuple(found.get(month, NOTHING) for month in period.months)
    return Side(
        place=place,
        period=period,
        partial=asked.partial(today),
        sums=sum(months, NOTHING),
        estimate=targets.whole("assisted.people", place.id if place else None, period),
        months=months,
    )


def _lines(left: Side, right: Side) -> tuple[Line, ...]:
    def count(name: str, field: str) -> Line:
        return Line(
            name,
            "count",
            Amount(getattr(left.sums, field), None, False),
            Amount(getattr(right.sums, field), None, False),
        )

    def share(name: str, field: str) -> Line:
        parts = [getattr(side.sums, field) for side in (left, right)]
        return Line(name, "share", *(Amount(part.numerator, part.denominator, False) for part in parts))

    def number(name: str, numbers: Sequence[tuple[int, int]]) -> Line:
        return Line(name, "number", *(Amount(one, of, True) for one, of in numbers))

    sides = (left, right)
    found = [
        count(_("People helped"), "people"),
        number(_("People helped a month"), [(side.sums.people, side.period.length) for side in sides]),
    ]
    if left.estimate and right.estimate:
        found.append(
            Line(
                _("Share of the estimated people"),
                "share",
                Amount(left.sums.people, round(left.estimate.number), False),
                Amount(right.sums.people, round(right.estimate.number), False),
            )
        )
    found += [
        count(_("Cases"), "cases"),
        count(_("Submitted online"), "submitted"),
        count(_("Accounts activated"), "activated"),
        count(_("At the counter"), "counter"),
        count(_("First time"), "first_time"),
        share(_("Self-service share"), "self_service"),
        share(_("Stopped or sent elsewhere"), "unresolved"),
        number(_("Average minutes"), [(side.sums.minutes_sum, side.sums.timed) for side in sides]),
    ]
    return tuple(found)


def _topics(left: Side, right: Side, lang: str) -> tuple[TopicLine, ...]:
    sides = [
        queries.top_topics(side.period, queries.ids_in(side.place), MOST_TOPICS) for side in (left, right)
    ]
    wanted = sorted({*sides[0], *sides[1]})
    people = [
        queries.people_by_topic(side.period, queries.ids_in(side.place), wanted) for side in (left, right)
    ]
    titles = queries.topic_titles(wanted, lang)
    rows = [
        TopicLine(topic, *titles[topic][:2], people[0].get(topic, 0), people[1].get(topic, 0))
        for topic in wanted
    ]
    rows.sort(key=lambda row: (-max(row.left, row.right), row.title))
    return tuple(rows[:MOST_TOPICS])


def _official(left: Side, right: Side) -> tuple[OfficialLine, ...]:
    if left.place is None or right.place is None:
        return ()
    sides = []
    for side in (left, right):
        page = values.official(side.place, period=side.period) if side.place else None
        figures = [figure for group in page.sets for figure in group.figures] if page else []
        latest: dict[tuple[str, str], values.Figure] = {}
        for figure in figures:
            latest.setdefault((figure.indicator.key, figure.part), figure)
        sides.append(latest)
    return tuple(OfficialLine(figure, sides[1][key]) for key, figure in sides[0].items() if key in sides[1])


def compare(
    left: tuple[Place | None, Period], right: tuple[Place | None, Period], lang: str, today: date
) -> Comparison:
    """Two places with their periods, figure by figure."""
    one, other = _side(*left, today), _side(*right, today)
    return Comparison(one, other, _lines(one, other), _topics(one, other, lang), _official(one, other))


def month_rows(found: Comparison) -> tuple[MonthRow, ...]:
    """Months of the left side with the people of the right side's month in the same place, for a chart."""
    return tuple(
        MonthRow(
            month,
            sums,
            found.right.months[place].people if place < len(found.right.months) else 0,
            found.left.partial and month == found.left.period.last_month,
        )
        for place, (month, sums) in enumerate(zip(found.left.period.months, found.left.months, strict=True))
    )


COLUMNS = [
    Column("", "figure", "text"),
    Column("", "left"),
    Column("", "left_of"),
    Column("", "right"),
    Column("", "right_of"),
    Column("", "difference", "number"),
]


def sheet(found: Comparison, made: exports.Made) -> Sheet:
    """The comparison as a table for files: numbers with their denominators, and the difference."""
    names = [_("First"), _("Second")]
    words = [
        _("Figure"),
        names[0],
        f"{names[0]}: {_('of')}",
        names[1],
        f"{names[1]}: {_('of')}",
        _("Difference"),
    ]
    columns = [Column(word, one.name, one.kind) for word, one in zip(words, COLUMNS, strict=True)]
    rows: list[Row] = [
        (
            line.name,
            line.left.numerator,
            line.left.denominator,
            line.right.numerator,
            line.right.denominator,
            None if line.difference is None else round(line.difference, 4),
        )
        for line in found.lines
    ]
    rows += [(line.title, line.left, None, line.right, None, line.left - line.right) for line in found.topics]
    preface: list[Row] = [
        [_("Two sides compared")],
        *(
            [
                name,
                side.name,
                side.place.key if side.place else "",
                f"{side.period.from_text}..{side.period.to_text}",
                _("not over yet") if side.partial else "",
            ]
            for name, side in zip(names, (found.left, found.right), strict=True)
        ),
        [_("Differences of shares stand in parts of one: 0.05 is five percentage points")],
        *exports.signature(made),
    ]
    return Sheet(_("Compare"), columns, rows, preface)
