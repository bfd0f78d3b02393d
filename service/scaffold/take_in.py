"""What would take a finding of format drift in: lines of ``fields.yml`` and ``pipeline.yml``, guessed as ``siem new`` does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

from service.drift.finding import OTHERS, Finding
from service.drift.naming import nameable
from service.fields import Catalogue
from service.pipeline.load import LoadedPipeline
from service.pipeline.schema import Block, Translate
from service.scaffold.guess import Guess, guess_of
from service.scaffold.pipeline_text import declaration, yaml_key
from service.yaml_file import Key

Section = Literal["move", "instead", "translate", "classify", "columns"]
_SURPLUS = re.compile(r"extra\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a pipeline: ``section`` of a block under ``normalise``, and where a table is that it belongs to.

    ``instead`` is a move that stands in place of the one there is.
    """

    section: Section
    text: str
    place: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class TakeIn:
    """What takes one finding in; nothing for what a pipeline cannot name."""

    fields: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()


class Advisor:
    """For one pipeline; of two findings it takes in, no two get the same field."""

    def __init__(self, loaded: LoadedPipeline, fields: AbstractSet[str]) -> None:
        """``fields``: those that its documents carry already."""
        self._loaded = loaded
        self._catalogue: Catalogue = loaded.catalogue
        module = loaded.dataset.partition(".")[0] + "."
        self._taken = {*fields, *(name for name in self._catalogue.fields if name.startswith(module))}

    def take_in(self, finding: Finding) -> TakeIn:
        """Lines for one finding."""
        what = finding.what
        if what.path == OTHERS or OTHERS in what.value:
            return TakeIn()
        if what.kind == "value" and what.value:
            return TakeIn((), tuple(self._entries(what.path, what.value)))
        if surplus := _SURPLUS.fullmatch(what.path):
            return self._column(int(surplus[1]), finding.example)
        if not nameable(what.path):
            return TakeIn()
        if what.kind == "value":
            return self._of_other_type(what.path, what.wanted.partition(":")[0])
        guess = self._guess(what.path, finding.example)
        return TakeIn(_declared(guess), (Line("move", f"{yaml_key(what.path)}: {guess.target}"),))

    def _guess(self, path: str, example: str) -> Guess:
        return guess_of(self._loaded.dataset, path, [_value(example)], self._catalogue, self._taken)

    def _of_other_type(self, path: str, field: str) -> TakeIn:
        """A value that its field does not take: the field leaves it out, another has it."""
        guess = guess_of(self._loaded.dataset, path, ["text"], Catalogue({}), self._taken)
        return TakeIn(_declared(guess), (Line("instead", f'{yaml_key(path)}: ["{field}?", {guess.target}]'),))

    def _column(self, number: int, example: str) -> TakeIn:
        columns = self._loaded.file.parse.columns
        name = f"column_{number + (len(columns.default.split()) if columns is not None else 0)}"
        guess = self._guess(name, example)
        place = str(self._loaded.source.place("parse", "columns", "default"))
        return TakeIn(_declared(guess), (Line("columns", name, place), Line("move", f"{name}: {guess.target}")))

    def _entries(self, field: str, value: str) -> Iterator[Line]:
        normalise = self._loaded.file.normalise
        single = isinstance(normalise, Block)
        for number, block in enumerate([normalise] if isinstance(normalise, Block) else normalise):
            at: tuple[Key, ...] = ("normalise",) if single else ("normalise", number)
            for target, table in (block.translate or {}).items():
                if target.removesuffix("?") == field:
                    place = str(self._loaded.source.place(*at, "translate", target))
                    values = (table.values or {}) if isinstance(table, Translate) else table
                    made = _like(value, next((each for key, each in values.items() if key not in ("from", "*")), value.lower()))
                    yield Line("translate", f"{json.dumps(value, ensure_ascii=False)}: {made}", place, target)
            for name, classes in (block.classify or {}).items():
                if name == field:
                    place = str(self._loaded.source.place(*at, "classify", name))
                    like = next(iter(classes.values())).model_dump(exclude_none=True)
                    shown = ", ".join(f"{key}: {_flow(each)}" for key, each in like.items())
                    yield Line("classify", f"{json.dumps(value, ensure_ascii=False)}: {{ {shown} }}", place, name)


def _like(value: str, other: Any) -> str:
    """The value as the table's other values are written."""
    if isinstance(other, str) and other == other.lower():
        return json.dumps(re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-") or value, ensure_ascii=False)
    return json.dumps(other if not isinstance(other, str) else value, ensure_ascii=False)


def _flow(value: Any) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)


def _value(example: str) -> Any:
    """What an example was before it was text."""
    try:
        found = json.loads(example)
    except ValueError:
        return example
    return example if found is None or isinstance(found, dict) else found


def _declared(guess: Guess) -> tuple[str, ...]:
    return (declaration(guess),) if guess.type is not None else ()
