"""Sets of documents as big integers, one bit a document, and sums that are worked out for all documents at once.

The processor handles sixty documents with every step, so that a question costs the same whether its words are rare
or stand in half the catalogue.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence

_FEW = 12  # documents up to which a set is quicker put together bit by bit
_HEAD = struct.Struct("<BBI")  # weight, form, length of what follows
_AS_NUMBERS, _AS_BITS = 0, 1
_SET_BYTE = re.compile(rb"[^\0]", re.DOTALL)
_OFFSETS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


def from_numbers(numbers: Iterable[int]) -> int:
    """The set of these documents."""
    ordered = sorted(numbers)
    if len(ordered) <= _FEW:
        return sum(1 << number for number in set(ordered))
    table = bytearray((ordered[-1] >> 3) + 1)
    for number in ordered:
        table[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(table, "little")


def numbers(documents: int) -> Iterator[int]:
    """The documents of a set in ascending order."""
    data = documents.to_bytes((documents.bit_length() + 7) >> 3, "little")
    for found in _SET_BYTE.finditer(data):
        at = found.start()
        for offset in _OFFSETS[data[at]]:
            yield at * 8 + offset


def packed(levels: Iterable[tuple[int, int]]) -> bytes:
    """Sets of documents by weight (0 to 255) for the file."""
    return packed_numbers((weight, list(numbers(documents))) for weight, documents in levels)


def packed_numbers(levels: Iterable[tuple[int, Sequence[int]]]) -> bytes:
    """The same for documents in ascending order; each set is kept in the shorter of two forms."""
    parts = []
    for weight, documents in levels:
        if not documents:
            continue
        size = (documents[-1] >> 3) + 1
        if len(documents) * 4 <= size:
            content, form = struct.pack(f"<{len(documents)}I", *documents), _AS_NUMBERS
        else:
            content, form = from_numbers(documents).to_bytes(size, "little"), _AS_BITS
        parts.append(_HEAD.pack(weight, form, len(content)) + content)
    return b"".join(parts)


def unpacked(content: bytes) -> tuple[tuple[int, int], ...]:
    """What ``packed`` was given."""
    found, at = [], 0
    while at < len(content):
        weight, form, size = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        part = content[at : at + size]
        at += size
        if form == _AS_BITS:
            found.append((weight, int.from_bytes(part, "little")))
        else:
            found.append((weight, from_numbers(struct.unpack(f"<{size // 4}I", part))))
    return tuple(found)


class Sums:
    """A whole number for every document, kept digit by digit: the set of documents whose sum has that binary digit."""

    __slots__ = ("digits",)

    def __init__(self, digits: Iterable[int] = ()) -> None:
        """Start from these digits, the lowest first, or from nothing."""
        self.digits = list(digits)

    def add(self, documents: int, amount: int) -> None:
        """Add an amount to the sums of some documents."""
        digits, carry, at = self.digits, 0, 0
        while amount or carry:
            if at == len(digits):
                digits.append(0)
            digit = digits[at]
            if amount & 1:
                digits[at] = digit ^ documents ^ carry
                carry = (digit & documents) | (carry & (digit ^ documents))
            else:
                digits[at] = digit ^ carry
                carry &= digit
            amount >>= 1
            at += 1

    def plus(self, other: Sums) -> Sums:
        """The sums of both."""
        found, carry = [], 0
        one, two = self.digits, other.digits
        for at in range(max(len(one), len(two))):
            a = one[at] if at < len(one) else 0
            b = two[at] if at < len(two) else 0
            either = a ^ b
            found.append(either ^ carry)
            carry = (a & b) | (carry & either)
        return Sums([*found, carry] if carry else found)

    def any(self) -> int:
        """The documents whose sum is not nought."""
        found = 0
        for digit in self.digits:
            found |= digit
        return found

    def values(self) -> Iterator[tuple[int, int]]:
        """Every sum that occurs, apart from nought, with its documents."""
        waiting = [(len(self.digits) - 1, 0, self.any())]
        while waiting:
            at, value, documents = waiting.pop()
            if not documents:
                continue
            if at < 0:
                yield value, documents
                continue
            having = documents & self.digits[at]
            waiting.append((at - 1, value, documents ^ having))
            waiting.append((at - 1, value | 1 << at, having))

    def highest(self) -> int:
        """The highest sum."""
        value, left = 0, self.any()
        for at in range(len(self.digits) - 1, -1, -1):
            having = left & self.digits[at]
            if having:
                value |= 1 << at
                left = having
        return value

    def at_least(self, bar: int) -> int:
        """The documents whose sum is as high as this or higher (for a bar above nought)."""
        if bar >> len(self.digits):
            return 0
        above, level = 0, self.any()
        for at in range(len(self.digits) - 1, -1, -1):
            having = level & self.digits[at]
            if bar >> at & 1:
                level = having
            else:
                above |= having
                level ^= having
        return above | level

    def best(self, count: int, among: int) -> list[int]:
        """Some documents with the highest sums; of equal ones those with the lowest numbers, in no order."""
        sure, level = 0, among
        for digit in reversed(self.digits):
            having = level & digit
            if (sure | having).bit_count() >= count:
                level = having
            else:
                sure |= having
                level ^= having
        found = list(numbers(sure))
        for number in numbers(level):
            if len(found) >= count:
                break
            found.append(number)
        return found

    def of(self, documents: Iterable[int]) -> list[int]:
        """The sums of single documents."""
        tables = [
            (1 << at, digit.to_bytes((digit.bit_length() + 7) >> 3, "little"))
            for at, digit in enumerate(self.digits)
        ]
        found = []
        for number in documents:
            place, bit = number >> 3, 1 << (number & 7)
            found.append(sum(v for v, table in tables if place < len(table) and table[place] & bit))
        return found
