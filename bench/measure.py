"""Taking the time: CPU of this process and of others, several runs, medians."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from service.heap import keep_large_blocks_apart


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians of several runs over the same work."""

    events: int
    runs: int
    cpu_us: float
    """Process CPU time, µs an event."""
    wall_us: float
    best_us: float
    """CPU µs an event of the fastest run: what a quiet machine would show."""

    @property
    def per_second(self) -> int:
        """Events a CPU-second."""
        return round(1e6 / self.cpu_us) if self.cpu_us else 0


def timed(work: Callable[[], object], count: int, *, runs: int = 9, warm: int = 2) -> Timing:
    """Run ``work``, which handles ``count`` events, after warming up."""
    for _ in range(warm):
        work()
    cpu, wall = [], []
    with calm():
        for _ in range(runs):
            started, used = time.perf_counter(), time.process_time()
            work()
            cpu.append(time.process_time() - used)
            wall.append(time.perf_counter() - started)
    per = 1e6 / count
    return Timing(count, runs, statistics.median(cpu) * per, statistics.median(wall) * per, min(cpu) * per)


def in_turn(
    works: Sequence[Sequence[Callable[[], object]]], count: int, *, runs: int = 9, warm: int = 12
) -> list[tuple[Timing, float]]:
    """Several ways over the same events, piece by piece: each piece of one beside the same piece of the others.

    What else the machine does hits all of them. With each, how many times the first one's CPU time it took: each piece by
    the run that was disturbed least.
    """
    pieces = list(zip(*works, strict=True))
    for _ in range(warm):
        for piece in pieces:
            for work in piece:
                work()
    cpu = [[[0.0] * len(pieces) for _ in range(runs)] for _ in works]
    wall = [[0.0] * runs for _ in works]
    with calm():
        for run in range(runs):
            for at, piece in enumerate(pieces):
                for number, work in enumerate(piece):
                    started, used = time.perf_counter(), time.process_time()
                    work()
                    cpu[number][run][at] = time.process_time() - used
                    wall[number][run] += time.perf_counter() - started
    per = 1e6 / count
    best = [sum(map(min, zip(*mine, strict=True))) for mine in cpu]
    return [
        (
            Timing(count, runs, statistics.median(map(sum, mine)) * per, statistics.median(walls) * per, least * per),
            least / best[0],
        )
        for mine, walls, least in zip(cpu, wall, best, strict=True)
    ]


@contextmanager
def calm() -> Iterator[None]:
    """The garbage collector and the C library's memory as a worker sets them."""
    keep_large_blocks_apart()
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def reference_us() -> float:
    """CPU µs that a fixed piece of work takes here and now: how quick this machine is at what pipelines do.

    Call it where it is ``calm``.
    """
    used = time.process_time()
    _fixed_work()
    return (time.process_time() - used) / _TURNS * 1e6


def _fixed_work() -> int:
    """Never change it: figures that were taken with it would mean nothing any more."""
    made = 0
    for _ in range(_TURNS):
        event = msgspec.json.decode(_EVENT)
        parts = [event["eventName"].lower(), event["userIdentity"]["arn"].rpartition("/")[2], event["eventTime"][:19]]
        for key, value in event["requestParameters"].items():
            if value.__class__ is str and value != "-":
                parts.append(f'"{key}":"{value}"')
        made += len(",".join(parts))
    return made


_TURNS = 2000
_EVENT = msgspec.json.encode(
    {
        "eventTime": "2026-01-14T09:12:33Z",
        "eventName": "AuthorizeSecurityGroupIngress",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/Admin/alice",
            "sessionContext": {"attributes": {"mfaAuthenticated": "true"}},
        },
        "requestParameters": {f"parameter{number}": f"value of {number}" if number % 3 else "-" for number in range(12)},
        "resources": [{"accountId": "111122223333", "type": "AWS::EC2::SecurityGroup"}] * 2,
    }
)


def row(name: str, timing: Timing, **more: Any) -> dict[str, Any]:
    """One line of the report."""
    return {"name": name, "events_per_cpu_second": timing.per_second, **asdict(timing), **more}


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int, field: str = "VmRSS") -> float:
    """Memory of a process in MB: ``VmRSS`` now, ``VmHWM`` the most it ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(field)


def machine() -> dict[str, Any]:
    """What this was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
