"""Administrative units as JSON and as linked data for other systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guidance.units.queries import Entry, Place


def _begins(place: Place) -> str | None:
    return place.valid_from.isoformat() if place.valid_from else None


def as_json(entry: Entry) -> dict[str, Any]:
    """One unit; `valid_from` is null where the records do not say when it began."""
    place = entry.place
    return {
        "code": place.code,
        "name": place.name,
        "kind": place.kind,
        "parent": entry.parent,
        "valid_from": _begins(place),
        "valid_to": place.valid_to.isoformat() if place.valid_to else None,
        "successors": [
            {
                "code": one.place.code,
                "name": one.place.name,
                "valid_from": _begins(one.place),
                "relation": one.relation,
            }
            for one in entry.successors
        ],
    }


def linked_data(entries: Sequence[Entry], address: str) -> dict[str, Any]:
    """Units as schema.org AdministrativeAreas; `address` is the absolute address of /api/v1/units."""

    def id_of(place: Place) -> str:
        return f"{address}?code={place.code}&on={(place.valid_to or place.valid_from).isoformat()}"  # type: ignore[union-attr]  # one of both always stands

    graph = []
    for entry in entries:
        place = entry.place
        node: dict[str, Any] = {
            "@id": id_of(place),
            "@type": "AdministrativeArea",
            "identifier": place.code,
            "name": place.name,
            "additionalType": place.kind,
        }
        if entry.successors:
            node["dct:isReplacedBy"] = [{"@id": id_of(one.place)} for one in entry.successors]
        graph.append(node)
    return {
        "@context": {"@vocab": "https://schema.org/", "dct": "http://purl.org/dc/terms/"},
        "@graph": graph,
    }
