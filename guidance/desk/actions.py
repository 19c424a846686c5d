"""What can be done at the desk, one transaction each: log, correct, void, undo, sessions, requests, months."""

import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, or_, select, update

from guidance import audit, security
from guidance.accounts.queries import Staff
from guidance.db import db, is_sqlite, now, rows_of, transaction, upsert
from guidance.desk import queries, rollup, topics
from guidance.desk.models import (
    UNRESOLVED,
    WHOLE_SITE,
    AssistedCase,
    CannedAnswer,
    CaseChange,
    ClosedMonth,
    DeskSetting,
    DeskTemplate,
    HelpAttempt,
    HelpRequest,
)
from guidance.errors import Conflict, NotAllowed, NotFound, TooManyAttempts, UserError
from guidance.i18n import VIETNAM
from guidance.units import queries as units

PHONE_KEPT_AFTER_CLOSING = timedelta(days=30)
REQUEST_WAITS_AT_MOST = timedelta(days=60)
REQUESTS_AT_ONCE = 10  # within a quarter of an hour from one address: a family, not a robot
REQUESTS_A_DAY = 40  # from one address: a whole hamlet may share one
REQUESTS_A_DAY_IN_ALL = 500


class PeriodLocked(UserError):
    """The month has been reported; a correction needs a manager."""

    status = 409
    message = _l("This month is closed. Ask a manager to change it or to reopen the month.")


class UnitEnded(UserError):
    """Units change; an account follows only when an administrator moves it."""

    status = 409
    message = _l(
        "The unit of this case had ended by that day. Ask your administrator to move your account to the unit of today."
    )


class UnknownTopic(UserError):
    """There is no such procedure or guide."""

    status = 422
    message = _l("Choose what the help was about: a procedure, a guide, or a general question.")


class Voided(Conflict):
    """The case has been voided; nothing more changes in it."""

    message = _l("This case has been voided. Log it again if it was right after all.")


class KeyTaken(Conflict):
    """Two templates cannot share a key."""

    message = _l("Another template uses this key. Choose another letter.")


class AlreadyClaimed(Conflict):
    """A colleague is helping this person already."""

    message = _l("A colleague has taken this request meanwhile.")


class TooLateToUndo(Conflict):
    """Undo is for a slip of the finger; later it is a correction with a reason."""

    message = _l("It is too late to undo this. Correct or void the case instead, with a reason.")


class CaseValues(NamedTuple):
    """Everything a case says, apart from who logged it. `unit_id` None is filled with the account's unit."""

    topic: str
    need: str
    help_mode: str
    outcome: str
    place: str
    occurred_at: datetime
    unit_id: int | None = None
    reason: str | None = None
    people: int = 1
    minutes: str | None = None
    first_time: bool = False
    age_band: str | None = None
    access_need: str | None = None
    steps: tuple[str, ...] = ()
    failed_step: str = ""
    note: str = ""
    file_reference: str = ""


VALUE_NAMES = CaseValues._fields


class Logged(NamedTuple):
    """What became of a case that was sent: its number, and whether it is new."""

    case_uid: str
    created: bool


# --- who may touch what ------------------------------------------------------------------------


def _check_month(staff: Staff, unit_id: int | None, month: date) -> None:
    if not staff.has("manager") and queries.is_closed(unit_id, month):
        raise PeriodLocked


def _check_scope(staff: Staff, row: AssistedCase) -> None:
    if not queries.may_see(staff, row.unit_id):
        raise NotAllowed


# --- cases -------------------------------------------------------------------------------------


def _columns(staff: Staff, values: CaseValues, about: topics.Known | None = None) -> dict[str, Any]:
    """The columns of a case: what belongs together is made to fit (a reason only where somebody stopped)."""
    known = about or topics.known(values.topic)
    if known is None:
        raise UnknownTopic
    unresolved = values.outcome in UNRESOLVED
    unit_id = queries.unit_to_log_for(staff, values.unit_id)
    day = values.occurred_at.astimezone(VIETNAM).date()
    place = units.by_id(unit_id) if unit_id is not None else None
    if place is not None and place.valid_to is not None and place.valid_to < day:
        raise UnitEnded
    reference = values.file_reference
    return values._asdict() | {
        "topic": known.topic,
        "topic_version": known.version,
        "online_level": known.online_level,
        "unit_id": unit_id,
        "day": day,
        "month": day.replace(day=1),
        "reason": values.reason if unresolved else None,
        "failed_step": values.failed_step if unresolved else "",
        "steps": list(values.steps),
        "file_reference": reference if reference and queries.keeps_file_references(unit_id) else "",
    }


def log_case(
    staff: Staff,
    case_uid: str,
    values: CaseValues,
    request_id: int | None = None,
    session_id: int | None = None,
    about: topics.Known | None = None,
) -> Logged:
    """Store a case once. A number that is known already stores nothing and says so.

    `about` is the topic where the caller has looked it up already. Raises UnknownTopic, NotAllowed (a unit outside
    the account's scope) or PeriodLocked. What only needs reading is read before the write lock is taken, so that
    other writers wait as briefly as possible.
    """
    columns = _columns(staff, values, about)
    instant = now()
    return _store_case(
        staff,
        columns
        | {
            "case_uid": case_uid,
            "account_id": staff.id,
            "logged_at": instant,
            "changed_at": instant,
            "request_id": request_id,
            "session_id": session_id,
        },
    )


@transaction
def _store_case(staff: Staff, columns: dict[str, Any]) -> Logged:
    case_uid = columns["case_uid"]
    if not rows_of(_storing(is_sqlite()), **columns):
        known = db.session.scalars(select(AssistedCase).where(AssistedCase.case_uid == case_uid)).one()
        _check_scope(staff, known)
        return Logged(case_uid, False)
    _check_month(staff, columns["unit_id"], columns["month"])
    rollup.move(None, rollup.counted_new(columns))
    return Logged(case_uid, True)


@cache
def _storing(sqlite: bool) -> Any:
    """INSERT of a case that is not there yet; made once, because every save needs it."""
    del sqlite  # upsert() follows the database in use; the argument keeps one statement for each
    return upsert(AssistedCase).on_conflict_do_nothing(index_elements=["case_uid"]).returning(AssistedCase.id)


def _case(case_uid: str) -> AssistedCase:
    row = db.session.scalar(select(AssistedCase).where(AssistedCase.case_uid == case_uid).with_for_update())
    if row is None:
        raise NotFound(_l("There is no such case."))
    return row


def _state(row: AssistedCase) -> dict[str, Any]:
    state = {name: getattr(row, name) for name in (*VALUE_NAMES, "request_id")}
    state["occurred_at"] = row.occurred_at.isoformat()
    state["voided"] = row.voided_at is not None
    return state


def _note_change(staff: Staff, row: AssistedCase, why: str, before: dict[str, Any]) -> None:
    after = _state(row)
    differing = [name for name in after if before[name] != after[name]]
    row.changed_at = now()
    db.session.add(
        CaseChange(
            case_id=row.id,
            at=now(),
            account_id=staff.id,
            why=why,
            before={name: before[name] for name in differing},
            after={name: after[name] for name in differing},
        )
    )


@transaction
def correct_case(staff: Staff, case_uid: str, changes: Mapping[str, Any], why: str) -> None:
    """Change some values of a case; the old ones and the reason are kept.

    `changes` names fields of CaseValues. Raises Voided, PeriodLocked (old or new month), NotAllowed.
    """
    row = _case(case_uid)
    _check_scope(staff, row)
    if row.voided_at is not None:
        raise Voided
    before, was = _state(row), rollup.counted(row)
    old = CaseValues(**{name: getattr(row, name) for name in VALUE_NAMES} | {"steps": tuple(row.steps)})
    new = old._replace(**dict(changes))
    columns = _columns(staff, new) if new.unit_id is not None else _columns(staff, new) | {"unit_id": None}
    if columns["topic"] == row.topic:
        del columns["topic_version"], columns["online_level"]
    _check_month(staff, row.unit_id, row.month)
    _check_month(staff, columns["unit_id"], columns["month"])
    for name, value in columns.items():
        setattr(row, name, value)
    _note_change(staff, row, why, before)
    db.session.flush()
    rollup.move(was, rollup.counted(row))
    audit.record("case.correct", f"case:{case_uid}", staff.name, why=why, fields=sorted(changes))


@transaction
def void_case(staff: Staff, case_uid: str, why: str) -> None:
    """Take a case out of every figure, keeping it and the reason; voiding twice changes nothing."""
    row = _case(case_uid)
    _check_scope(staff, row)
    if row.voided_at is not None:
        return
    _check_month(staff, row.unit_id, row.month)
    _void(staff, row, why)


def _void(staff: Staff, row: AssistedCase, why: str) -> None:
    before, was = _state(row), rollup.counted(row)
    if row.request_id is not None:
        db.session.execute(
            update(HelpRequest)
            .where(HelpRequest.id == row.request_id, HelpRequest.state == "closed")
            .values(state="claimed", closed_at=None)
        )
    row.voided_at = now()
    row.request_id = None
    _note_change(staff, row, why, before)
    db.session.flush()
    rollup.move(was, None)
    audit.record("case.void", f"case:{row.case_uid}", staff.name, why=why)


@transaction
def undo_case(staff: Staff, case_uid: str) -> None:
    """Take back one's own last act on a case within a minute: the log, the correction or the void."""
    row = _case(case_uid)
    _check_scope(staff, row)
    last = db.session.scalar(
        select(CaseChange).where(CaseChange.case_id == row.id).order_by(CaseChange.id.desc()).limit(1)
    )
    by, at = (last.account_id, last.at) if last else (row.account_id, row.logged_at)
    if by != staff.id or now() - at > queries.UNDO_WITHIN:
        raise TooLateToUndo
    _check_month(staff, row.unit_id, row.month)
    if last is None:
        _void(staff, row, "↶")
        return
    before, was = _state(row), rollup.counted(row)
    for name, value in last.before.items():
        if name == "voided":
            row.voided_at = None if not value else row.voided_at
        elif name == "occurred_at":
            row.occurred_at = datetime.fromisoformat(value)
            row.day = row.occurred_at.astimezone(VIETNAM).date()
            row.month = row.day.replace(day=1)
        else:
            setattr(row, name, value)
    _check_month(staff, row.unit_id, row.month)
    _note_change(staff, row, "↶", before)
    db.session.flush()
    rollup.move(was, rollup.counted(row))
    audit.record("case.undo", f"case:{case_uid}", staff.name)


# --- requests for help -------------------------------------------------------------------------


class NewRequest(NamedTuple):
    """What a citizen asks; `phone` only together with the wording they agreed to."""

    lang: str
    topic: str
    question: str = ""
    best_time: str = ""
    unit_id: int | None = None
    phone: str = ""
    consent: str = ""
    for_child: bool = False
    guardian_agreed: bool = False


@transaction
def ask_for_help(asked: NewRequest, address: str) -> str:
    """Store a request and return the token of the link to follow it; raises TooManyAttempts.

    `address` is only used as a keyed fingerprint, to count requests from one place.
    """
    instant = now()
    db.session.execute(delete(HelpAttempt).where(HelpAttempt.at < instant - timedelta(days=1)))
    key = security.signed("help-address", address)
    if (
        queries.request_attempts(key, instant - timedelta(minutes=15)) >= REQUESTS_AT_ONCE
        or queries.request_attempts(key, instant - timedelta(days=1)) >= REQUESTS_A_DAY
        or queries.request_attempts("all", instant - timedelta(days=1)) >= REQUESTS_A_DAY_IN_ALL
    ):
        raise TooManyAttempts
    known = topics.known(asked.topic)
    if known is None:
        raise UnknownTopic
    token = secrets.token_urlsafe(18)
    agreed = bool(asked.phone and asked.consent)
    db.session.add_all([HelpAttempt(key=key, at=instant), HelpAttempt(key="all", at=instant)])
    db.session.add(
        HelpRequest(
            fingerprint=queries.request_fingerprint(token),
            unit_id=asked.unit_id,
            lang=asked.lang,
            topic=known.topic,
            question=asked.question,
            best_time=asked.best_time,
            phone=security.encrypt(asked.phone) if agreed else None,
            phone_until=instant + REQUEST_WAITS_AT_MOST if agreed else None,
            consent=asked.consent if agreed else "",
            consented_at=instant if agreed else None,
            for_child=asked.for_child,
            guardian_agreed=asked.guardian_agreed,
            asked_at=instant,
        )
    )
    return token


def _request_of(token: str) -> HelpRequest:
    row = db.session.scalar(
        select(HelpRequest)
        .where(HelpRequest.fingerprint == queries.request_fingerprint(token))
        .with_for_update()
    )
    if row is None:
        raise NotFound
    return row


@transaction
def correct_request(token: str, question: str, best_time: str, phone: str) -> None:
    """Correct what a citizen wrote while nobody has closed it; a new number only where consent was given for one."""
    row = _request_of(token)
    if row.state not in {"open", "claimed"}:
        raise NotFound(_l("This request has been closed or withdrawn."))
    row.question, row.best_time = question, best_time
    if phone and row.phone is not None:
        row.phone = security.encrypt(phone)
    audit.record("request.correct", f"request:{row.id}")


@transaction
def withdraw_consent(token: str) -> None:
    """Delete the telephone number of a request at once; the request itself goes on without a call."""
    _withdraw(_request_of(token), "")


@transaction
def withdraw_consent_of(request_id: int, by: str) -> None:
    """The same, for a person who asked staff to do it."""
    _withdraw(_request_with(request_id), by)


def _withdraw(row: HelpRequest, by: str) -> None:
    if row.phone is not None:
        row.phone = row.phone_until = None
        row.withdrawn_at = now()
        audit.record("request.consent-withdrawn", f"request:{row.id}", by)


@transaction
def delete_request(token: str) -> None:
    """Delete everything a citizen wrote; a case that was counted stays counted, without a link to it."""
    _delete(_request_of(token), "")


@transaction
def delete_request_of(request_id: int, by: str) -> None:
    """The same, for a person who asked staff to do it."""
    _delete(_request_with(request_id), by)


def _request_with(request_id: int) -> HelpRequest:
    row = db.session.scalar(select(HelpRequest).where(HelpRequest.id == request_id).with_for_update())
    if row is None:
        raise NotFound
    return row


def _delete(row: HelpRequest, by: str) -> None:
    audit.record("request.delete", f"request:{row.id}", by)
    counted = db.session.scalar(select(AssistedCase.id).where(AssistedCase.request_id == row.id))
    if counted is not None:
        db.session.execute(update(AssistedCase).where(AssistedCase.id == counted).values(request_id=None))
    db.session.delete(row)


def _open_request(staff: Staff, request_id: int) -> HelpRequest:
    row = db.session.scalar(select(HelpRequest).where(HelpRequest.id == request_id).with_for_update())
    if row is None or row.state not in {"open", "claimed"}:
        raise NotFound(_l("This request has been closed or withdrawn."))
    if row.unit_id is not None and not queries.may_see(staff, row.unit_id):
        raise NotAllowed
    return row


@transaction
def claim_request(staff: Staff, request_id: int) -> None:
    """Take a request, so that nobody else calls; raises AlreadyClaimed when a colleague was faster."""
    row = _open_request(staff, request_id)
    if row.claimed_by not in {None, staff.id}:
        raise AlreadyClaimed
    row.state, row.claimed_by, row.claimed_at = "claimed", staff.id, now()
    audit.record("request.claim", f"request:{row.id}", staff.name)


@transaction
def release_request(staff: Staff, request_id: int) -> None:
    """Give a request back to the queue; a manager may give back a colleague's."""
    row = _claimed(staff, request_id)
    row.state, row.claimed_by, row.claimed_at = "open", None, None
    audit.record("request.release", f"request:{row.id}", staff.name)


def _claimed(staff: Staff, request_id: int) -> HelpRequest:
    row = _open_request(staff, request_id)
    if row.claimed_by != staff.id and not (row.claimed_by is not None and staff.has("manager")):
        raise AlreadyClaimed
    return row


@transaction
def close_request(staff: Staff, request_id: int, answer: str, values: CaseValues) -> Logged:
    """Close a request as one case, counted once; the answer stands at the citizen's link."""
    row = _claimed(staff, request_id)
    _end(row, answer)
    logged = log_case(staff, f"request-{row.id}-{secrets.token_hex(6)}", values, request_id=row.id)
    audit.record("request.close", f"request:{row.id}", staff.name)
    return logged


@transaction
def dismiss_request(staff: Staff, request_id: int, answer: str) -> None:
    """Close a request without a case: nobody could be reached, or it was no request at all."""
    row = _claimed(staff, request_id)
    _end(row, answer)
    audit.record("request.dismiss", f"request:{row.id}", staff.name)


def _end(row: HelpRequest, answer: str) -> None:
    row.state, row.closed_at, row.answer = "closed", now(), answer
    if row.phone is not None:
        row.phone_until = now() + PHONE_KEPT_AFTER_CLOSING


# --- months ------------------------------------------------------------------------------------


@transaction
def close_month(unit_id: int | None, month: date, by_id: int, by: str) -> None:
    """Close a month for a unit and all below it (None: the whole site); closing twice changes nothing."""
    made = db.session.scalar(
        upsert(ClosedMonth)
        .values(unit_id=unit_id or WHOLE_SITE, month=month.replace(day=1), closed_by=by_id, closed_at=now())
        .on_conflict_do_nothing(index_elements=["unit_id", "month"])
        .returning(ClosedMonth.id)
    )
    if made is not None:
        audit.record("month.close", f"month:{unit_id or WHOLE_SITE}:{month:%Y-%m}", by)


@transaction
def reopen_month(unit_id: int | None, month: date, by_id: int, by: str) -> None:  # noqa: ARG001 -- the pair of close_month
    """Reopen a closed month; reopening an open one changes nothing."""
    gone = db.session.execute(
        delete(ClosedMonth).where(
            ClosedMonth.unit_id == (unit_id or WHOLE_SITE), ClosedMonth.month == month.replace(day=1)
        )
    )
    if gone.rowcount:  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
        audit.record("month.reopen", f"month:{unit_id or WHOLE_SITE}:{month:%Y-%m}", by)


# --- retention ---------------------------------------------------------------------------------


class Purged(NamedTuple):
    """How much was deleted because its time was over."""

    notes: int
    phones: int
    requests: int

    @property
    def anything(self) -> bool:
        """Whether there was anything to delete."""
        return bool(self.notes or self.phones or self.requests)


@transaction
def purge(retention_days: int, by: str) -> Purged:
    """Delete expired notes, file references, telephone numbers and old requests; the counts stay."""
    instant = now()
    before = instant - timedelta(days=retention_days)
    notes = db.session.execute(
        update(AssistedCase)
        .where(
            AssistedCase.logged_at < before,
            (AssistedCase.note != "") | (AssistedCase.file_reference != ""),
        )
        .values(note="", file_reference="")
    ).rowcount  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
    of_old_cases = select(AssistedCase.id).where(AssistedCase.logged_at < before)
    changes = db.session.scalars(
        select(CaseChange).where(or_(CaseChange.at < before, CaseChange.case_id.in_(of_old_cases)))
    ).all()
    for change in changes:
        for name in ("note", "file_reference"):
            if change.before.get(name) or change.after.get(name):
                change.before = change.before | {name: ""}
                change.after = change.after | {name: ""}
                notes += 1
    phones = db.session.execute(
        update(HelpRequest)
        .where(HelpRequest.phone.is_not(None), HelpRequest.phone_until < instant)
        .values(phone=None, phone_until=None)
    ).rowcount  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
    requests = _purge_requests(before)
    db.session.execute(delete(HelpAttempt).where(HelpAttempt.at < instant - timedelta(days=1)))
    purged = Purged(int(notes), int(phones), requests)
    if purged.anything:
        audit.record("desk.purge", "", by, notes=purged.notes, phones=purged.phones, requests=purged.requests)
    return purged


def _purge_requests(before: datetime) -> int:
    ended = select(HelpRequest.id).where(
        func.coalesce(HelpRequest.closed_at, HelpRequest.asked_at) < before,
    )
    db.session.execute(update(AssistedCase).where(AssistedCase.request_id.in_(ended)).values(request_id=None))
    gone = db.session.execute(
        delete(HelpRequest).where(func.coalesce(HelpRequest.closed_at, HelpRequest.asked_at) < before)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides


# --- templates, answers, switches --------------------------------------------------------------


def _own_unit(staff: Staff, unit_id: int | None) -> None:
    if unit_id != staff.unit_id and (unit_id is None or not queries.may_see(staff, unit_id)):
        raise NotAllowed


def _copy_templates(unit_id: int | None) -> None:
    """A desk that changes its templates for the first time starts from the ones that came with the site."""
    present = queries.templates(unit_id, "vi")
    if any(one.own for one in present):
        return
    for position, one in enumerate(present):
        db.session.add(
            DeskTemplate(
                unit_id=unit_id,
                key=one.key,
                names=one.names,
                values=one.values,
                position=position,
                changed_at=now(),
            )
        )
    db.session.flush()


@transaction
def save_template(
    staff: Staff, old_key: str | None, key: str, names: dict[str, str], values: dict[str, Any]
) -> None:
    """Add a template to the person's desk, or change the one under `old_key`; a key is used once."""
    if topics.known(str(values.get("topic", ""))) is None:
        raise UnknownTopic
    _copy_templates(staff.unit_id)
    present = {one.key: one for one in queries.templates(staff.unit_id, "vi")}
    if key != old_key and key in present:
        raise KeyTaken
    known = present.get(old_key or "")
    if known is None or known.id is None:
        db.session.add(
            DeskTemplate(
                unit_id=staff.unit_id,
                key=key,
                names=names,
                values=values,
                position=len(present),
                changed_at=now(),
            )
        )
    else:
        row = db.session.get_one(DeskTemplate, known.id)
        row.key, row.names, row.values, row.changed_at = key, row.names | names, values, now()
    audit.record("template.save", f"template:{key}", staff.name, unit_id=staff.unit_id)


@transaction
def remove_template(staff: Staff, key: str) -> None:
    """Take a template off the person's desk; the last one stays."""
    _copy_templates(staff.unit_id)
    present = queries.templates(staff.unit_id, "vi")
    for one in present:
        if one.key == key and len(present) > 1:
            db.session.execute(delete(DeskTemplate).where(DeskTemplate.id == one.id))
            audit.record("template.remove", f"template:{key}", staff.name, unit_id=staff.unit_id)


@transaction
def save_answer(
    staff: Staff, key: str, lang: str, topic: str, reason: str, title: str, text: str, seen: str
) -> None:
    """Keep a desk's own wording of an answer in one language; a shipped one of the same key gives way to it.

    `seen` is the state the person had before their eyes, empty for a new answer; raises Conflict when somebody
    changed the answer since.
    """
    if queries.answer_state(staff.unit_id, key, lang) != seen:
        raise Conflict
    row = db.session.scalar(
        select(CannedAnswer).where(CannedAnswer.key == key, CannedAnswer.unit_id == staff.unit_id)
        if staff.unit_id is not None
        else select(CannedAnswer).where(CannedAnswer.key == key, CannedAnswer.unit_id.is_(None))
    )
    if row is None:
        shipped = next((one for one in queries.answers(staff.unit_id, lang) if one.key == key), None)
        row = CannedAnswer(
            unit_id=staff.unit_id,
            key=key,
            title=dict(shipped.titles) if shipped else {},
            text=dict(shipped.texts) if shipped else {},
            changed_at=now(),
        )
        db.session.add(row)
    row.topic, row.reason, row.hidden, row.changed_at = topic, reason, False, now()
    row.title, row.text = row.title | {lang: title}, row.text | {lang: text}
    audit.record("answer.save", f"answer:{key}", staff.name, unit_id=staff.unit_id)


@transaction
def switch_file_references(staff: Staff, unit_id: int | None, on: bool) -> None:
    """Turn the field for file references on or off for a unit (None: cases without one); raises NotAllowed.

    Only a manager whose scope holds the unit decides that more is kept of a case.
    """
    if not staff.has("manager") or not queries.may_see(staff, unit_id):
        raise NotAllowed
    kept_as = unit_id or WHOLE_SITE
    db.session.execute(
        upsert(DeskSetting)
        .values(unit_id=kept_as, file_references=on)
        .on_conflict_do_update(index_elements=["unit_id"], set_={"file_references": on})
    )
    audit.record("desk.file-references", f"unit:{kept_as}", staff.name, on=on)
