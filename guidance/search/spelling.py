"""Slips of the keyboard: Telex leftovers, missing blanks, wrong, missing and swapped letters."""

import math
import re
import string
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from guidance import text

_LETTERS = string.ascii_lowercase
_NEAR = {
    "q": "wa",
    "w": "qeas",
    "e": "wrsd",
    "r": "etdf",
    "t": "ryfg",
    "y": "tugh",
    "u": "yihj",
    "i": "uojk",
    "o": "ipkl",
    "p": "ol",
    "a": "qwsz",
    "s": "awedxz",
    "d": "serfcx",
    "f": "drtgvc",
    "g": "ftyhbv",
    "h": "gyujnb",
    "j": "huikmn",
    "k": "jiolm",
    "l": "kop",
    "z": "asx",
    "x": "zsdc",
    "c": "xdfv",
    "v": "cfgb",
    "b": "vghn",
    "n": "bhjm",
    "m": "njk",
}
# Sounds that people of one region write alike.
_SOUNDS = (
    ("ch", "tr"),
    ("tr", "ch"),
    ("s", "x"),
    ("x", "s"),
    ("d", "gi"),
    ("gi", "d"),
    ("d", "r"),
    ("r", "d"),
    ("gi", "r"),
    ("r", "gi"),
    ("l", "n"),
    ("n", "l"),
    ("v", "d"),
    ("d", "v"),
    ("ng", "ngh"),
    ("ngh", "ng"),
    ("g", "gh"),
    ("gh", "g"),
    ("c", "k"),
    ("k", "c"),
    ("i", "y"),
    ("y", "i"),
)
_ENDS = (("n", "ng"), ("ng", "n"), ("t", "c"), ("c", "t"), ("y", "i"), ("i", "y"), ("nh", "n"), ("n", "nh"))

_ONSET = "(?:b|ch|c|d|gh|gi|g|h|kh|k|l|m|ngh|ng|nh|n|ph|p|qu|q|r|s|th|tr|t|v|x)?"
_RIME = (
    "(?:[aeiouy]|ai|ao|au|ay|eo|eu|ia|ie|iu|oa|oe|oi|oo|ua|ue|ui|uo|uu|uy|ya|ye|uya|uye|uyu|oai|oao|oay|oeo|"
    "uay|uoi|uou|ieu|yeu)(?:ch|c|m|ng|nh|n|p|t)?"
)


@lru_cache(maxsize=4096)
def is_syllable(word: str) -> bool:
    """Whether a folded word could be a Vietnamese syllable."""
    return re.fullmatch(_ONSET + _RIME, word) is not None


def known_candidates(word: str, lexicon: Mapping[str, int]) -> tuple[tuple[str, float], ...]:
    """Known words one slip away, with how close they are (0 to 1). English words carry "~"."""
    sign = "~" if word.startswith("~") else ""
    return tuple(
        (sign + candidate, closeness)
        for candidate, closeness in _candidates(word.lstrip("~"), bool(sign)).items()
        if sign + candidate in lexicon and sign + candidate != word
    )


def repairs(
    candidates: Iterable[tuple[str, float]],
    before: str | None,
    after: str | None,
    lexicon: Mapping[str, int],
    pair_count: Callable[[str], int],
    limit: int = 3,
) -> list[tuple[str, float]]:
    """Which of some known words somebody may have meant, with how likely that is (0 to 1), the best first.

    A neighbour that is often seen beside the candidate speaks for it.
    """
    scored: dict[str, float] = {}
    for known, closeness in candidates:
        score = closeness * 4.0 + math.log(1 + lexicon[known]) * 0.35
        for pair in ((f"{before} {known}" if before else None), (f"{known} {after}" if after else None)):
            if pair:
                score += min(3.0, 0.8 * math.log(1 + pair_count(pair)))
        scored[known] = score
    best = sorted(scored.items(), key=lambda item: -item[1])[:limit]
    return [(known, max(0.35, 0.9 - 0.12 * (best[0][1] - score))) for known, score in best]


def split_joined(word: str, lexicon: Mapping[str, int], pair_count: Callable[[str], int]) -> list[str] | None:
    """The syllables of words typed without blanks ("dangkykethon"), or None if it is no such thing."""
    if not 5 <= len(word) <= 40 or not word.isalpha():
        return None
    best: list[tuple[float, list[str]] | None] = [None] * (len(word) + 1)
    best[0] = (0.0, [])
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 7), end):
            so_far = best[start]
            piece = word[start:end]
            count = lexicon.get(piece, 0)
            if so_far is None or count < 3 or len(piece) < 2 or not is_syllable(piece):
                continue
            score = so_far[0] + math.log(1 + count) * 0.3 - 5.0
            if so_far[1]:
                score += min(5.0, 1.5 * math.log(1 + pair_count(f"{so_far[1][-1]} {piece}")))
            known = best[end]
            if known is None or score > known[0]:
                best[end] = (score, [*so_far[1], piece])
    found = best[-1]
    return found[1] if found and len(found[1]) > 1 and found[0] > -5.0 * len(found[1]) + 1.0 else None


def _candidates(word: str, english: bool) -> dict[str, float]:
    """Words one slip away, with how close they are (0 to 1)."""
    found: dict[str, float] = {}

    def offer(candidate: str, closeness: float) -> None:
        if closeness > found.get(candidate, 0.0):
            found[candidate] = closeness

    if not english:
        plain = text.untelex(word)
        if plain != word:
            offer(plain, 1.0)
            offer(text.untelex(plain), 0.9)
        for wrong, right in _SOUNDS:
            if word.startswith(wrong):
                offer(right + word[len(wrong) :], 0.75)
        for wrong, right in _ENDS:
            if word.endswith(wrong):
                offer(word[: -len(wrong)] + right, 0.7)
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            doubled = at > 0 and tail[0] == word[at - 1]
            offer(head + tail[1:], 0.85 if doubled else 0.65)
            near = _NEAR.get(tail[0], "")
            for letter in _LETTERS:
                offer(head + letter + tail[1:], 0.7 if letter in near else 0.45)
        if len(tail) > 1 and tail[0] != tail[1]:
            offer(head + tail[1] + tail[0] + tail[2:], 0.85)
        for letter in _LETTERS:
            offer(head + letter + tail, 0.75)
    if english and len(word) >= 7:  # long English words may carry two slips: drop two letters' difference
        for at in range(len(word)):
            shorter = word[:at] + word[at + 1 :]
            for again in range(at, len(shorter)):
                offer(shorter[:again] + shorter[again + 1 :], 0.4)
    found.pop(word, None)
    return found
