"""Public pages of the guides: list, guide, leaflets, questionnaire, hall screen."""

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple, cast

from flask import Blueprint, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from guidance import i18n
from guidance.accounts import access
from guidance.catalogue import queries as catalogue
from guidance.config import PROJECT
from guidance.db import content_version
from guidance.errors import NotFound
from guidance.guides import leaflets, markdown, queries
from guidance.units.queries import today
from guidance.web import absolute, asset, lasting, public, render

bp = Blueprint("guides", __name__, url_prefix="/<lang:lang>")
short = Blueprint("short", __name__)
access.public(bp)
access.public(short)

GROUP_NAMES = {
    "vneid": _l("VNeID, the electronic identity"),
    "vssid": _l("VssID, health and social insurance"),
    "portal": _l("The National Public Service Portal"),
    "papers": _l("Papers, signatures and payments"),
    "helpers": _l("For those who help others"),
    "programme": _l("About the programme"),
}
KEPT_ASSETS = ("site.css", "site.js", "vendor/htmx.min.js", "guide.js", "leaflet.css", "icon.svg")
DRAWN_WITH = ("base.html", "ui.html", "guides/guide.html", "guides/guides.html", "guides/leaflets.html")
HALL_GROUPS = {"vneid": "residence", "vssid": "health", "portal": "full", "papers": "certified-papers"}
MOST_LEAFLETS = 80


@bp.app_template_filter("inline_words")
def inline_words(text: str) -> Markup:
    """A line of short Markdown; links lead to the reader's language."""
    return markdown.inline(text, i18n.current().code)


@bp.app_template_filter("block_words")
def block_words(text: str) -> Markup:
    """Paragraphs of short Markdown."""
    return markdown.block(text, i18n.current().code)


@bp.app_template_filter("in_hall")
def in_hall(text: Markup) -> Markup:
    """A leaflet's words with their links inside the hall screen; leaflets hold no links out of the site."""
    lang = i18n.current().code
    return Markup(str(text).replace(f'href="/{lang}/', f'href="/{lang}/hall/'))  # noqa: S704 -- was clean before  # nosec B704


@short.get("/<string(minlength=3):name>")
def lead(name: str) -> ResponseReturnValue:
    """From the address printed on a leaflet to that guide or procedure, in the language the browser likes best."""
    lang = i18n.best_language(request.accept_languages)
    key, procedure = catalogue.resolve(name)
    if name in queries.published_slugs():
        response = redirect(url_for("guides.guide", slug=name, lang=lang), 302)
    elif procedure is not None:
        response = redirect(url_for("catalogue.procedure", key=key, lang=lang), 302)
    else:
        raise NotFound
    response.vary.add("Accept-Language")
    return response


@bp.get("/guides/")
@lasting()
def guides() -> ResponseReturnValue:
    """Every guide, by group."""
    lang = i18n.current().code
    return public(render("guides/guides.html", groups=queries.all_guides(lang), names=GROUP_NAMES))


@bp.get("/guides/kept.json")
def kept() -> ResponseReturnValue:
    """What the service worker keeps for reading without network: pages with a stamp that changes with them."""
    when = "{when}"
    drawn = _drawn()
    pages = {url_for("guides.guides"): f"{content_version()}-{drawn}"}
    for slug, changed in queries.changes():
        stamp = f"{changed:%Y%m%d%H%M%S}-{drawn}"
        pages[url_for("guides.guide", slug=slug)] = stamp
        pages[url_for("guides.print_guide", slug=slug)] = stamp
    words = {
        "copy": _("You are offline. This is a copy kept on %(when)s.", when=when),
        "missing": _("You are offline, and this page is not kept on this device. These guides are."),
    }
    return public(jsonify(words | {"assets": [asset(name) for name in KEPT_ASSETS], "pages": pages}))


def _drawn() -> str:
    """A fingerprint of what guide pages are drawn with, so that a new look reaches the kept copies too."""
    return hashlib.sha256("".join(asset(name) for name in KEPT_ASSETS).encode() + _templates()).hexdigest()[
        :10
    ]


@cache
def _templates() -> bytes:
    folder = PROJECT / "templates"
    return b"".join((folder / name).read_bytes() for name in DRAWN_WITH)


@bp.get("/guides/<slug>")
@lasting()
def guide(slug: str) -> ResponseReturnValue:
    """One guide, step by step."""
    lang = i18n.current().code
    page = queries.guide_page(slug, lang)
    if page is None:
        raise NotFound(_("There is no guide called %(slug)s.", slug=slug[:60]))
    return public(render("guides/guide.html", **values_of(page, lang)))


def values_of(page: queries.GuidePage, lang: str) -> dict[str, Any]:
    """Everything the page of a guide shows; a preview shows the same."""
    here = url_for("guides.guide", slug=page.slug)
    return {
        "page": page,
        "names": GROUP_NAMES,
        "qr": leaflets.qr(here),
        "notices": catalogue.current_notices(lang, today(), f"guide:{page.slug}"),
        "linked_data": _breadcrumb(
            [(_("Guides"), url_for("guides.guides")), (markdown.plain(page.title), here)]
        ),
    }


def _breadcrumb(items: list[tuple[str, str]]) -> dict[str, object]:
    steps = [
        {"@type": "ListItem", "position": position, "name": name, "item": absolute(path)}
        for position, (name, path) in enumerate(items, start=1)
    ]
    return {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": steps}


@bp.get("/guides/<slug>/print")
def print_guide(slug: str) -> ResponseReturnValue:
    """The leaflet of a guide; `with=en` puts a second language beside the first."""
    return _print([("guide", slug)], url_for("guides.guide", slug=slug))


@bp.get("/procedures/<key>/print")
def print_procedure(key: str) -> ResponseReturnValue:
    """The leaflet of a procedure; a code of yesterday leads to the leaflet of today."""
    now_key, found = catalogue.resolve(key)
    if found is not None and now_key != key:
        return redirect(url_for("guides.print_procedure", key=now_key), 301)
    return _print([("procedure", key)], url_for("catalogue.procedure", key=key))


@bp.get("/guides/print")
def print_folder() -> ResponseReturnValue:
    """Many leaflets as one print job: `group=vneid`, `slugs=a,b` and `procedures=1.001193,…`."""
    wanted = [("guide", slug) for slug in _listed("slugs")]
    if request.args.get("group"):
        groups = queries.all_guides(i18n.current().code)
        wanted += [
            ("guide", card.slug)
            for group in groups
            if request.args["group"] in {group.slug, "all"}
            for card in group.cards
        ]
    wanted += [("procedure", key) for key in _listed("procedures")]
    return _print(wanted[:MOST_LEAFLETS], url_for("guides.guides"))


def _listed(name: str) -> list[str]:
    parts = ",".join(request.args.getlist(name)).split(",")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _print(wanted: list[tuple[str, str]], back: str) -> ResponseReturnValue:
    lang = i18n.current().code
    second = request.args.get("with", "")
    langs = [lang] + ([second] if second != lang and second in {one.code for one in i18n.offered()} else [])
    make = {"guide": leaflets.of_guide, "procedure": leaflets.of_procedure}
    sheets = [
        [leaflet for code in langs if (leaflet := make[kind](name, code)) is not None]
        for kind, name in wanted
    ]
    sheets = [sheet for sheet in sheets if sheet]
    if not sheets:
        raise NotFound(_("There is nothing to print at this address."))
    return public(
        render(
            "guides/leaflets.html",
            sheets=sheets,
            back=back,
            qr=leaflets.qr,
            second=second if len(langs) > 1 else "",
        )
    )


def _asking(answers: dict[str, str]) -> str:
    return url_for("guides.check", **cast("dict[str, Any]", answers))


@bp.get("/check")
def check() -> ResponseReturnValue:
    """A short questionnaire: can I do it online, and what do I need first. The answers are the address."""
    from guidance.guides import check as questionnaire

    lang = i18n.current().code
    key = request.args.get("procedure", "")
    page = catalogue.page(key, lang) if key else None
    known = {"goal": "procedure", "online": page.online} if page else {}
    place = questionnaire.place(request.args.to_dict() | known)
    asked = {name: value for name, value in place.answers.items() if name not in known}
    kept = {"procedure": key} if page else {}
    names = list(asked)
    first_case = page.words.bring[0].items if page and page.words and page.words.bring else []
    return public(
        render(
            "guides/check.html",
            place=place,
            asked=asked,
            known=[one for one in place.answered if one.question.key in known],
            changes={
                name: _asking(kept | {one: asked[one] for one in names[:position]})
                for position, name in enumerate(names)
            },
            cards=queries.cards(place.guides, lang),
            procedure=page,
            papers=first_case,
            words_lang=page.words_lang if page else lang,
        )
    )


class Target(NamedTuple):
    """Something to touch on the hall screen."""

    title: str
    url: str
    lang: str
    icon: str = ""


def _hall(heading: str, *parts: tuple[str, list[Target]]) -> ResponseReturnValue:
    return public(
        render(
            "guides/hall.html",
            heading=heading,
            parts=[{"title": title, "items": items} for title, items in parts],
        )
    )


def _guide_targets(found: Iterable[queries.Card]) -> list[Target]:
    return [Target(card.title, url_for("guides.hall_guide", slug=card.slug), card.lang) for card in found]


@bp.get("/hall/")
def hall() -> ResponseReturnValue:
    """The start of the touch screen in a service centre."""
    lang = i18n.current().code
    events = [
        Target(event.name, url_for("guides.hall_event", event=event.slug), lang, event.slug)
        for event in catalogue.life_events(lang)
    ]
    groups = [
        Target(
            str(GROUP_NAMES[group.slug]),
            url_for("guides.hall_group", group=group.slug),
            lang,
            HALL_GROUPS[group.slug],
        )
        for group in queries.all_guides(lang)
        if group.slug in HALL_GROUPS
    ]
    return _hall(
        _("Touch what you need."),
        (_("Phone, accounts and the portal"), groups),
        (_("Moments of life"), events),
    )


@bp.get("/hall/groups/<group>")
def hall_group(group: str) -> ResponseReturnValue:
    """The guides of one group on the touch screen."""
    found = next((one for one in queries.all_guides(i18n.current().code) if one.slug == group), None)
    if found is None:
        raise NotFound
    return _hall(str(GROUP_NAMES[group]), ("", _guide_targets(found.cards)))


@bp.get("/hall/events/<event>")
def hall_event(event: str) -> ResponseReturnValue:
    """Procedures and guides for one moment of life on the touch screen."""
    lang = i18n.current().code
    name = next((one.name for one in catalogue.life_events(lang) if one.slug == event), None)
    if name is None:
        raise NotFound
    procedures = [
        Target(card.name, url_for("guides.hall_procedure", key=card.key), card.name_lang)
        for card in catalogue.browse(lang, life_event=event).cards
    ]
    return _hall(
        name,
        (_("Procedures"), procedures),
        (_("Guides"), _guide_targets(queries.guides_for_life_event(event, lang))),
    )


def _hall_sheet(leaflet: leaflets.Leaflet | None) -> ResponseReturnValue:
    if leaflet is None:
        raise NotFound
    return public(render("guides/hall_sheet.html", leaflet=leaflet, qr=leaflets.qr(leaflet.path)))


@bp.get("/hall/guides/<slug>")
def hall_guide(slug: str) -> ResponseReturnValue:
    """One guide on the touch screen."""
    return _hall_sheet(leaflets.of_guide(slug, i18n.current().code))


@bp.get("/hall/procedures/<key>")
def hall_procedure(key: str) -> ResponseReturnValue:
    """One procedure on the touch screen."""
    return _hall_sheet(leaflets.of_procedure(catalogue.resolve(key)[0], i18n.current().code))
