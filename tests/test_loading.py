"""What a worker loads: everything once, what changed after that, and after a crash no more than events ask for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from service.content import find_content
from service.errors import ContentErrors
from service.event import Slice
from service.loading import content_to_start_with, load_content
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.deferred import Deferred
from service.proof import fingerprint
from service.reload import signature
from service.settings import Paths, Settings

NOW = 1_795_200_000_000
LINE = "2 111122223333 eni-1 192.0.2.1 198.51.100.2 50000 443 6 10 840 1795199990 1795200000 ACCEPT OK"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    content = find_content(Path(__file__))
    pipelines = tmp_path / "pipelines"
    for name in ("aws.vpcflow", "aws.cloudwatch", "_shared"):
        shutil.copytree(content.pipelines / name, pipelines / name)
    (tmp_path / "mappings").symlink_to(content.mappings)
    rules = tmp_path / "detections"
    rules.mkdir()
    return Settings(paths=Paths(pipelines=pipelines, detections=rules, state=tmp_path / "state"))


def change(settings: Settings, text: str) -> None:
    path = settings.paths.pipelines / "aws.vpcflow" / "pipeline.yml"
    path.write_text(path.read_text().replace("title: ", text, 1))


def flow() -> Slice:
    return Slice("shop", "prod", "logs", "shardId-0", "1", 0, NOW, [LINE, "nonsense"])


def test_a_worker_that_comes_back_compiles_what_events_ask_for(settings: Settings) -> None:
    first = content_to_start_with(settings, "process")
    assert {type(each) for each in first.pipelines.values()} == {CompiledPipeline}
    again = content_to_start_with(settings, "process")
    assert {type(each) for each in again.pipelines.values()} == {Deferred}
    flows = again.pipelines["aws.vpcflow"]
    assert flows.version == first.pipelines["aws.vpcflow"].version
    assert flows.carry(flow(), NOW) == first.pipelines["aws.vpcflow"].carry(flow(), NOW)
    assert flows.watch == first.pipelines["aws.vpcflow"].watch
    assert json.loads(flows.carry(flow(), NOW).pieces[0].splitlines()[1])["source"]["ip"] == "192.0.2.1"


def test_what_changed_is_proven_again_and_refused_when_it_is_wrong(settings: Settings) -> None:
    content_to_start_with(settings, "process")
    change(settings, "title: Another ")
    assert {type(each) for each in content_to_start_with(settings, "process").pipelines.values()} == {CompiledPipeline}
    change(settings, "tittle: ")
    with pytest.raises(ContentErrors, match="is not valid"):
        content_to_start_with(settings, "process")


def test_what_lies_behind_a_link_is_proven_too_and_links_may_go_round(settings: Settings, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in settings.paths.pipelines.iterdir():
        (linked / folder.name).symlink_to(folder)
    (linked / "round").symlink_to(linked)
    other = settings.model_copy(update={"paths": settings.paths.model_copy(update={"pipelines": linked})})
    content_to_start_with(other, "process")
    assert {type(each) for each in content_to_start_with(other, "process").pipelines.values()} == {Deferred}
    before = signature(other)
    change(settings, "title: Another ")
    assert signature(other) != before
    assert {type(each) for each in content_to_start_with(other, "process").pipelines.values()} == {CompiledPipeline}


def test_rules_that_are_one_file_are_watched_and_proven(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "own.yml"
    file.write_text(
        "title: One\nlogsource: { product: aws, service: vpcflow }\ndetection: { s: { action: ACCEPT }, condition: s }\n"
    )
    watched = settings.model_copy(update={"detect": settings.detect.model_copy(update={"rules": [file]})})
    before = signature(watched), fingerprint(watched)
    file.write_text(file.read_text().replace("ACCEPT", "REJECT") + "level: low\n")
    assert signature(watched) != before[0]
    assert fingerprint(watched) != before[1]


def test_a_reload_keeps_the_code_of_what_says_what_it_said(settings: Settings) -> None:
    used = load_content(settings)
    change(settings, "title: Another ")
    content = load_content(settings, used)
    assert content.pipelines["aws.cloudwatch"] is used.pipelines["aws.cloudwatch"]
    assert content.pipelines["aws.vpcflow"] is not used.pipelines["aws.vpcflow"]
    assert content.enrichers is used.enrichers


def test_a_collector_needs_neither_code_nor_rules(settings: Settings) -> None:
    content = content_to_start_with(settings, "collect")
    assert {type(each) for each in content.pipelines.values()} == {Deferred}
    assert content.detections.lookout is None
    assert not (settings.paths.state / "proof").exists()


def test_a_state_folder_that_cannot_be_written_costs_time_only(settings: Settings) -> None:
    settings.paths.state.write_text("a file where the folder should be")
    for _ in range(2):
        assert type(content_to_start_with(settings, "process").pipelines["aws.vpcflow"]) is CompiledPipeline
