"""Since when and until when a procedure is in force, what takes its place, and the code it is given later."""

import hashlib
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from guidance import audit
from guidance.catalogue import cards
from guidance.catalogue.guidance import source_of
from guidance.catalogue.models import (
    Draft,
    EditorTask,
    FormerKey,
    Guidance,
    GuidanceText,
    GuidanceVersion,
    OfficialRecord,
    OnlineLevel,
    Procedure,
    ProcedureCard,
    ProcedureLifeEvent,
)
from guidance.db import content_changed, db, now, transaction, upsert
from guidance.errors import Conflict, NotFound

if TYPE_CHECKING:
    from guidance.catalogue.shapes import Source


class CodeTaken(Conflict):
    """Both procedures have been explained; a machine cannot say which explanation is right."""

    message = _l("A procedure with this code already has guidance of its own. Compare both and keep one.")


class RecordUnderKey(Conflict):
    """An import brought a record without a code; only an import can say that a coded one is the same."""

    message = _l(
        "This key holds an imported record without a code. Import a file in which the record has its code."
    )


class Standing(NamedTuple):
    """From and until which day (both included) a procedure is in force, the codes that follow it, and who says so."""

    valid_from: date | None = None
    valid_to: date | None = None
    superseded_by: tuple[str, ...] = ()
    source: str = ""
    source_url: str = ""
    checked: str | None = None

    @property
    def told(self) -> "Source | None":
        """Who says so, as pages show it."""
        return source_of(self.source, self.source_url, self.checked)

    @property
    def fingerprint(self) -> str:
        """Names what somebody has before them while changing it."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]

    def state(self, status: str, day: date) -> str:
        """draft, active, superseded or repealed on a day; a successor without a last day counts from now."""
        ended = self.valid_to < day if self.valid_to is not None else bool(self.superseded_by)
        if status != "active" or not ended:
            return status
        return "superseded" if self.superseded_by else "repealed"


def standing_of(procedure: Any) -> Standing:
    """What the table says of a procedure (a row or an object with its columns)."""
    return Standing(
        procedure.valid_from,
        procedure.valid_to,
        tuple(procedure.superseded_by),
        procedure.standing_source,
        procedure.standing_url,
        procedure.standing_checked,
    )


def put(procedure: Procedure, standing: Standing) -> bool:
    """Write it down inside the caller's transaction; says whether that changed anything."""
    if standing_of(procedure) == standing:
        return False
    procedure.valid_from, procedure.valid_to = standing.valid_from, standing.valid_to
    procedure.superseded_by = list(standing.superseded_by)
    procedure.standing_source, procedure.standing_url = standing.source, standing.source_url
    procedure.standing_checked = standing.checked
    procedure.changed_at = now()
    return True


def _procedure(key: str) -> Procedure:
    procedure = db.session.scalar(select(Procedure).where(Procedure.key == key))
    if procedure is None:
        raise NotFound
    return procedure


@transaction
def change_standing(key: str, standing: Standing, seen: str, by: str) -> None:
    """Say from and until when a procedure is in force and what follows it; starter content does not change it back.

    Raises Conflict when it is no longer what the editor saw (`seen`, a fingerprint).
    """
    procedure = _procedure(key)
    before = standing_of(procedure)
    if before.fingerprint != seen:
        raise Conflict
    if put(procedure, standing):
        procedure.standing_edited = True
        db.session.flush()
        audit.record("procedure.standing", f"procedure:{key}", by, before=str(before), after=str(standing))
        cards.refresh()
        content_changed()


@transaction
def give_code(key: str, code: str, by: str) -> None:
    """A code has been published for a procedure of ours without one: its old address leads to the code for ever.

    Where the official record came first, our guidance moves beside it; raises CodeTaken when that has its own.
    """
    ours = _procedure(key)
    if ours.code is not None:
        raise NotFound
    known = db.session.scalar(select(Procedure).where(Procedure.code == code))
    if known is None:
        ours.key = ours.code = code
        ours.changed_at = now()
    else:
        if db.session.get(Guidance, known.id) is not None:
            raise CodeTaken
        if db.session.get(OfficialRecord, ours.id) is not None:
            raise RecordUnderKey
        for table in (Guidance, GuidanceText, GuidanceVersion, ProcedureLifeEvent):
            moved = update(table).where(table.procedure_id == ours.id).values(procedure_id=known.id)
            db.session.execute(moved)
        known.changed_at = now()
        for derived in (ProcedureCard, OnlineLevel):
            db.session.execute(delete(derived).where(derived.procedure_id == ours.id))
        db.session.execute(delete(Procedure).where(Procedure.id == ours.id))
    for kept in (Draft, EditorTask):
        old, new = f"procedure:{key}", f"procedure:{code}"
        db.session.execute(update(kept).where(kept.subject == old).values(subject=new))
    db.session.execute(update(FormerKey).where(FormerKey.successor_key == key).values(successor_key=code))
    db.session.execute(upsert(FormerKey).values(key=key, successor_key=code).on_conflict_do_nothing())
    db.session.flush()
    audit.record("procedure.code", f"procedure:{code}", by, former=key)
    cards.refresh()
    content_changed()
