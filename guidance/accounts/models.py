"""People who work here, what they may do, and their sessions."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base

ROLES = ("desk", "manager", "editor", "admin")
CHANGES_WHAT_CITIZENS_READ = frozenset({"editor", "admin"})


class Account(Base):
    """A staff member. `unit_id` is the unit whose work the account sees; None sees the whole site.

    `sso_subject` is how the OpenID provider names the person, written here by an administrator.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(default=True)
    unit_id: Mapped[int | None] = mapped_column(default=None, index=True)
    second_step_secret: Mapped[str | None] = mapped_column(default=None)
    second_step_last: Mapped[int] = mapped_column(default=0)
    sso_subject: Mapped[str | None] = mapped_column(unique=True, index=True, default=None)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)


class AccountRole(Base):
    """One role of one account."""

    __tablename__ = "account_role"
    __table_args__ = (UniqueConstraint("account_id", "role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    role: Mapped[str]


class RecoveryCode(Base):
    """A one-time way in when the second-step device is lost; only its keyed fingerprint is stored."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    fingerprint: Mapped[str]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class StaffSession(Base):
    """A signed-in browser. The cookie holds a random token; the database only its fingerprint."""

    __tablename__ = "staff_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    device: Mapped[str] = mapped_column(default="")
    second_step_done: Mapped[bool] = mapped_column(default=False)
    by_sso: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class Attempt(Base):
    """A failed try, counted per account name and per address; both stored as keyed fingerprints only."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
