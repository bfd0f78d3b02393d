"""No secret gets out: not by field name, not by value, not by shape, not in a traceback."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from service.clock import SystemClock
from service.settings import Admin, Kafka, OpenSearch, Settings
from service.telemetry.log import RateLimit, configure
from service.telemetry.meters import Meters
from service.telemetry.metrics import LOG_LINES
from service.telemetry.problems import Problems
from service.telemetry.redaction import HIDDEN, Redactor

CANARY = "canary-Sw0rdfish-7781"


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything this process logs, at DEBUG; the set-up of other tests comes back afterwards."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    clock = SystemClock()
    configure(level="debug", form="json", secrets=[CANARY], clock=clock, meters=Meters(), problems=Problems(clock), worker="3")
    yield out
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_known_secret_is_hidden_wherever_it_turns_up(output: io.StringIO) -> None:
    log = structlog.get_logger("x")
    log.warning("connect_failed", url=f"http://siem:{CANARY}@node:9200", nested={"a": [f"x{CANARY}y", {CANARY: 1}]})
    try:
        raise ValueError(f"cannot log in with {CANARY}")
    except ValueError:
        log.exception("crashed", password="short")
    logging.getLogger("aiokafka.conn").error("sasl %s failed for %r", CANARY, {"password": CANARY})
    assert CANARY not in output.getvalue()
    said = lines(output)
    assert [line["event"] for line in said] == ["connect_failed", "crashed", "kafka_client"]
    assert all(line["worker"] == "3" for line in said)
    assert said[1]["password"] == HIDDEN
    assert "ValueError: cannot log in with [hidden]" in str(said[1]["exception"])


def test_secrets_are_known_by_their_shape(output: io.StringIO) -> None:
    structlog.get_logger().info(
        "seen",
        key="AKIAIOSFODNN7EXAMPLE is a key",
        header="Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30",
        url="https://kafka.eu-central-1.amazonaws.com/?X-Amz-Signature=0123456789abcdef&x=1",
        pem="-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----",
    )
    (line,) = lines(output)
    text = json.dumps(line)
    for secret in ("AKIA", "eyJ", "0123456789abcdef", "MIIabc"):
        assert secret not in text
    assert str(line["url"]).endswith("&x=1")


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_is_logged_the_secret_value_is_gone(value: object) -> None:
    event = Redactor([CANARY])(None, "info", {"event": "x", "value": [value, CANARY], "api_key": value})
    assert CANARY not in json.dumps(event["value"])
    assert event["api_key"] == HIDDEN


def test_settings_name_all_their_secrets_and_print_none() -> None:
    settings = Settings(
        kafka=Kafka(password="kafka-secret"), opensearch=OpenSearch(password="os-secret"), admin=Admin(token="admin-secret")
    )
    assert sorted(settings.secrets()) == ["admin-secret", "kafka-secret", "os-secret"]
    assert "secret'" not in repr(settings).replace("SecretStr('**********')", "")
    secret_fields = [name for model in (Kafka, OpenSearch, Admin) for name, field in model.model_fields.items()
                     if "Secret" in str(field.annotation)]  # fmt: skip
    assert len(secret_fields) == len(settings.secrets()), "a new secret setting must be known to the log"


class TurningClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now_ms(self) -> int:
        return int(self.time * 1000)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_a_library_that_repeats_itself_is_held_down_and_says_so() -> None:
    clock = TurningClock()
    limit = RateLimit(clock, seconds=10)

    def record(line: int) -> logging.LogRecord:
        return logging.LogRecord("aiokafka", logging.ERROR, "conn.py", line, "broker %s away", ("1",), None)

    assert [limit.filter(record(5)) for _ in range(100)].count(True) == 1
    assert limit.filter(record(6)), "another line of its source is another matter"
    clock.time += 10
    again = record(5)
    assert limit.filter(again)
    assert again.held_back == 99  # type: ignore[attr-defined]


def test_control_characters_cannot_forge_a_second_log_line(output: io.StringIO) -> None:
    structlog.get_logger().info("seen", text='x\n{"event": "forged"}\r\x1b[31m')
    assert len(output.getvalue().splitlines()) == 1


def test_warnings_are_remembered_for_the_status_page_without_secrets() -> None:
    clock = TurningClock()
    problems, meters = Problems(clock), Meters()
    out, before = sys.stdout, structlog.get_config()
    handlers = logging.getLogger().handlers[:]
    try:
        sys.stdout = io.StringIO()
        configure(level="info", form="json", secrets=[CANARY], clock=clock, meters=meters, problems=problems)
        for _ in range(3):
            structlog.get_logger().warning("publish_retry", topic="records", reason=CANARY)
        structlog.get_logger().info("fine")
    finally:
        sys.stdout = out
        structlog.configure(**before)
        logging.getLogger().handlers[:] = handlers
    (problem,) = problems.latest()
    assert (problem.event, problem.count) == ("publish_retry", 3)
    assert "Kafka does not take messages" in problem.advice
    assert CANARY not in problem.detail
    assert meters.value(LOG_LINES, ("warning",)) == 3
