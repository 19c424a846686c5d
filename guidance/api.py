"""DOOR: JSON under /api/v1, for other systems and the offline queue."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from guidance import i18n, openapi
from guidance.accounts import access
from guidance.adoption import actions as adoption_actions
from guidance.adoption import machine, periods
from guidance.catalogue import data as procedure_data
from guidance.catalogue import linked_data
from guidance.catalogue import queries as catalogue
from guidance.desk import actions as desk_actions
from guidance.desk import forms as desk_forms
from guidance.desk import queries as desk
from guidance.desk import topics
from guidance.errors import NotAllowed, NotFound, SignInNeeded, TooManyAttempts, UserError
from guidance.guides import data as guide_data
from guidance.guides import queries as guides
from guidance.search import current as search_index
from guidance.search import views as search_views
from guidance.units import data as unit_data
from guidance.units import queries as units
from guidance.units.models import KINDS
from guidance.web import absolute, problem, public, render

bp = Blueprint("api", __name__, url_prefix="/api/v1")
access.public(bp)


@bp.url_value_preprocessor
def take_language(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """`lang=` is the language of the answer."""
    code = request.args.get("lang", "")
    if code in current_app.config["SETTINGS"].languages:
        g.lang = code


# --- search ------------------------------------------------------------------------------------

MOST_RESULTS = 50


@bp.get("/search")
def search() -> ResponseReturnValue:
    """Procedures and guides for a question in any language, best first, and a question back when it is unclear."""
    lang = i18n.current().code
    limit = min(max(request.args.get("limit", 10, type=int) or 10, 1), MOST_RESULTS)
    may_be_kept = search_index.is_up_to_date()
    found = search_index.index().search(request.args.get("q", "")[: search_views.LONGEST], lang, limit=limit)
    results = [
        {
            "kind": hit.kind,
            ("slug" if hit.kind == "guide" else "code"): hit.key,
            "title": hit.title,
            "url": search_views.address(hit.kind, hit.key, lang),
            "score": hit.score,
        }
        for hit in found.hits
    ]
    clarify = found.clarify and {
        "question": found.clarify.question or _("Which of these do you mean?"),
        "choices": [
            {"label": choice.label, "url": search_views.address(choice.kind, choice.key, lang)}
            for choice in found.clarify.choices
        ],
    }
    return search_views.fresh(jsonify({"results": results, "clarify": clarify}), may_be_kept)


# --- procedures and places ---------------------------------------------------------------------

MOST_ROWS = 200
JSON_LD = "application/ld+json"


class BadParameter(UserError):
    """A parameter of the address cannot be read."""

    status = 400

    def __init__(self, name: str) -> None:
        super().__init__(_("The parameter %(name)s cannot be read.", name=name))


def _limit() -> int:
    text = request.args.get("limit", "50")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_ROWS:
        raise BadParameter("limit")
    return int(text)


def _wants_linked_data() -> bool:
    return request.accept_mimetypes.best_match(["application/json", JSON_LD]) == JSON_LD


def _told(body: dict[str, Any], kind: str = "application/json") -> Response:
    response = jsonify(body)
    response.mimetype = kind
    response.vary.add("Accept")
    return _kept(response)


@bp.get("/procedures")
def procedure_list() -> ResponseReturnValue:
    """Published procedures by code, under the filters of the browse page."""
    lang = i18n.current().code
    names = ("sector", "level", "online", "audience", "life_event", "agency")
    chosen = {name: request.args.get(name, "")[:300] for name in names}
    cards, after = catalogue.page_of_cards(lang, _limit(), request.args.get("cursor", "")[:80], **chosen)
    if _wants_linked_data():
        return _told(linked_data.cpsv_ap_list(cards, absolute("/api/v1/procedures")), JSON_LD)
    rows = [procedure_data.card_json(card) | {"url": f"/{lang}/procedures/{card.key}"} for card in cards]
    return _told({"procedures": rows, "next": after})


@bp.get("/procedures/<code>")
def procedure(code: str) -> ResponseReturnValue:
    """One procedure; a superseded code is moved for good (301); CPSV-AP with `Accept: application/ld+json`."""
    lang = i18n.current().code
    today, _found = catalogue.resolve(code)
    page = catalogue.page(today, lang)
    if page is None:
        raise NotFound(_("There is no procedure %(key)s here.", key=code[:40]))
    if page.key != code:
        moved = jsonify({"moved_to": page.key})
        moved.status_code = 301
        query = request.query_string.decode("ascii", "ignore")
        moved.location = f"/api/v1/procedures/{page.key}" + (f"?{query}" if query else "")
        return moved
    if _wants_linked_data():
        return _told(linked_data.cpsv_ap(page, absolute(f"/api/v1/procedures/{page.key}")), JSON_LD)
    said_of = units.by_ids(said.unit_id for said in page.levels_said if said.unit_id is not None)
    codes = {id_: place.key for id_, place in said_of.items()}
    return _told(procedure_data.as_json(page, codes) | {"url": f"/{lang}/procedures/{page.key}"})


@bp.get("/units")
def unit_list() -> ResponseReturnValue:
    """Administrative units of all times, or of one day (`on`), with what took over from them."""
    args, limit = request.args, _limit()
    cursor = args.get("cursor", "0")
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise BadParameter("cursor")
    try:
        on = date.fromisoformat(args["on"]) if args.get("on") else None
    except ValueError as wrong:
        raise BadParameter("on") from wrong
    if args.get("kind", "") not in ("", *KINDS):
        raise BadParameter("kind")
    code, _at, day = args.get("code", "")[:24].partition("@")
    if day and on is None:
        place = units.by_code(f"{code}@{day}")
        if place is None:
            raise BadParameter("code")
        on = date.fromisoformat(day)
    narrowed = {"kind": args.get("kind", ""), "code": code, "parent": args.get("parent", "")[:12]}
    rows = units.entries(limit + 1, int(cursor), on=on, **narrowed)
    shown, after = rows[:limit], None
    if len(rows) > limit:
        after = str(shown[-1].place.id)
    if _wants_linked_data():
        return _told(unit_data.linked_data(shown, absolute("/api/v1/units")), JSON_LD)
    return _told({"units": [unit_data.as_json(row) for row in shown], "next": after})


# --- guides ------------------------------------------------------------------------------------

MOST_GUIDES = 200


@bp.get("/guides")
def guide_list() -> ResponseReturnValue:
    """Published guides by slug, `limit` at a time; `next` is the `cursor` of the page that follows."""
    limit = min(max(request.args.get("limit", 100, type=int) or 100, 1), MOST_GUIDES)
    cards, after = guides.page_of_cards(i18n.current().code, limit, request.args.get("cursor", ""))
    return _kept(jsonify({"guides": [_guide_card(card) for card in cards], "next": after}))


def _guide_card(card: guides.Card) -> dict[str, Any]:
    path = f"/{i18n.current().code}/guides/{card.slug}"
    return {
        "slug": card.slug,
        "title": card.title,
        "lang": card.lang,
        "summary": card.summary,
        "group": card.group,
        "url": path,
    }


@bp.get("/guides/<slug>")
def guide(slug: str) -> ResponseReturnValue:
    """One guide with its steps, troubles and sources; schema.org with `Accept: application/ld+json`."""
    page = guides.guide_page(slug, i18n.current().code)
    if page is None:
        raise NotFound(_("There is no guide called %(slug)s.", slug=slug[:60]))
    path = f"/{i18n.current().code}/guides/{page.slug}"
    wants = request.accept_mimetypes.best_match(["application/json", "application/ld+json"])
    if wants == "application/ld+json":
        answer = jsonify(guide_data.schema_org(page, absolute(path)))
        answer.mimetype = "application/ld+json"
    else:
        answer = jsonify(guide_data.as_json(page) | {"url": path})
    answer.vary.add("Accept")
    return _kept(answer)


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


# --- the desk ----------------------------------------------------------------------------------


class NotJson(UserError):
    """The body cannot be read."""

    status = 400

    def __init__(self) -> None:
        super().__init__(_("Send one JSON object with the content type application/json."))


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.mimetype == "application/json" else None
    if not isinstance(body, dict):
        raise NotJson
    return body


def _check_sender(staff: Any) -> None:
    """A device says whose cases it sends: after somebody else signed in there, they wait for their owner."""
    sender = request.headers.get("X-Desk-Account")
    if sender is not None and sender != str(staff.id):
        raise SignInNeeded


def _case_form(text: Any, staff: Any) -> desk_forms.CaseForm:
    return desk_forms.CaseForm(
        text,
        topic_known=topics.known,
        unit_of=desk.unit_of_code,
        usual_place=lambda: desk.usual_place(staff.unit_id),
    )


def _refused(wrong: dict[str, list[str]]) -> Response:
    sentences = {name: " ".join(str(said) for said in said_all) for name, said_all in wrong.items()}
    return problem(422, _("The case was not stored. Something in it is missing or wrong."), errors=sentences)


def _stored(case_uid: str, status: int) -> ResponseReturnValue:
    row = desk.case(access.current_staff(), case_uid, i18n.current().code)
    if row is None:
        raise NotFound(_("There is no such case."))
    return jsonify(desk.as_json(row)), status


@bp.post("/cases")
@access.open_to("desk", "manager")
def log_case() -> ResponseReturnValue:
    """Store a case once: 201 when it is new, 200 with the stored case when its `case_uid` is known."""
    staff = access.current_staff()
    _check_sender(staff)
    text, wrong = desk_forms.from_json(_body(), ("case_uid", *desk_forms.FIELDS_OF_A_CASE))
    form = _case_form(text, staff)
    if not form.validate() or wrong:
        # A device that never heard the first answer sends again, maybe after its topic has been withdrawn.
        if desk.case(staff, form.case_uid.data or "", i18n.current().code) is not None:
            return _stored(form.case_uid.data, 200)
        return _refused(form.errors | wrong)
    logged = desk_actions.log_case(staff, form.case_uid.data, form.case(), about=form.about)
    return _stored(logged.case_uid, 201 if logged.created else 200)


@bp.post("/cases/<case_uid>/correct")
@access.open_to("desk", "manager")
def correct_case(case_uid: str) -> ResponseReturnValue:
    """Change what the body names, with `why`; everything else stays."""
    staff, body = access.current_staff(), _body()
    row = desk.case(staff, case_uid, i18n.current().code)
    if row is None:
        raise NotFound(_("There is no such case."))
    given = [name for name in desk_forms.FIELDS_OF_A_CASE if name in body]
    text, wrong = desk_forms.from_json(
        desk.as_json(row) | {name: body[name] for name in given}, ("case_uid", *desk_forms.FIELDS_OF_A_CASE)
    )
    why_text, why_wrong = desk_forms.from_json(body, ("why",))
    form, why = _case_form(text, staff), desk_forms.WhyForm(why_text)
    right = [form.validate(), why.validate()]
    if not all(right) or wrong or why_wrong:
        return _refused(form.errors | why.errors | wrong | why_wrong)
    desk_actions.correct_case(staff, case_uid, form.changes(given), why.why.data)
    return _stored(case_uid, 200)


@bp.post("/cases/<case_uid>/void")
@access.open_to("desk", "manager")
def void_case(case_uid: str) -> ResponseReturnValue:
    """Take a case out of the figures, with `why`; it stays visible."""
    text, wrong = desk_forms.from_json(_body(), ("why",))
    why = desk_forms.WhyForm(text)
    if not why.validate() or wrong:
        return _refused(why.errors | wrong)
    desk_actions.void_case(access.current_staff(), case_uid, why.why.data)
    return _stored(case_uid, 200)


@bp.post("/cases/<case_uid>/undo")
@access.open_to("desk", "manager")
def undo_case(case_uid: str) -> ResponseReturnValue:
    """Take back one's own last act on a case, within a minute."""
    _body()
    _check_sender(access.current_staff())
    desk_actions.undo_case(access.current_staff(), case_uid)
    return _stored(case_uid, 200)


# --- figures -----------------------------------------------------------------------------------


class UnknownKey(UserError):
    """The key is not known, or was revoked."""

    status = 401
    message = _l("This key is not known or no longer valid.")


def _key() -> adoption_actions.KeyUsed | None:
    """The key a caller sent; None when there is none, an error when it is not valid."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    used = adoption_actions.use_key(secret.strip()) if scheme.lower() == "bearer" else None
    if used is None:
        raise UnknownKey
    if used.too_often:
        raise TooManyAttempts
    return used


def _figures_period() -> periods.Period:
    return periods.between(request.args.get("from", ""), request.args.get("to", ""), units.today())


def _figures_place(key: adoption_actions.KeyUsed | None, period: periods.Period) -> units.Place | None:
    code = request.args.get("unit", "").strip()
    own = units.by_id(key.unit_id) if key and key.unit_id is not None else None
    if not code:
        return own
    place = units.by_code(code, on=min(period.end, units.today())) or units.by_code(code)
    if place is None:
        raise NotFound
    if own is not None and place.id not in units.ids_below(own.id):
        raise NotAllowed
    return place


@bp.get("/figures")
def figures() -> ResponseReturnValue:
    """One indicator by month, unit or topic: small counts hidden, or in full with a key."""
    key, period = _key(), _figures_period()
    place = _figures_place(key, period)
    name, by = request.args.get("indicator", "assisted.people"), request.args.get("by", "month") or "month"
    answer = machine.figures(name, place, period, by, units.today(), public=key is None)
    response = jsonify(answer.as_json())
    response.headers["Cache-Control"] = "no-store" if key else "public, max-age=60"
    response.vary.add("Authorization")
    return response


@bp.get("/figures/feed")
def figures_feed() -> ResponseReturnValue:
    """Every figure of the desk log by month and unit, for an operations centre; needs a key."""
    key, period = _key(), _figures_period()
    if key is None:
        raise UnknownKey
    response = jsonify(machine.feed(_figures_place(key, period), period, units.today()))
    response.headers["Cache-Control"] = "no-store"
    return response


# --- what the API says of itself ---------------------------------------------------------------


@bp.get("/openapi.json")
def describe() -> ResponseReturnValue:
    """This API in the words of OpenAPI 3.1."""
    settings = current_app.config["SETTINGS"]
    return _kept(jsonify(openapi.document(settings.site_name, absolute(""))))


@bp.get("/docs")
def docs() -> ResponseReturnValue:
    """The same as a page to read."""
    document = openapi.document(current_app.config["SETTINGS"].site_name, absolute(""))
    return public(render("site/api.html", document=document))
