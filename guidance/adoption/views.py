"""Reports for managers and the public figures."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access

bp = Blueprint("reports", __name__, url_prefix="/<lang:lang>/reports")
access.only(bp, "manager")
public_bp = Blueprint("adoption", __name__, url_prefix="/<lang:lang>/adoption")
access.public(public_bp)


@bp.get("/")
def dashboard() -> str:
    """The dashboard."""
    return ""
