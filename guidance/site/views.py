"""DOOR: the site's own pages: home, about, privacy, health, and the files that machines ask for."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from guidance import i18n
from guidance.accounts import access
from guidance.db import db
from guidance.web import public, render

bp = Blueprint("site", __name__)
access.public(bp)


@bp.get("/")
def choose_language() -> ResponseReturnValue:
    """To the language the browser likes best."""
    response = redirect(url_for("site.home", lang=i18n.best_language(request.accept_languages)), 302)
    response.vary.add("Accept-Language")
    return response


@bp.get("/<lang:lang>/")
def home() -> ResponseReturnValue:
    """Search first, then life events, guides, notices."""
    return public(render("site/home.html"))


@bp.get("/healthz")
def healthz() -> Response:
    """The process is alive."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
def readyz() -> Response:
    """The database answers and is migrated."""
    db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return Response("ready\n", mimetype="text/plain")
