"""DOOR: the commands of `flask`, one group per domain. Each calls one function and says what happened."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from guidance import audit
from guidance.accounts import actions as accounts
from guidance.accounts.models import ROLES
from guidance.errors import UserError
from guidance.units import imports as unit_imports
from guidance.units import queries as units


def says_why(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn an error that carries its sentence into stderr and exit 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except UserError as wrong:
            click.echo(str(wrong.message), err=True)
            sys.exit(1)

    return run


accounts_group = AppGroup("accounts", help="People who work here.")


@accounts_group.command("create")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="May repeat.")
@click.option("--unit", "unit_code", help="Code of the unit the person works for; the whole site without it.")
@click.option("--password-stdin", is_flag=True, help="Read a final password from standard input.")
@says_why
def create_account(name: str, roles: tuple[str, ...], unit_code: str | None, password_stdin: bool) -> None:
    """Create an account and print its one-time password."""
    unit = units.by_code(unit_code) if unit_code else None
    if unit_code and unit is None:
        raise UserError(
            f"There is no unit with the code {unit_code} today. `flask units import` loads units."
        )
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    made = accounts.create_account(name, roles, unit.id if unit else None, password, by="command line")
    click.echo(f"Account {made.name} created" + (f" for {unit.name}." if unit else "."))
    if made.one_time_password:
        click.echo(f"One-time password: {made.one_time_password}")


units_group = AppGroup("units", help="Administrative units and their succession.")


@units_group.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Say what would change; store nothing.")
@says_why
def import_units(files: tuple[Path, ...], dry_run: bool) -> None:
    """Load units before and after July 2025 and their succession, in any order (.csv or .csv.gz)."""
    report = unit_imports.save(unit_imports.check(files), by="command line", dry_run=dry_run)
    click.echo(
        f"{'Would have' if dry_run else 'Done:'} read {report.lines} lines, stored {report.stored}, "
        f"changed {report.changed}, unchanged {report.unchanged}."
    )


audit_group = AppGroup("audit", help="The append-only log.")


@audit_group.command("verify")
def verify_audit() -> None:
    """Check that no line of the audit log was changed or removed."""
    broken = audit.broken_links()
    if broken:
        click.echo(f"The chain is broken at lines {', '.join(map(str, broken[:20]))}.", err=True)
        sys.exit(1)
    click.echo("The audit log is whole.")


def init_app(app: Flask) -> None:
    """Attach the commands to `flask`."""
    for group in (accounts_group, units_group, audit_group):
        app.cli.add_command(group)
