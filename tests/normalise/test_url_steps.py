from __future__ import annotations

from typing import Any

import pytest

from service.normalise.steps import STEPS


def call(name: str, *inputs: object, **options: object) -> dict[str, Any]:
    """What a step gives, without what it leaves out."""
    spec = STEPS[name]
    made = spec.bind(options)(*inputs, *[None] * (len(spec.inputs) - len(inputs)))
    return {key: value for key, value in zip(spec.outputs, made, strict=True) if value is not None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "https://u:p@Example.com:8443/a/b.tar.gz?x=1&y=a/b#top",
            {"full": "https://u:p@Example.com:8443/a/b.tar.gz?x=1&y=a/b#top", "scheme": "https", "domain": "example.com",
             "port": 8443, "path": "/a/b.tar.gz", "query": "x=1&y=a/b", "extension": "gz", "fragment": "top",
             "username": "u", "password": "p"},
        ),
        ("https://host:443/", {"full": "https://host:443/", "scheme": "https", "domain": "host", "port": 443, "path": "/"}),
        ("http://host", {"full": "http://host", "scheme": "http", "domain": "host", "port": 80}),
        (
            "http://[2001:db8::1]:8080/x",
            {"full": "http://[2001:db8::1]:8080/x", "scheme": "http", "domain": "[2001:db8::1]", "port": 8080, "path": "/x"},
        ),
        ("http://lb.example:80-", {"full": "http://lb.example:80-", "scheme": "http", "domain": "lb.example", "port": 80}),
        ("/index.html?q=http://other/", {"path": "/index.html", "query": "q=http://other/", "extension": "html"}),
        ("/.env", {"path": "/.env"}),
        ("/a.b/c", {"path": "/a.b/c"}),
        ("//evil.example/%2e%2e/", {"path": "//evil.example/%2e%2e/"}),
        ("http://host:99999/", {"full": "http://host:99999/", "scheme": "http", "domain": "host", "port": 80, "path": "/"}),
        ("http:///nowhere", {"scheme": "http", "path": "/nowhere"}),
        ("*", {}),
        ("\x16\x03\x01 ?#", {}),
    ],
)  # fmt: skip
def test_a_url_falls_into_its_pieces(text: str, expected: dict[str, object]) -> None:
    assert call("url", text) == {"original": text, **expected}


def test_a_path_is_completed_by_what_the_log_says_beside_it() -> None:
    assert call("url", "/a?b", "https", "D111.cloudfront.net", "443") == {
        "original": "/a?b", "full": "https://d111.cloudfront.net/a?b", "scheme": "https", "domain": "d111.cloudfront.net",
        "port": 443, "path": "/a", "query": "b",
    }  # fmt: skip
    assert call("url", "/a", "http", "host", 8080)["full"] == "http://host:8080/a"


@pytest.mark.parametrize("text", ["", "-", None, 7, ["/"]])
def test_no_url_gives_nothing(text: object) -> None:
    assert call("url", text) == {}
    assert call("request_line", text) == {}


@pytest.mark.parametrize(
    ("line", "method", "version", "original"),
    [
        ("GET http://www.example.com:80/ HTTP/1.1", "GET", "1.1", "http://www.example.com:80/"),
        ("- http://lb.example:80- -", None, None, "http://lb.example:80-"),
        ("GET /a path with blanks HTTP/2.0", "GET", "2.0", "/a path with blanks"),
        ("GET /no-version", "GET", None, "/no-version"),
        ("GET /two words", "GET", None, "/two words"),
        ("PROPFIND /dav HTTP/1.0", "PROPFIND", "1.0", "/dav"),
        ("CONNECT host.example:443 HTTP/1.1", "CONNECT", "1.1", "host.example:443"),
        ("OPTIONS * HTTP/1.1", "OPTIONS", "1.1", "*"),
        ("\\x16\\x03\\x01", None, None, "\\x16\\x03\\x01"),
        ("GET", "GET", None, None),
        ("quit", None, None, "quit"),
    ],
)
def test_a_request_line_gives_method_version_and_url(
    line: str, method: str | None, version: str | None, original: str | None
) -> None:
    found = call("request_line", line)
    assert (found.get("method"), found.get("version"), found.get("original")) == (method, version, original)


def test_connect_names_a_host_and_no_path() -> None:
    found = call("request_line", "CONNECT host.example:443 HTTP/1.1")
    assert (found["domain"], found["port"], "path" in found) == ("host.example", 443, False)


@pytest.mark.parametrize(
    ("header", "addresses", "first", "origin"),
    [
        ("203.0.113.7", ["203.0.113.7"], "203.0.113.7", "203.0.113.7"),
        ("10.0.0.2, unknown,203.0.113.7:443", ["10.0.0.2", "203.0.113.7"], "10.0.0.2", "203.0.113.7"),
        ("10.0.0.2, [2001:db8::7]:443, 198.51.100.1", ["10.0.0.2", "2001:db8::7", "198.51.100.1"], "10.0.0.2", "2001:db8::7"),
        ("10.0.0.2,+203.0.113.7", ["10.0.0.2", "203.0.113.7"], "10.0.0.2", "203.0.113.7"),
        ("10.0.0.2, 100.64.0.1", ["10.0.0.2", "100.64.0.1"], "10.0.0.2", "10.0.0.2"),
        ("unknown", None, None, None),
        ("-", None, None, None),
    ],
)
def test_a_chain_of_proxies_begins_at_its_first_public_address(
    header: str, addresses: list[str] | None, first: str | None, origin: str | None
) -> None:
    found = call("forwarded", header)
    assert (found.get("list"), found.get("first"), found.get("origin")) == (addresses, first, origin)
