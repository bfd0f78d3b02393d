"""Every rule that ships, hunted in a real OpenSearch over the documents of all rules' samples: what the stream says, exactly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from opensearchpy import OpenSearch

from service.__main__ import main
from service.build.templates import dataset_template
from service.content import find_content
from service.detect.chosen import below, only
from service.detect.detector import Detector
from service.detect.ruleset import RuleSet, rule_files
from service.detect.samples import LISTS, NO_MATCH, dataset_named, folder_of, samples_of
from service.enrich.enrichers import Enrichers
from service.naming import EVENTS_ALIAS
from service.offline.correlate import CorrelationHit, correlate
from service.offline.detect import Hit, rules_for
from service.offline.hunt import Asked, Hunt
from service.offline.play import Dead, Player
from service.pipeline.load import LoadedPipeline, load_pipelines
from service.samples import FACTS, Facts
from service.settings import OpenSearch as Settings
from service.sink.opensearch.client import connect
from service.sink.opensearch.history import History, Span
from service.yaml_file import read

pytestmark = pytest.mark.stack

CONTENT = find_content(Path(__file__).parents[2])
ALWAYS = Span(0, 4_102_444_800_000)


@dataclass(slots=True)
class Stock:
    """What lies there."""

    url: str
    project: str
    rules: RuleSet
    hits: list[Hit] = field(default_factory=list)
    """Every match of every rule, by the detector of the stream."""
    wanted: dict[Path, set[tuple[str, str]]] = field(default_factory=dict)
    """File of rules → documents of its ``match*`` samples."""
    unwanted: dict[Path, set[tuple[str, str]]] = field(default_factory=dict)


def played(player: Player, path: Path, sample: Path, meant: list[str]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Dataset, index, id and document of a sample's events."""
    lists = folder_of(path) / LISTS
    mine = Player(player.loaded, Enrichers.load([], lists, None), player.now_ms) if lists.is_file() else player
    noted = sample.with_name(sample.stem + FACTS)
    facts = read(noted, Facts).value if noted.is_file() else Facts()
    mine.now_ms = facts.arrived_ms()
    dataset = dataset_named(sample) or (meant[0] if len(meant) == 1 else None)
    for each in mine.play(sample.read_bytes(), dataset, facts):
        assert not isinstance(each, Dead)
        for document in each.documents:
            yield each.dataset, document.index, document.id, json.loads(document.source)


@pytest.fixture(scope="module")
def stock(opensearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    pipelines = load_pipelines(CONTENT.pipelines)
    rules = rules_for([CONTENT.detections], pipelines)
    stock = Stock(opensearch, f"h{abs(hash(str(tmp_path_factory.getbasetemp()))) % 10**9}", rules)
    client = OpenSearch([opensearch], timeout=60)
    try:
        fill(client, stock, pipelines)
        yield stock
    finally:
        client.indices.delete(index=f"siem-*-{stock.project}-*", params={"expand_wildcards": "open"})
        client.close()


def fill(client: OpenSearch, stock: Stock, pipelines: dict[str, LoadedPipeline]) -> None:
    player, detector = Player(pipelines, Enrichers.empty(), 0), Detector(stock.rules)
    lines: list[str] = []
    made: set[str] = set()
    for path in rule_files(CONTENT.detections):
        if not folder_of(path).is_dir():
            continue
        meant = list(only(stock.rules, below(stock.rules, path)).resolved)
        for sample in samples_of(folder_of(path)):
            side = stock.unwanted if sample.name.startswith(NO_MATCH) else stock.wanted
            for dataset, name, identity, document in played(player, path, sample, meant):
                index = name.replace("-local-none-", f"-{stock.project}-prod-")
                index = index.rpartition("-")[0] + "-2026"  # one index a dataset is enough
                if index not in made:
                    made.add(index)
                    mappings = dataset_template(pipelines[dataset])["template"]["mappings"]
                    settings = {
                        "number_of_shards": 2 if dataset == "aws.cloudtrail" else 1,
                        "number_of_replicas": 0,
                        "refresh_interval": -1,
                    }
                    client.indices.create(
                        index=index, body={"settings": settings, "mappings": mappings, "aliases": {EVENTS_ALIAS: {}}}
                    )
                key = f"{path.stem}-{sample.name}-{identity}"
                document["project"] = {"id": stock.project, "environment": "prod"}
                lines += [json.dumps({"create": {"_index": index, "_id": key}}), json.dumps(document)]
                side.setdefault(path, set()).add((index, key))
                for match in detector.run(dataset, [document]):
                    stock.hits.append(Hit(match.rule, dataset, 0, index, key, document))
    for start in range(0, len(lines), 2000):
        assert not client.bulk(body="\n".join(lines[start : start + 2000]) + "\n")["errors"]
    client.indices.refresh(index=f"siem-*-{stock.project}-*")


async def hunted(stock: Stock, history: History, rules: RuleSet) -> tuple[list[Asked], list[Hit | CorrelationHit]]:
    hunt = Hunt(rules, history, ALWAYS, stock.project, repeats=True)
    asked = await hunt.plan()
    found = [one async for several in hunt.run(asked, 2) for one in several]
    assert hunt.tally.candidates == sum(one.candidates for one in asked)
    return asked, found


def group(hit: CorrelationHit) -> tuple[str, tuple[str, ...]]:
    return hit.correlation.about.id, hit.group


async def test_every_rule_finds_what_the_stream_would_have_said_and_nothing_else(stock: Stock) -> None:
    wrong: list[str] = []
    blind: list[str] = []
    paths = sorted(stock.wanted)
    chosen = [only(stock.rules, below(stock.rules, path)) for path in paths]
    client = connect(Settings(urls=[stock.url]))
    try:
        several = asyncio.Semaphore(6)

        async def one(rules: RuleSet) -> tuple[list[Asked], list[Hit | CorrelationHit]]:
            async with several:
                return await hunted(stock, History(client), rules)

        answers = await asyncio.gather(*map(one, chosen))
    finally:
        await client.close()
    for path, rules, (asked, found) in zip(paths, chosen, answers, strict=True):
        blind += [f"{path.stem}: {one.dataset}: {one.open}" for one in asked if not one.queries]
        ids = {rule.id for rule in rules.rules}
        its = [hit for hit in stock.hits if hit.rule.id in ids]
        truth = {(hit.rule.id, hit.index, hit.id) for hit in its if hit.rule.id not in rules.joins.silent}
        if truth != (matched := {(hit.rule.id, hit.index, hit.id) for hit in found if isinstance(hit, Hit)}):
            wrong.append(f"{path.stem}: missed {truth - matched}, invented {matched - truth}")
        fired = {group(hit) for hit in found if isinstance(hit, CorrelationHit)}
        if fired != {group(hit) for hit in correlate(rules, its)} or bool(fired) != bool(rules.joins.correlations):
            wrong.append(f"{path.stem}: fired {fired}")
        seen = {(index, key) for _, index, key in matched}
        if not rules.joins.correlations and not (stock.wanted[path] <= seen and not seen & stock.unwanted.get(path, set())):
            wrong.append(f"{path.stem}: not its samples")
    assert not wrong
    # Keywords and lists in the raw event alone leave a rule nothing to ask an index for; that should be rare.
    assert len(blind) <= 8, blind


def siem(stock: Stock, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["hunt", *arguments], env={"SIEM_OPENSEARCH_URLS": stock.url}, catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def test_a_hunter_sees_who_what_and_where_and_how_many_were_looked_at(stock: Stock) -> None:
    path = CONTENT.detections / "aws" / "root_account_used.yml"
    asked = ("--since", "2000-01-01", "--until", "2100-01-01", "--project", stock.project)
    code, out, err = siem(stock, "root_account_used", "--json", "--fail", *asked)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert {(row["_index"], row["_id"]) for row in rows} >= stock.wanted[path]
    assert all(row["rule"]["level"] == "high" and "/app/discover#/" in row["link"] for row in rows)
    assert [row["@timestamp"] for row in rows] == sorted(row["@timestamp"] for row in rows)
    assert f"candidates; {len(rows)} matches" in err
    code, out, err = siem(stock, str(path), "--limit", "1", *asked)
    assert code == 0
    assert len(out.splitlines()) == 1
    assert f"{stock.project}/prod" in out
    assert "(1 shown)" in err


def test_what_is_no_rule_is_said_with_the_nearest_one(stock: Stock) -> None:
    code, _, err = siem(stock, "root_acount_used")
    assert code == 2
    assert "did you mean `root_account_used`?" in err


def test_coverage_says_what_each_project_really_sends(stock: Stock, tmp_path: Path) -> None:
    layer = tmp_path / "layer.json"
    arguments = ["coverage", "--live", "--project", stock.project, "--since", "2000-01-01", "--json", "--layer", str(layer)]
    result = CliRunner().invoke(main, arguments, env={"SIEM_OPENSEARCH_URLS": stock.url}, catch_exceptions=False)
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert {row["project"] for row in rows} == {f"{stock.project}/prod"}
    sent = {index.removeprefix("siem-").partition(f"-{stock.project}-")[0] for its in stock.wanted.values() for index, _ in its}
    states = {row["dataset"]: row["state"] for row in rows if row["technique"]}
    assert {dataset for dataset, state in states.items() if state == "flowing"} >= sent & states.keys()
    assert "never sent" in states.values()
    assert any(each["score"] for each in json.loads(layer.read_text())["techniques"])
