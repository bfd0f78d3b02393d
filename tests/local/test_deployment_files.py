"""The Dockerfile and the compose file fit this checkout."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from service.lint.deployment import check_deployment

ROOT = Path(__file__).parents[2]


def test_the_settings_and_streams_of_the_compose_file_are_valid() -> None:
    for name in ("siem.yml", "streams.yml"):
        assert check_deployment(ROOT / "deploy" / "compose" / name) == []


def test_every_address_in_those_settings_is_a_service_of_the_compose_file() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    settings = "".join((ROOT / "deploy" / "compose" / name).read_text() for name in ("siem.yml", "streams.yml"))
    assert set(re.findall(r"(?:http://|\")([a-z]+):\d+", settings)) <= services.keys()


def test_our_containers_are_read_only_and_hold_no_capabilities() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    ours = [service for service in services.values() if service["image"] == "kinesiem"]
    assert len(ours) == 3
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in ours)


def test_compose_publishes_ports_on_loopback_only() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_the_dockerfile_copies_is_in_the_build_context() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        source
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert {source for source in copied if source not in allowed or not (ROOT / source).exists()} == set()


def test_the_image_runs_as_nobody_special_without_a_shell() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    instructions = [line.partition(" ")[2] for line in lines if line.startswith(("RUN ", "CMD ", "ENTRYPOINT "))]
    assert all(instruction.startswith("[") for instruction in instructions)
