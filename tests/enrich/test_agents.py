from __future__ import annotations

import time

import pytest

from service.enrich import Enrichers
from service.enrich.agents import fragment_of
from tests.enrich.test_addresses import members

LINUX = {"name": "Linux"}
TERRAFORM = (
    "[APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) terraform-provider-aws/5.31.0 "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.24.0 os/linux lang/go/1.20.8]"
)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"


def linux(version: str) -> dict[str, str]:
    return {"name": "Linux", "version": version, "full": f"Linux {version}"}


@pytest.mark.parametrize(
    ("text", "name", "version", "system", "device"),
    [
        ("aws-cli/2.15.0 Python/3.11.6 Linux/5.10.0 exe/x86_64", "aws-cli", "2.15.0", linux("5.10.0"), "Other"),
        ("aws-cli/2.17.60 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#x86_64", "aws-cli", "2.17.60",
         {"name": "Mac OS X", "version": "23.6.0", "full": "Mac OS X 23.6.0"}, "Other"),
        ("[aws-cli/1.18.136 Python/3.8.5 Darwin/19.5.0 botocore/1.17.59]", "aws-cli", "1.18.136",
         {"name": "Mac OS X", "version": "19.5.0", "full": "Mac OS X 19.5.0"}, "Spider"),
        ("Boto3/1.34.1 md/Botocore#1.34.1 ua/2.0 os/linux#6.1.0 lang/python#3.12", "Boto3", "1.34.1", linux("6.1.0"), "Spider"),
        ("aws-sdk-go/1.44.0 (go1.19; linux; amd64)", "aws-sdk-go", "1.44.0", LINUX, "Other"),
        ("aws-sdk-rust/1.0.1 os/windows#10.0 lang/rust/1.7", "aws-sdk-rust", "1.0.1",
         {"name": "Windows", "version": "10.0", "full": "Windows 10.0"}, "Other"),
        (TERRAFORM, "Terraform", "1.5.7", LINUX, "Other"),
        ("console.amazonaws.com", "console.amazonaws.com", None, None, "Other"),
        ("AWS Internal", "AWS Internal", None, None, "Other"),
        ("kubectl/v1.27.3 (linux/amd64) kubernetes/25b4e43", "kubectl", "1.27.3", LINUX, "Other"),
        ("curl/7.68.0", "curl", "7.68.0", None, "Other"),
        (CHROME, "Chrome", "120.0.0.0", {"name": "Windows", "version": "10", "full": "Windows 10"}, "Other"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "2.1", None, "Spider"),
        ("stratus", "Other", None, None, "Other"),
    ],
)  # fmt: skip
def test_programs_are_recognised(text: str, name: str, version: str | None, system: dict[str, str] | None, device: str) -> None:
    expected = {"name": name, "version": version, "os": system, "device": {"name": device}}
    assert members(fragment_of(text)) == {key: value for key, value in expected.items() if value is not None}


@pytest.mark.parametrize("text", ["", "-", "[]", "[-]", "  "])
def test_no_agent_says_nothing(text: str) -> None:
    assert Enrichers.empty().agents[text] == ""


@pytest.mark.parametrize("part", ["Mozilla/5.0 (", "Terraform/1", "os/linux#", "(((((", "a/1.", "AppleWebKit/ "])
def test_a_hundred_kilobytes_of_one_pattern_take_milliseconds(part: str) -> None:
    fragment_of("warm up")
    began = time.monotonic()
    members(fragment_of(part * (100_000 // len(part))))
    assert time.monotonic() - began < 0.5
