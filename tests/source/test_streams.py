"""``streams.yml`` is refused for what is wrong with it, with the place."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from service.errors import ContentErrors
from service.source.streams import ColumnsTable, Streams, load_streams

EXAMPLE = Path(__file__).parents[2] / "deploy" / "streams.example.yml"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "streams.yml"
    path.write_text(textwrap.dedent(text))
    return path


def project(stream: str, *, more: str = "") -> str:
    return f"projects: [{{id: shop, environment: prod, region: eu-central-1, {more} streams: [{{{stream}}}]}}]"


def test_the_example_is_valid() -> None:
    streams = load_streams(EXAMPLE).value
    assert [(it.project.id, it.project.environment, it.region) for it in streams.subscriptions()] == [
        ("shop", "prod", "eu-central-1"),
        ("shop", "nonprod", "eu-central-1"),
        ("pay", "prod", "eu-west-1"),
    ]
    assert streams.accounts("shop", "prod") == {"111122223333", "111122224444"}
    assert streams.accounts("nobody", "prod") == set()
    assert next(it.stream.at_ms for it in streams.subscriptions() if it.project.id == "pay") == 1793491200000


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (project("name: a, strat: LATEST"), "start"),
        (project("name: a, arn: 'arn:aws:kinesis:eu-central-1:111122223333:stream/a'"), "either `name` or `arn`"),
        (project("mode: polling"), "either `name` or `arn`"),
        (project("name: a, start: AT_TIMESTAMP"), "`at` belongs to"),
        (project("name: a, at: '2026-01-01T00:00:00Z'"), "`at` belongs to"),
        (project("name: a, start: AT_TIMESTAMP, at: '2026-01-01T00:00:00'"), "time zone"),
        (project("name: a, start: AT_TIMESTAMP, at: yesterday"), "no time like"),
        (project("name: a, mode: fan_out"), "needs the name of a `consumer`"),
        (project("name: a b"), "must match"),
        (project("name: a", more="external_id: x1,"), "only used with `role_arn`"),
        (project("name: a", more="role_arn: 'arn:aws:iam::1:user/x',"), "must match"),
        (project("name: a", more="accounts: [111122223333],"), "put it in quotes"),
        (project("name: a", more="endpoint_url: 'file:///etc/passwd',"), "must match"),
        ("projects: []", "projects"),
        ("{}", "projects"),
    ],
)
def test_what_cannot_be_is_refused_with_place_and_reason(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ContentErrors) as caught:
        load_streams(write(tmp_path, text))
    assert any(word in str(fault) for fault in caught.value.faults), [str(fault) for fault in caught.value.faults]
    assert all(fault.place.file.endswith("streams.yml") for fault in caught.value.faults)


def test_a_stream_that_is_read_twice_is_refused_at_the_second_place(tmp_path: Path) -> None:
    text = """\
    projects:
      - id: shop
        environment: prod
        region: eu-central-1
        role_arn: arn:aws:iam::111122223333:role/siem
        streams:
          - name: logs
      - id: pay
        environment: prod
        region: eu-west-1
        streams:
          - arn: arn:aws:kinesis:eu-central-1:111122223333:stream/logs
    """
    with pytest.raises(ContentErrors) as caught:
        load_streams(write(tmp_path, text))
    (fault,) = caught.value.faults
    assert (fault.code, fault.place.line) == ("duplicate_stream", 12)
    assert ":7:" in fault.reason


def test_two_streams_of_one_name_in_one_project_would_share_positions(tmp_path: Path) -> None:
    text = """\
    projects:
      - id: shop
        environment: prod
        region: eu-central-1
        streams:
          - name: logs
          - {name: logs, region: eu-west-1}
    """
    with pytest.raises(ContentErrors) as caught:
        load_streams(write(tmp_path, text))
    assert [(fault.code, fault.place.line) for fault in caught.value.faults] == [("duplicate_stream_name", 7)]


def test_columns_are_found_by_log_group() -> None:
    table = ColumnsTable(
        Streams.model_validate(
            {
                "projects": [
                    {
                        "id": "shop",
                        "environment": "prod",
                        "region": "eu-central-1",
                        "streams": [{"name": "logs", "columns": {"/vpc/special": "a b", "/vpc/*": "c d"}}],
                    }
                ]
            }
        )
    )
    assert table.declared("shop", "prod", "logs", "/vpc/special") == "a b"
    assert table.declared("shop", "prod", "logs", "/vpc/other") == "c d"
    assert table.declared("shop", "prod", "logs", "/vpc") is None
    assert table.declared("shop", "prod", "audit", "/vpc/other") is None
