"""The canary is where secrets are, and whoever prints it is found out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.settings import load_settings
from tests import canary


def test_the_canary_is_a_secret_of_every_process() -> None:
    assert canary.CANARY in load_settings().secrets()
    assert set(canary.VARIABLES) <= os.environ.keys()


def test_a_printed_secret_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "found", [])
    monkeypatch.setattr(canary, "CANARY", "another-bird")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_text("x another-bird y")
    canary.look("stdout", "an another-bird sings")
    canary.look("stderr", "silence")
    canary.look_into(tmp_path)
    assert canary.found == ["stdout", "deep/log"]
    (tmp_path / "deep" / "log").unlink()


@pytest.mark.parametrize(
    "text", [repr, str, lambda settings: settings.model_dump_json(), lambda settings: str(settings.model_dump())]
)
def test_settings_print_themselves_without_secrets(text: object) -> None:
    assert callable(text)
    assert canary.CANARY not in text(load_settings())
