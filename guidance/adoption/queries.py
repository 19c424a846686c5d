"""People helped, from the desk's monthly rollup: sums by month, unit and topic, and the page that shows them."""

import math
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select

from guidance import i18n
from guidance.adoption import desks, measures, targets
from guidance.adoption.indicators import Indicator
from guidance.adoption.measures import Measure
from guidance.adoption.periods import Period
from guidance.adoption.sums import NAMES, NOTHING, Sums
from guidance.catalogue import queries as catalogue
from guidance.db import db
from guidance.desk.models import ALL_TOPICS, WHOLE_SITE, MonthlyCount
from guidance.units import queries as units
from guidance.units.queries import Place

MOST_TOPIC_ROWS = 20_000
FEW_UNITS = 3


_ADDED = [func.sum(getattr(MonthlyCount, name)) for name in NAMES]


class MonthRow(NamedTuple):
    """One month: its sums, and people helped in the same month a year earlier."""

    month: date
    sums: Sums
    year_before: int
    partial: bool


class UnitRow(NamedTuple):
    """One place in the league table. `place` is None for cases that belong to no unit."""

    place: Place | None
    sums: Sums
    before: int
    year_before: int
    target: float | None

    @property
    def gap(self) -> float | None:
        """How many people short of the target; negative when it is passed."""
        return None if self.target is None else self.target - self.sums.people


class DeskRow(NamedTuple):
    """One desk of a commune: the place of help, its sums, and people helped before and a year earlier."""

    desk: str
    sums: Sums
    before: int
    year_before: int


class TopicRow(NamedTuple):
    """One topic with its title in the reader's language (`lang` says which it is)."""

    topic: str
    title: str
    lang: str
    kind: str
    key: str
    sums: Sums


class Report(NamedTuple):
    """Everything on the managers' page for one place, period and topic, and of one desk where `desk` names it."""

    place: Place | None
    period: Period
    topic: str
    partial: bool
    sums: Sums
    before: Sums
    year_before: Sums
    target: targets.Goal | None
    estimate: targets.Whole | None
    estimate_past: targets.Whole | None
    measures: tuple[Measure, ...]
    months: tuple[MonthRow, ...]
    units: tuple[UnitRow, ...]
    topics: tuple[TopicRow, ...]
    desks: tuple[DeskRow, ...] = ()
    desk: str = ""
    topics_wait: bool = False

    @property
    def goal(self) -> float | None:
        """The target as a number of people; a share is one of the estimated people, where those are known."""
        if self.target is None or self.target.number is not None:
            return self.target.number if self.target else None
        if self.target.share is None or self.estimate is None:
            return None
        return float(math.ceil(round(self.target.share * self.estimate.number, 6)))

    @property
    def gap(self) -> float | None:
        """People short of the target."""
        return None if self.goal is None else self.goal - self.sums.people


def _few(unit_ids: Sequence[int] | None) -> bool:
    return unit_ids is not None and len(unit_ids) <= FEW_UNITS


def _where(period: Period, unit_ids: Sequence[int] | None, topic: str) -> list[ColumnElement[bool]]:
    """Topic first, then months and units. Few units are looked up month by month: the index begins with both."""
    between = MonthlyCount.month.between(period.start, period.last_month)
    found: list[ColumnElement[bool]] = [
        MonthlyCount.topic == topic,
        MonthlyCount.month.in_(period.months) if _few(unit_ids) else between,
    ]
    if unit_ids is not None:
        found.append(MonthlyCount.unit_id.in_(list(unit_ids)))
    return found


def sums_by_month(
    period: Period, unit_ids: Sequence[int] | None, topic: str = ALL_TOPICS
) -> dict[date, Sums]:
    """Sums of every month that has any."""
    query = select(MonthlyCount.month, *_ADDED).where(*_where(period, unit_ids, topic))
    return {
        row[0]: Sums(*map(int, row[1:])) for row in db.session.execute(query.group_by(MonthlyCount.month))
    }


def _by_month_of(topics: Sequence[str], period: Period, unit_ids: Sequence[int] | None) -> dict[date, Sums]:
    found = [MonthlyCount.topic.in_(list(topics)), *_where(period, unit_ids, ALL_TOPICS)[1:]]
    query = select(MonthlyCount.month, *_ADDED).where(*found)
    return {
        row[0]: Sums(*map(int, row[1:])) for row in db.session.execute(query.group_by(MonthlyCount.month))
    }


def sums_by_unit(period: Period, unit_ids: Sequence[int] | None, topic: str = ALL_TOPICS) -> dict[int, Sums]:
    """Sums of every unit that has any; 0 stands for no unit."""
    query = select(MonthlyCount.unit_id, *_ADDED).where(*_where(period, unit_ids, topic))
    return {
        row[0]: Sums(*map(int, row[1:])) for row in db.session.execute(query.group_by(MonthlyCount.unit_id))
    }


def sums_by_topic(period: Period, unit_ids: Sequence[int] | None) -> dict[str, Sums]:
    """Sums of every topic that has any."""
    found = _where(period, unit_ids, ALL_TOPICS)
    found[0] = MonthlyCount.topic != ALL_TOPICS
    query = select(MonthlyCount.topic, *_ADDED).where(*found).group_by(MonthlyCount.topic)
    return {row[0]: Sums(*map(int, row[1:])) for row in db.session.execute(query)}


def people_by_unit(period: Period, unit_ids: Sequence[int] | None, topic: str = ALL_TOPICS) -> dict[int, int]:
    """People helped, by unit; 0 stands for no unit."""
    query = select(MonthlyCount.unit_id, func.sum(MonthlyCount.people)).where(
        *_where(period, unit_ids, topic)
    )
    return {
        unit_id: int(people) for unit_id, people in db.session.execute(query.group_by(MonthlyCount.unit_id))
    }


def many_topics(period: Period) -> bool:
    """Whether a list of topics would have to read so many rows of the rollup that one feels it."""
    some = (
        select(MonthlyCount.month)
        .where(MonthlyCount.month.between(period.start, period.last_month))
        .limit(MOST_TOPIC_ROWS + 1)
    )
    return (db.session.scalar(select(func.count()).select_from(some.subquery())) or 0) > MOST_TOPIC_ROWS


def top_topics(period: Period, unit_ids: Sequence[int] | None, limit: int) -> dict[str, Sums]:
    """Sums of the topics with most people: all are ranked by people alone, then the first ones are added up.

    Those of few units are read at once: to look for single topics would find the same topics of every other unit.
    """
    if _few(unit_ids):
        every = sums_by_topic(period, unit_ids)
        return dict(sorted(every.items(), key=lambda item: (-item[1].people, item[0]))[:limit])
    found = _where(period, unit_ids, ALL_TOPICS)
    found[0] = MonthlyCount.topic != ALL_TOPICS
    people = func.sum(MonthlyCount.people)
    ranked = select(MonthlyCount.topic).where(*found).group_by(MonthlyCount.topic)
    topics = db.session.scalars(ranked.order_by(people.desc(), MonthlyCount.topic).limit(limit)).all()
    found[0] = MonthlyCount.topic.in_(topics)
    query = select(MonthlyCount.topic, *_ADDED).where(*found).group_by(MonthlyCount.topic)
    return {row[0]: Sums(*map(int, row[1:])) for row in db.session.execute(query)} if topics else {}


def people_by_topic(period: Period, unit_ids: Sequence[int] | None, topics: Sequence[str]) -> dict[str, int]:
    """People helped with some topics."""
    found = _where(period, unit_ids, ALL_TOPICS)
    found[0] = MonthlyCount.topic != ALL_TOPICS if _few(unit_ids) else MonthlyCount.topic.in_(list(topics))
    query = select(MonthlyCount.topic, func.sum(MonthlyCount.people)).where(*found)
    wanted = set(topics)
    return {
        topic: int(people)
        for topic, people in db.session.execute(query.group_by(MonthlyCount.topic))
        if topic in wanted
    }


def sums_of(period: Period, unit_ids: Sequence[int] | None, topic: str = ALL_TOPICS) -> Sums:
    """Everything of a period added up."""
    row = db.session.execute(select(*_ADDED).where(*_where(period, unit_ids, topic))).one()
    return Sums(*(int(value or 0) for value in row))


def people_by_unit_and_month(period: Period, unit_ids: Sequence[int] | None) -> dict[tuple[int, date], int]:
    """People helped, by unit and month."""
    query = select(MonthlyCount.unit_id, MonthlyCount.month, MonthlyCount.people)
    rows = db.session.execute(query.where(*_where(period, unit_ids, ALL_TOPICS)))
    return {(unit_id, month): people for unit_id, month, people in rows}


def people_by_topic_and_month(period: Period) -> dict[tuple[str, date], int]:
    """People helped on the whole site, by topic and month."""
    found = _where(period, None, ALL_TOPICS)
    found[0] = MonthlyCount.topic != ALL_TOPICS
    query = select(MonthlyCount.topic, MonthlyCount.month, func.sum(MonthlyCount.people)).where(*found)
    rows = db.session.execute(query.group_by(MonthlyCount.topic, MonthlyCount.month))
    return {(topic, month): int(people) for topic, month, people in rows}


def sums_by_unit_and_topic(period: Period, unit_ids: Sequence[int] | None) -> dict[tuple[int, str], int]:
    """People helped, by unit and topic; topic '' is all topics together."""
    found = _where(period, unit_ids, ALL_TOPICS)[1:]
    query = select(MonthlyCount.unit_id, MonthlyCount.topic, func.sum(MonthlyCount.people)).where(*found)
    rows = db.session.execute(query.group_by(MonthlyCount.unit_id, MonthlyCount.topic))
    return {(unit_id, topic): int(people) for unit_id, topic, people in rows}


def ids_in(place: Place | None) -> list[int] | None:
    """Ids of a place and everything below it; None (no limit) for the whole site."""
    return None if place is None else units.ids_below(place.id)


def _added(found: dict[date, Sums], period: Period) -> Sums:
    total = NOTHING
    for month, sums in found.items():
        if period.start <= month <= period.last_month:
            total += sums
    return total


def topic_titles(topics: Sequence[str], lang: str) -> dict[str, tuple[str, str, str, str]]:
    """Title, its language, kind and key of topics; a topic nobody knows any more keeps its key as its title."""
    references = {topic: topic.removeprefix("procedure:") for topic in topics}
    links: dict[str, catalogue.Link] = {}
    wanted = list(references.values())
    for start in range(0, len(wanted), 500):
        links |= catalogue.links(wanted[start : start + 500], lang)
    found = {}
    for topic, reference in references.items():
        link = links.get(reference)
        kind, _colon, key = topic.partition(":")
        if kind == "general":
            found[topic] = (_("General question"), i18n.current().code, kind, "")
            continue
        found[topic] = (link.title, link.lang, kind, key) if link else (key or kind, lang, kind, key)
    return found


def topic_rows(sums: dict[str, Sums], lang: str, limit: int | None = None) -> tuple[TopicRow, ...]:
    """Topics with titles, most people first."""
    ordered = sorted(sums.items(), key=lambda item: (-item[1].people, item[0]))[:limit]
    titles = topic_titles([topic for topic, _ in ordered], lang)
    return tuple(TopicRow(topic, *titles[topic], found) for topic, found in ordered)


def _unit_rows(
    place: Place | None, period: Period, begun: Period, unit_ids: Sequence[int] | None, topic: str
) -> tuple[UnitRow, ...]:
    now = sums_by_unit(period, unit_ids, topic)
    before = people_by_unit(begun.before(), unit_ids, topic)
    past = people_by_unit(begun.year_before(), unit_ids, topic)
    goals = targets.numbers("assisted.people", period) if topic == ALL_TOPICS else {}
    ids = set(now) | set(before) | set(past)
    ids |= {unit_id for unit_id in goals if unit_id and (unit_ids is None or unit_id in set(unit_ids))}
    if place is not None and len(ids) > 1 and place.id in ids and place.id not in now:
        ids.discard(place.id)  # the place's own target stands in the sentence, not in the list of its parts
    places = units.by_ids(id_ for id_ in ids if id_ != WHOLE_SITE)
    rows = [
        UnitRow(
            places.get(unit_id),
            now.get(unit_id, NOTHING),
            before.get(unit_id, 0),
            past.get(unit_id, 0),
            goals.get(unit_id),
        )
        for unit_id in ids
    ]
    return tuple(sorted(rows, key=lambda row: (-row.sums.people, row.place.name if row.place else "")))


def _desk_rows(
    found: dict[tuple[str, date], Sums], period: Period, before: Period, past: Period
) -> tuple[DeskRow, ...]:
    def added(desk: str, months: Period) -> Sums:
        return _added({month: sums for (name, month), sums in found.items() if name == desk}, months)

    rows = [
        DeskRow(desk, added(desk, period), added(desk, before).people, added(desk, past).people)
        for desk in {desk for desk, _month in found}
    ]
    shown = (row for row in rows if row.sums.cases or row.before or row.year_before)
    return tuple(sorted(shown, key=lambda row: (-row.sums.people, row.desk)))


def report(
    place: Place | None,
    period: Period,
    topic: str,
    lang: str,
    today: date,
    topic_limit: int | None = 25,
    may_wait: bool = False,
    desk: str = "",
) -> Report:
    """The page of one place (None: the whole site), period and topic ('' for all of them).

    A commune has its desks, and with `desk` everything is of that one. `may_wait` leaves the list of topics out
    (`topics_wait`) where reading it would hold up the first paint.
    """
    unit_ids = ids_in(place)
    begun = period.cut(today)
    before, past = begun.before(), begun.year_before()
    whole = Period(min(before.start, past.start), period.end)
    commune = place if place is not None and place.kind == "commune" else None
    at_desks = desks.by_desk_and_month(whole, commune.id, topic) if commune else {}
    if commune and desk:
        found = {month: sums for (name, month), sums in at_desks.items() if name == desk}
    else:
        desk, found = "", sums_by_month(whole, unit_ids, topic)
    months = tuple(
        MonthRow(
            month,
            found.get(month, NOTHING),
            found.get(month.replace(year=month.year - 1), NOTHING).people,
            month == today.replace(day=1),
        )
        for month in begun.months
    )
    unit_id = place.id if place else None
    planned = topic == ALL_TOPICS and not desk
    wait = may_wait and not topic and not commune and many_topics(period)

    def sums_of(indicator: Indicator) -> list[Sums]:
        at = _by_month_of(indicator.topics, whole, unit_ids) if indicator.topics else found
        return [_added(at, one) for one in (begun, before, past)]

    topics: tuple[TopicRow, ...] = ()
    if not topic and not wait:
        at_desk = desks.by_topic(period, commune.id, desk) if commune and desk else None
        topics = _topics(period, unit_ids, lang, topic_limit, at_desk)
    return Report(
        place=place,
        period=period,
        topic=topic,
        partial=period.partial(today),
        sums=_added(found, period),
        before=_added(found, before),
        year_before=_added(found, past),
        target=targets.goal("assisted.people", unit_id, period) if planned else None,
        estimate=targets.whole("assisted.people", unit_id, period) if planned else None,
        estimate_past=targets.whole("assisted.people", unit_id, past) if planned else None,
        measures=measures.measures(sums_of, period, unit_id, planned),
        months=months,
        units=_unit_rows(place, period, begun, unit_ids, topic) if not desk else (),
        topics=topics,
        desks=_desk_rows(at_desks, period, before, past),
        desk=desk,
        topics_wait=wait,
    )


def _topics(
    period: Period,
    unit_ids: Sequence[int] | None,
    lang: str,
    limit: int | None,
    known: dict[str, Sums] | None = None,
) -> tuple[TopicRow, ...]:
    if known is not None:
        return topic_rows(known, lang, limit)
    found = sums_by_topic(period, unit_ids) if limit is None else top_topics(period, unit_ids, limit)
    return topic_rows(found, lang, limit)
