"""One question back when several answers are equally near."""

from typing import NamedTuple

from guidance import text
from guidance.search.ranking import Ranked
from guidance.search.snapshot import Snapshot
from guidance.search.understanding import Question
from guidance.search.vocabulary import Fork

_NEAR = 0.86  # share of the best score from which an answer is equally near
_MOST = 5


class Choice(NamedTuple):
    """One way the question may be meant: the document it leads to."""

    label: str
    kind: str
    key: str


class Clarify(NamedTuple):
    """The question to ask back; ``question`` is empty when the page should use its own general words."""

    question: str
    choices: tuple[Choice, ...]


def ask(question: Question, ranked: list[Ranked], index: Snapshot, lang: str) -> Clarify | None:
    """One clarifying question, or None when the best answer is clear enough."""
    if not question.units:
        return None
    for least in (0.0, 1.2):  # all words but those of asking; then without light ones ("làm", "xin")
        subject = " ".join(word for unit in question.units if unit.weight > least for word in unit.typed)
        fork = index.vocabulary.fork(subject)
        if fork is not None:
            return _forked(fork, index, lang)
    if not ranked or len(question.units) > 3 or ranked[0].coverage < 0.7:
        return None
    near = [
        one for one in ranked[: _MOST + 1] if one.score >= _NEAR * ranked[0].score and one.coverage >= 0.7
    ]
    if len(near) < 3 or near[0].score - near[1].score > 0.25:
        return None
    choices: dict[str, Choice] = {}
    for one in near[:_MOST]:
        shown = index.card(one.document)
        if shown is None:
            continue
        kind, key, card = shown
        label = card["titles"].get(lang) or card["titles"].get("vi") or card["official"]
        choices.setdefault(text.fold(label), Choice(label, kind, key))
    return Clarify("", tuple(choices.values())) if len(choices) >= 3 else None


def _forked(fork: Fork, index: Snapshot, lang: str) -> Clarify | None:
    choices = []
    for key, labels in fork.choices:
        for number in index.with_code(key)[:1]:
            shown = index.card(number)
            if shown is not None:
                choices.append(Choice(labels.get(lang) or labels["vi"], shown[0], shown[1]))
    if len(choices) < 2:
        return None
    return Clarify(fork.question.get(lang) or fork.question["vi"], tuple(choices))
