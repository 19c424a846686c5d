"""What a record's text says for certain: durations, fees, levels, channels; everything else stays text."""

import re
import unicodedata
from datetime import date
from typing import NamedTuple

CHANNELS = {"Trực tuyến": "online", "Trực tiếp": "counter", "Dịch vụ bưu chính": "post"}
LEVELS = {"Cấp xã": "commune", "Cấp tỉnh": "province", "Cấp bộ": "ministry", "Cơ quan khác": "other"}
AUDIENCES = {
    "Công dân Việt Nam": "citizen",
    "Người Việt Nam định cư ở nước ngoài": "overseas",
    "Người nước ngoài": "foreigner",
    "Người nước ngoài cư trú tại Việt Nam": "foreigner",
    "Cán bộ, công chức, viên chức": "officials",
    "Đảng viên": "officials",
    "Doanh nghiệp": "business",
    "Doanh nghiệp Việt Nam": "business",
    "Doanh nghiệp có vốn đầu tư nước ngoài": "foreign-business",
    "Tổ chức (không bao gồm doanh nghiệp, HTX)": "organisation",
    "Tổ chức Đảng": "organisation",
    "Tổ chức nước ngoài": "foreign-organisation",
    "Hợp tác xã": "cooperative",
}
_CODE = re.compile(r"([0-9]\.[0-9]{6})(?:\.[\w.]+)?")
_UNITS = {"Ngày làm việc": "working_day", "Ngày": "day", "Giờ": "hour", "Tháng": "month"}
_DURATION = re.compile(r"^(\d+(?:[.,]\d+)?)(?:\s+(Ngày làm việc|Ngày|Giờ|Tháng))?$")
_AMOUNT = re.compile(
    r"^(?:(?:Phí|Lệ phí)\s*:\s*)?(\d[\d.,]*|Không)\s*(Việt Nam Đồng|VNĐ|Đồng|USD)(?:\s*\((.*)\))?$", re.DOTALL
)
_FREE = re.compile(r"^Miễn phí(?:\s*\((.*)\))?$", re.DOTALL)
_NOTHING = re.compile(
    r"^\W*(không|không có|không có phí|không thu( phí)?|không mất phí|miễn( phí| lệ phí)?)?\W*$", re.I
)
_MONEY = re.compile(r"\d[\d.,]*\s*(?:đ\b|đồng|vnđ|vnd|nghìn|ngàn|triệu|usd|%)", re.I)
_FEE_WORD = re.compile(r"\b(?:lệ phí|mức phí|mức thu|thu phí|phí thẩm định|phí cấp)\b", re.I)
_PROVINCE = re.compile(
    r"(?:hội đồng nhân dân|hđnd|ủy ban nhân dân|uỷ ban nhân dân|ubnd)\s+(?:cấp\s+)?(?:tỉnh|thành phố)", re.I
)
_UNTIL = re.compile(
    r"đến\s+(?:hết\s+)?(?:ngày\s+)?(\d{1,2})\s*(?:/|-|tháng)\s*(\d{1,2})\s*(?:/|-|năm)\s*(\d{4})", re.I
)
_STATED = re.compile(
    r"(\d[\d.,]{0,20})\s*(nghìn|ngàn|triệu|tỷ)?\s*(?:đ(?!\w)|đồng|vnđ|vnd|việt nam đồng)", re.I
)
_REDUCED = re.compile(r"(?:giảm|bằng|mức(?: thu)?)\s+(?:\w+\s+){0,3}\d{1,3}\s*%", re.I)
_TIMES = {"": 1, "nghìn": 1_000, "ngàn": 1_000, "triệu": 1_000_000, "tỷ": 1_000_000_000}
_DAY_OR_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
SMALLEST_CERTAIN_FEE = 1_000
LARGEST_CERTAIN_FEE = 2_000_000_000


class Duration(NamedTuple):
    """A time limit: value and unit where certain (unit None when the source states none), the text always."""

    value: float | None
    unit: str | None
    text: str


class Fee(NamedTuple):
    """A fee: an amount only where it is certain (0 means really free), the words of the source otherwise."""

    amount: int | None
    currency: str
    text: str
    set_by_province: bool
    valid_to: date | None


def national_code(text: str) -> str | None:
    """The national code in a code as people write it ('1.001193.000.00.00.H42' is 1.001193); None when it is none."""
    found = _CODE.fullmatch(text.strip())
    return found[1] if found else None


def duration(text: str) -> Duration:
    """Read '3 Ngày làm việc', '1' or any other wording of a time limit."""
    text = text.strip()
    found = _DURATION.match(text)
    if found is None:
        return Duration(None, None, text)
    return Duration(float(found[1].replace(",", ".")), _UNITS.get(found[2] or ""), text)


def _expiry(text: str) -> date | None:
    days = set()
    for day, month, year in _UNTIL.findall(text):
        try:
            days.add(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return days.pop() if len(days) == 1 else None


def _whole(amount: str) -> int | None:
    digits = re.sub(r"[.,]", "", amount)
    grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})*", amount) or amount.isdigit()
    return int(digits) if grouped and len(digits) <= 10 and int(digits) <= LARGEST_CERTAIN_FEE else None


def _stated(text: str) -> set[int]:
    """Every amount in đồng that a text names, small ones left out: those are typed in thousands at the source."""
    named = {
        int(digits) * _TIMES[unit.lower()]
        for amount, unit in _STATED.findall(text)
        if (digits := re.sub(r"[.,]", "", amount))
    }
    return {amount for amount in named if amount >= SMALLEST_CERTAIN_FEE}


def fee(text: str, note: str) -> Fee:
    """Read a fee cell together with the note beside it.

    'Miễn phí' is a default of the source's form: it counts only when neither the words in brackets nor the
    note speak of money. Amounts under 1,000 đồng are typed in thousands at the source and stay words, too.
    So does an amount beside which the source names another one, or a share of it: a reduced rate of these months,
    another case, the rate of a list. Which of them a reader has to pay, only the words say.
    """
    text = text.strip()
    both = f"{text}\n{note}"
    province = _PROVINCE.search(both) is not None
    until = _expiry(both)
    free = _FREE.match(text)
    if free is not None:
        remark = free[1] or ""
        speaks_of_money = _MONEY.search(note) or _FEE_WORD.search(note)
        certain = _NOTHING.match(remark) and not speaks_of_money
        return Fee(0 if certain else None, "VND", "" if certain else remark.strip(), province, until)
    found = _AMOUNT.match(text)
    if found is None or "\n" in text:
        return Fee(None, "VND", text, province, until)
    currency = "USD" if found[2] == "USD" else "VND"
    amount = 0 if found[1] == "Không" else _whole(found[1])
    remark = (found[3] or "").strip()
    too_small = currency == "VND" and amount is not None and 0 < amount < SMALLEST_CERTAIN_FEE
    unsure_zero = amount == 0 and not _NOTHING.match(remark)
    words = f"{remark}\n{note}"
    others = currency == "VND" and bool(_stated(words) - {amount})
    reduced = bool(amount) and _REDUCED.search(words) is not None
    if (
        amount is None
        or too_small
        or unsure_zero
        or others
        or reduced
        or (not amount and _MONEY.search(note))
    ):
        shown = remark or ("" if too_small or others else text)
        return Fee(None, currency, shown if not reduced or others else text, province, until)
    return Fee(amount, currency, remark, province, until)


def is_remark(originals: int | None, copies: int | None) -> bool:
    """A 'paper' of which neither an original nor a copy is asked is a remark."""
    return not originals and not copies


def agency_names(text: str) -> list[str]:
    """The agencies a text lists, each once; a comma inside a name ('về trật tự, xã hội') does not part it."""
    names: list[str] = []
    for part in text.replace(";", ",").split(","):
        part = " ".join(part.split()).rstrip(".")
        if names and part[:1].islower():
            names[-1] += f", {part}"
        elif part:
            names.append(part)
    return list(dict.fromkeys(names))


def paper_name(name: str, form_file: str) -> tuple[str, str]:
    """A paper's name and form; put together again where the source cut a run-on text inside a sentence.

    'Giấy đề ng' and 'hị rà soát hộ nghèo.pdf' are one name; without a name the form's stands in.
    """
    if not name:
        return form_file, ""
    cut = form_file[:1].islower() and " " in form_file and name[-1].isalpha()
    if not cut:
        return name, "" if form_file == name else form_file
    left, right = name.split()[-1], form_file.split()[0]
    inside = not (_has_vowel(left) and _has_vowel(right)) or _has_vowel(right[:1])
    return f"{name}{'' if inside else ' '}{form_file}", ""


def _has_vowel(text: str) -> bool:
    return any(letter in "aeiouy" for letter in unicodedata.normalize("NFD", text.lower()))


def day_or_month(value: object) -> object:
    """A day or a month as text ('2026-07-15', '2026-07'); raises ValueError for anything else, None stays None."""
    text = value.isoformat() if isinstance(value, date) else value
    if text is None:
        return None
    if not isinstance(text, str) or not _DAY_OR_MONTH.fullmatch(text):
        raise ValueError("a date is written 2026-07-15 or 2026-07")
    date.fromisoformat(text if len(text) == 10 else f"{text}-01")
    return text
