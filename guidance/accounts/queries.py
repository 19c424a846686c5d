"""Who works here and which sessions are open."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import current_app
from sqlalchemy import bindparam, func, select

from guidance import security
from guidance.accounts.models import (
    CHANGES_WHAT_CITIZENS_READ,
    Account,
    AccountRole,
    Attempt,
    RecoveryCode,
    StaffSession,
)
from guidance.db import db, now, rows_of

THROTTLE_WINDOW = timedelta(minutes=15)


class Staff(NamedTuple):
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
    seen_at: datetime

    def has(self, *roles: str) -> bool:
        """Whether the person holds any of the roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def needs_second_step(self) -> bool:
        """Whether this account must use a second step to go on."""
        required = current_app.config["SETTINGS"].second_step == "required"
        return self.second_step_set_up or (required and not self.roles.isdisjoint(CHANGES_WHAT_CITIZENS_READ))


class AccountRow(NamedTuple):
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


class SessionRow(NamedTuple):
    """One open session of a person."""

    id: int
    device: str
    created_at: datetime
    seen_at: datetime
    present: bool


def fingerprint(token: str) -> str:
    """What the database keeps of a session token."""
    return security.signed("session", token)


def _alive(seen_at: datetime, created_at: datetime) -> bool:
    settings = current_app.config["SETTINGS"]
    instant = now()
    return bool(
        instant - seen_at < timedelta(minutes=settings.session_idle_minutes)
        and instant - created_at < timedelta(hours=settings.session_hours)
    )


# Every request of staff asks this; a row for each role, one without where there is none.
_OF_TOKEN = (
    select(
        StaffSession.id.label("session_id"),
        StaffSession.second_step_done,
        StaffSession.by_sso,
        StaffSession.created_at,
        StaffSession.seen_at,
        Account.id,
        Account.name,
        Account.display_name,
        Account.unit_id,
        Account.must_change_password,
        Account.second_step_secret.is_not(None).label("second_step_set_up"),
        AccountRole.role,
    )
    .join(Account, Account.id == StaffSession.account_id)
    .outerjoin(AccountRole, AccountRole.account_id == Account.id)
    .where(StaffSession.fingerprint == bindparam("fingerprint"), Account.disabled_at.is_(None))
)


def staff_of_token(token: str) -> Staff | None:
    """The person whose session this token is, None when it is unknown, over, or the account is disabled."""
    known_as = fingerprint(token)
    rows = rows_of(_OF_TOKEN, fingerprint=known_as)
    if not rows or not _alive(rows[0].seen_at, rows[0].created_at):
        return None
    row = rows[0]
    return Staff(
        id=row.id,
        name=row.name,
        display_name=row.display_name or row.name,
        roles=frozenset(one.role for one in rows if one.role is not None),
        unit_id=row.unit_id,
        session_id=row.session_id,
        fingerprint=known_as,
        must_change_password=row.must_change_password and not row.by_sso,
        second_step_set_up=row.second_step_set_up,
        second_step_done=row.second_step_done,
        by_sso=row.by_sso,
        seen_at=row.seen_at,
    )


def seen_long_ago(staff: Staff) -> bool:
    """Whether the session's last-seen time is worth a write (once a minute at most)."""
    return now() - staff.seen_at > timedelta(minutes=1)


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


_NAMES = select(Account.id, Account.display_name, Account.name).where(
    Account.id.in_(bindparam("ids", expanding=True))
)


def display_names(account_ids: Iterable[int]) -> dict[int, str]:
    """Shown names of accounts by id."""
    return {row.id: row.display_name or row.name for row in rows_of(_NAMES, ids=list(account_ids))}


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
        if _alive(row.seen_at, row.created_at)
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
