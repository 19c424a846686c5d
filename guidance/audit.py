"""The audit log: one chained line for everything that must be answered for later."""

import hashlib
import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, select, text
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base, db, is_sqlite, now

_CHAIN_LOCK = 7_106_2026


class AuditEntry(Base):
    """Who did what to which thing, when; database triggers refuse changing or deleting a line."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    account: Mapped[str] = mapped_column(default="")
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(default="", index=True)
    detail: Mapped[str] = mapped_column(Text, default="{}")
    previous: Mapped[str] = mapped_column(default="")
    digest: Mapped[str]


class Line(NamedTuple):
    """One line of the log as a page shows it."""

    id: int
    at: datetime
    account: str
    action: str
    subject: str
    detail: dict[str, Any]


def _digest(previous: str, at: datetime, account: str, action: str, subject: str, detail: str) -> str:
    parts = "\x1f".join([previous, at.isoformat(timespec="microseconds"), account, action, subject, detail])
    return hashlib.sha256(parts.encode()).hexdigest()


def record(action: str, subject: str = "", account: str = "", **detail: Any) -> None:
    """Add one line inside the caller's transaction; `detail` must hold no personal data."""
    if not is_sqlite():
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    previous = db.session.scalar(select(AuditEntry.digest).order_by(AuditEntry.id.desc()).limit(1)) or ""
    at = now()
    words = json.dumps(detail, ensure_ascii=False, sort_keys=True, default=str)
    db.session.add(
        AuditEntry(
            at=at,
            account=account,
            action=action,
            subject=subject,
            detail=words,
            previous=previous,
            digest=_digest(previous, at, account, action, subject, words),
        )
    )
    db.session.flush()


def broken_links() -> list[int]:
    """Ids of the lines that do not continue the chain; empty when the log is whole."""
    broken: list[int] = []
    previous = ""
    for entry in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).yield_per(1000):
        digest = _digest(entry.previous, entry.at, entry.account, entry.action, entry.subject, entry.detail)
        if entry.previous != previous or entry.digest != digest:
            broken.append(entry.id)
        previous = entry.digest
    return broken


def latest(limit: int = 100, before: int | None = None, action: str = "") -> list[Line]:
    """The newest lines first, older than `before` where given."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if action:
        query = query.where(AuditEntry.action == action)
    return [
        Line(entry.id, entry.at, entry.account, entry.action, entry.subject, json.loads(entry.detail))
        for entry in db.session.scalars(query)
    ]


def subjects_history(subject: str) -> list[Line]:
    """Everything recorded about one thing, oldest first."""
    query = select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id)
    return [
        Line(entry.id, entry.at, entry.account, entry.action, entry.subject, json.loads(entry.detail))
        for entry in db.session.scalars(query)
    ]
