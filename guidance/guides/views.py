"""Public pages of the guides: list, guide, leaflet, questionnaire."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access

bp = Blueprint("guides", __name__, url_prefix="/<lang:lang>")
access.public(bp)
