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
            condition = to_python(parse_selection(block.when, draft.place), draft.operand, draft.constants.bound)
            draft.block = number
            with draft.condition(condition):
                _write(draft, block, number, place, drop)
            draft.block = None


def _write(draft: Draft, block: Block, number: int, place: Places, drop: Callable[[str], None]) -> None:
    for key in block.in_order:
        value = getattr(block, key)
        if key in _BY_NAME:
            for name, each in value.items():
                draft.place = place(number, key, name)
                _BY_NAME[key](draft, name, each)
        elif key in _RULES:
            for index, rule in enumerate(value if isinstance(value, list) else [value]):
                draft.place = place(number, key, index) if isinstance(value, list) else place(number, key)
                _RULES[key](draft, rule)
        elif key == "ignore":
            for index, path in enumerate(value):
                draft.place = place(number, key, index)
                draft.consume(path)
        elif key == "drop":
            for rule, selection in value.items():
                draft.place = place(number, key, rule)
                test = to_python(parse_selection(selection, draft.place), draft.operand, draft.constants.bound)
                with draft.code.block(f"if {test}:"):
                    drop(rule)


def _translate(draft: Draft, target: str, rule: Translate | Mapping[str, Any]) -> None:
    if not isinstance(rule, Translate):
        values = dict(rule)
        source = values.pop("from", None)
        if source is not None and not isinstance(source, str):
            hint = 'write from: field, or "from" as a value in values:'
            raise ContentError(draft.place, "wrong_type", "from names a field", hint)
        rule = Translate.model_validate({"from": source, "values": values})
    write_translate(draft, target, rule)


_BY_NAME: dict[str, Callable[[Draft, str, Any], None]] = {
    "move": lambda draft, path, targets: write_move(draft, {path: targets}),
    "set": lambda draft, target, value: write_set(draft, {target: value}),
    "first": lambda draft, target, names: write_first(draft, {target: names}),
    "translate": _translate,
    "classify": write_classify,
}
"""Steps that are a mapping: field → what becomes of it."""

_RULES: dict[str, Callable[[Draft, Any], None]] = {"time": write_time, "step": write_step}
"""Steps that are one rule or a list of them. ``when`` and ``forget`` are carried out elsewhere, before the fields are read."""
