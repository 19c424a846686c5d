"""Backups: one consistent file taken while the site runs, a sum beside it, and the way back."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess  # nosec B404 -- PostgreSQL's own programs, with fixed arguments
import sysconfig
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import delete, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from guidance import audit, security
from guidance.accounts.models import StaffSession
from guidance.config import Settings
from guidance.db import ContentState, content_changed, content_version, db, is_sqlite, now, transaction
from guidance.errors import UserError

DATABASE = "guidance.sqlite"
ABOUT = "about.json"
UPLOADS = "uploads/"
PREFIX = "guidance-"
BLOCK = 1024 * 1024


class BackupFailed(UserError):
    """The backup was not made; an older one is untouched."""

    status = 500


class RestoreRefused(UserError):
    """The file is not put back; the present database is untouched."""

    status = 422


class Made(NamedTuple):
    """A finished backup: where it is, its size and sum, and the schema it holds."""

    path: Path
    size: int
    sha256: str
    revision: str


class Restored(NamedTuple):
    """What was put back, and where the former state was kept. `other_key` says the keys do not belong together."""

    made_at: str
    revision: str
    kept: Path | None
    other_key: bool


# --- where things are --------------------------------------------------------------------------


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _url() -> URL:
    return make_url(_settings().database_url)


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y%m%dT%H%M%SZ")


def sum_file(path: Path) -> Path:
    """Where the sum of a backup lies: beside it, in the format of sha256sum."""
    return path.with_name(path.name + ".sha256")


def _uploads_beside(path: Path) -> Path:
    return path.with_name(path.name + ".uploads.zip")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key_mark() -> str:
    return security.signed("backup", "which key")[:16]


def known_revisions() -> list[str]:
    """The schema versions this program can bring up to date, oldest first."""
    folder: Path = current_app.config["MIGRATIONS"]
    return sorted(path.name.partition("_")[0] for path in (folder / "versions").glob("[0-9]*_*.py"))


# --- taking one --------------------------------------------------------------------------------


def make(target: Path, by: str = "command line", keep: int = 0) -> Made:
    """Write database and uploads to a file and its sum beside it, while the site goes on; never keys.

    A folder as target gets a dated name, and with `keep` only the newest so many dated ones stay. Raises
    BackupFailed with a sentence; a file that stood there before is replaced only by a finished one.
    """
    if target.is_dir():
        ending = "zip" if is_sqlite() else "dump"
        target = target / f"{PREFIX}{_stamp(now())}.{ending}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = _make_sqlite(target) if is_sqlite() else _make_postgresql(target)
    except OSError as wrong:
        raise BackupFailed(f"The backup could not be written: {wrong.strerror or wrong}.") from wrong
    except sqlite3.Error as wrong:
        raise BackupFailed(f"The database could not be copied: {wrong}.") from wrong
    _note("site.backup", made.path.name, by, size=made.size, sha256=made.sha256)
    if keep:
        _rotate(target.parent, target.suffix, keep)
    return made


def _note(action: str, name: str, by: str, **detail: Any) -> None:
    """A backup that cannot be noted (a full or read-only disk) is still a backup."""
    try:
        _record(action, name, by, detail)
    except OperationalError:
        current_app.logger.warning("the backup is good, but the audit log could not be written")


@transaction
def _record(action: str, name: str, by: str, detail: dict[str, Any]) -> None:
    audit.record(action, f"file:{name}", by, **detail)


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
    finally:
        for left in target.parent.glob(part.name + "*"):
            left.unlink(missing_ok=True)


def _finish(part: Path, target: Path, revision: str, beside: dict[Path, Path] | None = None) -> Made:
    """Sum, sync and rename: from here on the file is either whole and summed, or not there."""
    part.chmod(0o600)
    digest, size = sha256_of(part), part.stat().st_size
    lines = [f"{digest}  {target.name}\n"]
    for source, name in (beside or {}).items():
        source.chmod(0o600)
        lines.append(f"{sha256_of(source)}  {name.name}\n")
        _sync(source)
        source.replace(name)
    sums = part.with_name(part.name + ".sums")
    sums.write_text("".join(lines))
    _sync(part)
    _sync(sums)
    part.replace(target)
    sums.replace(sum_file(target))
    _sync(target.parent)
    return Made(target, size, digest, revision)


def _about(revision: str, instant: datetime) -> str:
    about = {
        "what": "guidance backup",
        "format": 1,
        "made_at": instant.isoformat(timespec="seconds"),
        "revision": revision,
        "key": _key_mark(),
    }
    return json.dumps(about, indent=1)


def _sound(path: Path) -> str:
    """The schema version of a SQLite file that is whole; raises sqlite3.Error otherwise."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"integrity check: {found}")
        row = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("it holds no tables of this site")
    return str(row[0])


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy without the free pages; readers and writers go on meanwhile."""
    if not source.exists():
        raise sqlite3.OperationalError(f"there is no database at {source}")
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as live:
        live.execute("VACUUM INTO ?", (str(target),))


def _upload_files() -> list[tuple[Path, str]]:
    folder = _settings().data / "uploads"
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [(path, UPLOADS + path.relative_to(folder).as_posix()) for path in files]


def _pack(part: Path, about: str, database: Path | None) -> None:
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        archive.writestr(ABOUT, about)
        if database is not None:
            archive.write(database, DATABASE)
        for path, name in _upload_files():
            try:
                archive.write(path, name)
            except FileNotFoundError:
                continue  # taken away since it was listed


def _make_sqlite(target: Path) -> Made:
    with _part_of(target) as part:
        copy = part.with_name(part.name + ".sqlite")
        instant = now()
        _copy_sqlite(Path(str(_url().database)), copy)
        revision = _sound(copy)
        _pack(part, _about(revision, instant), copy)
        return _finish(part, target, revision)


def _rotate(folder: Path, ending: str, keep: int) -> None:
    ours = sorted(folder.glob(f"{PREFIX}[0-9]*Z{ending}"))
    for old in ours[:-keep]:
        for path in (old, sum_file(old), _uploads_beside(old)):
            path.unlink(missing_ok=True)


# --- PostgreSQL's own programs -----------------------------------------------------------------


def _candidates(name: str) -> Iterator[Path]:
    on_path = shutil.which(name)
    if on_path:
        yield Path(on_path)
    system = Path("/usr")
    for pattern in ("lib/postgresql/*/bin", "pgsql-*/bin"):
        yield from (folder / name for folder in sorted(system.glob(pattern), reverse=True))
    packages = Path(sysconfig.get_path("purelib"))  # a PostgreSQL that was installed as a wheel
    yield from (folder / name for folder in sorted(packages.glob("*/pginstall*/bin"), reverse=True))


def _major(program: Path) -> int:
    said = subprocess.run(  # noqa: S603 -- one of PostgreSQL's own programs  # nosec B603
        [str(program), "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"(\d+)", said)
    return int(found[1]) if found else 0


def _program(name: str) -> str:
    """One of PostgreSQL's own programs that is no older than the server; raises BackupFailed without one."""
    with db.engine.connect() as connection:
        served = int((connection.dialect.server_version_info or (0,))[0])
    for found in _candidates(name):
        if found.exists() and _major(found) >= served:
            return str(found)
    raise BackupFailed(
        f"There is no {name} of PostgreSQL {served} or newer here. "
        f"On Debian and Ubuntu: apt install postgresql-client-{served}"
    )


def _access() -> tuple[str, dict[str, str]]:
    """The address of the database for libpq, without its password, which goes through the environment."""
    url = _url()
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    query = dict(url.query)
    servers = query.get("host")
    if isinstance(
        servers, tuple
    ):  # several servers: SQLAlchemy repeats host=name:port, libpq wants two lists
        pairs = [server.partition(":")[::2] for server in servers]
        query["host"] = ",".join(host for host, _port in pairs)
        query["port"] = ",".join(port or "5432" for _host, port in pairs)
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return plain.render_as_string(hide_password=False), environment


def _run(command: list[str]) -> str:
    _address, environment = _access()
    done = subprocess.run(  # noqa: S603 -- fixed arguments  # nosec B603
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BackupFailed(f"{Path(command[0]).name} failed: {reason}")
    return done.stdout


def _dump(part: Path) -> None:
    address, _environment = _access()
    command = ["--format=custom", "--no-owner", "--no-privileges", f"--file={part}", f"--dbname={address}"]
    _run([_program("pg_dump"), *command])


def _revision_in(dump: Path) -> str:
    words = _run([_program("pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(dump)])
    lines = words.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("COPY ") and "alembic_version" in line and number + 1 < len(lines):
            return lines[number + 1].strip()
    raise RestoreRefused("This dump holds no tables of this site.")


def _make_postgresql(target: Path) -> Made:
    with _part_of(target) as part:
        instant = now()
        _dump(part)
        revision = _revision_in(part)
        uploads = part.with_name(part.name + ".uploads")
        _pack(uploads, _about(revision, instant), None)
        return _finish(part, target, revision, {uploads: _uploads_beside(target)})


# --- putting it back ---------------------------------------------------------------------------


def _verify(path: Path, unverified: bool) -> None:
    if not path.is_file():
        raise RestoreRefused(f"There is no file {path}.")
    if unverified:
        return
    sums = sum_file(path)
    if not sums.is_file():
        raise RestoreRefused(
            f"{sums.name} is not beside the backup, so nobody can tell whether the file is whole. "
            "Nothing was changed. --unverified restores it all the same."
        )
    for line in sums.read_text(errors="replace").splitlines():
        wanted, _space, name = line.partition("  ")
        beside = path.with_name(Path(name).name)
        if not beside.is_file() or sha256_of(beside) != wanted.strip().lower():
            raise RestoreRefused(
                f"{beside.name} is not what was written then: its SHA-256 differs from {sums.name}. "
                "Nothing was changed. Take another backup."
            )
        if beside == path:
            return
    raise RestoreRefused(f"{sums.name} does not name {path.name}. Nothing was changed.")


def _check_revision(revision: str) -> None:
    if revision not in known_revisions():
        raise RestoreRefused(
            f"The backup holds schema {revision}, which this version of the program does not know. "
            "Install the version that made it, or a newer one. Nothing was changed."
        )


def restore(path: Path, by: str = "command line", unverified: bool = False) -> Restored:
    """Put a backup back and keep the former state aside; everybody has to sign in again.

    Raises RestoreRefused, with nothing changed, for a file without or with a wrong sum (unless `unverified`),
    a damaged one, or one of a newer schema. An older schema is brought up to date.
    """
    _verify(path, unverified)
    try:
        before = content_version()
    except Exception:  # the present database may be what has to be replaced
        before = 0
    db.session.remove()
    try:
        done = _restore_sqlite(path) if is_sqlite() else _restore_postgresql(path)
    except (OSError, zipfile.BadZipFile, sqlite3.Error, json.JSONDecodeError, KeyError, EOFError) as wrong:
        raise RestoreRefused(f"The backup cannot be put back: {wrong}. Nothing was changed.") from wrong
    db.engine.dispose()
    _upgrade()
    _settle(before, path.name, by, done)
    return done


def _upgrade() -> None:
    from flask_migrate import upgrade  # Alembic, only where a schema may change

    upgrade()


@transaction
def _settle(before: int, name: str, by: str, done: Restored) -> None:
    """Every kept page and index must see that the content is another one; old sessions end."""
    version = max(before, content_version())
    content_changed()
    db.session.execute(update(ContentState).where(ContentState.id == 1).values(version=version + 1))
    db.session.execute(delete(StaffSession))
    audit.record("site.restore", f"file:{name}", by, made_at=done.made_at, revision=done.revision)


def _unpack_uploads(archive: zipfile.ZipFile, stamp: str) -> None:
    names = [name for name in archive.namelist() if name.startswith(UPLOADS) and not name.endswith("/")]
    folder = _settings().data / "uploads"
    fresh = folder.with_name(f".uploads-{stamp}")
    for name in names:
        target = (fresh / name.removeprefix(UPLOADS)).resolve()
        if not target.is_relative_to(fresh.resolve()):
            raise zipfile.BadZipFile(f"{name} points outside the folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file, BLOCK)
    if folder.exists():
        folder.rename(folder.with_name(f"uploads.before-restore-{stamp}"))
    if names:
        fresh.rename(folder)


def _restore_sqlite(path: Path) -> Restored:
    live = Path(str(_url().database))
    stamp = _stamp(now())
    fresh = live.with_name(f".restore-{os.getpid()}.sqlite")
    try:
        with zipfile.ZipFile(path) as archive:
            about: dict[str, Any] = json.loads(archive.read(ABOUT))
            live.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(DATABASE) as packed, fresh.open("wb") as file:
                shutil.copyfileobj(packed, file, BLOCK)
            fresh.chmod(0o600)
            revision = _sound(fresh)
            _check_revision(revision)
            kept = _replace(live, fresh, live.with_name(f"{live.name}.before-restore-{stamp}"))
            _unpack_uploads(archive, stamp)
    finally:
        for left in live.parent.glob(fresh.name + "*"):
            left.unlink(missing_ok=True)
    return Restored(about.get("made_at", ""), revision, kept, about.get("key") != _key_mark())


def _replace(live: Path, fresh: Path, aside: Path) -> Path | None:
    """Put the fresh file's content into the live database in one transaction, so that running workers see it.

    A live file that is damaged is moved aside as it is, and the fresh one takes its place.
    """
    if not live.exists():
        fresh.replace(live)
        return None
    try:
        _copy_sqlite(live, aside)
        aside.chmod(0o600)
        with closing(sqlite3.connect(fresh)) as source, closing(sqlite3.connect(live, timeout=30)) as target:
            target.execute("PRAGMA synchronous = FULL")
            source.execute("PRAGMA journal_mode = WAL")  # the copied header says how workers find the file
            source.backup(target)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.DatabaseError as wrong:
        if isinstance(wrong, sqlite3.OperationalError) and "malformed" not in str(wrong):
            raise
        aside.unlink(missing_ok=True)
        for ending in ("-wal", "-shm"):
            beside = live.with_name(live.name + ending)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + ending))
        live.rename(aside)
        fresh.replace(live)
    return aside


def _restore_postgresql(path: Path) -> Restored:
    revision = _revision_in(path)
    _check_revision(revision)
    stamp = _stamp(now())
    kept = _settings().data / f"before-restore-{stamp}.dump"
    _dump(kept)
    kept.chmod(0o600)
    address, environment = _access()
    db.engine.dispose()
    reader = subprocess.Popen(  # noqa: S603 -- fixed arguments  # nosec B603
        [_program("pg_restore"), "--schema=public", "--no-owner", "--no-privileges", "--file=-", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    anew = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
    writer = subprocess.Popen(  # noqa: S603 -- fixed arguments  # nosec B603
        [
            _program("psql"),
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "--single-transaction",
            "-c",
            anew,
            "-f",
            "-",
            f"--dbname={address}",
        ],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    problem = _pour(reader, writer)
    if problem:
        raise RestoreRefused(f"PostgreSQL did not take the dump: {problem}. Nothing was changed.")
    about: dict[str, Any] = {}
    if _uploads_beside(path).exists():
        with zipfile.ZipFile(_uploads_beside(path)) as archive:
            about = json.loads(archive.read(ABOUT))
            _unpack_uploads(archive, stamp)
    return Restored(about.get("made_at", ""), revision, kept, about.get("key", _key_mark()) != _key_mark())


def _pour(reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes]) -> str:
    """Feed one program's output to the other; a broken reader must not look like the end of the file."""
    source, sink, complaints = reader.stdout, writer.stdin, writer.stderr
    if source is None or sink is None or complaints is None:
        raise BackupFailed("The programs of PostgreSQL could not be connected.")
    try:
        shutil.copyfileobj(source, sink, BLOCK)
    except BrokenPipeError:
        reader.kill()
    if reader.wait() and writer.poll() is None:
        writer.kill()  # its transaction rolls back
        writer.wait()
        return "the dump is damaged"
    with suppress(BrokenPipeError):
        sink.close()
    said = complaints.read().decode(errors="replace").strip().splitlines()
    return (said or ["no reason given"])[0] if writer.wait() else ""


# --- before a migration ------------------------------------------------------------------------


def before_migration(keep: int = 5) -> Made | None:
    """On SQLite, a backup when the schema is about to change and there is something to lose; else None."""
    if not is_sqlite() or not Path(str(_url().database)).exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{_url().database}?mode=ro", uri=True)) as live:
            row = live.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None  # no tables yet
    if row is None or row[0] == known_revisions()[-1]:
        return None
    folder = _settings().data / "backups"
    target = folder / f"{PREFIX}{_stamp(now())}.zip"
    try:
        folder.mkdir(exist_ok=True)
        made = _make_sqlite(target)
    except (OSError, sqlite3.Error) as wrong:
        raise BackupFailed(
            f"The schema has to change, but the backup before it failed ({wrong}). Nothing was changed."
        ) from wrong
    _rotate(folder, ".zip", keep)
    return made
