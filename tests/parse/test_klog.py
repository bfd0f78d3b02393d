"""klog lines of Kubernetes components, and logfmt lines beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.key_value import logfmt
from service.parse.steps.klog import klog
from tests.pace import least_seconds

HEAD = "I0715 12:34:56.789012       1 httplog.go:132] "


def test_the_header_is_taken_apart() -> None:
    assert klog(HEAD + "started") == {
        "level": "info",
        "stamp": "Jul 15 12:34:56.789012",
        "thread": "1",
        "file": "httplog.go",
        "line": 132,
        "message": "started",
    }


@pytest.mark.parametrize(("letter", "level"), [("I", "info"), ("W", "warning"), ("E", "error"), ("F", "fatal")])
def test_the_letter_is_the_level(letter: str, level: str) -> None:
    assert klog(letter + HEAD[1:] + "x")["level"] == level


def test_a_structured_message_has_pairs() -> None:
    found = klog(HEAD + r'"HTTP" verb="GET" URI="/healthz" audit-ID="ab" resp=200 err="a \"b\"\nc"')
    assert found["message"] == "HTTP"
    assert found["pairs"] == {"verb": "GET", "URI": "/healthz", "audit-ID": "ab", "resp": "200", "err": 'a "b"\nc'}


def test_what_go_prints_with_blanks_is_one_value() -> None:
    found = klog(HEAD + '"Bound" nodes=[{Name:a B:c} {d}] count=3 labels=map[app:cart tier:web] at={X:1 Y:[2 3]}')
    assert found["pairs"] == {
        "nodes": "[{Name:a B:c} {d}]",
        "count": "3",
        "labels": "map[app:cart tier:web]",
        "at": "{X:1 Y:[2 3]}",
    }


def test_a_value_of_several_lines_is_one_value() -> None:
    found = klog(HEAD + '"Observed" err=<\n\tfirst\n\tsecond\n > node="n"')
    assert found["pairs"] == {"err": "first\nsecond", "node": "n"}


def test_a_message_that_is_not_quite_structured_stays_whole() -> None:
    assert klog(HEAD + '"odd" and "more"')["message"] == '"odd" and "more"'
    assert klog(HEAD + '"never ends')["message"] == '"never ends'


def test_a_line_without_header_is_all_message() -> None:
    assert klog("panic: boom") == {"message": "panic: boom"}


def test_a_month_that_cannot_be_gives_no_time() -> None:
    assert "stamp" not in klog("I1399 25:61:61.000000       1 odd.go:1] x")


def test_a_line_of_blanks_is_refused() -> None:
    with pytest.raises(EventError, match="blanks"):
        klog(" \n")
    with pytest.raises(EventError, match="blanks"):
        logfmt("  ")


def test_logfmt_keeps_a_line_without_pairs() -> None:
    assert logfmt("panic: boom") == {"_rest": "panic: boom"}
    assert logfmt('level=info msg="a b"') == {"level": "info", "msg": "a b"}


@given(st.text(max_size=200))
def test_any_text_behind_the_header_is_kept(text: str) -> None:
    found = klog(HEAD + text)
    whole = (HEAD + text).strip("\ufeff\r\n\0 ")[len(HEAD.rstrip()) :]
    assert "pairs" in found or found["message"].strip() in whole + text


@pytest.mark.parametrize("hostile", ['"a" ' + "k=[" * 40_000, '"a" ' + 'k="' * 30_000, '"' + "\\" * 100_000, "x=<\n\t" * 20_000])
def test_a_hostile_line_takes_no_time(hostile: str) -> None:
    assert least_seconds(lambda: (klog(HEAD + hostile), klog(HEAD + '"m" ' + hostile)), tries=2) < 0.5
