"""A sample against what must come out of it: the whole documents, the dead letters, what rules dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.enrich.enrichers import Enrichers
from service.lint.document import check_document
from service.offline.claims import misrouted
from service.offline.play import Dead, Player
from service.pipeline.load import LoadedPipeline
from service.route.router import Router
from service.samples import Facts, Sample, samples_of

Result = dict[str, Any]
"""``documents``, ``dead_letters`` and ``dropped`` of one sample, as they stand in its expected file."""


@dataclass(slots=True)
class Trial:
    """One sample, what came out, and how that differs from what was expected."""

    sample: Sample
    result: Result
    differing: list[str] = field(default_factory=list)
    """What is not as expected."""
    invalid: list[str] = field(default_factory=list)
    """What no document of ours may be, expected or not."""


def try_samples(loaded: LoadedPipeline, enrichers: Enrichers, router: Router | None = None) -> Iterator[Trial]:
    """Every sample of a source folder through its pipeline; raises ContentErrors when that cannot be compiled.

    With the ``router`` over all datasets, events that would not find their way to this one are invalid too.
    """
    player = Player({loaded.dataset: loaded}, enrichers, 0)
    for sample in samples_of(loaded.folder):
        facts = sample.facts()
        player.now_ms = facts.arrived_ms()
        result = play_sample(player, sample, facts)
        trial = Trial(sample, result)
        if router is not None:
            trial.invalid.extend(misrouted(player, router, sample, facts))
        if sample.expected.is_file():
            trial.differing.extend(differences(json.loads(sample.expected.read_bytes()), result))
        else:
            trial.differing.append("has no expected documents (--update writes them)")
        for document in result["documents"]:
            trial.invalid.extend(
                f"line {document['line']}: {fault}" for fault in check_document(document["_source"], loaded.catalogue)
            )
        yield trial


def play_sample(player: Player, sample: Sample, facts: Facts) -> Result:
    """What comes out of one sample of the player's only dataset, in the order of its lines."""
    (dataset,) = player.loaded
    documents: list[dict[str, Any]] = []
    letters: list[Dead] = []
    dropped: dict[str, int] = {}
    for played in player.play(sample.path.read_bytes(), dataset, facts):
        if isinstance(played, Dead):
            letters.append(played)
            continue
        documents.extend(
            {"line": each.line, "_index": each.index, "_id": each.id, "_source": _steady(json.loads(each.source))}
            for each in played.documents
        )
        letters.extend(played.dead)
        for each in played.dropped:
            dropped[each.reason] = dropped.get(each.reason, 0) + 1
    return {
        "documents": sorted(documents, key=lambda document: document["line"]),
        "dead_letters": [
            {"line": each.line, "stage": each.stage, "code": each.code, "reason": each.reason}
            for each in sorted(letters, key=lambda letter: letter.line)
        ],
        "dropped": dropped,
    }


def expected_text(result: Result) -> str:
    """A result as the text of an expected file."""
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def differences(expected: Any, got: Any, path: str = "") -> Iterator[str]:
    """One sentence for every value that is not what was expected."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in dict.fromkeys([*expected, *got]):
            inner = f"{path}.{key}" if path else str(key)
            if key not in got:
                yield f"{inner}: expected {_show(expected[key])}, got nothing"
            elif key not in expected:
                yield f"{inner}: expected nothing, got {_show(got[key])}"
            else:
                yield from differences(expected[key], got[key], inner)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for at, (left, right) in enumerate(zip(expected, got, strict=True)):
            yield from differences(left, right, f"{path}[{at}]")
    elif expected != got or isinstance(expected, bool) != isinstance(got, bool):
        yield f"{path}: expected {_show(expected)}, got {_show(got)}"


def _steady(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the pipeline's version, which changes with every edit."""
    siem = {key: value for key, value in document.get("siem", {}).items() if key != "pipeline"}
    return {key: siem if key == "siem" else value for key, value in document.items()}


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "…"
