"""Lines that end in a JSON object."""

from __future__ import annotations

import pytest

from service.errors import EventError
from service.parse.steps.json_tail import json_tail


def test_the_object_and_what_stands_before_it() -> None:
    assert json_tail('2026-01-14T10:00:00Z INFO {"a": {"b": 1}}\n') == {"a": {"b": 1}, "_rest": "2026-01-14T10:00:00Z INFO"}
    assert json_tail('{"a":1}') == {"a": 1}


def test_braces_of_the_header_are_no_object() -> None:
    assert json_tail('[app{7}] {x} {"a":1}') == {"a": 1, "_rest": "[app{7}] {x}"}


@pytest.mark.parametrize("text", ["no object", '{"a":1} and more', "ends in a brace }", "{{{{{{{{{{}", '[{"a":1}]'])
def test_what_does_not_end_in_an_object_is_a_dead_letter(text: str) -> None:
    with pytest.raises(EventError, match="no_object"):
        json_tail(text)
