"""Folders of detections → rules that can be run, rules that cannot and why, faults of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel, StringConstraints

from service.detect.compiled import FALSE, Resolved, Unknown, resolve
from service.detect.logsource import Logsources, load_logsources
from service.detect.read import read_rules
from service.detect.rule import Rule
from service.detect.samples import FOLDER
from service.errors import ContentError, ContentErrors
from service.fields import Catalogue
from service.yaml_file import read

LOGSOURCES = "logsources"
PLACEHOLDERS = "placeholders.yml"


Value = Annotated[str, StringConstraints(min_length=1)]


class PlaceholdersFile(RootModel[dict[str, Annotated[list[Value], Field(min_length=1)]]]):
    """``placeholders.yml``: what ``%name%`` of ``|expand`` stands for."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A rule that cannot be run here."""

    rule: Rule
    code: str
    """``no_dataset``, ``unknown_field``, ``never_matches``, ``deprecated``."""
    reason: str

    def fault(self) -> ContentError:
        """The same as a fault at the rule's place."""
        return ContentError(self.rule.about.place, self.code, f"{self.rule.title}: {self.reason}")


@dataclass(slots=True)
class RuleSet:
    """Everything that was loaded."""

    rules: list[Rule] = field(default_factory=list)
    """Rules that run on one dataset at least."""
    resolved: dict[str, list[Resolved]] = field(default_factory=dict)
    """Dataset → its rules."""
    unusable: list[Unusable] = field(default_factory=list)
    faults: list[ContentError] = field(default_factory=list)
    """Files and rules that are wrong."""
    logsources: Logsources = field(default_factory=lambda: Logsources((), ()))


def load_rules(roots: Sequence[Path], catalogues: Mapping[str, Catalogue]) -> RuleSet:
    """The rules below these folders (or files), for the datasets of ``catalogues``; raises nothing.

    A later root may redeclare log sources and placeholders of an earlier one, and replaces rules with the same id.
    """
    found = RuleSet()
    folders = [root for root in roots if root.is_dir()]
    found.logsources = load_logsources([root / LOGSOURCES for root in folders], sorted(catalogues))
    found.faults.extend(found.logsources.faults)
    lists = _placeholders(folders, found.faults)
    rules: dict[str, Rule] = {}
    for root in roots:
        here: dict[str, Rule] = {}
        for path in rule_files(root):
            read_here = read_rules(path, str(path), lists)
            found.faults.extend(read_here.faults)
            for rule in read_here.rules:
                if rule.id in here:
                    reason = f"{rule.title}: the id is that of {here[rule.id].about.place}"
                    found.faults.append(ContentError(rule.about.place, "duplicate_id", reason, "give it one of its own"))
                    continue
                here[rule.id] = rule
        rules |= here
    for rule in rules.values():
        _place_rule(rule, catalogues, found)
    return found


def rule_files(root: Path) -> Iterator[Path]:
    """The files of rules below a folder, or the file itself; samples, log sources and placeholders are none."""
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        if path.suffix not in (".yml", ".yaml") or not path.is_file():
            continue
        inside = path.relative_to(root)
        if inside.parts[0] == LOGSOURCES or inside.name == PLACEHOLDERS or any(p.endswith(FOLDER) for p in inside.parts[:-1]):
            continue
        yield path


def _placeholders(folders: Sequence[Path], faults: list[ContentError]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for folder in folders:
        path = folder / PLACEHOLDERS
        if not path.is_file():
            continue
        try:
            lists |= read(path, PlaceholdersFile).value.root
        except ContentErrors as errors:
            faults.extend(errors.faults)
    return lists


def _place_rule(rule: Rule, catalogues: Mapping[str, Catalogue], found: RuleSet) -> None:
    if rule.about.status in ("deprecated", "unsupported"):
        found.unusable.append(Unusable(rule, "deprecated", f"its status is {rule.about.status}"))
        return
    views = found.logsources.views(rule.logsource)
    if not views:
        found.unusable.append(Unusable(rule, "no_dataset", f"no dataset is called {rule.logsource}"))
        return
    usable: list[Resolved] = []
    reasons: list[tuple[str, str]] = []
    for dataset, its in views.items():
        resolved = resolve(rule, dataset, its, catalogues[dataset])
        if isinstance(resolved, Unknown):
            reasons.append(("unknown_field", f"{dataset} has no field {resolved.name}"))
        elif resolved.node == FALSE:
            reasons.append(("never_matches", f"what it asks for is never in {dataset}"))
        else:
            usable.append(resolved)
    if not usable:
        code, reason = reasons[0]
        found.unusable.append(Unusable(rule, code, "; ".join(dict.fromkeys(reason for _, reason in reasons)) or reason))
        return
    found.rules.append(rule)
    for each in usable:
        found.resolved.setdefault(each.dataset, []).append(each)
