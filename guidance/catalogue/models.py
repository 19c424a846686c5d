"""Procedures: the official record (owned by imports) and the guidance beside it (owned by editors)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base

STATUSES = ("draft", "active", "superseded", "repealed")
CHANNELS = ("online", "counter", "post")
ONLINE_LEVELS = ("full", "partial", "info")
LEVELS = ("commune", "province", "ministry", "other")


class Procedure(Base):
    """What a citizen can ask for. `key` is the address: the official code, or `x-…` where none is published.

    `status` is draft or active unless somebody ended it; what it is on a day follows from `valid_from` and `valid_to`
    (both included) and the codes that take its place (standing.Standing).
    """

    __tablename__ = "procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str | None] = mapped_column(unique=True, default=None)
    status: Mapped[str] = mapped_column(default="active", index=True)
    valid_from: Mapped[date | None] = mapped_column(default=None)
    valid_to: Mapped[date | None] = mapped_column(default=None)
    superseded_by: Mapped[list[str]] = mapped_column(JSON, default=list)
    standing_source: Mapped[str] = mapped_column(Text, default="")
    standing_url: Mapped[str] = mapped_column(default="", server_default="")
    standing_checked: Mapped[str | None] = mapped_column(default=None)
    standing_edited: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]


class FormerKey(Base):
    """A code or key that people still use and that leads to a procedure of today."""

    __tablename__ = "former_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    successor_key: Mapped[str] = mapped_column(index=True)


class OfficialRecord(Base):
    """The national record of a procedure as last imported; a newer import replaces it whole."""

    __tablename__ = "official_record"

    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    folded_name: Mapped[str] = mapped_column(Text)
    sector: Mapped[str] = mapped_column(index=True)
    levels: Mapped[list[str]] = mapped_column(JSON)
    agency: Mapped[str] = mapped_column(Text)
    authority: Mapped[str] = mapped_column(Text)
    coordinating_agency: Mapped[str] = mapped_column(Text)
    receiving_address: Mapped[str] = mapped_column(Text)
    publisher: Mapped[str] = mapped_column(index=True)
    decision: Mapped[str]
    procedure_type: Mapped[str]
    sequence: Mapped[str] = mapped_column(Text)
    conditions: Mapped[str] = mapped_column(Text)
    audience: Mapped[list[str]] = mapped_column(JSON)
    results: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    forms: Mapped[list[str]] = mapped_column(JSON)
    online: Mapped[bool]
    source_url: Mapped[str] = mapped_column(Text)
    source: Mapped[str]
    quarantine: Mapped[str] = mapped_column(default="")
    digest: Mapped[str]
    imported_at: Mapped[datetime]


class RecordVersion(Base):
    """Every state a record was imported in: the original, compressed, and which fields differ from the one before."""

    __tablename__ = "record_version"
    __table_args__ = (UniqueConstraint("procedure_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    number: Mapped[int]
    imported_at: Mapped[datetime] = mapped_column(index=True)
    original: Mapped[bytes] = mapped_column(LargeBinary)
    changed_fields: Mapped[list[str]] = mapped_column(JSON)


class ChannelOption(Base):
    """One way of handing in: channel × case × time × fee. Numbers only where they are certain."""

    __tablename__ = "channel_option"

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    position: Mapped[int]
    channel: Mapped[str]
    time_value: Mapped[float | None] = mapped_column(default=None)
    time_unit: Mapped[str | None] = mapped_column(default=None)
    time_text: Mapped[str] = mapped_column(Text, default="")
    fee_amount: Mapped[int | None] = mapped_column(default=None)
    fee_currency: Mapped[str] = mapped_column(default="VND")
    fee_text: Mapped[str] = mapped_column(Text, default="")
    fee_valid_to: Mapped[date | None] = mapped_column(default=None)
    set_by_province: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(Text, default="")
    ambiguous: Mapped[bool] = mapped_column(default=False)


class OfficialDocument(Base):
    """One paper of the file, in its case; remarks entered as papers are kept as remarks."""

    __tablename__ = "official_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    position: Mapped[int]
    case_label: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    form_file: Mapped[str] = mapped_column(Text, default="")
    originals: Mapped[int | None] = mapped_column(default=None)
    copies: Mapped[int | None] = mapped_column(default=None)
    is_remark: Mapped[bool] = mapped_column(default=False)


class LegalInstrument(Base):
    """A law, decree, circular or decision, known by its number; may have been, or be going to be, replaced.

    `source` names who says that it is replaced and since when; without `verified_on` nobody has checked it.
    """

    __tablename__ = "legal_instrument"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(Text)
    superseded_by: Mapped[str | None] = mapped_column(default=None)
    superseded_on: Mapped[date | None] = mapped_column(default=None)
    source: Mapped[str] = mapped_column(Text, default="")
    source_url: Mapped[str] = mapped_column(default="")
    verified_on: Mapped[str | None] = mapped_column(default=None)


class LegalBasis(Base):
    """An instrument that a procedure's record names, in the record's order."""

    __tablename__ = "legal_basis"
    __table_args__ = (UniqueConstraint("procedure_id", "instrument_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey("legal_instrument.id"), index=True)
    position: Mapped[int]


class OnlineLevel(Base):
    """How far a procedure can be done online, said by one source for one place and day (null: the nation)."""

    __tablename__ = "online_level"
    __table_args__ = (UniqueConstraint("procedure_id", "unit_id", "as_of"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), default=None)
    level: Mapped[str]
    source: Mapped[str] = mapped_column(Text)
    as_of: Mapped[str]


class Guidance(Base):
    """The site's own facts about a procedure, the same in every language (form: shapes.GuidanceFacts)."""

    __tablename__ = "guidance"

    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), primary_key=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    owner: Mapped[str] = mapped_column(default="content")
    review_by: Mapped[date | None] = mapped_column(default=None, index=True)
    starter_digest: Mapped[str] = mapped_column(default="")
    edited: Mapped[bool] = mapped_column(default=False)
    starter_waiting: Mapped[bool] = mapped_column(default=False)


class GuidanceText(Base):
    """The site's own words about a procedure in one language (form: shapes.GuidanceWords)."""

    __tablename__ = "guidance_text"
    __table_args__ = (UniqueConstraint("procedure_id", "lang"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    lang: Mapped[str]
    name: Mapped[str]
    summary: Mapped[str] = mapped_column(Text, default="")
    words: Mapped[dict[str, Any]] = mapped_column(JSON)


class PlainName(Base):
    """How people call a procedure, by code; stands in where nobody has written guidance yet."""

    __tablename__ = "plain_name"
    __table_args__ = (UniqueConstraint("code", "lang"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(index=True)
    lang: Mapped[str]
    name: Mapped[str]


class GuideLink(Base):
    """What the catalogue knows of a guide: its titles, and the procedures it belongs to (written by the guides)."""

    __tablename__ = "guide_link"

    slug: Mapped[str] = mapped_column(primary_key=True)
    titles: Mapped[dict[str, str]] = mapped_column(JSON)
    procedures: Mapped[list[str]] = mapped_column(JSON)


class ProcedureCard(Base):
    """What lists and search need of a published procedure; derived from record and guidance (cards.refresh).

    `levels`, `audience`, `agencies` and `life_events` are words between spaces (' commune province '), so that both
    databases can look inside. `online` is full, partial, channel (an online channel exists, its level is not known) or counter.
    """

    __tablename__ = "procedure_card"

    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name_vi: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, default="")
    name_ur: Mapped[str] = mapped_column(Text, default="")
    official_name: Mapped[str] = mapped_column(Text, default="")
    folded_name: Mapped[str] = mapped_column(Text)
    summary: Mapped[dict[str, str]] = mapped_column(JSON)
    sector: Mapped[str] = mapped_column(index=True)
    agency: Mapped[str] = mapped_column(Text, default="")
    agencies: Mapped[str] = mapped_column(Text, default=" ")
    levels: Mapped[str]
    audience: Mapped[str]
    life_events: Mapped[str]
    online: Mapped[str] = mapped_column(index=True)
    has_guidance: Mapped[bool] = mapped_column(index=True)


class LifeEventName(Base):
    """A moment of life as editors of this site name it; without any row the shipped ones stand."""

    __tablename__ = "life_event"

    slug: Mapped[str] = mapped_column(primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    position: Mapped[int] = mapped_column(default=0)
    shown: Mapped[bool] = mapped_column(default=True)


class ProcedureLifeEvent(Base):
    """A procedure belongs to a moment of life."""

    __tablename__ = "procedure_life_event"
    __table_args__ = (
        UniqueConstraint("procedure_id", "life_event"),
        Index("ix_procedure_life_event_event", "life_event"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    life_event: Mapped[str]


class EditorTask(Base):
    """Something an editor has to look at: guidance and record disagree, or a review is due."""

    __tablename__ = "editor_task"
    __table_args__ = (UniqueConstraint("subject", "kind", "detail"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    detail: Mapped[str] = mapped_column(Text, default="")
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class Draft(Base):
    """What editors have written about a procedure or guide in one language and citizens do not read yet.

    One per subject ('procedure:1.001193', 'guide:vssid') and language; `body` is the form as filled in, so that
    unfinished work can be kept; `base` names the published state it was begun from; `revision` counts savings.
    """

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("subject", "lang"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    lang: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    base: Mapped[str] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="writing", index=True)
    authors: Mapped[list[str]] = mapped_column(JSON)
    remark: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class GuidanceVersion(Base):
    """Our guidance in one language as it stood after a change: who wrote it, who let it out, and the whole text."""

    __tablename__ = "guidance_version"
    __table_args__ = (UniqueConstraint("procedure_id", "lang", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"), index=True)
    lang: Mapped[str]
    number: Mapped[int]
    at: Mapped[datetime]
    authors: Mapped[list[str]] = mapped_column(JSON)
    reviewer: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(Text)


class Notice(Base):
    """A change in law, an outage, a scam warning: shown from one day to another, also where it applies.

    `key` is its address for ever; `source` names who said it where there is no address. What an editor changed
    (`edited`) is never overwritten by starter content.
    """

    __tablename__ = "notice"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    body: Mapped[dict[str, str]] = mapped_column(JSON)
    subjects: Mapped[list[str]] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(Text, default="")
    source_url: Mapped[str] = mapped_column(default="")
    shown_from: Mapped[date] = mapped_column(index=True)
    shown_to: Mapped[date | None] = mapped_column(default=None)
    published_at: Mapped[datetime]
    starter_digest: Mapped[str] = mapped_column(default="")
    edited: Mapped[bool] = mapped_column(default=False)


class Feedback(Base):
    """Yes or no to 'was this useful', with at most one scrubbed sentence; nothing about the visitor."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(index=True)
    useful: Mapped[bool]
    comment: Mapped[str] = mapped_column(Text, default="")
    lang: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
