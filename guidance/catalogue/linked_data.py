"""A procedure as linked data: schema.org for search engines, CPSV-AP for other administrations."""

from __future__ import annotations

from typing import Any

from guidance.catalogue.queries import ProcedurePage

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
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": address,
        "@type": "cpsv:PublicService",
        "dct:identifier": page.code or page.key,
        "dct:title": {"@value": page.record.name if page.record else page.name, "@language": "vi"},
        "dct:language": {"@id": "http://publications.europa.eu/resource/authority/language/VIE"},
        "dct:spatial": {"@id": "http://publications.europa.eu/resource/authority/country/VNM"},
        "cv:hasChannel": [
            {"@type": "cv:Channel", "@id": f"{address}#{channel}", "dct:type": CHANNEL_NAMES[channel]}
            for channel in dict.fromkeys(option.channel for option in page.options)
        ],
        "cv:hasCost": [
            {
                "@type": "cv:Cost",
                "cv:value": {"@value": str(option.fee_amount), "@type": "xsd:decimal"},
                "cv:currency": option.fee_currency,
                "cv:ifAccessedThrough": {"@id": f"{address}#{option.channel}"},
            }
            for option in page.options
            if option.fee_amount is not None
        ],
        "cpsv:hasInput": [
            {
                "@type": "cv:Evidence",
                "dct:title": {"@value": paper.name or paper.form_file, "@language": "vi"},
            }
            for case in page.documents
            for paper in case.papers
        ],
        "cpsv:produces": [
            {"@type": "cpsv:Output", "dct:title": {"@value": result["name"], "@language": "vi"}}
            for result in (page.record.results if page.record else [])
        ],
        "cv:hasLegalResource": [
            {"@type": "eli:LegalResource", "dct:title": instrument.title, "dct:identifier": instrument.number}
            for instrument in page.legal
        ],
    }
    if page.summary:
        service["dct:description"] = page.summary
    if agency:
        service["cv:hasCompetentAuthority"] = {
            "@type": "cv:PublicOrganisation",
            "dct:title": {"@value": agency, "@language": "vi"},
        }
    return service
