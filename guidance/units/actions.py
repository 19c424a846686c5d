"""Writes of the places: service centres as editors keep them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from guidance import audit
from guidance.db import content_changed, db, transaction
from guidance.errors import Conflict, NotFound
from guidance.units.models import ServiceCentre, UnitServed


class ChangedMeanwhile(Conflict):
    """Somebody else saved this centre after the form was opened."""

    message = _l(
        "Somebody else changed this centre meanwhile. Nothing was stored yet. Look at what differs, then save again."
    )


class CentreValues(NamedTuple):
    """What the form of a service centre says; `hours` by weekday, empty where nobody told them."""

    name: str
    main: bool = True
    address: str = ""
    directions: str = ""
    telephone: str = ""
    hours: Mapping[str, list[list[str]]] = {}
    latitude: float | None = None
    longitude: float | None = None
    source: str = ""
    source_url: str = ""
    verified_on: str | None = None


def _serve(centre_id: int, unit_ids: Sequence[int]) -> None:
    db.session.execute(delete(UnitServed).where(UnitServed.centre_id == centre_id))
    for unit_id in dict.fromkeys(unit_ids):
        db.session.add(UnitServed(centre_id=centre_id, unit_id=unit_id))


@transaction
def add_centre(unit_id: int, values: CentreValues, serves: Sequence[int], by: str) -> int:
    """Add a centre or reception point to a unit; returns its id."""
    centre = ServiceCentre(unit_id=unit_id, edited=True, **values._asdict())
    db.session.add(centre)
    db.session.flush()
    _serve(centre.id, serves)
    audit.record("centre.add", f"centre:{centre.id}", by, name=values.name)
    content_changed()
    return centre.id


@transaction
def change_centre(
    centre_id: int, revision: int, values: CentreValues, serves: Sequence[int], by: str
) -> None:
    """Change a centre; the log keeps what it said before.

    `revision` is the one the editor had before them: raises ChangedMeanwhile when somebody else saved since.
    """
    centre = _mine(centre_id, revision)
    before = {name: getattr(centre, name) for name in values._asdict()}
    changed = {
        name: [before[name], value] for name, value in values._asdict().items() if before[name] != value
    }
    for name, value in values._asdict().items():
        setattr(centre, name, value)
    centre.edited = True
    _serve(centre_id, serves)
    audit.record("centre.change", f"centre:{centre_id}", by, changed=changed)
    content_changed()


@transaction
def remove_centre(centre_id: int, revision: int, by: str) -> None:
    """Take a centre off the pages; starter content does not bring it back. Raises ChangedMeanwhile as change does."""
    centre = _mine(centre_id, revision)
    centre.removed = centre.edited = True
    audit.record("centre.remove", f"centre:{centre_id}", by, name=centre.name)
    content_changed()


def _mine(centre_id: int, revision: int) -> ServiceCentre:
    """The centre, taken for one saving: of two editors who saw the same revision, one gets it."""
    here = (ServiceCentre.id == centre_id, ServiceCentre.removed.is_(False))
    taken = update(ServiceCentre).where(*here, ServiceCentre.revision == revision)
    done = db.session.execute(taken.values(revision=revision + 1))
    centre = db.session.scalar(select(ServiceCentre).where(*here).execution_options(populate_existing=True))
    if centre is None:
        raise NotFound
    if not done.rowcount:  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
        raise ChangedMeanwhile
    return centre
