"""The questionnaire: can I do this online, what do I need first. Questions and paths are data (content/check.yaml)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from guidance import content_files
from guidance.config import PROJECT

FILE = PROJECT / "guidance" / "content" / "check.yaml"
When = dict[str, list[str]]


class _Strict(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class Said(_Strict):
    """One sentence in every language of the site."""

    vi: str
    en: str
    ur: str

    def in_(self, lang: str) -> str:
        """The sentence in a language."""
        return str(getattr(self, lang, self.vi))


class Choice(Said):
    """One possible answer."""

    value: str


class Question(_Strict):
    """A question, asked only when the earlier answers fit `when` ("": was not asked)."""

    key: str
    when: When = {}
    text: Said
    choices: list[Choice]

    def choice(self, value: str) -> Choice | None:
        """The choice with this value."""
        return next((choice for choice in self.choices if choice.value == value), None)


class Verdict(Said):
    """The short answer at the end."""

    when: When


class Paper(Said):
    """Something to have ready or to do first."""

    when: When


class GuideStep(_Strict):
    """A guide on the path."""

    slug: str
    when: When


class Definition(_Strict):
    """The whole questionnaire."""

    questions: list[Question]
    verdicts: list[Verdict]
    guides: list[GuideStep]
    papers: list[Paper]


class Answered(NamedTuple):
    """A question with the answer that was given."""

    question: Question
    choice: Choice


class Place(NamedTuple):
    """Where somebody is: what was answered, and the next question or (None) the end with its path."""

    answered: tuple[Answered, ...]
    question: Question | None
    number: int
    verdict: Verdict | None
    guides: tuple[str, ...]
    papers: tuple[Paper, ...]

    @property
    def answers(self) -> dict[str, str]:
        """The answers as they stand in the address."""
        return {one.question.key: one.choice.value for one in self.answered}


@cache
def definition(path: Path = FILE) -> Definition:
    """The questionnaire as shipped."""
    return content_files.shaped(Definition, content_files.read(path))


def _fits(when: When, answers: Mapping[str, str]) -> bool:
    return all(answers.get(key, "") in values for key, values in when.items())


def place(given: Mapping[str, str]) -> Place:
    """Where the given answers lead; answers to questions that are not asked, and unknown ones, are ignored."""
    whole = definition()
    answers: dict[str, str] = {}
    answered: list[Answered] = []
    for question in whole.questions:
        if not _fits(question.when, answers):
            continue
        choice = question.choice(given.get(question.key, ""))
        if choice is None:
            return Place(tuple(answered), question, len(answered) + 1, None, (), ())
        answers[question.key] = choice.value
        answered.append(Answered(question, choice))
    verdict = next((one for one in whole.verdicts if _fits(one.when, answers)), None)
    guides = tuple(dict.fromkeys(step.slug for step in whole.guides if _fits(step.when, answers)))
    papers = tuple(paper for paper in whole.papers if _fits(paper.when, answers))
    return Place(tuple(answered), None, len(answered), verdict, guides, papers)


def every_path() -> list[dict[str, str]]:
    """The answers of every way through the questionnaire."""
    ends: list[dict[str, str]] = []
    open_: list[dict[str, str]] = [{}]
    while open_:
        answers = open_.pop()
        here = place(answers)
        if here.question is None:
            ends.append(answers)
        else:
            open_ += [answers | {here.question.key: choice.value} for choice in here.question.choices]
    return ends
