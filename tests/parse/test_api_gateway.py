"""API Gateway's logs: whatever format an operator chose, the names of the variables come back."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.api_gateway import api_gateway

TIME = "14/Jan/2026:09:12:33 +0000"


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("ip", "sourceIp"),
        ("sourceIp", "sourceIp"),
        ("source_ip", "sourceIp"),
        ("identity.sourceIp", "sourceIp"),
        ("$context.identity.sourceIp", "sourceIp"),
        ("context.identity.sourceIp", "sourceIp"),
        ("method", "httpMethod"),
        ("http_method", "httpMethod"),
        ("integration.integrationStatus", "integrationStatus"),
        ("integration-latency", "integrationLatency"),
        ("error.messageString", "errorMessage"),
        ("identity.accountId", "callerAccountId"),
        ("accountId", "accountId"),
        ("awsEndpointRequestId", "awsEndpointRequestId"),
        ("identity.clientCert.subjectDN", "clientCertSubjectDN"),
        ("requestContext.requestId", "requestId"),
    ],
)
def test_the_key_of_an_author_becomes_the_name_of_the_variable(key: str, variable: str) -> None:
    assert api_gateway(json.dumps({key: "v", "Own": "w"})) == {variable: "v", "Own": "w"}


def test_objects_inside_objects_are_looked_into() -> None:
    entry = {"context": {"identity": {"sourceIp": "192.0.2.1", "own": 1}}, "error": {"message": "no"}, "list": ["a"]}
    assert api_gateway(json.dumps(entry)) == {
        "sourceIp": "192.0.2.1", "errorMessage": "no", "context": {"identity": {"own": 1}}, "list": ["a"],
    }  # fmt: skip


def test_what_has_no_value_is_left_out_and_the_first_of_two_stays() -> None:
    assert api_gateway('{"caller":"-","user":"","stage":null,"ip":"192.0.2.1","sourceIp":"192.0.2.2","status":0}') == {
        "sourceIp": "192.0.2.1",
        "status": 0,
    }


def test_xml_is_read() -> None:
    found = api_gateway('<request id="r&amp;1"> <ip>192.0.2.1</ip> <user>-</user> <Own>a &lt; b</Own> </request>')
    assert found == {"requestId": "r&1", "sourceIp": "192.0.2.1", "Own": "a < b"}


def test_clf_is_read() -> None:
    found = api_gateway(f'192.0.2.1 - bob [{TIME}] "GET /pets/{{id}} HTTP/1.1" 200 12 r-1 e-1=')
    assert found == {
        "sourceIp": "192.0.2.1", "user": "bob", "requestTime": TIME, "httpMethod": "GET", "resourcePath": "/pets/{id}",
        "protocol": "HTTP/1.1", "status": "200", "responseLength": "12", "requestId": "r-1", "extendedRequestId": "e-1=",
    }  # fmt: skip
    assert api_gateway(f'192.0.2.1 - - [{TIME}] "GET GET /pets HTTP/1.1" 200 12 r-1')["routeKey"] == "GET /pets"


def test_clf_of_a_websocket_is_read() -> None:
    found = api_gateway(f'192.0.2.1 - - [{TIME}] "CONNECT $connect c-1=" 200 r-1')
    assert found == {
        "sourceIp": "192.0.2.1", "requestTime": TIME, "eventType": "CONNECT", "routeKey": "$connect", "connectionId": "c-1=",
        "status": "200", "requestId": "r-1",
    }  # fmt: skip


def test_csv_is_read() -> None:
    rest = api_gateway(f"192.0.2.1,-,bob,{TIME},GET,/pets,HTTP/1.1,200,12,r-1,e-1,more")
    assert (rest["user"], rest["resourcePath"], rest["extendedRequestId"], rest["columns"]) == ("bob", "/pets", "e-1", ["more"])
    http = api_gateway(f"192.0.2.1,{TIME},GET,GET /pets,HTTP/1.1,200,12,r-1")
    assert (http["routeKey"], http["requestId"]) == ("GET /pets", "r-1")
    socket = api_gateway(f"192.0.2.1,-,-,{TIME},MESSAGE,say,200,c-1,r-1")
    assert (socket["eventType"], socket["connectionId"]) == ("MESSAGE", "c-1")


def test_an_execution_log_has_its_request() -> None:
    assert api_gateway("(r-1) Starting execution for request: r-1") == {
        "executed": "r-1",
        "said": "Starting execution for request: r-1",
    }


def test_headers_of_an_execution_log_are_taken_apart() -> None:
    found = api_gateway("(r-1) Method request headers: {Accept=a, b;q=0.9, Host=h, X=}")
    assert found["headers_of"] == "Method request"
    assert found["headers"] == [
        {"name": "Accept", "value": "a, b;q=0.9"},
        {"name": "Host", "value": "h"},
        {"name": "X", "value": ""},
    ]
    assert "headers" not in api_gateway("(r-1) Method request headers: {Accept=a [TRUNCATED]")


def test_of_other_text_there_is_nothing() -> None:
    assert api_gateway("hello, world") == {}
    assert api_gateway("a,b,c,d,e,f,g,h,i,j,k") == {}


@pytest.mark.parametrize("text", ["", " \n", "{", '{"a":', "<", "<a", "<request>no element", "[1]<"])
def test_what_is_broken_is_a_dead_letter_or_nothing(text: str) -> None:
    with suppress(EventError):
        assert api_gateway(text) == {}


@given(st.text(max_size=200) | st.text(alphabet='<>/{}()[]",=- a1:\n', max_size=200))
def test_any_text_is_taken(text: str) -> None:
    for begin in ("", "{", "<a>", "(r) Method request headers: {", f"a b c [{TIME}] "):
        with suppress(EventError):
            assert isinstance(api_gateway(begin + text), dict)


@pytest.mark.parametrize("part", ["<a>", "<a></a>", ", a=", "a,", " ", '" ', "[", "a ", '"a":', "(a) ", "</"])
@pytest.mark.parametrize("begin", ["", "{", "<a>", "(r) Method request headers: {", f'a b c [{TIME}] "'])
def test_a_megabyte_takes_milliseconds(begin: str, part: str) -> None:
    began = time.process_time()
    with suppress(EventError):
        api_gateway(begin + part * (1_000_000 // len(part)))
    assert time.process_time() - began < 1
