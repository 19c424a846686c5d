"""Figures for everybody: counts under five are hidden, and as many others as it takes that none can be worked out.

What is published is a fixed set of tables for every month: the whole site, its provinces, their communes, and
apart from that the topics of the whole site. Each split of a published number is protected by itself. Sums over
several months add up published cells only and say "at least" where one is hidden, so that no choice of months
tells more than the months do. Places and topics are never crossed.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from flask_babel import gettext as _

from guidance import i18n
from guidance.adoption import exports, queries
from guidance.adoption.periods import Period
from guidance.adoption.sums import NOTHING
from guidance.desk.models import WHOLE_SITE
from guidance.tables import Column, Sheet
from guidance.units import queries as units
from guidance.units.queries import Place

LEAST = 5
LICENCE = "CC BY 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"


class PublicMonth(NamedTuple):
    """People helped in a month; None where the number is too small to be told."""

    month: date
    people: int | None
    partial: bool


class PublicSum(NamedTuple):
    """Published months of one place or topic added up; `hidden` months are missing from it."""

    key: str
    name: str
    lang: str
    people: int | None
    hidden: int


class PublicPage(NamedTuple):
    """The tables of the public page."""

    period: Period
    partial: bool
    people: int | None
    hidden: int
    months: tuple[PublicMonth, ...]
    units: tuple[PublicSum, ...]
    topics: tuple[PublicSum, ...]


def hide(parts: Sequence[int], total: int | None, order: Sequence[int] | None = None) -> list[int | None]:
    """The parts of a published total, those under five hidden, and others until none of them can be worked out.

    As soon as one part is hidden, so is the first of `order`; then the next ones until at least two are hidden that
    count at least five together. `order` must not depend on the numbers: if, say, the smallest of the others were
    hidden, somebody who knows the rule could tell (5, 4, 4) from (5, 3, 5) by which cells are missing. As it is, a
    hidden part of one to four can always be one less, and the first part one more, with the same cells hidden.
    A total that is hidden itself (None) hides all its parts.
    """
    if total is None or total < LEAST:
        return [None] * len(parts)
    hidden = {place for place, part in enumerate(parts) if part < LEAST}
    if not hidden:
        return list(parts)
    order = range(len(parts)) if order is None else order
    hidden.add(order[0])
    for place in order:
        if len(hidden) >= 2 and sum(parts[at] for at in hidden) >= LEAST:
            break
        hidden.add(place)
    return [None if place in hidden else part for place, part in enumerate(parts)]


def turned(length: int, month: date, behind: int = 0) -> list[int]:
    """An order for hide() that begins elsewhere each month, so that it is not always the same place that is hidden.

    The last `behind` places stay behind: a province's own desk is usually nothing, and would protect nobody.
    """
    front = length - behind if length > behind else length
    start = (month.year * 12 + month.month) % front if front else 0
    return [*range(start, front), *range(start), *range(front, length)]


def hide_mapping(
    parts: Mapping[Any, int], total: int | None, month: date, behind: int = 0
) -> dict[Any, int | None]:
    """hide() for parts with names."""
    order = turned(len(parts), month, behind)
    return dict(zip(parts, hide(list(parts.values()), total, order), strict=True))


def pair(numerator: int, denominator: int) -> tuple[int | None, int | None]:
    """A share as it may be told: hidden when the part or the rest is under five."""
    if denominator < LEAST:
        return None, None
    if numerator < LEAST or denominator - numerator < LEAST:
        return None, denominator
    return numerator, denominator


def site_months(period: Period) -> dict[date, int | None]:
    """People helped on the whole site, by month; a month's number stands alone, so only small ones are hidden."""
    found = queries.sums_by_month(period, None)
    return {
        month: people if (people := found.get(month, NOTHING).people) >= LEAST else None
        for month in period.months
    }


def topics_by_month(period: Period) -> dict[date, dict[str, int | None]]:
    """People helped by topic, every topic of the period in every month, for the whole site."""
    totals = site_months(period)
    counts = queries.people_by_topic_and_month(period)
    names = sorted({topic for topic, _ in counts})
    return {
        month: hide_mapping({topic: counts.get((topic, month), 0) for topic in names}, totals[month], month)
        for month in period.months
    }


def units_by_month(period: Period) -> dict[date, dict[int, int | None]]:
    """People helped by unit id (0: no unit): provinces with everything below them, then their communes."""
    totals = site_months(period)
    counts = queries.people_by_unit_and_month(period, None)
    tree = _tree({unit_id for unit_id, _ in counts})
    found: dict[date, dict[int, int | None]] = {}
    for month in period.months:
        own = {unit_id: counts.get((unit_id, month), 0) for unit_id in tree.own}
        provinces = {top: sum(own[unit_id] for unit_id in inside) for top, inside in tree.inside.items()}
        shown: dict[int, int | None] = hide_mapping(
            provinces, totals[month], month, behind=int(WHOLE_SITE in provinces)
        )
        for top, inside in tree.inside.items():
            if inside == [top]:
                continue
            parts = hide_mapping(
                {unit_id: own[unit_id] for unit_id in inside}, shown[top], month, behind=int(top in inside)
            )
            parts.pop(top, None)  # a province's own desk is part of the split but not a row of its own
            shown |= parts
        found[month] = shown
    return found


class _Tree(NamedTuple):
    own: list[int]
    inside: dict[int, list[int]]


def _tree(unit_ids: set[int]) -> _Tree:
    """Which province (or 0) each unit with figures belongs to; a province's own figures are one of its parts.

    All communes of a province are in it, so that a missing row does not say "nobody".
    """
    places = units.by_ids(unit_id for unit_id in unit_ids if unit_id != WHOLE_SITE)
    inside: dict[int, list[int]] = {}
    for unit_id in unit_ids:
        place = places.get(unit_id)
        top = unit_id
        while place is not None and place.parent_id is not None:
            top = place.parent_id
            place = places.get(top) or units.by_id(top)
        inside.setdefault(top, []).append(unit_id)
    for top, found in inside.items():
        if top == WHOLE_SITE:
            continue
        below = [
            child.id for child in units.children(top) if child.valid_to is None and child.kind == "commune"
        ]
        present = sorted({*found, *below} - {top})
        inside[top] = [*present, top] if present else [top]
    inside = {top: inside[top] for top in sorted(inside, key=lambda top: (top == WHOLE_SITE, top))}
    own = [unit_id for found in inside.values() for unit_id in found]
    return _Tree(own, inside)


def _added(by_month: Sequence[int | None]) -> tuple[int | None, int]:
    """Published months added up, and how many are hidden; None when all are."""
    told = [people for people in by_month if people is not None]
    return (sum(told) if told else None), len(by_month) - len(told)


def page(period: Period, lang: str, today: date) -> PublicPage:
    """The public tables of a period."""
    totals = site_months(period)
    people, hidden = _added(list(totals.values()))
    return PublicPage(
        period=period,
        partial=period.partial(today),
        people=people,
        hidden=hidden,
        months=tuple(
            PublicMonth(month, count, month == today.replace(day=1)) for month, count in totals.items()
        ),
        units=tuple(row for row in unit_sums(period) if row.people is not None),
        topics=tuple(row for row in topic_sums(period, lang) if row.people is not None),
    )


def unit_sums(period: Period, only: set[int] | None = None) -> tuple[PublicSum, ...]:
    """Published months of every unit added up; units of which nothing may be told have None."""
    by_month = units_by_month(period)
    ids = {unit_id for shown in by_month.values() for unit_id in shown if only is None or unit_id in only}
    places = units.by_ids(ids)
    rows = []
    for unit_id in ids:
        people, hidden = _added([shown.get(unit_id) for shown in by_month.values()])
        place = places.get(unit_id)
        rows.append(
            (
                _sort_key(place, people),
                PublicSum(place.key if place else "", place.name if place else "", "vi", people, hidden),
            )
        )
    rows.sort(key=lambda row: row[0])
    return tuple(row for _, row in rows)


def _sort_key(place: Place | None, people: int | None) -> tuple[int, int, str]:
    kind = 2 if place is None else 0 if place.kind == "province" else 1
    return kind, -(people or 0), place.name if place else ""


def topic_sums(period: Period, lang: str = "") -> tuple[PublicSum, ...]:
    """Published months of every topic added up, with titles where a language is given."""
    by_month = topics_by_month(period)
    names = {topic for shown in by_month.values() for topic in shown}
    sums = {topic: _added([shown.get(topic) for shown in by_month.values()]) for topic in names}
    ordered = sorted(names, key=lambda topic: (-(sums[topic][0] or 0), topic))
    titles = queries.topic_titles(ordered, lang) if lang else {}
    return tuple(
        PublicSum(topic, *(titles[topic][:2] if lang else (topic, "")), *sums[topic]) for topic in ordered
    )


def words(people: int | None, what: str) -> str:
    """One number in words, as charts say it."""
    if people is None:
        return _("%(what)s: too few to be shown", what=what)
    return _("%(what)s: %(people)s people", what=what, people=i18n.format_number(people))


def sheet(table: str, shown: PublicPage) -> Sheet:
    """One table of the public page as a file: hidden cells are empty, with a column that says so."""
    period = f"{i18n.format_month(shown.period.start)} – {i18n.format_month(shown.period.end)}"
    made = exports.made_here(_("Public page"))
    preface: list[Sequence[Any]] = [
        [_("People helped: public figures")],
        [_("Period"), period, f"{shown.period.from_text}..{shown.period.to_text}"],
        [_("Complete"), _("No: the period is not over yet") if shown.partial else _("Yes")],
        [_("Hidden"), _("Counts under 5, and others from which they could be worked out, are empty")],
        [_("Licence"), LICENCE, LICENCE_URL],
        *exports.signature(made),
    ]
    people = Column(_("People helped"), "people")
    if table == "months":
        columns = [Column(_("Month"), "month", "month"), people, Column(_("Hidden"), "hidden")]
        rows: list[Sequence[Any]] = [(row.month, row.people, int(row.people is None)) for row in shown.months]
    else:
        first = Column(_("Unit") if table == "units" else _("Topic"), "name", "text")
        columns = [
            first,
            Column(_("Code"), "code", "text"),
            people,
            Column(_("Months hidden"), "hidden_months"),
        ]
        listed = shown.units if table == "units" else shown.topics
        rows = [(row.name or _("Without a unit"), row.key, row.people, row.hidden) for row in listed]
    return Sheet(exports.table_name(table), columns, rows, preface)
