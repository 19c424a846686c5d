"""Public pages of the catalogue: browse and read procedures, notices, feedback."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access

bp = Blueprint("catalogue", __name__, url_prefix="/<lang:lang>")
access.public(bp)
