"""The supervisor refuses what is wrong, reloads what is good, and shares its state folder with nobody."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path

import psutil
import pytest

from service.settings import Settings
from service.supervisor import StateInUseError, state_lock
from tests.agents.bulk_double import BulkDouble
from tests.agents.conftest import CHECKOUT, Service, flow_record, publish, until

DROP_ALL = "dataset: aws.vpcflow\ndrop:\n  everything: { event.action: [accept, reject] }\n"


@pytest.fixture
def tuned(config: Path, tmp_path: Path) -> Path:
    """The configuration with a copy of one pipeline and a tuning folder of its own."""
    shutil.copytree(CHECKOUT / "pipelines" / "aws.vpcflow", tmp_path / "pipelines" / "aws.vpcflow")
    shutil.copytree(CHECKOUT / "mappings", tmp_path / "mappings")
    (tmp_path / "tuning").mkdir()
    text = config.read_text().replace(str(tmp_path / "few"), "pipelines")
    config.write_text(text.replace("paths: {", 'paths: { tuning: "tuning", '))
    return config


def test_one_state_folder_serves_one_service_of_a_role(tmp_path: Path) -> None:
    with (
        state_lock(tmp_path, "process"),
        state_lock(tmp_path, "collect"),
        pytest.raises(StateInUseError),
        state_lock(tmp_path, "both"),
    ):
        pass
    with state_lock(tmp_path, "both"):
        pass


@pytest.mark.stack
async def test_a_wrong_pipeline_stops_the_start_with_its_place(tuned: Path, tmp_path: Path) -> None:
    pipeline = tmp_path / "pipelines" / "aws.vpcflow" / "pipeline.yml"
    pipeline.write_text(pipeline.read_text().replace("normalise:", "normalize:", 1))
    service = Service(tuned, "--role", "process", log=tmp_path / "log")
    await service.start()
    assert service.process is not None
    async with asyncio.timeout(60):
        assert await service.process.wait() == 78
    refused = [line["fault"] for line in service.lines() if line["event"] == "configuration_refused"]
    assert any("pipeline.yml:" in fault and "normalize" in fault for fault in refused), refused


@pytest.mark.stack
@pytest.mark.timeout(240)
async def test_good_tuning_is_taken_up_while_running_and_bad_tuning_refused(
    tuned: Path, settings: Settings, bulk: BulkDouble, tmp_path: Path
) -> None:
    service = Service(tuned, "--role", "process", log=tmp_path / "log")
    await service.start()
    try:
        assert service.process is not None
        await until(lambda: any(line["event"] == "service_started" for line in service.lines()))
        service.process.send_signal(signal.SIGHUP)  # nothing to a worker that has only just begun
        await until(lambda: any(line["event"] == "worker_started" for line in service.lines()))

        tuning = tmp_path / "tuning" / "aws.vpcflow.yml"
        tuning.write_text("dataset: aws.vpcflow\ndorp: {}\n")
        await until(lambda: any(line["event"] == "reload_refused" for line in service.lines()))
        await publish(settings, [flow_record(0, 10)])
        await until(lambda: len(bulk.ids) == 10)
        await publish(settings, [flow_record(1, 10)])
        await until(lambda: len(bulk.ids) == 20)

        tuning.write_text(DROP_ALL)
        await until(lambda: any(line["event"] == "reloaded" for line in service.lines()))
        await publish(settings, [flow_record(2, 10)])
        async with asyncio.timeout(30):
            while (totals := (await service.status())["totals"])["dropped"] < 10:  # type: ignore[index]
                await asyncio.sleep(0.1)
        assert totals["unaccounted"] == 0  # type: ignore[index]
        assert len(bulk.ids) == 20

        tuning.unlink()
        service.process.send_signal(signal.SIGHUP)
        await until(lambda: sum(line["event"] == "reloaded" for line in service.lines()) >= 2)
        assert not [line for line in service.lines() if line["event"] == "worker_exited"]
    finally:
        assert await service.stop() == 0


@pytest.mark.stack
@pytest.mark.timeout(240)
async def test_a_file_that_is_wrong_by_now_stops_no_worker_that_has_what_was_right(
    tuned: Path, settings: Settings, bulk: BulkDouble, tmp_path: Path
) -> None:
    service = Service(tuned, "--role", "process", "--workers", "2", log=tmp_path / "log")
    await service.start()
    try:
        assert service.process is not None
        await until(lambda: sum(line["event"] == "worker_ready" for line in service.lines()) == 2)
        tuning = tmp_path / "tuning" / "aws.vpcflow.yml"
        tuning.write_text("dataset: aws.vpcflow\ndorp: {}\n")
        await until(lambda: sum(line["event"] == "reload_refused" for line in service.lines()) >= 2)
        killed = psutil.Process(service.process.pid).children()[0]
        killed.kill()
        await until(lambda: any(line["event"] == "configuration_refused" for line in service.lines()))
        await publish(settings, [flow_record(number, 10) for number in range(20)], together=1)
        await until(lambda: len(bulk.ids) == 200)
        assert service.process.returncode is None
        assert {str(line["code"]) for line in service.lines() if line["event"] == "worker_exited"} == {"-9", "78"}

        tuning.unlink()
        await until(lambda: sum(line["event"] == "worker_ready" for line in service.lines()) == 3)
    finally:
        assert await service.stop() == 0
