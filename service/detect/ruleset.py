"""Folders of detections → rules that can be run, rules that cannot and why, faults of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel, StringConstraints

from service.detect.compiled import FALSE, Resolved, Unknown, resolve
from service.detect.filters import apply_filters
from service.detect.joining import Joins
from service.detect.logsource import Logsources, load_logsources
from service.detect.read import Written, WrittenCorrelation, read_rules
from service.detect.resolve_correlations import join
from service.detect.rule import About, Logsource, Rule
from service.detect.samples import FOLDER
from service.errors import ContentError, ContentErrors
from service.fields import Catalogue
from service.yaml_file import read

LOGSOURCES = "logsources"
OUT_OF_USE = ("deprecated", "unsupported")
PLACEHOLDERS = "placeholders.yml"


Value = Annotated[str, StringConstraints(min_length=1)]


class PlaceholdersFile(RootModel[dict[str, Annotated[list[Value], Field(min_length=1)]]]):
    """``placeholders.yml``: what ``%name%`` of ``|expand`` stands for."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A rule that cannot be run here."""

    about: About
    logsource: Logsource | None
    """None of a correlation."""
    code: str
    """``no_dataset``, ``unknown_field``, ``never_matches``, ``deprecated``, ``cannot_be_run``."""
    reason: str

    def fault(self) -> ContentError:
        """The same as a fault at the rule's place."""
        return ContentError(self.about.place, self.code, f"{self.about.title}: {self.reason}")


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
    joins: Joins = field(default_factory=Joins)
    """Correlations."""
    logsources: Logsources = field(default_factory=lambda: Logsources((), ()))


def load_rules(roots: Sequence[Path], catalogues: Mapping[str, Catalogue], *, partial: bool = False) -> RuleSet:
    """The rules below these folders (or files), for the datasets of ``catalogues``; raises nothing.

    A later root may redeclare log sources and placeholders of an earlier one, and replaces rules with the same id. Filters
    of any root narrow the rules of all.
    ``partial``: log sources may speak of datasets that are not among them.
    """
    found = RuleSet()
    folders = [root for root in roots if root.is_dir()]
    found.logsources = load_logsources([root / LOGSOURCES for root in folders], sorted(catalogues), partial=partial)
    found.faults.extend(found.logsources.faults)
    lists = _placeholders(folders, found.faults)
    rules: dict[str, Rule] = {}
    correlations: dict[str, WrittenCorrelation] = {}
    filters: list[Written] = []
    for root in roots:
        here: dict[str, Rule] = {}
        joins: dict[str, WrittenCorrelation] = {}
        for path in rule_files(root):
            held = read_rules(path, str(path), lists)
            found.faults.extend(held.faults)
            filters.extend(held.filters)
            for rule in held.rules:
                if not _twice(rule.about, {**here, **joins}, found.faults):
                    here[rule.id] = rule
            for each in held.correlations:
                if not _twice(each[1], {**here, **joins}, found.faults):
                    joins[each[1].id] = each
        rules |= here
        correlations |= joins
    joined = [name for _, about, _ in correlations.values() for name in (about.id, about.name) if name]
    apply_filters(filters, rules, joined, lists, found.faults)
    for rule in rules.values():
        _place_rule(rule, catalogues, found)
    _join(list(correlations.values()), found)
    return found


def _join(written: list[WrittenCorrelation], found: RuleSet) -> None:
    wanted: list[WrittenCorrelation] = []
    for each in written:
        if each[1].status in OUT_OF_USE:
            found.unusable.append(Unusable(each[1], None, "deprecated", f"its status is {each[1].status}"))
        else:
            wanted.append(each)
    faults: list[ContentError] = []
    found.joins = join(wanted, found.rules, found.resolved, [each.about for each in found.unusable], faults)
    for fault in faults:
        if fault.code != "cannot_be_run":
            found.faults.append(fault)
            continue
        found.unusable.append(Unusable(_owner(wanted, fault), None, fault.code, fault.reason))


def _owner(wanted: list[WrittenCorrelation], fault: ContentError) -> About:
    """The correlation in which a fault stands: the last that begins before it in the file."""
    mine = [about for _, about, _ in wanted if about.place.file == fault.place.file and about.place.line <= fault.place.line]
    return max(mine, key=lambda about: about.place.line)


def _twice(about: About, seen: Mapping[str, object], faults: list[ContentError]) -> bool:
    if about.id not in seen:
        return False
    reason = f"{about.title}: another rule of this folder has the same id"
    faults.append(ContentError(about.place, "duplicate_id", reason, "give it one of its own"))
    return True


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
    if rule.about.status in OUT_OF_USE:
        found.unusable.append(Unusable(rule.about, rule.logsource, "deprecated", f"its status is {rule.about.status}"))
        return
    views = found.logsources.views(rule.logsource)
    if not views:
        found.unusable.append(Unusable(rule.about, rule.logsource, "no_dataset", f"no dataset is called {rule.logsource}"))
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
        found.unusable.append(
            Unusable(rule.about, rule.logsource, code, "; ".join(dict.fromkeys(reason for _, reason in reasons)) or reason)
        )
        return
    found.rules.append(rule)
    for each in usable:
        found.resolved.setdefault(each.dataset, []).append(each)
