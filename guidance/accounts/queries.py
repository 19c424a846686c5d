"""Who works here and which sessions are open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, select

from guidance import security
from guidance.accounts.models import (
    CHANGES_WHAT_CITIZENS_READ,
    Account,
    AccountRole,
    Attempt,
    RecoveryCode,
    StaffSession,
)
from guidance.db import db, now

THROTTLE_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Staff:
    """The signed-in person, as views and templates need them."""

    id: int
    name: str
    display_name: str
    roles: frozenset[str]
    unit_id: int | None
    session_id: int
    fingerprint: str
    must_change_password: bool
    second_step_set_up: bool
    second_step_done: bool
    by_sso: bool
    message: str

    def has(self, *roles: str) -> bool:
        """Whether the person holds any of the roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def needs_second_step(self) -> bool:
        """Whether this account must use a second step to go on."""
        required = current_app.config["SETTINGS"].second_step == "required"
        return self.second_step_set_up or (required and not self.roles.isdisjoint(CHANGES_WHAT_CITIZENS_READ))


@dataclass(frozen=True)
class AccountRow:
    """One account in the list of accounts."""

    id: int
    name: str
    display_name: str
    roles: tuple[str, ...]
    unit_id: int | None
    second_step: bool
    sso_subject: str
    disabled: bool
    last_seen: datetime | None


@dataclass(frozen=True)
class SessionRow:
    """One open session of a person."""

    id: int
    device: str
    created_at: datetime
    seen_at: datetime
    present: bool


def fingerprint(token: str) -> str:
    """What the database keeps of a session token."""
    return security.signed("session", token)


def _alive(session: StaffSession) -> bool:
    settings = current_app.config["SETTINGS"]
    instant = now()
    return bool(
        instant - session.seen_at < timedelta(minutes=settings.session_idle_minutes)
        and instant - session.created_at < timedelta(hours=settings.session_hours)
    )


def staff_of_token(token: str) -> Staff | None:
    """The person whose session this token is, None when it is unknown, over, or the account is disabled."""
    row = db.session.execute(
        select(StaffSession, Account)
        .join(Account, Account.id == StaffSession.account_id)
        .where(StaffSession.fingerprint == fingerprint(token))
    ).one_or_none()
    if row is None:
        return None
    session, account = row
    if account.disabled_at is not None or not _alive(session):
        return None
    return Staff(
        id=account.id,
        name=account.name,
        display_name=account.display_name or account.name,
        roles=roles_of(account.id),
        unit_id=account.unit_id,
        session_id=session.id,
        fingerprint=session.fingerprint,
        must_change_password=account.must_change_password and not session.by_sso,
        second_step_set_up=account.second_step_secret is not None,
        second_step_done=session.second_step_done,
        by_sso=session.by_sso,
        message=session.message,
    )


def seen_long_ago(staff: Staff) -> bool:
    """Whether the session's last-seen time is worth a write (once a minute at most)."""
    seen = db.session.scalar(select(StaffSession.seen_at).where(StaffSession.id == staff.session_id))
    return seen is None or now() - seen > timedelta(minutes=1)


def roles_of(account_id: int) -> frozenset[str]:
    """The roles of an account."""
    return frozenset(db.session.scalars(select(AccountRole.role).where(AccountRole.account_id == account_id)))


def account_named(name: str) -> Account | None:
    """The account with this sign-in name."""
    return db.session.scalar(select(Account).where(Account.name == name.strip().lower()))


def account_of_subject(subject: str) -> Account | None:
    """The account that an administrator linked to this name at the OpenID provider."""
    return db.session.scalar(select(Account).where(Account.sso_subject == subject)) if subject else None


def all_accounts(unit_ids: Iterable[int] | None = None) -> list[AccountRow]:
    """Every account by name; only those of the given units where given."""
    seen = (
        select(func.max(StaffSession.seen_at)).where(StaffSession.account_id == Account.id).scalar_subquery()
    )
    query = select(Account, seen).order_by(Account.name)
    if unit_ids is not None:
        query = query.where(Account.unit_id.in_(list(unit_ids)))
    return [
        AccountRow(
            account.id,
            account.name,
            account.display_name,
            tuple(sorted(roles_of(account.id))),
            account.unit_id,
            account.second_step_secret is not None,
            account.sso_subject or "",
            account.disabled_at is not None,
            last_seen,
        )
        for account, last_seen in db.session.execute(query)
    ]


def display_names(account_ids: Iterable[int]) -> dict[int, str]:
    """Shown names of accounts by id."""
    query = select(Account.id, Account.display_name, Account.name).where(Account.id.in_(list(account_ids)))
    return {id_: shown or name for id_, shown, name in db.session.execute(query)}


def open_sessions(account_id: int, present_session_id: int) -> list[SessionRow]:
    """The sessions of a person that are still open, newest first."""
    query = (
        select(StaffSession)
        .where(StaffSession.account_id == account_id)
        .order_by(StaffSession.seen_at.desc())
    )
    return [
        SessionRow(row.id, row.device, row.created_at, row.seen_at, row.id == present_session_id)
        for row in db.session.scalars(query)
        if _alive(row)
    ]


def recent_failures(key: str) -> int:
    """Failed tries under a key within the throttle's window."""
    query = select(func.count()).select_from(Attempt)
    return db.session.scalar(query.where(Attempt.key == key, Attempt.at > now() - THROTTLE_WINDOW)) or 0


def recovery_codes_left(account_id: int) -> int:
    """Recovery codes that have not been used."""
    query = select(func.count()).select_from(RecoveryCode)
    return (
        db.session.scalar(query.where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None)))
        or 0
    )


def any_account() -> bool:
    """Whether anybody can sign in at all."""
    return db.session.scalar(select(Account.id).limit(1)) is not None
