"""Official records into the catalogue: check a file, then save all or nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from guidance import audit
from guidance.catalogue import cards, normalise
from guidance.catalogue.layers import compare_layers
from guidance.catalogue.models import (
    ChannelOption,
    FormerKey,
    LegalBasis,
    LegalInstrument,
    OfficialDocument,
    OfficialRecord,
    Procedure,
    RecordVersion,
)
from guidance.db import Base, content_changed, db, now, transaction, upsert
from guidance.errors import ImportRefused
from guidance.text import fold, slug

if TYPE_CHECKING:
    from guidance.catalogue.record import Document, Method, Record

READING = 2  # goes up when normalise.py reads fees or times better: an upgrade then reads stored records anew
LONGEST_LINE = 2_000_000
MOST_REJECTED = 20_000
AT_ONCE = 200
Progress = Callable[[int], None]


class Rejected(NamedTuple):
    """A line that could not be read: where, which field, why, and the line itself."""

    line: int
    field: str
    reason: str
    original: str


@dataclass
class Checked:
    """What a file of records holds, before anything is stored."""

    path: Path
    lines: int = 0
    readable: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    shared_addresses: dict[str, set[str]] = field(default_factory=dict)


class Change(NamedTuple):
    """One record that an import changes: 'new' or the fields that differ."""

    key: str
    name: str
    fields: tuple[str, ...]


@dataclass
class Report:
    """What an import of records did, or would do."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    published: int = 0
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def stored(self) -> int:
        """Records that are new or changed."""
        return self.new + self.changed


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
                text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
                if text:
                    yield number, text
    except (OSError, EOFError, zlib.error) as wrong:
        raise ImportRefused(
            f"{path.name}: the file is damaged or not what its name says ({type(wrong).__name__}). Nothing was stored."
        ) from wrong


def _read(number: int, line: bytes) -> tuple[Record, dict[str, Any]] | Rejected:
    from pydantic import ValidationError

    from guidance.catalogue.record import Record

    shown = line[:2000].decode("utf-8", "replace")
    try:
        original = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return Rejected(number, "", "is not UTF-8 text", shown)
    except (ValueError, RecursionError):
        return Rejected(number, "", "is not JSON", shown)
    if not isinstance(original, dict):
        return Rejected(number, "", "is not a JSON object", shown)
    try:
        return Record.model_validate(original), original
    except ValidationError as wrong:
        fields = ", ".join(".".join(map(str, error["loc"])) for error in wrong.errors())
        reasons = "; ".join(
            ".".join(map(str, error["loc"])) + " " + error["msg"].removeprefix("Value error, ")
            for error in wrong.errors()
        )
        return Rejected(number, fields, reasons, shown)


def _records(path: Path) -> Iterator[tuple[int, tuple[Record, dict[str, Any]] | Rejected]]:
    """Every line of a file, read; a code that comes twice is rejected the second time."""
    seen: dict[str, int] = {}
    for number, line in _lines(path):
        found = _read(number, line)
        if not isinstance(found, Rejected) and found[0].code:
            first = seen.setdefault(found[0].code, number)
            if first != number:
                reason = f"code {found[0].code} stands already in line {first}"
                found = Rejected(number, "code", reason, line[:2000].decode("utf-8", "replace"))
        yield number, found


def check(path: Path) -> Checked:
    """Read a file of records (JSONL or JSONL.gz) once: what is readable, what is not and why."""
    checked = Checked(path)
    addresses: dict[str, set[str]] = defaultdict(set)
    for _number, found in _records(path):
        checked.lines += 1
        if isinstance(found, Rejected):
            checked.rejected.append(found)
            if len(checked.rejected) > MOST_REJECTED:
                raise ImportRefused(
                    f"{path.name}: more than {MOST_REJECTED} lines cannot be read. This is not a file of records. "
                    "Nothing was stored."
                )
            continue
        checked.readable += 1
        record = found[0]
        if record.url and record.code:
            addresses[record.url].add(record.code)
    checked.shared_addresses = {url: codes for url, codes in addresses.items() if len(codes) > 1}
    return checked


def originals_of(path: Path) -> Iterator[dict[str, Any]]:
    """The readable records of a file as the source gave them."""
    for _number, found in _records(path):
        if not isinstance(found, Rejected):
            yield found[1]


def digest_of(original: dict[str, Any]) -> str:
    """A fingerprint of a record as the source gave it."""
    return hashlib.sha256(json.dumps(original, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def unpack(original: bytes) -> dict[str, Any]:
    """The record as the source gave it."""
    record: dict[str, Any] = json.loads(zlib.decompress(original))
    return record


def _pack(original: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(original, ensure_ascii=False).encode(), 6)


@dataclass
class _Known:
    """What the catalogue holds already, as an import needs it."""

    by_code: dict[str, int]
    by_name: dict[tuple[str, str], int]
    digests: dict[int, tuple[str, str]]
    versions: dict[int, int]
    instruments: dict[str, int]
    untitled: set[str]
    keys: set[str]
    codeless: dict[int, str]


class _Write(NamedTuple):
    """One record to be stored; `procedure_id` is None for a procedure the catalogue does not have yet."""

    record: Record
    original: dict[str, Any]
    procedure_id: int | None
    digest: str
    quarantine: str
    fields: tuple[str, ...]


def _known() -> _Known:
    records = db.session.execute(
        select(
            OfficialRecord.procedure_id,
            OfficialRecord.publisher,
            OfficialRecord.folded_name,
            OfficialRecord.digest,
            OfficialRecord.quarantine,
        )
    ).all()
    procedures = db.session.execute(select(Procedure.id, Procedure.key, Procedure.code)).all()
    versions = db.session.execute(select(RecordVersion.procedure_id, RecordVersion.number)).all()
    instruments = db.session.execute(
        select(LegalInstrument.id, LegalInstrument.number, LegalInstrument.title)
    ).all()
    latest: dict[int, int] = {}
    for procedure_id, number in versions:
        latest[procedure_id] = max(number, latest.get(procedure_id, 0))
    return _Known(
        by_code={code: id_ for id_, _key, code in procedures if code},
        by_name={(publisher, name): id_ for id_, publisher, name, _digest, _q in records},
        digests={id_: (digest, quarantine) for id_, _p, _n, digest, quarantine in records},
        versions=latest,
        instruments={number: id_ for id_, number, _title in instruments},
        untitled={number for _id, number, title in instruments if not title},
        keys={key for _id, key, _code in procedures},
        codeless={id_: key for id_, key, code in procedures if code is None},
    )


@transaction
def save(
    checked: Checked,
    *,
    partial: bool = False,
    dry_run: bool = False,
    by: str = "",
    progress: Progress | None = None,
) -> Report:
    """Store the records of a checked file, all or nothing; unchanged ones are left alone.

    With rejected lines nothing is stored unless `partial`. Returns what was, or with `dry_run` would be, done.
    """
    return _go_through(checked, partial, dry_run, by, progress)


def preview(checked: Checked) -> Report:
    """What saving the readable records would do; unlike a dry run of save() it keeps nobody from writing."""
    return _go_through(checked, True, True, "", None)


def _go_through(checked: Checked, partial: bool, dry_run: bool, by: str, progress: Progress | None) -> Report:
    report = Report(read=checked.lines, rejected=checked.rejected)
    if checked.rejected and not partial:
        return report
    known = _known()
    instant = now()
    waiting: dict[tuple[str, str], _Write] = {}
    for number, found in _records(checked.path):
        if progress is not None:
            progress(number)
        if isinstance(found, Rejected):
            continue
        name_key = (found[0].publisher, fold(found[0].name))
        if len(waiting) >= AT_ONCE or name_key in waiting:
            _store(list(waiting.values()), known, instant)
            waiting.clear()
        write = _judge(*found, checked, known, report)
        if write is not None and not dry_run:
            waiting[name_key] = write
    _store(list(waiting.values()), known, instant)
    if dry_run or not report.stored:
        return report
    compare_layers()
    cards.refresh()
    content_changed()
    audit.record(
        "catalogue.import",
        "catalogue",
        by,
        file=checked.path.name,
        read=report.read,
        new=report.new,
        changed=report.changed,
        quarantined=len(report.quarantined),
        rejected=len(report.rejected),
    )
    return report


@transaction
def read_anew() -> int:
    """Read the stored records again, as an upgrade that reads fees and times better has to; returns how many differ.

    The originals stay: readers are told of no change, since the record has not changed.
    """
    from guidance.catalogue.record import Record

    stored: dict[int, list[dict[str, Any]]] = defaultdict(list)
    columns = [column for column in ChannelOption.__table__.columns if column.name != "id"]
    query = select(*columns).order_by(ChannelOption.procedure_id, ChannelOption.position)
    for row in db.session.execute(query).mappings():
        stored[row["procedure_id"]].append(dict(row))
    latest = select(func.max(RecordVersion.id)).group_by(RecordVersion.procedure_id)
    originals = select(RecordVersion.procedure_id, RecordVersion.original).where(RecordVersion.id.in_(latest))
    differing = 0
    for procedure_id, packed in db.session.execute(originals).all():
        methods = Record.model_validate(unpack(packed)).methods
        options = [_option(procedure_id, position, method) for position, method in enumerate(methods)]
        if options != stored[procedure_id]:
            db.session.execute(delete(ChannelOption).where(ChannelOption.procedure_id == procedure_id))
            if options:
                db.session.execute(insert(ChannelOption), options)
            differing += 1
    if differing:
        compare_layers()
        content_changed()
    return differing


def _quarantine_reason(record: Record, checked: Checked) -> str:
    codes = checked.shared_addresses.get(record.url)
    if not codes:
        return ""
    others = ", ".join(sorted(codes - {record.code or ""}))
    return f"Its source address also stands at {others}: the text belongs to another procedure."


def _judge(
    record: Record, original: dict[str, Any], checked: Checked, known: _Known, report: Report
) -> _Write | None:
    """Report what a record means for the catalogue; returns what has to be stored, None when nothing."""
    reason = _quarantine_reason(record, checked)
    if reason:
        report.quarantined.append((record.code or "", record.name, reason))
    else:
        report.published += 1
    digest = digest_of(original)
    procedure_id = _match(record, known)
    before = known.digests.get(procedure_id) if procedure_id else None
    if before == (digest, reason):
        report.unchanged += 1
        return None
    fields = _changed_fields(procedure_id, original) if before else ()
    report.changes.append(Change(record.code or record.name, record.name, fields))
    report.new += before is None
    report.changed += before is not None
    return _Write(record, original, procedure_id, digest, reason, fields)


def _match(record: Record, known: _Known) -> int | None:
    """The procedure a record speaks of: by its code, else by publisher and folded name.

    A record whose code is new may be the first with a code for a procedure that had none.
    """
    found = known.by_code.get(record.code) if record.code else None
    if found is not None:
        return found
    named = known.by_name.get((record.publisher, fold(record.name)))
    return named if not record.code or named in known.codeless else None


def _changed_fields(procedure_id: int | None, original: dict[str, Any]) -> tuple[str, ...]:
    query = select(RecordVersion.original).where(RecordVersion.procedure_id == procedure_id)
    packed = db.session.scalar(query.order_by(RecordVersion.number.desc()).limit(1))
    before = unpack(packed) if packed else {}
    return tuple(sorted(name for name in {*before, *original} if before.get(name) != original.get(name)))


def _store(writes: Sequence[_Write], known: _Known, instant: datetime) -> None:
    """Store a batch of records: whole tables at once, because a statement for every row takes most of an import."""
    if not writes:
        return
    ids = _procedures(writes, known, instant)
    for table in (ChannelOption, OfficialDocument, LegalBasis, OfficialRecord):
        db.session.execute(delete(table).where(table.procedure_id.in_(ids)))
    _add_instruments(writes, known)
    rows: dict[type[Base], list[dict[str, Any]]] = defaultdict(list)
    for procedure_id, write in zip(ids, writes, strict=True):
        record = write.record
        known.by_name[record.publisher, fold(record.name)] = procedure_id
        known.digests[procedure_id] = (write.digest, write.quarantine)
        known.versions[procedure_id] = known.versions.get(procedure_id, 0) + 1
        rows[OfficialRecord].append(_record(procedure_id, write, instant))
        rows[RecordVersion].append(
            {
                "procedure_id": procedure_id,
                "number": known.versions[procedure_id],
                "imported_at": instant,
                "original": _pack(write.original),
                "changed_fields": list(write.fields),
            }
        )
        rows[ChannelOption].extend(_option(procedure_id, n, m) for n, m in enumerate(record.methods))
        rows[OfficialDocument].extend(_document(procedure_id, n, d) for n, d in enumerate(record.documents))
        numbers = dict.fromkeys(number for number, _title in _instruments(record))
        rows[LegalBasis].extend(
            {"procedure_id": procedure_id, "instrument_id": known.instruments[number], "position": position}
            for position, number in enumerate(numbers)
        )
    for model, values in rows.items():
        if values:
            db.session.execute(insert(model.__table__), values)  # type: ignore[arg-type]  # a Table, which the annotation hides


def _procedures(writes: Sequence[_Write], known: _Known, instant: datetime) -> list[int]:
    """The procedures of a batch, in its order: found, made, or given the code they did not have."""
    keys = {n: _free_key(write.record, known) for n, write in enumerate(writes) if write.procedure_id is None}
    made: dict[str, int] = {}
    if keys:
        fresh = [
            {"key": key, "code": writes[n].record.code, "changed_at": instant} for n, key in keys.items()
        ]
        returned = db.session.execute(insert(Procedure).returning(Procedure.key, Procedure.id), fresh)
        made = dict(returned.all())
    found = [write.procedure_id for write in writes if write.procedure_id is not None]
    db.session.execute(update(Procedure).where(Procedure.id.in_(found)).values(changed_at=instant))
    ids: list[int] = []
    for n, write in enumerate(writes):
        id_ = write.procedure_id if write.procedure_id is not None else made[keys[n]]
        ids.append(id_)
        if write.record.code is None:
            known.codeless.setdefault(id_, keys.get(n, ""))
            continue
        if id_ in known.codeless:
            _give_code(id_, known.codeless.pop(id_), write.record.code)
        known.by_code[write.record.code] = id_
    return ids


def _free_key(record: Record, known: _Known) -> str:
    """The address of a new procedure: its code, else a short name that nobody has."""
    key = record.code
    if key is None:
        stem = "x-" + slug(record.name, 60)
        candidates = (stem, *(f"{stem}-{n}" for n in range(2, 10_000)))
        key = next(name for name in candidates if name not in known.keys)
    known.keys.add(key)
    return key


def _give_code(procedure_id: int, former: str, code: str) -> None:
    """A code has been published for a procedure that had none: its old address leads to the new one."""
    db.session.execute(update(Procedure).where(Procedure.id == procedure_id).values(code=code, key=code))
    db.session.execute(update(FormerKey).where(FormerKey.successor_key == former).values(successor_key=code))
    db.session.execute(upsert(FormerKey).values(key=former, successor_key=code).on_conflict_do_nothing())


def _record(procedure_id: int, write: _Write, instant: datetime) -> dict[str, Any]:
    record = write.record
    return {
        "procedure_id": procedure_id,
        "name": record.name,
        "folded_name": fold(record.name),
        "sector": record.sector,
        "levels": [normalise.LEVELS[level] for level in record.level],
        "agency": record.agency,
        "authority": record.authority,
        "coordinating_agency": record.coordinating_agency,
        "receiving_address": record.receiving_address,
        "publisher": record.publisher,
        "decision": record.decision,
        "procedure_type": record.procedure_type,
        "sequence": record.sequence,
        "conditions": record.conditions,
        "audience": list(dict.fromkeys(normalise.AUDIENCES.get(who, who) for who in record.audience)),
        "results": [result.model_dump(include={"name", "code"}) for result in record.result],
        "forms": record.forms,
        "online": record.online,
        "source_url": record.url,
        "source": record.source,
        "quarantine": write.quarantine,
        "digest": write.digest,
        "imported_at": instant,
    }


def _option(procedure_id: int, position: int, method: Method) -> dict[str, Any]:
    time = normalise.duration(method.duration)
    fee = normalise.fee(method.fee, method.note)
    return {
        "procedure_id": procedure_id,
        "position": position,
        "channel": normalise.CHANNELS[method.channel],
        "time_value": time.value,
        "time_unit": time.unit,
        "time_text": time.text,
        "fee_amount": None if method.ambiguous else fee.amount,
        "fee_currency": fee.currency,
        "fee_text": fee.text,
        "fee_valid_to": fee.valid_to,
        "set_by_province": fee.set_by_province,
        "note": method.note,
        "ambiguous": method.ambiguous,
    }


def _document(procedure_id: int, position: int, document: Document) -> dict[str, Any]:
    return {
        "procedure_id": procedure_id,
        "position": position,
        "case_label": document.group.strip(),
        "name": document.name.strip(),
        "form_file": document.form_file.strip(),
        "originals": document.originals,
        "copies": document.copies,
        "is_remark": normalise.is_remark(document.originals, document.copies),
    }


def _instruments(record: Record) -> Iterator[tuple[str, str]]:
    """Number and title of every law and decision a record names, in its order."""
    for legal in record.legal_basis:
        number = " ".join((legal.number or legal.title).split())[:200]
        if number:
            yield number, " ".join(legal.title.split())


def _add_instruments(writes: Sequence[_Write], known: _Known) -> None:
    """Make the instruments the catalogue does not have; those it knows by number only get their title."""
    named = dict(pair for write in reversed(writes) for pair in reversed(list(_instruments(write.record))))
    fresh = [
        {"number": number, "title": title}
        for number, title in named.items()
        if number not in known.instruments
    ]
    if fresh:
        returned = db.session.execute(
            insert(LegalInstrument).returning(LegalInstrument.number, LegalInstrument.id), fresh
        )
        known.instruments.update(returned.all())
    for number in known.untitled & named.keys():
        db.session.execute(
            update(LegalInstrument).where(LegalInstrument.number == number).values(title=named[number])
        )
    known.untitled -= named.keys()
