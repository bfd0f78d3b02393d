"""Rules over the files beside pipeline.yml, and over the files of a deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.errors import ContentErrors
from service.lint.everything import check_path
from service.lint.folder import check_folder
from service.pipeline.load import load_pipeline, load_pipelines
from tests.lint.test_bad_yaml import GOOD

ROOT = Path(__file__).parents[2]


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (tmp_path / "mappings").symlink_to(ROOT / "mappings")
    folder = tmp_path / "pipelines" / "test.flow"
    (folder / "samples").mkdir(parents=True)
    (folder / "pipeline.yml").write_text(GOOD)
    (folder / "fields.yml").write_text("test.unmapped: { type: flat_object, meaning: Leftovers. }\n")
    return tmp_path


def codes(content: Path) -> list[str]:
    return [fault.code for fault in check_folder(load_pipeline(content / "pipelines" / "test.flow"))]


def test_a_status_may_only_claim_what_samples_show(content: Path) -> None:
    path = content / "pipelines" / "test.flow" / "pipeline.yml"
    path.write_text(GOOD.replace("delivery:", "status: stable\ndelivery:"))
    assert codes(content) == ["too_few_samples", "no_dashboard"]


def test_a_sample_needs_expected_documents_and_they_a_sample(content: Path) -> None:
    samples = content / "pipelines" / "test.flow" / "samples"
    (samples / "one.log").write_text("x\n")
    (samples / "two.expected.json").write_text('{"documents": [], "dead_letters": [], "dropped": {}}')
    assert codes(content) == ["no_expected", "no_sample"]


def test_an_expected_file_must_be_one(content: Path) -> None:
    samples = content / "pipelines" / "test.flow" / "samples"
    (samples / "one.log").write_text("x\n")
    (samples / "one.expected.json").write_text("[")
    assert codes(content) == ["bad_expected"]


def test_every_expected_document_is_checked_against_the_catalogue(content: Path) -> None:
    samples = content / "pipelines" / "test.flow" / "samples"
    (samples / "one.log").write_text("x\n")
    documents = [{"line": 7, "_index": "i", "_id": "1", "_source": {"source": {"ip": "nowhere"}}}]
    (samples / "one.expected.json").write_text(json.dumps({"documents": documents}))
    (fault,) = check_folder(load_pipeline(content / "pipelines" / "test.flow"))
    assert (fault.code, fault.reason) == ("bad_document", "line 7: source.ip is 'nowhere', which is no ip")


def test_a_misspelt_file_is_a_stray(content: Path) -> None:
    (content / "pipelines" / "test.flow" / "field.yml").write_text("")
    (fault,) = check_folder(load_pipeline(content / "pipelines" / "test.flow"))
    assert (fault.code, fault.hint) == ("stray_file", "did you mean `fields.yml`?")


def test_a_folder_without_a_pipeline_is_told(content: Path) -> None:
    (content / "pipelines" / "test.other").mkdir()
    assert [fault.code for fault in check_path(content).faults] == ["no_pipeline"]


def test_the_faults_of_all_folders_are_told_together(content: Path) -> None:
    other = content / "pipelines" / "test.other"
    other.mkdir()
    (other / "pipeline.yml").write_text(GOOD.replace("title: Flow", "titel: Flow").replace("test.flow", "test.other"))
    (content / "pipelines" / "test.flow" / "pipeline.yml").write_text(GOOD.replace("day", "dya"))
    with pytest.raises(ContentErrors) as caught:
        load_pipelines(content / "pipelines")
    assert {(Path(fault.place.file).parent.name, fault.code) for fault in caught.value.faults} == {
        ("test.flow", "not_allowed"),
        ("test.other", "unknown_key"),
    }


def test_tuning_lies_over_the_pipeline_and_changes_nothing_else(content: Path) -> None:
    tuning = content / "tuning"
    tuning.mkdir()
    (tuning / "test.flow.yml").write_text("dataset: test.flow\nretention: 7d\nperiod: week\nlabels: { team: red }\n")
    plain = load_pipelines(content / "pipelines")["test.flow"].file
    tuned = load_pipelines(content / "pipelines", tuning)["test.flow"].file
    assert (tuned.sink.retention, tuned.sink.period, tuned.labels) == ("7d", "week", {"team": "red"})
    assert tuned.normalise == plain.normalise
    assert plain.sink.retention == "365d"


def test_tuning_of_another_dataset_is_refused(content: Path) -> None:
    tuning = content / "tuning"
    tuning.mkdir()
    (tuning / "test.flow.yml").write_text("dataset: test.flaw\n")
    with pytest.raises(ContentErrors) as caught:
        load_pipelines(content / "pipelines", tuning)
    assert [fault.code for fault in caught.value.faults] == ["wrong_dataset"]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("streams.yml", "projcts: {}\n", "unknown_key"),
        ("projects.yml", "projects: { Shop: {} }\n", "bad_form"),
        ("lists.yml", "lists: [1]\n", "wrong_type"),
        ("siem.yml", "kafka: 7\n", "wrong_type"),
    ],
)
def test_files_of_a_deployment_are_checked_by_name(name: str, text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    faults = check_path(tmp_path / name).faults
    assert code in [fault.code for fault in faults]
    assert all(fault.place.line >= 1 for fault in faults)


def test_the_examples_of_a_deployment_are_right() -> None:
    for path in (ROOT / "deploy").glob("*.example.yml"):
        assert check_path(path).faults == [], path.name
