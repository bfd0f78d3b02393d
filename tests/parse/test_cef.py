"""CEF and LEEF: header in pipes, values with blanks, escapes, delimiters of their own."""

from __future__ import annotations

import pytest

from service.errors import EventError
from service.parse.steps.cef import cef, leef

CEF = (
    "CEF:0|Acme|Web\\|Gate|4.2|200|Malware blocked|8|src=192.0.2.7 request=https://www.example.com/a?b\\=1"
    " msg=Was blocked, see report cs1Label=Policy Name cs1=Default Web empty= path=C:\\\\temp"
)


def test_values_of_cef_hold_blanks_and_escapes() -> None:
    found = cef(CEF)
    assert found == {
        "format": "0", "vendor": "Acme", "product": "Web|Gate", "version": "4.2", "signature": "200", "name": "Malware blocked",
        "severity": "8",
        "extension": {
            "src": "192.0.2.7", "request": "https://www.example.com/a?b=1", "msg": "Was blocked, see report",
            "cs1Label": "Policy Name", "cs1": "Default Web", "path": "C:\\temp",
        },
    }  # fmt: skip


def test_what_stands_before_cef_and_before_its_pairs_is_kept() -> None:
    found = cef("<14>Jan 14 10:00:00 fw01 CEF:0|Acme|Gate|1|7|name|3|words first src=192.0.2.7\r\n")
    assert found["_rest"] == "<14>Jan 14 10:00:00 fw01 words first"
    assert found["extension"] == {"src": "192.0.2.7"}


def test_a_header_of_cef_that_ends_early_gives_what_is_there() -> None:
    assert cef("CEF:0|Acme|Gate") == {"format": "0", "vendor": "Acme", "product": "Gate"}


def test_of_a_key_that_stands_twice_the_first_wins() -> None:
    assert cef("CEF:0|a|b|c|d|e|1|act=one act=two")["extension"] == {"act": "one"}


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("LEEF:1.0|Acme|Mail|2|DROP|src=192.0.2.7\tsubject=Re: a = b\tnoise", {"src": "192.0.2.7", "subject": "Re: a = b"}),
        ("LEEF:2.0|Acme|Mail|2|DROP|^|src=192.0.2.7^subject=Re: offer", {"src": "192.0.2.7", "subject": "Re: offer"}),
        ("LEEF:2.0|Acme|Mail|2|DROP|x7C|src=192.0.2.7|subject=a", {"src": "192.0.2.7", "subject": "a"}),
        ("LEEF:2.0|Acme|Mail|2|DROP||src=192.0.2.7\tsubject=a|b", {"src": "192.0.2.7", "subject": "a|b"}),
        ("LEEF:2.0|Acme|Mail|2|DROP|src=192.0.2.7\tsubject=a|b", {"src": "192.0.2.7", "subject": "a|b"}),
    ],
)
def test_leef_names_its_own_delimiter(text: str, pairs: dict[str, str]) -> None:
    found = leef(text)
    assert found["extension"] == pairs
    assert (found["vendor"], found["product"], found["version"], found["signature"]) == ("Acme", "Mail", "2", "DROP")
    assert found.get("_rest") == ("noise" if "noise" in text else None)


def test_other_text_is_neither() -> None:
    with pytest.raises(EventError, match="not_cef"):
        cef("CEF is a format")
    with pytest.raises(EventError, match="not_leef"):
        leef("LEEF:x|")
