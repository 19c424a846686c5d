"""The catalogue's own terms in the reader's words: channels, levels, audiences, time limits, fees."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from guidance.catalogue.queries import Option
from guidance.i18n import format_money, format_number

if TYPE_CHECKING:
    from guidance.catalogue.shapes import Source

CHANNELS = {"online": _l("Online"), "counter": _l("At the counter"), "post": _l("By post")}
LEVELS = {
    "commune": _l("Commune"),
    "province": _l("Province"),
    "ministry": _l("Ministry"),
    "other": _l("Other body"),
}
ONLINE = {
    "full": _l("Fully online"),
    "partial": _l("Partly online"),
    "channel": _l("Online possible"),
    "counter": _l("At the counter"),
}
AUDIENCES = {
    "citizen": _l("Vietnamese citizens"),
    "overseas": _l("Vietnamese living abroad"),
    "foreigner": _l("Foreigners"),
    "officials": _l("Officials and public employees"),
    "business": _l("Businesses"),
    "foreign-business": _l("Businesses with foreign capital"),
    "organisation": _l("Organisations"),
    "foreign-organisation": _l("Foreign organisations"),
    "cooperative": _l("Cooperatives"),
}
FIELDS = {
    "code": _l("code"),
    "name": _l("name"),
    "sector": _l("subject"),
    "level": _l("level"),
    "agency": _l("who carries it out"),
    "authority": _l("competent authority"),
    "coordinating_agency": _l("agencies that take part"),
    "receiving_address": _l("receiving address"),
    "publisher": _l("publisher"),
    "decision": _l("decision"),
    "procedure_type": _l("kind of procedure"),
    "sequence": _l("how it is carried out"),
    "methods": _l("ways, time and fee"),
    "documents": _l("papers of the file"),
    "audience": _l("for whom"),
    "legal_basis": _l("legal basis"),
    "result": _l("result"),
    "conditions": _l("conditions"),
    "forms": _l("forms"),
    "online": _l("online channel"),
    "url": _l("source address"),
}
# Fields that hold the same text a second time, as the source gave it, or say nothing to a reader.
_SILENT = {"methods_raw", "documents_raw", "legal_basis_raw", "legal_numbers", "source"}
# The label of the years before August 2022, for people who still know it.
LEGACY = {"full": 4, "partial": 3}


class Told(NamedTuple):
    """One line of the fact card; `source` is given where the line is our reading of the record."""

    channel: str
    words: str
    source: Source | None = None


def audience(word: str) -> str:
    """Who may ask for a procedure; words we do not know stay as the record has them."""
    return str(AUDIENCES.get(word, word))


def fields(names: Iterable[str]) -> str:
    """The parts of a record that changed, in words; parts we do not know keep their name."""
    told = [str(FIELDS.get(name, name)) for name in names if name not in _SILENT]
    return ", ".join(told) or _("the wording")


def time_limit(option: Option) -> str:
    """A time limit in words, '3 working days'; the source's own words where it is not certain."""
    if option.time_value is None:
        return option.time_text
    return duration(option.time_value, option.time_unit)


def duration(number: float, unit: str | None) -> str:
    """A number of working days, days, hours or months in words."""
    whole = int(number) if number == int(number) else None
    shown = format_number(whole if whole is not None else number)
    count = whole if whole is not None else 2
    if unit == "working_day":
        return ngettext("%(shown)s working day", "%(shown)s working days", count, shown=shown)
    if unit == "day":
        return ngettext("%(shown)s day", "%(shown)s days", count, shown=shown)
    if unit == "hour":
        return ngettext("%(shown)s hour", "%(shown)s hours", count, shown=shown)
    if unit == "month":
        return ngettext("%(shown)s month", "%(shown)s months", count, shown=shown)
    return _("%(shown)s (the source names no unit)", shown=shown)


def fee(option: Option) -> str:
    """A fee in words where it is certain, else an empty text: then only the source's words may be shown."""
    if option.fee_amount is None:
        return _("set by the province") if option.set_by_province else ""
    if option.fee_amount == 0:
        return _("Free")
    if option.fee_currency != "VND":
        return f"{format_number(option.fee_amount)} {option.fee_currency}"
    return format_money(option.fee_amount)


def by_channel(
    options: Iterable[Option], what: str, ours: Iterable[Option] = (), today: date | None = None
) -> list[Told]:
    """Lines for the fact card: one when all channels agree, one per channel else; channels nobody is sure of left out.

    A channel's fee is told only when every row of it is certain and no rate in it has ended by `today`; else what we
    read in the notes (`ours`) stands in, with its source.
    """
    say = time_limit if what == "time" else fee
    rows: dict[str, list[Option]] = {}
    for option in options:
        rows.setdefault(option.channel, []).append(option)
    readings = [option for option in ours if say(option) and not _ended(option, today)]
    lines: dict[str, tuple[str, Source | None]] = {}
    for channel, told in rows.items():
        unsure = what == "fee" and any(not say(option) or _ended(option, today) for option in told)
        instead = [option for option in readings if option.channel == channel] if unsure else []
        words = list(dict.fromkeys(filter(None, map(say, instead if unsure else told))))
        if words:
            sources = [option.source for option in instead if option.source is not None]
            unchecked = [source for source in sources if source.verified_on is None]
            lines[channel] = (_(" or ").join(words[:3]), next(iter(unchecked + sources), None))
    said = list(lines.values())
    if said and lines.keys() == rows.keys() and all(line == said[0] for line in said):
        return [Told("", *said[0])]
    return [Told(str(CHANNELS[channel]), *line) for channel, line in lines.items()]


def _ended(option: Option, today: date | None) -> bool:
    return today is not None and option.fee_valid_to is not None and option.fee_valid_to < today


class Reading(NamedTuple):
    """How we read the notes of a record for one case, with the channels it is true for."""

    channels: str
    case: str
    fee: str
    fee_unit: str
    note: str
    source: Source | None


def readings(options: Iterable[Option]) -> list[Reading]:
    """Our explanations beside the record's table, equal ones told once; those that add no word are left out."""
    channels: dict[tuple[str, str, str, str], list[str]] = {}
    sources: dict[tuple[str, str, str, str], Source | None] = {}
    for option in options:
        key = (option.case, fee(option), option.fee_text, option.note)
        if option.case or option.note:
            channels.setdefault(key, []).append(str(CHANNELS[option.channel]))
            sources.setdefault(key, option.source)
    return [Reading(", ".join(dict.fromkeys(names)), *key, sources[key]) for key, names in channels.items()]


def disagreement(detail: str) -> str:
    """What a task of kind 'disagrees' says (its detail as layers.py writes it)."""
    found = json.loads(detail)
    if found["what"] in ("channels", "levels"):
        words = CHANNELS if found["what"] == "channels" else LEVELS
        sides = {name: ", ".join(str(words[one]) for one in found[name]) for name in ("ours", "record")}
        if found["what"] == "channels":
            return _("How: we say %(ours)s, the record says %(record)s.", **sides)
        return _("Who decides: we say %(ours)s, the record says %(record)s.", **sides)
    say = format_money if found["what"] == "fee" else (lambda pair: duration(*pair))
    told = {name: _(" or ").join(say(value) for value in found[name]) for name in ("ours", "record")}
    channel = CHANNELS[found["channel"]]
    if found["what"] == "fee":
        return _("%(channel)s, fee: we say %(ours)s, the record says %(record)s.", channel=channel, **told)
    return _("%(channel)s, time: we say %(ours)s, the record says %(record)s.", channel=channel, **told)
