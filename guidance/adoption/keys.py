"""Keys of other systems, as the page of the administrators lists them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from guidance.adoption.models import ApiKey
from guidance.db import db
from guidance.units import queries as units


class KeyRow(NamedTuple):
    """One key: what it begins with, whose figures it opens, when it was last used."""

    id: int
    name: str
    begins: str
    unit_name: str
    created_at: datetime
    created_by: str
    used_at: datetime | None
    revoked_at: datetime | None


def all_keys(unit_ids: set[int] | None = None) -> list[KeyRow]:
    """Every key, newest first; those of the given units only where given."""
    found = db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc()))
    rows = [row for row in found if unit_ids is None or row.unit_id in unit_ids]
    places = units.by_ids({row.unit_id for row in rows if row.unit_id})
    return [
        KeyRow(
            row.id,
            row.name,
            row.begins,
            places[row.unit_id].name if row.unit_id in places else "",
            row.created_at,
            row.created_by,
            row.used_at,
            row.revoked_at,
        )
        for row in rows
    ]
