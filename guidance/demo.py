"""Practice data: a year of a believable province in an empty database, the same for the same seed and day."""

import csv
import io
import random
import secrets
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import insert, select

from guidance import audit
from guidance.accounts import actions as accounts
from guidance.accounts.models import Account
from guidance.adoption import actions as figures
from guidance.adoption import imports as figure_files
from guidance.adoption.models import IndicatorValue
from guidance.db import db, mark_practice, now, row_count, transaction
from guidance.desk import queries as desk
from guidance.desk import rollup, topics
from guidance.desk.models import AssistedCase, CommunitySession, HelpRequest
from guidance.errors import UserError
from guidance.i18n import VIETNAM
from guidance.starter import load_content
from guidance.units import queries as units
from guidance.units.queries import Place

DAYS = 365
DESKS = 24  # communes of the province that take part
BLOCK = 2_000
SOURCE = "Dữ liệu tập huấn, không phải số liệu thật"
# What people come for: topic, weight, what the usual need and good end are.
TOPICS: tuple[tuple[str, int, str, str], ...] = (
    ("guide:vneid-activation", 16, "account", "activated"),
    ("guide:vneid-level-2", 9, "explain", "counter"),
    ("guide:vssid", 9, "account", "activated"),
    ("guide:vssid-login-vneid", 4, "account", "activated"),
    ("guide:submit-online", 8, "submit", "submitted"),
    ("guide:portal-login", 6, "account", "activated"),
    ("guide:no-otp", 3, "account", "home"),
    ("guide:track-file", 4, "follow_up", "home"),
    ("guide:pay-online", 4, "pay", "submitted"),
    ("procedure:1.001193", 8, "submit", "submitted"),
    ("procedure:2.000815", 7, "explain", "counter"),
    ("procedure:1.004194", 5, "submit", "submitted"),
    ("procedure:1.004884", 2, "submit", "submitted"),
    ("procedure:1.000894", 3, "submit", "counter"),
    ("procedure:1.000656", 3, "submit", "submitted"),
    ("procedure:2.000635", 3, "submit", "submitted"),
    ("procedure:1.004873", 2, "submit", "submitted"),
    ("procedure:1.001776", 3, "submit", "counter"),
    ("general", 5, "explain", "home"),
)
REASONS = (
    ("no_phone", 10), ("sim", 12), ("no_level_2", 22), ("no_code", 12), ("nfc", 8), ("face", 8),
    ("mismatch", 9), ("papers", 9), ("payment", 3), ("system", 6), ("other", 1),
)  # fmt: skip
QUESTIONS = (
    "Tôi cài VNeID nhưng không nhận được mã xác thực.",
    "Con tôi mới sinh, tôi muốn đăng ký khai sinh trên mạng thì bắt đầu từ đâu?",
    "VssID báo sai mật khẩu, tôi không nhớ mật khẩu cũ.",
    "Hồ sơ nộp tuần trước bị trả lại, tôi phải sửa gì?",
    "Mẹ tôi 70 tuổi không có điện thoại thông minh, tôi nộp thay được không?",
    "Tôi muốn nhận lương hưu qua tài khoản ngân hàng.",
)
ANSWER = "Đã gọi lại và hướng dẫn từng bước. Nếu còn vướng, mời bạn đến Trung tâm Phục vụ hành chính công."


class NotEmpty(UserError):
    """Practice data never mix with real ones."""

    status = 409
    message = (
        "This database holds cases, requests, figures or accounts already. Practice data go into an empty one: "
        "set GUIDANCE_DATA to another folder."
    )


class Filled(NamedTuple):
    """What was made: sentences for the administrator, and the accounts with their passwords."""

    lines: tuple[str, ...]
    accounts: tuple[tuple[str, str, str], ...]


class _Desk(NamedTuple):
    place: Place
    account_id: int
    weight: float
    skill: float


def refuse_unless_empty() -> None:
    """Raise NotEmpty where anybody has worked; the account of the first start may be there."""
    for table in (AssistedCase, HelpRequest, CommunitySession):
        if row_count(table):
            raise NotEmpty
    if db.session.scalar(
        select(IndicatorValue.id).where(IndicatorValue.entered_by != "starter content").limit(1)
    ):
        raise NotEmpty
    names = set(db.session.scalars(select(Account.name)))
    if names - {"admin"}:
        raise NotEmpty


def fill(cases: int = 3_000, seed: int = 1, today: date | None = None) -> Filled:
    """Fill an empty database; raises NotEmpty. The site says "practice" on every page from then on.

    Not one transaction: it starts by marking the site as practice, so that nothing unmarked is ever left behind.
    """
    refuse_unless_empty()
    chance = random.Random(seed)  # noqa: S311 -- the same data for the same seed  # nosec B311
    end = today or units.today()
    mark_practice()
    load_content()
    refuse_without_units()
    province, communes = _places(chance)
    people, desks = _accounts(chance, province, communes)
    known = [topic for topic in TOPICS if topics.known(topic[0]) is not None]
    logged = _log_cases(chance, desks, known, cases, end)
    rollup.rebuild()
    requests = _ask(chance, desks, known, end)
    stored = _official_counts(chance, province, communes, end)
    targets = _targets(province, communes, cases, end)
    _note(cases, seed)
    lines = (
        f"Province: {province.name}, {len(desks)} of {len(units.communes_below(province.id))} communes take part.",
        f"{logged} assisted cases from {end - timedelta(days=DAYS - 1)} to {end}.",
        f"{requests} requests for help, {stored} official figures, {targets} targets.",
        "Every page says that these are practice data.",
    )
    return Filled(lines, tuple(people))


@transaction
def _note(cases: int, seed: int) -> None:
    audit.record("demo.fill", "", "command line", cases=cases, seed=seed)


def refuse_without_units() -> None:
    """Raise a sentence where no units are loaded: the province is made of real ones."""
    if not units.any_unit():
        raise UserError("There are no units. `flask content load` brings those that ship with the site.")


def _places(chance: random.Random) -> tuple[Place, list[Place]]:
    province = max(units.provinces(), key=lambda place: (len(units.communes_below(place.id)), place.code))
    communes = sorted(units.communes_below(province.id), key=lambda place: place.code)
    return province, sorted(chance.sample(communes, min(DESKS, len(communes))), key=lambda place: place.code)


def _accounts(
    chance: random.Random, province: Place, communes: list[Place]
) -> tuple[list[tuple[str, str, str]], list[_Desk]]:
    """Four people to sign in as, and one account per further desk that nobody signs in with."""
    people: list[tuple[str, str, str]] = []
    wanted: tuple[tuple[str, str, int | None, str], ...] = (
        ("demo-desk", "desk", communes[0].id, f"Tập huấn: bàn hướng dẫn {communes[0].name}"),
        ("demo-manager", "manager", province.id, f"Tập huấn: quản lý {province.name}"),
        ("demo-editor", "editor", None, "Tập huấn: biên tập"),
        ("demo-admin", "admin", None, "Tập huấn: quản trị"),
    )
    ids: dict[str, int] = {}
    for name, role, unit_id, shown in wanted:
        password = _password()
        ids[name] = accounts.create_account(name, [role], unit_id, password, shown, by="demo").id
        people.append((name, password, role))
    others = _bulk_accounts(communes[1:])
    desks = []
    for number, place in enumerate(communes):
        account_id = ids["demo-desk"] if number == 0 else others[place.id]
        desks.append(_Desk(place, account_id, chance.lognormvariate(0, 0.7), chance.uniform(-0.12, 0.15)))
    return people, desks


def _password() -> str:
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


@transaction
def _bulk_accounts(communes: list[Place]) -> dict[int, int]:
    """Accounts of the other desks: they hold the history, and no password fits them."""
    rows = [
        Account(
            name=f"demo-{place.code}",
            display_name=f"Tập huấn: {place.name}",
            password_hash="!",  # noqa: S106 -- no password has this hash  # nosec B106
            unit_id=place.id,
            created_at=now(),
            disabled_at=now(),
        )
        for place in communes
    ]
    db.session.add_all(rows)
    db.session.flush()
    return {row.unit_id: row.id for row in rows if row.unit_id is not None}


# --- cases -------------------------------------------------------------------------------------


def _busy(day: date) -> float:
    """How busy a desk is on a day: closed on Sundays, quiet on Saturdays and around Tết, growing over the year."""
    if day.weekday() == 6:
        return 0.0
    factor = 0.25 if day.weekday() == 5 else 1.0
    if date(day.year, 1, 25) <= day <= date(day.year, 2, 25):
        factor *= 0.6
    if day.month in {7, 8}:
        factor *= 1.3  # a new school year, new births registered after the holidays
    return factor


def _instant(chance: random.Random, day: date) -> datetime:
    minute = chance.choice((chance.triangular(450, 690, 540), chance.triangular(810, 1020, 870)))
    clock = time(int(minute) // 60, int(minute) % 60, chance.randrange(60))
    return datetime.combine(day, clock, VIETNAM)


def _log_cases(
    chance: random.Random,
    desks: list[_Desk],
    known: list[tuple[str, int, str, str]],
    cases: int,
    end: date,
) -> int:
    facts = {topic: topics.known(topic) for topic, *_rest in known}
    days = [end - timedelta(days=number) for number in reversed(range(DAYS))]
    growth = [_busy(day) * (0.55 + 0.9 * number / DAYS) for number, day in enumerate(days)]
    picked_days = sorted(chance.choices(days, growth, k=cases))
    latest = min(now(), datetime.combine(end, time(17), VIETNAM))
    rows: list[dict[str, Any]] = []
    for number, day in enumerate(picked_days):
        progress = (day - days[0]).days / DAYS
        desk_ = chance.choices(desks, [one.weight for one in desks])[0]
        topic = chance.choices(known, [weight for _topic, weight, *_rest in known])[0]
        instant = min(_instant(chance, day), latest)
        row = _case(chance, desk_, topic, progress)
        fact = facts[topic[0]]
        row |= {
            "case_uid": f"demo-{number:07d}",
            "occurred_at": instant,
            "logged_at": instant,
            "changed_at": instant,
            "day": day,
            "month": day.replace(day=1),
            "topic_version": fact.version if fact else "",
            "online_level": fact.online_level if fact else "",
        }
        rows.append(row)
    for start in range(0, len(rows), BLOCK):
        _store(rows[start : start + BLOCK])
    return len(rows)


@transaction
def _store(rows: list[dict[str, Any]]) -> None:
    db.session.execute(insert(AssistedCase), rows)


def _case(
    chance: random.Random, desk_: _Desk, topic: tuple[str, int, str, str], progress: float
) -> dict[str, Any]:
    name, _weight, need, good = topic
    age = chance.choices(("under_18", "18-39", "40-59", "60+"), (3, 34, 36, 27))[0]
    guided = 0.32 + 0.34 * progress + desk_.skill - (0.16 if age == "60+" else 0)
    mode = "guided" if chance.random() < guided else chance.choices(("staff", "explained"), (3, 2))[0]
    stopped = chance.random() < 0.17 - 0.06 * progress - desk_.skill / 4
    outcome = good
    if stopped:
        outcome = chance.choices(("stopped", "referred"), (3, 2))[0]
    elif chance.random() < 0.14:
        outcome = chance.choice(("home", "counter"))
    reason = None
    if outcome in {"stopped", "referred"}:
        reason = chance.choices([key for key, _ in REASONS], [share for _, share in REASONS])[0]
    place = chance.choices(("centre", "hamlet", "home", "phone", "online"), (68, 14, 6, 9, 3))[0]
    return {
        "unit_id": desk_.place.id,
        "account_id": desk_.account_id,
        "place": place,
        "topic": name,
        "need": need,
        "help_mode": mode,
        "outcome": outcome,
        "reason": reason,
        "people": chance.randint(2, 6) if place == "hamlet" and chance.random() < 0.3 else 1,
        "minutes": chance.choices(("0-5", "5-15", "15-30", "30+", None), (20, 42, 22, 6, 10))[0],
        "first_time": chance.random() < 0.42 - 0.15 * progress,
        "age_band": age if chance.random() < 0.8 else None,
        "access_need": chance.choice(("sight", "reading", "movement")) if chance.random() < 0.05 else None,
        "steps": [],
        "failed_step": str(chance.randint(2, 5)) if reason and name.startswith("guide:") else "",
        "note": "",
    }


# --- requests for help -------------------------------------------------------------------------


@transaction
def _ask(chance: random.Random, desks: list[_Desk], known: list[tuple[str, int, str, str]], end: date) -> int:
    """Requests without a telephone number: some wait, one is being answered, the rest are closed."""
    latest = min(now(), datetime.combine(end, time(17), VIETNAM))
    for number in range(40):
        desk_ = desks[0] if number % 3 == 0 else chance.choice(desks)
        asked = min(_instant(chance, end - timedelta(days=number * 2)), latest)
        state = "open" if number < 5 else "claimed" if number < 7 else "closed"
        db.session.add(
            HelpRequest(
                fingerprint=desk.request_fingerprint(f"demo-{number}-{secrets.token_urlsafe(12)}"),
                unit_id=desk_.place.id,
                lang="vi",
                topic=chance.choice(known)[0],
                question=chance.choice(QUESTIONS),
                best_time=chance.choice(("", "Buổi sáng", "Sau 17 giờ")),
                state=state,
                asked_at=asked,
                claimed_by=None if state == "open" else desk_.account_id,
                claimed_at=None if state == "open" else min(asked + timedelta(hours=3), latest),
                closed_at=min(asked + timedelta(hours=20), latest) if state == "closed" else None,
                answer=ANSWER if state == "closed" else "",
            )
        )
    return 40


# --- official counts and targets ---------------------------------------------------------------


def _months(end: date) -> list[date]:
    first = end.replace(day=1)
    found = []
    for _number in range(12):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found[::-1]


def _one_stop(chance: random.Random, communes: list[Place], end: date) -> Iterator[dict[str, object]]:
    for place in communes:
        size = chance.randint(180, 900)
        carried = chance.randint(5, 30)
        for number, month in enumerate(_months(end)):
            arrived = round(size * chance.uniform(0.8, 1.2))
            online = round(arrived * min(0.93, chance.uniform(0.48, 0.62) + 0.025 * number))
            received = arrived + carried
            in_progress = chance.randint(4, 30)
            resolved = received - in_progress
            overdue = min(resolved, chance.randint(0, 6))
            early = round((resolved - overdue) * chance.uniform(0.5, 0.75))
            late = min(in_progress, chance.randint(0, 2))
            yield {
                "unit": place.code,
                "period": f"{month:%Y-%m}",
                "received": received,
                "online": online,
                "direct": arrived - online,
                "carried": carried,
                "resolved": resolved,
                "early": early,
                "on_time": resolved - overdue - early,
                "overdue": overdue,
                "in_progress": in_progress,
                "in_progress_due": in_progress - late,
                "in_progress_overdue": late,
            }
            carried = in_progress


def _identity(chance: random.Random, communes: list[Place], end: date) -> Iterator[dict[str, object]]:
    for place in communes:
        adults = chance.randint(6_000, 24_000)
        for number, month in enumerate(_months(end)):
            for key, begin, step in (("identity.level_2", 0.52, 0.02), ("identity.vssid", 0.31, 0.014)):
                share = min(0.97, begin + step * number + chance.uniform(-0.01, 0.01))
                yield {
                    "indicator": key,
                    "unit": place.code,
                    "period": f"{month:%Y-%m}",
                    "numerator": round(adults * share),
                    "denominator": adults,
                }


def _official_counts(chance: random.Random, province: Place, communes: list[Place], end: date) -> int:
    """Through the same check and the same action as a real file."""
    del province
    stored = 0
    for name, rows in (
        ("one-stop", _one_stop(chance, communes, end)),
        ("identity", _identity(chance, communes, end)),
    ):
        listed = list(rows)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
        content = text.getvalue().encode()
        found = figure_files.check(f"tap-huan-{name}.csv", content, name, source=SOURCE)
        stored += figures.save_import(found, by="demo").stored
    return stored


def _targets(province: Place, communes: list[Place], cases: int, end: date) -> int:
    year = (date(end.year, 1, 1), date(end.year, 12, 31))
    rows: list[tuple[str, int | None, tuple[date, date], float | None, float | None, str]] = [
        ("assisted.self_service", province.id, year, None, 0.6, SOURCE),
        ("identity.level_2", province.id, year, None, 0.8, SOURCE),
    ]
    each = max(1, round(cases * 1.1 / max(1, len(communes))))
    rows += [("assisted.people", place.id, year, float(each), None, SOURCE) for place in communes]
    return figures.save_targets(rows, by="demo")
