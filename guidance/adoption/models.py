"""Official figures with their sources, targets, denominators, tasks, checklists, imports, and keys for machines."""

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base

SETS = (
    "assisted",
    "one-stop",
    "portal-month",
    "identity",
    "internal",
    "economy",
    "quality",
    "tasks",
    "commune-model",
)
QUALIFIERS = ("=", ">", "≥", "≈")
TASK_STATES = ("open", "on_schedule", "late", "done", "stopped")


class Office(Base):
    """A body that figures belong to: a department, or the committee of a commune, which then names its unit.

    `within_id` is the province whose total it is part of. `code` is the publisher's, such as H44.100.
    """

    __tablename__ = "office"
    __table_args__ = (UniqueConstraint("code", "within_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    within_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)


class FigureImport(Base):
    """One file of official counts that was taken in; undoing it brings back what it replaced."""

    __tablename__ = "figure_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator_set: Mapped[str]
    file_name: Mapped[str]
    digest: Mapped[str]
    lines: Mapped[int]
    stored: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), default=None)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
    undone_by: Mapped[str] = mapped_column(default="")


class ColumnMapping(Base):
    """What the headings of a file meant the last time a file with the same headings came in."""

    __tablename__ = "column_mapping"
    __table_args__ = (UniqueConstraint("indicator_set", "headings"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator_set: Mapped[str]
    headings: Mapped[str]
    mapping: Mapped[dict[str, str]] = mapped_column(JSON)


class IndicatorValue(Base):
    """One figure as a source gives it, for a unit of that time or an office, between two days, both included.

    `qualifier` belongs to the numerator ('>' for "more than"). A percentage is derived where numerator and
    denominator are known; `reported_share` is one that the source printed alone, between 0 and 1, with its own
    qualifier: it is shown as reported and never summed, averaged or ranked. `part` splits a figure (a sector of
    form 06), '' is the whole. `ended_by` names the import that replaced the value; None while it is in force.
    `unit_id` is the unit a figure is about; of an office that is a commune's committee, that commune.
    """

    __tablename__ = "indicator_value"
    __table_args__ = (
        Index("ix_indicator_value_place", "unit_id", "indicator", "period_end"),
        Index("ix_indicator_value_indicator", "indicator", "period_end"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), default=None)
    office_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"), index=True, default=None)
    part: Mapped[str] = mapped_column(default="")
    period_start: Mapped[date]
    period_end: Mapped[date]
    numerator: Mapped[float | None] = mapped_column(default=None)
    denominator: Mapped[float | None] = mapped_column(default=None)
    qualifier: Mapped[str] = mapped_column(default="=")
    reported_share: Mapped[float | None] = mapped_column(default=None)
    share_qualifier: Mapped[str] = mapped_column(default="=")
    form_code: Mapped[str] = mapped_column(default="")
    source_document: Mapped[str] = mapped_column(Text)
    source_url: Mapped[str] = mapped_column(Text, default="")
    retrieved_on: Mapped[date | None] = mapped_column(default=None)
    note: Mapped[str] = mapped_column(Text, default="")
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]
    import_id: Mapped[int] = mapped_column(ForeignKey("figure_import.id"), index=True)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("figure_import.id"), index=True, default=None)


class Target(Base):
    """What a unit (None: the whole site) is to reach in a period: a number, or a share between 0 and 1."""

    __tablename__ = "target"
    __table_args__ = (Index("ix_target_indicator_period", "indicator", "period_end", "unit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    period_start: Mapped[date]
    period_end: Mapped[date]
    number: Mapped[float | None] = mapped_column(default=None)
    share: Mapped[float | None] = mapped_column(default=None)
    source: Mapped[str] = mapped_column(Text, default="")
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]


class Denominator(Base):
    """How many there are in all (residents, insured people …), as a manager states it, with the source."""

    __tablename__ = "denominator"
    __table_args__ = (Index("ix_denominator_indicator", "indicator", "unit_id", "period_end"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    period_start: Mapped[date]
    period_end: Mapped[date]
    number: Mapped[float]
    source: Mapped[str] = mapped_column(Text)
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]


class ProgrammeTask(Base):
    """One task of a programme: who owns it, when it is due, how it stands."""

    __tablename__ = "programme_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    key: Mapped[str] = mapped_column(index=True)
    grouping: Mapped[str]
    name: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(default="")
    due: Mapped[date | None] = mapped_column(default=None)
    state: Mapped[str]
    as_of: Mapped[date]
    source_document: Mapped[str] = mapped_column(Text)
    import_id: Mapped[int] = mapped_column(ForeignKey("figure_import.id"), index=True)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("figure_import.id"), index=True, default=None)


class ChecklistMark(Base):
    """One item of the commune model: whether a commune has it, since when, and what shows it."""

    __tablename__ = "checklist_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    item: Mapped[str]
    done: Mapped[bool]
    marked_on: Mapped[date]
    evidence: Mapped[str] = mapped_column(Text, default="")
    source_document: Mapped[str] = mapped_column(Text)
    import_id: Mapped[int] = mapped_column(ForeignKey("figure_import.id"), index=True)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("figure_import.id"), index=True, default=None)


class ApiKey(Base):
    """A key for another system to read full figures of one unit and all below it (None: the whole site).

    Only a keyed fingerprint is stored. `minute` and `calls` count the calls of one minute, in the database,
    because several workers answer.
    """

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    begins: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True, default=None)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    minute: Mapped[int] = mapped_column(default=0)
    calls: Mapped[int] = mapped_column(default=0)
