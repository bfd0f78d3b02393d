"""``siem detect``, and ``siem check`` and ``siem test`` over rules, with the pipelines and log sources that ship."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Siem

RULES = ROOT / "detections"
SAMPLES = RULES / "aws" / "root_account_used.samples"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content folder with one rule and the pipelines it needs."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings", ignore=shutil.ignore_patterns("templates"))
    shutil.copytree(ROOT / "pipelines" / "aws.cloudtrail", tmp_path / "pipelines" / "aws.cloudtrail")
    (tmp_path / "detections" / "logsources").mkdir(parents=True)
    shutil.copy(RULES / "logsources" / "aws_cloudtrail.yml", tmp_path / "detections" / "logsources")
    for path in (RULES / "aws").glob("root_account_used*"):
        (shutil.copytree if path.is_dir() else shutil.copy)(
            path, tmp_path / "detections" / "aws" / path.name if path.is_dir() else _made(tmp_path)
        )
    monkeypatch.setenv("SIEM_CONTENT", str(tmp_path))
    return tmp_path / "detections"


def _made(folder: Path) -> Path:
    (folder / "detections" / "aws").mkdir(exist_ok=True)
    return folder / "detections" / "aws"


def test_matches_are_told_by_line_and_rule(siem: Siem) -> None:
    said = siem("detect", SAMPLES / "match.ndjson")
    assert said.code == 0
    lines = [line for line in said.out.splitlines() if "AWS Root User Acted" in line]
    assert [line.split(": ")[0] for line in lines] == [f"{SAMPLES / 'match.ndjson'}:{number}" for number in (1, 2)]
    assert "[aws.cloudtrail] 2026-01-14T09:02:11.000Z iam.amazonaws.com CreateAccessKey" in lines[0]


def test_fail_ends_with_one_when_a_rule_matches_and_with_zero_when_none_does(siem: Siem) -> None:
    rule = RULES / "aws" / "root_account_used.yml"
    assert siem("detect", "--fail", SAMPLES / "match.ndjson").code == 1
    assert siem("detect", "--fail", "--only", "--rules", RULES, SAMPLES / "match.ndjson").code == 1
    said = siem("detect", "--fail", "--only", "--rules", rule, "--dataset", "aws.cloudtrail", SAMPLES / "no_match.ndjson")
    assert (said.code, said.out) == (0, "")


def test_stats_say_what_each_rule_was_asked_and_cost(siem: Siem) -> None:
    rule = RULES / "aws" / "root_account_used.yml"
    said = siem("detect", "--stats", "--rules", rule, "--dataset", "aws.cloudtrail", SAMPLES / "match.ndjson")
    (line,) = [line for line in said.err.splitlines() if "AWS Root User Acted" in line]
    assert "µs/event" in line
    assert "2 asked        2 matched of 2  [aws.cloudtrail]" in line


def test_json_holds_rule_and_document(siem: Siem) -> None:
    said = siem("detect", "--json", "--dataset", "aws.cloudtrail", "-", stdin=(SAMPLES / "match.ndjson").read_bytes())
    found = [each for each in map(json.loads, said.out.splitlines()) if each["rule"]["title"] == "AWS Root User Acted"]
    assert [each["line"] for each in found] == [1, 2]
    assert found[0]["_source"]["event"]["action"] == "CreateAccessKey"
    assert found[0]["rule"]["level"] == "high"


def test_rules_that_are_not_there_are_no_empty_answer(siem: Siem, tmp_path: Path) -> None:
    said = siem("detect", "--rules", tmp_path / "none", SAMPLES / "match.ndjson")
    assert said.code == 2
    assert "no such file or folder" in said.err


def test_rules_that_ship_match_their_samples_and_no_others(siem: Siem) -> None:
    said = siem("test", RULES)
    assert said.code == 0, said.out + said.err


def test_a_sample_that_is_not_what_its_name_says_is_named(copied: Path, siem: Siem) -> None:
    assert siem("test", copied).code == 0
    samples = copied / "aws" / "root_account_used.samples"
    (samples / "match.ndjson").rename(samples / "no_match_really.ndjson")
    (samples / "no_match.ndjson").rename(samples / "match_really.ndjson")
    said = siem("test", copied / "aws")
    assert said.code == 1
    assert "no_match_really.ndjson:1: is matched by AWS Root User Acted" in said.out
    assert "match_really.ndjson: 2 events are not matched, lines 1, 2" in said.out
    assert "no match* sample is matched by AWS Root User Acted" in said.out


def test_check_wants_samples_and_words_for_analysts(copied: Path, siem: Siem) -> None:
    assert siem("check", copied).code == 0
    rule = copied / "aws" / "root_account_used.yml"
    rule.write_text(rule.read_text().replace("falsepositives:", "notes:").replace("attack.t1078.004", "attack.t10"))
    (copied / "aws" / "root_account_used.samples" / "no_match.ndjson").unlink()
    (copied / "aws" / "gone.samples").mkdir()
    said = siem("check", copied)
    assert said.code == 1
    assert {line.split()[1] for line in said.out.splitlines()} == {"missing_key:", "bad_tags:", "no_sample:", "no_rule:"}
    assert siem("check").code == 1


def test_check_names_what_a_log_source_gets_wrong(copied: Path, siem: Siem) -> None:
    path = copied / "logsources" / "aws_cloudtrail.yml"
    path.write_text(path.read_text().replace("[aws.cloudtrail]", "[aws.cloudtrial]"))
    said = siem("check", copied)
    assert said.code == 1
    assert "unknown_dataset: no dataset is called aws.cloudtrial (did you mean `aws.cloudtrail`?)" in said.out
    assert "unknown_field" in said.out


def test_rules_of_others_that_cannot_be_run_are_named_with_the_reason(copied: Path, siem: Siem, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    rule = (copied / "aws" / "root_account_used.yml").read_text()
    (theirs / "good.yml").write_text(rule.replace("1c1a4f7e", "1c1a4f7f"))
    (theirs / "azure.yml").write_text(rule.replace("1c1a4f7e", "1c1a4f70").replace("product: aws", "product: azure"))
    said = siem("check", "--rules", theirs)
    assert said.code == 0
    assert "azure.yml:1:1 no_dataset: AWS Root User Acted: no dataset is called azure/cloudtrail" in said.out
    assert "1 rules can be run, 1 cannot, 0 faults" in said.err
    (theirs / "bad.yml").write_text("title: x\n")
    assert siem("check", "--rules", theirs).code == 1


def test_coverage_tells_techniques_by_dataset_and_writes_a_layer(copied: Path, siem: Siem, tmp_path: Path) -> None:
    layer = tmp_path / "layer.json"
    said = siem("coverage", "--layer", layer)
    assert said.code == 0
    assert "T1078.004  aws.cloudtrail" in said.out
    assert json.loads(layer.read_text())["techniques"][0]["techniqueID"] == "T1078.004"
    assert json.loads(siem("coverage", "--json").out) == {"T1078.004": {"aws.cloudtrail": ["AWS Root User Acted"]}}


def test_alerts_are_what_a_deployment_would_raise_of_a_folder(siem: Siem, tmp_path: Path) -> None:
    folder = tmp_path / "aws.cloudtrail"
    folder.mkdir()
    for name in ("first.ndjson", "again.ndjson"):
        shutil.copy(SAMPLES / "match.ndjson", folder / name)
    said = siem("detect", "--alerts", "--fail", tmp_path)
    assert said.code == 1
    alerts = [line for line in said.out.splitlines() if "high          AWS Root User Acted" in line]
    assert len(alerts) == 1, "the same events are the same alert"
    assert alerts[0].endswith("2 events")
    assert "1 alerts   AWS Root User Acted" in said.out
    documents = [json.loads(line) for line in siem("detect", "--alerts", "--json", tmp_path).out.splitlines()]
    root = next(each for each in documents if each["rule"]["name"] == "AWS Root User Acted")
    assert (root["event"]["kind"], root["alert"]["count"]) == ("signal", 2)


def test_what_stdin_tells_of_a_session_is_known_to_the_files_beside_it(siem: Siem, tmp_path: Path) -> None:
    account, common = "111122223333", {"eventVersion": "1.11", "awsRegion": "eu-west-1", "eventType": "AwsApiCall"}
    alice = {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/alice", "accountId": account, "userName": "alice"}
    role = f"arn:aws:sts::{account}:assumed-role/Admin/x"
    session = {"type": "AssumedRole", "arn": role, "principalId": "AROAEXAMPLE:x", "accountId": account, "accessKeyId": "ASIA1"}
    given = {"credentials": {"accessKeyId": "ASIA1"}, "assumedRoleUser": {"arn": role, "assumedRoleId": "AROAEXAMPLE:x"}}
    assume = common | {
        "eventTime": "2026-11-30T01:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventID": "e-1",
        "recipientAccountId": account, "userIdentity": alice, "responseElements": given,
    }  # fmt: skip
    stop = common | {
        "eventTime": "2026-11-30T01:01:00Z", "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
        "eventID": "e-2", "recipientAccountId": account, "userIdentity": session,
    }  # fmt: skip
    (tmp_path / "stop.ndjson").write_text(json.dumps(stop) + "\n")
    said = siem(
        "detect", "--alerts", "--json", "--dataset", "aws.cloudtrail", tmp_path / "stop.ndjson", "-",
        stdin=json.dumps(assume).encode(),
    )  # fmt: skip
    (alert,) = [
        each for each in map(json.loads, said.out.splitlines()) if each["rule"]["name"] == "CloudTrail Stopped or Deleted"
    ]
    assert alert["identity"]["chain"] == [alice["arn"], role]


def test_a_tuning_file_suppresses_alerts_of_files_as_in_the_stream(siem: Siem, tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(
        'suppress: [{ rule: "AWS Root User Acted", until: 2999-01-01, reason: announced }]\n', encoding="utf-8"
    )
    said = siem(
        "detect", "--alerts", "--tuning", tmp_path / "alerts.yml", "--dataset", "aws.cloudtrail", SAMPLES / "match.ndjson"
    )
    assert said.code == 0
    assert "AWS Root User Acted" not in said.out


def test_one_dataset_alone_does_not_complain_of_the_others(siem: Siem) -> None:
    assert "unknown_dataset" not in siem("detect", "--dataset", "aws.cloudtrail", SAMPLES / "match.ndjson").err


def test_a_correlation_that_is_part_of_another_raises_no_alert_of_its_own(siem: Siem) -> None:
    sample = RULES / "hosts" / "sign_in_after_failures.samples" / "match_in.log"
    said = siem("detect", "--alerts", "--dataset", "system.auth", sample)
    assert "1 alerts   Signed In After Many Failures" in said.out
    assert "Many Failed Sign-Ins" not in said.out


def test_fail_ends_with_two_when_nothing_matches_and_a_rule_could_not_be_read(siem: Siem, copied: Path) -> None:
    views = copied / "logsources" / "aws_cloudtrail.yml"
    views.write_text(views.read_text().replace("views:", "viewz:", 1))
    for more in ([], ["--alerts"]):
        said = siem("detect", "--fail", *more, SAMPLES / "match.ndjson")
        assert said.code == 2
        assert "did you mean `views`?" in said.err
        assert siem("detect", *more, SAMPLES / "match.ndjson").code == 0


def test_check_does_not_praise_what_it_did_not_look_at(siem: Siem, tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text("title: [\n")
    for path in (tmp_path, tmp_path / "rule.yml"):
        said = siem("check", path)
        assert said.code == 1
        assert "not_content" in said.out
        assert f"siem check --rules {path}" in said.out
