"""The other verbs over a content folder of the test's own: new, check, test, explain, build."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.cli import VERBS
from tests.cli.conftest import ROOT, Siem

LINES = {
    "json": '{"id":"9a8b7c6d-0000-4000-8000-000000000001","createdAt":"2026-01-14T10:00:00.123Z","actor":{"name":"ann"},"n":3}\n'
    '{"id":"9a8b7c6d-0000-4000-8000-000000000002","createdAt":"2026-01-14T10:00:01.123Z","actor":{"name":"bob"},"n":"4"}\n',
    "headed": "Event Time,User,Source IP,Status,Note\n2026-01-14 10:00:00,ann,192.0.2.7,200,\"a, b\"\n"
    "2026-01-14 10:00:02,bob,192.0.2.9,404,x\n",
    "pairs": 'time="2026-01-14T10:00:00Z" srcip=192.0.2.7 user="ann b" action=login bytes=120\n'
    "time=2026-01-14T10:00:01Z srcip=192.0.2.8 user=bob action=logout bytes=7\n",
    "columns": "1767225600 GET /index 200 192.0.2.1\n1767225601 GET /x 404 192.0.2.2\n",
    "tabs": "ann\t2026-01-14T10:00:00Z\tlog in\t7\nbob\t2026-01-14T10:00:01Z\tlog out\t8\n",
    "commas": "time,user,ip,n\n2026-01-14T10:00:00Z,ann,192.0.2.7,1\n2026-01-14T10:00:01Z,bob,192.0.2.8,2\n",
    "words": "something happened here\nand then something quite different\n",
}  # fmt: skip


@pytest.fixture
def source(content: Path, siem: Siem) -> Path:
    """A source folder ``acme.app`` made of the JSON lines."""
    (content / "lines").write_text(LINES["json"])
    assert siem("new", "acme.app", "--from", content / "lines").code == 0
    return content / "pipelines" / "acme.app"


@pytest.mark.parametrize("kind", LINES)
def test_what_new_writes_passes_check_and_test(kind: str, content: Path, siem: Siem) -> None:
    said = siem("new", "acme.app", "--from", "-", stdin=LINES[kind])
    assert said.code == 0, said.out + said.err
    assert siem("check").code == 0
    assert siem("test").code == 0
    expected = json.loads((content / "pipelines/acme.app/samples").glob("*.expected.json").__next__().read_text())
    assert len(expected["documents"]) == 2
    assert expected["dead_letters"] == []
    assert "cast_error" not in json.dumps(expected["documents"])


def test_new_finds_time_identity_and_the_names_ecs_has(source: Path) -> None:
    text = (source / "pipeline.yml").read_text()
    assert "time: { field: createdAt, format: iso8601 }" in text
    assert "sink: { id: acme.app.id" in text
    text = (source / "fields.yml").read_text()
    assert "acme.app.n: { type: long" in text


def test_new_writes_over_nothing(source: Path, siem: Siem) -> None:
    said = siem("new", "acme.app", "--from", "-", stdin=LINES["json"])
    assert said.code == 1
    assert "exists" in said.err
    assert source.is_dir()


def test_check_says_file_line_column_code_and_hint(source: Path, siem: Siem) -> None:
    path = source / "pipeline.yml"
    path.write_text(path.read_text().replace("event.kind", "event.knid"))
    said = siem("check", path)
    assert said.code == 1
    assert "pipeline.yml:29:10 unknown_field: `event.knid` is no declared field (did you mean `event.kind`?)" in said.out


def test_check_refuses_tuning_of_no_pipeline(source: Path, content: Path, siem: Siem) -> None:
    (content / "deploy" / "tuning").mkdir(parents=True)
    (content / "deploy" / "tuning" / "acme.ap.yml").write_text("dataset: acme.ap\n")
    assert "unknown_dataset" in siem("check").out


def test_check_refuses_an_expected_document_that_is_not_ecs(source: Path, siem: Siem) -> None:
    path = source / "samples" / "first.expected.json"
    expected = json.loads(path.read_text())
    expected["documents"][0]["_source"]["source"] = {"port": "80"}
    path.write_text(json.dumps(expected))
    assert "bad_document: line 1: source.port is '80', which is no long" in siem("check").out


def test_test_tells_every_difference_and_update_accepts_it(source: Path, siem: Siem) -> None:
    path = source / "pipeline.yml"
    path.write_text(path.read_text().replace("event.kind: event", "event.kind: state"))
    said = siem("test", "acme.app")
    assert said.code == 1
    assert 'documents[0]._source.event.kind: expected "event", got "state"' in said.out
    assert siem("test", "acme.app", "--update").code == 0
    assert siem("test", "acme.app").code == 0


def test_coverage_names_the_line_no_sample_exercises(source: Path, siem: Siem) -> None:
    path = source / "pipeline.yml"
    path.write_text(path.read_text().replace("  move:\n", "  move:\n    actor.nmae: user.full_name\n"))
    said = siem("test", "--coverage")
    assert "pipeline.yml:26:5 unexercised: no sample carries `actor.nmae`" in said.out


def test_explain_names_the_line_that_made_each_field(source: Path, siem: Siem) -> None:
    said = siem("explain", "acme.app", "--line", "2", "--json", "-", stdin=LINES["json"])
    assert said.code == 0
    told = json.loads(said.out)
    made = {each["field"]: each for each in told["made"]}
    lines = (source / "pipeline.yml").read_text().splitlines()
    for name, text in {"@timestamp": "time:", "acme.app.n": "n", "event.kind": "event.kind"}.items():
        line = int(made[name]["place"].split(":")[-2])
        assert text in lines[line - 1], (name, line)
    assert told["line"] == 2
    assert "actor.name" in told["consumed"]
    assert told["microseconds"] > 0


def test_explain_says_why_there_is_no_document(source: Path, siem: Siem) -> None:
    said = siem("explain", "acme.app", "-", stdin="nonsense\n")
    assert "no document" in said.out
    assert "not_json" in said.out


def test_explain_shows_people_a_table(source: Path, siem: Siem) -> None:
    said = siem("explain", "acme.app", "-", stdin=LINES["json"])
    assert said.code == 0
    assert "pipeline.yml:" in said.out


def test_build_writes_what_its_check_then_finds_fresh(source: Path, siem: Siem) -> None:
    assert siem("build", "--check").code == 1
    assert siem("build").code == 0
    assert siem("build", "--check").code == 0
    readme = (source / "README.md").read_text()
    assert "`acme.app.n` | long" in readme
    (source / "README.md").write_text("by hand")
    said = siem("build", "--check")
    assert said.code == 1
    assert "stale pipelines/acme.app/README.md" in said.out


def test_help_lists_the_verbs_and_imports_none() -> None:
    code = "import sys; from service.__main__ import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "parse" in done.stdout
    assert "'service.cli.parse'" not in done.stdout
    assert "'faust'" not in done.stdout


def test_parse_imports_no_server() -> None:
    code = "import sys, service.cli.parse, service.offline.play; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for module in ("faust", "aiobotocore", "opensearchpy", "aiohttp", "aiokafka"):
        assert f"'{module}'" not in done.stdout


def test_every_verb_has_one_sentence() -> None:
    assert all(sentence.endswith(".") for sentence in VERBS.values())


def test_check_reads_dashboards_too(source: Path, siem: Siem) -> None:
    path = source / "dashboard.yml"
    path.write_text(path.read_text().replace("by: [user.name]", "by: [user.nmae]").replace("kind: area", "kind: aera"))
    said = siem("check", source)
    assert said.code == 1
    assert "dashboard.yml:7:" in said.out
    assert "not_allowed" in said.out
