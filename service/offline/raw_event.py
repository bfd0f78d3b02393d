"""The raw fields of one event, as the steps of its pipeline read them: for coverage and ``siem explain``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import re2

from service.event import Slice
from service.match import Place, parse_selection, predicate
from service.parse.columns import folded, layout_of, line_of, split_carefully
from service.parse.json_event import read_json
from service.parse.masks import MASKS
from service.parse.objects import Places, grouped, member_of, row_of_object
from service.parse.pattern import NAME
from service.parse.steps import PARSERS
from service.pipeline.compile import raw_names_of
from service.pipeline.paths import EACH, gather, split_path
from service.pipeline.schema import Columns, PipelineFile


def raw_fields(file: PipelineFile, slice_: Slice, at: int) -> dict[str, Any]:
    """The raw event as a tree, with the groups of its pattern and the facts of its transport under their names.

    Raises EventError for an event that cannot be parsed.
    """
    text = masked(file, slice_.events[at])
    raw = {**_facts(slice_, at), "_text": text, **_parsed(file, text, slice_.columns)}
    pattern = file.parse.pattern
    source = find(raw, pattern.source) if pattern is not None else None
    if pattern is not None and isinstance(source, str):
        for shape in pattern.any_of:
            if shape.when is not None and not predicate(parse_selection(shape.when, Place("")))(raw):
                continue
            found = re2.fullmatch(shape.regex, source)
            if found is not None:
                return {**raw, **{k: v for k, v in found.groupdict().items() if v is not None}, NAME: shape.name}
    return raw


def masked(file: PipelineFile, text: str) -> str:
    """The text as the pipeline's steps see it."""
    for name in file.parse.mask:
        text = MASKS[name](text)
    return text


def find(raw: Mapping[str, Any], path: str) -> Any:
    """The value at a raw path, None when there is none."""
    keys = split_path(path)
    if EACH in keys:
        return gather(raw, keys)
    value: Any = raw
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def leaves(value: Any, prefix: str = "") -> Iterator[str]:
    """Raw paths of all values of an event; keys with dots in quotes, elements of lists as ``[]``."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            quoted = f'"{key}"' if "." in key or "[" in key else key
            yield from leaves(inner, f"{prefix}.{quoted}" if prefix else quoted)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for item in value:
            yield from leaves(item, f"{prefix}[]")
    elif prefix:
        yield prefix


def _parsed(file: PipelineFile, text: str, columns: str | None) -> dict[str, Any]:
    parse = file.parse
    if parse.columns is not None:
        return _of_columns(file, parse.columns, text, columns)
    if parse.step is not None:
        return PARSERS[parse.step](text)
    if parse.json_event is None:
        return {}
    raw, _ = read_json(text)
    inner = find(raw, parse.json_event.root) if parse.json_event.root else raw
    return inner if isinstance(inner, dict) else raw


def _of_columns(file: PipelineFile, rule: Columns, text: str, header: str | None) -> dict[str, Any]:
    known = {folded(name): name for name in (*raw_names_of(file), *layout_of(rule.default, " "))}
    absent = frozenset({"", *rule.absent})
    if rule.objects and text[:1] == "{":
        every = (*known.values(), *rule.groups)
        held, left = row_of_object(text, Places(every, rule.groups), "")
        if any(held):
            return left | {name: value for name, value in zip(every, held, strict=True) if value and str(value) not in absent}
    layout = [known.get(folded(name), name) for name in layout_of(header or rule.default, rule.separator if header else " ")]
    row = split_carefully(line_of(text), rule.separator, quoted=rule.quoted, brackets=rule.brackets)
    named: dict[str, Any] = {name: value for name, value in zip(layout, row, strict=False) if value not in absent and name != "_"}
    for group, beginnings in rule.groups.items():
        found = ((at, member_of(name, group, beginnings)) for at, name in enumerate(layout[: len(row)]))
        members = [(at, name) for at, name in found if name is not None and layout[at] not in known.values()]
        if values := grouped(row, members, absent):
            named[group] = values
    return named if len(row) <= len(layout) else {**named, "extra": row[len(layout) :]}


def _facts(slice_: Slice, at: int) -> dict[str, Any]:
    facts = {
        "_time": slice_.times[at] if slice_.times else None,
        "_id": slice_.ids[at] if slice_.ids else None,
        "_log_group": slice_.log_group,
        "_log_stream": slice_.log_stream,
        "_account": slice_.account,
        "_region": slice_.region,
        "_source": slice_.source,
        "_detail_type": slice_.detail_type,
        "_envelope_id": slice_.envelope_id,
        "_envelope_time": slice_.envelope_time,
        "_envelope_resources": slice_.envelope_resources,
        "_transport": slice_.transport,
        "_stream": slice_.stream,
        "_s3_bucket": slice_.s3_bucket,
        "_s3_key": slice_.s3_key,
    }
    return {name: value for name, value in facts.items() if value is not None}
