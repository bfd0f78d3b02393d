"""XML of any vocabulary as an object."""

from __future__ import annotations

import pytest

from service.errors import EventError
from service.parse.steps.xml import xml


def test_attributes_and_elements_by_name() -> None:
    found = xml(
        '<a:event xmlns:a="urn:example" time="2026-01-14T10:00:00Z"><user id="7">ann</user><tag>x</tag><tag>y</tag><empty/>'
        "<note>door &amp; gate</note></a:event>\n"
    )
    assert found == {
        "_element": "event",
        "time": "2026-01-14T10:00:00Z",
        "user": {"id": "7", "text": "ann"},
        "tag": ["x", "y"],
        "note": "door & gate",
    }


def test_a_root_of_text_alone_keeps_it() -> None:
    assert xml("<said>hello</said>") == {"_element": "said", "text": "hello"}


@pytest.mark.parametrize(
    ("text", "code"),
    [("plain", "not_xml"), ("<a><b></a>", "not_xml"), ("<!DOCTYPE a><a/>", "doctype"), ("<a>" * 20 + "</a>" * 20, "too_deep")],
)
def test_what_is_no_element_is_a_dead_letter(text: str, code: str) -> None:
    with pytest.raises(EventError, match=code):
        xml(text)
