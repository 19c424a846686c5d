"""What editors teach the search: words, phrases of procedures and guides; and counts of what was asked in vain."""

from sqlalchemy import Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guidance.db import Base


class SearchWord(Base):
    """One line of the vocabulary (kinds: see vocabulary.Word); wordings stand apart by " | "."""

    __tablename__ = "search_word"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text, default="")
    weight: Mapped[float] = mapped_column(default=1.0)
    status: Mapped[str] = mapped_column(default="")
    origin: Mapped[str] = mapped_column(default="editor")
    removed: Mapped[bool] = mapped_column(default=False)


class SearchPhrases(Base):
    """How people call a procedure or guide in one language, beside its own names; apart by " | "."""

    __tablename__ = "search_phrases"
    __table_args__ = (UniqueConstraint("subject", "lang"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    lang: Mapped[str]
    phrases: Mapped[str] = mapped_column(Text)
    edited: Mapped[bool] = mapped_column(default=False)


class SearchCount(Base):
    """How often some words were asked in a month, found nothing, and led to a page. Words only: no visitor, no hour."""

    __tablename__ = "search_count"
    __table_args__ = (UniqueConstraint("month", "lang", "words"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str]
    lang: Mapped[str]
    words: Mapped[str]
    asked: Mapped[int] = mapped_column(default=0)
    empty: Mapped[int] = mapped_column(default=0)
    opened: Mapped[int] = mapped_column(default=0)
