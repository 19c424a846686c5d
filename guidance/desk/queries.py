"""What the desk shows: today's cases, one case and its history, defaults, templates, requests, closed months."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, exists, func, or_, select, true

from guidance import content_files, security
from guidance.accounts import queries as accounts
from guidance.accounts.models import Account, AccountRole
from guidance.accounts.queries import Staff
from guidance.catalogue.differences import state_of
from guidance.config import PROJECT
from guidance.db import db, now, rows_of
from guidance.desk import topics
from guidance.desk.models import (
    WHOLE_SITE,
    AssistedCase,
    CannedAnswer,
    CaseChange,
    ClosedMonth,
    CommunitySession,
    DeskSetting,
    DeskTemplate,
    HelpAttempt,
    HelpRequest,
    SessionChange,
)
from guidance.errors import NotAllowed
from guidance.i18n import VIETNAM
from guidance.units import queries as units
from guidance.units.models import Unit

SHIPPED = PROJECT / "guidance" / "content" / "desk.yaml"
UNDO_WITHIN = timedelta(seconds=60)  # the button stands for ten seconds; slow networks get the rest
LEARNED_FROM = timedelta(days=14)
LEARNED_CASES = 200
MOST_CHOICES = 400
SESSIONS_A_PAGE = 30


class CaseRow(NamedTuple):
    """One case as lists and answers show it; `note` and `file_reference` are empty once they have expired."""

    case_uid: str
    occurred_at: datetime
    day: date
    unit_code: str
    unit_name: str
    account_id: int
    by: str
    place: str
    topic: str
    topic_name: str
    topic_path: str
    topic_version: str
    online_level: str
    need: str
    help_mode: str
    outcome: str
    reason: str | None
    people: int
    minutes: str | None
    first_time: bool
    age_band: str | None
    access_need: str | None
    steps: tuple[str, ...]
    failed_step: str
    note: str
    file_reference: str
    from_request: bool
    session_id: int | None
    voided_at: datetime | None
    logged_at: datetime
    changed_at: datetime
    changed: bool


class ChangeRow(NamedTuple):
    """One change of a case: when, by whom, why, and each field's old and new value."""

    at: datetime
    by: str
    why: str
    fields: tuple[tuple[str, Any, Any], ...]


class Defaults(NamedTuple):
    """What this desk usually fills in."""

    place: str = "centre"
    need: str = "submit"
    help_mode: str = "guided"
    outcome: str = "submitted"
    minutes: str | None = None
    learned_from: int = 0
    about_topic: bool = False


# --- scope -------------------------------------------------------------------------------------


def may_log_for(staff: Staff, unit_id: int) -> bool:
    """Whether a person logs for a unit: desk people for their own, managers for all below theirs too."""
    if staff.unit_id is None or staff.unit_id == unit_id:
        return True
    return staff.has("manager") and staff.unit_id in ids_above(unit_id)


def unit_to_log_for(staff: Staff, unit_id: int | None) -> int | None:
    """The unit of a new case: the one given, else the account's own. Raises NotAllowed outside the scope."""
    if unit_id is None:
        return staff.unit_id
    if not may_log_for(staff, unit_id):
        raise NotAllowed
    return unit_id


def unit_of_code(code: str, day: date) -> int | None:
    """The id of the unit that has this code on a day."""
    place = units.by_code(code, on=day)
    return place.id if place else None


def may_see(staff: Staff, unit_id: int | None) -> bool:
    """Whether a person sees and corrects the cases of a unit."""
    if unit_id is None:
        return staff.unit_id is None
    return may_log_for(staff, unit_id)


_ABOVE = select(Unit.id, Unit.parent_id).where(Unit.id == bindparam("unit_id")).cte(recursive=True)
_ABOVE = _ABOVE.union(select(Unit.id, Unit.parent_id).join(_ABOVE, Unit.id == _ABOVE.c.parent_id))
_IDS_ABOVE = select(_ABOVE.c.id)


def ids_above(unit_id: int) -> list[int]:
    """The unit itself and every unit above it."""
    return [row.id for row in rows_of(_IDS_ABOVE, unit_id=unit_id)]


def _in_scope(staff: Staff, column: Any) -> Any:
    if staff.unit_id is None:
        return true()
    if staff.has("manager"):
        return column.in_(units.ids_below(staff.unit_id))
    return column == staff.unit_id


# --- months ------------------------------------------------------------------------------------


_CLOSED = (
    select(ClosedMonth.id)
    .where(ClosedMonth.month == bindparam("month"))
    .where(or_(ClosedMonth.unit_id == WHOLE_SITE, ClosedMonth.unit_id.in_(_IDS_ABOVE)))
    .limit(1)
)


def is_closed(unit_id: int | None, month: date) -> bool:
    """Whether a month has been reported for a unit or for one above it."""
    return bool(rows_of(_CLOSED, unit_id=unit_id, month=month))


def closed_months(unit_id: int | None) -> list[tuple[date, datetime, str]]:
    """The closed months of a unit (None: of the whole site), newest first: month, when, by whom."""
    query = select(ClosedMonth).where(ClosedMonth.unit_id == (unit_id or WHOLE_SITE))
    rows = db.session.scalars(query.order_by(ClosedMonth.month.desc())).all()
    names = accounts.display_names({row.closed_by for row in rows})
    return [(row.month, row.closed_at, names.get(row.closed_by, "")) for row in rows]


def keeps_file_references(unit_id: int | None) -> bool:
    """Whether a unit has switched file references on."""
    query = select(DeskSetting.file_references).where(DeskSetting.unit_id == (unit_id or WHOLE_SITE))
    return bool(db.session.scalar(query))


def units_keeping_file_references(staff: Staff) -> list[units.Place]:
    """The units in the person's scope that have switched file references on, by name."""
    query = select(DeskSetting.unit_id).where(
        DeskSetting.file_references, _in_scope(staff, DeskSetting.unit_id)
    )
    return sorted(units.by_ids(db.session.scalars(query)).values(), key=lambda place: place.name)


# --- cases -------------------------------------------------------------------------------------


_CASES = (
    select(
        AssistedCase.__table__,
        func.coalesce(func.nullif(Account.display_name, ""), Account.name).label("by"),
        Unit.code.label("unit_code"),
        Unit.name.label("unit_name"),
        Unit.valid_to.label("unit_valid_to"),
        exists().where(CaseChange.case_id == AssistedCase.id).label("changed"),
    )
    .join(Account, Account.id == AssistedCase.account_id)
    .outerjoin(Unit, Unit.id == AssistedCase.unit_id)
)
_CASE = _CASES.where(AssistedCase.case_uid == bindparam("case_uid"))


def _case_rows(rows: Sequence[Any], lang: str) -> list[CaseRow]:
    """Rows of _CASES as lists and answers show them."""
    names = topics.names({row.topic for row in rows}, lang)
    result = []
    for row in rows:
        named = names[row.topic]
        result.append(
            CaseRow(
                case_uid=row.case_uid,
                occurred_at=row.occurred_at,
                day=row.day,
                unit_code=units.key(row.unit_code, row.unit_valid_to) if row.unit_code else "",
                unit_name=row.unit_name or "",
                account_id=row.account_id,
                by=row.by,
                place=row.place,
                topic=row.topic,
                topic_name=named.name,
                topic_path=named.path,
                topic_version=row.topic_version,
                online_level=row.online_level,
                need=row.need,
                help_mode=row.help_mode,
                outcome=row.outcome,
                reason=row.reason,
                people=row.people,
                minutes=row.minutes,
                first_time=row.first_time,
                age_band=row.age_band,
                access_need=row.access_need,
                steps=tuple(row.steps),
                failed_step=row.failed_step,
                note=row.note,
                file_reference=row.file_reference,
                from_request=row.request_id is not None,
                session_id=row.session_id,
                voided_at=row.voided_at,
                logged_at=row.logged_at,
                changed_at=row.changed_at,
                changed=row.changed,
            )
        )
    return result


def today() -> date:
    """Today in Vietnam."""
    return now().astimezone(VIETNAM).date()


def cases_of_day(staff: Staff, day: date, lang: str, mine: bool = False, limit: int = 200) -> list[CaseRow]:
    """The cases of a day in the person's scope (only their own where asked), newest first, voided ones too."""
    query = _CASES.where(AssistedCase.day == day, _in_scope(staff, AssistedCase.unit_id))
    if mine:
        query = query.where(AssistedCase.account_id == staff.id)
    query = query.order_by(AssistedCase.logged_at.desc(), AssistedCase.id.desc()).limit(limit)
    return _case_rows(rows_of(query), lang)


def case(staff: Staff, case_uid: str, lang: str) -> CaseRow | None:
    """One case in the person's scope."""
    rows = [row for row in rows_of(_CASE, case_uid=case_uid) if may_see(staff, row.unit_id)]
    return next(iter(_case_rows(rows, lang)), None)


def history(case_uid: str) -> list[ChangeRow]:
    """Every change of a case, oldest first."""
    query = (
        select(CaseChange)
        .join(AssistedCase, AssistedCase.id == CaseChange.case_id)
        .where(AssistedCase.case_uid == case_uid)
        .order_by(CaseChange.id)
    )
    return _changes(db.session.scalars(query).all())


def _changes(rows: Sequence[CaseChange | SessionChange]) -> list[ChangeRow]:
    names = accounts.display_names({row.account_id for row in rows})
    return [
        ChangeRow(
            row.at,
            names.get(row.account_id, ""),
            row.why,
            tuple((name, row.before.get(name), row.after.get(name)) for name in sorted(row.after)),
        )
        for row in rows
    ]


def may_undo(staff: Staff, row: CaseRow) -> bool:
    """Whether the person's own last act on a case is so fresh that it can still be taken back."""
    return row.voided_at is None and row.account_id == staff.id and now() - row.changed_at < UNDO_WITHIN


@cache
def _latest(whole_site: bool, *names: str) -> Select[Any]:
    """Columns of the desk's cases of the last days, the newest first, in the order in which an index holds them."""
    query = select(*(getattr(AssistedCase, name) for name in names))
    query = query.where(AssistedCase.voided_at.is_(None), AssistedCase.day >= bindparam("since"))
    if not whole_site:
        query = query.where(AssistedCase.unit_id == bindparam("unit_id")).order_by(AssistedCase.day.desc())
    return query.order_by(AssistedCase.id.desc()).limit(LEARNED_CASES)


def _learned(unit_id: int | None, *names: str) -> Sequence[Any]:
    return rows_of(_latest(unit_id is None, *names), unit_id=unit_id, since=today() - LEARNED_FROM)


def usual_place(unit_id: int | None) -> str:
    """Where the desk mostly helps, as its last days say."""
    places = Counter(row.place for row in _learned(unit_id, "place"))
    return places.most_common(1)[0][0] if places else Defaults().place


def defaults(unit_id: int | None, topic: str = "") -> Defaults:
    """What the desk's last days suggest for a new case, for a topic where it has been seen before."""
    rows = _learned(unit_id, "topic", "place", "need", "help_mode", "outcome", "minutes")
    if not rows:
        return Defaults()
    about = [row for row in rows if row.topic == topic] or rows

    def usual(name: str, among: Sequence[Any]) -> Any:
        return Counter(getattr(row, name) for row in among).most_common(1)[0][0]

    resolved = [row for row in about if row.outcome not in {"stopped", "referred"}] or about
    return Defaults(
        place=usual("place", rows),
        need=usual("need", about),
        help_mode=usual("help_mode", about),
        outcome=usual("outcome", resolved),
        minutes=usual("minutes", about),
        learned_from=len(rows),
        about_topic=about[0].topic == topic,
    )


# --- sessions of community teams ---------------------------------------------------------------


class SessionRow(NamedTuple):
    """An evening of a community team with what its cases say today: how it ended for how many people.

    `results` has the people by outcome, those who stopped by reason, under the names of the form.
    """

    id: int
    session_uid: str
    day: date
    where: str
    unit_code: str
    unit_name: str
    by: str
    topic: str
    topic_name: str
    place: str
    need: str
    help_mode: str
    attended: int
    results: dict[str, int]
    voided_at: datetime | None
    logged_at: datetime
    changed: bool

    @property
    def helped(self) -> int:
        """The people whose result is counted."""
        return sum(self.results.values())


def result_name(outcome: str, reason: str | None) -> str:
    """What a result of an evening is called in its form: the outcome, or the reason of those who stopped."""
    return (reason or "other") if outcome == "stopped" else outcome


def past_sessions(staff: Staff, lang: str, page: int = 1) -> tuple[list[SessionRow], int]:
    """The evenings in the person's scope, newest first, and how many pages of them there are."""
    mine = _in_scope(staff, CommunitySession.unit_id)
    total = db.session.scalar(select(func.count()).select_from(CommunitySession).where(mine)) or 0
    query = select(CommunitySession).where(mine)
    query = query.order_by(CommunitySession.day.desc(), CommunitySession.id.desc())
    rows = db.session.scalars(query.offset((page - 1) * SESSIONS_A_PAGE).limit(SESSIONS_A_PAGE)).all()
    return _sessions(rows, lang), -(-total // SESSIONS_A_PAGE)


def past_session(staff: Staff, session_uid: str, lang: str) -> SessionRow | None:
    """One evening in the person's scope."""
    query = select(CommunitySession).where(
        CommunitySession.session_uid == session_uid, _in_scope(staff, CommunitySession.unit_id)
    )
    found = _sessions(db.session.scalars(query).all(), lang)
    return found[0] if found else None


def _sessions(rows: Sequence[CommunitySession], lang: str) -> list[SessionRow]:
    ids = [row.id for row in rows]
    names = topics.names({row.topic for row in rows}, lang)
    people = accounts.display_names({row.account_id for row in rows})
    places = units.by_ids({row.unit_id for row in rows if row.unit_id is not None})
    changed = set(
        db.session.scalars(select(SessionChange.session_id).where(SessionChange.session_id.in_(ids)))
    )
    of_case = select(AssistedCase).where(AssistedCase.session_id.in_(ids)).order_by(AssistedCase.id)
    cases: dict[int | None, list[AssistedCase]] = {}
    for case_row in db.session.scalars(of_case):
        cases.setdefault(case_row.session_id, []).append(case_row)
    found = []
    for row in rows:
        results: Counter[str] = Counter()
        for one in cases.get(row.id, []):
            if one.voided_at is None:
                results[result_name(one.outcome, one.reason)] += one.people
        first = next(iter(cases.get(row.id, [])), None)
        place = places.get(row.unit_id) if row.unit_id is not None else None
        found.append(
            SessionRow(
                id=row.id,
                session_uid=row.session_uid,
                day=row.day,
                where=row.where,
                unit_code=place.key if place else "",
                unit_name=place.name if place else "",
                by=people.get(row.account_id, ""),
                topic=row.topic,
                topic_name=names[row.topic].name,
                place=first.place if first else "hamlet",
                need=first.need if first else "account",
                help_mode=first.help_mode if first else "guided",
                attended=row.attended,
                results=dict(results),
                voided_at=row.voided_at,
                logged_at=row.logged_at,
                changed=row.id in changed,
            )
        )
    return found


def session_history(session_id: int) -> list[ChangeRow]:
    """Every correction and the void of an evening, oldest first."""
    query = select(SessionChange).where(SessionChange.session_id == session_id).order_by(SessionChange.id)
    return _changes(db.session.scalars(query).all())


# --- requests for help -------------------------------------------------------------------------


class RequestRow(NamedTuple):
    """A request as the desk sees it. The telephone number is there only for the person who took it."""

    id: int
    unit_name: str
    lang: str
    topic: str
    topic_name: str
    question: str
    best_time: str
    wants_call: bool
    phone: str
    for_child: bool
    state: str
    asked_at: datetime
    claimed_by: int | None
    claimer: str
    answer: str


class OwnRequest(NamedTuple):
    """A request as the citizen sees it at their link."""

    id: int
    topic_name: str
    topic_path: str
    question: str
    best_time: str
    state: str
    keeps_phone: bool
    consent: str
    consented_at: datetime | None
    withdrawn_at: datetime | None
    asked_at: datetime
    closed_at: datetime | None
    unit_name: str
    answer: str


def request_fingerprint(token: str) -> str:
    """What the database keeps of the token in a citizen's link."""
    return security.signed("help", token)


def _requests_in_scope(staff: Staff) -> Any:
    return or_(HelpRequest.unit_id.is_(None), _in_scope(staff, HelpRequest.unit_id))


def open_requests(staff: Staff, lang: str) -> list[RequestRow]:
    """Requests that wait or that somebody has taken, the oldest first; those without a unit belong to every desk."""
    query = (
        select(HelpRequest)
        .where(HelpRequest.state.in_(["open", "claimed"]), _requests_in_scope(staff))
        .order_by(HelpRequest.asked_at)
    )
    rows = db.session.scalars(query).all()
    names = topics.names({row.topic for row in rows}, lang)
    people = accounts.display_names({row.claimed_by for row in rows if row.claimed_by is not None})
    places = units.by_ids({row.unit_id for row in rows if row.unit_id is not None})
    return [
        RequestRow(
            row.id,
            places[row.unit_id].name if row.unit_id in places else "",
            row.lang,
            row.topic,
            names[row.topic].name,
            row.question,
            row.best_time,
            row.phone is not None,
            security.decrypt(row.phone) if row.phone and row.claimed_by == staff.id else "",
            row.for_child,
            row.state,
            row.asked_at,
            row.claimed_by,
            people.get(row.claimed_by or 0, ""),
            row.answer,
        )
        for row in rows
    ]


def open_request(staff: Staff, request_id: int, lang: str) -> RequestRow | None:
    """One request that is not closed yet, in the person's scope."""
    return next((row for row in open_requests(staff, lang) if row.id == request_id), None)


def own_request(token: str, lang: str) -> OwnRequest | None:
    """The request that a citizen's link leads to; None when it is unknown or deleted."""
    row = db.session.scalar(select(HelpRequest).where(HelpRequest.fingerprint == request_fingerprint(token)))
    if row is None:
        return None
    named = topics.name(row.topic, lang)
    place = units.by_id(row.unit_id) if row.unit_id is not None else None
    return OwnRequest(
        row.id,
        named.name,
        named.path,
        row.question,
        row.best_time,
        row.state,
        row.phone is not None,
        row.consent,
        row.consented_at,
        row.withdrawn_at,
        row.asked_at,
        row.closed_at,
        place.name if place else "",
        row.answer,
    )


def desks() -> list[units.Place]:
    """The units where somebody works at a desk, by name: where a citizen may send a request."""
    query = (
        select(Account.unit_id)
        .join(AccountRole, AccountRole.account_id == Account.id)
        .where(AccountRole.role == "desk", Account.disabled_at.is_(None), Account.unit_id.is_not(None))
        .distinct()
    )
    places = units.by_ids([unit_id for unit_id in db.session.scalars(query) if unit_id is not None])
    return sorted(places.values(), key=lambda place: place.name)


def unit_choices(staff: Staff) -> list[units.Place]:
    """The units a person may log for, when there is a choice: managers of a province, accounts of the whole site.

    Where all units of the country are loaded, only those with a desk are offered; any code can still be typed.
    """
    if staff.unit_id is None:
        present = units.present_units()
        return present if len(present) <= MOST_CHOICES else desks()
    if staff.has("manager"):
        below = units.by_ids(units.ids_below(staff.unit_id))
        return [below[staff.unit_id], *(place for place in below.values() if place.id != staff.unit_id)]
    return []


def request_attempts(key: str, since: datetime) -> int:
    """How many requests came under a key since an instant."""
    query = select(func.count()).select_from(HelpAttempt).where(HelpAttempt.key == key)
    return db.session.scalar(query.where(HelpAttempt.at >= since)) or 0


def as_json(row: CaseRow) -> dict[str, Any]:
    """A case as the JSON door answers it, in the shape it was sent in."""
    return {
        "case_uid": row.case_uid,
        "topic": row.topic,
        "topic_name": row.topic_name,
        "topic_version": row.topic_version,
        "online_level": row.online_level,
        "need": row.need,
        "help_mode": row.help_mode,
        "outcome": row.outcome,
        "occurred_at": row.occurred_at.astimezone(VIETNAM).isoformat(timespec="seconds"),
        "unit": row.unit_code or None,
        "place": row.place,
        "reason": row.reason,
        "people": row.people,
        "minutes": row.minutes,
        "first_time": row.first_time,
        "age_band": row.age_band,
        "access_need": row.access_need,
        "steps": list(row.steps),
        "failed_step": row.failed_step,
        "note": row.note,
        "file_reference": row.file_reference,
        "by": row.by,
        "logged_at": row.logged_at.astimezone(VIETNAM).isoformat(timespec="seconds"),
        "changed": row.changed,
        "voided_at": row.voided_at.astimezone(VIETNAM).isoformat(timespec="seconds")
        if row.voided_at
        else None,
    }


# --- templates and answers ---------------------------------------------------------------------


class Template(NamedTuple):
    """A common case: one key fills the form. `id` is None for one that came with the site."""

    id: int | None
    key: str
    name: str
    names: dict[str, str]
    values: dict[str, Any]
    own: bool


class Answer(NamedTuple):
    """A text to read out or send. `id` is None for one that came with the site."""

    id: int | None
    key: str
    topic: str
    reason: str
    title: str
    text: str
    titles: dict[str, str]
    texts: dict[str, str]


@cache
def _shipped() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = content_files.read(SHIPPED)
    return found


def _say(words: dict[str, str], lang: str) -> str:
    return words.get(lang) or words.get("vi") or next(iter(words.values()), "")


def templates(unit_id: int | None, lang: str) -> list[Template]:
    """The templates of a desk: its own once it has any, else those that came with the site."""
    query = select(DeskTemplate).order_by(DeskTemplate.position, DeskTemplate.id)
    own = query.where(
        DeskTemplate.unit_id == unit_id if unit_id is not None else DeskTemplate.unit_id.is_(None)
    )
    rows = db.session.scalars(own).all()
    if rows:
        return [Template(row.id, row.key, _say(row.names, lang), row.names, row.values, True) for row in rows]
    return [
        Template(None, one["key"], _say(one["names"], lang), one["names"], one["values"], False)
        for one in _shipped()["templates"]
    ]


def template_of_id(template_id: int) -> tuple[int | None, Template] | None:
    """A desk's own template with the unit it belongs to."""
    row = db.session.get(DeskTemplate, template_id)
    if row is None:
        return None
    return row.unit_id, Template(row.id, row.key, _say(row.names, "vi"), row.names, row.values, True)


def answers(unit_id: int | None, lang: str, topic: str = "", reason: str = "") -> list[Answer]:
    """Answers of a desk: its own and those that came with the site; the ones for this topic and reason first."""
    query = select(CannedAnswer).where(or_(CannedAnswer.unit_id.is_(None), CannedAnswer.unit_id == unit_id))
    rows = db.session.scalars(query.order_by(CannedAnswer.id)).all()
    replaced = {row.key for row in rows if row.key}
    found = [
        Answer(
            row.id,
            row.key,
            row.topic,
            row.reason,
            _say(row.title, lang),
            _say(row.text, lang),
            row.title,
            row.text,
        )
        for row in rows
        if not row.hidden
    ]
    found += [
        Answer(
            None,
            one["key"],
            one.get("topic", ""),
            one.get("reason", ""),
            _say(one["title"], lang),
            _say(one["text"], lang),
            one["title"],
            one["text"],
        )
        for one in _shipped()["answers"]
        if one["key"] not in replaced
    ]
    return sorted(
        found,
        key=lambda one: -(2 * bool(topic and one.topic == topic) + bool(reason and one.reason == reason)),
    )


def answer_state(unit_id: int | None, key: str, lang: str) -> str:
    """A mark of what an answer says in one language; empty where there is none with this key."""
    one = next((one for one in answers(unit_id, lang) if one.key == key), None) if key else None
    return state_of((one.topic, one.reason, one.title, one.text)) if one else ""
