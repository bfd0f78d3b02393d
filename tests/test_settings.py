"""Settings: the file, the environment over it, every fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from service.errors import ContentErrors
from service.settings import Settings, load_settings

EXAMPLE = Path(__file__).resolve().parents[1] / "deploy" / "siem.example.yml"


def test_without_a_file_the_defaults_suit_one_machine() -> None:
    settings = load_settings(None, {})
    assert settings.kafka.servers == ["127.0.0.1:9092"]
    assert settings.admin.bind == "127.0.0.1"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "siem.yml"
    path.write_text("kafka: { servers: ['a:1'], partitions: 7 }\n")
    settings = load_settings(path, {"SIEM_KAFKA_SERVERS": "b:1, c:2", "SIEM_PROCESS_WORKERS": "3", "SIEM_TEST_X": "not ours"})
    assert settings.kafka.servers == ["b:1", "c:2"]
    assert settings.kafka.partitions == 7
    assert settings.process.workers == 3


def test_relative_content_counts_from_the_file_and_state_from_here(tmp_path: Path) -> None:
    path = tmp_path / "siem.yml"
    path.write_text("enrich: { geoip: [geo/city.mmdb] }\npaths: { tuning: tuning }\n")
    settings = load_settings(path, {})
    assert settings.enrich.geoip == [tmp_path / "geo" / "city.mmdb"]
    assert settings.paths.tuning == tmp_path / "tuning"
    assert settings.collect.streams == tmp_path / "streams.yml"
    assert settings.paths.state == Path.cwd() / ".siem"
    assert settings.leases.file.parent == settings.paths.state


@pytest.mark.parametrize(
    ("text", "place", "code", "hint"),
    [
        ("kafka: { partitons: 3 }", "1:10", "unknown_key", "did you mean `partitions`?"),
        ("kafka:\n  partitions: many", "2:3", "wrong_type", ""),
        ("kafka:\n  partitions: 0", "2:3", "out_of_range", ""),
        ("opensearch:\n  auth: sigv5", "2:3", "not_allowed", "did you mean `sigv4`?"),
        ("admin: { port: 80\n", "2:1", "not_yaml", ""),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, place: str, code: str, hint: str) -> None:
    path = tmp_path / "siem.yml"
    path.write_text(text)
    with pytest.raises(ContentErrors) as caught:
        load_settings(path, {})
    (fault,) = caught.value.faults
    assert (str(fault.place), fault.code, fault.hint) == (f"{path}:{place}", code, hint)


def test_a_wrong_variable_is_named_and_its_value_is_not() -> None:
    with pytest.raises(ContentErrors) as caught:
        load_settings(None, {"SIEM_KAFKA_SERVRES": "a:1"})
    assert "$SIEM_KAFKA_SERVRES unknown_key" in str(caught.value)
    assert "SIEM_KAFKA_SERVERS" in str(caught.value)
    with pytest.raises(ContentErrors) as caught:
        load_settings(None, {"SIEM_ADMIN_PORT": "secret-looking"})
    assert "$SIEM_ADMIN_PORT bad_value" in str(caught.value)
    assert "secret-looking" not in str(caught.value).replace("$SIEM_ADMIN_PORT", "")


def test_the_example_is_valid() -> None:
    settings = load_settings(EXAMPLE, {})
    assert settings.leases.kind == "dynamodb"
    assert settings.paths.pipelines == EXAMPLE.parents[1] / "pipelines"


def test_every_field_says_what_it_is() -> None:
    silent = [
        f"{section}.{name}"
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for name, inner in field.annotation.model_fields.items()
        if not inner.description
    ]
    assert silent == []


def test_the_admin_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-the-file\nsecond line\n")
    (tmp_path / "siem.yml").write_text("admin: { token_file: token }\n")
    settings = load_settings(tmp_path / "siem.yml", {})
    assert settings.admin.token.get_secret_value() == "from-the-file"
    assert "from-the-file" in settings.secrets()


@pytest.mark.parametrize("content", [None, "\n", b"\xff\xfe"])
def test_a_token_file_without_a_token_leaves_no_open_port(tmp_path: Path, content: str | bytes | None) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "siem.yml").write_text("admin: { token_file: token }\n")
    with pytest.raises(ContentErrors, match="token"):
        load_settings(tmp_path / "siem.yml", {})
