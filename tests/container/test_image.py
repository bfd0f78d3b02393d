"""The image, built and run for real: what it can do, and what it must not be able to do."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.local.child import free_port
from tests.container import engine as engines
from tests.container.engine import Engine

pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
TAG = "localhost/kinesiem-test"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    found = engines.find(tmp_path_factory.mktemp("engine"))
    found.build(ROOT, TAG)
    return found


@pytest.fixture
def containers(engine: Engine) -> Iterator[list[str]]:
    started: list[str] = []
    yield started
    for container in started:
        engine.run("rm", "-f", "-t", "5", container, check=False)


def once(engine: Engine, *arguments: str, options: tuple[str, ...] = ()) -> str:
    hardening = ("--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "host")
    return engine.run("run", *engine.limits, *hardening, *options, TAG, *arguments)


def python(engine: Engine, code: str) -> str:
    return once(engine, "-c", code, options=("--entrypoint", "/opt/siem/bin/python3"))


def answer(url: str, seconds: float = 60.0) -> tuple[int, str]:
    ends = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=3) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.3)


def until_ready(port: int, seconds: float = 60.0) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if answer(f"http://127.0.0.1:{port}/health/ready")[0] == 200:
            return True
        time.sleep(0.3)
    return False


def test_it_explains_itself(engine: Engine) -> None:
    assert "siem" in once(engine, "--help")
    assert once(engine, "--version").startswith("siem, version")


def test_it_runs_as_an_unprivileged_user_with_a_read_only_root(engine: Engine) -> None:
    code = "import os; print(os.getuid(), os.getgid()); open('/opt/siem/x', 'w')"
    hardening = ("--rm", "--read-only", "--entrypoint", "/opt/siem/bin/python3")
    output = engine.run("run", *engine.limits, *hardening, TAG, "-c", code, check=False)
    assert output == "10001 10001"


def test_nothing_in_it_belongs_to_the_user_it_runs_as_but_its_state(engine: Engine) -> None:
    code = (
        "import os\n"
        "for top in ('/opt', '/usr', '/etc'):\n"
        "    for folder, _, files in os.walk(top):\n"
        "        for path in (folder, *(os.path.join(folder, file) for file in files)):\n"
        "            if not os.path.islink(path) and os.access(path, os.W_OK): print(path)\n"
    )
    output = engine.run("run", *engine.limits, "--rm", "--entrypoint", "/opt/siem/bin/python3", TAG, "-c", code)
    assert output == ""


def test_it_carries_no_installer(engine: Engine) -> None:
    assert python(engine, "import importlib.util as u; print(u.find_spec('pip'), u.find_spec('setuptools'))") == "None None"


def test_it_carries_the_pipelines_and_parses_with_them(engine: Engine) -> None:
    line = "2 123456789010 eni-1235b8ca123456789 203.0.113.12 198.51.100.7 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
    code = (
        "import subprocess, sys; "
        f"done = subprocess.run(['/opt/siem/bin/siem', 'parse', '--dataset', 'aws.vpcflow', '-'], input={line!r}.encode(), "
        "capture_output=True); sys.stdout.write(done.stdout.decode() + done.stderr.decode())"
    )
    assert json.loads(python(engine, code))["_source"]["source"]["ip"] == "203.0.113.12"


def test_the_double_answers_from_a_container(engine: Engine, containers: list[str]) -> None:
    port = free_port()
    containers.append(engine.start(TAG, "double", "--port", str(port)))
    assert answer(f"http://127.0.0.1:{port}/") == (200, '{"status":"running"}')


@pytest.mark.stack
def test_the_service_lives_answers_its_healthcheck_and_stops_when_asked(
    engine: Engine, containers: list[str], kafka: str, opensearch: str, unique: str, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "streams.yml").write_text((ROOT / "deploy" / "compose" / "streams.yml").read_text())
    tmp_path.chmod(0o755)
    environment = {
        "SIEM_KAFKA_SERVERS": kafka,
        "SIEM_KAFKA_TOPIC_PREFIX": unique,
        "SIEM_OPENSEARCH_URLS": opensearch,
        "SIEM_COLLECT_STREAMS": "/etc/siem/streams.yml",
        "SIEM_ADMIN_PORT": str(port),
    }
    options = [item for name, value in environment.items() for item in ("-e", f"{name}={value}")]
    containers.append(engine.start(TAG, "run", "--role", "process", options=(*options, "-v", f"{tmp_path}:/etc/siem:ro")))
    try:
        status, body = answer(f"http://127.0.0.1:{port}/health/live")
    except OSError as error:
        pytest.fail(f"{error}: {engine.run('logs', containers[0])}")
    assert status == 200, body
    assert until_ready(port), engine.run("logs", containers[0])
    engine.run("stop", "-t", "40", containers[0])
    code = engine.run("inspect", "--format", "{{.State.ExitCode}}", containers[0])
    assert code == "0", engine.run("logs", containers[0])
