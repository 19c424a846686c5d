"""Service centres that come with the site; what people changed here is never overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator
from sqlalchemy import select

from guidance import content_files
from guidance.db import content_changed, db, transaction
from guidance.units import queries
from guidance.units.actions import CentreValues
from guidance.units.models import WEEKDAYS, ServiceCentre


class StarterCentre(BaseModel):
    """One centre of content/centres.yaml; `unit` is a code of today."""

    model_config = ConfigDict(defer_build=True, extra="forbid")
    unit: str
    key: str = ""
    name: str
    main: bool = True
    address: str = ""
    directions: str = ""
    telephone: str = ""
    hours: dict[str, list[list[str]]] = {}
    latitude: float | None = None
    longitude: float | None = None
    source: str
    source_url: str = ""
    verified_on: str | None = None

    @field_validator("hours")
    @classmethod
    def _weekdays(cls, value: dict[str, list[list[str]]]) -> dict[str, list[list[str]]]:
        if unknown := set(value) - set(WEEKDAYS):
            raise ValueError(f"names {', '.join(sorted(unknown))}, which is no weekday")
        return value

    def values(self) -> CentreValues:
        """The centre as it is stored."""
        return CentreValues(**self.model_dump(exclude={"unit", "key"}))


def read_centres(path: Path) -> list[StarterCentre]:
    """The centres of a file, the common source filled in; raises ValueError where something is wrong."""
    whole: dict[str, Any] = content_files.read(path)
    sources: dict[str, dict[str, Any]] = whole["sources"]
    centres = []
    for row in whole["centres"]:
        told = sources[row["source"]]
        more = {"source": told["title"], "source_url": told["url"] or "", "verified_on": told["verified_on"]}
        centres.append(StarterCentre.model_validate(row | more))
    return centres


@transaction
def load_centres(path: Path) -> int:
    """Store the shipped centres of units that are loaded; returns how many are new or changed."""
    known = {centre.key: centre for centre in db.session.scalars(select(ServiceCentre)) if centre.key}
    stored = 0
    for starter in read_centres(path):
        unit = queries.by_code(starter.unit)
        key = starter.key or starter.unit
        centre = known.get(key)
        if unit is None or (centre is not None and centre.edited):
            continue
        values = starter.values()._asdict()
        if centre is None:
            db.session.add(ServiceCentre(key=key, unit_id=unit.id, **values))
        elif any(getattr(centre, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(centre, name, value)
            centre.revision += 1
        else:
            continue
        stored += 1
    if stored:
        content_changed()
    return stored
