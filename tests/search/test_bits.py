"""Sets of documents as bits, sums for all documents at once, and packed wordings, against the plain way of doing it."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from guidance.search import bits
from guidance.search.wordings import Wordings

DOCUMENTS = st.sets(st.integers(0, 400), max_size=60)
AMOUNTS = st.lists(st.tuples(DOCUMENTS, st.integers(0, 300)), max_size=8)


def _summed(amounts: list[tuple[set[int], int]]) -> tuple[bits.Sums, dict[int, int]]:
    sums, plain = bits.Sums(), {}
    for documents, amount in amounts:
        sums.add(bits.from_numbers(documents), amount)
        for number in documents:
            plain[number] = plain.get(number, 0) + amount
    return sums, {number: value for number, value in plain.items() if value}


@given(DOCUMENTS)
def test_a_set_gives_back_its_documents_in_order(documents: set[int]) -> None:
    assert list(bits.numbers(bits.from_numbers(documents))) == sorted(documents)


@given(st.dictionaries(st.integers(1, 255), DOCUMENTS.filter(bool), max_size=5))
def test_packed_sets_come_back_whole_in_either_form(levels: dict[int, set[int]]) -> None:
    stored = [(weight, bits.from_numbers(documents)) for weight, documents in levels.items()]
    assert list(bits.unpacked(bits.packed(stored))) == stored


@given(AMOUNTS, AMOUNTS, st.integers(1, 700))
def test_sums_equal_adding_one_by_one(
    one: list[tuple[set[int], int]], two: list[tuple[set[int], int]], bar: int
) -> None:
    sums, plain = _summed(one)
    assert sums.of(range(401)) == [plain.get(number, 0) for number in range(401)]
    assert sums.highest() == max(plain.values(), default=0)
    assert set(bits.numbers(sums.at_least(bar))) == {n for n, value in plain.items() if value >= bar}
    assert {n: value for value, found in sums.values() for n in bits.numbers(found)} == plain
    both = sums.plus(_summed(two)[0])
    assert both.of(range(401)) == _summed([*one, *two])[0].of(range(401))


@given(AMOUNTS, DOCUMENTS, st.integers(1, 50))
def test_the_best_are_those_with_the_highest_sums(
    amounts: list[tuple[set[int], int]], among: set[int], count: int
) -> None:
    sums, plain = _summed(amounts)
    found = sums.best(count, bits.from_numbers(among))
    ordered = sorted(among, key=lambda number: (-plain.get(number, 0), number))
    assert sorted(found) == sorted(ordered[:count])


@given(
    st.lists(st.tuples(st.integers(0, 6), st.lists(st.integers(0, 30), min_size=1, max_size=9)), max_size=12)
)
def test_packed_wordings_come_back_and_tell_which_of_them_hold_some_terms(
    rows: list[tuple[int, list[int]]],
) -> None:
    rarity = {term: float(term) for term in range(31)}
    found = Wordings(Wordings.pack([(field, array("I", row)) for field, row in rows], rarity))
    assert [(field, list(found.row(n))) for n, field in enumerate(found.fields)] == rows
    assert list(found.rarities) == [float(sum(row)) for _, row in rows]
    bits = {term: 1 << term for term in range(0, 31, 2)}
    assert found.holding(bits) == {
        number: sum(bits[term] for term in set(row) & bits.keys())
        for number, (_, row) in enumerate(rows)
        if set(row) & bits.keys()
    }
