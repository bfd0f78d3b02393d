"""``siem demo --exit``, as a person runs it; the service is killed in the middle, and still every event arrives once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(420)]


_DEMO = ("demo", "--exit", "--json", "--seconds", "14", "--rate", "300", "--folder")


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not below pytest's own folder: OpenSearch refuses root, and nobody else may enter there.
    with tempfile.TemporaryDirectory(prefix="kinesiem-test-demo-") as name:
        made = Path(name)
        made.chmod(0o755)
        yield made


def service_processes(folder: Path) -> list[psutil.Process]:
    """The service of the demo in ``folder``: the supervisor and its workers."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if "run" in line and str(folder / "siem.yml") in line:
            found += [process, *process.children(recursive=True)]
    return found


def ready(log: Path) -> bool:
    return log.is_file() and "worker_ready" in log.read_text(errors="replace")


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "killed"])
def test_every_event_of_the_demo_arrives_exactly_once(folder: Path, *, killed: bool) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "service", *_DEMO, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        if killed:
            deadline = time.monotonic() + 180
            while not ready(folder / "service.log"):
                assert demo.poll() is None, demo.communicate()
                assert time.monotonic() < deadline, "the service never became ready"
                time.sleep(0.3)
            time.sleep(5)
            victims = service_processes(folder)
            assert victims
            for victim in victims:
                os.kill(victim.pid, signal.SIGKILL)
        out, err = demo.communicate(timeout=360)
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.wait(60)
    assert out, err[-3000:]
    outcome = json.loads(out)
    assert demo.returncode == 0, (outcome, err[-2000:])
    assert outcome["exact"]
    assert len(outcome["alerts"]["raised"]) >= 8
    assert (outcome["alerts"]["missing"], outcome["alerts"]["surplus"]) == ([], [])
    assert outcome["sent"] == outcome["found"] > 2000
    assert (outcome["restarts"] > 0) is killed
    datasets = {row["dataset"] for row in outcome["by_dataset"]}
    assert datasets >= {"aws.cloudtrail", "aws.vpcflow", "aws.guardduty", "aws.alb", "system.auth"}
