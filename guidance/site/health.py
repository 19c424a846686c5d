"""How the site is doing: one sentence per thing an administrator should know, and figures for Prometheus."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from guidance import backup, i18n, meters
from guidance.audit import AuditEntry
from guidance.catalogue.models import ProcedureCard
from guidance.config import Settings
from guidance.db import content_version, db, is_sqlite, now
from guidance.desk.models import HelpRequest, MonthlyCount
from guidance.meters import Figure
from guidance.privacy import queries as data_requests
from guidance.search import current as search_index

State = Literal["good", "watch", "act"]
BACKUP_IS_OLD = timedelta(days=2)
REQUEST_IS_OLD = timedelta(days=3)
LITTLE_ROOM = 1024**3


class Finding(NamedTuple):
    """One thing: its name, how it stands (good, watch, act), and what to do in a sentence."""

    name: str
    state: State
    sentence: str


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def size(number: float) -> str:
    """A size in bytes as people say it."""
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1000:
            return f"{i18n.format_number(round(number, 1 if unit == 'GB' else 0))} {unit}"
        number /= 1000
    return f"{i18n.format_number(round(number, 1))} TB"


def _database_bytes() -> int:
    if is_sqlite():
        path = Path(str(make_url(_settings().database_url).database))
        return sum(
            one.stat().st_size
            for one in path.parent.glob(path.name + "*")
            if one.name in {path.name, path.name + "-wal"}
        )
    return int(db.session.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def _last(*actions: str) -> datetime | None:
    return db.session.scalar(
        select(AuditEntry.at).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id.desc()).limit(1)
    )


def _last_import() -> datetime | None:
    return db.session.scalar(
        select(AuditEntry.at)
        .where(AuditEntry.action.like("%.import"))
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )


def schema_now() -> str:
    """The schema version of the database."""
    return str(db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def schema_wanted() -> str:
    """The schema version this program needs."""
    return backup.known_revisions()[-1]


def _disk() -> Finding:
    room = shutil.disk_usage(_settings().data)
    said = _("%(free)s of %(total)s are free.", free=size(room.free), total=size(room.total))
    if room.free < LITTLE_ROOM // 4:
        return Finding(_("Disk"), "act", said + " " + _("Make room today: without it nothing can be stored."))
    if room.free < LITTLE_ROOM or room.free < room.total * 0.05:
        return Finding(_("Disk"), "watch", said + " " + _("Delete old backups or get a larger disk."))
    return Finding(_("Disk"), "good", said)


def _database() -> Finding:
    kind = "SQLite" if is_sqlite() else "PostgreSQL"
    said = _("%(kind)s answers; it takes %(size)s.", kind=kind, size=size(_database_bytes()))
    if schema_now() != schema_wanted():
        return Finding(
            _("Database"), "act", _("The tables are not those of this version. Run “flask db upgrade”.")
        )
    return Finding(_("Database"), "good", said)


def _backup() -> Finding:
    last = _last("site.backup")
    if last is None:
        return Finding(
            _("Backup"), "act", _("There has never been one. Set up the timer that comes with the site.")
        )
    said = _("The last one is from %(when)s.", when=i18n.format_instant(last))
    if now() - last > BACKUP_IS_OLD:
        return Finding(_("Backup"), "act", said + " " + _("Look why the timer no longer runs."))
    return Finding(_("Backup"), "good", said)


def _imports() -> Finding:
    last = _last_import()
    if last is None:
        return Finding(_("Last import"), "watch", _("No official records or figures have been imported yet."))
    return Finding(
        _("Last import"), "good", _("The last one is from %(when)s.", when=i18n.format_instant(last))
    )


def _queue() -> Finding:
    waiting, oldest = db.session.execute(
        select(func.count(), func.min(HelpRequest.asked_at)).where(HelpRequest.state == "open")
    ).one()
    if not waiting:
        return Finding(_("Requests for help"), "good", _("Nobody is waiting."))
    said = ngettext("%(num)d request is waiting.", "%(num)d requests are waiting.", waiting)
    if oldest is not None and now() - oldest > REQUEST_IS_OLD:
        said += " " + _("The oldest is from %(when)s.", when=i18n.format_instant(oldest))
        return Finding(_("Requests for help"), "watch", said)
    return Finding(_("Requests for help"), "good", said)


def _data_requests() -> Finding:
    waiting, late = data_requests.late(datetime.now(i18n.VIETNAM).date())
    if not waiting:
        return Finding(_("Requests about personal data"), "good", _("Nobody is waiting."))
    said = ngettext("%(num)d request is waiting.", "%(num)d requests are waiting.", waiting)
    if late:
        said += " " + _("%(number)s of them late.", number=late)
    return Finding(_("Requests about personal data"), "act" if late else "good", said)


def _search() -> Finding:
    try:
        index = search_index.follower().index
        shown, documents = index.content, index.count
        when = datetime.fromtimestamp(search_index.follower().path.stat().st_mtime, UTC)
    except Exception:  # whatever is wrong with the file, the sentence is the same
        return Finding(_("Search"), "watch", _("There is no index yet; the first question builds it."))
    said = _(
        "%(number)s documents; the index is from %(when)s.",
        number=i18n.format_number(documents),
        when=i18n.format_instant(when),
    )
    if shown != str(content_version()):
        return Finding(_("Search"), "watch", said + " " + _("It is behind the content and follows shortly."))
    return Finding(_("Search"), "good", said)


def _errors() -> Finding:
    totals = meters.counters_of(current_app).totals()
    failed, last = totals["requests_5xx"], totals["last_error_at"]
    if not failed:
        return Finding(_("Errors"), "good", _("None since the site was set up."))
    when = datetime.fromtimestamp(last, UTC)
    said = ngettext(
        "%(num)d request failed, the last at %(when)s.",
        "%(num)d requests failed, the last at %(when)s.",
        failed,
        when=i18n.format_instant(when),
    )
    recent = now() - when < timedelta(days=1)
    return Finding(
        _("Errors"), "watch" if recent else "good", said + (" " + _("The log says why.") if recent else "")
    )


def findings() -> list[Finding]:
    """Everything an administrator should look at, in the reader's language."""
    return [_disk(), _database(), _backup(), _imports(), _queue(), _data_requests(), _search(), _errors()]


def figures() -> Iterator[Figure]:
    """What the database says, for Prometheus; one machine's answer is every machine's."""
    waiting = db.session.scalar(select(func.count()).where(HelpRequest.state == "open")) or 0
    cases = db.session.scalar(
        select(func.coalesce(func.sum(MonthlyCount.cases), 0)).where(MonthlyCount.topic == "")
    )
    procedures = db.session.scalar(select(func.count()).select_from(ProcedureCard)) or 0
    last = _last("site.backup")
    room = shutil.disk_usage(_settings().data)
    gauges: tuple[tuple[str, str, float], ...] = (
        ("guidance_cases", "Assisted cases that count.", float(cases or 0)),
        ("guidance_requests_waiting", "Requests for help that nobody has taken.", waiting),
        ("guidance_procedures_published", "Procedures citizens can read.", procedures),
        ("guidance_content_version", "Version of the published content.", content_version()),
        ("guidance_database_bytes", "Size of the database.", _database_bytes()),
        ("guidance_disk_free_bytes", "Room on the disk of the data folder.", room.free),
        (
            "guidance_last_backup_timestamp_seconds",
            "When the last backup was made.",
            last.timestamp() if last else 0,
        ),
    )
    for name, meaning, value in gauges:
        yield Figure(name, meaning, "gauge", (("", float(value)),))
