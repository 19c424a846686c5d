"""A procedure as JSON for other systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guidance.catalogue.queries import Card, Option, ProcedurePage


def card_json(card: Card) -> dict[str, Any]:
    """A procedure in a list."""
    return {
        "code": card.key,
        "name": card.name,
        "lang": card.name_lang,
        "official_name": card.official_name or None,
        "summary": card.summary or None,
        "sector": card.sector or None,
        "levels": list(card.levels),
        "online": card.online,
    }


def as_json(page: ProcedurePage, unit_codes: Mapping[int, str]) -> dict[str, Any]:
    """Everything the page of a procedure shows; what the official record says is in Vietnamese."""
    record = page.record
    return {
        "code": page.code,
        "key": page.key,
        "status": page.status,
        "valid_from": _day(page.standing.valid_from),
        "valid_to": _day(page.standing.valid_to),
        "superseded_by": list(page.standing.superseded_by),
        "name": page.name,
        "lang": page.name_lang,
        "summary": page.summary or None,
        "sector": page.sector or None,
        "online": page.online,
        "online_said": [
            {
                "level": said.level,
                "unit": unit_codes.get(said.unit_id) if said.unit_id else None,
                "source": said.source,
                "as_of": said.as_of,
            }
            for said in page.levels_said
        ],
        "channels": [_option(option) for option in page.options],
        "documents": [
            {
                "case": case.label or None,
                "papers": [
                    {
                        "name": paper.name,
                        "form": paper.form_file or None,
                        "originals": paper.originals,
                        "copies": paper.copies,
                    }
                    for paper in case.papers
                ],
                "remarks": list(case.remarks),
            }
            for case in page.documents
        ],
        "legal": [
            {
                "number": one.number,
                "title": one.title,
                "superseded_by": one.superseded_by,
                "superseded_on": _day(one.superseded_on),
            }
            for one in page.legal
        ],
        "record": None
        if record is None
        else {
            "name": record.name,
            "levels": record.levels,
            "audience": record.audience,
            "agency": record.agency or None,
            "authority": record.authority or None,
            "coordinating_agency": record.coordinating_agency or None,
            "receiving_address": record.receiving_address or None,
            "publisher": record.publisher or None,
            "decision": record.decision or None,
            "procedure_type": record.procedure_type or None,
            "sequence": record.sequence or None,
            "conditions": record.conditions or None,
            "results": record.results,
            "forms": record.forms,
            "source_url": record.source_url or None,
            "imported_at": record.imported_at.isoformat(timespec="seconds"),
        },
        "guidance": None
        if page.words is None
        else {"lang": page.words_lang, **page.words.model_dump(mode="json", exclude={"name", "summary"})},
        "sources": {key: source.model_dump(mode="json") for key, source in page.facts.sources.items()},
        "before": list(page.before),
        "after": list(page.after),
        "related": [card.key for card in page.related],
        "former_codes": list(page.former_keys),
        "changes": [
            {"at": change.at.isoformat(timespec="seconds"), "fields": list(change.fields)}
            for change in page.changes
        ],
    }


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None


def _option(option: Option) -> dict[str, Any]:
    return {
        "channel": option.channel,
        "case": option.case or None,
        "time": {"value": option.time_value, "unit": option.time_unit, "text": option.time_text or None},
        "fee": {
            "amount": option.fee_amount,
            "currency": option.fee_currency,
            "text": option.fee_text or None,
            "set_by_province": option.set_by_province,
            "valid_to": _day(option.fee_valid_to),
        },
        "note": option.note or None,
        "ambiguous": option.ambiguous,
        "official": option.official,
        "source": option.source.model_dump(mode="json") if option.source else None,
    }
