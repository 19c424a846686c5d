"""Our guidance about a procedure as an editor fills it in: text becomes values, and values become text again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional, Regexp
from wtforms.validators import ValidationError as Refused

from guidance.catalogue.labels import AUDIENCES, CHANNELS, LEVELS, ONLINE
from guidance.catalogue.normalise import day_or_month, national_code
from guidance.catalogue.queries import NamedLifeEvent
from guidance.catalogue.standing import Standing
from guidance.units.queries import today

if TYPE_CHECKING:
    from pydantic import BaseModel

    from guidance.catalogue.shapes import GuidanceFacts, GuidanceWords

M = TypeVar("M", bound="BaseModel")
_BAR = re.compile(r"(?<!\\)\|")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")
SPARE_ROWS = 2
MOST_ROWS = 40
UNITS_OF_TIME = [
    ("", _l("not stated")),
    ("working_day", _l("working days")),
    ("day", _l("days")),
    ("hour", _l("hours")),
    ("month", _l("months")),
]
_MARKED = _l("One per line. After a bar comes the key of the source, for example:  Bring your card | portal")
_KEYS = _l("One code per line, or guide:slug for a guide.")


class Problems(ValueError):
    """The form cannot be understood; `by_field` holds sentences by the name of the field."""

    def __init__(self, by_field: dict[str, list[str]]) -> None:
        super().__init__("; ".join(sentence for said in by_field.values() for sentence in said))
        self.by_field = by_field


class ThreeLanguages(Form):
    """A short fact in every language, with its source."""

    vi = StringField(_l("in Vietnamese"))
    en = StringField(_l("in English"))
    ur = StringField(_l("in Urdu"))
    source = StringField(_l("key of the source"))


class ChannelRow(Form):
    """One way of handing in: case, time and fee."""

    channel = SelectField(_l("Way"), choices=[("", "–"), *CHANNELS.items()], validate_choice=False)
    case_vi = StringField(_l("In which case, in Vietnamese"))
    case_en = StringField(_l("In which case, in English"))
    case_ur = StringField(_l("In which case, in Urdu"))
    time = StringField(_l("Time limit, a number"))
    time_unit = SelectField(_l("Unit of time"), choices=UNITS_OF_TIME, validate_choice=False)
    fee = StringField(_l("Fee in đồng; 0 means free, empty means not certain"))
    set_by_province = BooleanField(_l("The province sets the fee"))
    fee_unit_vi = StringField(_l("Fee per what, in Vietnamese"))
    fee_unit_en = StringField(_l("Fee per what, in English"))
    fee_unit_ur = StringField(_l("Fee per what, in Urdu"))
    fee_valid_to = StringField(_l("The fee ends on (year-month-day)"))
    note_vi = StringField(_l("Note in Vietnamese"))
    note_en = StringField(_l("Note in English"))
    note_ur = StringField(_l("Note in Urdu"))
    source = StringField(_l("key of the source"))


class SourceRow(Form):
    """Where facts were read."""

    key = StringField(_l("Key, a short word"))
    title_vi = StringField(_l("Title"))
    title_en = StringField(_l("Title in English"))
    title_ur = StringField(_l("Title in Urdu"))
    url = StringField(_l("Address"))
    verified_on = StringField(_l("Checked on (year-month or year-month-day); empty: not yet verified"))


class WordsForm(Form):
    """Our words in one language."""

    name = StringField(_l("Plain name"), description=_l("As a neighbour would say it."))
    summary = TextAreaField(_l("Summary"), description=_l("Two or three short sentences."))
    who = TextAreaField(_l("Who it is for"), description=_MARKED)
    bring = TextAreaField(
        _l("What to bring"),
        description=_l(
            "A line that starts with # opens a case; the first case is everybody's. Then one paper per line:  "
            "Paper | source | note.  A ? in front means: only when the system does not show it."
        ),
    )
    counter = TextAreaField(_l("Steps at the counter"), description=_MARKED)
    online = TextAreaField(_l("Steps online"), description=_MARKED)
    result = StringField(_l("What you get"), description=_l("Result | source"))
    mistakes = TextAreaField(
        _l("Common mistakes"), description=_l("One per line:  What goes wrong | what to do instead | source")
    )
    staff = TextAreaField(_l("For staff: what you do"), description=_MARKED)


class FactsForm(Form):
    """Our facts, the same in every language."""

    sector = StringField(_l("Subject"), description=_l("As the official records name it."))
    levels = SelectMultipleField(_l("Level"), choices=[*LEVELS.items()], validate_choice=False)
    agency = FormField(ThreeLanguages, _l("Who decides"))
    hand_in = FormField(ThreeLanguages, _l("Where to hand in"))
    help_at = FormField(ThreeLanguages, _l("Where to get help"))
    interlinked = FieldList(FormField(ThreeLanguages), _l("Agencies of an interlinked service, in order"))
    audience = SelectMultipleField(_l("For whom"), choices=[*AUDIENCES.items()], validate_choice=False)
    life_events = SelectMultipleField(_l("Moments of life"), choices=[], validate_choice=False)
    online_level = SelectField(
        _l("How far it can be done online"),
        choices=[
            ("", _l("not known")),
            ("full", ONLINE["full"]),
            ("partial", ONLINE["partial"]),
            ("info", ONLINE["counter"]),
        ],
        validate_choice=False,
    )
    online_source = StringField(_l("Source of that, its key"))
    online_as_of = StringField(_l("True on (year-month or year-month-day)"))
    channels = FieldList(FormField(ChannelRow), _l("Ways to hand in, time and fee"))
    related = TextAreaField(_l("Related procedures"), description=_KEYS)
    before = TextAreaField(_l("Do this first"), description=_KEYS)
    after = TextAreaField(_l("What often comes next"), description=_KEYS)
    keywords_vi = TextAreaField(
        _l("How people ask for it, in Vietnamese"), description=_l("One wording per line.")
    )
    keywords_en = TextAreaField(
        _l("How people ask for it, in English"), description=_l("One wording per line.")
    )
    keywords_ur = TextAreaField(_l("How people ask for it, in Urdu"), description=_l("One wording per line."))
    owner = StringField(_l("Owner"), description=_l("Who answers for this page."))
    review_by = StringField(_l("Next review (year-month-day)"))
    sources = FieldList(FormField(SourceRow), _l("Sources"))


class OriginalForm(WordsForm, FactsForm):
    """The Vietnamese words, and the facts of every language."""


def form_of(body: str, lang: str, life_events: Iterable[tuple[str, str]] = ()) -> WordsForm:
    """The form of a language filled with a draft's body, with spare rows to write in."""
    data = MultiDict(json.loads(body) if body else {})
    return _filled(data, lang, life_events)


def form_of_request(
    data: MultiDict[str, str], lang: str, life_events: Iterable[tuple[str, str]] = ()
) -> WordsForm:
    """The form of a language as it was sent."""
    return _filled(data, lang, life_events)


def _filled(data: MultiDict[str, Any], lang: str, life_events: Iterable[tuple[str, str]]) -> WordsForm:
    if lang != "vi":
        return WordsForm(data)
    form = OriginalForm(data)
    form.life_events.choices = [*life_events]
    for rows in (form.interlinked, form.channels, form.sources):
        for _number in range(SPARE_ROWS):
            rows.append_entry()
    return form


def body_of_request(data: Mapping[str, Any], lang: str) -> str:
    """What a draft keeps of a form that was sent: the fields that belong to it, without empty rows."""
    known = set((OriginalForm if lang == "vi" else WordsForm)()._fields)
    sent: dict[str, list[str]] = {
        name: [text.replace("\r\n", "\n") for text in data.getlist(name)]  # type: ignore[attr-defined]  # a MultiDict
        for name in data
        if name.partition("-")[0] in known
    }
    rows: dict[str, set[str]] = {}
    for name, texts in sent.items():
        part, _dash, rest = name.partition("-")
        number = rest.partition("-")[0]
        if number.isdigit() and any(text.strip() for text in texts):
            rows.setdefault(part, set()).add(number)
    order = {
        part: {number: str(place) for place, number in enumerate(sorted(found, key=int)[:MOST_ROWS])}
        for part, found in rows.items()
    }
    kept: dict[str, list[str]] = {}
    for name, texts in sent.items():
        part, _dash, rest = name.partition("-")
        number, _dash, field = rest.partition("-")
        if number.isdigit():
            if number in order.get(part, {}):
                kept[f"{part}-{order[part][number]}-{field}"] = texts
        else:
            kept[name] = texts
    return _packed(kept)


def _packed(kept: dict[str, list[str]]) -> str:
    return json.dumps({name: kept[name] for name in sorted(kept)}, ensure_ascii=False)


# --- values into the form's text --------------------------------------------------------------


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", r"\|")


def _line(*cells: str | None) -> str:
    shown = [_cell(cell) for cell in cells]
    while len(shown) > 1 and not shown[-1]:
        shown.pop()
    return " | ".join(shown)


def _three(prefix: str, value: Any) -> dict[str, list[str]]:
    if value is None:
        return {}
    return {f"{prefix}-{name}": [getattr(value, name) or ""] for name in ("vi", "en", "ur", "source")}


def _by_language(prefix: str, value: str | dict[str, str] | None) -> dict[str, list[str]]:
    if isinstance(value, str):
        value = {"vi": value}
    return {f"{prefix}_{lang}": [text] for lang, text in (value or {}).items()}


def body_of(words: GuidanceWords | None, facts: GuidanceFacts | None) -> str:
    """Words, and facts where they belong to the language, as the body of a draft."""
    kept: dict[str, list[str]] = {}
    if words is not None:
        kept |= _words_text(words)
    if facts is not None:
        kept |= _facts_text(facts)
    return _packed({name: texts for name, texts in kept.items() if any(texts)})


def _words_text(words: GuidanceWords) -> dict[str, list[str]]:
    def marked(part: str) -> list[str]:
        return ["\n".join(_line(entry.text, entry.source) for entry in getattr(words, part))]

    bring: list[str] = []
    for case in words.bring:
        bring.append(f"# {_cell(case.case)}")
        bring.extend(
            ("? " if paper.if_not_shown else "") + _line(paper.text, paper.source, paper.note)
            for paper in case.items
        )
    return {
        "name": [words.name],
        "summary": [words.summary],
        "bring": ["\n".join(bring)],
        "result": [_line(words.result.text, words.result.source) if words.result else ""],
        "mistakes": ["\n".join(_line(one.text, one.instead, one.source) for one in words.mistakes)],
    } | {part: marked(part) for part in ("who", "counter", "online", "staff")}


def parts_of(words: GuidanceWords) -> dict[str, str]:
    """The parts of some words as their form shows them, for a translator to read beside."""
    return {name: texts[0] for name, texts in _words_text(words).items()}


def _facts_text(facts: GuidanceFacts) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {
        "sector": [facts.sector],
        "levels": list(facts.levels),
        "audience": list(facts.audience),
        "life_events": facts.life_events,
        "online_level": [facts.online.level or ""],
        "online_source": [facts.online.source or ""],
        "online_as_of": [facts.online.as_of or ""],
        "owner": [facts.owner],
        "review_by": [facts.review_by.isoformat() if facts.review_by else ""],
    }
    for part in ("related", "before", "after"):
        kept[part] = ["\n".join(getattr(facts, part))]
    for lang in ("vi", "en", "ur"):
        kept[f"keywords_{lang}"] = ["\n".join(facts.keywords.get(lang, []))]
    for part in ("agency", "hand_in", "help_at"):
        kept |= _three(part, getattr(facts, part))
    for number, agency in enumerate(facts.interlinked):
        kept |= _three(f"interlinked-{number}", agency)
    for number, channel in enumerate(facts.channels):
        row = {
            "channel": channel.channel,
            "time": f"{channel.time:g}" if channel.time is not None else "",
            "time_unit": channel.time_unit or "",
            "fee": "" if channel.fee is None else str(channel.fee),
            "set_by_province": "y" if channel.set_by_province else "",
            "fee_valid_to": channel.fee_valid_to.isoformat() if channel.fee_valid_to else "",
            "source": channel.source or "",
        }
        kept |= {f"channels-{number}-{name}": [text] for name, text in row.items() if text}
        for name in ("case", "fee_unit", "note"):
            kept |= _by_language(f"channels-{number}-{name}", getattr(channel, name))
    for number, (key, source) in enumerate(facts.sources.items()):
        kept |= {
            f"sources-{number}-key": [key],
            f"sources-{number}-url": [source.url or ""],
            f"sources-{number}-verified_on": [source.verified_on or ""],
        } | _by_language(f"sources-{number}-title", source.title)
    return kept


# --- the form's text into values --------------------------------------------------------------


class _Reader:
    """Reads one form and gathers what cannot be understood."""

    def __init__(self, form: WordsForm) -> None:
        self.form = form
        self.problems: dict[str, list[str]] = {}

    def say(self, part: str, sentence: str) -> None:
        self.problems.setdefault(part, []).append(sentence)

    def text(self, part: str) -> str:
        return (self.form[part].data or "").strip()

    def lines(self, part: str) -> list[str]:
        return [line.strip() for line in self.text(part).splitlines() if line.strip()]

    def cells(self, part: str, line: str, most: int) -> list[str]:
        found = [cell.strip().replace(r"\|", "|") for cell in _BAR.split(line)]
        if len(found) > most:
            self.say(
                part,
                _(
                    "This line has more bars than it should: %(line)s. Write \\| for a bar that is part of the text.",
                    line=line[:80],
                ),
            )
        return [*found[:most], *[""] * (most - len(found))]

    def marked(self, part: str) -> list[dict[str, Any]]:
        found = []
        for line in self.lines(part):
            words, source = self.cells(part, line, 2)
            if not words:
                self.say(part, _("A line holds a source but no words: %(line)s", line=line[:80]))
            found.append({"text": words, "source": source or None})
        return found

    def cases(self) -> list[dict[str, Any]]:
        cases: list[dict[str, Any]] = []
        for line in self.lines("bring"):
            if line.startswith("#"):
                cases.append({"case": line.lstrip("# ").replace(r"\|", "|"), "items": []})
                continue
            if not cases:
                self.say("bring", _("Begin with a line such as “# Everyone”, which names the case."))
                cases.append({"case": "?", "items": []})
            words, source, note = self.cells("bring", line.removeprefix("?").strip(), 3)
            if not words:
                self.say("bring", _("A line holds a source but no words: %(line)s", line=line[:80]))
            paper = {"text": words, "source": source or None, "note": note or None}
            cases[-1]["items"].append(paper | {"if_not_shown": line.startswith("?")})
        for case in cases:
            if not case["items"]:
                self.say("bring", _("The case “%(case)s” has no papers under it.", case=case["case"]))
        return cases

    def mistakes(self) -> list[dict[str, Any]]:
        found = []
        for line in self.lines("mistakes"):
            words, instead, source = self.cells("mistakes", line, 3)
            if not words or not instead:
                self.say(
                    "mistakes",
                    _("Say what goes wrong and, after a bar, what to do: %(line)s", line=line[:80]),
                )
            found.append({"text": words, "instead": instead, "source": source or None})
        return found

    def number(self, part: str, text: str, whole: bool) -> float | int | None:
        text = text.strip().replace(",", ".") if not whole else re.sub(r"[ .,đ]", "", text)
        if not text:
            return None
        if re.fullmatch(r"[0-9]{1,9}" if whole else r"[0-9]{1,4}(\.[0-9]{1,3})?", text):
            return int(text) if whole else float(text)
        self.say(part, _("“%(text)s” is not a number.", text=text[:40]))
        return None

    def day(self, part: str, text: str, month_is_enough: bool = False) -> str | None:
        text = text.strip()
        if not text:
            return None
        try:
            found = day_or_month(text)
        except ValueError:
            found = None
        if not isinstance(found, str) or (len(found) == 7 and not month_is_enough):
            self.say(part, _("“%(text)s” is not a date such as 2026-11-30.", text=text[:40]))
            return None
        return found


def values_of(body: str, lang: str) -> tuple[GuidanceWords, GuidanceFacts | None]:
    """The words of a body, and the facts when it is the original; raises Problems with everything that is wrong."""
    form = form_of(body, lang)
    reader = _Reader(form)
    words = _words(reader)
    facts = _facts(reader) if isinstance(form, OriginalForm) else None
    if reader.problems or words is None or (facts is None and lang == "vi"):
        raise Problems(reader.problems)
    return words, facts


def _words(reader: _Reader) -> GuidanceWords | None:
    from guidance.catalogue.shapes import GuidanceWords

    if not reader.text("name"):
        reader.say("name", _("Give the procedure a plain name."))
    result = reader.cells("result", reader.text("result"), 2)
    values = {
        "name": reader.text("name"),
        "summary": reader.text("summary"),
        "bring": reader.cases(),
        "mistakes": reader.mistakes(),
        "result": {"text": result[0], "source": result[1] or None} if result[0] else None,
    } | {part: reader.marked(part) for part in ("who", "counter", "online", "staff")}
    return _checked(GuidanceWords, values, reader)


def _checked(model: type[M], values: dict[str, Any], reader: _Reader) -> M | None:
    from pydantic import ValidationError

    if reader.problems:
        return None
    try:
        return model.model_validate(values)
    except ValidationError as wrong:
        for error in wrong.errors():
            part = str(error["loc"][0]) if error["loc"] else "name"
            place = " ".join(str(step) for step in error["loc"])
            reader.say(
                part, _("“%(place)s” cannot be used: %(reason)s", place=place, reason=str(error["msg"]))
            )
        return None


def _bilingual(reader: _Reader, part: str, row: Any) -> dict[str, Any] | None:
    values = {name: (row[name].data or "").strip() or None for name in ("vi", "en", "ur", "source")}
    if not any(values.values()):
        return None
    if not values["vi"] or not values["en"]:
        reader.say(part, _("Fill in both Vietnamese and English, or leave the whole row empty."))
    return values


def _languages(row: Any, name: str) -> dict[str, str] | None:
    found = {lang: (row[f"{name}_{lang}"].data or "").strip() for lang in ("vi", "en", "ur")}
    return {lang: text for lang, text in found.items() if text} or None


def _text_or_languages(row: Any, name: str) -> str | dict[str, str] | None:
    found = _languages(row, name)
    return found["vi"] if found is not None and set(found) == {"vi"} else found


def _channel(reader: _Reader, row: Any) -> dict[str, Any] | None:
    filled = [
        field.name for field in row if field.name.rpartition("-")[2] != "set_by_province" and field.data
    ]
    if not filled and not row["set_by_province"].data:
        return None
    if row["channel"].data not in CHANNELS:
        reader.say("channels", _("Choose the way for every row that you have filled in."))
    return {
        "channel": row["channel"].data,
        "case": _languages(row, "case"),
        "time": reader.number("channels", row["time"].data or "", whole=False),
        "time_unit": row["time_unit"].data or None,
        "fee": reader.number("channels", row["fee"].data or "", whole=True),
        "fee_unit": _text_or_languages(row, "fee_unit"),
        "fee_valid_to": reader.day("channels", row["fee_valid_to"].data or ""),
        "set_by_province": bool(row["set_by_province"].data),
        "note": _languages(row, "note"),
        "source": (row["source"].data or "").strip() or None,
    }


def _sources(reader: _Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in reader.form["sources"]:
        key = (row["key"].data or "").strip()
        title = _text_or_languages(row, "title")
        url = (row["url"].data or "").strip() or None
        day = reader.day("sources", row["verified_on"].data or "", month_is_enough=True)
        if not any((key, title, url, day)):
            continue
        if not _KEY.fullmatch(key):
            reader.say(
                "sources", _("A key of a source is a short word of a-z, 0-9: “%(key)s”.", key=key[:40])
            )
        elif key in found:
            reader.say("sources", _("Two sources have the key “%(key)s”.", key=key))
        if not title:
            reader.say("sources", _("The source “%(key)s” needs a title.", key=key[:40]))
        if url is not None and not re.match(r"https?://[^\s/]+\.[^\s/]+", url):
            reader.say("sources", _("The address of “%(key)s” does not start with https://", key=key[:40]))
        found[key] = {"title": title, "url": url, "verified_on": day}
    return found


def _facts(reader: _Reader) -> GuidanceFacts | None:
    from guidance.catalogue.shapes import GuidanceFacts

    form = reader.form
    keywords = {lang: reader.lines(f"keywords_{lang}") for lang in ("vi", "en", "ur")}
    values = {
        "sector": reader.text("sector"),
        "levels": form["levels"].data or [],
        "agency": _bilingual(reader, "agency", form["agency"]),
        "hand_in": _bilingual(reader, "hand_in", form["hand_in"]),
        "help_at": _bilingual(reader, "help_at", form["help_at"]),
        "interlinked": [
            found
            for row in form["interlinked"]
            if (found := _bilingual(reader, "interlinked", row)) is not None
        ],
        "audience": form["audience"].data or [],
        "life_events": form["life_events"].data or [],
        "online": {
            "level": reader.text("online_level") or None,
            "source": reader.text("online_source") or None,
            "as_of": reader.day("online_as_of", reader.text("online_as_of"), month_is_enough=True),
        },
        "channels": [found for row in form["channels"] if (found := _channel(reader, row)) is not None],
        "related": reader.lines("related"),
        "before": reader.lines("before"),
        "after": reader.lines("after"),
        "owner": reader.text("owner") or "content",
        "review_by": reader.day("review_by", reader.text("review_by")),
        "sources": _sources(reader),
        "keywords": {lang: wordings for lang, wordings in keywords.items() if wordings},
    }
    return _checked(GuidanceFacts, values, reader)


def lines_of(body: str) -> list[str]:
    """A body as lines to compare: the name of each field, then what stands in it."""
    kept: dict[str, list[str]] = json.loads(body) if body else {}
    labels = OriginalForm()
    order = {name: place for place, name in enumerate(labels._fields)}
    found: list[str] = []
    for name in sorted(kept, key=lambda name: (order.get(name.partition("-")[0], 99), _numbered(name))):
        texts = [line for text in kept[name] for line in text.splitlines() if line.strip()]
        if not texts:
            continue
        part, _dash, rest = name.partition("-")
        number, _dash, field = rest.partition("-")
        label = str(labels[part].label.text) if part in labels else part
        if rest:
            label += f" {int(number) + 1} · {field}" if number.isdigit() else f" · {rest}"
            found.extend(f"{label}: {text}" for text in texts)
        elif len(texts) == 1:
            found.append(f"{label}: {texts[0]}")
        else:
            found.extend([f"{label}:", *texts])
    return found


def _numbered(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in name.split("-")]


# --- small forms -------------------------------------------------------------------------------


class NoticeForm(Form):
    """A notice in every language, its days, and the pages it belongs to."""

    kind = SelectField(
        _l("Kind"),
        choices=[
            ("law", _l("Change in the law")),
            ("service", _l("Change in a service")),
            ("outage", _l("Something is out of order")),
            ("scam", _l("Warning against fraud")),
        ],
    )
    title_vi = StringField(_l("Title in Vietnamese"), [InputRequired(_l("Give the notice a title."))])
    body_vi = TextAreaField(_l("Text in Vietnamese"), [InputRequired(_l("Write what people should know."))])
    title_en = StringField(_l("Title in English"))
    body_en = TextAreaField(_l("Text in English"))
    title_ur = StringField(_l("Title in Urdu"))
    body_ur = TextAreaField(_l("Text in Urdu"))
    source = StringField(_l("Source"), [InputRequired(_l("Say who says so."))])
    source_url = StringField(
        _l("Address of the source"),
        [
            Optional(),
            Regexp(r"https?://[^\s/]+\.[^\s]+$", message=_l("The address starts with https://")),
            Length(max=1000, message=_l("The address is too long.")),
        ],
    )
    subjects = TextAreaField(
        _l("Pages it belongs to"),
        description=_l("One per line, for example procedure:1.001193 or guide:vssid. Empty: home page only."),
    )
    shown_from = DateField(_l("Shown from"), [InputRequired(_l("Choose the first day."))])
    shown_to = DateField(_l("Shown until"), [Optional()])

    def validate_shown_to(self, field: DateField) -> None:
        """The last day is not before the first."""
        if field.data and self.shown_from.data and field.data < self.shown_from.data:
            raise Refused(_("The last day lies before the first."))

    def validate_subjects(self, field: TextAreaField) -> None:
        """Every line names a page."""
        for line in (field.data or "").split():
            if not re.fullmatch(r"(procedure|guide):[\w.-]+", line):
                raise Refused(_("“%(line)s” names no page.", line=line[:80]))

    def values(self) -> dict[str, Any]:
        """What the notice is to be."""
        return {
            "kind": self.kind.data,
            "title": _kept(self, "title"),
            "body": _kept(self, "body"),
            "subjects": (self.subjects.data or "").split(),
            "source": self.source.data.strip(),
            "source_url": (self.source_url.data or "").strip(),
            "shown_from": self.shown_from.data,
            "shown_to": self.shown_to.data,
        }


def _kept(form: Form, name: str) -> dict[str, str]:
    found = {lang: (form[f"{name}_{lang}"].data or "").strip() for lang in ("vi", "en", "ur")}
    return {lang: text for lang, text in found.items() if text}


class LifeEventForm(Form):
    """One moment of life; an empty Vietnamese name means: not here."""

    slug = HiddenField()
    vi = StringField(_l("Vietnamese"), [Length(max=80, message=_l("At most 80 characters."))])
    en = StringField(_l("English"), [Length(max=80, message=_l("At most 80 characters."))])
    ur = StringField(_l("Urdu"), [Length(max=80, message=_l("At most 80 characters."))])
    position = StringField(_l("Place in the list"))
    shown = BooleanField(_l("Shown"))

    def validate_vi(self, field: StringField) -> None:
        """One that exists keeps its name; it can be hidden."""
        if self.slug.data and not (field.data or "").strip():
            raise Refused(_("A moment of life needs its Vietnamese name. Untick “Shown” to hide it."))

    def validate_position(self, field: StringField) -> None:
        """A whole number or nothing."""
        if field.data and not re.fullmatch(r"\d{1,4}", field.data.strip()):
            raise Refused(_("Write a whole number."))


class LifeEventsForm(Form):
    """Every moment of life, in order."""

    events = FieldList(FormField(LifeEventForm), max_entries=60)

    def values(self) -> list[NamedLifeEvent]:
        """The moments of life as they are to be, in order; two of the same place keep their order in the form."""
        rows = [row.form for row in self.events if (row.form.vi.data or "").strip()]
        rows.sort(key=lambda row: int(row.position.data or 9999))
        return [
            NamedLifeEvent(
                row.slug.data or "",
                {
                    lang: " ".join(row[lang].data.split())
                    for lang in ("vi", "en", "ur")
                    if (row[lang].data or "").strip()
                },
                bool(row.shown.data),
            )
            for row in rows
        ]


class NewForm(Form):
    """The name of something that is to be begun."""

    name = StringField(
        _l("Plain name in Vietnamese"),
        [
            InputRequired(_l("Give it a name.")),
            Length(max=150, message=_l("At most 150 characters.")),
        ],
        description=_l("The address is made from it and stays for ever."),
    )


class ConfirmForm(Form):
    """Still correct: until when."""

    next_review = DateField(_l("Next review"), [InputRequired(_l("Choose the day of the next review."))])

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def validate_next_review(self, field: DateField) -> None:
        """In the future, and not further than two years."""
        if not self.today < field.data <= self.today.replace(year=self.today.year + 2, day=1):
            raise Refused(_("Choose a day within the next two years."))


class StandingForm(Form):
    """From and until when a procedure is in force, what takes its place, and who says so."""

    valid_from = DateField(_l("In force from"), [Optional()])
    valid_to = DateField(_l("Last day in force"), [Optional()])
    superseded_by = StringField(
        _l("Replaced by"),
        [Length(max=300, message=_l("At most 300 characters."))],
        description=_l(
            "Codes with commas between them. Without a last day the replacement counts from today."
        ),
    )
    source = StringField(_l("Who says so"), [Length(max=300, message=_l("At most 300 characters."))])
    source_url = StringField(
        _l("Address of the source"),
        [
            Optional(),
            Regexp(r"https?://[^\s/]+\.[^\s]+$", message=_l("The address starts with https://")),
            Length(max=1000, message=_l("The address is too long.")),
        ],
    )
    checked = DateField(
        _l("Checked on"), [Optional()], description=_l("Leave it empty as long as nobody has checked.")
    )

    @classmethod
    def of(cls, standing: Standing) -> StandingForm:
        """The form filled with what is stored."""
        checked = standing.checked if standing.checked and len(standing.checked) == 10 else None
        return cls(
            valid_from=standing.valid_from,
            valid_to=standing.valid_to,
            superseded_by=", ".join(standing.superseded_by),
            source=standing.source,
            source_url=standing.source_url,
            checked=date.fromisoformat(checked) if checked else None,
        )

    def _codes(self) -> list[str]:
        return list(dict.fromkeys((self.superseded_by.data or "").replace(",", " ").split()))

    def validate_valid_to(self, field: DateField) -> None:
        """The last day is not before the first."""
        if field.data and self.valid_from.data and field.data < self.valid_from.data:
            raise Refused(_("The last day lies before the first."))

    def validate_superseded_by(self, _field: StringField) -> None:
        """Codes, or addresses of this site."""
        for code in self._codes():
            if national_code(code) != code and not re.fullmatch(r"x-[a-z0-9-]{1,80}", code):
                raise Refused(_("“%(code)s” is no procedure code.", code=code[:40]))

    def validate_source(self, field: StringField) -> None:
        """What readers are told needs somebody who says so."""
        told = self.valid_from.data or self.valid_to.data or self._codes()
        if told and not (field.data or "").strip():
            raise Refused(_("Say who says so."))

    def validate_checked(self, field: DateField) -> None:
        """Nobody has checked anything in the future."""
        if field.data and field.data > today():
            raise Refused(_("This day is still to come."))

    def values(self) -> Standing:
        """The standing as it is stored; only after a successful validate()."""
        return Standing(
            self.valid_from.data,
            self.valid_to.data,
            tuple(self._codes()),
            " ".join((self.source.data or "").split()),
            (self.source_url.data or "").strip(),
            self.checked.data.isoformat() if self.checked.data else None,
        )


class CodeForm(Form):
    """The code that has been published for a procedure without one."""

    code = StringField(_l("Published code"), [InputRequired(_l("Enter the code, for example 1.001193."))])

    def validate_code(self, field: StringField) -> None:
        """A procedure code."""
        if national_code(field.data or "") is None:
            raise Refused(_("“%(code)s” is no procedure code.", code=(field.data or "")[:40]))
