"""Plain-text helpers: folding for search, slugs, Telex leftovers, and patterns of personal data."""

import re
import unicodedata
from functools import lru_cache

_TONES = "\u0300\u0301\u0303\u0309\u0323"  # huyền, sắc, ngã, hỏi, nặng
_WORD = re.compile(r"[^\W_]+")
_NON_SLUG = re.compile(r"[^a-z0-9]+")


def _fold_letter(letter: str) -> str:
    """One letter without marks, lower case; Vietnamese đ becomes d."""
    plain = "".join(c for c in unicodedata.normalize("NFD", letter) if not unicodedata.combining(c))
    return plain.lower().replace("đ", "d").replace("ð", "d")


_FOLDED = {code: _fold_letter(chr(code)) for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))}


def fold(text: str) -> str:
    """The text in lower case without any diacritics, so that every way of typing it is the same.

    NFC and NFD, old and new tone placement (hoà, hòa), Đ and đ all come out alike; other scripts
    lose their vowel marks and keep their letters.
    """
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", text).translate(_FOLDED)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.lower()


def words(text: str) -> list[str]:
    """The folded words of a text in order; punctuation, symbols and control characters fall away."""
    return _WORD.findall(fold(text))


def spelled_words(text: str) -> list[tuple[str, str]]:
    """Pairs of folded word and word with its marks, the tone moved to the end.

    Moving the tone makes old and new placement equal while thuế and thuê stay apart.
    """
    marked = unicodedata.normalize("NFC", text.replace("\x00", " ")).lower()
    return [pair for pair in map(_spelled_word, _WORD.findall(marked)) if pair[0]]


@lru_cache(maxsize=8192)
def _spelled_word(word: str) -> tuple[str, str]:
    return fold(word), marked_form(word)


def marked_form(word: str) -> str:
    """A word in lower case with its vowel marks in place and its tone at the end."""
    letters = unicodedata.normalize("NFD", word.lower())
    tone = "".join(c for c in letters if c in _TONES)
    return "".join(c for c in letters if c not in _TONES) + tone


def has_marks(text: str) -> bool:
    """Whether somebody typed Vietnamese diacritics here."""
    return fold(text) != unicodedata.normalize("NFC", text).lower()


def slug(text: str, longest: int = 80) -> str:
    """A short ASCII name for an address: lower case, hyphens, never cut inside a word if avoidable."""
    whole = _NON_SLUG.sub("-", fold(text)).strip("-")
    if len(whole) <= longest:
        return whole
    return whole[: longest + 1].rpartition("-")[0] or whole[:longest]


# --- Telex -------------------------------------------------------------------------------------

_TELEX_TONE = re.compile(r"(?<=[aeiouyw])([a-z]{0,2})[sfrxjz]$|(?<=[aeiouyw])[sfrxjz](?=[a-z])")


def untelex(word: str) -> str:
    """A folded word with what the Telex keyboard left behind taken out: "ddawng" → "dang", "kys" → "ky".

    Meant for words that are not Vietnamese as they stand; a word without leftovers comes back unchanged.
    """
    text = _TELEX_TONE.sub(lambda found: found[1] or "", word)
    text = re.sub(r"^dd", "d", text)
    text = re.sub(r"([aeo])\1", r"\1", text)
    text = re.sub(r"([aeo])([a-z]{1,2})\1$", r"\1\2", text)
    text = re.sub(r"(?<=[aou])w|(?<=[aou][a-z])w$|(?<=[aou][a-z]{2})w$", "", text)
    text = text.replace("w", "u")
    return re.sub(r"^(d[a-z]+)d$", r"\1", text)


# --- Personal data -----------------------------------------------------------------------------

_PERSONAL = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("id-number", re.compile(r"(?<![\d.])(?:\d[ .-]?){11}\d(?![\d])")),
    ("phone", re.compile(r"(?<![\d.])(?:\+?84|0)[ .-]?[235789](?:[ .-]?\d){8}(?!\d)")),
    ("old-id-number", re.compile(r"(?<![\d.])\d{3}[ .-]?\d{3}[ .-]?\d{3}(?![\d])")),
    (
        "account-number",
        re.compile(
            r"(?:stk|so tai khoan|tai khoan so|tai khoan ngan hang|account (?:number|no)|bank account)"
            r"\D{0,12}\d(?:[ .-]?\d){5,18}"
        ),
    ),
    (
        "one-time-code",
        re.compile(
            r"(?:otp|ma xac thuc|ma xac nhan|passcode|mat khau|password|one.time code|\bpin\b)\D{0,14}\d(?:[ .-]?\d){3,7}(?!\d)"
        ),
    ),
    ("long-number", re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)")),
)


_DIGIT_GAP = re.compile(r"(?<=[\d)])[ .,:;/()_*+|-]{2,4}(?=[\d(])")
_HARMLESS = re.compile(
    r"(?<![\d.,/-])(?<!\d )(?:"
    r"\d{1,2}([/.-])\d{1,2}\1\d{4}"  # 25/11/2026
    r"|\d{4}-\d{1,2}-\d{1,2}"
    r"|\d{1,2}[:h]\d{2}"  # 9:30, 9h30
    r"|(?:\d{1,3}|\d{1,2}[.,]\d{3})[.,](?:000|500)"  # 150.000, 1.250.500
    r"|[1-3]\.\d{6}"  # a procedure's code
    r"|(?:19|20)\d\d(?:(?:, ?| - |-|/)(?:19|20)\d\d)*"  # 2026, 2025-2026
    r")(?![.,:/-]?\d| ?\d{3})"
)


def plain_numbers(text: str) -> str:
    """The folded text with every number as somebody would read it out: digits of any script are 0 to 9, invisible
    characters are gone, any gap between two digits is one character, and dates, times, amounts and codes of procedures
    are taken out."""
    plain = []
    for character in fold(text):
        category = unicodedata.category(character)
        if category == "Cf":
            continue
        if category == "Nd":
            plain.append(str(unicodedata.digit(character)))
        elif category in {"Cc", "Zs", "Zl", "Zp"}:
            plain.append(" ")
        elif category == "Pd" or character in "_\u2212\u2043":
            plain.append("-")
        elif character in "\u00b7\u2022\u2219\u22c5\u3002\u06d4":
            plain.append(".")
        elif character in "\u060c\u066b\u066c":
            plain.append(",")
        else:
            plain.append(character)
    return _DIGIT_GAP.sub(" ", _HARMLESS.sub("#", "".join(plain)))


def personal_data(text: str) -> list[str]:
    """The kinds of personal data that seem to stand in a text, empty when it looks clean.

    Kinds: email, id-number (12 digits), old-id-number (9), phone, account-number, one-time-code,
    long-number. It would rather ask once too often: a person reads the warning, nothing is lost.
    """
    flat = plain_numbers(text)
    return [kind for kind, pattern in _PERSONAL if pattern.search(flat)]


def scrub(text: str) -> str:
    """The text with every suspected piece of personal data replaced by "…" (folded where replaced)."""
    if not personal_data(text):
        return text
    flat = fold(text)
    for _, pattern in _PERSONAL:
        flat = pattern.sub("…", flat)
    return flat
