"""Samples of rules: ``<rule>.samples/match*`` must match, ``no_match*`` must not; raw logs as their source sends them."""

from __future__ import annotations

from pathlib import Path

from service.samples import FACTS, SUFFIXES

FOLDER = ".samples"
MATCH, NO_MATCH = "match", "no_match"
LISTS = "lists.yml"
"""Threat lists for the samples beside it."""


def folder_of(rules: Path) -> Path:
    """The folder of samples that belongs to a file of rules."""
    return rules.with_name(rules.stem + FOLDER)


def samples_of(folder: Path) -> list[Path]:
    """The samples in a folder, by name."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name.startswith((MATCH, NO_MATCH)) and path.name.endswith(SUFFIXES) and not path.name.endswith(FACTS)
    ]


def dataset_named(sample: Path) -> str | None:
    """The dataset behind ``@`` in a sample's name, if it names one: ``match_console@aws.alb.log``."""
    return sample.stem.partition("@")[2] or None
