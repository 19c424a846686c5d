"""Guides: what is the same in every language, the words of each language, and every earlier state."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base


class Guide(Base):
    """Step-by-step help with one thing. `facts` (shapes.Facts) are the same in every language."""

    __tablename__ = "guide"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    group: Mapped[str] = mapped_column("group_name", index=True)
    position: Mapped[int]
    published: Mapped[bool] = mapped_column(default=True)
    owner: Mapped[str] = mapped_column(default="content")
    verified_on: Mapped[str | None] = mapped_column(default=None)
    review_by: Mapped[date | None] = mapped_column(default=None, index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    starter_digest: Mapped[str] = mapped_column(default="")
    edited: Mapped[bool] = mapped_column(default=False)
    starter_waiting: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]


class GuideText(Base):
    """A guide in one language; `content` (shapes.Content) are its parts, `body` the text around them (Markdown)."""

    __tablename__ = "guide_text"
    __table_args__ = (UniqueConstraint("guide_id", "lang"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    guide_id: Mapped[int] = mapped_column(ForeignKey("guide.id"), index=True)
    lang: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(Text, default="")
    keywords: Mapped[list[str]] = mapped_column(JSON)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[str] = mapped_column(Text, default="")


class GuideVersion(Base):
    """A guide's language as it stood after a change: who made it, when, and the file it would be."""

    __tablename__ = "guide_version"
    __table_args__ = (UniqueConstraint("guide_id", "lang", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    guide_id: Mapped[int] = mapped_column(ForeignKey("guide.id"), index=True)
    lang: Mapped[str]
    number: Mapped[int]
    at: Mapped[datetime]
    account: Mapped[str] = mapped_column(default="")
    file: Mapped[str] = mapped_column(Text)
