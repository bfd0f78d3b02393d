"""``enrich``: an enricher that a pipeline gives nothing to work on adds nothing, and says nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from service.pipeline.schema import Block, PipelineFile

NEEDS = {
    "community_id": ("source.ip", "destination.ip", "source.port", "destination.port", "network.iana_number"),
    "user_agent": ("user_agent.original",),
}
"""Enrichers that work on fields of fixed names, all of which must be set somewhere."""


def idle_enrichers(file: PipelineFile, blocks: list[Block]) -> Iterator[tuple[int, str]]:
    """Number in ``enrich`` and reason of every enricher that lacks a field no block sets."""
    known = {name.removesuffix("?") for block in blocks for name in _targets(block)}
    for number, name in enumerate(file.enrich):
        missing = [field for field in NEEDS.get(name, ()) if field not in known]
        if missing:
            yield number, f"`{name}` has nothing to work on: no block sets {', '.join(f'`{field}`' for field in missing)}"


def _targets(block: Block) -> Iterator[str]:
    for part in (block.set, block.first, block.translate):
        yield from part or ()
    steps = block.step if isinstance(block.step, list) else [block.step] if block.step else []
    for target in (*(block.move or {}).values(), *(target for step in steps for target in step.to.values())):
        yield from target if isinstance(target, list) else [target]
