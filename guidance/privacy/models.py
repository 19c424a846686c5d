"""What people ask about their own data, and the days on which nobody works."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base

KINDS = ("see", "correct", "delete", "withdraw", "object")
OUTCOMES = ("done", "in_hand", "partly", "nothing", "refused")
STATES = ("open", "in_hand", "closed")


class DataRequest(Base):
    """Somebody asks to see, correct or delete what is kept about them, withdraws consent, or objects.

    The link to follow it holds a token; only its keyed fingerprint is kept. `help_request_id` is there when it was
    asked at the link of a request for help: whoever holds that link is the person it is about.
    """

    __tablename__ = "data_request"
    __table_args__ = (Index("ix_data_request_state_asked", "state", "asked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    lang: Mapped[str]
    words: Mapped[str] = mapped_column(Text, default="")
    help_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("help_request.id", ondelete="SET NULL"), index=True, default=None
    )
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    state: Mapped[str] = mapped_column(default="open")
    outcome: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"), default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    revision: Mapped[int] = mapped_column(default=1)


class Holiday(Base):
    """A day that this site counts otherwise than the shipped list: off, or worked after all (a swapped Saturday)."""

    __tablename__ = "holiday"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str]
    off: Mapped[bool] = mapped_column(default=True)
    verified_on: Mapped[str | None] = mapped_column(default=None)
