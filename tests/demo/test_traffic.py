"""The demo's traffic is made of events that our own pipelines understand."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from service.demo import attack, wire
from service.demo.logs import EVENTS
from service.demo.projects import ATTACKER, PROJECTS, visitor
from service.enrich.enrichers import Enrichers
from service.event import Record, RecordBatch
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipelines
from service.route.router import Router, build_router

ROOT = Path(__file__).parents[2]
NOW = 1_767_323_045_000


@pytest.fixture(scope="module")
def router() -> Router:
    return build_router(load_pipelines(ROOT / "pipelines"))


@pytest.fixture(scope="module")
def pipelines() -> dict[str, CompiledPipeline]:
    loaded = load_pipelines(ROOT / "pipelines")
    return {name: compile_pipeline(each, Enrichers.empty()) for name, each in loaded.items()}


def batch_of(data: bytes) -> RecordBatch:
    project = PROJECTS[0]
    return RecordBatch(project.id, project.environment, project.stream, "shardId-000000000000", [Record(data, "k", "49", 0, NOW)])


@pytest.mark.parametrize("dataset", sorted(EVENTS))
def test_every_event_is_routed_to_its_dataset_and_normalised_without_a_flaw(
    router: Router, pipelines: dict[str, CompiledPipeline], dataset: str
) -> None:
    rng, (make, _) = Random(7), EVENTS[dataset]
    for project in PROJECTS:
        events = [make(rng, project, NOW) for _ in range(1 if dataset == "aws.guardduty" else 60)]
        routed = router.route(batch_of(wire.record_of(rng, project, dataset, events, NOW)))
        assert not routed.dead
        assert set(routed.by_dataset) == {dataset}
        for piece in routed.by_dataset[dataset]:
            carried = pipelines[dataset].carry(piece, NOW)
            assert not carried.dead
            assert set(carried.flags) <= {"unmapped"}
            for lines in carried.pieces:
                document = json.loads(lines.split("\n")[1])
                assert document["event"]["dataset"] == dataset
                assert document["project"] == {"id": "shop", "environment": "prod"}


def test_a_broken_record_is_exactly_one_dead_letter(router: Router) -> None:
    rng = Random(3)
    for _ in range(30):
        routed = router.route(batch_of(wire.broken(rng, PROJECTS[0], NOW)))
        assert len(routed.dead) == 1
        assert not routed.by_dataset


def test_the_attack_tells_its_story_in_order_and_every_move_is_a_good_event(
    router: Router, pipelines: dict[str, CompiledPipeline]
) -> None:
    assert [move.at for move in attack.MOVES] == sorted(move.at for move in attack.MOVES)
    rng = Random(1)
    for move in attack.MOVES:
        data = wire.record_of(rng, attack.VICTIM, move.dataset, [move.make(rng, attack.VICTIM, NOW)], NOW)
        [(dataset, slices)] = router.route(batch_of(data)).by_dataset.items()
        assert dataset == move.dataset
        assert len(pipelines[dataset].carry(slices[0], NOW).pieces) == 1


def test_the_same_seed_plays_the_same_events() -> None:
    for make, _ in EVENTS.values():
        assert make(Random(5), PROJECTS[1], NOW) == make(Random(5), PROJECTS[1], NOW)


def test_nobody_but_the_attacker_comes_from_the_address_on_the_threat_list() -> None:
    rng = Random(5)
    assert ATTACKER not in {visitor(rng) for _ in range(20_000)}
