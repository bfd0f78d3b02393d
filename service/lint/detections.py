"""Lint of the rules that ship: they run, they say what an analyst needs, and samples show what they match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.detect.rule import About
from service.detect.ruleset import RuleSet, load_rules, rule_files
from service.detect.samples import FOLDER, MATCH, NO_MATCH, folder_of, samples_of
from service.errors import ContentError, Place
from service.fields import Catalogue
from service.lint.wildcards import doubtful_wildcards

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(\.\d{3})?|ta\d{4}|[gs]\d{4}|[a-z][a-z-]+)")
_SAID = {
    "description": "what it finds, and why that matters",
    "falsepositives": "when it matches although nothing is wrong",
    "tags": "attack.<tactic>, attack.t<number>",
}


def check_detections(folder: Path, catalogues: Mapping[str, Catalogue]) -> list[ContentError]:
    """Every fault of the folder of rules that ship."""
    rules = load_rules([folder], catalogues)
    faults = [*rules.faults, *(each.fault() for each in rules.unusable)]
    told = [rule.about for rule in rules.rules] + [each.about for each in rules.unusable]
    for about in [*told, *(each.about for each in rules.joins.correlations.values())]:
        faults.extend(_unsaid(about, base=about.id in rules.joins.silent))
    faults.extend(_unsampled(folder, rules))
    faults.extend(fault for path in rule_files(folder) for fault in doubtful_wildcards(path))
    return sorted(faults, key=lambda fault: (fault.place.file, fault.place.line, fault.place.column))


def _unsaid(about: About, *, base: bool) -> Iterator[ContentError]:
    """What is not said; the base rule of a correlation raises no alert, and need not say much."""
    for key, meaning in _SAID.items():
        if not base and not getattr(about, key):
            yield ContentError(about.place, "missing_key", f"{about.title}: {key} is missing", meaning)
    if not base and about.status == "stable":
        if about.tags and not any(tag.startswith("attack.") for tag in about.tags):
            yield ContentError(
                about.place, "not_stable", f"{about.title}: no tag names a tactic or technique of ATT&CK", _SAID["tags"]
            )
        if not about.custom.get("triage"):
            hint = "what to look at, in this order; or status: test"
            yield ContentError(about.place, "not_stable", f"{about.title}: is stable and has no triage", hint)
    for tag in about.tags:
        if tag.startswith("attack.") and not _TECHNIQUE.fullmatch(tag):
            yield ContentError(about.place, "bad_tags", f"{tag} names no tactic or technique of ATT&CK")


def _unsampled(folder: Path, rules: RuleSet) -> Iterator[ContentError]:
    abouts = [rule.about for rule in rules.rules if rule.id not in rules.joins.silent]
    files = {about.place.file for about in [*abouts, *(each.about for each in rules.joins.correlations.values())]}
    for path in rule_files(folder):
        if str(path) not in files:
            continue
        samples = folder_of(path)
        names = [sample.name for sample in samples_of(samples)] if samples.is_dir() else []
        for kind, wanted in ((MATCH, "one that matches"), (NO_MATCH, "one that nearly does")):
            if not any(name.startswith(kind) for name in names):
                hint = f"{samples.name}/{kind}*.json as the source sends it"
                yield ContentError(Place(str(path)), "no_sample", f"has no sample {wanted}", hint)
    yield from _strays(folder)


def _strays(folder: Path) -> Iterator[ContentError]:
    for samples in sorted(folder.rglob(f"*{FOLDER}")):
        stem = samples.with_name(samples.name.removesuffix(FOLDER))
        if not any(stem.with_suffix(suffix).is_file() for suffix in (".yml", ".yaml")):
            yield ContentError(Place(str(samples)), "no_rule", "there is no rule of this name beside it")
