"""Code that takes secrets out of a raw event before any step reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from service.errors import ContentError
from service.match import fields, parse_selection, predicate
from service.pipeline.code import Code, Constants
from service.pipeline.draft import Draft
from service.pipeline.load import LoadedPipeline
from service.pipeline.paths import EACH, split_path
from service.pipeline.repeating import Leaves
from service.pipeline.schema import Block


class Event(Protocol):
    """What is needed of the event that is written."""

    loaded: LoadedPipeline
    blocks: list[Block]
    single: bool
    """``normalise`` is one block and no list."""
    constants: Constants


def write_forget(event: Event, code: Code, draft: Draft, *, parsed: bool) -> None:
    """Remove what blocks ``forget``; ``secret`` says whether something was. Raises ContentError for a condition on output."""
    if not (blocks := [(number, block) for number, block in enumerate(event.blocks) if block.forget]):
        return
    constants = event.constants
    code.add("secret = False")
    if isinstance(draft.raw, Leaves):
        forgotten = [split_path(path) for _, block in blocks for path in block.forget or ()]
        code.add(draft.raw.unpacked, *draft.raw.guards(forgotten, constants))
        return
    for number, block in blocks:
        paths = constants.name(tuple(split_path(path) for path in block.forget or ()))
        forget = f"secret = remove(raw, {paths}) or secret"
        if block.when is None:
            code.add(forget)
        else:
            place = event.loaded.source.place("normalise", *(("when",) if event.single else (number, "when")))
            node = parse_selection(block.when, place)
            for name in sorted(fields(node) & draft.slots.keys()):
                hint = "name the raw field: what must not be stored is removed before any step"
                raise ContentError(place, "forget_reads_raw", f"{name} is an output field", hint)
            test = predicate(node)
            # What is taken out changes the shape: such events are for the general function.
            then = "raise ValueError" if parsed else forget
            code.add(f"if {_may_hold(event, block.forget or ())}{constants.name(test, 'FORGET')}(raw): {then}")


def _may_hold(event: Event, paths: Sequence[str]) -> str:
    """A quick look into the text of a JSON event: without the last keys of the paths there is nothing to forget."""
    if event.loaded.file.parse.json_event is None:
        return ""
    keys = sorted({json.dumps(split_path(path)[-1]) for path in paths})
    if json.dumps(EACH) in keys:
        return ""
    return f"({' or '.join(f'{key!r} in text' for key in keys)} or '\\\\u' in text) and "
