"""Rules about the whole site: audiences, transactions, blocks, names, settings."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from flask import Flask
from flask.cli import AppGroup
from jinja2 import Environment, nodes
from jinja2.utils import _PassArg

from guidance import cli, config
from guidance.accounts import access

DOMAINS = ("accounts", "units", "catalogue", "guides", "search", "desk", "privacy", "adoption")
TEMPLATES = config.PROJECT / "templates"


def test_every_address_says_who_may_open_it(app: Flask) -> None:
    """Deny by default: an endpoint without an audience would answer nobody."""
    silent = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not access.audience_of(app, rule.endpoint)
    ]
    assert silent == []


# The first three commit a failure before they raise it; the last one only reads before its one transaction.
OTHERWISE_ON_PURPOSE = {
    "accounts.sign_in",
    "accounts.sign_in_by_provider",
    "accounts.pass_second_step",
    "desk.log_case",
}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_public_action_is_a_transaction(domain: str) -> None:
    """An action writes all or nothing."""
    if not (config.PROJECT / "guidance" / domain / "actions.py").exists():
        return
    module = importlib.import_module(f"guidance.{domain}.actions")
    plain = [
        f"{domain}.{name}"
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and not hasattr(function, "is_transaction")
    ]
    assert set(plain) - OTHERWISE_ON_PURPOSE == set()


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_every_target_of_htmx_is_a_block_and_an_element_of_its_page(template: Path) -> None:
    """`data-hx-target="#x"` stands beside id="x" and {% block x %} in the same file."""
    words = template.read_text()
    for target in re.findall(r'data-hx-target="#([\w-]+)"', words):
        assert f'id="{target}"' in words, target
        assert re.search(r"{% block " + target.replace("-", "_") + r"\b", words), target


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_sentences_stand_in_the_template(template: Path) -> None:
    """`_("…")` holds the sentence itself, so that it is translated once, when the template is compiled."""
    tree = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(template.read_text())
    said = [
        call
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext"}
    ]
    assert [call.lineno for call in said if not isinstance(call.args[0], nodes.Const)] == []


def test_no_helper_of_templates_asks_for_the_context(app: Flask) -> None:
    """Components and helpers are called at once, with what the template gives them and nothing else."""
    with app.test_request_context("/vi/"):
        asking = {
            name for name, helper in app.jinja_env.globals.items() if _PassArg.from_obj(helper) is not None
        }
    assert {name for name in asking if not name.endswith("gettext")} == set()


def test_the_readme_lists_every_setting_and_command() -> None:
    """Whoever runs the site finds every knob in one place."""
    readme = (config.PROJECT / "README.md").read_text()
    settings = [f"GUIDANCE_{name.upper()}" for name in config.KNOWN]
    commands = [
        f"flask {group.name} {name}"
        for group in cli.COMMANDS
        if isinstance(group, AppGroup)
        for name in group.commands
    ]
    assert [word for word in settings + commands if word not in readme] == []


def test_extras_are_pinned_as_the_tests_have_them() -> None:
    """What PostgreSQL and sign-in by a provider need is installed as it was tested, to the letter."""
    blocks = re.compile(r"^\S+==.*(?:\\\n.*)+", re.M)
    extras = set(blocks.findall((config.PROJECT / "requirements-extras.lock").read_text()))
    assert {block.partition("==")[0] for block in extras} >= {
        "psycopg",
        "psycopg-binary",
        "authlib",
        "requests",
    }
    assert extras <= set(blocks.findall((config.PROJECT / "requirements-test.lock").read_text()))


def test_a_start_imports_nothing_that_few_pages_or_commands_need() -> None:
    """Libraries for files, passwords, codes and content are imported where they are used."""
    asked = "import sys, guidance.app; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    rare = {
        "alembic", "argon2", "authlib", "cryptography", "docx", "markdown_it", "psycopg", "pydantic",
        "python_calamine", "requests", "segno", "xlsxwriter", "yaml",
    }  # fmt: skip
    assert rare & set(said.stdout.split()) == set()


def test_every_library_we_ask_for_is_used() -> None:
    """What nothing imports any more is a download and a risk for nothing."""
    wanted = tomllib.loads((config.PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=]", line)[0].replace("_", "-").lower() for line in wanted}
    sources = "\n".join(path.read_text() for path in (config.PROJECT / "guidance").rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", sources, re.M))
    homes = packages_distributions()
    used = {home.replace("_", "-").lower() for name in imported for home in homes.get(name, ())}
    assert names - used == set()
