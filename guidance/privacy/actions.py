"""What can be done with a request about one's data, one transaction each."""

import secrets
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select

from guidance import audit
from guidance.accounts.queries import Staff
from guidance.db import db, now, transaction
from guidance.desk import actions as desk
from guidance.desk.models import HelpRequest
from guidance.desk.queries import request_fingerprint
from guidance.errors import Conflict, NotFound
from guidance.privacy import queries
from guidance.privacy.models import DataRequest, Holiday


class Asked(NamedTuple):
    """What a person asks; with `help_token` about the request for help behind that link."""

    kind: str
    lang: str
    words: str
    unit_id: int | None = None
    help_token: str = ""


@transaction
def ask(asked: Asked) -> str:
    """Store a request and return the token of the link to follow it; NotFound when the help link leads nowhere."""
    about = None
    if asked.help_token:
        about = db.session.scalar(
            select(HelpRequest).where(HelpRequest.fingerprint == request_fingerprint(asked.help_token))
        )
        if about is None:
            raise NotFound
    token = secrets.token_urlsafe(18)
    row = DataRequest(
        fingerprint=queries.fingerprint(token),
        kind=asked.kind,
        lang=asked.lang,
        words=asked.words,
        help_request_id=about.id if about else None,
        unit_id=about.unit_id if about else asked.unit_id,
        asked_at=now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record("data-request.asked", f"data-request:{row.id}", kind=asked.kind)
    return token


@transaction
def take_back(token: str) -> None:
    """Delete a request with every word in it, because the person who asked wants that."""
    row = db.session.scalar(
        select(DataRequest).where(DataRequest.fingerprint == queries.fingerprint(token)).with_for_update()
    )
    if row is None:
        raise NotFound
    audit.record("data-request.taken-back", f"data-request:{row.id}")
    db.session.delete(row)


def _row(staff: Staff, request_id: int, revision: int) -> DataRequest:
    row = db.session.scalar(
        select(DataRequest).where(DataRequest.id == request_id, queries.in_scope(staff)).with_for_update()
    )
    if row is None:
        raise NotFound
    if row.revision != revision:
        raise Conflict
    return row


@transaction
def answer(staff: Staff, request_id: int, revision: int, outcome: str, words: str) -> None:
    """Answer a request; `in_hand` keeps it in the queue until it is carried out. Raises Conflict."""
    row = _row(staff, request_id, revision)
    instant = now()
    row.outcome, row.answer, row.revision = outcome, words, revision + 1
    row.answered_at, row.answered_by = row.answered_at or instant, staff.id
    row.state = "in_hand" if outcome == "in_hand" else "closed"
    row.closed_at = instant if row.state == "closed" else None
    audit.record(
        "data-request.answered", f"data-request:{row.id}", staff.name, kind=row.kind, outcome=outcome
    )


@transaction
def erase(staff: Staff, request_id: int, revision: int, only_number: bool) -> None:
    """Delete what the request is about: the whole request for help, or only the telephone number in it."""
    row = _row(staff, request_id, revision)
    if row.help_request_id is None:
        raise NotFound
    row.revision = revision + 1
    if only_number:
        desk.withdraw_consent_of(row.help_request_id, staff.name)
    else:
        desk.delete_request_of(row.help_request_id, staff.name)


@transaction
def purge(retention_days: int, by: str) -> int:
    """Delete requests about one's data that were finished so many days ago; how many there were."""
    before: datetime = now() - timedelta(days=retention_days)
    gone = db.session.execute(delete(DataRequest).where(queries.expired(before)))
    number = int(gone.rowcount)  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
    if number:
        audit.record("data-request.purge", "", by, requests=number)
    return number


@transaction
def set_day(day: date, name: str, off: bool, verified_on: str | None, by: str) -> None:
    """Say how a day is counted on this site, whatever the shipped list says."""
    db.session.merge(Holiday(day=day, name=name, off=off, verified_on=verified_on))
    audit.record("holiday.set", f"day:{day.isoformat()}", by, off=off, verified_on=verified_on)


@transaction
def forget_day(day: date, by: str) -> None:
    """Count a day as the shipped list and the weekday say."""
    gone = db.session.execute(delete(Holiday).where(Holiday.day == day))
    if gone.rowcount:  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
        audit.record("holiday.forget", f"day:{day.isoformat()}", by)
