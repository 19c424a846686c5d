"""What can be done to accounts and sessions, one transaction each."""

import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pyotp
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, update

from guidance import audit, security
from guidance.accounts import queries
from guidance.accounts.models import ROLES, Account, AccountRole, Attempt, RecoveryCode, StaffSession
from guidance.db import db, now, transaction
from guidance.errors import Conflict, NotFound, TooManyAttempts, UserError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TRIES_PER_NAME = 10
TRIES_PER_ADDRESS = 60
SHORTEST_PASSWORD = 10
_SECRET = re.compile(r"[A-Z2-7]{32}")


class WrongPassword(UserError):
    """Name and password do not belong together; the same for a name that does not exist."""

    status = 422
    message = _l("That name and password do not belong together. Check both and try again.")


class WrongCode(UserError):
    """The second-step code is not the present one."""

    status = 422
    message = _l("That code is not right. Wait for the next one and try again.")


class NameTaken(Conflict):
    """Another account has this sign-in name."""

    message = _l("There is already an account with this name.")


class NotLinked(UserError):
    """The provider knows the person, this site does not (or no longer); the same for a disabled account."""

    status = 403
    message = _l("No account of this site belongs to your name at the sign-in service.")

    def __init__(self, subject: str) -> None:
        super().__init__()
        self.subject = subject


class SubjectTaken(Conflict):
    """Another account is linked to this name at the OpenID provider."""

    message = _l("Another account has this name at the sign-in service.")


class WeakPassword(UserError):
    """The new password is too short or is the name itself."""

    status = 422
    message = _l("Choose a password of at least 10 characters that is not your name.")


class LastAdministrator(UserError):
    """Nobody could administer the site any more."""

    status = 409
    message = _l("This is the last administrator. Make somebody else administrator first.")


class NewAccount(NamedTuple):
    """A fresh account and the password to hand over, shown once."""

    id: int
    name: str
    one_time_password: str | None


def _check_strength(name: str, password: str) -> None:
    if len(password) < SHORTEST_PASSWORD or password.strip().lower() == name:
        raise WeakPassword


def _one_time_password() -> str:
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


@transaction
def create_account(
    name: str,
    roles: Iterable[str],
    unit_id: int | None = None,
    password: str | None = None,
    display_name: str = "",
    by: str = "",
) -> NewAccount:
    """Make an account; without a password it gets a one-time one that the first sign-in must change."""
    name = name.strip().lower()
    chosen = sorted(set(roles))
    if not name or not chosen or any(role not in ROLES for role in chosen):
        raise UserError(_l("An account needs a name and at least one role."))
    if queries.account_named(name) is not None:
        raise NameTaken
    if password is not None:
        _check_strength(name, password)
    once = None if password is not None else _one_time_password()
    account = Account(
        name=name,
        display_name=display_name.strip(),
        password_hash=_hasher().hash(password or once or ""),
        must_change_password=password is None,
        unit_id=unit_id,
        created_at=now(),
    )
    db.session.add(account)
    db.session.flush()
    db.session.add_all([AccountRole(account_id=account.id, role=role) for role in chosen])
    audit.record("account.create", f"account:{name}", by, roles=chosen, unit_id=unit_id)
    return NewAccount(account.id, name, once)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # once somebody signs in

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _nobody() -> str:
    """A hash that no account has, so that an unknown name takes as long as a known one."""
    return _hasher().hash("nobody has this password")


def _matches(stored: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    try:
        return _hasher().verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def sign_in(name: str, password: str, address: str, device: str) -> str:
    """Open a session and return its token.

    Raises WrongPassword (same sentence and same work for unknown names) or TooManyAttempts.
    """
    name = name.strip().lower()[:200]
    keys = [security.signed("attempt", f"name:{name}"), security.signed("attempt", f"address:{address}")]
    for key, limit in zip(keys, (TRIES_PER_NAME, TRIES_PER_ADDRESS), strict=True):
        if queries.recent_failures(key) >= limit:
            raise TooManyAttempts
    account = queries.account_named(name)
    right = _matches(account.password_hash if account else _nobody(), password[:1000])
    if account is None or not right or account.disabled_at is not None:
        _note_failure(keys, name if account else "")
        raise WrongPassword
    return _open_session(account.id, name, keys[0], device)


def sign_in_by_provider(subject: str, second_step_done: bool, device: str) -> str:
    """Open a session for somebody the OpenID provider has named, and return its token.

    No account is ever made here: raises NotLinked unless an administrator linked the name to an enabled account.
    """
    account = queries.account_of_subject(subject)
    if account is None or account.disabled_at is not None:
        _note_failure([], account.name if account else "", via="sso")
        raise NotLinked(subject)
    return _open_session(account.id, account.name, "", device, by_sso=True, second_step_done=second_step_done)


@transaction
def _note_failure(keys: list[str], known_name: str, **detail: str) -> None:
    db.session.execute(delete(Attempt).where(Attempt.at < now() - queries.THROTTLE_WINDOW))
    db.session.add_all([Attempt(key=key, at=now()) for key in keys])
    audit.record("sign-in.failed", f"account:{known_name}" if known_name else "", **detail)


@transaction
def count_try(purpose: str, address: str, limit: int) -> None:
    """Count something an anonymous visitor does; raises TooManyAttempts over the limit per quarter of an hour.

    Only a keyed fingerprint of the address is kept, and only for that long.
    """
    key = security.signed("attempt", f"{purpose}:{address}")
    if queries.recent_failures(key) >= limit:
        raise TooManyAttempts
    db.session.execute(delete(Attempt).where(Attempt.at < now() - queries.THROTTLE_WINDOW))
    db.session.add(Attempt(key=key, at=now()))


@transaction
def _open_session(
    account_id: int,
    name: str,
    key: str,
    device: str,
    *,
    by_sso: bool = False,
    second_step_done: bool = False,
) -> str:
    token = secrets.token_urlsafe(32)
    db.session.execute(delete(Attempt).where(Attempt.key == key))
    db.session.execute(delete(StaffSession).where(StaffSession.seen_at < now() - timedelta(days=7)))
    db.session.add(
        StaffSession(
            fingerprint=queries.fingerprint(token),
            account_id=account_id,
            device=device[:80],
            by_sso=by_sso,
            second_step_done=second_step_done,
            created_at=now(),
            seen_at=now(),
        )
    )
    audit.record("sign-in", f"account:{name}", name, **({"via": "sso"} if by_sso else {}))
    return token


@transaction
def touch_session(session_id: int) -> None:
    """Note that the session is in use."""
    db.session.execute(update(StaffSession).where(StaffSession.id == session_id).values(seen_at=now()))


@transaction
def sign_out(session_id: int, name: str) -> None:
    """End one session; its cookie is worthless from now on."""
    db.session.execute(delete(StaffSession).where(StaffSession.id == session_id))
    audit.record("sign-out", f"account:{name}", name)


@transaction
def end_session(account_id: int, session_id: int, name: str) -> None:
    """End one of a person's own sessions."""
    db.session.execute(
        delete(StaffSession).where(StaffSession.id == session_id, StaffSession.account_id == account_id)
    )
    audit.record("session.end", f"account:{name}", name)


@transaction
def end_all_sessions(account_id: int, name: str, keep: int | None = None) -> None:
    """Sign a person out everywhere, except in the session to keep."""
    query = delete(StaffSession).where(StaffSession.account_id == account_id)
    db.session.execute(query.where(StaffSession.id != keep) if keep is not None else query)
    audit.record("session.end-all", f"account:{name}", name)


@transaction
def change_password(account_id: int, old: str, new: str, keep_session: int | None) -> None:
    """Set a new password and end every other session."""
    account = _account(account_id)
    if not _matches(account.password_hash, old[:1000]):
        raise WrongPassword
    _check_strength(account.name, new)
    if _matches(account.password_hash, new[:1000]):
        raise WeakPassword(_l("Choose a password that is different from the old one."))
    account.password_hash = _hasher().hash(new[:1000])
    account.must_change_password = False
    audit.record("password.change", f"account:{account.name}", account.name)
    end_all_sessions(account_id, account.name, keep=keep_session)


@transaction
def reset_password(account_id: int, by: str) -> str:
    """Give an account a one-time password, forget its second step, end its sessions; returns the password."""
    account = _account(account_id)
    once = _one_time_password()
    account.password_hash = _hasher().hash(once)
    account.must_change_password = True
    account.second_step_secret = None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    audit.record("password.reset", f"account:{account.name}", by)
    end_all_sessions(account_id, account.name)
    return once


@transaction
def begin_second_step(account_id: int, shown: str = "") -> str:
    """A secret for an authenticator app, the one shown before where it is one; it counts only once confirmed."""
    _account(account_id)
    return shown if _SECRET.fullmatch(shown) else pyotp.random_base32()


@transaction
def confirm_second_step(account_id: int, session_id: int, secret: str, code: str) -> list[str]:
    """Turn the second step on when the code fits the secret; returns ten recovery codes, shown once."""
    account = _account(account_id)
    if not _SECRET.fullmatch(secret) or not pyotp.TOTP(secret).verify(code.strip(), valid_window=1):
        raise WrongCode
    account.second_step_secret = security.encrypt(secret)
    account.second_step_last = pyotp.TOTP(secret).timecode(now())
    codes = [_one_time_password()[:9] for _ in range(10)]
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    db.session.add_all(
        [RecoveryCode(account_id=account_id, fingerprint=security.signed("recovery", code)) for code in codes]
    )
    _second_step_done(session_id)
    audit.record("second-step.on", f"account:{account.name}", account.name)
    return codes


def pass_second_step(account_id: int, session_id: int, code: str) -> None:
    """Let a session through with the app's present code or an unused recovery code; each works once."""
    account = db.session.get(Account, account_id)
    key = security.signed("attempt", f"second-step:{account_id}")
    if account is None or queries.recent_failures(key) >= TRIES_PER_NAME:
        raise TooManyAttempts
    try:
        _use_code(account_id, session_id, code.strip().lower())
    except WrongCode:
        _note_failure([key], account.name)
        raise


@transaction
def _use_code(account_id: int, session_id: int, code: str) -> None:
    account = _account(account_id)
    totp = pyotp.TOTP(security.decrypt(account.second_step_secret or ""))
    step = totp.timecode(now())
    fitting = [
        candidate
        for candidate in (step - 1, step, step + 1)
        if candidate > account.second_step_last and security.same(totp.generate_otp(candidate), code)
    ]
    # One statement decides, so that two requests at the same moment cannot both use a code.
    taken = fitting and db.session.execute(
        update(Account)
        .where(Account.id == account_id, Account.second_step_last < fitting[0])
        .values(second_step_last=fitting[0])
    )
    if not taken or taken.rowcount != 1:  # type: ignore[attr-defined]  # a CursorResult
        used = db.session.execute(
            update(RecoveryCode)
            .where(
                RecoveryCode.account_id == account_id,
                RecoveryCode.fingerprint == security.signed("recovery", code),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=now())
        )
        if used.rowcount != 1:  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
            raise WrongCode
        audit.record("second-step.recovery", f"account:{account.name}", account.name)
    _second_step_done(session_id)


def _second_step_done(session_id: int) -> None:
    db.session.execute(
        update(StaffSession).where(StaffSession.id == session_id).values(second_step_done=True)
    )


@transaction
def link_account(account_id: int, subject: str, by: str) -> None:
    """Say how the OpenID provider names a person; empty takes the link away. Raises SubjectTaken."""
    account, subject = _account(account_id), subject.strip()
    if (account.sso_subject or "") == subject:
        return
    other = queries.account_of_subject(subject)
    if other is not None:
        raise SubjectTaken
    account.sso_subject = subject or None
    audit.record("account.link" if subject else "account.unlink", f"account:{account.name}", by)
    end_all_sessions(account_id, account.name)


@transaction
def change_account(
    account_id: int, roles: Iterable[str], unit_id: int | None, display_name: str, disabled: bool, by: str
) -> None:
    """Set an account's roles, unit and state; a disabled account keeps its history and loses its sessions."""
    account = _account(account_id)
    chosen = sorted(set(roles))
    if not chosen or any(role not in ROLES for role in chosen):
        raise UserError(_l("An account needs a name and at least one role."))
    if ("admin" not in chosen or disabled) and _only_admin(account_id):
        raise LastAdministrator
    db.session.execute(delete(AccountRole).where(AccountRole.account_id == account_id))
    db.session.add_all([AccountRole(account_id=account_id, role=role) for role in chosen])
    account.unit_id = unit_id
    account.display_name = display_name.strip()
    if disabled != (account.disabled_at is not None):
        account.disabled_at = now() if disabled else None
    audit.record(
        "account.change", f"account:{account.name}", by, roles=chosen, unit_id=unit_id, disabled=disabled
    )
    end_all_sessions(account_id, account.name)


def _only_admin(account_id: int) -> bool:
    admins = [row.id for row in queries.all_accounts() if "admin" in row.roles and not row.disabled]
    return admins == [account_id]


def _account(account_id: int) -> Account:
    account = db.session.get(Account, account_id)
    if account is None:
        raise NotFound
    return account
