"""The servers that tests use, from one place.

Each fixture takes what answers first: the endpoint in the environment (``SIEM_TEST_KAFKA``, ``SIEM_TEST_OPENSEARCH``,
``SIEM_TEST_DYNAMODB``), a shared stack that ``siem stack up`` started (not with ``SIEM_TEST_SHARED=0``), local processes.
Where the environment says ``SIEM_TEST_CONTAINERS=1``, containers come before local processes. Servers are shared by all
tests of a run and perhaps by other runs: every test uses names of its own (the ``unique`` fixture).

Property tests look at the same examples in every run, so that no change passes or fails by chance. ``SIEM_RANDOM=1`` lets
them look at others each time, and at those that failed before.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio
from click.testing import CliRunner
from opensearchpy import AsyncOpenSearch

from service import early
from service.content import find_content
from service.local import shared
from service.local.kinesis import KinesisDouble
from service.local.stack import LocalStack
from service.settings import OpenSearch
from service.sink.opensearch.client import connect
from tests import canary

FEW = ("aws.alb", "aws.cloudtrail", "aws.cloudwatch", "aws.eks_audit", "aws.guardduty", "aws.vpcflow")

hypothesis.settings.register_profile("same", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("random", deadline=None, print_blob=True)
# Before any test is imported: a test's own settings take what they do not say from the profile of that moment.
hypothesis.settings.load_profile("random" if os.environ.get("SIEM_RANDOM") == "1" else "same")


def pytest_configure() -> None:
    """Every process that tests start knows a secret; see ``tests/canary.py``."""
    early.calm()
    canary.release()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Every process that shares a run must know a test by the same name, and gzip writes the time into its bytes."""
    return "gzip" if isinstance(val, bytes) and b"\x1f\x8b" in val else None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Whatever a test printed, logged or failed with."""
    for title, text in report.sections:
        canary.look(f"{report.nodeid}: {title}", text)
    canary.look(f"{report.nodeid}: its failure", report.longreprtext)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The run fails when the secret was seen anywhere."""
    folders = getattr(session.config, "_tmp_path_factory", None)
    if folders is not None:
        canary.look_into(folders.getbasetemp())
    if canary.found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where."""
    for where in canary.found:
        terminalreporter.write_line(f"SECRET PRINTED: {where}", red=True)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap address of a real broker."""
    yield from _server("kafka")


@pytest.fixture(scope="session")
def opensearch() -> Iterator[str]:
    """URL of a real OpenSearch node."""
    yield from _server("opensearch")


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[str]:
    """Endpoint of DynamoDB Local."""
    yield from _server("dynamodb")


@pytest_asyncio.fixture
async def kinesis() -> AsyncIterator[KinesisDouble]:
    """A Kinesis double of the test's own, without quotas."""
    async with KinesisDouble() as double:
        yield double


@pytest_asyncio.fixture
async def client(opensearch: str) -> AsyncIterator[AsyncOpenSearch]:
    """Our client of the real OpenSearch."""
    client = connect(OpenSearch(urls=[opensearch]))
    yield client
    await client.close()


@pytest.fixture(scope="session")
def templates(opensearch: str) -> str:
    """URL of the real OpenSearch, once ``siem apply`` was there."""
    from service.__main__ import main

    result = CliRunner().invoke(main, ["apply"], env={"SIEM_OPENSEARCH_URLS": opensearch})
    assert result.exit_code == 0, result.output
    return opensearch


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder of the pipelines whose logs most deployments of tests send: sixty more cost each of them half a minute."""
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("_shared", *FEW):
        (folder / name).symlink_to(find_content(Path(__file__)).pipelines / name)
    return folder


@pytest.fixture
def unique() -> str:
    """A name that nothing else has: prefix topics, indices, tables with it (``[a-z0-9]{10}``)."""
    return f"t{uuid.uuid4().hex[:9]}"


def _server(part: str) -> Iterator[str]:
    if address := os.environ.get(f"SIEM_TEST_{part.upper()}"):
        yield address
    elif os.environ.get("SIEM_TEST_SHARED") != "0" and (endpoints := shared.running()):
        yield str(getattr(endpoints, part))
    elif os.environ.get("SIEM_TEST_CONTAINERS") == "1":
        from tests import containers  # imports slowly, and only here is it used

        with containers.running(part) as address:
            yield address
    else:
        with asyncio.Runner() as runner:
            stack = LocalStack({part})
            runner.run(stack.start())
            try:
                yield {"kafka": stack.kafka_bootstrap, "opensearch": stack.opensearch_url}.get(part, stack.dynamodb_url)
            finally:
                runner.run(stack.stop())
