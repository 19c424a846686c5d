"""Public search page and suggestions."""

from __future__ import annotations

from flask import Blueprint

from guidance.accounts import access

bp = Blueprint("search", __name__, url_prefix="/<lang:lang>")
access.public(bp)
