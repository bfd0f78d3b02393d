"""A block of steps, in the order in which its keys are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from service.errors import ContentError
from service.match import parse_selection, to_python
from service.normalise.constant import write_classify, write_set, write_translate
from service.normalise.move import write_first, write_move
from service.normalise.stepping import write_step
from service.normalise.timing import write_time
from service.pipeline.draft import Draft
from service.pipeline.schema import Block, Translate

Places = Callable[..., Any]
"""Keys inside the block → Place."""


def write_blocks(draft: Draft, blocks: list[Block], place: Places, *, drop: Callable[[str], None]) -> None:
    """Write every block; ``place(*keys)`` finds the YAML that a step stands in, ``drop(rule)`` writes a deliberate loss."""
    for number, block in enumerate(blocks):
        draft.place = place(number)
        if block.when is None:
            _write(draft, block, number, place, drop)
        else:
            draft.place = place(number, "when")
            condition = to_python(parse_selection(block.when, draft.place), draft.value, draft.constants.bound)
            with draft.condition(condition):
                _write(draft, block, number, place, drop)


def _write(draft: Draft, block: Block, number: int, place: Places, drop: Callable[[str], None]) -> None:
    for key in block.in_order:
        value = getattr(block, key)
        match key:
            case "time":
                for index, rule in enumerate(value if isinstance(value, list) else [value]):
                    draft.place = place(number, key, index) if isinstance(value, list) else place(number, key)
                    write_time(draft, rule)
            case "move":
                _each(draft, value, place, number, key, write_move)
            case "set":
                _each(draft, value, place, number, key, write_set)
            case "first":
                _each(draft, value, place, number, key, write_first)
            case "translate":
                for target, rule in value.items():
                    draft.place = place(number, key, target)
                    write_translate(draft, target, _translate(draft, rule))
            case "classify":
                for name, classes in value.items():
                    draft.place = place(number, key, name)
                    write_classify(draft, name, classes)
            case "step":
                for index, rule in enumerate(value if isinstance(value, list) else [value]):
                    draft.place = place(number, key, index) if isinstance(value, list) else place(number, key)
                    write_step(draft, rule)
            case "ignore":
                for path in value:
                    draft.consume(path)
            case "drop":
                for rule, selection in value.items():
                    draft.place = place(number, key, rule)
                    test = to_python(parse_selection(selection, draft.place), draft.value, draft.constants.bound)
                    with draft.code.block(f"if {test}:"):
                        drop(rule)
            case _:  # when and forget are carried out by the caller, before the fields are read
                pass


def _each(
    draft: Draft,
    values: Mapping[str, Any],
    place: Places,
    number: int,
    key: str,
    write: Callable[[Draft, Mapping[str, Any]], None],
) -> None:
    for name, value in values.items():
        draft.place = place(number, key, name)
        try:
            write(draft, {name: value})
        except ValueError as error:
            raise ContentError(draft.place, "bad_path", str(error)) from error


def _translate(draft: Draft, rule: Translate | Mapping[str, Any]) -> Translate:
    if isinstance(rule, Translate):
        return rule
    values = dict(rule)
    source = values.pop("from", None)
    if source is not None and not isinstance(source, str):
        raise ContentError(
            draft.place, "wrong_type", "from names a field", 'write from: field, or "from" as a value in values:'
        )
    return Translate.model_validate({"from": source, "values": values})
