"""How many events a second each dataset takes, raw event to bulk line, beside what is said of the slow ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from bench.measure import calm, reference_us
from bench.stages import PLACES
from bench.variety import traffic
from service.content import find_content
from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.offline.play import Player
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import LoadedPipeline, load_pipelines
from service.samples import Facts
from service.yaml_file import read

WANTED = 30_000
"""Events a CPU-second of every dataset."""
COPIES = 40
"""Variants of every event of the samples, at least."""
EVENTS = 2_000
"""Events of one run, at least: enough that shapes are compiled and that the clock is no matter."""
PIECES = 10
"""Pieces of a run."""
COLUMNS = ("cpu_us", "best_us", "bytes_per_event", "share", "least")
FLOORS = Path(__file__).with_name("floors.yml")


class Floor(BaseModel):
    """What a dataset that is slower than wanted does at least, and why it is not more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: int = Field(gt=0, lt=WANTED)
    because: str = Field(min_length=40)


class _Timed(NamedTuple):
    """One run."""

    cpu_us: float
    """CPU µs an event."""
    reference_us: float
    documents: int


class Floors(BaseModel):
    """``floors.yml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_us: float = Field(gt=0)
    """``bench.measure.reference_us`` of the machine that the floors were taken on."""
    floors: dict[str, Floor]


def floors() -> Floors:
    """The datasets that may be slower than wanted; raises ContentErrors when the file is wrong."""
    return read(FLOORS, Floors).value


def run(runs: int, only: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """A row for every dataset, the slowest first; ``amiss`` says what is wrong with one, if anything is."""
    loaded, said = load_pipelines(find_content().pipelines), floors()
    rows = [_row(loaded[dataset], runs, said.floors.get(dataset), said.reference_us) for dataset in only or tuple(loaded)]
    return sorted(rows, key=lambda row: row["events_per_cpu_second"])


def least(floor: Floor | None, share: float) -> int:
    """Events a CPU-second that a machine of that speed should do."""
    return round(share * (WANTED if floor is None else floor.least))


def amiss(dataset: str, per_second: int, floor: Floor | None, share: float) -> str:
    """What is wrong with that speed; "" if nothing is."""
    if per_second >= least(floor, share):
        return ""
    why = "and floors.yml does not say why" if floor is None else "which floors.yml promises"
    return f"{dataset} is slower than {least(floor, share):,} events/s, {why}"


def _row(loaded: LoadedPipeline, runs: int, floor: Floor | None, quick_us: float) -> dict[str, Any]:
    dataset, enrichers = loaded.dataset, Enrichers.load([PLACES], None, None)
    player, pipeline = Player({dataset: loaded}, enrichers, Facts().arrived_ms()), compile_pipeline(loaded, enrichers)
    once = _carry(pipeline, traffic(player, dataset, 1), player.now_ms)
    copies = max(COPIES, -(-EVENTS // once))
    for seed in range(2, 2 + -(-250 // copies)):  # 200 of a shape have it compiled
        _carry(pipeline, traffic(player, dataset, copies, seed=seed), player.now_ms)
    timed = []
    for number in range(runs):  # every time other variants: nothing but what repeats in real traffic is known already
        slices = traffic(player, dataset, copies, seed=1000 + number)
        size = sum(len(text) for each in slices for text in each.events)
        timed.append(_timed(pipeline, slices, player.now_ms))
    # The run in the middle, as it would have been without what shares the machine.
    middle, reference, documents = sorted(timed, key=lambda run: run.cpu_us / run.reference_us)[runs // 2]
    per_second = round(1e6 / middle)
    share = min(1.0, quick_us / reference)
    return {
        "name": dataset,
        "events_per_cpu_second": per_second,
        "cpu_us": middle,
        "best_us": min(run.cpu_us for run in timed),
        "bytes_per_event": round(size / documents),
        "events": once,
        "share": round(share, 2),
        "least": least(floor, share),
        "because": floor.because if floor is not None else "",
        "amiss": amiss(dataset, per_second, floor, share),
    }


def _timed(pipeline: CompiledPipeline, slices: list[Slice], now_ms: int) -> _Timed:
    """A run over the slices. The fixed piece of work is done between its pieces: what shares the machine comes and goes."""
    pieces = [slices[begin::PIECES] for begin in range(min(PIECES, len(slices)))]
    used = reference = 0.0
    documents = 0
    with calm():
        for piece in pieces:
            reference += reference_us()
            began = time.process_time()
            documents += _carry(pipeline, piece, now_ms)
            used += time.process_time() - began
    return _Timed(used / documents * 1e6, reference / len(pieces), documents)


def _carry(pipeline: CompiledPipeline, slices: list[Slice], now_ms: int) -> int:
    """Documents that came of it."""
    return sum(len(pipeline.carry(each, now_ms).pieces) for each in slices)
