"""Public search page and suggestions."""

import re
from typing import NamedTuple

from flask import Blueprint, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.exc import OperationalError

from guidance import i18n
from guidance.accounts import access
from guidance.catalogue import labels
from guidance.catalogue import queries as catalogue
from guidance.search import actions, current
from guidance.search.engine import FILTERS, Found, Hit
from guidance.text import fold
from guidance.units.queries import today
from guidance.web import render

bp = Blueprint("search", __name__, url_prefix="/<lang:lang>")
access.public(bp)

PAGE_SIZE = 20
MOST_PAGES = 10
LONGEST = 200


class Suggestion(NamedTuple):
    """One line under the search box."""

    title: str
    url: str
    note: str


def address(kind: str, key: str, lang: str | None = None) -> str:
    """The page of a procedure or guide."""
    code = lang or i18n.current().code
    if kind == "guide":
        return f"/{code}/guides/{key}"
    return url_for("catalogue.procedure", lang=code, key=key)


@bp.app_template_filter("marked")
def marked(shown: str, asked: tuple[str, ...]) -> Markup:
    """A text with the words somebody asked for marked; letters alone and words of grammar stay plain."""
    wanted = {word for word in asked if len(word) > 2}
    parts = re.split(r"([^\W_]+)", shown)
    return Markup("").join(Markup("<mark>{}</mark>").format(p) if fold(p) in wanted else p for p in parts)


@bp.get("/search")
def results() -> ResponseReturnValue:
    """Procedures and guides that answer a question, best first, twenty a page."""
    lang = i18n.current().code
    asked = request.args.get("q", "")[:LONGEST]
    chosen = {name: request.args.get(name, "")[:200] for name in FILTERS}
    page = min(max(request.args.get("page", 1, type=int) or 1, 1), MOST_PAGES)
    found = Found([])
    may_be_kept = True
    if asked.strip():
        may_be_kept = current.is_up_to_date()
        found = current.index().search(asked, lang, chosen, PAGE_SIZE, (page - 1) * PAGE_SIZE, facets=True)
        if page == 1 and not any(chosen.values()):
            may_be_kept = False  # a cache would hide how often people ask, and what an editor has just taught
            _count(asked, lang, bool(found.hits))
    response = render(
        "search/search.html",
        q=asked,
        found=found,
        certain=_certain(found, lang),
        chosen=chosen,
        page=page,
        pages=min(MOST_PAGES, -(-found.total // PAGE_SIZE)),
        address=address,
        labels=labels,
        life_events=catalogue.life_events(lang),
    )
    return fresh(response, may_be_kept)


def _certain(found: Found, lang: str) -> dict[str, list[str]]:
    """Time limit and fee of the procedures found, by key, where they are the same for every way of handing in."""
    told: dict[str, list[str]] = {}
    keys = [hit.key for hit in found.hits if hit.kind == "procedure"]
    for key, (options, readings) in catalogue.ways(keys, lang).items():
        lines = labels.by_channel(options, "time"), labels.by_channel(options, "fee", readings, today())
        told[key] = [line[0].words for line in lines if len(line) == 1 and not line[0].channel]
    return told


def fresh(response: Response, may_be_kept: bool) -> Response:
    """Mark an answer of the search: only our own cache keeps it, which follows the content; others ask again.

    An answer of an index that lags behind the content is kept by nobody.
    """
    response.headers["Cache-Control"] = "public, no-cache" if may_be_kept else "private, no-cache"
    return response


def _count(asked: str, lang: str, found: bool, opened: bool = False) -> None:
    """Count a question; a database that takes no writes right now must not keep anybody from searching."""
    try:
        actions.count_search(asked, lang, found, opened)
    except OperationalError:
        current_app.logger.warning("a search could not be counted")


@bp.get("/suggest")
def suggest() -> ResponseReturnValue:
    """Lines for the list under the search box while somebody types."""
    lang = i18n.current().code
    typed = request.args.get("q", "")[:LONGEST]
    may_be_kept = current.is_up_to_date()
    hits = current.index().suggest(typed, lang) if typed.strip() else []
    return fresh(render("search/suggest.html", items=[_suggestion(hit) for hit in hits]), may_be_kept)


def _suggestion(hit: Hit) -> Suggestion:
    return Suggestion(hit.title, address(hit.kind, hit.key), hit.sector if hit.kind == "procedure" else "")


@bp.post("/search/opened")
def opened() -> ResponseReturnValue:
    """Count that a question led to a page; sent by the results page's script, without saying who."""
    _count(request.form.get("q", "")[:LONGEST], i18n.current().code, True, opened=True)
    return "", 204
