"""Folding, Telex leftovers, addresses, and personal data in free text."""

from __future__ import annotations

import pytest

from guidance import text


@pytest.mark.parametrize("typed", ["Đường Hoà Bình", "đường hòa bình", "ĐƯỜNG HÒA BÌNH", "Đường Hoà Bình"])
def test_every_way_of_typing_a_place_is_the_same(typed: str) -> None:
    assert text.fold(typed) == "duong hoa binh"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ddawng", "dang"),
        ("kys", "ky"),
        ("noopj", "nop"),
        ("hooij", "hoi"),
        ("dduwowcj", "duoc"),
        ("nhaanj", "nhan"),
    ],
)
def test_what_the_telex_keyboard_leaves_behind_is_taken_out(typed: str, meant: str) -> None:
    assert text.untelex(typed) == meant


def test_an_address_is_short_and_plain() -> None:
    assert text.slug("Đăng ký khai sinh (có yếu tố nước ngoài)") == "dang-ky-khai-sinh-co-yeu-to-nuoc-ngoai"
    assert len(text.slug("rất dài " * 50)) <= 80


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("căn cước 001099012345", "id-number"),
        ("CMND 123456789", "old-id-number"),
        ("gọi 0912 345 678", "phone"),
        ("+84 912 345 678", "phone"),
        ("mã OTP là 482913", "one-time-code"),
        ("viết cho an@example.org", "email"),
        ("STK 1903 4567 8901 2", "account-number"),
        ("mật khẩu 123456", "one-time-code"),
    ],
)
def test_a_clerk_is_warned_of_personal_data(note: str, kind: str) -> None:
    assert kind in text.personal_data(note)
    assert not any(part.isdigit() and len(part) > 4 for part in text.scrub(note).split())


@pytest.mark.parametrize(
    "note",
    [
        "thủ tục 1.001193 và 3.000228",
        "ngày 2026-11-22",
        "lệ phí 135.000 đồng",
        "Nghị định 118/2025/NĐ-CP",
        "mẫu CT07",
    ],
)
def test_ordinary_notes_pass(note: str) -> None:
    assert text.personal_data(note) == []
