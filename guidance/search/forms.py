"""What editors teach the search: phrases of one page, and words that mean the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.validators import ValidationError as Refused

from guidance.search.vocabulary import LONGEST, by_language, split
from guidance.text import words

LONGEST_PHRASE = 120  # characters
MOST_PHRASES = 60
FEWEST_CHOICES, MOST_CHOICES = 2, 6

# The kinds that one line of words can teach; sibling marks, sectors and quiet words are worked into every document.
KINDS = {
    "same": _l("All of them mean the same"),
    "means": _l("People say this and mean that"),
    "english": _l("English for Vietnamese words"),
    "stop": _l("Only a way of asking, to be left out"),
}


class PhrasesForm(Form):
    """How people call one procedure or guide, one wording per line."""

    seen = HiddenField()
    vi = TextAreaField(_l("How people ask for it, in Vietnamese"), description=_l("One wording per line."))
    en = TextAreaField(_l("How people ask for it, in English"), description=_l("One wording per line."))
    ur = TextAreaField(_l("How people ask for it, in Urdu"), description=_l("One wording per line."))

    def validate_vi(self, field: TextAreaField) -> None:
        """Short wordings, and not too many."""
        lines = split("|".join((field.data or "").splitlines()))
        if len(lines) > MOST_PHRASES:
            raise Refused(_("At most %(number)s wordings.", number=MOST_PHRASES))
        for line in lines:
            if len(line) > LONGEST_PHRASE:
                raise Refused(_("This wording is too long: %(line)s", line=f"{line[:60]}…"))
            if not words(line):
                raise Refused(_("“%(line)s” holds no word.", line=line[:60]))

    validate_en = validate_vi
    validate_ur = validate_vi

    def phrases(self) -> dict[str, str]:
        """The wordings by language."""
        return {lang: self[lang].data or "" for lang in ("vi", "en", "ur")}


class WordForm(Form):
    """One line of the vocabulary."""

    kind = SelectField(_l("What these words are"), choices=[SelectChoice(*one) for one in KINDS.items()])
    source = StringField(
        _l("What people type"),
        [
            InputRequired(_l("Write what people type.")),
            Length(max=500, message=_l("At most 500 characters.")),
        ],
        description=_l("Several wordings stand apart by a bar: cccd | căn cước công dân | thẻ căn cước"),
    )
    target = StringField(
        _l("What it means in the official words"),
        [Length(max=500, message=_l("At most 500 characters."))],
        description=_l("Left empty when all wordings above mean the same, or are only a way of asking."),
    )

    def validate_source(self, field: StringField) -> None:
        """As many wordings as the kind needs, none too long to be looked up."""
        found = _wordings(field)
        if not found:
            raise Refused(_("Write what people type."))
        if self.kind.data == "same" and len({tuple(words(one)) for one in found}) < 2:
            raise Refused(_("Write at least two different wordings, with a bar between them."))

    def validate_target(self, field: StringField) -> None:
        """There where the kind needs it."""
        if not _wordings(field) and self.kind.data in ("means", "english"):
            raise Refused(_("Write what it means."))

    def values(self) -> dict[str, Any]:
        """What the search is to learn."""
        needs_target = self.kind.data in ("means", "english")
        return {
            "kind": self.kind.data,
            "source": self.source.data,
            "target": self.target.data or "" if needs_target else "",
        }


class QuestionForm(Form):
    """A question that the site asks back when somebody's words fit several procedures equally well."""

    source = StringField(
        _l("When people search for just these words"),
        [
            InputRequired(_l("Write what people type.")),
            Length(max=500, message=_l("At most 500 characters.")),
        ],
        description=_l("Several wordings stand apart by a bar: cccd | căn cước công dân | thẻ căn cước"),
    )
    question_vi = StringField(
        _l("The question to ask back, in Vietnamese"),
        [InputRequired(_l("Write the question.")), Length(max=200, message=_l("At most 200 characters."))],
    )
    question_en = StringField(
        _l("The question in English"), [Length(max=200, message=_l("At most 200 characters."))]
    )
    question_ur = StringField(
        _l("The question in Urdu"), [Length(max=200, message=_l("At most 200 characters."))]
    )
    choices = TextAreaField(
        _l("The answers to choose from"),
        [InputRequired(_l("Write two to six answers."))],
        description=_l(
            "One a line: the code of the procedure or the short name of the guide, an equals sign, then the "
            "answer in Vietnamese / English / Urdu. Example: 1.001193 = Khai sinh cho con / Register a newborn"
        ),
    )

    def validate_source(self, field: StringField) -> None:
        """At least one wording, none too long to be looked up."""
        if not _wordings(field):
            raise Refused(_("Write what people type."))

    def validate_question_vi(self, field: StringField) -> None:
        """No signs that keep parts of a line apart."""
        for part in (field, self.question_en, self.question_ur):
            if "|" in (part.data or "") or " / " in (part.data or ""):
                raise Refused(_("Leave out bars and free-standing strokes."))

    def validate_choices(self, field: TextAreaField) -> None:
        """Each line has a key and a Vietnamese answer."""
        lines = _lines(field)
        if not FEWEST_CHOICES <= len(lines) <= MOST_CHOICES:
            raise Refused(_("Write two to six answers."))
        for line in lines:
            key, _equals, answers = line.partition("=")
            if (
                not key.strip()
                or not by_language(answers.strip()).get("vi")
                or "|" in line
                or len(line) > 300
            ):
                raise Refused(_("This line cannot be read: %(line)s", line=line[:60]))

    def keys(self) -> list[str]:
        """The procedures and guides that the answers lead to."""
        return [line.partition("=")[0].strip() for line in _lines(self.choices)]

    def refuse_unknown(self, known: Collection[str]) -> bool:
        """Whether every answer leads to a page; if not, the form says which does not."""
        unknown = [key for key in self.keys() if key not in known]
        if unknown:
            problem = _("There is no published page under %(key)s.", key=unknown[0])
            self.choices.errors = [*self.choices.errors, problem]
        return not unknown

    def values(self) -> dict[str, str]:
        """The line of the vocabulary."""
        asked = [(self[f"question_{lang}"].data or "").strip() for lang in ("vi", "en", "ur")]
        while asked and not asked[-1]:
            asked.pop()
        return {
            "source": self.source.data or "",
            "target": " | ".join([" / ".join(one or asked[0] for one in asked), *_lines(self.choices)]),
        }

    @classmethod
    def of(cls, source: tuple[str, ...], target: tuple[str, ...]) -> QuestionForm:
        """The form as a line of the vocabulary fills it."""
        asked = {f"question_{lang}": line for lang, line in by_language(target[0] if target else "").items()}
        return cls(source=" | ".join(source), choices="\n".join(target[1:]), **asked)


def _lines(field: TextAreaField) -> list[str]:
    return [line.strip() for line in (field.data or "").splitlines() if line.strip()]


def _wordings(field: StringField) -> tuple[str, ...]:
    found = split(field.data or "")
    for one in found:
        if not 0 < len(words(one)) <= LONGEST:
            raise Refused(
                _("Each wording has one to %(number)s words: %(line)s", number=LONGEST, line=one[:60])
            )
    return found
