"""Getting a site ready and serving it: translations, compressed files, schema, starter content, first administrator."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from gunicorn.app.wsgiapp import run as gunicorn
from sqlalchemy.exc import DatabaseError
from whitenoise.compress import Compressor

from guidance import backup, config, schema
from guidance.accounts import actions, queries
from guidance.app import create_app
from guidance.db import db
from guidance.starter import load_content

FIRST_ADMINISTRATOR = "admin"


class CannotStart(Exception):
    """The site cannot be served here; the message is one sentence that says why and what to do."""


def _newer(source: Path, *made: Path) -> bool:
    return any(not path.exists() or path.stat().st_mtime < source.stat().st_mtime for path in made)


def compile_translations(folder: Path = config.PROJECT / "translations") -> None:
    """Write the .mo file of every .po file that is newer."""
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        made = source.with_suffix(".mo")
        if _newer(source, made):
            with source.open("rb") as words:
                catalogue = read_po(words, locale=source.parent.parent.name)
            fresh = made.with_suffix(f".{os.getpid()}")
            with fresh.open("wb") as file:
                write_mo(file, catalogue)
            fresh.replace(made)


def _static_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in {".br", ".gz", ".png", ".woff2"}:
            yield path


def compress_static(folder: Path = config.PROJECT / "static") -> None:
    """Lay a Brotli and a gzip copy beside every static file that is newer than its copies."""
    compressor = Compressor(log=lambda _line: None)
    for source in _static_files(folder):
        brotli, gzip = Path(f"{source}.br"), Path(f"{source}.gz")
        if _newer(source, brotli) and _newer(source, gzip):
            brotli.unlink(missing_ok=True)
            gzip.unlink(missing_ok=True)
            for _copy in compressor.compress(str(source)):
                pass


def build() -> None:
    """Everything that is made from the project's own files."""
    compile_translations()
    compress_static()


def check_place(settings: config.Settings) -> None:
    """Raise CannotStart when the data folder cannot be written or the port is taken."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as wrong:
        raise CannotStart(
            f"The data folder {settings.data} cannot be written to ({wrong.strerror}). "
            "Set GUIDANCE_DATA to a folder that can."
        ) from wrong
    host, _colon, port = settings.bind.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host.strip("[]"), int(port)))
        except OSError as wrong:
            raise CannotStart(
                f"The address {settings.bind} is not free ({wrong.strerror}). "
                "Stop what listens there, or set GUIDANCE_BIND, for example to 127.0.0.1:8001."
            ) from wrong


def prepare(app: Flask) -> None:
    """Bring schema and starter content up to date and make sure somebody can sign in; one process at a time.

    On a replica of PostgreSQL nothing can be written: it holds what the machines on its primary prepared.
    """
    with app.app_context():
        if schema.is_replica():
            _say("The database is a replica: pages can be read here, nothing is stored.")
        else:
            with schema.alone():
                _prepare()
        db.engine.dispose()


def _prepare() -> None:
    saved = schema.bring_up_to_date()
    if saved:
        _say(f"The schema changed. A backup of before is in {saved.path}.")
    loaded = load_content()
    for line in (*loaded.lines, *loaded.problems):
        _say(line)
    if not queries.any_account():
        made = actions.create_account(FIRST_ADMINISTRATOR, ["admin"], by="first start")
        _say(f"First start. Account: {made.name}  One-time password: {made.one_time_password}")
        _say("Sign in with it and choose your own; it is not shown again.")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serve() -> None:
    """What `./run` does after the set-up: get ready, then become gunicorn."""
    try:
        settings = config.load()
        check_place(settings)
        build()
    except (CannotStart, config.SettingsError) as wrong:
        sys.exit(f"The site cannot start: {wrong}")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        prepare(create_app(settings))
    except backup.BackupFailed as wrong:
        sys.exit(f"The site cannot start: {wrong.message}")
    except (DatabaseError, sqlite3.DatabaseError) as wrong:
        said = " ".join(str(getattr(wrong, "orig", wrong)).split()).rstrip(".")
        sys.exit(
            f"The site cannot start: the database does not answer as it must ({said}). "
            "Is PostgreSQL running? If a file is damaged, `flask restore` puts a backup back (docs/deploy.md)."
        )
    _say(f"The site is at {settings.site_url} (stop it with Ctrl+C).")
    os.chdir(config.PROJECT)
    sys.argv = ["gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
    gunicorn()  # in this process, whose imports the workers inherit


if __name__ == "__main__":
    serve()
