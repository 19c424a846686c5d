"""Publishing guides from drafts: what must be right first, in the editor's words, and every earlier state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from guidance import audit
from guidance.catalogue.drafts import CannotPublish, DraftFirst, Version
from guidance.catalogue.models import Draft, Procedure
from guidance.db import db, now, transaction
from guidance.errors import Conflict, NotFound, UserError
from guidance.guides import actions, imports, queries
from guidance.guides.format import (
    GuideFiles,
    as_text,
    content_of,
    differences,
    is_original,
    missing_parts,
    parse,
)
from guidance.guides.models import Guide, GuideText, GuideVersion
from guidance.text import slug as slug_of

if TYPE_CHECKING:
    from guidance.guides.shapes import Words

LANGUAGES = ("vi", "en", "ur")
_OTHER_FILES = re.compile(r"its \w\w file")


class SlugTaken(Conflict):
    """Another guide has this name in its address."""

    message = _l("There is already a guide with this name. Open it, or choose another name.")


class Guides:
    """How drafts of guides are compared, checked and published (a drafts.Kind); a body is the text of the file."""

    def published(self, key: str, lang: str) -> tuple[str, str]:
        """The published file and the number of its version."""
        words = queries.words_of(key, lang)
        if words is None:
            return "", ""
        number = db.session.scalar(
            select(func.max(GuideVersion.number))
            .join(Guide, Guide.id == GuideVersion.guide_id)
            .where(Guide.slug == key, GuideVersion.lang == lang)
        )
        return as_text(words), str(number or 0)

    def lines(self, body: str) -> list[str]:
        """The file's lines."""
        return body.splitlines()

    def problems(self, key: str, lang: str, body: str) -> list[str]:
        """Everything that keeps the file from being published."""
        try:
            words = _read(key, lang, body)
        except CannotPublish as wrong:
            return wrong.problems
        if not is_original(words):
            return list(_unlike(key, words))
        slugs = {*queries.published_slugs(), key}
        # Codes that the national records will bring are good targets even before they are imported.
        keys = set(db.session.scalars(select(Procedure.key))) | imports.known_procedures()
        found = missing_parts(GuideFiles(words, {"vi": words}), slugs, keys)
        return [_said(problem) for problem in found if not _OTHER_FILES.fullmatch(problem)]

    def put(self, key: str, lang: str, body: str, authors: list[str], by: str) -> None:
        """Store the guide; a version is kept."""
        seen = self.published(key, lang)[1]
        actions.publish_words(_read(key, lang, body), ", ".join(authors) or by, int(seen or 0))

    def versions(self, key: str, lang: str) -> list[Version]:
        """Every state the file has been in, newest first."""
        row = guide_row(key)
        if row is None:
            raise NotFound
        query = (
            select(GuideVersion)
            .where(GuideVersion.guide_id == row.id, GuideVersion.lang == lang)
            .order_by(GuideVersion.number.desc())
        )
        return [
            Version(one.number, one.at, (one.account,) if one.account else (), "", one.file)
            for one in db.session.scalars(query)
        ]


GUIDES = Guides()


def _read(key: str, lang: str, body: str) -> Words:
    from pydantic import ValidationError

    try:
        words = parse(body)
    except ValueError as wrong:
        cause = wrong.__cause__
        if isinstance(cause, ValidationError):
            raise CannotPublish(
                [
                    _sentence([str(step) for step in error["loc"]], error["type"], error["msg"])
                    for error in cause.errors()
                ]
            ) from wrong
        raise CannotPublish([_unreadable(str(wrong))]) from wrong
    if words.slug != key or words.lang != lang:
        raise CannotPublish(
            [_("The lines “slug” and “lang” must stay %(slug)s and %(lang)s.", slug=key, lang=lang)]
        )
    return words


def _unreadable(reason: str) -> str:
    place = re.search(r"line (\d+), column (\d+)", reason)
    if place:
        # The first line of the file is "---", which the reader of the front matter does not count.
        return _(
            "The part between the lines of --- cannot be read near line %(line)s, column %(column)s: check quotes, "
            "brackets and spaces there.",
            line=int(place[1]) + 1,
            column=place[2],
        )
    return _("A guide starts with its details between two lines of ---, then comes the text.")


def _sentence(place: list[str], kind: str, reason: str) -> str:
    where = _where(place)
    if kind == "missing":
        return _("“%(place)s” is missing.", place=where)
    if kind == "string_too_short":
        return _("“%(place)s” is empty.", place=where)
    if kind == "extra_forbidden":
        return _("There is no field “%(place)s”. Is it misspelt, or does it belong elsewhere?", place=where)
    return _("“%(place)s” cannot be used: %(reason)s", place=where, reason=reason)


def _where(place: list[str]) -> str:
    return " ".join(str(int(step) + 1) if step.isdigit() else step for step in place)


_SAID = [
    (re.compile(r"a source for (.+)"), _l("“%(one)s” names no source.")),
    (
        re.compile(r"a source named '(.+)' \((.+)\)"),
        _l("The source “%(one)s”, named at “%(two)s”, is not listed."),
    ),
    (re.compile(r"three steps"), _l("A guide needs at least three steps.")),
    (
        re.compile(r"an entry about what may go wrong"),
        _l("Add at least one entry about what may go wrong (trouble)."),
    ),
    (
        re.compile(r"a verified source behind verified_on"),
        _l("“verified_on” has a day, but no source in use was verified."),
    ),
    (re.compile(r"a review date after verified_on"), _l("“review_by” must be later than “verified_on”.")),
    (re.compile(r"the related guide (.+)"), _l("The related guide %(one)s does not exist.")),
    (re.compile(r"the procedure (.+)"), _l("The procedure %(one)s does not exist.")),
    (
        re.compile(r"vi: a link to the (?:guide|procedure) (.+), which does not exist"),
        _l("A link leads to %(one)s, which does not exist."),
    ),
    (
        re.compile(r"vi: a link to (.+), which is neither a page of this site nor of gov.vn"),
        _l("A link leads to %(one)s, which is neither a page of this site nor of gov.vn."),
    ),
    (re.compile(r"(keywords|life_events|systems|owner|sources|prepare|staff)"), _l("“%(one)s” is missing.")),
]


def _said(problem: str) -> str:
    for pattern, sentence in _SAID:
        found = pattern.fullmatch(problem)
        if found:
            one, two = (*found.groups(), "", "")[:2]
            return str(sentence) % {"one": one, "two": two}
    return problem


def _unlike(key: str, words: Words) -> Iterator[str]:
    stored = db.session.scalar(
        select(GuideText.content)
        .join(Guide, Guide.id == GuideText.guide_id)
        .where(Guide.slug == key, GuideText.lang == "vi")
    )
    if stored is None:
        yield _("Publish the Vietnamese original first.")
        return
    for problem in differences(content_of(stored), words):
        yield _("Unlike the original: %(problem)s", problem=problem)


# --- reading -----------------------------------------------------------------------------------


def titles() -> list[tuple[str, str, bool]]:
    """(slug, Vietnamese title, published) of every guide, in order."""
    query = (
        select(Guide.slug, GuideText.title, Guide.published)
        .join(GuideText, (GuideText.guide_id == Guide.id) & (GuideText.lang == "vi"))
        .order_by(Guide.group, Guide.position, Guide.slug)
    )
    return list(db.session.execute(query))


def states(slug: str) -> list[tuple[str, str, int | None]]:
    """(language, missing, outdated or fine, id of its draft) of a guide."""
    outdated = {lang for name, lang in _outdated() if name == slug}
    present = set(
        db.session.scalars(
            select(GuideText.lang).join(Guide, Guide.id == GuideText.guide_id).where(Guide.slug == slug)
        )
    )
    drafts = {
        lang: number
        for number, lang in db.session.execute(
            select(Draft.id, Draft.lang).where(Draft.subject == f"guide:{slug}")
        )
    }
    return [
        (
            lang,
            "missing" if lang not in present else "outdated" if lang in outdated else "fine",
            drafts.get(lang),
        )
        for lang in LANGUAGES
    ]


def _outdated() -> list[tuple[str, str]]:
    rows = db.session.execute(
        select(Guide.slug, GuideVersion.lang, func.max(GuideVersion.at))
        .join(Guide, Guide.id == GuideVersion.guide_id)
        .group_by(Guide.slug, GuideVersion.lang)
    )
    latest = {(name, lang): at for name, lang, at in rows}
    return [
        (name, lang)
        for (name, lang), at in latest.items()
        if lang != "vi" and at < latest.get((name, "vi"), at)
    ]


def translations(lang: str) -> list[tuple[str, str, str]]:
    """(slug, Vietnamese title, 'missing' or 'outdated') of every guide that a language lacks or has in an older state."""
    outdated = {name for name, code in _outdated() if code == lang}
    present = set(
        db.session.scalars(
            select(Guide.slug).join(GuideText, Guide.id == GuideText.guide_id).where(GuideText.lang == lang)
        )
    )
    return [
        (name, title, "missing" if name not in present else "outdated")
        for name, title, _shown in titles()
        if name not in present or name in outdated
    ]


def guide_row(slug: str) -> Guide | None:
    """What is the same in every language of a guide."""
    return db.session.scalar(select(Guide).where(Guide.slug == slug))


def beginning(slug: str, lang: str, title: str = "") -> str:
    """A file to begin with: the original's parts for a translator, a skeleton for a new guide."""
    original = queries.words_of(slug, "vi")
    if lang != "vi" and original is not None:
        return as_text(original.to_translate(lang))
    return _SKELETON.replace("SLUG", slug).replace("TITLE", title.replace('"', "'"))


_SKELETON = """---
slug: SLUG
lang: vi
group: papers
order: 900
title: "TITLE"
summary: ""
keywords: []
life_events: [digital]
procedures: []
systems: []
related: []
verified_on: null
owner: content
review_by: null
sources:
  k: {title: "Kiến thức chung, chưa đối chiếu với nguồn chính thức", url: null, verified_on: null}
prepare:
  - {text: "", source: k}
steps:
  - do: ""
    detail: ""
    source: k
    trouble:
      - {when: "", then: "", source: k, reason: other}
  - do: ""
    source: k
  - do: ""
    source: k
staff:
  - {text: "", source: k}
---
"""


# --- doing -------------------------------------------------------------------------------------


@transaction
def begin_guide(title: str, by: str) -> str:
    """Begin a new guide as a draft; returns the name in its address, which stays."""
    slug = slug_of(title, 50)
    if len(slug) < 3:
        raise UserError(_l("Give the guide a title of a few letters."))
    subject = f"guide:{slug}"
    if guide_row(slug) is not None or db.session.scalar(select(Draft.id).where(Draft.subject == subject)):
        raise SlugTaken
    db.session.add(
        Draft(
            subject=subject,
            lang="vi",
            body=beginning(slug, "vi", " ".join(title.split())),
            authors=[by],
            started_at=now(),
            changed_at=now(),
        )
    )
    audit.record("guide.begun", subject, by)
    return slug


def _refuse_beside_draft(slug: str) -> None:
    if db.session.scalar(select(Draft.id).where(Draft.subject == f"guide:{slug}")):
        raise DraftFirst


@transaction
def confirm(slug: str, by: str, checked: date, next_review: date) -> None:
    """Say that a guide is still correct."""
    _refuse_beside_draft(slug)
    actions.confirm_guide(slug, by, checked, next_review)


@transaction
def take_shipped(slug: str, by: str) -> bool:
    """Replace what editors wrote with the guide that comes with the site; False when there is none."""
    _refuse_beside_draft(slug)
    return imports.take_starter(slug, by)


@transaction
def keep_ours(slug: str, by: str) -> None:
    """Leave our text as it is and stop offering the shipped one."""
    db.session.execute(update(Guide).where(Guide.slug == slug).values(starter_waiting=False))
    audit.record("guide.starter-kept-out", f"guide:{slug}", by)
