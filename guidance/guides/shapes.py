"""What a guide consists of.

Imported where guides are read or written: pydantic is a tenth of what a start of the site would cost.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from guidance.catalogue.shapes import DayOrMonth, Source

Reason = Literal[
    "no_phone", "sim", "no_level_2", "no_code", "nfc", "face", "mismatch", "papers", "payment", "system", "other"
]  # fmt: skip
_Words = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class Item(_Strict):
    """One sentence with the key of its source."""

    text: _Words
    source: str | None = None


class Trouble(_Strict):
    """What may go wrong, and what to do then."""

    when: _Words
    then: _Words
    source: str | None = None
    reason: Reason | None = None


class Step(_Strict):
    """One action; what can go wrong with it stands under it."""

    do: _Words
    detail: str | None = None
    source: str | None = None
    careful: Literal["codes", "payment", "link"] | None = None
    trouble: list[Trouble] = []


class Content(_Strict):
    """The parts of a guide in one language that are data."""

    prepare: list[Item] = []
    steps: list[Step] = Field(min_length=1)
    trouble: list[Trouble] = []
    facts: dict[Literal["time", "fee", "where"], Item] = {}
    result: Item | None = None
    staff: list[Item] = []


class Words(Content):
    """A guide in one language."""

    slug: str
    lang: Literal["vi", "en", "ur"]
    title: _Words
    summary: _Words
    keywords: list[str] = []
    body: str = ""

    def to_translate(self, lang: str) -> Words:
        """The same parts in the file of another language, for a translator to write over."""
        parts = self.model_dump(include=set(Words.model_fields))
        return Words.model_validate(parts | {"lang": lang, "keywords": []})

    def content(self) -> Content:
        """The data parts alone."""
        return Content.model_validate(self.model_dump(include=set(Content.model_fields)))


class Facts(_Strict):
    """What is the same in every language."""

    life_events: list[str] = []
    procedures: list[str] = []
    systems: list[Literal["vneid", "vssid", "portal", "etax", "bank", "post"]] = []
    related: list[str] = []
    sources: dict[str, Source] = {}


class Original(Words, Facts):
    """The Vietnamese file, which carries everything."""

    group: Literal["vneid", "vssid", "portal", "papers", "helpers", "programme"]
    order: int = Field(ge=0, le=100_000)
    owner: str = "content"
    verified_on: DayOrMonth = None
    review_by: date

    def facts_of_all_languages(self) -> Facts:
        """What is the same in every language."""
        return Facts.model_validate(self.model_dump(include=set(Facts.model_fields)))
