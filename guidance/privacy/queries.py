"""Requests about one's data: the queue by the day they are due, one of them, and what the person sees at their link."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, true

from guidance import security
from guidance.accounts import queries as accounts
from guidance.accounts.queries import Staff
from guidance.db import db
from guidance.desk.models import HelpRequest
from guidance.i18n import VIETNAM
from guidance.privacy import calendar
from guidance.privacy.models import DataRequest
from guidance.units import queries as units


class Row(NamedTuple):
    """A request about one's data as staff see it. `due` is the day for the answer, later for carrying it out."""

    id: int
    kind: str
    lang: str
    words: str
    unit_name: str
    help_request_id: int | None
    state: str
    outcome: str
    answer: str
    asked_at: datetime
    answered_at: datetime | None
    answered_by: str
    due: date
    revision: int

    def urgency(self, today: date) -> str:
        """late, today, or empty."""
        if self.state == "closed":
            return ""
        return "late" if self.due < today else "today" if self.due == today else ""


class Kept(NamedTuple):
    """What is stored with a request for help, for the answer to somebody who asks to see it."""

    asked_at: datetime
    question: str
    best_time: str
    keeps_phone: bool
    consent: str
    consented_at: datetime | None
    withdrawn_at: datetime | None
    answer: str


def fingerprint(token: str) -> str:
    """What the database keeps of the token in a person's link."""
    return security.signed("data-request", token)


def in_scope(staff: Staff) -> Any:
    """Administrators see every request, managers those of their unit and all below it."""
    if staff.has("admin") or staff.unit_id is None:
        return true()
    return DataRequest.unit_id.in_(units.ids_below(staff.unit_id))


def _day(instant: datetime) -> date:
    return instant.astimezone(VIETNAM).date()


def _due(row: DataRequest, special: dict[date, calendar.SpecialDay]) -> date:
    terms = calendar.terms()
    if row.state == "open":
        return calendar.working_days_after(_day(row.asked_at), terms.answer_working_days, special)
    return _day(row.asked_at) + timedelta(days=terms.carry_out_days[row.kind])


def _rows(rows: list[DataRequest]) -> list[Row]:
    special = calendar.special_days()
    places = units.by_ids({row.unit_id for row in rows if row.unit_id is not None})
    people = accounts.display_names({row.answered_by for row in rows if row.answered_by is not None})
    return [
        Row(
            row.id,
            row.kind,
            row.lang,
            row.words,
            places[row.unit_id].name if row.unit_id in places else "",
            row.help_request_id,
            row.state,
            row.outcome,
            row.answer,
            row.asked_at,
            row.answered_at,
            people.get(row.answered_by or 0, ""),
            _due(row, special),
            row.revision,
        )
        for row in rows
    ]


def waiting(staff: Staff) -> list[Row]:
    """What is not finished yet, the next due first."""
    query = select(DataRequest).where(DataRequest.state != "closed", in_scope(staff))
    return sorted(_rows(list(db.session.scalars(query))), key=lambda row: (row.due, row.asked_at))


def finished(staff: Staff, limit: int = 50) -> list[Row]:
    """What was finished lately and is not deleted yet, the newest first."""
    query = select(DataRequest).where(DataRequest.state == "closed", in_scope(staff))
    return _rows(list(db.session.scalars(query.order_by(DataRequest.closed_at.desc()).limit(limit))))


def one(staff: Staff, request_id: int) -> Row | None:
    """One request in the person's scope."""
    query = select(DataRequest).where(DataRequest.id == request_id, in_scope(staff))
    return next(iter(_rows(list(db.session.scalars(query)))), None)


def own(token: str) -> Row | None:
    """The request that a person's link leads to."""
    query = select(DataRequest).where(DataRequest.fingerprint == fingerprint(token))
    return next(iter(_rows(list(db.session.scalars(query)))), None)


def kept_with(help_request_id: int | None) -> Kept | None:
    """What a request for help holds; never the number itself, only whether there is one."""
    row = db.session.get(HelpRequest, help_request_id) if help_request_id is not None else None
    if row is None:
        return None
    return Kept(
        row.asked_at,
        row.question,
        row.best_time,
        row.phone is not None,
        row.consent,
        row.consented_at,
        row.withdrawn_at,
        row.answer,
    )


def late(today: date) -> tuple[int, int]:
    """How many requests wait on the whole site, and how many of them are past their day."""
    rows = _rows(list(db.session.scalars(select(DataRequest).where(DataRequest.state != "closed"))))
    return len(rows), sum(row.urgency(today) == "late" for row in rows)


def expired(before: datetime) -> Any:
    """Which requests are past their retention: finished, or left open, for that long."""
    return or_(
        DataRequest.closed_at < before,
        func.coalesce(DataRequest.closed_at, DataRequest.asked_at) < before - timedelta(days=365),
    )
