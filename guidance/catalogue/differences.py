"""Two texts side by side: which lines differ, and which words in them."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

AROUND = 2
_WORDS = re.compile(r"\s+|[^\s\w]|\w+")
_LONGEST_COMPARED = 2000

Piece = tuple[str, bool]


class Line(NamedTuple):
    """A line on the left and one on the right; pieces are (text, differs). kind: same, changed, gone, new, gap."""

    kind: str
    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()


def state_of(value: object) -> str:
    """A mark of what somebody had before their eyes, to notice that it has been changed meanwhile."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:32]


def side_by_side(before: Sequence[str], after: Sequence[str]) -> list[Line]:
    """The changed lines of two texts with two lines around each; empty when they are equal."""
    lines: list[Line] = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(AROUND):
        if lines:
            lines.append(Line("gap"))
        for kind, left, left_end, right, right_end in group:
            lines.extend(_lines(kind, before[left:left_end], after[right:right_end]))
    return lines


def _lines(kind: str, before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    if kind == "equal":
        for text in before:
            yield Line("same", ((text, False),), ((text, False),))
        return
    for number in range(max(len(before), len(after))):
        if number >= len(after):
            yield Line("gone", ((before[number], False),))
        elif number >= len(before):
            yield Line("new", (), ((after[number], False),))
        else:
            yield Line("changed", *_pieces(before[number], after[number]))


def _pieces(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    if len(before) + len(after) > _LONGEST_COMPARED:
        return ((before, True),), ((after, True),)
    left, right = _WORDS.findall(before), _WORDS.findall(after)
    first: list[Piece] = []
    second: list[Piece] = []
    for kind, i, i_end, j, j_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        differs = kind != "equal"
        if i_end > i:
            first.append(("".join(left[i:i_end]), differs))
        if j_end > j:
            second.append(("".join(right[j:j_end]), differs))
    return tuple(first), tuple(second)
