"""``siem new`` with twenty lines of logs that it never saw: what a stranger gets must be whole, and pass as it is."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from service.scaffold.pieces import TIMES
from tests.cli.conftest import Siem

LINES = Path(__file__).parent / "lines"
WANTED: dict[str, dict[str, Any]] = {
    "apache_extra.log": {
        "source.ip": "192.0.2.7", "user.name": "dmitri", "http.request.method": "GET", "http.response.status_code": 500,
        "url.path": "/a/b", "event.outcome": "failure", "event.category": ["web"],
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64)",
    },
    "badges.csv": {"acme.log.holder": "Ito, Ken", "acme.log.door": "North Gate", "event.outcome": "success"},
    "bracketed.log": {
        "log.level": "INFO", "log.logger": "com.example.auth.LoginService", "process.thread.name": "worker-0",
        "message": "retrying (attempt 2)",
    },
    "cef.log": {
        "observer.vendor": "Acme", "observer.product": "Proxy", "rule.name": "Malware blocked", "event.severity": 3,
        "source.ip": "192.0.2.19", "destination.port": 443, "user.name": "ann", "message": "Request was allowed by policy",
        "acme.log.policy_name": "Default Web", "event.outcome": "failure",
    },
    "cef_syslog.log": {"host.name": "fw01", "log.syslog.priority": 14, "event.action": "allowed", "message": "said 0"},
    "fw_syslog_kv.log": {
        "source.ip": "192.0.2.19", "destination.port": 22, "network.iana_number": "6", "acme.log.logid": "0000000013",
        "event.action": "accept", "event.type": ["connection", "allowed"], "source.bytes": 60, "host.name": "edge",
    },
    "iso_json.log": {"log.level": "WARN", "user.name": "bob", "source.ip": "2001:db8::17", "event.action": "invoice.void"},
    "kv_bare_time.log": {
        "user.name": "bob", "event.category": ["authentication"], "event.outcome": "failure", "event.duration": 3_000_000,
    },
    "leef.log": {"event.action": "DELIVER", "acme.log.subject": "Re: offer 0", "event.outcome": "success"},
    "leef2.log": {"source.ip": "198.51.100.23", "acme.log.subject": "Re: offer 0"},
    "logfmt.log": {"url.path": "/api/v1/jobs", "error.message": "context deadline exceeded", "log.level": "info"},
    "nested.json.log": {
        "event.id": "00000000-1111-4222-8333-444455556666", "file.path": "/docs/budget.xlsx", "event.outcome": "failure",
        "user.name": "eve", "source.port": 50000,
    },
    "pipes.log": {"event.action": "ALLOW", "network.transport": "TCP", "source.port": 40000, "destination.ip": "198.51.100.80"},
    "python.log": {"log.level": "WARNING", "log.logger": "app.auth", "message": "slow query took 3.2 s"},
    "rfc5424.log": {"log.level": "warning", "host.name": "gw1.example.com", "source.ip": "203.0.113.5", "user.name": "ann"},
    "semi.csv": {"host.name": "db0", "process.pid": 900, "message": "backup done"},
    "syslog3164.log": {"process.name": "ovpnd", "process.pid": 700, "log.level": "warning"},
    "syslog_json.log": {"event.outcome": "success", "event.type": ["end"], "process.name": "idp", "log.syslog.priority": 134},
    "tabs.log": {"http.request.method": "GET", "url.path": "/bucket/d.txt", "http.response.status_code": 403},
    "traces.log": {"log.logger": "c.e.shop.Cart", "message": "cart 0 saved"},
    "us_dates.log": {"user.name": "bob", "source.ip": "203.0.113.5", "event.action": "Logoff", "event.type": ["end"]},
    "xml.log": {"user.name": "carla", "source.ip": "198.51.100.23", "event.action": "open", "acme.log.note": "door & gate"},
}  # fmt: skip
UNTIMED = ("python.log",)
WORD = re.compile(r"[A-Za-z0-9]+")
TIME = re.compile("|".join([*TIMES, r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d", r"1768384\d{6}", r"1768384\d{3}\.\d{3}"]))

EMPTY = re.compile(r'"\w+":\[\]')


def value_at(document: dict[str, Any], field: str) -> Any:
    value: Any = document
    for key in field.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_log_that_nobody_saw_before(name: str, content: Path, siem: Siem) -> None:
    said = siem("new", "acme.log", "--from", LINES / name)
    assert said.code == 0, said.out + said.err
    assert siem("check").code == 0
    assert siem("test").code == 0
    folder = content / "pipelines" / "acme.log"
    (path,) = (folder / "samples").glob("*.expected.json")
    result = json.loads(path.read_text())
    documents = [document["_source"] for document in result["documents"]]
    assert result["dead_letters"] == []
    assert len(documents) == (14 if name == "traces.log" else 20)
    for document in documents:
        assert "tags" not in document, document
        assert document["@timestamp"].startswith("2026-01-15T00" if name in UNTIMED else "2026-01-14T"), document["@timestamp"]
    assert {field: value_at(documents[0], field) for field in WANTED[name]} == WANTED[name]
    nothing_is_lost(documents, (folder / "pipeline.yml").read_text())


def nothing_is_lost(documents: list[dict[str, Any]], pipeline: str) -> None:
    """Every word of an event is in its document beside ``event.original``, or the pipeline says it."""
    known = {word.lower() for word in WORD.findall(pipeline.replace("_", " "))} | {"http"}
    for document in documents:
        event = {key: value for key, value in document["event"].items() if key != "original"}
        text = re.sub(r"\\[nt]", " ", json.dumps({**document, "event": event}))
        kept = {word.lower() for word in WORD.findall(text)}
        told = WORD.findall(EMPTY.sub(" ", TIME.sub(" ", html.unescape(document["event"]["original"]))))
        lost = {word for word in told if word.lower() not in kept | known}
        assert lost == set(), document


def test_a_stack_trace_is_one_event_with_what_was_raised(content: Path, siem: Siem) -> None:
    assert siem("new", "acme.log", "--from", LINES / "traces.log").code == 0
    result = json.loads((content / "pipelines/acme.log/samples/first.expected.json").read_text())
    (failed, *_) = [each["_source"] for each in result["documents"] if "error" in each["_source"]]
    assert failed["message"] == "charge failed"
    assert failed["error"]["stack_trace"].splitlines()[-2:] == ["Caused by: java.io.IOException: closed", "\t... 2 more"]


def test_new_tells_what_to_look_at_and_what_to_do_next(content: Path, siem: Siem) -> None:
    said = siem("new", "acme.log", "--from", LINES / "tabs.log").out
    assert "no name for word: give them one in `parse.columns.default`" in said
    assert "nothing in the events tells whose they are" in said
    assert "siem explain acme.log pipelines/acme.log/samples/first.log" in said
    assert content.is_dir()


@pytest.mark.parametrize("name", ["cef.log", "nested.json.log", "fw_syslog_kv.log", "badges.csv", "xml.log"])
def test_what_says_whose_it_is_finds_its_way_without_a_log_group(name: str, content: Path, siem: Siem) -> None:
    assert siem("new", "acme.log", "--from", LINES / name).code == 0
    documents = siem("parse", LINES / name).documents
    assert len(documents) == 20
    assert {value_at(each["_source"], "event.dataset") for each in documents} == {"acme.log"}
    assert "application" in (content / "pipelines/acme.log/pipeline.yml").read_text()


def test_lines_unlike_the_others_are_messages(content: Path, siem: Siem) -> None:
    text = (LINES / "bracketed.log").read_text() + "no brackets here\n"
    said = siem("new", "acme.log", "--from", "-", stdin=text)
    assert said.code == 0, said.out
    result = json.loads((content / "pipelines/acme.log/samples/first.expected.json").read_text())
    assert result["documents"][-1]["_source"]["message"] == "no brackets here"


def test_keys_that_no_path_can_name_stay_among_the_leftovers(content: Path, siem: Siem) -> None:
    events = [{"@timestamp": f"2026-01-14T10:00:0{n}Z", "created": "x", "in": {"": n, 'a"b': n, "c": n}} for n in range(3)]
    said = siem("new", "acme.log", "--from", "-", stdin="".join(json.dumps(event) + "\n" for event in events))
    assert said.code == 0, said.out + said.err
    (first, *_) = json.loads((content / "pipelines/acme.log/samples/first.expected.json").read_text())["documents"]
    assert first["_source"]["@timestamp"] == "2026-01-14T10:00:00.000Z"
    assert first["_source"]["acme"]["log"] == {"created": "x", "in": {"c": 0}}
    assert 0 in first["_source"]["acme"]["unmapped"]["in"].values()
