"""Evenings of community teams, one transaction each: log, correct, void. Their results are cases like any other."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from guidance import audit
from guidance.accounts.queries import Staff
from guidance.db import db, now, transaction, upsert
from guidance.desk import actions, queries, topics
from guidance.desk.actions import CaseValues, UnknownTopic
from guidance.desk.models import OUTCOMES, AssistedCase, CommunitySession, SessionChange
from guidance.errors import Conflict, NotAllowed, NotFound
from guidance.i18n import VIETNAM

SHARED = ("topic", "need", "help_mode", "place", "unit_id")  # what all cases of an evening have in common


class SessionVoided(Conflict):
    """The session has been voided; nothing more changes in it."""

    message = _l("This session has been voided. Log it again if it was right after all.")


class Evening(NamedTuple):
    """An evening as the form says it: what its cases share, where, how many came, and people by result."""

    values: CaseValues
    where: str
    attended: int
    results: Mapping[str, int]

    def cases(self) -> dict[str, CaseValues]:
        """One case for every kind of result, by the result's name in the form."""
        return {
            name: self.values._replace(
                outcome=name if name in OUTCOMES else "stopped",
                reason=None if name in OUTCOMES else name,
                people=people,
            )
            for name, people in self.results.items()
        }


def _day(values: CaseValues) -> date:
    return values.occurred_at.astimezone(VIETNAM).date()


def _topic(values: CaseValues) -> str:
    known = topics.known(values.topic)
    if known is None:
        raise UnknownTopic
    return known.topic


@transaction
def log_session(staff: Staff, session_uid: str, evening: Evening) -> bool:
    """Store an evening and one case per kind of result; False when this session was stored before."""
    made = db.session.scalar(
        upsert(CommunitySession)
        .values(
            session_uid=session_uid,
            unit_id=queries.unit_to_log_for(staff, evening.values.unit_id),
            account_id=staff.id,
            day=_day(evening.values),
            where=evening.where,
            topic=_topic(evening.values),
            attended=evening.attended,
            logged_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["session_uid"])
        .returning(CommunitySession.id)
    )
    if made is None:
        return False
    for number, case in enumerate(evening.cases().values(), start=1):
        actions.log_case(staff, f"{session_uid}-{number}", case, session_id=made)
    return True


def _session(staff: Staff, session_uid: str) -> CommunitySession:
    query = select(CommunitySession).where(CommunitySession.session_uid == session_uid)
    row = db.session.scalar(query.with_for_update())
    if row is None:
        raise NotFound(_l("There is no such session."))
    if not queries.may_see(staff, row.unit_id):
        raise NotAllowed
    return row


def _cases(row: CommunitySession) -> list[AssistedCase]:
    """The cases of an evening that count, in the order they were logged."""
    query = select(AssistedCase).where(AssistedCase.session_id == row.id, AssistedCase.voided_at.is_(None))
    return list(db.session.scalars(query.order_by(AssistedCase.id)))


def _state(row: CommunitySession) -> dict[str, Any]:
    state: dict[str, Any] = {"day": row.day.isoformat(), "where": row.where, "attended": row.attended}
    state |= {"topic": row.topic, "unit_id": row.unit_id, "voided": row.voided_at is not None}
    for case in _cases(row):
        state |= {"need": case.need, "help_mode": case.help_mode, "place": case.place}
        name = f"ended_{queries.result_name(case.outcome, case.reason)}"
        state[name] = state.get(name, 0) + case.people
    return state


def _note_change(staff: Staff, row: CommunitySession, why: str, before: dict[str, Any]) -> None:
    after = _state(row)
    differing = [name for name in before | after if before.get(name) != after.get(name)]
    if not differing:
        return
    db.session.add(
        SessionChange(
            session_id=row.id,
            at=now(),
            account_id=staff.id,
            why=why,
            before={name: before.get(name) for name in differing},
            after={name: after.get(name) for name in differing},
        )
    )


@transaction
def correct_session(staff: Staff, session_uid: str, evening: Evening, why: str) -> None:
    """Make a stored evening and its cases say what the form says; old values and the reason are kept.

    A case keeps its number: its people are corrected, it is voided where nobody is left, and a new kind of
    result is a new case. Raises SessionVoided, NotAllowed or PeriodLocked, and then nothing has changed.
    """
    row = _session(staff, session_uid)
    if row.voided_at is not None:
        raise SessionVoided
    before, wanted = _state(row), evening.cases()
    if evening.values.unit_id is None:
        wanted = {name: case._replace(unit_id=row.unit_id) for name, case in wanted.items()}
    for stored in _cases(row):
        case = wanted.pop(queries.result_name(stored.outcome, stored.reason), None)
        if case is None:
            actions.void_case(staff, stored.case_uid, why)
        else:
            _correct_case(staff, stored, case, why)
    query = select(AssistedCase.id).where(AssistedCase.session_id == row.id)
    number = len(db.session.scalars(query).all())
    for offset, case in enumerate(wanted.values(), start=1):
        actions.log_case(staff, f"{session_uid}-{number + offset}", case, session_id=row.id)
    row.day, row.where, row.attended = _day(evening.values), evening.where, evening.attended
    row.topic = _topic(evening.values)
    row.unit_id = evening.values.unit_id if evening.values.unit_id is not None else row.unit_id
    db.session.flush()
    _note_change(staff, row, why, before)
    audit.record("session.correct", f"session:{session_uid}", staff.name, why=why)


def _correct_case(staff: Staff, stored: AssistedCase, case: CaseValues, why: str) -> None:
    changes = {name: getattr(case, name) for name in SHARED if getattr(case, name) != getattr(stored, name)}
    if case.people != stored.people:
        changes["people"] = case.people
    if _day(case) != stored.day:
        changes["occurred_at"] = case.occurred_at
    if changes:
        actions.correct_case(staff, stored.case_uid, changes, why)


@transaction
def void_session(staff: Staff, session_uid: str, why: str) -> None:
    """Take an evening and all its cases out of the figures, keeping them; voiding twice changes nothing."""
    row = _session(staff, session_uid)
    if row.voided_at is not None:
        return
    before = _state(row)
    for case in _cases(row):
        actions.void_case(staff, case.case_uid, why)
    row.voided_at = now()
    db.session.flush()
    _note_change(staff, row, why, before)
    audit.record("session.void", f"session:{session_uid}", staff.name, why=why)
