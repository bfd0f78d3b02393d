"""``python -m bench [SECTION …]``: measure, print tables, write JSON.

Sections: stages, datasets, detection, forward, path, opensearch. Quiet machine, please; what others do on it is in the wall
times and the load.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from bench import corpus, detection, forward, search, stages, whole
from bench import datasets as each_dataset
from bench.loopback import kept
from bench.measure import machine
from service.local.stack import LocalStack

SECTIONS = ("stages", "datasets", "detection", "forward", "path", "opensearch")
DATASETS = stages.FULL
WIDTH = 160
"""Columns of a table that goes into a file."""


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice(SECTIONS))
@click.option(
    "--events", default=40_000, show_default=True, help="CloudTrail events of a run through the whole path; flow logs: twice."
)
@click.option("--runs", default=3, show_default=True, help="Runs of each; the median is reported.")
@click.option(
    "--memory", type=int, metavar="EVENTS", help="Also the memory of a worker over that many events (10000000: an hour)."
)
@click.option(
    "--gigabytes", type=float, default=0.5, show_default=True, help="Size of the object that is forwarded, uncompressed."
)
@click.option("--dataset", "datasets", multiple=True, type=click.Choice(DATASETS), help="Only these on the whole path.")
@click.option("--only", multiple=True, metavar="DATASET", help="Only these of `datasets`; default: all that ship.")
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write everything here.")
def main(
    sections: tuple[str, ...],
    events: int,
    runs: int,
    memory: int | None,
    gigabytes: float,
    datasets: tuple[str, ...],
    only: tuple[str, ...],
    file: Path | None,
) -> None:
    """Measure SECTIONS (default: all); exit code 1 where a dataset is slower than its floor, or nobody says why."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a topic just made has no leader yet; it tries again
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    wanted = sections or (() if memory else SECTIONS)
    report: dict[str, Any] = {"machine": machine(), "sections": {}}
    found = report["sections"]
    console, busy = Console(width=None if sys.stdout.isatty() else WIDTH), Console(stderr=True)
    if "stages" in wanted:
        with busy.status("stages: a minute or two"):
            found["stages"] = stages.run(max(1000, min(20_000, events // 5)))
        _show(console, "Stages, one core", found["stages"], ("cpu_us", "best_us", "wall_us", "bytes_per_event"))
    if "datasets" in wanted:
        with busy.status("datasets: five to ten minutes"):
            found["datasets"] = each_dataset.run(max(3, runs), only)
        _show(console, "Every dataset over its own samples, one core", found["datasets"], each_dataset.COLUMNS)
        for each in found["datasets"]:
            if each["because"]:
                console.print(f"{each['name']}: {each['because']}")  # part of the answer: a column breaks sentences up
    if "detection" in wanted:
        with busy.status("detection: two or three minutes"):
            found["detection"] = detection.run(max(1000, min(20_000, events // 5)))
        _show(console, "Rules, one core", found["detection"], detection.COLUMNS)
    if "forward" in wanted:
        with tempfile.TemporaryDirectory() as name, busy.status("forward: a minute or two"):
            found["forward"] = [*forward.steps(4 * events, runs), asyncio.run(forward.whole(gigabytes, Path(name)))]
        columns = ("mb_per_cpu_second", "best", "ratio", "mb_per_second", "start_mb", "tenth_mb", "peak_mb")
        _show(console, "Forwarding, MB of log a CPU-second", found["forward"], columns)
    try:
        if {"path", "opensearch"} & set(wanted) or memory:
            with busy.status(f"real servers, {memory or events:,} events a run: two minutes, or an hour for ten million"):
                asyncio.run(_servers(wanted, found, events, runs, memory, datasets or DATASETS, console))
    finally:  # what was measured before something failed is worth having
        report["machine"]["load_after"] = machine()["load_before"]
        console.print_json(data=report["machine"])
        if file is not None:
            file.write_text(json.dumps(report, indent=2) + "\n")
    wrong = [row["amiss"] for row in found.get("datasets", ()) if row["amiss"]]
    for each in wrong:
        console.print(each, style="red")
    if wrong:
        raise SystemExit(1)


async def _servers(
    wanted: tuple[str, ...], found: dict[str, Any], events: int, runs: int, memory: int | None, datasets: tuple[str, ...],
    console: Console,
) -> None:  # fmt: skip
    parts = {"kafka", "opensearch"} if "opensearch" in wanted else {"kafka"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with LocalStack(parts, heap="2g", lasting=True) as stack:
            for dataset in datasets:
                many = events * (2 if dataset == "aws.vpcflow" else 1)
                raw = corpus.events(dataset, many)
                batches = corpus.batches(dataset, raw)
                del raw
                if "path" in wanted:
                    found.setdefault("path", []).append(await _path(stack, folder, dataset, batches, many, runs))
                if "opensearch" in wanted:
                    found.setdefault("opensearch", []).extend(await _search(stack, folder, dataset, batches, many, runs))
                if memory:
                    found.setdefault("memory", []).append(await _memory(stack, folder, dataset, batches, many, memory))
    for section in ("path", "opensearch", "memory"):
        if section in found:
            columns = ("events_per_second", "cpu_us", "peak_mb", "bytes_per_document", "ratio", "server_ratio")
            _show(console, section, found[section], columns)


async def _path(stack: LocalStack, folder: Path, dataset: str, batches: list[Any], many: int, runs: int) -> dict[str, Any]:
    taken = []
    for number in range(runs):
        prefix = f"p{number}-{dataset}-"
        await whole.fill(stack.kafka_bootstrap, prefix, batches)
        async with whole.loopback() as url, aiohttp.ClientSession() as session:
            settings = whole.write_settings(folder, stack.kafka_bootstrap, url, prefix)
            taken.append(await whole.drain(settings, lambda: whole.accepted(session, url), many))
    return whole.row(f"Kafka to loopback sink {dataset}", taken)


async def _memory(stack: LocalStack, folder: Path, dataset: str, batches: list[Any], many: int, wanted: int) -> dict[str, Any]:
    times, prefix = max(1, wanted // many), f"m-{dataset}-"
    await whole.fill(stack.kafka_bootstrap, prefix, batches, times=times)
    async with whole.loopback() as url, aiohttp.ClientSession() as session:
        settings = whole.write_settings(folder, stack.kafka_bootstrap, url, prefix)
        return whole.row(f"memory {dataset}", [await whole.drain(settings, lambda: whole.accepted(session, url), many * times)])


async def _search(
    stack: LocalStack, folder: Path, dataset: str, batches: list[Any], many: int, runs: int
) -> list[dict[str, Any]]:
    url, servers, pid = stack.opensearch_url, stack.kafka_bootstrap, stack.pids["opensearch"]
    bodies_file, pattern = folder / f"{dataset}.bodies", f"siem-{dataset}-*"
    await whole.fill(servers, f"k-{dataset}-", batches)
    async with whole.loopback(bodies_file) as sink, aiohttp.ClientSession() as session:
        settings = whole.write_settings(folder, servers, sink, f"k-{dataset}-")
        await whole.drain(settings, lambda: whole.accepted(session, sink), many)
    bodies = kept(bodies_file)
    bodies_file.unlink()
    guessed = [body.replace(b'"_index":"siem-', b'"_index":"guessed-') for body in bodies]
    await whole.apply(whole.write_settings(folder, servers, url, "a-"))
    await search.load(url, pid, bodies, pattern)  # the server compiles its own code first
    through: list[whole.Run] = []
    bare: list[search.Loaded] = []
    dynamic: list[search.Loaded] = []
    for number in range(runs):  # in turn, so that what else the machine does hits all of them
        bare.append(await search.load(url, pid, bodies, pattern))
        prefix = f"o{number}-{dataset}-"
        await whole.fill(servers, prefix, batches)
        async with aiohttp.ClientSession() as session:
            settings = whole.write_settings(folder, servers, url, prefix)
            through.append(await whole.drain(settings, lambda: whole.indexed(session, url, dataset), many, server=pid))
            await search.wipe(session, url, pattern)
        dynamic.append(await search.load(url, pid, guessed, f"guessed-{dataset}-*"))
    ours = whole.row(f"Kafka to OpenSearch {dataset}", through)
    loader = _loaded(f"bare loader, our templates {dataset}", bare)
    guess = _loaded(f"bare loader, dynamic mapping {dataset}", dynamic)
    # Ratios of neighbours in time: what else the machine does hits both of a pair.
    ours["ratio"] = statistics.median(run.per_second / beside.per_second for run, beside in zip(through, bare, strict=True))
    ours["server_ratio"] = statistics.median(
        run.events / run.server_cpu_seconds / beside.per_cpu_second for run, beside in zip(through, bare, strict=True)
    )
    loader["ratio"] = statistics.median(
        run.per_cpu_second / beside.per_cpu_second for run, beside in zip(bare, dynamic, strict=True)
    )
    return [ours, loader, guess]


def _loaded(name: str, runs: list[search.Loaded]) -> dict[str, Any]:
    return {
        "name": name,
        "events_per_second": round(statistics.median(run.per_second for run in runs)),
        "events_per_cpu_second": round(statistics.median(run.per_cpu_second for run in runs)),
        "bytes_per_document": round(statistics.median(run.bytes_per_document for run in runs)),
        "documents": runs[0].documents,
    }


def _show(console: Console, title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    table = Table("", "events/CPU-s", *columns, title=title, box=None, pad_edge=False)
    for each in rows:
        cells = [f"{each[name]:,.2f}" if isinstance(each.get(name), float) else f"{each.get(name, '')}" for name in columns]
        table.add_row(each["name"], f"{each['events_per_cpu_second']:,}", *cells)
    console.print(table)


if __name__ == "__main__":
    main()
