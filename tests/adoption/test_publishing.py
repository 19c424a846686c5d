"""Nobody can work out a small count from what is published: every small table is tried."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidance.adoption.periods import shift
from guidance.adoption.publishing import LEAST, hide, pair, turned


@pytest.mark.parametrize(("parts", "largest"), [(2, 30), (3, 22), (4, 17)])
def test_no_small_count_can_be_worked_out_even_by_somebody_who_knows_the_rule(
    parts: int, largest: int
) -> None:
    """Among all tables that look alike in public, every hidden count of people takes several values."""
    alike: dict[tuple[object, ...], list[tuple[int, ...]]] = defaultdict(list)
    for table in product(range(largest + 1), repeat=parts):
        if sum(table) <= largest:  # all tables with these totals, so that none that looks alike is missed
            total = sum(table)
            shown = hide(list(table), total)
            alike[(total if total >= LEAST else None, *shown)].append(table)
    assert len(alike) > 10
    for published, tables in alike.items():
        for place, cell in enumerate(published[1:]):
            values = {table[place] for table in tables}
            if cell is None:
                assert len(values) > 1 or values == {0}, (published, tables[:3])
            else:
                assert isinstance(cell, int) and cell >= LEAST


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(0, 400))
def test_what_is_hidden_counts_at_least_five_among_at_least_two(parts: list[int], months: int) -> None:
    """Whatever the month; and what stays visible is true."""
    total = sum(parts)
    shown = hide(parts, total, turned(len(parts), shift(date(2000, 1, 1), months), behind=1))
    hidden = [part for part, cell in zip(parts, shown, strict=True) if cell is None]
    assert all(cell in (None, part) for part, cell in zip(parts, shown, strict=True))
    assert all(part >= LEAST for part in parts if part not in hidden)
    if hidden and total >= LEAST:
        assert len(hidden) >= 2 and sum(hidden) >= LEAST


def test_small_counts_are_never_shown_and_enough_others_stay() -> None:
    """The first in order is hidden with any small one; a total under five hides everything."""
    assert hide([12, 3, 4, 20], 39) == [None, None, None, 20]
    assert hide([12, 20], 32) == [12, 20]
    assert hide([12, 20, 2], 34) == [None, 20, None]
    assert hide([7], 7) == [7]
    assert hide([3, 1], 4) == [None, None]


def test_a_share_hides_when_the_part_or_the_rest_is_small() -> None:
    """98 of 100 tells about two people."""
    assert pair(50, 100) == (50, 100)
    assert pair(98, 100) == (None, 100)
    assert pair(2, 100) == (None, 100)
    assert pair(3, 4) == (None, None)
