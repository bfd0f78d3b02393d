"""``drift.values``: fields that a table decides, or there is no telling what is news."""

from __future__ import annotations

from collections.abc import Iterator

from service.pipeline.schema import Block, PipelineFile
from service.yaml_errors import closest


def drift_faults(file: PipelineFile, blocks: list[Block]) -> Iterator[tuple[int, str, str]]:
    """Number, reason and hint of every name that is neither a target of ``translate`` nor looked at by ``classify``."""
    known = {name.removesuffix("?") for block in blocks for name in (*(block.translate or ()), *(block.classify or ()))}
    for number, name in enumerate(file.drift.values):
        if name not in known:
            hint = closest(name, known) or "name a target of translate, or what classify looks at"
            yield number, f"no table decides `{name}`", hint
