"""Keys and tokens of callers: none is kept in API Gateway's logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.parse.masks.api_keys import api_keys
from tests.pace import least_seconds

SECRET = "hunter2"

LINES = [
    '{"requestId":"1","apiKey":"hunter2","status":"200"}',
    '{"identity":{"apiKey" : "hunter2"}}',
    '{"$context.identity.apiKey":"hunter2"}',
    '{"identity_api_key":"hun\\"hunter2"}',
    '{"authorization":"Bearer hunter2"}',
    '{"x-api-key":"hunter2", "Cookie":"a=hunter2; b=hunter2"}',
    '{"X-Amz-Security-Token":"hunter2"}',
    '{"apiKey":"hunter2',
    '{"apiKey":"hunter2\\',
    '<request id="1"> <ip>192.0.2.1</ip> <apiKey>hunter2</apiKey> </request>',
    "(a-1) Method request headers: {x-api-key=hunter2, Host=h}",
    "(a-1) Method request headers: {Authorization=AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=hunter2}",
    "(a-1) Method request headers: {Accept=*/*, Cookie=a=hunter2; b=hunter2, Host=h}",
    "(a-1) Endpoint request headers: {X-Amz-Security-Token=hunter2, Host=h}",
    "(a-1) Endpoint response headers: {Set-Cookie=a={}; b=hunter2, Date=d}\n",
    "(a-1) Method request headers: {cookie=a={1}; b=hunter2}",
    "(a-1) Endpoint request headers: {X-Amz-Security-Token=hunter2 [TRUNC",
]


@pytest.mark.parametrize("text", LINES)
def test_the_secret_is_hidden_and_hiding_again_changes_nothing(text: str) -> None:
    hidden = api_keys(text)
    assert SECRET not in hidden
    assert "[hidden]" in hidden
    assert api_keys(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        '{"apiKeyId":"k1","requestId":"1","path":"/token","cognitoAuthenticationType":"authenticated"}',
        "(a-1) API Key ID: k1",
        "(a-1) Method request query string: {token=}",
        '<request id="1"> <apiKeyId>k1</apiKeyId> </request>',
        '192.0.2.1 - - [14/Jan/2026:09:12:33 +0000] "GET /token HTTP/1.1" 200 12 a-1',
    ],
)
def test_what_only_speaks_of_keys_stays(text: str) -> None:
    assert api_keys(text) == text


def test_what_is_around_the_secret_stays() -> None:
    assert api_keys('{"a":"é","apiKey":"x","b":1}') == '{"a":"é","apiKey":"[hidden]","b":1}'
    assert api_keys("(a) Method request headers: {A=b, x-api-key=x, Host=h}") == (
        "(a) Method request headers: {A=b, x-api-key=[hidden], Host=h}"
    )


@given(st.text(alphabet='apikeytokn-_$. ":\\{}<>=,()é\n', max_size=200) | st.text(max_size=100))
def test_any_text_is_taken_and_hiding_again_changes_nothing(text: str) -> None:
    for begin in ("", '{"apiKey":"', "<apiKey>", "(a) Method request headers: {cookie="):
        once = api_keys(begin + text)
        assert api_keys(once) == once


@pytest.mark.parametrize(
    "part", ['"apiKey":"', '"token', "-token", ", token=", "cookie=, ", '"token":"\\', "<apikey>", "a" * 40 + "token"]
)
@pytest.mark.parametrize("begin", ["{", "<a>", "(a) Method request headers: {"])
def test_a_megabyte_takes_milliseconds(begin: str, part: str) -> None:
    assert least_seconds(lambda: api_keys(begin + part * (1_000_000 // len(part))), tries=2) < 0.5
