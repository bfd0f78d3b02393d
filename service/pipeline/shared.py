"""``use: <name>``: the blocks of a shared file stand in the pipeline as if they were written there, with their own places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.errors import ContentError, ContentErrors, Place
from service.fields import FieldEntry
from service.pipeline.schema import Block, PipelineFile, SharedFile
from service.yaml_errors import closest
from service.yaml_file import Key, YamlFile, read

SHARED = "_shared"
"""Folder beside the source folders that holds the shared files."""

Part = tuple[Any, Block, YamlFile[Any], tuple[Key, ...]]
"""A block as plain values and as a model, the file it stands in, and its keys there."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A pipeline in which every ``use`` is carried out, and the fields that came with the shared blocks."""

    source: YamlFile[PipelineFile]
    fields: dict[str, FieldEntry]


def with_shared(source: YamlFile[PipelineFile], folder: Path) -> Whole:
    """The pipeline with the blocks it uses in their place; ``folder`` holds the shared files.

    Raises ContentErrors: there is no such file, it is wrong, it uses another, ``use`` does not stand alone, or two of the
    files declare one field differently.
    """
    blocks, plain = source.value.normalise, source.data["normalise"]
    single = isinstance(blocks, Block)
    if isinstance(blocks, Block):
        blocks, plain = [blocks], [plain]
    if not any(block.use for block in blocks):
        return Whole(source, {})
    fields: dict[str, FieldEntry] = {}
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        keys: tuple[Key, ...] = ("normalise",) if single else ("normalise", number)
        if block.use is None:
            parts.append((plain[number], block, source, keys))
            continue
        file = _opened(source, keys, block, folder)
        _declare(file, fields)
        parts += [(file.data["normalise"][at], each, file, ("normalise", at)) for at, each in enumerate(file.value.normalise)]
    value = source.value.model_copy(update={"normalise": [block for _, block, _, _ in parts]})
    places = {keys: place for keys, place in source.places.items() if keys[:1] != ("normalise",) or len(keys) == 1}
    places |= dict(_moved(parts))
    data = {**source.data, "normalise": [each for each, _, _, _ in parts]}
    return Whole(replace(source, value=value, data=data, places=places), fields)


def _opened(source: YamlFile[PipelineFile], keys: tuple[Key, ...], block: Block, folder: Path) -> YamlFile[SharedFile]:
    at = (*keys, "use")
    if block.in_order != ("use",):
        raise _single(source.error(at, "use_alone", "`use` is replaced by other blocks", "write the rest as a block of its own"))
    path = folder / f"{block.use}.yml"
    if not path.is_file():
        known = sorted(each.stem for each in folder.glob("*.yml"))
        hint = closest(str(block.use), known) or (f"there are: {', '.join(known)}" if known else "")
        raise _single(source.error(at, "no_shared", f"there is no {SHARED}/{block.use}.yml", hint))
    file = read(path, SharedFile)
    for number, each in enumerate(file.value.normalise):
        if each.use:
            raise _single(file.error(("normalise", number, "use"), "use_in_shared", "a shared file uses no other"))
    return file


def _declare(file: YamlFile[SharedFile], fields: dict[str, FieldEntry]) -> None:
    for name, entry in file.value.fields.items():
        if fields.setdefault(name, entry) != entry:
            raise _single(file.error(("fields", name), "already_declared", f"`{name}` is declared otherwise by another file"))


def _moved(parts: list[Part]) -> Iterator[tuple[tuple[Key, ...], Place]]:
    """The places of all blocks under the keys that they have in the whole."""
    for number, (_, _, file, keys) in enumerate(parts):
        for old, place in file.places.items():
            if old[: len(keys)] == keys:
                yield ("normalise", number, *old[len(keys) :]), place


def _single(error: ContentError) -> ContentErrors:
    return ContentErrors(f"{error.place.file} is not valid", [error])
