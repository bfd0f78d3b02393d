"""Windows events as XML: the quick way and the walk, and what neither may be fooled by."""

from __future__ import annotations

import contextlib
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.bounded_xml import MOST_ELEMENTS
from service.parse.steps.windows_event import windows_event
from service.parse.windows import xml
from service.parse.windows.tree import read_tree
from service.parse.windows.xml import finished, read_xml
from tests.pace import least_seconds

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
HEAD = (
    f"<Event xmlns='{NAMESPACE}'><System><Provider Name='Microsoft-Windows-Security-Auditing' "
    "Guid='{54849625-5478-4994-A5BA-3E3B0328C30D}'/><EventID>4624</EventID><Version>2</Version><Level>0</Level><Task>12544</Task>"
    "<Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2026-11-29T12:11:10.123456700Z'/>"
    "<EventRecordID>4711</EventRecordID><Correlation/><Execution ProcessID='632' ThreadID='680'/><Channel>Security</Channel>"
    "<Computer>host.example.com</Computer><Security/></System>"
)
END = "</Event>"


def event(body: str) -> str:
    return f"{HEAD}<EventData>{body}</EventData>{END}"


def data(body: str) -> dict[str, Any]:
    found: dict[str, Any] = read_xml(event(body)).get("data", {})
    return found


def walked(text: str) -> dict[str, Any]:
    return finished(read_tree(text))


def test_the_head_of_an_event_is_read_with_the_words_for_its_numbers() -> None:
    assert read_xml(HEAD + END) == {
        "provider": "Microsoft-Windows-Security-Auditing",
        "provider_guid": "{54849625-5478-4994-A5BA-3E3B0328C30D}",
        "event_id": "4624",
        "version": 2,
        "level": "information",
        "task": "Logon",
        "action": "Logon",
        "opcode": "Info",
        "keywords": ["Audit Success"],
        "outcome": "success",
        "time": "2026-11-29T12:11:10.123456700Z",
        "record_id": "4711",
        "process_id": 632,
        "thread_id": 680,
        "channel": "Security",
        "computer": "host.example.com",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<Data Name='A'>x</Data><Data Name='B'/><Data Name='C'></Data>", {"A": "x", "B": "", "C": ""}),
        ('<Data Name="A">x</Data>\n  <Data Name="B">y</Data>\n', {"A": "x", "B": "y"}),
        ("<Data>x</Data><Data>y</Data><Binary>0AFF</Binary>", {"param1": "x", "param2": "y", "Binary": "0AFF"}),
        ("<Data Name='A'>&lt;b&gt; &amp;lt; &quot;&apos;&#65;&#x42;</Data>", {"A": "<b> &lt; \"'AB"}),
        ("<Data Name='A'><![CDATA[<x>&y]]></Data>", {"A": "<x>&y"}),
        ("<!-- no --><Data Name='A'>x<!-- inside -->y</Data>", {"A": "xy"}),
        ("<Data Name='A'>it's 'quoted'>here'/>too</Data><Data Name='B'>y</Data>", {"A": "it's 'quoted'>here'/>too", "B": "y"}),
        ("<Data Name='A'>x</Data><Data Name='A'>y</Data>", {"A": ["x", "y"]}),
        ("<Data Name='a.b c'>x</Data>", {"a_b_c": "x"}),
        ("<Data Name='A'>one\r\ntwo&#13;&#10;three</Data>", {"A": "one\ntwo\r\nthree"}),
        ("<ComplexData Name='A'><x>1</x><y>2</y></ComplexData>", {"A": {"x": "1", "y": "2"}}),
    ],
)
def test_data_are_read_however_they_are_spelt(body: str, expected: dict[str, Any]) -> None:
    assert data(body) == expected


def test_user_data_keep_the_name_of_their_element() -> None:
    cleared = "<SubjectUserName>alice</SubjectUserName><Deep><A>1</A></Deep>"
    raw = read_xml(f"{HEAD}<UserData><LogFileCleared xmlns='x'>{cleared}</LogFileCleared></UserData>{END}")
    assert raw["user_data"] == {"SubjectUserName": "alice", "Deep": {"A": "1"}, "xml_name": "LogFileCleared"}


RENDERING = (
    "<RenderingInfo Culture='en-US'><Message>An account was &quot;logged on&quot;.</Message><Level>Warning</Level>"
    "<Task>Sign-in</Task><Opcode>Begin</Opcode><Channel>Security</Channel><Provider>Security auditing.</Provider><Keywords>"
    "<Keyword>Audit Failure</Keyword></Keywords></RenderingInfo>"
)


def test_the_words_the_event_brings_are_better_than_ours() -> None:
    raw = read_xml(HEAD + RENDERING + END)
    assert raw["message"] == 'An account was "logged on".'
    assert (raw["level"], raw["task"], raw["opcode"], raw["keywords"]) == ("warning", "Sign-in", "Begin", ["Audit Failure"])
    assert raw["outcome"] == "success", "the mask is the same in every language"
    assert raw == walked(HEAD + RENDERING + END)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,12}", fullmatch=True)
values = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n'\"<>&"), max_size=30)


@given(
    st.lists(st.tuples(names, values), max_size=8, unique_by=lambda pair: pair[0]),
    st.sampled_from(["'", '"']),
    st.sampled_from(["", "\n", "  "]),
    st.booleans(),
)
def test_both_ways_read_the_same_of_any_event(pairs: list[tuple[str, str]], quote: str, blank: str, rendered: bool) -> None:
    body = blank.join(f"<Data Name={quote}{name}{quote}>{escape(value)}</Data>" for name, value in pairs)
    text = event(body) if not rendered else f"{HEAD}<EventData>{body}</EventData>{RENDERING}{END}"
    read = read_xml(text)
    assert read == walked(text)
    assert read.get("data", {}) == dict(pairs)


@given(st.lists(st.tuples(values, values), max_size=5))
def test_names_of_data_are_always_ones_that_a_document_can_carry(pairs: list[tuple[str, str]]) -> None:
    found = data("".join(f"<Data Name={quoteattr(name)}>{escape(value)}</Data>" for name, value in pairs))
    assert all(name and not set(name) & set(". \t\n\"'<>&") for name in found)


@given(st.text(max_size=300))
def test_any_text_is_an_event_or_an_event_error(text: str) -> None:
    for attempt in (text, f"<{text}", f"{HEAD}{text}{END}", event(text), event(f"<Data Name='{text}'>{text}</Data>")):
        assert fate(attempt) == "parse"


def fate(text: str) -> str:
    """Stage of the refusal; that an event says which it is, is the same to this test."""
    try:
        raw = windows_event(text)
    except EventError as error:
        return error.stage
    return "parse" if raw["event_id"].isdecimal() else "no id"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1500), st.integers(0, 1500))
def test_an_event_cut_or_spoilt_anywhere_is_kept_with_its_flaw_or_refused(cut: int, at: int) -> None:
    whole = event("<Data Name='A'>x</Data><Data Name='B'>y &amp; z</Data>") + " "
    for text in (whole[:cut], whole[: at % len(whole)] + "<" + whole[at % len(whole) :], whole.replace("Data", "\x01", 1)):
        with contextlib.suppress(EventError):
            raw = read_xml(text)
            assert "broken" in raw or raw == read_xml(whole)


def test_an_event_that_was_cut_keeps_what_stood_before() -> None:
    raw = read_xml(HEAD + "<EventData><Data Name='A'>x</Data><Data Name='CommandLine'>powershell -enc AAA")
    assert raw["data"] == {"A": "x", "CommandLine": "powershell -enc AAA"}
    assert raw["broken"].startswith("not well-formed: no element found")


LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
BOMB = f"<!DOCTYPE Event [<!ENTITY l0 'ha'>{LAUGHS}]>"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BOMB + event("<Data Name='A'>&l9;</Data>"), "doctype"),
        ("<!DOCTYPE Event SYSTEM 'file:///etc/passwd'>" + HEAD + END, "doctype"),
        ("<!DOCTYPE e [<!ENTITY % x SYSTEM 'http://192.0.2.1/x'> %x;]>" + HEAD + END, "doctype"),
        (f"<Event xmlns='{NAMESPACE}'>" + "<x>" * 100_000, "too_deep"),
        (event("<Data>" * 30 + "</Data>" * 30), "too_deep"),
        ("<Other/>", "no_event"),
        ("<Event/>", "no_event"),
        ("<Event><System><EventID>x</EventID></System></Event>", "no_event"),
        ("<", "not_xml"),
        ("<Event", "not_xml"),
        ("<Event><System>", "not_xml"),
        ("<Event>&nobody;</Event>", "not_xml"),
        ("[nothing known", "not_windows"),
        ("", "not_windows"),
    ],
)
def test_hostile_and_foreign_text_is_refused(text: str, code: str) -> None:
    with pytest.raises(EventError) as caught:
        windows_event(text)
    assert (caught.value.stage, caught.value.code) == ("parse", code)


def test_an_entity_that_nobody_defined_breaks_the_event_where_it_stands() -> None:
    raw = read_xml(event("<Data Name='A'>x</Data><Data Name='B'>&secret;</Data>"))
    assert raw["data"]["A"] == "x"
    assert "undefined entity" in raw["broken"]


@pytest.mark.parametrize(
    "declaration", ['<?xml version="1.0" encoding="UTF-16"?>', "<?xml version='1.0' encoding='no-such'?>", "\ufeff", "\r\n\t"]
)
def test_what_stands_before_the_event_changes_nothing(declaration: str) -> None:
    text = event("<Data Name='A'>zoë 中</Data>")
    assert windows_event(declaration + text) == windows_event(text)
    assert windows_event(declaration + text + "\0\0\r\n") == windows_event(text)


@pytest.mark.parametrize(
    "reference", ["\x00", "\x08", "\x1f", "&#0;", "&#x1F;", "&#xD800;", "&#xFFFE;", "&#x110000;", "\ud800", "&#99999999;"]
)
def test_characters_that_xml_does_not_know_are_replaced(reference: str) -> None:
    assert data(f"<Data Name='A'>a{reference}b</Data><Data Name='B'>c</Data>") == {"A": "a\ufffdb", "B": "c"}


@pytest.mark.parametrize(
    "body",
    [
        f"<Data Name='A'>{'x' * 1_000_000}</Data>",
        f"<Data Name='A'>{'&amp;' * 200_000}</Data>",
        f"<Data Name='A'>{chr(10) * 1_000_000}</Data>",
        f"<Data Name='{'x' * 1_000_000}'>y</Data>",
        "<Data/>" * 140_000,
        "<Data Name='A'>x</Data>" * 45_000,
        "".join(f"<Data Name='A{n}'>x</Data>" for n in range(40_000)),
        "<a>" * 300_000,
        "&#x0;" * 200_000,
        "<![CDATA[" * 100_000,
        "<!--" * 250_000,
        "<Data Name='" * 80_000,
        "'/>" * 330_000,
        "<Data Name='A'>" + "'/>" * 330_000 + "</Data>",
        "\x01" * 1_000_000,
    ],
)
def test_a_megabyte_of_anything_takes_milliseconds(body: str) -> None:
    text = event(body)

    def work() -> None:
        with contextlib.suppress(EventError):
            windows_event(text)

    assert least_seconds(work, tries=3) < 0.15  # 15 to 40 ms on a machine that does nothing else


def test_more_elements_than_an_event_has_are_not_walked() -> None:
    raw = read_xml(HEAD + "<UserData><x>" + "<y/>" * (MOST_ELEMENTS + 1) + "</x></UserData>" + END)
    assert "elements" in raw["broken"]


def test_heads_that_never_repeat_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MOST_HEADS", 10)
    for memory in (xml._heads, xml._tails, xml._names):
        memory.clear()
    for number in range(50):
        read_xml(HEAD.replace("host.example", f"host{number}.example").replace("4624", str(number)) + END)
        data(f"<Data Name='A{number}'>x</Data>")
    assert len(xml._heads) <= 10
    assert len(xml._tails) <= 10
    assert len(xml._names) <= 10
