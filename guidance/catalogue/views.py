"""Public pages of the catalogue: procedures, notices, and whether a page was useful."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import i18n, security
from guidance.accounts import access
from guidance.accounts import actions as accounts
from guidance.catalogue import actions, feed, labels, linked_data, notices, queries
from guidance.catalogue.normalise import national_code
from guidance.errors import NotFound, UserError
from guidance.units import queries as units
from guidance.web import absolute, lasting, public, render

bp = Blueprint("catalogue", __name__, url_prefix="/<lang:lang>")
access.public(bp)

FILTERS = ("sector", "level", "online", "audience", "life_event", "agency")
SMALLEST_AGENCY = 5  # procedures; smaller ones are reached from their procedures' pages
ANSWERS_PER_ADDRESS = 30


@bp.get("/procedures/")
def browse() -> ResponseReturnValue:
    """Procedures under filters, twenty a page."""
    chosen = {name: request.args.get(name, "")[:300] for name in FILTERS}
    lang = i18n.current().code
    listing = queries.browse(lang, **chosen, page=request.args.get("page", 1, type=int) or 1)
    return public(
        render(
            "catalogue/browse.html",
            listing=listing,
            chosen=chosen,
            labels=labels,
            life_events=queries.life_events(lang),
            sectors=queries.sectors(),
            agencies=queries.agencies(SMALLEST_AGENCY),
        )
    )


@bp.get("/procedures/<key>")
@lasting("came_from")
def procedure(key: str) -> ResponseReturnValue:
    """One procedure; a code of yesterday leads to the procedure of today and says so."""
    lang = i18n.current().code
    today, found = queries.resolve(key)
    if found is not None and today != key:
        came_from = key if national_code(key) != today else None
        return redirect(url_for("catalogue.procedure", key=today, came_from=came_from), 301)
    page = queries.page(today, lang)
    if page is None:
        raise NotFound(_("There is no procedure %(key)s here.", key=key[:40]))
    return public(render("catalogue/procedure.html", **values_of(page, lang)))


def values_of(page: queries.ProcedurePage, lang: str) -> dict[str, Any]:
    """Everything the page of a procedure shows; a preview shows the same."""
    came_from = request.args.get("came_from", "")[:80]
    led_here = came_from and came_from != page.key and queries.resolve(came_from)[0] == page.key
    guides = [reference for reference in queries.guides_of(page.key) if reference not in page.before]
    after = tuple(dict.fromkeys((*page.after, *guides)))
    return {
        "page": page,
        "after": after,
        "labels": labels,
        "links": queries.links((*page.before, *after, *page.standing.superseded_by), lang),
        "places": units.by_ids(said.unit_id for said in page.levels_said if said.unit_id is not None),
        "notices": queries.current_notices(lang, units.today(), f"procedure:{page.key}"),
        "came_from": came_from if led_here else "",
        "today": units.today(),
        "linked_data": linked_data.schema_org(
            page,
            absolute(url_for("catalogue.procedure", key=page.key)),
            [
                (_("Procedures"), absolute(url_for("catalogue.browse"))),
                (page.name, absolute(url_for("catalogue.procedure", key=page.key))),
            ],
        ),
    }


@bp.get("/notices/")
def notice_list() -> ResponseReturnValue:
    """What citizens should know now, and what was said before."""
    lang = i18n.current().code
    shown, over = notices.current(lang, units.today()), notices.earlier(lang, units.today())
    subjects = [subject.removeprefix("procedure:") for told in (*shown, *over) for subject in told.subjects]
    return public(
        render("catalogue/notices.html", shown=shown, over=over, links=queries.links(subjects, lang))
    )


@bp.get("/notices.atom")
def notice_feed() -> ResponseReturnValue:
    """The notices of now as a feed to subscribe to."""
    lang = i18n.current().code
    page = absolute(url_for("catalogue.notice_list"))
    body = feed.atom(
        feed.notice_items(notices.current(lang, units.today()), page),
        lang,
        f"{current_app.config['SETTINGS'].site_name}: {_('Notices')}",
        page,
        absolute(url_for("catalogue.notice_feed")),
    )
    return public(Response(body, mimetype="application/atom+xml"))


@bp.get("/procedures.atom")
def change_feed() -> ResponseReturnValue:
    """What imports changed in procedures, as a feed to subscribe to."""
    lang = i18n.current().code
    items = []
    for change in queries.recent_changes(lang):
        url = absolute(url_for("catalogue.procedure", key=change.key))
        said = (
            _("Changed in the official record: %(fields)s.", fields=labels.fields(change.fields))
            if change.number > 1
            else _("New in the catalogue.")
        )
        items.append(
            feed.Item(
                f"{url}#version-{change.number}",
                url,
                change.name,
                change.name_lang,
                change.at,
                "changed" if change.number > 1 else "new",
                said,
            )
        )
    body = feed.atom(
        items,
        lang,
        f"{current_app.config['SETTINGS'].site_name}: {_('Changes of procedures')}",
        absolute(url_for("catalogue.browse")),
        absolute(url_for("catalogue.change_feed")),
    )
    return public(Response(body, mimetype="application/atom+xml"))


@bp.post("/useful")
def useful() -> ResponseReturnValue:
    """Count a yes or no, then offer one optional question; no cookie, no address kept."""
    subject = request.form.get("subject", "")
    answer = request.form.get("useful", "")
    if not subject.startswith(("procedure:", "guide:")) or answer not in {"yes", "no"}:
        raise UserError
    accounts.count_try("useful", request.remote_addr or "", ANSWERS_PER_ADDRESS)
    feedback_id = actions.record_feedback(subject, answer == "yes", i18n.current().code)
    return render(
        "catalogue/useful.html", subject=subject, receipt=_receipt(feedback_id), wrong="", comment=""
    )


def _receipt(feedback_id: int) -> str:
    return f"{feedback_id}.{security.signed('feedback', str(feedback_id))[:20]}"


@bp.post("/useful/comment")
def comment() -> ResponseReturnValue:
    """Add the one sentence to an answer just given."""
    receipt = request.form.get("receipt", "")
    feedback_id = receipt.partition(".")[0]
    if not feedback_id.isdigit() or not security.same(receipt, _receipt(int(feedback_id))):
        raise UserError
    subject = request.form.get("subject", "")
    words = request.form.get("comment", "")
    try:
        actions.add_comment(int(feedback_id), words)
    except actions.PersonalDataInText as refused:
        return render(
            "catalogue/useful.html",
            status=422,
            subject=subject,
            receipt=receipt,
            wrong=refused.message,
            comment=words,
        )
    return render("catalogue/useful.html", subject=subject, receipt="", wrong="", comment="")
