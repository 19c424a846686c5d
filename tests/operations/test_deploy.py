"""What an administrator copies from deploy/ is understood by the programs it is for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from guidance import config
from guidance.config import PROJECT

DEPLOY = PROJECT / "deploy"


def tool(name: str) -> str:
    """A program that only some machines have."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    """No misspelt directive; programs of the installed site stand for themselves."""
    for unit in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")):
        words = re.sub(r"^Exec(Start|Reload)=.*$", r"Exec\1=/bin/true", unit.read_text(), flags=re.M)
        words = words.replace("User=guidance", "User=root").replace("Group=guidance", "Group=root")
        (tmp_path / unit.name).write_text(words)
    units = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "guidance" in line and "nowhere" not in line]
    assert ours == []


def test_nginx_understands_its_file(tmp_path: Path) -> None:
    """With a certificate made on the spot and folders it may write to."""
    nginx = tool("nginx")
    subject = ["-subj", "/CN=huongdan.example.vn", "-days", "1", "-nodes", "-newkey", "rsa:2048"]
    made = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run([tool("openssl"), "req", "-x509", *subject, *made], check=True, capture_output=True)
    words = (DEPLOY / "nginx.conf").read_text()
    words = re.sub(r"ssl_certificate .*;", f"ssl_certificate {tmp_path / 'cert'};", words)
    words = re.sub(r"ssl_certificate_key .*;", f"ssl_certificate_key {tmp_path / 'key'};", words)
    words = words.replace("/var/cache/nginx/guidance", str(tmp_path / "cache"))
    words = words.replace("listen 80", "listen 8443").replace("[::]:80;", "[::]:8443;")
    words = re.sub(r"(listen (?:\[::\]:)?)443", r"\g<1>8444", words)
    folders = "".join(
        f"{name}_temp_path {tmp_path / name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"pid {tmp_path / 'pid'}; error_log stderr; events {{}} http {{ access_log off; {folders}\n{words}\n}}"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [nginx, "-t", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], capture_output=True, text=True
    )
    assert "test is successful" in done.stderr, done.stderr


def test_caddy_understands_its_file() -> None:
    """The file adapts without a warning about its directives."""
    done = subprocess.run(
        [tool("caddy"), "adapt", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_sample_settings_are_settings(tmp_path: Path) -> None:
    """Whoever copies the environment file gets a site that starts."""
    lines = (DEPLOY / "guidance.env").read_text().splitlines()
    given = dict(line.partition("=")[::2] for line in lines if line and not line.startswith("#"))
    assert config.load(given).trusted_proxies == 1
    hidden = [line.removeprefix("# ") for line in lines if line.startswith("# GUIDANCE_")]
    assert config.load(given | dict(line.partition("=")[::2] for line in hidden)).database_url


@pytest.mark.parametrize("name", ["upgrade", "rollback"])
def test_the_shell_understands_the_scripts(name: str) -> None:
    """Upgrade and rollback are one command each."""
    subprocess.run(["sh", "-n", str(DEPLOY / name)], check=True)


def test_the_documents_name_every_file_and_setting() -> None:
    """Nothing in deploy/ is left unexplained, and every setting stands in the table of the README."""
    words = (PROJECT / "docs" / "deploy.md").read_text()
    missing = [path.name for path in DEPLOY.iterdir() if path.stem not in words]
    assert missing == []
