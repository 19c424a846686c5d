"""Figures as other systems read them: full with a key, and without one what may be published."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from guidance.adoption import indicators, publishing, queries, values
from guidance.adoption.indicators import Indicator
from guidance.adoption.periods import Period
from guidance.adoption.sums import NOTHING, Sums
from guidance.desk.models import ALL_TOPICS
from guidance.errors import UserError
from guidance.units import queries as units
from guidance.units.queries import Place

BY = ("month", "unit", "topic")


class UnknownIndicator(UserError):
    """No such indicator."""

    status = 404
    message = _l("There is no such indicator.")


class OddSplit(UserError):
    """`by` is none of the splits this indicator has."""

    status = 400
    message = _l("“by” is month, unit or topic; only figures of the desk log have topics.")


class KeyNeeded(UserError):
    """The answer would name units; it needs a key."""

    status = 401
    message = _l("Official figures by unit need a key.")


class FigureRow(NamedTuple):
    """One number for machines; numerator and denominator are None where hidden or not known."""

    key: str
    numerator: float | None
    denominator: float | None
    qualifier: str = "="
    suppressed: bool = False


class Answer(NamedTuple):
    """Rows with what they mean and where they come from."""

    indicator: Indicator
    place: Place | None
    period: Period
    by: str
    rows: tuple[FigureRow, ...]
    source: str

    def as_json(self) -> dict[str, Any]:
        """The shape that interfaces promise; whole numbers without a point."""
        return {
            "indicator": self.indicator.key,
            "unit": self.place.key if self.place else None,
            "from": self.period.from_text,
            "to": self.period.to_text,
            "by": self.by,
            "rows": [{name: _plain(value) for name, value in row._asdict().items()} for row in self.rows],
            "definition": self.indicator.definition,
            "definition_version": indicators.version(),
            "source": self.source,
        }


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def find(key: str) -> Indicator:
    """The definition of an indicator."""
    found = indicators.all_indicators().get(key)
    if found is None:
        raise UnknownIndicator
    return found


def figures(
    key: str, place: Place | None, period: Period, by: str, today: date, public: bool = True
) -> Answer:
    """Figures of one indicator; public ones have small counts hidden, so that none can be worked out."""
    indicator = find(key)
    if by not in BY or (by == "topic" and not indicator.counts):
        raise OddSplit
    period = period.cut(today)
    if indicator.counts:
        rows = _public_desk(indicator, place, period, by) if public else _desk(indicator, place, period, by)
        return Answer(indicator, place, period, by, tuple(rows), _("Desk log of this site"))
    if public and (by == "unit" or (place is not None and place.kind != "province")):
        raise KeyNeeded
    found = values.in_period(place, key, period, by)
    sources = list(dict.fromkeys(figure.source for _key, figure in found))
    rows = [_official(row_key, figure, public) for row_key, figure in found]
    return Answer(indicator, place, period, by, tuple(rows), "; ".join(sources))


def _official(key: str, figure: values.Figure, public: bool) -> FigureRow:
    if public and figure.numerator is not None and figure.numerator < publishing.LEAST:
        return FigureRow(key, None, None, figure.qualifier, True)
    return FigureRow(key, figure.numerator, figure.denominator, figure.qualifier)


def _numbers(indicator: Indicator, sums: Sums) -> tuple[int, int | None]:
    numerator = sum(getattr(sums, name) for name in indicator.counts)
    return numerator, sum(getattr(sums, name) for name in indicator.of) if indicator.of else None


def _desk(indicator: Indicator, place: Place | None, period: Period, by: str) -> list[FigureRow]:
    ids = queries.ids_in(place)
    topics = indicator.topics or (ALL_TOPICS,)

    def merged(read: Callable[[str], dict[Any, Sums]]) -> dict[Any, Sums]:
        found: dict[Any, Sums] = {}
        for topic in topics:
            for key, sums in read(topic).items():
                found[key] = found.get(key, NOTHING) + sums
        return found

    if by == "month":
        months = merged(lambda topic: queries.sums_by_month(period, ids, topic))
        return [
            FigureRow(f"{month:%Y-%m}", *_numbers(indicator, months.get(month, NOTHING)))
            for month in period.months
        ]
    if by == "unit":
        found = merged(lambda topic: queries.sums_by_unit(period, ids, topic))
        places = units.by_ids(id_ for id_ in found if id_)
        return sorted(
            (
                FigureRow(places[id_].key if id_ in places else "", *_numbers(indicator, sums))
                for id_, sums in found.items()
            ),
            key=lambda row: row.key,
        )
    by_topic = queries.sums_by_topic(period, ids)
    return [
        FigureRow(topic, *_numbers(indicator, sums))
        for topic, sums in sorted(by_topic.items())
        if not indicator.topics or topic in indicator.topics
    ]


def _told(key: str, numerator: int | None, denominator: int | None = None) -> FigureRow:
    return FigureRow(key, numerator, denominator, "=", numerator is None)


def _public_desk(indicator: Indicator, place: Place | None, period: Period, by: str) -> list[FigureRow]:
    if indicator.key == "assisted.people":
        return _public_people(place, period, by)
    if place is not None or by != "month":
        return [_told(f"{month:%Y-%m}", None) for month in period.months] if by == "month" else []
    found = queries.sums_by_month(period, None)
    extra: dict[date, int] = {}
    for topic in indicator.topics:
        for month, sums in queries.sums_by_month(period, None, topic).items():
            extra[month] = extra.get(month, 0) + _numbers(indicator, sums)[0]
    return [
        _told(
            f"{month:%Y-%m}",
            *public_numbers(indicator, found.get(month, NOTHING), month, extra.get(month, 0)),
        )
        for month in period.months
    ]


def public_numbers(
    indicator: Indicator, sums: Sums, month: date, of_topics: int = 0
) -> tuple[int | None, int | None]:
    """What may be told of one month of the whole site: the outcomes are one split of the people helped."""
    if sums.people < publishing.LEAST:
        return None, None
    shown = publishing.hide_mapping(
        {
            "submitted": sums.submitted,
            "activated": sums.activated,
            "counter": sums.counter,
            "home": sums.home,
            "stopped": sums.stopped + sums.referred,
        },
        sums.people,
        month,
    )
    if indicator.topics:
        activated = shown["activated"]
        return publishing.pair(of_topics, activated) if activated is not None else (None, None)
    first = indicator.counts[0]
    if indicator.key == "assisted.self_service":
        if shown["submitted"] is None or shown["activated"] is None:
            return None, None
        return publishing.pair(sums.guided_done, sums.submitted + sums.activated)
    if first in shown:
        return shown[first], sums.people if indicator.of else None
    if first == "first_time":
        return publishing.pair(sums.first_time, sums.people)
    if indicator.mean:
        return (sums.minutes_sum, sums.timed) if sums.timed >= publishing.LEAST else (None, None)
    return (sums.cases, None) if sums.cases >= publishing.LEAST else (None, None)


def _public_people(place: Place | None, period: Period, by: str) -> list[FigureRow]:
    if by == "month":
        if place is None:
            return [
                _told(f"{month:%Y-%m}", people) for month, people in publishing.site_months(period).items()
            ]
        shown = publishing.units_by_month(period)
        return [_told(f"{month:%Y-%m}", shown[month].get(place.id)) for month in period.months]
    if by == "unit":
        below = set(units.ids_below(place.id)) - {place.id} if place else None
        rows = publishing.unit_sums(period, below)
    elif place is not None:
        return []  # places and topics are never crossed in public
    else:
        rows = publishing.topic_sums(period)
    return [
        FigureRow(row.key, row.people, None, "≥" if row.hidden else "=", row.people is None) for row in rows
    ]


def feed(place: Place | None, period: Period, today: date) -> dict[str, Any]:
    """Everything an operations centre shows of the desk log: each indicator by month and by unit, in full."""
    wanted = indicators.of_set("assisted")
    return {
        "unit": place.key if place else None,
        "from": period.cut(today).from_text,
        "to": period.cut(today).to_text,
        "partial": period.partial(today),
        "definition_version": indicators.version(),
        "figures": [
            figures(one.key, place, period, by, today, public=False).as_json()
            for one in wanted
            for by in ("month", "unit")
        ],
    }
