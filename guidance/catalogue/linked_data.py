"""A procedure as linked data: schema.org for search engines, CPSV-AP for other administrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guidance.catalogue.queries import Card, ProcedurePage

CHANNEL_NAMES = {"online": "online", "counter": "in person", "post": "by post"}


def schema_org(page: ProcedurePage, address: str, breadcrumb: list[tuple[str, str]]) -> dict[str, Any]:
    """GovernmentService and BreadcrumbList in one graph; addresses must be absolute."""
    agency = page.facts.agency.vi if page.facts.agency else (page.record.agency if page.record else "")
    service: dict[str, Any] = {
        "@type": "GovernmentService",
        "@id": address,
        "url": address,
        "name": page.name,
        "inLanguage": page.name_lang,
        "areaServed": {"@type": "Country", "name": "Việt Nam"},
        "availableChannel": [
            {"@type": "ServiceChannel", "name": CHANNEL_NAMES[channel]}
            for channel in dict.fromkeys(option.channel for option in page.options)
        ],
    }
    if page.record and page.record.name != page.name:
        service["alternateName"] = page.record.name
    if page.summary:
        service["description"] = page.summary
    if page.code:
        service["identifier"] = page.code
    if page.sector:
        service["serviceType"] = page.sector
    if agency:
        service["provider"] = {"@type": "GovernmentOrganization", "name": agency}
    if page.record and page.record.source_url:
        service["sameAs"] = page.record.source_url
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": position, "name": name, "item": url}
            for position, (name, url) in enumerate(breadcrumb, start=1)
        ],
    }
    return {"@context": "https://schema.org", "@graph": [service, crumbs]}


def cpsv_ap(page: ProcedurePage, address: str) -> dict[str, Any]:
    """The procedure as a CPSV-AP 3.2 PublicService in JSON-LD."""
    agency = page.facts.agency.vi if page.facts.agency else (page.record.agency if page.record else "")
    service: dict[str, Any] = {
        "@context": {
            "cpsv": "http://purl.org/vocab/cpsv#",
            "cv": "http://data.europa.eu/m8g/",
            "dct": "http://purl.org/dc/terms/",
            "adms": "http://www.w3.org/ns/adms#",
            "eli": "http://data.europa.eu/eli/ontology#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": address,
        "@type": "cpsv:PublicService",
        "dct:identifier": page.code or page.key,
        "dct:title": _in(page.record.name, "vi") if page.record else _in(page.name, page.name_lang),
        "dct:description": _in(page.summary or page.name, page.name_lang),
        "dct:language": {"@id": "http://publications.europa.eu/resource/authority/language/VIE"},
        "dct:spatial": {"@id": "http://publications.europa.eu/resource/authority/country/VNM"},
        "cv:hasChannel": [
            {
                "@type": "cv:Channel",
                "@id": f"{address}#{channel}",
                "dct:identifier": channel,
                "dct:type": CHANNEL_NAMES[channel],
            }
            for channel in dict.fromkeys(option.channel for option in page.options)
        ],
        "cv:hasCost": [
            {
                "@type": "cv:Cost",
                "dct:identifier": f"cost-{number}",
                "cv:value": {"@value": str(option.fee_amount), "@type": "xsd:decimal"},
                "cv:currency": option.fee_currency,
                "cv:ifAccessedThrough": {"@id": f"{address}#{option.channel}"},
            }
            for number, option in enumerate(page.options, start=1)
            if option.fee_amount is not None
        ],
        "cpsv:hasInput": [
            {
                "@type": "cv:Evidence",
                "dct:identifier": f"paper-{number}",
                "dct:title": _in(paper.name, "vi"),
            }
            for number, paper in enumerate((p for case in page.documents for p in case.papers), start=1)
        ],
        "cpsv:produces": [
            {
                "@type": "cpsv:Output",
                "dct:identifier": result.get("code") or f"result-{number}",
                "dct:title": _in(result["name"], "vi"),
            }
            for number, result in enumerate(page.record.results if page.record else [], start=1)
        ],
        "cv:hasLegalResource": [
            {"@type": "eli:LegalResource", "dct:title": instrument.title, "dct:identifier": instrument.number}
            for instrument in page.legal
        ],
    }
    authority = agency or (page.record.publisher if page.record else "")
    if authority:
        service["cv:hasCompetentAuthority"] = {
            "@type": "cv:PublicOrganisation",
            "dct:title": _in(authority, "vi"),
        }
    return service


def _in(text: str, lang: str) -> dict[str, str]:
    return {"@value": text, "@language": lang}


def cpsv_ap_list(cards: Sequence[Card], address: str) -> dict[str, Any]:
    """A page of procedures as CPSV-AP PublicServices in short; `address` is the absolute address of the list."""
    return {
        "@context": {"cpsv": "http://purl.org/vocab/cpsv#", "dct": "http://purl.org/dc/terms/"},
        "@graph": [
            {
                "@id": f"{address}/{card.key}",
                "@type": "cpsv:PublicService",
                "dct:identifier": card.key,
                "dct:title": _in(card.name, card.name_lang),
            }
            for card in cards
        ],
    }
