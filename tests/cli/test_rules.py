"""``siem rules`` beside a service that runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from service.__main__ import main

ROOT = "1c1a4f7e-5b0e-4c39-9d0c-6f6a0b8d3a11"
STATUS = {
    "started_ms": 0,
    "now_ms": 10 * 86_400_000,
    "rules": [{"rule": ROOT, "matches": 500, "suppressed": 3, "events": 1000, "microseconds": 0.25}],
}


class Status(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = (self.path, self.headers["Authorization"])
        body = json.dumps(STATUS).encode()
        self.send_response(200 if asked == ("/status.json", "Bearer letmein") else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    server = HTTPServer(("127.0.0.1", 0), Status)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield {
        "SIEM_ADMIN_PORT": str(server.server_port), "SIEM_ADMIN_TOKEN": "letmein", "SIEM_OPENSEARCH_URLS": "http://127.0.0.1:9",
    }  # fmt: skip
    server.shutdown()
    thread.join()
    server.server_close()


def test_rules_are_shown_with_what_the_service_says_of_them(environment: dict[str, str]) -> None:
    result = CliRunner().invoke(main, ["rules", "--json", "--status", "stable"], env=environment, catch_exceptions=False)
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows[0]["rule"]["id"] == ROOT
    assert (rows[0]["matches"], rows[0]["matches_a_day"], rows[0]["suppressed"], rows[0]["microseconds"]) == (500, 50.0, 3, 0.25)
    assert rows[1]["matches"] == 0
    assert rows[0]["alerts"] is None
    assert "no alerts are shown" in result.stderr


def test_a_noisy_rule_is_named_and_is_not_to_be_promoted(environment: dict[str, str]) -> None:
    result = CliRunner().invoke(
        main, ["rules", "promote", "--check", "root_account_used"], env=environment, catch_exceptions=False
    )
    assert result.exit_code == 1
    assert "noisy: 50.0 matches a day" in result.stdout
    unknown = CliRunner().invoke(main, ["rules", "promote", "--check", "no_such_rule"], env=environment, catch_exceptions=False)
    assert unknown.exit_code == 2
