"""The short form of the fault suite: the quickest faults, all at once, on servers of their own."""

from __future__ import annotations

import os

import pytest

from tests.faults.campaign import Campaign
from tests.faults.catalogue import FAULTS
from tests.faults.stage import Options, Stage

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


async def test_nothing_is_lost_or_doubled_when_several_things_break_at_once() -> None:
    seed = int(os.environ.get("SIEM_FAULT_SEED", "7"))
    async with Stage(Options(seed=seed, workers=1)) as stage:
        campaign = Campaign(stage)
        report = await campaign.together([fault for fault in FAULTS if fault.quick])
    assert report.passed, f"seed {seed}: {report.troubles} {[row for row in report.rows if not row.passed]}"
