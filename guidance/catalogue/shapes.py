"""The shapes of our guidance about a procedure, as it is stored, edited and shipped.

Imported where guidance is read or written: pydantic is a tenth of what a start of the site would cost.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from guidance.catalogue.normalise import day_or_month
from guidance.text import slug

Channel = Literal["online", "counter", "post"]
TimeUnit = Literal["working_day", "day", "hour", "month"]
Audience = Literal[
    "citizen", "overseas", "foreigner", "officials", "business", "foreign-business", "organisation",
    "foreign-organisation", "cooperative",
]  # fmt: skip
DayOrMonth = Annotated[str | None, BeforeValidator(day_or_month)]


class _Strict(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class Source(_Strict):
    """Where a fact was read. `verified_on` is a day or a month; None marks it 'not yet verified'."""

    title: str | dict[str, str]
    url: str | None = None
    verified_on: DayOrMonth = None

    @field_validator("url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("an address starts with https://")
        return value


class Marked(_Strict):
    """One fact in words, with the key of its source."""

    text: str = Field(min_length=1)
    source: str | None = None


class Bilingual(_Strict):
    """A short fact in every language, with the key of its source."""

    vi: str
    en: str
    ur: str | None = None
    source: str | None = None


class Paper(Marked):
    """One thing to bring; `if_not_shown`: only when the official system does not already hold it."""

    note: str | None = None
    if_not_shown: bool = False


class Case(_Strict):
    """What to bring in one case; the first case is everybody's."""

    case: str
    items: list[Paper] = Field(min_length=1)


class Mistake(Marked):
    """What goes wrong, and what to do instead."""

    instead: str


class GuidanceWords(_Strict):
    """Our words about a procedure in one language."""

    name: str = Field(min_length=1)
    summary: str = ""
    who: list[Marked] = []
    bring: list[Case] = []
    counter: list[Marked] = []
    online: list[Marked] = []
    result: Marked | None = None
    mistakes: list[Mistake] = []
    staff: list[Marked] = []


class ChannelFact(_Strict):
    """A known combination of channel, case, time limit and fee (đồng); None means not stated or not certain."""

    channel: Channel
    case: dict[str, str] | None = None
    time: float | None = None
    time_unit: TimeUnit | None = None
    fee: int | None = None
    fee_unit: str | dict[str, str] | None = None
    fee_valid_to: date | None = None
    set_by_province: bool = False
    note: dict[str, str] | None = None
    source: str | None = None


class OnlineFact(_Strict):
    """How far it can be done online according to our source; None when only 'a channel exists' is known."""

    level: Literal["full", "partial", "info"] | None = None
    source: str | None = None
    as_of: DayOrMonth = None


class GuidanceFacts(_Strict):
    """Our facts about a procedure, the same in every language."""

    sector: str = ""
    levels: list[Literal["commune", "province", "ministry", "other"]] = []
    agency: Bilingual | None = None
    hand_in: Bilingual | None = None
    help_at: Bilingual | None = None
    interlinked: list[Bilingual] = []
    audience: list[Audience] = []
    life_events: list[str] = []
    online: OnlineFact = Field(default_factory=OnlineFact)
    channels: list[ChannelFact] = []
    related: list[str] = []
    before: list[str] = []
    after: list[str] = []
    owner: str = "content"
    review_by: date | None = None
    sources: dict[str, Source] = {}
    keywords: dict[str, list[str]] = {}


class StarterProcedure(GuidanceFacts):
    """One starter file: facts, and words per language."""

    key: str
    code: str | None = None
    replaces: list[str] = []
    valid_to: date | None = None
    vi: GuidanceWords
    en: GuidanceWords
    ur: GuidanceWords | None = None

    @field_validator("valid_to", mode="before")
    @classmethod
    def _day(cls, value: object) -> object:
        return value or None

    @model_validator(mode="after")
    def _whole(self) -> StarterProcedure:
        if self.code is None and not self.key.startswith("x-"):
            raise ValueError("a procedure without a code needs a key that starts with x-")
        if self.code is not None and self.key not in {self.code} and not self.key.startswith("x-"):
            raise ValueError("the key of a procedure with a code is that code")
        if self.key != slug(self.key.replace(".", "-")) and self.code is None:
            raise ValueError("a key holds only a-z, 0-9 and hyphens")
        return self

    def words(self) -> dict[str, GuidanceWords]:
        """Our words by language."""
        found = {"vi": self.vi, "en": self.en}
        return found | ({"ur": self.ur} if self.ur else {})

    def facts(self) -> GuidanceFacts:
        """The facts alone."""
        return GuidanceFacts.model_validate(self.model_dump(include=set(GuidanceFacts.model_fields)))
