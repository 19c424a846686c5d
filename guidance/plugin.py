"""DOOR: `flask db copy`, and `flask db upgrade` with a lock and a backup. Flask finds it by an entry point, because `flask db` belongs to Flask-Migrate, not to the site.

`./run` writes the entry point beside the installed packages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade
from flask_migrate.cli import db as database_group

ENTRY_POINTS = "[flask.commands]\ndb = guidance.plugin:database_group\n"
METADATA = "Metadata-Version: 2.1\nName: guidance-commands\nVersion: 1\n"


_plain_upgrade = database_group.commands["upgrade"].callback


@with_appcontext
def upgrade_safely(**options: Any) -> None:
    """Upgrade to a later version, one process at a time; SQLite is backed up first."""
    from guidance import backup, schema

    try:
        with schema.alone():
            saved = backup.before_migration()
            if _plain_upgrade is not None:
                _plain_upgrade(**options)
    except backup.BackupFailed as wrong:
        click.echo(str(wrong.message), err=True)
        sys.exit(1)
    if saved:
        click.echo(f"A backup of before is in {saved.path}.")


database_group.commands["upgrade"].callback = upgrade_safely


@database_group.command("copy")  # type: ignore[untyped-decorator] # Flask-Migrate has no types
@click.option("--from", "source", required=True, metavar="URL", help="The database that has everything.")
@click.option("--to", "target", required=True, metavar="URL", help="An empty one; its tables are made.")
def copy_database(source: str, target: str) -> None:
    """Copy everything to another database (SQLite or PostgreSQL) and compare counts and sums. Stop the site first."""
    from guidance import config, moving
    from guidance.app import create_app
    from guidance.errors import UserError

    if source == target:
        raise click.UsageError("Both addresses are the same.")
    for url in (source, target):
        if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise click.UsageError("An address begins with sqlite:/// or postgresql+psycopg://")
    with create_app(config.load()._replace(database_url=target)).app_context():
        upgrade()
    try:
        moved = moving.copy(
            source, target, lambda table, rows: click.echo(f"{table}: {rows}\r", err=True, nl=False)
        )
    except UserError as wrong:
        click.echo(str(wrong.message), err=True)
        sys.exit(1)
    for one in moved:
        click.echo(f"{one.table:<28}{one.rows:>12}  {one.digest[:16]}")
    click.echo(
        f"Done: {sum(one.rows for one in moved):,} rows in {len(moved)} tables, the same count and sum on both "
        "sides. Set GUIDANCE_DATABASE_URL to the new address and keep the key file."
    )


def install(site_packages: Path, project: Path) -> None:
    """Let `flask` find the command: a path and an entry point beside the installed packages."""
    (site_packages / "guidance-project.pth").write_text(f"{project}\n")
    folder = site_packages / "guidance_commands-1.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "METADATA").write_text(METADATA)


if __name__ == "__main__":
    import sysconfig

    install(Path(sysconfig.get_path("purelib")), Path(__file__).resolve().parent.parent)
