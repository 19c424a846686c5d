"""What each figure means: numerator, denominator, formula, source; read from content/indicators.yaml."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from guidance import content_files, i18n
from guidance.config import PROJECT

FILE = PROJECT / "guidance" / "content" / "indicators.yaml"


class Indicator(NamedTuple):
    """One definition. `counts`, `of` and `topics` are set for those that the desk log feeds.

    `share` says whether numerator ÷ denominator is a percentage; averages (`mean`, `average`) are not added up.
    """

    key: str
    set: str
    names: Mapping[str, str]
    numerators: Mapping[str, str]
    denominators: Mapping[str, str]
    formulas: Mapping[str, str]
    groups: Mapping[str, str]
    unit: str
    good: str
    law: str
    source: str
    counts: tuple[str, ...]
    of: tuple[str, ...]
    topics: tuple[str, ...]
    mean: bool
    average: bool
    maximum: float | None
    historic: bool

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return said(self.names)

    @property
    def numerator(self) -> str:
        """What is counted."""
        return said(self.numerators)

    @property
    def denominator(self) -> str:
        """Of what; empty for plain counts."""
        return said(self.denominators)

    @property
    def formula(self) -> str:
        """How the percentage is made, in words; empty where numerator ÷ denominator says it."""
        return said(self.formulas)

    @property
    def definition(self) -> str:
        """One sentence for tables and files."""
        parts = [self.numerator]
        if self.denominator:
            parts.append(f"÷ {self.denominator}")
        sentence = " ".join(parts)
        return f"{self.name}: {sentence}" + (f" ({self.formula})" if self.formula else "")


def said(words: Mapping[str, str]) -> str:
    """The words in the reader's language, else English for Urdu readers, else Vietnamese."""
    lang = i18n.current().code
    return words.get(lang) or (words.get("en") if lang != "vi" else None) or words.get("vi", "")


@cache
def _content() -> dict[str, Any]:
    loaded: dict[str, Any] = content_files.read(FILE)
    return loaded


def version() -> str:
    """The version of the definitions; files name it."""
    return str(_content()["version"])


def _several(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]  # a list otherwise


@cache
def all_indicators() -> dict[str, Indicator]:
    """Every definition by key, in the order of the file."""
    return {
        row["key"]: Indicator(
            key=row["key"],
            set=row["set"],
            names=row["name"],
            numerators=row["numerator"],
            denominators=row.get("denominator", {}),
            formulas=row.get("formula", {}),
            groups=row.get("group", {}),
            unit=row["unit"],
            good=row["good"],
            law=row.get("law", ""),
            source=row.get("source", ""),
            counts=_several(row.get("counts")),
            of=_several(row.get("of")),
            topics=_several(row.get("topics")),
            mean=bool(row.get("mean")),
            average=bool(row.get("average")),
            maximum=row.get("maximum"),
            historic=bool(row.get("historic")),
        )
        for row in _content()["indicators"]
    }


def of_set(name: str) -> list[Indicator]:
    """The definitions of one set."""
    return [indicator for indicator in all_indicators().values() if indicator.set == name]


def set_name(name: str) -> str:
    """The name of a set in the reader's language."""
    return said(_content()["sets"].get(name, {"vi": name}))


def task_groups() -> dict[str, str]:
    """Groups of programme tasks, by key, in the reader's language."""
    return {row["key"]: said(row) for row in _content()["task_groups"]}


def task_group_verified(key: str) -> bool:
    """Whether the name of a group of tasks has been checked; groups that say nothing of it are our own words."""
    group: dict[str, Any] = next((row for row in _content()["task_groups"] if row["key"] == key), {})
    return bool(group.get("verified_on", True))


def checklist() -> dict[str, str]:
    """Items of the commune model, by key, in the reader's language."""
    return {row["key"]: said(row) for row in _content()["checklist"]}
