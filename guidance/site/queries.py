"""What the home page shows: life events in the visitor's language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import yaml

from guidance.config import PROJECT


@dataclass(frozen=True)
class LifeEvent:
    """A moment in life that sends people to an office."""

    slug: str
    name: str


@lru_cache(maxsize=1)
def _life_events() -> list[dict[str, str]]:
    path = PROJECT / "guidance" / "content" / "life_events.yaml"
    rows: list[dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return rows


def life_events(language: str) -> list[LifeEvent]:
    """The life events in the order of the home page."""
    return [LifeEvent(row["slug"], row.get(language) or row["vi"]) for row in _life_events()]
