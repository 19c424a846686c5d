"""Staff pages of the catalogue: the editors' home, procedures, notices, uploads."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access

bp = Blueprint("editing", __name__, url_prefix="/<lang:lang>/editing")
access.only(bp, "editor")


@bp.get("/")
def home() -> str:
    """Editors' home."""
    return ""
