"""The status page in a real browser: it shows the numbers, follows them, and lets nothing of an event become markup."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from service.clock import SystemClock
from service.settings import Admin
from service.telemetry import metrics
from service.telemetry.admin import AdminServer
from service.telemetry.board import Board, WorkerLine
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems
from service.telemetry.report import HoldLine, Report, SourceLine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ATTACK = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"


def worker_report(meters: Meters, problems: Problems, holds: list[HoldLine]) -> Report:
    sources = [
        SourceLine("shop", "prod", "shop-audit", "active", "fan_out/http2", 4, 0.4),
        SourceLine("shop", "nonprod", "shop-nonprod-audit", "active", "polling", 1, 12.0),
        SourceLine("pay", "prod", "pay-audit", "unreachable", "", 0, None, "AccessDenied: sts:AssumeRole"),
    ]
    return Report(
        worker="0", pid=4711, state="ready", partitions=48, snapshot=meters.snapshot(), problems=problems.latest(),
        sources=sources, holds=holds, stopped_datasets=[], memory_bytes=231 * 1024 * 1024,
    )  # fmt: skip


class Scene:
    """A board with believable numbers that move on ``step``."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.problems, self.meters = Problems(self.clock), Meters()
        self.board = Board(
            self.clock, "both", Meters(), Problems(self.clock), "0.1.0", started_ms=self.clock.now_ms() - 3_720_000
        )
        self.board.workers["0"] = WorkerLine("0", started_ms=self.clock.now_ms() - 3_700_000)
        self.holds: list[HoldLine] = []
        self.board.lag = {"records": 12, "raw.aws.cloudtrail": 3, "raw.aws.vpcflow": 1841}
        self.steps = 0

    def step(self) -> None:
        """One more second of traffic."""
        self.steps += 1
        for project, environment, stream, dataset, rate in (
            ("shop", "prod", "shop-audit", "aws.cloudtrail", 1200),
            ("shop", "prod", "shop-audit", "aws.vpcflow", 9000),
            ("shop", "nonprod", "shop-nonprod-audit", "aws.eks_audit", 300),
        ):
            labels = (project, environment, stream, dataset)
            amount = rate + 40 * (self.steps * 7 % 11)
            self.meters.add(metrics.RECORDS, amount // 100, labels[:3])
            self.meters.add(metrics.EVENTS, amount, labels)
            self.meters.add(metrics.INDEXED, amount - 8, labels)
            self.meters.add(metrics.ALREADY_THERE, 2, labels)
            self.meters.add(metrics.DROPPED, 5, (*labels, "health_checks"))
            self.meters.add(metrics.DEAD_LETTERED, 1, (*labels, "parse", "bad_json"))
            self.meters.set(metrics.BEHIND, 1.4, labels)
        self.hear()
        self.board.tick()
        times = self.board._history
        if len(times) > 1:
            times[-1] = (times[-2][0] + 1.0, *times[-1][1:])

    def hear(self) -> None:
        self.board.hear("0", worker_report(self.meters, self.problems, self.holds))


async def keep(page: Page, name: str) -> None:
    """Keep a picture where SIEM_TEST_PICTURES says; people look at them."""
    folder = os.environ.get("SIEM_TEST_PICTURES")
    if folder:
        await page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


async def test_the_page_shows_the_ledger_and_follows_it(browser: Browser) -> None:
    scene = Scene()
    for _ in range(90):
        scene.step()
    async with AdminServer(Admin(port=0), scene.board) as server:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(server.url)
        await expect(page.locator("#state")).to_have_text("needs attention")
        await expect(page.locator("#attention")).to_contain_text("pay-audit of pay · prod cannot be read: AccessDenied")
        rows = page.locator("#datasets tbody tr")
        await expect(rows).to_have_count(3)
        await expect(rows.nth(2)).to_contain_text("aws.vpcflow")
        indexed = page.locator(".tile", has_text="Indexed").locator("b")
        before = await indexed.inner_text()
        await expect(page.locator(".tile", has_text="Unaccounted").locator("b")).to_have_text("0")
        await expect(page.locator("#streams tbody tr")).to_have_count(3)
        await expect(page.locator("#streams")).to_contain_text("AccessDenied")
        await expect(page.locator("#kafka")).to_contain_text("1,841")
        assert await page.locator("#spark path").count() == 2
        await keep(page, "status-light")
        scene.step()
        await expect(indexed).not_to_have_text(before)
        assert faults == []
        await page.emulate_media(color_scheme="dark")
        await keep(page, "status-dark")
        await page.set_viewport_size({"width": 390, "height": 800})
        overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, "wide tables scroll inside their box, the page does not"
        await keep(page, "status-narrow")


async def test_trouble_is_named_with_what_to_do(browser: Browser) -> None:
    scene = Scene()
    scene.problems.note("publish_retry", "warning", {"topic": "records", "reason": "NotEnoughReplicasError"})
    scene.holds = [HoldLine("aws.vpcflow", "cluster_block_exception", needs_action=True, seconds=130)]
    scene.step()
    async with AdminServer(Admin(port=0), scene.board) as server:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        await page.goto(server.url)
        await expect(page.locator("#state")).to_have_text("needs attention")
        await expect(page.locator("#attention")).to_contain_text("aws.vpcflow waits for OpenSearch: cluster_block_exception")
        await expect(page.locator("#problems")).to_contain_text("too few in-sync replicas")
        await keep(page, "status-trouble")


async def test_what_comes_from_outside_stays_text(browser: Browser) -> None:
    scene = Scene()
    scene.problems.note("publish_retry", "error", {"reason": ATTACK})
    scene.meters.add(metrics.EVENTS, 1, (ATTACK, "prod", ATTACK, "aws.alb"))
    scene.hear()
    async with AdminServer(Admin(port=0), scene.board) as server:
        page = await browser.new_page()
        await page.goto(server.url)
        await expect(page.locator("#problems")).to_contain_text("<img src=x")
        await expect(page.locator("#datasets")).to_contain_text("<script>")
        assert await page.locator("img").count() == 0
        assert "pwned" not in await page.title()


async def test_when_the_service_goes_the_page_says_so(browser: Browser) -> None:
    scene = Scene()
    scene.step()
    async with AdminServer(Admin(port=0), scene.board) as server:
        page = await browser.new_page()
        await page.goto(server.url)
        await expect(page.locator("#totals")).to_contain_text("Indexed")
    await expect(page.locator("#state")).to_have_text("no answer from the service", timeout=10_000)
