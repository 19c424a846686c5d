"""DOOR: the commands of `flask`, one group per domain. Each calls one function and says what happened."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from flask_babel import force_locale

from guidance import audit, backup, demo
from guidance.accounts import actions as accounts
from guidance.accounts.models import ROLES
from guidance.adoption import actions as figures
from guidance.adoption import download as figure_files
from guidance.adoption import imports as figure_imports
from guidance.adoption import periods
from guidance.adoption.models import SETS
from guidance.catalogue import exports as record_exports
from guidance.catalogue import imports as records
from guidance.catalogue import levels, starter
from guidance.config import PROJECT
from guidance.desk import actions as desk
from guidance.desk import rollup
from guidance.errors import UserError
from guidance.guides import imports as guides
from guidance.privacy import actions as privacy
from guidance.search import current as search_index
from guidance.starter import load_content as load_starter_content
from guidance.units import imports as unit_imports
from guidance.units import queries as units

CONTENT = PROJECT / "guidance" / "content"
PROCEDURES = CONTENT / "procedures"
UNITS = CONTENT / "units"
VOCABULARY = CONTENT / "vocabulary"


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
    if not dry_run:
        search_index.catch_up()
    click.echo(
        f"{'Would have' if dry_run else 'Done:'} read {report.lines} lines, stored {report.stored}, "
        f"changed {report.changed}, unchanged {report.unchanged}."
    )


catalogue_group = AppGroup("catalogue", help="Administrative procedures.")


@catalogue_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change; store nothing.")
@click.option("--partial", is_flag=True, help="Store what can be read; write the rejected lines to a file.")
@click.option(
    "--rejected",
    type=click.Path(path_type=Path),
    help="Where rejected lines go (default: rejected.jsonl here).",
)
@says_why
def import_catalogue(file: Path, dry_run: bool, partial: bool, rejected: Path | None) -> None:
    """Load official procedure records (JSONL or JSONL.gz). Twice is once."""
    checked = records.check(file)
    with click.progressbar(length=checked.lines, label="Records", file=sys.stderr) as bar:
        report = records.save(
            checked,
            partial=partial,
            dry_run=dry_run,
            by="command line",
            progress=lambda line: bar.update(line - bar.pos),
        )
    for change in report.changes if dry_run else []:
        click.echo(f"{change.key}: {', '.join(change.fields) or 'new'}: {change.name}")
    for code, name, reason in report.quarantined:
        click.echo(f"Quarantined {code} {name}: {reason}")
    for refused in report.rejected[:50]:
        click.echo(f"Line {refused.line}: {refused.field or 'record'}: {refused.reason}", err=True)
    if report.rejected and not partial:
        click.echo(
            f"{len(report.rejected)} of {report.read} lines cannot be read. Nothing was stored. "
            "Mend them, or use --partial to store the rest.",
            err=True,
        )
        sys.exit(1)
    click.echo(
        f"{'Would have' if dry_run else 'Done:'} read {report.read}, new {report.new}, changed {report.changed}, "
        f"unchanged {report.unchanged}; published {report.published}, quarantined {len(report.quarantined)}, "
        f"rejected {len(report.rejected)}."
    )
    if report.rejected:
        target = rejected or Path("rejected.jsonl")
        lines = (refused._asdict() for refused in report.rejected)
        target.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
        )
        click.echo(f"The rejected lines, with reasons, are in {target}.")


@catalogue_group.command("levels")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, help="Who says so, as readers will see it.")
@click.option(
    "--date", "as_of", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day it was true."
)
@click.option("--unit", "unit_code", help="Code of the place it is true for; the nation without it.")
@says_why
def import_levels(file: Path, source: str, as_of: datetime, unit_code: str | None) -> None:
    """Load online levels (CSV: code, name, sector, online_level) as one place's and one day's."""
    unit = units.by_code(unit_code, on=as_of.date()) if unit_code else None
    if unit_code and unit is None:
        raise UserError(f"There was no unit with the code {unit_code} on {as_of.date()}.")
    report = levels.save_levels(file, source, as_of.date(), unit.id if unit else None, by="command line")
    for line in report.unmatched:
        click.echo(f"Not matched: {line}")
    click.echo(
        f"Done: read {report.read}, matched {report.stored + report.unchanged} (stored {report.stored}, "
        f"unchanged {report.unchanged}), not matched {len(report.unmatched)}."
    )


@catalogue_group.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@says_why
def export_catalogue(file: Path) -> None:
    """Write the official records back out as they came (JSONL; gzip when the name ends in .gz)."""
    click.echo(f"Done: {record_exports.write(file)} records in {file}.")


@catalogue_group.command("check")
@click.argument(
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=PROCEDURES,
    required=False,
)
def check_catalogue(folder: Path) -> None:
    """Check the starter procedures: every required part present, sources and marks, nothing leads nowhere."""
    slugs = {path.name.partition(".")[0] for path in (PROCEDURES.parent / "guides").glob("*.md")}
    number, problems = starter.check_starters(folder, guides.known_procedures(), slugs)
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f"{number} starter procedures, {len(problems)} problems.")
    if problems:
        sys.exit(1)


guides_group = AppGroup("guides", help="Step-by-step guides.")


@guides_group.command("check")
def check_guides() -> None:
    """Check every shipped guide: front matter, links, languages, sources, review dates."""
    number, problems = guides.check(procedure_keys=guides.known_procedures())
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f"{number} guides, {len(problems)} problems.")
    if problems:
        sys.exit(1)


content_group = AppGroup("content", help="The starter content that comes with the site.")


@content_group.command("load")
@says_why
def load_content() -> None:
    """Load shipped units, procedures, plain names, guides, notices; what an editor changed stays. Twice is once."""
    loaded = load_starter_content()
    for line in loaded.lines:
        click.echo(line)
    for problem in loaded.problems:
        click.echo(problem, err=True)
    if loaded.problems:
        sys.exit(1)


search_group = AppGroup("search", help="The search index of this machine.")


@search_group.command("rebuild")
@says_why
def rebuild_search() -> None:
    """Build the search index anew from the published content."""
    click.echo(f"{search_index.rebuild()} documents indexed.")


desk_group = AppGroup("desk", help="Assisted cases and requests for help.")


@desk_group.command("purge")
@says_why
def purge_desk() -> None:
    """Delete expired notes, file references, telephone numbers and requests; the counts stay. Twice is once."""
    days = current_app.config["SETTINGS"].retention_days
    purged = desk.purge(days, by="command line")
    about_data = privacy.purge(days, by="command line")
    click.echo(
        f"Done: deleted {purged.notes} notes and references older than {days} days, "
        f"{purged.phones} telephone numbers, {purged.requests} requests, {about_data} requests about one's data."
    )


figures_group = AppGroup("figures", help="Official counts, targets, and the figures of the desk log.")


@figures_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--indicator-set", required=True, type=click.Choice(SETS), help="What the file holds.")
@click.option("--source", default="", help="The document the figures come from; the file's name without it.")
@click.option("--unit", default="", help="Code of the unit, for a file that names none.")
@click.option(
    "--period", default="", help="Such as 2026-Q3 or 2026-06-15..2026-09-14, for a file that names none."
)
@click.option("--dry-run", is_flag=True, help="Say what would change; store nothing.")
@says_why
def import_figures(
    file: Path, indicator_set: str, source: str, unit: str, period: str, dry_run: bool
) -> None:
    """Load official counts (CSV or XLSX), all or nothing. Twice is once."""
    with force_locale("en"):  # as the rest of what commands say
        found = figure_imports.check_file(file, indicator_set, source, unit=unit, period=period)
        report = figures.save_import(found, by="command line", dry_run=dry_run)
    for note in found.notes:
        click.echo(note)
    click.echo(
        f"{'Would have' if dry_run else 'Done:'} read {report.lines} lines, stored {report.stored} figures "
        f"({report.replaced} replaced), unchanged {report.unchanged}, rejected 0."
    )


@figures_group.command("targets")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change; store nothing.")
@says_why
def import_targets(file: Path, dry_run: bool) -> None:
    """Load targets (columns: indicator, unit, period, target, source), all or nothing. Twice is once."""
    with force_locale("en"):
        rows, problems = figure_imports.check_targets(file)
    for problem in problems[:50]:
        click.echo(f"{file.name}, {problem}", err=True)
    if problems:
        click.echo("Nothing was stored.", err=True)
        sys.exit(1)
    stored = len(rows) if dry_run else figures.save_targets(rows, by="command line")
    click.echo(
        f"Read {len(rows)} targets; nothing stored."
        if dry_run
        else f"Done: read {len(rows)} targets, stored {stored}, unchanged {len(rows) - stored}."
    )


@figures_group.command("rebuild")
@says_why
def rebuild_figures() -> None:
    """Count the monthly rollup anew from the cases; nothing should change."""
    differing = rollup.rebuild()
    click.echo(f"Done: {differing} rows differed." if differing else "Done: nothing differed.")


@figures_group.command("starter")
@says_why
def starter_figures() -> None:
    """Load the figures of earlier reports that ship with the site. Twice is once."""
    report = figures.load_history()
    click.echo(f"Done: read {report.lines}, stored {report.stored}, unchanged {report.unchanged}.")


@figures_group.command("export")
@click.option("--from", "first", default="", help="First month, such as 2026-01.")
@click.option("--to", "last", default="", help="Last month.")
@click.option("--unit", "unit_code", default="", help="Code of the unit; the whole site without it.")
@click.option("--format", "kind", type=click.Choice(figure_files.KINDS), default="csv")
@click.option("--table", type=click.Choice(figure_files.TABLES), default="months", help="Which table (CSV).")
@click.option("--out", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path))
@says_why
def export_figures(first: str, last: str, unit_code: str, kind: str, table: str, out: Path) -> None:
    """Write what the reports page downloads: csv, xlsx, json, or docx (the draft of a review)."""
    period = periods.between(first, last, units.today())
    place = units.by_code(unit_code, on=min(period.end, units.today())) if unit_code else None
    if unit_code and place is None:
        raise UserError(f"There was no unit with the code {unit_code} then.")
    size = figure_files.write(out, kind, table, place, period, by="command line")
    click.echo(f"Done: {size} bytes in {out}.")


audit_group = AppGroup("audit", help="The append-only log.")


@audit_group.command("verify")
def verify_audit() -> None:
    """Check that no line of the audit log was changed or removed."""
    broken = audit.broken_links()
    if broken:
        click.echo(f"The chain is broken at lines {', '.join(map(str, broken[:20]))}.", err=True)
        sys.exit(1)
    click.echo("The audit log is whole.")


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(0),
    default=0,
    help="With a folder as FILE: keep only the newest so many dated backups.",
)
@says_why
def make_backup(file: Path, keep: int) -> None:
    """Write database and uploads to FILE while the site runs, and FILE.sha256 beside it; never keys."""
    made = backup.make(file, keep=keep)
    click.echo(f"Done: {made.path}, {made.size:,} bytes, schema {made.revision}, SHA-256 {made.sha256}.")
    click.echo("The key is not in it. Keep a copy of the key file somewhere else.")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--unverified", is_flag=True, help="Restore without FILE.sha256, or against it.")
@says_why
def restore_backup(file: Path, unverified: bool) -> None:
    """Put a backup back; the present state is kept aside, and everybody has to sign in again."""
    done = backup.restore(file, unverified=unverified)
    search_index.rebuild()
    click.echo(f"Done: the state of {done.made_at or 'the backup'} is back (schema {done.revision}).")
    if done.kept:
        click.echo(f"What was there before is in {done.kept}.")
    if done.other_key:
        click.echo(
            "The key file is not the one of that time: telephone numbers and second steps cannot be read. "
            "Put that key file back and restart.",
            err=True,
        )


@click.command("demo")
@click.option("--cases", type=click.IntRange(1, 5_000_000), default=3_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same data.")
@says_why
def fill_demo(cases: int, seed: int) -> None:
    """Fill an empty database with a year of practice data, marked as practice on every page."""
    made = demo.fill(cases, seed)
    search_index.rebuild()
    for line in made.lines:
        click.echo(line)
    for name, password, role in made.accounts:
        click.echo(f"Account: {name}  Role: {role}  Password: {password}")


COMMANDS = (
    make_backup,
    restore_backup,
    fill_demo,
    accounts_group,
    units_group,
    catalogue_group,
    guides_group,
    content_group,
    search_group,
    desk_group,
    figures_group,
    audit_group,
)
