"""Languages: the first part of the address decides; direction, dates and numbers follow it."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal, format_percent, get_group_symbol
from babel.support import NullTranslations
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, Domain, force_locale, get_translations
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.routing import BaseConverter

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
NAMES = {"vi": "Tiếng Việt", "en": "English", "ur": "اردو"}
RIGHT_TO_LEFT = frozenset({"ur"})
# Western digits in Urdu too: codes, fees and telephone numbers must read the same in every language.
LOCALES = {"vi": "vi_VN", "en": "en_GB", "ur": "ur_PK@numbers=latn"}
_PARSED = {code: Locale.parse(name.split("@")[0]) for code, name in LOCALES.items()}

babel = Babel()


class Language(NamedTuple):
    """A language the site offers: code, its own name, writing direction."""

    code: str
    name: str
    direction: str


_LANGUAGES = {
    code: Language(code, name, "rtl" if code in RIGHT_TO_LEFT else "ltr") for code, name in NAMES.items()
}
MOST_REMEMBERED = (
    2_000  # days and numbers as pages write them: making one costs as much as twenty lines of a page
)
MOST_SENTENCES = 10_000  # of templates, by language; more than all of them


class LanguageConverter(BaseConverter):
    """`<lang:lang>` in an address: two letters; a language that is not offered is a 404."""

    regex = "[a-z]{2}"


def offered() -> list[Language]:
    """The languages of this site, the default first."""
    codes: Sequence[str] = current_app.config["SETTINGS"].languages
    return [_LANGUAGES[code] for code in codes]


def default_language() -> str:
    """The language of an address that names none."""
    return str(current_app.config["SETTINGS"].languages[0])


def current() -> Language:
    """The language of the present request; the default one outside a request."""
    code = g.get("lang") if has_request_context() else None
    return _LANGUAGES[code or default_language()]


def best_language(accepted: LanguageAccept) -> str:
    """The offered language that a browser's Accept-Language likes most."""
    codes = [language.code for language in offered()]
    return accepted.best_match(codes) or codes[0]


def locale() -> Locale:
    """The Babel locale of the present request."""
    return _PARSED[current().code]


def format_day(day: date | datetime | None, style: str = "long") -> str:
    """A date as the reader writes it; an instant is shown as its day in Vietnam."""
    if day is None:
        return ""
    if isinstance(day, datetime):
        day = day.astimezone(VIETNAM).date()
    return _day(day, style, current().code)


@lru_cache(maxsize=MOST_REMEMBERED)
def _day(day: date, style: str, code: str) -> str:
    if style == "short":
        return day.strftime("%d/%m/%Y")
    if code == "vi":  # Babel's long form, "29 tháng 11, 2026", is not how Vietnamese is written
        return f"{day.day}/{day.month}/{day.year}"
    return format_date(day, format=style, locale=_PARSED[code])


def format_month(month: str | date) -> str:
    """'2026-07' as 'tháng 7/2026' or 'July 2026'."""
    return _month(month, current().code)


@lru_cache(maxsize=MOST_REMEMBERED)
def _month(month: str | date, code: str) -> str:
    day = month if isinstance(month, date) else date(int(month[:4]), int(month[5:7]), 1)
    if code == "vi":
        return f"tháng {day.month}/{day.year}"
    return format_date(day, format="MMMM yyyy", locale=_PARSED[code])


def format_checked(text: str | None) -> str:
    """A 'checked on' mark, which may be a day ('2026-07-15') or only a month ('2026-07')."""
    if not text:
        return ""
    return format_day(date.fromisoformat(text)) if len(text) == 10 else format_month(text)


def format_instant(instant: datetime, seconds: bool = False) -> str:
    """A date and time in Vietnam: '14:05, 29/11/2026' or '29 Nov 2026, 14:05'."""
    clock = "HH:mm:ss" if seconds else "HH:mm"
    pattern = f"{clock}, d/M/y" if current().code == "vi" else f"d MMM y, {clock}"
    return format_datetime(instant, format=pattern, tzinfo=VIETNAM, locale=locale())


def format_clock(instant: datetime) -> str:
    """A time of day in Vietnam, such as 14:05."""
    return format_time(instant, format="HH:mm", tzinfo=VIETNAM, locale=locale())


@cache
def _group_symbol(code: str) -> str:
    return str(get_group_symbol(_PARSED[code]))


def format_number(number: float | int) -> str:
    """A number with the reader's separators. Counts, which tables are full of, do without Babel's pattern."""
    if type(number) is int and number >= 0:
        return f"{number:,}".replace(",", _group_symbol(current().code))
    return format_decimal(number, locale=locale())


def format_share(share: float | None, digits: int = 1) -> str:
    """A share between 0 and 1 as a percentage with at most that many decimals; a dash when there is none."""
    if share is None:
        return "–"
    return _percentage(round(share * 10 ** (digits + 2)), digits, current().code)


@lru_cache(maxsize=8192)
def _percentage(parts: int, digits: int, code: str) -> str:
    pattern = "#,##0." + "#" * digits + "%" if digits else "#,##0%"
    return format_percent(Decimal(parts).scaleb(-digits - 2), format=pattern, locale=_PARSED[code])


def format_money(amount: int) -> str:
    """An amount in đồng."""
    return f"{format_number(amount)} đ"


def catalogue_file(code: str) -> Path:
    """Where the translated sentences of a language lie."""
    return Path(current_app.config["TRANSLATIONS"]) / code / "LC_MESSAGES" / "messages.mo"


def translator(code: str) -> Callable[[str], Markup]:
    """What translates a sentence of the site into one language; each is looked up once."""

    @lru_cache(maxsize=MOST_SENTENCES)
    def said(message: str) -> Markup:
        with force_locale(code):
            return Markup(get_translations().ugettext(message))  # noqa: S704 -- the site's own words  # nosec B704

    return said


class Sentences(Domain):
    """Flask-Babel's translations, looked for once a request instead of once a sentence."""

    def get_translations(self) -> NullTranslations:
        """Those of the request's language; force_locale() puts this place of keeping away and back."""
        place = g.get("_flask_babel") if g else None
        found: NullTranslations | None = getattr(place, "babel_translations", None)
        if found is None:
            found = super().get_translations()  # type: ignore[no-untyped-call]
            if place is not None:
                place.babel_translations = found
        return found


def _say() -> Callable[..., Markup]:
    """`_()` of templates where the sentence is not written in the template itself."""
    translators = {code: translator(code) for code in NAMES}

    def say(message: str, **values: object) -> Markup:
        text = translators[current().code](message)
        return text % values if values or "%" in text else text

    return say


def init_app(app: Flask) -> None:
    """Wire the language of the address into Flask and Babel."""
    app.config.update(
        BABEL_DEFAULT_LOCALE=LOCALES[app.config["SETTINGS"].languages[0]].split("@")[0],
        BABEL_TRANSLATION_DIRECTORIES=str(app.config["TRANSLATIONS"]),
    )
    app.url_map.converters["lang"] = LanguageConverter
    babel.init_app(app, locale_selector=lambda: current().code)
    babel.domain_instance = Sentences()  # type: ignore[no-untyped-call]
    say = _say()
    app.jinja_env.globals.update(_=say, gettext=say)

    @app.url_value_preprocessor
    def take_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values and "lang" in values:
            code = values.pop("lang")
            if code in app.config["SETTINGS"].languages:
                g.lang = code
            else:
                g.lang_unknown = True

    @app.url_defaults
    def give_language(endpoint: str, values: dict[str, Any]) -> None:
        if "lang" not in values and app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values["lang"] = current().code

    app.jinja_env.filters.update(
        day=format_day,
        month=format_month,
        checked=format_checked,
        instant=format_instant,
        clock=format_clock,
        number=format_number,
        share=format_share,
        money=format_money,
    )


def language_of_unmatched_address() -> None:
    """Let an error page speak the language its address starts with, even when no route matched."""
    code = request.path.split("/")[1][:2] if request.path.count("/") > 1 else ""
    if "lang" not in g and code in current_app.config["SETTINGS"].languages:
        g.lang = code
