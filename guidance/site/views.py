"""DOOR: the site's own pages: home, about, privacy, health, and the files that machines ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, current_app, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import escape
from sqlalchemy.exc import SQLAlchemyError

from guidance import charts, i18n, meters, security
from guidance.accounts import access
from guidance.catalogue import notices
from guidance.catalogue import queries as catalogue
from guidance.config import PROJECT
from guidance.errors import NotFound
from guidance.privacy import calendar
from guidance.site import forms, health, sitemap
from guidance.units.queries import today
from guidance.web import absolute, asset, lasting, public, render

bp = Blueprint("site", __name__)
access.public(bp)

ONE_DAY = 24 * 3600


@bp.get("/")
def choose_language() -> ResponseReturnValue:
    """To the language the browser likes best."""
    response = redirect(url_for("site.home", lang=i18n.best_language(request.accept_languages)), 302)
    response.vary.add("Accept-Language")
    return response


@bp.get("/<lang:lang>/")
@lasting()
def home() -> ResponseReturnValue:
    """Search first, then life events, guides, notices."""
    lang = i18n.current().code
    return public(
        render(
            "site/home.html",
            life_events=catalogue.life_events(lang),
            notices=notices.current(lang, today())[:3],
        )
    )


@bp.get("/<lang:lang>/about")
def about() -> ResponseReturnValue:
    """Who runs the site and what it is not."""
    return public(render("site/about.html"), ONE_DAY)


@bp.get("/<lang:lang>/privacy")
def privacy() -> ResponseReturnValue:
    """What is kept about whom, and for how long."""
    return public(render("site/privacy.html", terms=calendar.terms()), ONE_DAY)


@bp.get("/<lang:lang>/accessibility")
def accessibility() -> ResponseReturnValue:
    """How far everybody can use the site, and whom to tell when somebody cannot."""
    return public(render("site/accessibility.html"), ONE_DAY)


@bp.get("/<lang:lang>/about/components")
def components() -> ResponseReturnValue:
    """Every component in every state; only while the site is being built."""
    if not current_app.config["SETTINGS"].development:
        raise NotFound
    form = forms.ComponentsForm(data={"outcome": "done"})
    form.validate()
    form.form_errors = [_("This is how an error of the whole form looks.")]
    qr = charts.qr_code(absolute(request.path), scale=4)
    return render("site/components.html", form=form, qr=qr)


@bp.get("/manifest.webmanifest")
def manifest() -> Response:
    """What a phone needs to keep the site on its home screen."""
    settings = current_app.config["SETTINGS"]
    response = jsonify(
        name=settings.site_name,
        short_name=settings.site_name if len(settings.site_name) <= 12 else _("Guide"),
        lang=i18n.default_language(),
        start_url=url_for("site.home", lang=i18n.default_language()),
        scope="/",
        display="standalone",
        background_color="#fffdf8",
        theme_color="#1f3a6e",
        icons=[
            {"src": asset("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
            {
                "src": asset("icon-192.png"),
                "sizes": "192x192",
                "type": "image/png",
                "purpose": "any maskable",
            },
            {
                "src": asset("icon-512.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "any maskable",
            },
        ],
    )
    response.mimetype = "application/manifest+json"
    return public(response, ONE_DAY)


@bp.get("/sw.js")
def service_worker() -> Response:
    """Keeps public pages readable without network; served at the root, so that it may look after the whole site."""
    response = Response((PROJECT / "static" / "sw.js").read_bytes(), mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/robots.txt")
def robots() -> Response:
    """What search engines should leave alone: staff pages and what only scripts ask for."""
    lines = ["User-agent: *"]
    for language in i18n.offered():
        for part in ("suggest", "sign-in", "desk/", "reports/", "editing/", "admin/", "account"):
            lines.append(f"Disallow: /{language.code}/{part}")
    lines += ["Disallow: /api/", "", f"Sitemap: {absolute('/sitemap.xml')}", ""]
    return public(Response("\n".join(lines), mimetype="text/plain"), ONE_DAY)


@bp.get("/sitemap.xml")
def site_map() -> Response:
    """Every public page for search engines."""
    body = sitemap.document(absolute(""), [language.code for language in i18n.offered()])
    return public(Response(body, mimetype="application/xml"), 3600)


@bp.get("/.well-known/security.txt")
def security_txt() -> Response:
    """Whom to tell about a hole in the site (RFC 9116)."""
    contact = current_app.config["SETTINGS"].contact
    if "@" in contact and ":" not in contact:
        contact = f"mailto:{contact}"
    elif contact and not contact.startswith(("mailto:", "https:", "tel:")):
        contact = "tel:" + "".join(character for character in contact if character in "+0123456789")
    about_page = absolute(url_for("site.about", lang=i18n.default_language()))
    expires = (datetime.now(UTC) + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [
        f"Contact: {contact or about_page}",
        f"Expires: {expires}",
        f"Preferred-Languages: {', '.join(language.code for language in i18n.offered())}",
        f"Canonical: {absolute('/.well-known/security.txt')}",
        "",
    ]
    return public(Response("\n".join(lines), mimetype="text/plain"), ONE_DAY)


@bp.get("/opensearch.xml")
def opensearch() -> Response:
    """Lets a browser search here from its address bar, in the site's first language."""
    name = escape(current_app.config["SETTINGS"].site_name)
    target = escape(absolute(f"/{i18n.default_language()}/search"))
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">'
        f"<ShortName>{str(name)[:16]}</ShortName><LongName>{name}</LongName>"
        f"<Description>{name}</Description><InputEncoding>UTF-8</InputEncoding>"
        f'<Image width="192" height="192" type="image/png">{escape(absolute(asset("icon-192.png")))}</Image>'
        f'<Url type="text/html" method="get" template="{target}?q={{searchTerms}}"/>'
        "</OpenSearchDescription>\n"
    )
    return public(Response(body, mimetype="application/opensearchdescription+xml"), ONE_DAY)


@bp.get("/healthz")
def healthz() -> Response:
    """The process is alive."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
def readyz() -> Response:
    """The database answers and has the tables of this version; 503 with the reason otherwise."""
    try:
        here, wanted = health.schema_now(), health.schema_wanted()
    except SQLAlchemyError:
        return Response("The database does not answer, or has no tables.\n", 503, mimetype="text/plain")
    if here != wanted:
        return Response(
            f"The database has schema {here}, the site needs {wanted}.\n", 503, mimetype="text/plain"
        )
    return Response("ready\n", mimetype="text/plain")


def _may_read_metrics() -> bool:
    """This very machine, asking directly; or whoever has the token."""
    token = current_app.config["SETTINGS"].metrics_token
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and security.same(sent, token):
        return True
    passed_on = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"))
    return (request.remote_addr or "").startswith(("127.", "::1")) and not passed_on


@bp.get("/metrics")
def metrics() -> Response:
    """Figures for Prometheus, of all workers of this machine and of the database."""
    if not _may_read_metrics():
        raise NotFound
    totals = meters.counters_of(current_app).totals()
    found = (*meters.figures(totals), *health.figures())
    return Response(meters.exposition(found, totals), content_type="text/plain; version=0.0.4; charset=utf-8")
