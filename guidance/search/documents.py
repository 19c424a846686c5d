"""What can be found: one Document per procedure or guide, and the terms its texts are indexed under."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from guidance import text

Kind = Literal["procedure", "guide"]

LEVELS = ("commune", "province", "ministry", "other")

# How much a hit in a field says about the document (1.0 = people call it exactly this).
FIELDS: dict[str, float] = {
    "title": 1.0,
    "phrase": 1.0,
    "official": 0.9,
    "summary": 0.5,
    "heading": 0.55,
    "sector": 0.4,
    "weak": 0.2,
}
FIELD_NAMES = tuple(FIELDS)
NAMING = frozenset({"title", "phrase", "official"})  # fields that name the thing; rarity is counted in them

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LEVEL = re.compile(r"\((?:cấp )?(?:xã|tỉnh|bộ|trung ương|mới)\)|\((?:commune|province|ministry|new)\)")
_OPENING = re.compile(r"^\s*(?:thủ tục|tthc)\s*(?:hành chính)?\s*:?\s*", re.IGNORECASE)
_ENGLISH_ENDINGS = (
    ("ations", 4),
    ("ation", 4),
    ("ments", 4),
    ("ment", 4),
    ("ances", 4),
    ("ance", 4),
    ("ings", 3),
    ("ing", 3),
    ("als", 4),
    ("al", 4),
    ("ions", 4),
    ("ion", 4),
    ("ers", 4),
)


class Document(NamedTuple):
    """One thing a person can be led to.

    ``titles`` and ``phrases`` are per language: the plain name shown, and other wordings people use.
    ``weak`` is text that only helps when nothing better matches (papers, results, forms).
    ``starter`` says that the site has its own guidance for it, which makes it the better answer.
    """

    kind: Kind
    key: str
    titles: Mapping[str, str]
    official: str = ""
    phrases: Mapping[str, tuple[str, ...]] = {}
    summaries: Mapping[str, str] = {}
    headings: Mapping[str, tuple[str, ...]] = {}
    sector: str = ""
    agency: str = ""
    levels: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    online: str | None = None
    life_events: tuple[str, ...] = ()
    weak: str = ""
    starter: bool = False
    codes: tuple[str, ...] = ()

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """Every text with its field and language, the naming ones first."""
        for lang, title in self.titles.items():
            yield "title", lang, _LEVEL.sub(" ", title)
            yield "title", lang, title
        if self.official:
            yield "official", "vi", plain_official(self.official)
        for lang, wordings in self.phrases.items():
            for wording in wordings:
                yield "phrase", lang, wording
        for lang, summary in self.summaries.items():
            yield "summary", lang, summary
        for lang, headings in self.headings.items():
            for heading in headings:
                yield "heading", lang, heading
        if self.sector:
            yield "sector", "vi", self.sector


def plain_official(name: str) -> str:
    """An official name without "Thủ tục" in front and without what stands in brackets."""
    shorter = _OPENING.sub("", _BRACKETS.sub(" ", name))
    return " ".join(shorter.split()).strip(" .;:,-") or name


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """An English word without its ending, marked "~" so that it never meets a Vietnamese syllable."""
    word = word.lower()
    if len(word) > 3:
        if word.endswith("ies"):
            word = word[:-3] + "y"
        elif word.endswith(("sses", "xes", "ches", "shes")):
            word = word[:-2]
        elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    for ending, keep in _ENGLISH_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= keep:
            word = word[: -len(ending)]
            break
    else:
        if word.endswith("ied") and len(word) > 4:
            word = word[:-3] + "y"
        elif word.endswith("ed") and len(word) > 4:
            word = word[:-2]
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    if len(word) > 5 and word.endswith("er"):
        word = word[:-2] + "r"
    return "~" + (word[:-1] if word.endswith("e") and len(word) > 3 else word)


def terms(content: str, lang: str) -> list[str]:
    """The index terms of a text, in order."""
    found = text.words(content)
    return [stem(word) for word in found if word not in ENGLISH_SILENT] if lang == "en" else found


# English words that carry no subject; they are neither indexed nor asked for.
ENGLISH_SILENT = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "is",
        "are",
        "be",
        "am",
        "was",
        "it",
        "its",
        "this",
        "that",
        "my",
        "your",
        "our",
        "their",
        "his",
        "her",
        "i",
        "me",
        "we",
        "you",
        "he",
        "she",
        "they",
        "do",
        "does",
        "did",
        "can",
        "could",
        "may",
        "might",
        "should",
        "would",
        "will",
        "shall",
        "how",
        "what",
        "where",
        "when",
        "which",
        "who",
        "why",
        "get",
        "got",
        "have",
        "has",
        "had",
        "need",
        "want",
        "as",
        "if",
        "so",
        "into",
        "about",
        "not",
        "no",
        "any",
        "some",
        "there",
        "please",
        "help",
        "way",
        "one",
        "new",
    ]
) - {"new"}
