"""``make faults``: the whole suite, or the part of it that is asked for.

python -m tests.faults --seed 42                     everything once, replayable
python -m tests.faults --only kafka --times 3        a family, or faults whose name contains this
python -m tests.faults --table report.json …         reports into docs/reliability.md
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from tests.faults import table
from tests.faults.campaign import Campaign, Report
from tests.faults.catalogue import FAULTS
from tests.faults.oracle import dumps
from tests.faults.stage import Options, Stage


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults ARGS=…", description="Faults injected into the whole path under load.")
    seed = os.environ.get("SIEM_FAULT_SEED")
    parser.add_argument("--seed", type=int, default=int(seed) if seed else time.time_ns() % 1_000_000)
    parser.add_argument("--times", type=int, default=1, help="how often each fault is injected")
    parser.add_argument("--rate", type=int, default=Options().rate, help="events a second")
    parser.add_argument("--only", action="append", default=[], help="a family or a part of a fault's name; repeatable")
    parser.add_argument("--outage", type=float, default=float(os.environ.get("SIEM_FAULT_OUTAGE", "8")), help="seconds")
    parser.add_argument("--json", type=Path, help="write the report there")
    parser.add_argument("--logs", type=Path, help="keep the logs of the processes there")
    parser.add_argument("--list", action="store_true", help="name the faults and stop")
    parser.add_argument("--table", nargs="+", type=Path, help="put these reports into docs/reliability.md and stop")
    return parser.parse_args()


async def run(chosen: argparse.Namespace) -> Report:
    faults = [
        fault for fault in FAULTS
        if not chosen.only or any(part == fault.family or part in fault.name for part in chosen.only)
    ]  # fmt: skip
    options = Options(seed=chosen.seed, rate=chosen.rate, outage_seconds=chosen.outage)
    async with Stage(options) as stage:
        campaign = Campaign(stage)
        try:
            return await campaign.run(faults, times=chosen.times)
        finally:
            if chosen.logs or not campaign.report.passed:
                stage.keep_logs(chosen.logs or Path("run") / "faults")


def main() -> int:
    chosen = arguments()
    if chosen.list:
        for fault in FAULTS:
            print(f"{fault.family:11} {fault.name}")  # noqa: T201 - a command's answer
        return 0
    if chosen.table:
        table.write(chosen.table)
        return 0
    print(f"seed {chosen.seed} (replay: make faults ARGS='--seed {chosen.seed}')", file=sys.stderr)  # noqa: T201 - as above
    report = asyncio.run(run(chosen))
    print(table.show(report))  # noqa: T201 - as above
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(dumps(report.data()) + "\n")
    print(f"{'passed' if report.passed else 'FAILED'} in {report.seconds:.0f} s, seed {report.seed}")  # noqa: T201 - as above
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
