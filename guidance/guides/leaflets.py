"""Guides and procedures as leaflets: one plain shape for both, ready to be laid out on A4."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from flask import current_app, g
from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup

from guidance import charts, i18n
from guidance.catalogue import labels
from guidance.catalogue import queries as catalogue
from guidance.guides import queries
from guidance.guides.markdown import inline
from guidance.units.queries import today

if TYPE_CHECKING:
    from guidance.catalogue.shapes import Marked, Source

LONGEST_SEQUENCE = 1800


class Line(NamedTuple):
    """One line of a leaflet, with smaller lines under it; `unverified` puts the mark behind it."""

    text: Markup
    under: tuple[Markup, ...] = ()
    unverified: bool = False


class Section(NamedTuple):
    """A heading and its lines; kind: steps (numbered), ticks (boxes to tick), list, careful (a warning)."""

    heading: str
    kind: str
    lines: tuple[Line, ...]


class Leaflet(NamedTuple):
    """One leaflet in one language; `lang` is the language of its words.

    `path` is the page it comes from and what its code holds; `short` leads there too and is quicker to type.
    """

    lang: str
    label_lang: str
    title: str
    official: str
    summary: str
    facts: tuple[tuple[str, Line], ...]
    sections: tuple[Section, ...]
    path: str
    short: str
    checked: str
    labels: Mapping[str, str] = {}

    @property
    def letters(self) -> int:
        """How much there is to print, so that long leaflets get smaller type."""
        lines = [line for section in self.sections for line in section.lines]
        lines += [line for _name, line in self.facts]
        words = sum(
            len(line.text.striptags()) + sum(len(more.striptags()) for more in line.under) for line in lines
        )
        there = words + 40 * len(lines) + 80 * len(self.sections) + len(self.summary)
        return int(there * 1.5) if self.lang == "ur" else there  # Nastaliq needs high lines

    @property
    def any_unverified(self) -> bool:
        """Whether the footnote about unverified lines is needed."""
        lines = [line for section in self.sections for line in section.lines]
        return any(line.unverified for line in (*lines, *(line for _name, line in self.facts)))


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Let labels and dates be in this language for a while."""
    before = g.get("lang")
    g.lang = lang
    try:
        with force_locale(lang):
            yield
    finally:
        g.lang = before


def qr(path: str) -> Markup:
    """A QR code of the full address of a path, as SVG; the address comes from the settings alone."""
    return _drawn(str(current_app.config["SETTINGS"].site_url) + path)


@lru_cache(maxsize=512)
def _drawn(address: str) -> Markup:
    return charts.qr_code(address)


def _labels() -> dict[str, str]:
    return {
        "unverified": _("° Not yet compared with an official source."),
        "address": _("Read this on your phone:"),
    }


def _open(sources: "dict[str, Source]", key: str | None) -> bool:
    source = sources.get(key or "")
    return source is not None and source.verified_on is None


def of_guide(slug: str, lang: str) -> Leaflet | None:
    """The leaflet of a guide in the reader's language or the nearest there is."""
    page = queries.guide_page(slug, lang)
    if page is None:
        return None
    with speaking(lang):
        return _guide_leaflet(page, lang)


def _trouble(entries: tuple[queries.TroubleEntry, ...], lang: str) -> tuple[Markup, ...]:
    return tuple(_then(inline(one.when, lang, False), inline(one.then, lang, False)) for one in entries)


def _then(when: Markup | str, then: Markup | str) -> Markup:
    # A face without bold letters, as for Urdu, needs the colon to tell one from the other.
    colon = "" if str(when).rstrip().endswith(("?", "؟", ".", "۔", "!", ":")) else ":"
    return Markup("<em>{}{}</em> {}").format(when, colon, then)


def _paragraphs(text: str, lang: str) -> Iterator[Markup]:
    for part in text.splitlines():
        if part.strip():
            said = inline(part.strip().removeprefix("- "), lang, outside=False)
            yield Markup("• {}").format(said) if part.startswith("- ") else said


def _guide_leaflet(page: queries.GuidePage, lang: str) -> Leaflet:
    def line(text: str, source: str | None, under: tuple[Markup, ...] = ()) -> Line:
        return Line(inline(text, lang, outside=False), under, _open(page.sources, source))

    names = {"where": _("Where"), "time": _("How long"), "fee": _("How much")}
    sections = []
    if page.prepare:
        ready = tuple(line(entry.text, entry.source) for entry in page.prepare)
        sections.append(Section(_("Have ready"), "ticks", ready))
    steps = []
    for step in page.steps:
        under = (*_paragraphs(step.detail, lang), *_trouble(step.trouble, lang))
        steps.append(line(step.do, step.source, under))
    sections.append(Section(_("Steps"), "steps", tuple(steps)))
    kinds = {step.careful for step in page.steps if step.careful}
    if kinds:
        sections.append(
            Section(
                _("Beware of fraud"),
                "careful",
                tuple(Line(Markup("{}").format(warning(kind))) for kind in sorted(kinds)),
            )
        )
    if page.trouble:
        wrong = tuple(
            Line(said, (), _open(page.sources, one.source))
            for one, said in zip(page.trouble, _trouble(page.trouble, lang), strict=True)
        )
        sections.append(Section(_("If something goes wrong"), "list", wrong))
    if page.result:
        got = (line(page.result.text, page.result.source),)
        sections.append(Section(_("What you get"), "list", got))
    return Leaflet(
        lang=page.lang,
        label_lang=lang,
        title=page.title,
        official="",
        summary=page.summary,
        facts=tuple((names[name], line(fact.text, fact.source)) for name, fact in page.facts.items()),
        sections=tuple(sections),
        path=f"/{lang}/guides/{page.slug}",
        short=f"/{page.slug}",
        checked=_checked(page.verified_on),
        labels=_labels(),
    )


def _checked(verified_on: str | None) -> str:
    if verified_on:
        return _("Checked on: %(date)s", date=i18n.format_checked(verified_on))
    return _("Not yet verified")


def warning(kind: str) -> str:
    """The site's warning against fraud near a code, a payment or a link."""
    if kind == "payment":
        return _(
            "Pay only the office, school, hospital or post office itself: at the counter, on dichvucong.gov.vn or in its official app. Look whose name the money goes to, never pay into a private account, and keep the receipt."
        )
    if kind == "link":
        return _(
            "Open only addresses that end in .gov.vn. Get apps only from the App Store or Google Play, never from a link somebody sends you."
        )
    return _(
        "Never tell anybody your code (OTP), password or passcode. No official asks for them, not by telephone and not through Zalo."
    )


def of_procedure(key: str, lang: str) -> Leaflet | None:
    """The leaflet of a procedure: our words where there are any, the official papers and ways where there are none."""
    page = catalogue.page(key, lang)
    if page is None:
        return None
    with speaking(lang):
        return _procedure_leaflet(page, lang)


def _procedure_leaflet(page: catalogue.ProcedurePage, lang: str) -> Leaflet:
    sources = page.facts.sources

    def lines(entries: "list[Marked]") -> tuple[Line, ...]:
        return tuple(Line(inline(one.text, lang, False), (), _open(sources, one.source)) for one in entries)

    sections: list[Section] = []
    words = page.words
    if words is not None:
        if words.who:
            sections.append(Section(_("Who it is for"), "list", lines(list(words.who))))
        for case in words.bring:
            heading = _("What to bring") if len(words.bring) == 1 else f"{_('What to bring')}: {case.case}"
            papers = tuple(
                Line(inline(f"{one.text} ({one.note})" if one.note else one.text, lang, False), (),
                     _open(sources, one.source))
                for one in case.items
            )  # fmt: skip
            sections.append(Section(heading, "ticks", papers))
        if words.counter:
            sections.append(Section(_("At the counter"), "steps", lines(list(words.counter))))
        if words.online:
            sections.append(Section(_("Online"), "steps", lines(list(words.online))))
            sections.append(
                Section(_("Beware of fraud"), "careful", (Line(Markup("{}").format(warning("codes"))),))
            )
        if words.mistakes:
            sections.append(
                Section(
                    _("Common mistakes"),
                    "list",
                    tuple(
                        Line(_then(one.text, one.instead), (), _open(sources, one.source))
                        for one in words.mistakes
                    ),
                )
            )
    else:
        sections += _official_sections(page)
    return Leaflet(
        lang=page.words_lang if words is not None else "vi",
        label_lang=lang,
        title=page.name,
        official=" · ".join(
            filter(
                None,
                [
                    _("Code %(code)s", code=page.code) if page.code else "",
                    page.facts.sector or (page.record.sector if page.record else ""),
                ],
            )
        ),
        summary=page.summary,
        facts=tuple(_procedure_facts(page, lang)),
        sections=tuple(sections),
        path=f"/{lang}/procedures/{page.key}",
        short=f"/{page.key}",
        checked=_procedure_checked(page),
        labels=_labels(),
    )


def _official_sections(page: catalogue.ProcedurePage) -> Iterator[Section]:
    for case in page.documents:
        heading = f"{_('Papers of the file')}: {case.label}" if case.label else _("Papers of the file")
        papers = tuple(Line(Markup("{}").format(one.name)) for one in case.papers)
        if papers:
            yield Section(heading, "ticks", papers)
    sequence = page.record.sequence if page.record else ""
    if sequence and len(sequence) <= LONGEST_SEQUENCE:
        parts = tuple(
            Line(Markup("{}").format(part.strip())) for part in sequence.splitlines() if part.strip()
        )
        yield Section(_("How it is carried out, officially"), "list", parts)


def _procedure_facts(page: catalogue.ProcedurePage, lang: str) -> Iterator[tuple[str, Line]]:
    facts = page.facts
    used = list(dict.fromkeys(str(labels.CHANNELS[option.channel]) for option in page.options))
    if used:
        yield _("How"), Line(Markup("{}").format(", ".join(used)))
    if facts.hand_in:
        said = getattr(facts.hand_in, lang, None) or facts.hand_in.en
        yield (
            _("Where to hand in"),
            Line(Markup("{}").format(said), (), _open(facts.sources, facts.hand_in.source)),
        )
    for name, what in ((_("How long"), "time"), (_("How much"), "fee")):
        told = labels.by_channel(page.options, what, page.readings, today())
        if told:
            text = "; ".join(f"{line.channel}: {line.words}" if line.channel else line.words for line in told)
            unchecked = any(line.source is not None and line.source.verified_on is None for line in told)
            yield name, Line(Markup("{}").format(text), (), unchecked)
    if page.words is not None and page.words.result:
        got = page.words.result
        yield _("What you get"), Line(inline(got.text, lang, False), (), _open(facts.sources, got.source))
    if facts.agency:
        said = getattr(facts.agency, lang, None) or facts.agency.en
        yield _("Who decides"), Line(Markup("{}").format(said), (), _open(facts.sources, facts.agency.source))


def _procedure_checked(page: catalogue.ProcedurePage) -> str:
    days = sorted(source.verified_on for source in page.facts.sources.values() if source.verified_on)
    if days:
        return _checked(days[0])
    if page.record is not None:
        return _("Official record of %(day)s", day=i18n.format_day(page.record.imported_at))
    return _checked(None)
