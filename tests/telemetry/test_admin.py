"""The admin server tells this machine everything, and others nothing unless they know the token."""

from __future__ import annotations

import asyncio
import base64

import aiohttp
import pytest

from service.clock import SystemClock
from service.settings import Admin
from service.telemetry import metrics
from service.telemetry.admin import AdminServer
from service.telemetry.board import Board, WorkerLine
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems
from service.telemetry.report import Report, frame_length, pack_report, unpack_report

FLOW = ("shop", "prod", "audit", "aws.vpcflow")


def a_board() -> Board:
    clock = SystemClock()
    return Board(clock, "both", Meters(), Problems(clock), "1.2.3", started_ms=clock.now_ms())


def a_report(meters: Meters | None = None, *, state: str = "ready", stopped: tuple[str, ...] = ()) -> Report:
    return Report(
        worker="0", pid=7, state=state, partitions=3, snapshot=(meters or Meters()).snapshot(), problems=[], sources=[],
        holds=[], stopped_datasets=list(stopped), memory_bytes=1_000_000,
    )  # fmt: skip


async def get(url: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def test_it_is_ready_when_every_worker_is_and_says_why_it_is_not() -> None:
    board = a_board()
    board.workers["0"] = WorkerLine("0")
    async with AdminServer(Admin(port=0), board) as server:
        assert (await get(f"{server.url}health/live"))[0] == 200
        assert (await get(f"{server.url}health/ready"))[:2] == (503, "not all workers are ready\n")
        board.hear("0", a_report())
        assert (await get(f"{server.url}health/ready"))[0] == 200
        board.hear("0", a_report(stopped=("aws.alb",)))
        status, text, _ = await get(f"{server.url}health/ready")
        assert (status, "aws.alb stands still" in text) == (503, True)


async def test_a_worker_that_falls_silent_is_not_alive() -> None:
    board = a_board()
    board.workers["0"] = WorkerLine("0")
    board.hear("0", a_report())
    async with AdminServer(Admin(port=0), board) as server:
        assert (await get(f"{server.url}health/live"))[0] == 200
        board.workers["0"].heard -= 60
        assert (await get(f"{server.url}health/live"))[0] == 503


async def test_with_a_token_only_health_is_open() -> None:
    async with AdminServer(Admin(port=0, token="let-me-in-please"), a_board()) as server:
        for path in ("", "status.json", "metrics", "status.js", "nothing"):
            assert (await get(f"{server.url}{path}"))[0] == 401
        assert (await get(f"{server.url}metrics", Authorization="Bearer wrong"))[0] == 401
        assert (await get(f"{server.url}metrics", Authorization="Basic !!!"))[0] == 401
        assert (await get(f"{server.url}metrics", Authorization="Bearer let-me-in-please"))[0] == 200
        basic = "Basic " + base64.b64encode(b"anyone:let-me-in-please").decode()
        assert (await get(f"{server.url}metrics", Authorization=basic))[0] == 200
        assert (await get(f"{server.url}health/live"))[0] == 200


async def test_probes_without_the_token_learn_nothing_but_the_status() -> None:
    board = a_board()
    board.workers["0"] = WorkerLine("0")
    board.hear("0", a_report(stopped=("aws.alb",)))
    async with AdminServer(Admin(port=0, token="let-me-in-please"), board) as server:
        assert (await get(f"{server.url}health/ready"))[:2] == (503, "not ready\n")
        known = await get(f"{server.url}health/ready", Authorization="Bearer let-me-in-please")
        assert "aws.alb" in known[1]


async def test_nothing_can_be_changed_through_it() -> None:
    async with AdminServer(Admin(port=0), a_board()) as server, aiohttp.ClientSession() as session:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            for path in ("", "status.json", "metrics", "health/live"):
                async with session.request(method, f"{server.url}{path}", headers={"Origin": "https://evil.example"}) as answer:
                    assert answer.status == 405
                    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_pages_from_elsewhere_get_no_permission_to_read() -> None:
    async with AdminServer(Admin(port=0), a_board()) as server:
        for path in ("", "status.json", "metrics", "health/ready"):
            _, _, headers = await get(f"{server.url}{path}", Origin="https://evil.example")
            assert not [name for name in headers if name.lower().startswith("access-control")]
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert headers["Server"] == "siem"


@pytest.mark.parametrize("path", ["//etc/passwd", "static/../status.html", "..%2f..%2fetc%2fpasswd", "status.css/../../admin.py"])
async def test_no_path_leads_to_a_file(path: str) -> None:
    async with AdminServer(Admin(port=0), a_board()) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rstrip("/").rpartition(":")[2]))
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 404")


async def test_a_foreign_name_for_this_machine_is_refused() -> None:
    async with AdminServer(Admin(port=0), a_board()) as server:
        port = server.url.rstrip("/").rpartition(":")[2]
        assert (await get(f"{server.url}status.json", Host="evil.example"))[0] == 403, "DNS rebinding"
        assert (await get(f"{server.url}status.json", Host=f"localhost:{port}"))[0] == 200


@pytest.mark.parametrize("path", ["", "status.json", "metrics", "status.css", "nothing"])
async def test_every_answer_forbids_scripts_from_elsewhere(path: str) -> None:
    async with AdminServer(Admin(port=0), a_board()) as server:
        _, _, headers = await get(f"{server.url}{path}")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_what_pipelines_do_not_know_is_a_number_on_the_status_page() -> None:
    board, meters = a_board(), Meters()
    board.workers["0"] = WorkerLine("0")
    meters.add(metrics.DRIFT, 3, (*FLOW[:3], "key"))
    meters.add(metrics.DRIFT, 4, (*FLOW[:3], "value"))
    board.hear("0", a_report(meters))
    assert board.status()["totals"]["drift"] == 7


async def test_it_listens_on_this_machine_only_by_default() -> None:
    async with AdminServer(Admin(port=0), a_board()) as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_what_a_killed_worker_had_in_flight_is_abandoned_and_the_ledger_still_adds_up() -> None:
    board, meters = a_board(), Meters()
    board.workers["0"] = WorkerLine("0")
    meters.add(metrics.EVENTS, 10, FLOW)
    meters.add(metrics.INDEXED, 7, FLOW)
    meters.add(metrics.IN_FLIGHT, 3, FLOW)
    board.hear("0", a_report(meters))
    assert board.status()["totals"]["unaccounted"] == 0
    for _ in range(3):
        board.depart("0")
        totals = board.status()["totals"]
        assert (totals["abandoned"], totals["in_flight"], totals["unaccounted"]) == (3, 0, 0)
    board.hear("0", a_report(meters))
    totals = board.status()["totals"]
    assert (totals["events"], totals["indexed"], totals["unaccounted"]) == (20, 14, 0)


def test_a_report_survives_the_wire() -> None:
    report = a_report()
    frame = pack_report(report)
    assert frame_length(frame[:4]) == len(frame) - 4
    assert unpack_report(frame[4:]) == report
    with pytest.raises(ValueError, match="too large"):
        frame_length(b"\xff\xff\xff\xff")
