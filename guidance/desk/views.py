"""The desk (staff) and requests for help (everybody)."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access
from guidance.desk import models  # noqa: F401 -- makes the tables known to migrations until the views use them

bp = Blueprint("desk", __name__, url_prefix="/<lang:lang>/desk")
access.only(bp, "desk", "manager")
help_bp = Blueprint("help", __name__, url_prefix="/<lang:lang>/help")
access.public(help_bp)


@bp.get("/")
def home() -> str:
    """The desk."""
    return ""
