"""Public pages of places: where I live, what became of it, and where papers are handed in."""

from datetime import date, timedelta
from typing import NamedTuple

from babel.dates import format_date
from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n
from guidance.accounts import access
from guidance.units import queries
from guidance.units.queries import Match, Place
from guidance.web import public, render

bp = Blueprint("units", __name__, url_prefix="/<lang:lang>/places")
access.public(bp)

LONGEST = 80
MOST_SUGGESTIONS = 8
MONDAY = date(2024, 1, 1)


class Suggestion(NamedTuple):
    """One line under the box while somebody types."""

    title: str
    url: str
    note: str


def weekday_names() -> list[str]:
    """The seven weekdays from Monday in the reader's language."""
    return [
        format_date(MONDAY + timedelta(days=day), format="EEEE", locale=i18n.locale()) for day in range(7)
    ]


def centre_name(place: Place) -> str:
    """What the centre of a commune or province is called by law, in Vietnamese."""
    return f"Trung tâm Phục vụ hành chính công {place.name[:1].lower()}{place.name[1:]}"


def _address(place: Place) -> str:
    return url_for("units.places", unit=place.key)


@bp.get("/")
def places() -> ResponseReturnValue:
    """Say where I live, in old or new names, and see where to go and when it is open."""
    code = request.args.get("unit", "")[:24]
    words = request.args.get("q", "")[:LONGEST]
    if code:
        place = queries.by_code(code)
        if place is None:
            more = {"provinces": queries.provinces(), "address": _address}
            return render(
                "units/places.html", status=404, words=code, matches=[], missing=True, place=None, **more
            )
        return _one(place)
    matches = queries.found(words) if words.strip() else []
    if len(matches) == 1:
        return redirect(_address(matches[0].place))
    provinces = [] if matches else queries.provinces()
    return public(
        render(
            "units/places.html",
            words=words,
            matches=matches,
            missing=bool(words.strip()) and not matches,
            place=None,
            provinces=provinces,
            address=_address,
        )
    )


def _one(place: Place) -> ResponseReturnValue:
    today = queries.today()
    ended = place.valid_to is not None and place.valid_to < today
    province = queries.province_of(place)
    centres = [] if ended else queries.centres_of(place.id)
    others: list[queries.Centre] = []
    communes: list[Place] = []
    if not ended:
        below = queries.children(province.id)
        here = {centre.id for centre in centres}
        around = queries.centres_below([province.id, *(unit.id for unit in below)])
        others = [centre for centre in around if centre.id not in here]
        communes = below if place.kind == "province" else []
    return public(
        render(
            "units/places.html",
            words="",
            matches=[],
            missing=False,
            place=place,
            ended=ended,
            within=queries.path_names(place.id)[1:],
            became=_grouped(queries.successors(place.id)) if ended else {},
            came_from=[]
            if ended
            else queries.matches_of(one.place.id for one in queries.predecessors(place.id)),
            province=province,
            centres=centres,
            others=others,
            communes=communes,
            today=today,
            weekday_names=weekday_names(),
            centre_name=centre_name,
            address=_address,
        )
    )


def _grouped(successors: list[queries.Successor]) -> dict[str, list[Place]]:
    """What became of a unit, by relation: 'whole' (one place) or 'split' (several, and nobody can say which)."""
    grouped: dict[str, list[Place]] = {}
    for one in successors:
        grouped.setdefault(one.relation, []).append(one.place)
    return grouped


def _line(match: Match) -> Suggestion:
    until = match.place.valid_to
    ended = [_("until %(day)s", day=i18n.format_day(until, "short"))] if until else []
    return Suggestion(match.place.name, _address(match.place), ", ".join([*match.within, *ended]))


@bp.get("/suggest")
def suggest() -> ResponseReturnValue:
    """Lines for the list under the box while somebody types."""
    words = request.args.get("q", "")[:LONGEST]
    matches = queries.found(words, MOST_SUGGESTIONS) if words.strip() else []
    return public(render("search/suggest.html", items=[_line(match) for match in matches]))
