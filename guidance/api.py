"""DOOR: JSON under /api/v1, for other systems and the offline queue."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access

bp = Blueprint("api", __name__, url_prefix="/api/v1")
access.public(bp)
