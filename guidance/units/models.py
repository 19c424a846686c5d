"""Dated administrative units, their succession, and the service centres that serve them."""

from datetime import date

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base

KINDS = ("province", "district", "commune")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BEFORE_RECORDS = date(1900, 1, 1)
REFORM_DAY = date(2025, 7, 1)


class Unit(Base):
    """A province, (until 30 June 2025) district, or commune, valid between two days, both included.

    A code alone does not name a unit: almost every commune code of today belonged to another commune before
    July 2025. `valid_from` is BEFORE_RECORDS where the records do not say when the unit began.
    """

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("code", "valid_from"),
        Index("ix_unit_folded", "folded_name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    folded_name: Mapped[str]
    kind: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), default=None, index=True)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None] = mapped_column(default=None)
    latitude: Mapped[float | None] = mapped_column(default=None)
    longitude: Mapped[float | None] = mapped_column(default=None)


class UnitSuccession(Base):
    """What became of a unit: it went whole into another, or was split among several."""

    __tablename__ = "unit_succession"
    __table_args__ = (UniqueConstraint("old_id", "new_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    old_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    new_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    relation: Mapped[str]


class ServiceCentre(Base):
    """A place where files are handed in: a unit's centre (`main`), or one of its further reception points.

    `hours` holds a list of (from, to) for each weekday in WEEKDAYS; it is empty where nobody has told them, and
    a weekday that is missing from it is closed. `key` names what starter content brought; what people changed
    here (`edited`) is never overwritten. `revision` counts savings, so that nobody overwrites what they have not
    seen. Without `verified_on` nobody has checked the entry.
    """

    __tablename__ = "service_centre"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True, default=None)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str]
    main: Mapped[bool] = mapped_column(default=True)
    address: Mapped[str] = mapped_column(Text, default="")
    directions: Mapped[str] = mapped_column(Text, default="")
    hours: Mapped[dict[str, list[list[str]]]] = mapped_column(JSON)
    telephone: Mapped[str] = mapped_column(default="")
    latitude: Mapped[float | None] = mapped_column(default=None)
    longitude: Mapped[float | None] = mapped_column(default=None)
    source: Mapped[str] = mapped_column(Text, default="")
    source_url: Mapped[str] = mapped_column(default="")
    verified_on: Mapped[str | None] = mapped_column(default=None)
    edited: Mapped[bool] = mapped_column(default=False)
    removed: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=1)


class UnitServed(Base):
    """A further unit whose people a service centre serves, beside its own."""

    __tablename__ = "unit_served"
    __table_args__ = (UniqueConstraint("centre_id", "unit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("service_centre.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
