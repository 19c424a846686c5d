"""Public page of places: service centres and where I live."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access

bp = Blueprint("units", __name__, url_prefix="/<lang:lang>/places")
access.public(bp)
