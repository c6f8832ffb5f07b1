"""What is deployed is sound: units are accepted and hardened, the container linted, the proxy's file read."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from typer.main import get_command

from foresell.cli.main import app

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
CONTAINERFILE = DEPLOY / "Containerfile"
PROGRAM = "/opt/foresell/bin/foresell"
# systemd's own scale: 0 is safe, 10 is not.
MOST_EXPOSED = 2.0
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is missing. On Debian: apt-get install systemd",
)
needs_nginx = pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/bin") is None,
    reason="nginx is missing. On Debian: apt-get install nginx-core",
)


def run(*command: str, folder: Path) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units beside a program that is there."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    return tmp_path


@needs_systemd
def test_systemd_accepts_the_units(installed: Path) -> None:
    said = run("systemd-analyze", "verify", *(f"./{unit.name}" for unit in UNITS), folder=installed)
    assert said == ""


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_may_do_little(unit: Path, installed: Path) -> None:
    said = run("systemd-analyze", "security", "--offline=yes", f"./{unit.name}", folder=installed)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found
    assert float(found.group(1)) <= MOST_EXPOSED


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_starts_a_command_that_there_is(unit: Path) -> None:
    [line] = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    words = shlex.split(line.partition(PROGRAM)[2].rstrip("'"))
    ended = CliRunner().invoke(get_command(app), [*words, "--help"])
    assert ended.exit_code == 0, ended.output


def test_no_secret_stands_in_what_is_deployed() -> None:
    for path in (path for path in DEPLOY.rglob("*") if path.is_file()):
        assert not re.search(r"(?i)(key|password|secret|token)\s*=\s*['\"]?[0-9a-f]{8,}", path.read_text())


def test_a_container_holds_no_root_and_says_whether_it_is_well() -> None:
    lines = CONTAINERFILE.read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert all(re.search(r":\d+\.\d+\.\d+-slim-\w+$|@sha256:", base) for base in bases), bases
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    copied = [line for line in lines if line.startswith(("COPY", "ADD")) and "--from" not in line]
    assert copied == ["COPY pyproject.toml README.md LICENSE NOTICE constraints.txt ./", "COPY src ./src"]


def test_the_container_is_linted(tmp_path: Path) -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert program, "hadolint is not installed beside this Python"
    assert run(program, str(CONTAINERFILE), folder=tmp_path) == ""


@needs_nginx
def test_nginx_reads_the_proxys_file(tmp_path: Path) -> None:
    site = (DEPLOY / "nginx.conf").read_text()
    # Certificates are not there yet, and low ports are root's.
    site = re.sub(r"(?m)^\s*ssl_certificate\S* .*\n|^\s*listen \[::\].*\n", "", site)
    site = site.replace("listen 80;", "listen 127.0.0.1:18080;").replace(
        "listen 443 ssl http2;", "listen 18443;"
    )
    places = f"client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;"
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; {places}\n{site}\n}}\n"
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin") or ""
    run(program, "-t", "-q", "-c", str(tmp_path / "nginx.conf"), folder=tmp_path)


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_lets_the_apis_paths_and_no_metrics_through(name: str) -> None:
    text = (DEPLOY / name).read_text()
    for path in ("v1/", "openapi", "readyz", "healthz", "8080", "8081", "129"):
        assert path in text
    assert re.search(r"/metrics \{\s*(return|respond) 404", text)
