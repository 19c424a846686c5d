"""The wordings of one document (titles, phrases, sentences) as term numbers, packed so that few of them need a look."""

from __future__ import annotations  # array[int] is only a name to Python 3.11

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping

_HEAD = struct.Struct("<HHII")  # wordings, different terms, terms in all, places in all


class Wordings:
    """Every wording as a row of term numbers with its field and the rarity of its words together."""

    __slots__ = ("_ends", "_flat", "_places", "_starts", "_terms", "fields", "rarities")

    def __init__(self, content: bytes) -> None:
        """Lay out what ``pack`` made; an empty content has no wordings."""
        count, different, size, places = _HEAD.unpack_from(content) if content else (0, 0, 0, 0)
        at = _HEAD.size
        self.fields = content[at : at + count]
        at += count
        self.rarities = array("f", content[at : (at := at + 4 * count)])
        self._ends = array("I", content[at : (at := at + 4 * (count + 1))])
        self._flat = array("I", content[at : (at := at + 4 * size)])
        self._terms = array("I", content[at : (at := at + 4 * different)])
        self._starts = array("H", content[at : (at := at + 2 * (different + 1))])
        self._places = array("H", content[at : at + 2 * places])

    def row(self, wording: int) -> array[int]:
        """The term numbers of a wording in their order."""
        return self._flat[self._ends[wording] : self._ends[wording + 1]]

    def holding(self, bits: Mapping[int, int]) -> dict[int, int]:
        """The wordings that hold some of these terms, each with the bits of those it holds."""
        found: dict[int, int] = {}
        so_far, terms, starts, places = found.get, self._terms, self._starts, self._places
        end = len(terms)
        for term, bit in bits.items():
            at = bisect_left(terms, term)
            if at < end and terms[at] == term:
                for wording in places[starts[at] : starts[at + 1]]:
                    found[wording] = so_far(wording, 0) | bit
        return found

    @staticmethod
    def pack(wordings: Iterable[tuple[int, array[int]]], rarity: Mapping[int, float] | array[float]) -> bytes:
        """The content for some wordings (field number, term numbers)."""
        fields, rarities, ends, flat = bytearray(), array("f"), array("I", [0]), array("I")
        standing: dict[int, list[int]] = {}
        for number, (field, row) in enumerate(wordings):
            fields.append(field)
            rarities.append(sum([rarity[term] for term in row]))
            flat.extend(row)
            ends.append(len(flat))
            for term in row:
                places = standing.setdefault(term, [])
                if not places or places[-1] != number:
                    places.append(number)
        terms = array("I", sorted(standing))
        starts, together = array("H", [0]), array("H")
        for term in terms:
            together.extend(standing[term])
            starts.append(len(together))
        head = _HEAD.pack(len(fields), len(terms), len(flat), len(together))
        parts = (rarities, ends, flat, terms, starts, together)
        return head + bytes(fields) + b"".join(part.tobytes() for part in parts)
