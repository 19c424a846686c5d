"""Why people fail, and what to mend first: reasons by topic, step and place, and needs that nothing answers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from guidance.adoption import queries
from guidance.adoption.periods import Period
from guidance.adoption.sums import Share
from guidance.catalogue.models import Feedback
from guidance.db import db
from guidance.desk.models import MonthlyReason
from guidance.i18n import VIETNAM
from guidance.search import queries as search


class ReasonRow(NamedTuple):
    """One reason: how many people, of all who stopped or were sent elsewhere."""

    reason: str
    people: int
    share: Share


class PlaceRow(NamedTuple):
    """One place of help: how many people got stuck there."""

    place: str
    people: int


class StuckRow(NamedTuple):
    """Where people get stuck in one topic: reason and step, and of how many who were helped with it."""

    topic: str
    title: str
    lang: str
    kind: str
    key: str
    reason: str
    step: str
    people: int
    share: Share


@dataclass(frozen=True)
class Need:
    """Something people want and do not get; `kind` is search, page or case (helped at the desk and not got through)."""

    kind: str
    words: str
    lang: str
    link_kind: str
    link_key: str
    count: int
    of: int


class Failures(NamedTuple):
    """The page of one place and period."""

    period: Period
    people: int
    reasons: tuple[ReasonRow, ...]
    places: tuple[PlaceRow, ...]
    stuck: tuple[StuckRow, ...]
    needs: tuple[Need, ...]


def failures(period: Period, unit_ids: Sequence[int] | None, lang: str, limit: int = 40) -> Failures:
    """Reasons and places, the topics and steps to mend first, and unmet needs of the whole site."""
    where = [MonthlyReason.month.between(period.start, period.last_month)]
    if unit_ids is not None:
        where.append(MonthlyReason.unit_id.in_(list(unit_ids)))
    people = func.sum(MonthlyReason.people)
    rows = db.session.execute(
        select(
            MonthlyReason.topic, MonthlyReason.reason, MonthlyReason.failed_step, MonthlyReason.place, people
        )
        .where(*where)
        .group_by(MonthlyReason.topic, MonthlyReason.reason, MonthlyReason.failed_step, MonthlyReason.place)
    ).all()
    by_reason: dict[str, int] = defaultdict(int)
    by_place: dict[str, int] = defaultdict(int)
    by_step: dict[tuple[str, str, str], int] = defaultdict(int)
    for topic, reason, step, place, count in rows:
        by_reason[reason] += int(count)
        by_place[place] += int(count)
        by_step[topic, reason, step] += int(count)
    total = sum(by_reason.values())
    return Failures(
        period=period,
        people=total,
        reasons=tuple(
            ReasonRow(reason, count, Share(count, total))
            for reason, count in sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))
        ),
        places=tuple(
            PlaceRow(place, count)
            for place, count in sorted(by_place.items(), key=lambda item: (-item[1], item[0]))
        ),
        stuck=_stuck(by_step, period, unit_ids, lang, limit),
        needs=_ranked_needs(
            [*_site_needs(period, lang, limit), *_unresolved(by_step, period, unit_ids, lang, limit)], limit
        ),
    )


def _stuck(
    by_step: dict[tuple[str, str, str], int],
    period: Period,
    unit_ids: Sequence[int] | None,
    lang: str,
    limit: int,
) -> tuple[StuckRow, ...]:
    ordered = sorted(by_step.items(), key=lambda item: (-item[1], item[0]))[:limit]
    topics = list(dict.fromkeys(key[0] for key, _ in ordered))
    titles = queries.topic_titles(topics, lang)
    helped = queries.people_by_topic(period, unit_ids, topics) if topics else {}
    return tuple(
        StuckRow(
            topic,
            *titles[topic],
            reason,
            step,
            count,
            Share(count, helped.get(topic, 0)),
        )
        for (topic, reason, step), count in ordered
    )


def _ranked_needs(needs: Sequence[Need], limit: int) -> tuple[Need, ...]:
    return tuple(sorted(needs, key=lambda need: (-need.count, need.words))[:limit])


def _unresolved(
    by_step: dict[tuple[str, str, str], int],
    period: Period,
    unit_ids: Sequence[int] | None,
    lang: str,
    limit: int,
) -> list[Need]:
    """Topics with people who were helped and did not get through, of all who were helped with them."""
    people: dict[str, int] = defaultdict(int)
    for (topic, _reason, _step), count in by_step.items():
        people[topic] += count
    ordered = sorted(people.items(), key=lambda item: (-item[1], item[0]))[:limit]
    topics = [topic for topic, _ in ordered]
    titles = queries.topic_titles(topics, lang)
    helped = queries.people_by_topic(period, unit_ids, topics) if topics else {}
    return [Need("case", *titles[topic], count, helped.get(topic, 0)) for topic, count in ordered]


def _site_needs(period: Period, lang: str, limit: int) -> list[Need]:
    """Searches without a result and pages called unhelpful; they know no place, so they are the whole site's."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for month in period.months:
        for row in search.unanswered(f"{month:%Y-%m}", limit):
            empty, asked = found.get((row.words, row.lang), (0, 0))
            found[row.words, row.lang] = (empty + (row.empty or row.asked), asked + row.asked)
    needs = [
        Need("search", words, lang_, "", "", empty, asked) for (words, lang_), (empty, asked) in found.items()
    ]
    start = datetime(period.start.year, period.start.month, 1, tzinfo=VIETNAM)
    end = datetime(period.end.year, period.end.month, period.end.day, 23, 59, 59, tzinfo=VIETNAM)
    pages: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    query = select(Feedback.subject, Feedback.useful, func.count()).where(Feedback.at.between(start, end))
    for subject, useful, count in db.session.execute(query.group_by(Feedback.subject, Feedback.useful)):
        pages[subject][1] += count
        pages[subject][0] += 0 if useful else count
    bad = {subject: numbers for subject, numbers in pages.items() if numbers[0]}
    titles = queries.topic_titles(list(bad), lang)
    for subject, (unhelpful, told) in bad.items():
        title, title_lang, kind, key = titles[subject]
        needs.append(Need("page", title, title_lang, kind, key, unhelpful, told))
    return needs
