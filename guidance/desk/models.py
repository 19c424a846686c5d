"""Assisted cases and every change to them, requests for help, templates, and the monthly rollup of it all."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base

NEEDS = ("submit", "account", "explain", "follow_up", "pay")
HELP_MODES = ("guided", "staff", "explained")
OUTCOMES = ("submitted", "activated", "counter", "home", "stopped", "referred")
UNRESOLVED = frozenset({"stopped", "referred"})
PLACES = ("centre", "hamlet", "home", "phone", "online")
REASONS = (
    "no_phone",
    "sim",
    "no_level_2",
    "no_code",
    "nfc",
    "face",
    "mismatch",
    "papers",
    "payment",
    "system",
    "other",
)
MINUTES = {"0-5": 3, "5-15": 10, "15-30": 23, "30+": 45}  # a band, and the minutes it stands for in sums
AGE_BANDS = ("under_18", "18-39", "40-59", "60+")
ACCESS_NEEDS = ("sight", "hearing", "movement", "reading", "language", "other")
STATES = ("open", "claimed", "closed", "withdrawn")
WHOLE_SITE = 0  # in the rollup and in closed months: no unit, or all of them
ALL_TOPICS = ""


class AssistedCase(Base):
    """Help that one person (or a group at once) got. Holds nothing that says who was helped.

    `case_uid` is made on the device: posting it twice stores it once. `day` and `month` are those of
    `occurred_at` in Vietnam. `unit_id` is None only where an account of the whole site named no unit.
    """

    __tablename__ = "assisted_case"
    __table_args__ = (
        Index("ix_assisted_case_unit_day", "unit_id", "day"),
        Index("ix_assisted_case_account_day", "account_id", "day"),
        Index("ix_assisted_case_month_unit_topic", "month", "unit_id", "topic"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_uid: Mapped[str] = mapped_column(unique=True)
    occurred_at: Mapped[datetime]
    day: Mapped[date]
    month: Mapped[date]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), default=None)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    place: Mapped[str]
    topic: Mapped[str]
    topic_version: Mapped[str] = mapped_column(default="")
    online_level: Mapped[str] = mapped_column(default="")
    need: Mapped[str]
    help_mode: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None] = mapped_column(default=None)
    people: Mapped[int] = mapped_column(default=1)
    minutes: Mapped[str | None] = mapped_column(default=None)
    first_time: Mapped[bool] = mapped_column(default=False)
    age_band: Mapped[str | None] = mapped_column(default=None)
    access_need: Mapped[str | None] = mapped_column(default=None)
    steps: Mapped[list[str]] = mapped_column(JSON, default=list)
    failed_step: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(Text, default="")
    file_reference: Mapped[str] = mapped_column(default="")
    request_id: Mapped[int | None] = mapped_column(ForeignKey("help_request.id"), unique=True, default=None)
    session_id: Mapped[int | None] = mapped_column(
        ForeignKey("community_session.id"), index=True, default=None
    )
    voided_at: Mapped[datetime | None] = mapped_column(default=None)
    logged_at: Mapped[datetime] = mapped_column(index=True)
    changed_at: Mapped[datetime]


class CaseChange(Base):
    """One correction, void or undo of a case: who, when, why, and what differs. Notes in it expire as well."""

    __tablename__ = "case_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("assisted_case.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    why: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)


class CommunitySession(Base):
    """An evening of a community team: where, about what; its results are cases that name it."""

    __tablename__ = "community_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_uid: Mapped[str] = mapped_column(unique=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    day: Mapped[date] = mapped_column(index=True)
    where: Mapped[str] = mapped_column(default="")
    topic: Mapped[str]
    attended: Mapped[int]
    logged_at: Mapped[datetime]
    voided_at: Mapped[datetime | None] = mapped_column(default=None)


class SessionChange(Base):
    """One correction or the void of an evening: who, when, why, and what differs; results count people."""

    __tablename__ = "session_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("community_session.id"), index=True)
    at: Mapped[datetime]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    why: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)


class DeskTemplate(Base):
    """A common case of one unit (None: of the whole site): one key fills the form with its values."""

    __tablename__ = "desk_template"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    key: Mapped[str]
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    position: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]


class DeskSetting(Base):
    """What a unit has switched on for its desk."""

    __tablename__ = "desk_setting"

    unit_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    file_references: Mapped[bool] = mapped_column(default=False)


class HelpRequest(Base):
    """A citizen asks for help. The link to follow it holds a token; only its keyed fingerprint is kept.

    The telephone number exists only with consent, encrypted, and is deleted at `phone_until` at the latest.
    """

    __tablename__ = "help_request"
    __table_args__ = (Index("ix_help_request_state_asked", "state", "asked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    lang: Mapped[str]
    topic: Mapped[str]
    question: Mapped[str] = mapped_column(Text, default="")
    best_time: Mapped[str] = mapped_column(default="")
    phone: Mapped[str | None] = mapped_column(Text, default=None)
    phone_until: Mapped[datetime | None] = mapped_column(index=True, default=None)
    consent: Mapped[str] = mapped_column(Text, default="")
    consented_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    for_child: Mapped[bool] = mapped_column(default=False)
    guardian_agreed: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default="open")
    asked_at: Mapped[datetime]
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"), default=None)
    claimed_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    answer: Mapped[str] = mapped_column(Text, default="")


class HelpAttempt(Base):
    """A request for help was sent from somewhere: a keyed fingerprint that is useless after the day."""

    __tablename__ = "help_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class CannedAnswer(Base):
    """A text to read out or send, for a topic and a reason ('' fits all), by language."""

    __tablename__ = "canned_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    key: Mapped[str] = mapped_column(default="")
    topic: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    text: Mapped[dict[str, str]] = mapped_column(JSON)
    hidden: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]


class ClosedMonth(Base):
    """A month that has been reported for a unit and all below it; only a manager still changes its cases."""

    __tablename__ = "closed_month"
    __table_args__ = (UniqueConstraint("unit_id", "month"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int]
    month: Mapped[date]
    closed_by: Mapped[int] = mapped_column(ForeignKey("account.id"))
    closed_at: Mapped[datetime]


class MonthlyCount(Base):
    """Cases and people of one unit, month and topic; `topic` '' sums all topics, `unit_id` 0 has no unit.

    Every number but `cases`, `timed` and `minutes_sum` counts people. `guided_done` are people who did it
    themselves with guidance and got it done online (submitted or activated): the self-service of this site.
    `minutes_sum` adds, once per case, the minutes its band stands for (models.MINUTES); `timed` cases had one.
    Voided cases are not in it. desk/rollup.py keeps it and can rebuild it from the cases.
    """

    __tablename__ = "monthly_count"
    __table_args__ = (
        UniqueConstraint("month", "unit_id", "topic"),
        Index("ix_monthly_count_topic_month", "topic", "month"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[date]
    unit_id: Mapped[int]
    topic: Mapped[str]
    cases: Mapped[int]
    people: Mapped[int]
    guided: Mapped[int]
    staff: Mapped[int]
    explained: Mapped[int]
    guided_done: Mapped[int]
    submitted: Mapped[int]
    activated: Mapped[int]
    counter: Mapped[int]
    home: Mapped[int]
    stopped: Mapped[int]
    referred: Mapped[int]
    first_time: Mapped[int]
    timed: Mapped[int]
    minutes_sum: Mapped[int]


class MonthlyReason(Base):
    """People of one unit, month and topic who stopped or were referred, by reason, place and failed step."""

    __tablename__ = "monthly_reason"
    __table_args__ = (
        UniqueConstraint("month", "unit_id", "topic", "reason", "place", "failed_step"),
        Index("ix_monthly_reason_topic_month", "topic", "month"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[date]
    unit_id: Mapped[int]
    topic: Mapped[str]
    reason: Mapped[str]
    place: Mapped[str]
    failed_step: Mapped[str]
    people: Mapped[int]
