"""Bad YAML of many kinds: each refused with its place, its reason and, where there is one, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import ContentError, ContentErrors
from service.lint.pipeline import check_pipeline
from service.pipeline.load import load_pipeline

GOOD = """\
dataset: test.flow
title: Flow
summary: Flows of a test.
delivery: [application]
route: { log_group|contains: flow }
parse:
  columns: { default: "when src action bytes" }
normalise:
  time: { field: when, format: epoch_second }
  move:
    src: source.ip
    bytes: source.bytes
    action: event.action
  set: { event.kind: event }
  translate:
    event.outcome: { from: event.action, accept: success, reject: failure }
  classify:
    event.action:
      "*": { category: [network], type: [connection] }
sink: { id: position, period: day }
"""

TRANSLATED = "from: event.action, accept: success, reject: failure"

# what is changed, what into, code, line, part of the reason, part of the hint
KINDS: dict[str, tuple[str, str, str, int, str, str]] = {
    "a key of the language misspelt": ("summary:", "sumary:", "unknown_key", 3, "sumary", "did you mean `summary`"),
    "a nested key misspelt": ("  move:", "  mvoe:", "unknown_key", 10, "mvoe", "did you mean `move`"),
    "a word that is not allowed": ("day", "dya", "not_allowed", 20, "'day', 'week' or 'month'", "`day`"),
    "a list where text belongs": ("title: Flow", "title: [Flow]", "wrong_type", 2, "valid string", ""),
    "a number where text belongs": ("title: Flow", "title: 7", "wrong_type", 2, "got 7", 'quotes: "7"'),
    "yes for a boolean": ("period: day", "original: yes", "wrong_type", 20, "'yes'", "true and false"),
    "the same key twice": ("title: Flow", "title: Flow\ntitle: Flow", "duplicate_key", 3, "twice", "line 2"),
    "an account id without quotes": ("event }", "0123 }", "ambiguous_number", 14, "0123", '"0123"'),
    "a tab": ("  time:", "\ttime:", "not_yaml", 9, "token", "never with tabs"),
    "a bracket left open": ("[application]", "[application", "not_yaml", 5, "flow sequence", ""),
    "a bare star": ('"*":', "*:", "not_yaml", 19, "alias", "quotes"),
    "a Python tag": ("event }", "!!python/name:os.system x }", "tag", 14, "not allowed", "plain value"),
    "a merge key": ("  set: {", "  set: { <<: {a: b},", "merge_key", 14, "<<", "write the keys out"),
    "an alias bomb": ("title: Flow", "title: &a [*a]", "too_many_aliases", 2, "without bound", ""),
    "nesting without end": ("title: Flow", "title: " + "[" * 90, "too_deep", 2, "nested", ""),
    "an unknown field": ("source.ip", "source.pi", "unknown_field", 11, "source.pi", "did you mean `source.ip`"),
    "a field the service fills": ("source.ip", "related.ip", "reserved_field", 11, "related.ip", "leave it out"),
    "an unknown field in sink.id": ("id: position", "id: event.idd", "unknown_field", 20, "event.idd", "`event.id`"),
    "a value ECS does not know": ("event.kind: event", "event.kind: evnt", "wrong_value", 14, "evnt", ""),
    "a category ECS does not know": ("[network]", "[netwrok]", "not_allowed", 19, "netwrok", "`network`"),
    "a pair ECS does not allow": ("[connection]", "[admin]", "bad_pair", 19, "admin", "connection"),
    "an unknown table": (TRANSLATED, "from: event.action, table: iana_protocol",
                         "unknown_table", 16, "iana_protocol", "`iana_protocols`"),
    "a table misspelt": (TRANSLATED, "from: event.action, tabel: iana_protocols",
                         "suspect_key", 16, "tabel", "`table`"),
    "an unknown step": ("  set: {", "  step: { name: tcp_flgas }\n  set: {", "unknown_step", 14, "tcp_flgas", ""),
    "an unknown modifier": ("|contains", "|contain", "unknown_modifier", 5, "contain", "contains"),
    "an empty selection": ("{ log_group|contains: flow }", "{}", "empty_selection", 5, "everything", "name a field"),
    "a path that is none": ("    src:", "    src..x:", "bad_path", 11, "src..x", "between dots"),
    "a period of seconds without unit": ("period: day", "retention: 30", "wrong_type", 20, "30", "quotes"),
    "a retention that is none": ("period: day", "retention: 30 days", "bad_form", 20, "30 days", ""),
    "no parser": ('  columns: { default: "when src action bytes" }', "  {}", "no_parser", 6, "nothing", "json"),
    "two parsers": ('  columns: {', '  json: {}\n  columns: {', "two_parsers", 6, "json and columns", "keep one"),
    "a column twice": ("when src action", "when src src", "duplicate_column", 7, "src", ""),
    "a look-around": ("  columns:", "  pattern: { any_of: [{ name: a, regex: '(?=x)(?P<y>x)' }] }\n  columns:",
                      "bad_regex", 7, "(?=", "look-around"),
    "a regex that captures nothing": ("  columns:", "  pattern: { any_of: [{ name: a, regex: x+ }] }\n  columns:",
                                      "no_groups", 7, "nothing", "(?P<name>"),
    "an enricher with nothing to work on": ("sink:", "enrich: [geoip, community_id]\nsink:", "idle_enricher", 20,
                                            "`destination.ip`", "leave the enricher out"),
    "another folder's dataset": ("dataset: test.flow", "dataset: test.flaw", "wrong_folder", 1, "test.flow", "folder"),
}  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    mappings = tmp_path / "mappings"
    mappings.symlink_to(Path(__file__).parents[2] / "mappings")
    folder = tmp_path / "pipelines" / "test.flow"
    folder.mkdir(parents=True)
    (folder / "pipeline.yml").write_text(GOOD)
    return folder


def faults(folder: Path) -> list[ContentError]:
    try:
        return check_pipeline(load_pipeline(folder))
    except ContentErrors as errors:
        return errors.faults


def test_a_good_pipeline_has_no_faults(source: Path) -> None:
    assert faults(source) == []


@pytest.mark.parametrize("kind", KINDS)
def test_bad_yaml_is_refused_with_place_reason_and_hint(kind: str, source: Path) -> None:
    old, new, code, line, reason, hint = KINDS[kind]
    assert old in GOOD
    (source / "pipeline.yml").write_text(GOOD.replace(old, new, 1))
    found = faults(source)
    assert found, "nothing was refused"
    fault = found[0]
    assert (fault.code, fault.place.line) == (code, line), [str(each) for each in found]
    assert fault.place.file.endswith("test.flow/pipeline.yml")
    assert fault.place.column >= 1
    assert reason in fault.reason
    assert hint in fault.hint


def test_a_misspelt_key_is_not_told_a_second_time_as_missing(source: Path) -> None:
    (source / "pipeline.yml").write_text(GOOD.replace("summary:", "sumary:"))
    assert [fault.code for fault in faults(source)] == ["unknown_key"]


def test_a_missing_key_is_told_at_the_place_it_should_stand_in(source: Path) -> None:
    (source / "pipeline.yml").write_text(GOOD.replace("summary: Flows of a test.\n", ""))
    assert [(fault.code, fault.place.line, fault.hint) for fault in faults(source)] == [("missing_key", 1, "add `summary:`")]


def test_all_faults_of_a_file_are_told_at_once_in_the_order_of_its_lines(source: Path) -> None:
    (source / "pipeline.yml").write_text(GOOD.replace("title: Flow", "title: 7").replace("day", "dya"))
    assert [fault.place.line for fault in faults(source)] == [2, 20]


def test_a_file_that_is_not_there_is_a_content_error(tmp_path: Path) -> None:
    assert [fault.code for fault in faults(tmp_path / "nowhere")] == ["no_file"]


def test_a_field_the_catalogue_has_already_is_refused(source: Path) -> None:
    (source / "fields.yml").write_text("source.ip: { type: ip, meaning: Again. }\n")
    assert [(fault.code, fault.place.line) for fault in faults(source)] == [("already_declared", 1)]


def test_a_field_of_no_type_is_refused_with_a_suggestion(source: Path) -> None:
    (source / "fields.yml").write_text("test.flow.x: { type: keywrod, meaning: X. }\n")
    assert [(fault.code, fault.hint) for fault in faults(source)] == [("not_allowed", "did you mean `keyword`?")]
