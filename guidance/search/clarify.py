"""One question back when several answers are equally near."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from guidance import text
from guidance.search.documents import terms
from guidance.search.index import Snapshot
from guidance.search.ranking import Ranked
from guidance.search.understanding import Question
from guidance.search.vocabulary import split

_NEAR = 0.86  # share of the best score from which an answer is equally near
_MOST = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """One way the question may be meant: the document it leads to."""

    label: str
    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Clarify:
    """The question to ask back; ``question`` is empty when the page should use its own general words."""

    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """A paper or matter with several well-known procedures, written by an editor."""

    words: tuple[str, ...]
    question: dict[str, str]
    choices: tuple[tuple[str, dict[str, str]], ...]  # key, label per language


def ask(
    question: Question, ranked: list[Ranked], forks: Iterable[Fork], index: Snapshot, lang: str
) -> Clarify | None:
    """One clarifying question, or None when the best answer is clear enough."""
    subject = " ".join(word for unit in question.units if unit.weight > 1.2 for word in unit.typed)
    if not subject:
        return None
    for fork in forks:
        lang_of_words = "en" if question.english else "vi"
        if any(subject == " ".join(terms(words, lang_of_words)) for words in fork.words):
            return _forked(fork, index, lang)
    if not ranked or len(question.units) > 3 or ranked[0].coverage < 0.7:
        return None
    near = [
        one for one in ranked[: _MOST + 1] if one.score >= _NEAR * ranked[0].score and one.coverage >= 0.7
    ]
    if len(near) < 3 or near[0].score - near[1].score > 0.25:
        return None
    cards = index.cards([one.document for one in near])
    choices: dict[str, Choice] = {}
    for one in near[:_MOST]:
        kind, key, card = cards[one.document]
        label = card["titles"].get(lang) or card["titles"].get("vi") or card["official"]
        choices.setdefault(text.fold(label), Choice(label, kind, key))
    return Clarify("", tuple(choices.values())) if len(choices) >= 3 else None


def _forked(fork: Fork, index: Snapshot, lang: str) -> Clarify | None:
    choices = []
    for key, labels in fork.choices:
        for number in index.with_code(key)[:1]:
            kind, found, _ = index.cards([number])[number]
            choices.append(Choice(labels.get(lang) or labels["vi"], kind, found))
    if len(choices) < 2:
        return None
    return Clarify(fork.question.get(lang) or fork.question["vi"], tuple(choices))


def read_forks(path: Path) -> list[Fork]:
    """The forks of a file: lines with words, question_vi, question_en, then key, label_vi, label_en per choice."""
    forks: dict[str, Fork] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            known = forks.get(row["words"]) or Fork(
                split(row["words"]), {"vi": row["question_vi"], "en": row["question_en"]}, ()
            )
            choice = (row["key"], {"vi": row["label_vi"], "en": row["label_en"]})
            forks[row["words"]] = Fork(known.words, known.question, (*known.choices, choice))
    return list(forks.values())
