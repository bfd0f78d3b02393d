"""The run: a continuous load, one fault after the other, recovery measured, and the oracle asked after every family."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from tests.faults.catalogue.fault import Fault, NotInjectedError
from tests.faults.oracle import Verdict
from tests.faults.stage import Stage

Tell = Callable[[str], None]


@dataclass(slots=True)
class Row:
    """One fault in the table."""

    fault: str
    family: str
    times: int = 0
    at_risk: int = 0
    """Events acknowledged between the injection and the recovery."""
    missing: int = 0
    doubled: int = 0
    recover_seconds: float = 0.0
    """The longest it took, from the end of the cause until a fresh probe passed and all before it had arrived."""
    trouble: str = ""

    @property
    def passed(self) -> bool:
        """Nothing lost, nothing doubled, recovered by itself."""
        return not (self.missing or self.doubled or self.trouble)


@dataclass(slots=True)
class Report:
    """What a run showed."""

    seed: int
    seconds: float = 0.0
    events: int = 0
    letters: int = 0
    restarts: int = 0
    ledger: str = ""
    """What the product's own ledger said at the end."""
    rows: list[Row] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """All is well."""
        return not self.troubles and all(row.passed for row in self.rows)

    def data(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True, slots=True)
class _Window:
    row: Row
    began: float
    ended: float


class Campaign:
    """Runs faults on a stage; ``report`` grows."""

    def __init__(self, stage: Stage, tell: Tell = lambda line: print(line, file=sys.stderr, flush=True)) -> None:  # noqa: T201 - the default is a person's terminal
        self.report = Report(stage.options.seed)
        self._stage = stage
        self._tell = tell
        self._windows: list[_Window] = []
        self._known: set[tuple[int, int]] = set()

    async def run(self, faults: Sequence[Fault], *, times: int = 1) -> Report:
        """Each fault ``times`` times, family by family, in an order that the seed decides."""
        began = time.monotonic()
        stage, report = self._stage, self.report
        await stage.warm_up()
        for family in dict.fromkeys(fault.family for fault in faults):
            chosen = [fault for fault in faults if fault.family == family] * times
            stage.rng.shuffle(chosen)
            stage.start_load()
            for fault in chosen:
                await self.one(fault)
            await self.check(family)
        report.ledger = await stage.ledger()
        self._tell(f"siem ledger: {report.ledger}")
        report.seconds = time.monotonic() - began
        report.restarts = stage.collector.starts + stage.processor.starts - 2
        return report

    async def together(self, faults: Sequence[Fault]) -> Report:
        """The families at the same time, each family's faults in turn: for when time is short."""
        began = time.monotonic()
        await self._stage.warm_up()
        self._stage.start_load()
        kinds = [[fault for fault in faults if fault.family == family] for family in dict.fromkeys(f.family for f in faults)]
        await asyncio.gather(*(self._in_turn(of_one_kind) for of_one_kind in kinds))
        await self.check("all")
        self.report.seconds = time.monotonic() - began
        return self.report

    def row(self, fault: Fault) -> Row:
        """The fault's row, made when first needed."""
        for row in self.report.rows:
            if row.fault == fault.name and row.family == fault.family:
                return row
        self.report.rows.append(Row(fault.name, fault.family))
        return self.report.rows[-1]

    async def one(self, fault: Fault, *, settle: bool = True) -> Row:
        """Inject, wait for the recovery, note it."""
        stage, row, loop = self._stage, self.row(fault), asyncio.get_running_loop()
        began, before = loop.time(), stage.producer.ledger.events
        try:
            await fault.inject(stage)
            row.times += 1
            if settle:
                row.recover_seconds = max(row.recover_seconds, await stage.recovered())
        except NotInjectedError as nothing:
            row.trouble = f"not injected: {nothing}"
        except TimeoutError:
            row.trouble = "did not recover by itself"
        except AssertionError as wrong:
            row.trouble = str(wrong)
        self._end(fault.family, alone=settle)
        events = stage.producer.ledger.events - before
        row.at_risk += events
        self._windows.append(_Window(row, began, loop.time()))
        said = row.trouble or f"{row.recover_seconds:.1f} s"
        self._tell(f"{time.strftime('%H:%M:%S')} {fault.family:11} {fault.name:58} {events:6} events  {said}")
        return row

    async def _in_turn(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            await self.one(fault, settle=False)

    def _end(self, family: str, *, alone: bool) -> None:
        """Everything behaves again; where other families are at work, only what this one disturbed."""
        if alone or family == "opensearch":
            self._stage.search.behave()
        if alone or family == "leases":
            self._stage.leases.behave()
        if alone or family == "kinesis":
            self._stage.kinesis.faults.clear()

    async def check(self, when: str) -> Verdict:
        """Stop the load, let everything arrive, ask the oracle, blame what is wrong on the fault of that time."""
        stage, report = self._stage, self.report
        await stage.pause_load()
        verdict = await stage.settled()
        report.events, report.letters = verdict.sent, verdict.letters
        for mark, sent in verdict.missing:
            self._blame(mark, sent.at, "missing", 1)
        for mark, (count, sent) in verdict.doubled.items():
            self._blame(mark, sent.at, "doubled", count)
        trouble = "" if verdict.exact else f"after {when}: {verdict}"
        if trouble and trouble not in report.troubles:
            report.troubles.append(trouble)
        self._tell(f"{time.strftime('%H:%M:%S')} -- {when}: {verdict}")
        return verdict

    def _blame(self, mark: tuple[int, int], at: float, what: str, count: int) -> None:
        if mark in self._known:
            return
        self._known.add(mark)
        for window in self._windows:
            if window.began <= at <= window.ended:
                setattr(window.row, what, getattr(window.row, what) + count)
                return
        self.report.troubles.append(f"{what} outside of every fault: {mark}")


def families(rows: Sequence[Row]) -> Counter[str]:
    """Faults in each family."""
    return Counter(row.family for row in rows)
