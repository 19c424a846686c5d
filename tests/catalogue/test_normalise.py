"""Fees and time limits: a number only where the record is certain, its words otherwise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guidance.catalogue import normalise

MONEY = st.sampled_from(["đồng", "đ", "VNĐ", "nghìn đồng", "triệu đồng", "USD"])
ANYTHING = st.text(max_size=60)


@given(st.integers(1, 10_000_000), MONEY, ANYTHING, ANYTHING)
def test_nothing_is_free_when_the_note_names_money(amount: int, unit: str, before: str, after: str) -> None:
    """'Miễn phí' is what the source's form says by default; a citizen must not arrive without money."""
    note = f"{before} {amount} {unit} {after}"
    assert normalise.fee("Miễn phí", note).amount is None
    assert normalise.fee("0 Đồng", note).amount is None
    assert normalise.fee(f"Miễn phí ({note})", "").amount is None


@given(st.integers(1, 999), ANYTHING)
def test_an_amount_under_1000_dong_stays_words(amount: int, remark: str) -> None:
    """The source types thousands; nobody is told that something costs 20 đồng."""
    assert normalise.fee(f"{amount} Đồng", "").amount is None
    assert normalise.fee(f"{amount} Đồng ({remark})", "").amount is None


@given(st.integers(1000, 100_000_000))
def test_a_plain_amount_is_read_however_it_is_grouped(amount: int) -> None:
    """20000, 20.000 and 20,000 are the same fee."""
    for text in (str(amount), f"{amount:,}", f"{amount:,}".replace(",", ".")):
        assert normalise.fee(f"{text} Đồng", "").amount == amount


@given(ANYTHING, ANYTHING)
def test_whatever_a_cell_holds_it_is_read_without_failing(text: str, note: str) -> None:
    """Odd input becomes words, never an exception and never a negative fee."""
    fee = normalise.fee(text, note)
    assert fee.amount is None or fee.amount >= 0
    limit = normalise.duration(text)
    assert limit.text == text.strip()


def test_time_limits_keep_their_unit_and_get_none_where_none_is_stated() -> None:
    """A bare number is not called days."""
    assert normalise.duration("3 Ngày làm việc").unit == "working_day"
    assert (normalise.duration("1,5 Tháng").value, normalise.duration("1,5 Tháng").unit) == (1.5, "month")
    assert (normalise.duration("7").value, normalise.duration("7").unit) == (7.0, None)
    assert normalise.duration("Ngay trong ngày").value is None


def test_a_fee_that_the_province_sets_or_that_ends_says_so() -> None:
    """The note decides whether an amount is the last word."""
    fee = normalise.fee("Miễn phí", "Theo nghị quyết của Hội đồng nhân dân cấp tỉnh")
    assert fee.set_by_province
    ended = normalise.fee("10.000 Đồng", "áp dụng đến hết ngày 31/12/2025")
    assert ended.valid_to is not None
    assert ended.valid_to.isoformat() == "2025-12-31"


def test_an_amount_is_not_certain_when_the_words_beside_it_name_another() -> None:
    """A rate that has ended, a reduced rate of these months, another case: only the words say who pays what."""
    for cell, note in (
        ("5.000 Đồng (cá nhân nộp trực tuyến: 7.000 đồng/lần)", ""),
        ("800000 Đồng", "áp dụng mức phí 400.000 đồng/hồ sơ đến hết ngày 31 tháng 12 năm 2026"),
        ("2.000 Đồng (/trang)", "từ trang thứ 3 thu 1.000đ/trang"),
        ("300000 Đồng", "trường hợp khác: 2 triệu đồng"),
    ):
        fee = normalise.fee(cell, note)
        assert fee.amount is None, cell
        assert "5.000" not in fee.text
    half = normalise.fee("50.000 Đồng (50.000 đồng/thẻ; đến hết 31/12/2026 thu bằng 50% mức thu)", "")
    assert (half.amount, "bằng 50%" in half.text) == (None, True)
    assert normalise.fee("10.000 Đồng (10.000 đồng/lần)", "Nộp 1 bộ hồ sơ").amount == 10_000
    assert normalise.fee("9999999999999 Đồng", "").amount is None
    ends = normalise.fee("50.000 Đồng", "áp dụng đến hết ngày 31 tháng 12 năm 2026").valid_to
    assert ends is not None
    assert ends.isoformat() == "2026-12-31"


def test_agencies_are_told_apart_and_each_once() -> None:
    """A comma inside a name does not part it."""
    text = "Thuế tỉnh, thành phố, Thuế cơ sở, Cục cảnh sát về trật tự, xã hội; Thuế cơ sở."
    assert normalise.agency_names(text) == [
        "Thuế tỉnh, thành phố",
        "Thuế cơ sở",
        "Cục cảnh sát về trật tự, xã hội",
    ]
    assert normalise.agency_names("") == []
