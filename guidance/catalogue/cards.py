"""One short row per published procedure, for lists and search; derived, and made anew when its sources change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from guidance.catalogue.guidance import facts_of
from guidance.catalogue.models import (
    Guidance,
    GuidanceText,
    OfficialRecord,
    OnlineLevel,
    PlainName,
    Procedure,
    ProcedureCard,
)
from guidance.catalogue.normalise import agency_names
from guidance.db import db
from guidance.text import fold, slug
from guidance.units.models import REFORM_DAY

if TYPE_CHECKING:
    from guidance.catalogue.shapes import GuidanceFacts


def spaced(words: Iterable[str]) -> str:
    """Words between spaces, so that ' word ' finds exactly one of them."""
    joined = " ".join(dict.fromkeys(words))
    return f" {joined} " if joined else " "


def refresh() -> int:
    """Make all cards anew inside the caller's transaction; returns how many procedures are published."""
    names = _names()
    records = {
        row.procedure_id: row
        for row in db.session.execute(
            select(
                OfficialRecord.procedure_id,
                OfficialRecord.name,
                OfficialRecord.sector,
                OfficialRecord.agency,
                OfficialRecord.levels,
                OfficialRecord.audience,
                OfficialRecord.online,
                OfficialRecord.quarantine,
            )
        )
    }
    guided = {
        procedure_id: facts_of(facts)
        for procedure_id, facts in db.session.execute(select(Guidance.procedure_id, Guidance.facts))
    }
    levels = _national_levels()
    texts: dict[int, dict[str, tuple[str, str]]] = {}
    for procedure_id, lang, name, summary in db.session.execute(
        select(GuidanceText.procedure_id, GuidanceText.lang, GuidanceText.name, GuidanceText.summary)
    ):
        texts.setdefault(procedure_id, {})[lang] = (name, summary)
    cards: list[dict[str, Any]] = []
    for procedure in db.session.execute(
        select(Procedure.id, Procedure.key, Procedure.code, Procedure.status)
    ):
        record, facts = records.get(procedure.id), guided.get(procedure.id)
        if procedure.status == "draft" or (facts is None and (record is None or record.quarantine)):
            continue
        ours = texts.get(procedure.id, {})
        plain = names.get(procedure.code or "", {})
        official = record.name if record else ""
        shown = {lang: ours[lang][0] if lang in ours else plain.get(lang, "") for lang in ("vi", "en", "ur")}
        facts = facts or facts_of(None)
        agency = (record.agency if record else "") or (facts.agency.vi if facts.agency else "")
        cards.append(
            {
                "procedure_id": procedure.id,
                "key": procedure.key,
                "name_vi": shown["vi"] or official,
                "name_en": shown["en"],
                "name_ur": shown["ur"],
                "official_name": official,
                "folded_name": fold(shown["vi"] or official),
                "summary": {lang: summary for lang, (_name, summary) in ours.items()},
                "sector": (record.sector if record else "") or facts.sector,
                "agency": agency,
                "agencies": spaced(slug(name) for name in agency_names(agency)),
                "levels": spaced(record.levels if record and record.levels else facts.levels),
                "audience": spaced([*(record.audience if record else ()), *facts.audience]),
                "life_events": spaced(facts.life_events),
                "online": _online(levels.get(procedure.id) or facts.online.level, record, facts),
                "has_guidance": bool(ours),
            }
        )
    db.session.execute(delete(ProcedureCard))
    if cards:
        db.session.execute(insert(ProcedureCard), cards)
    return len(cards)


def _names() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for code, lang, name in db.session.execute(select(PlainName.code, PlainName.lang, PlainName.name)):
        found.setdefault(code, {})[lang] = name
    return found


def _national_levels() -> dict[int, str]:
    query = select(OnlineLevel.procedure_id, OnlineLevel.level)
    since = OnlineLevel.as_of >= REFORM_DAY.isoformat()  # as queries.ProcedurePage.nation_said
    query = query.where(OnlineLevel.unit_id.is_(None), since).order_by(OnlineLevel.as_of)
    return dict(db.session.execute(query).all())


def _online(level: str | None, record: Any, facts: GuidanceFacts) -> str:
    if level in {"full", "partial"}:
        return str(level)
    if level == "info":
        return "counter"
    channels = {channel.channel for channel in facts.channels}
    return "channel" if (record is not None and record.online) or "online" in channels else "counter"
