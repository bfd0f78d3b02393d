"""Pipeline files + enrichers → a compiled pipeline."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from service.enrich.enrichers import Enrichers
from service.errors import ContentError, ContentErrors, EventError
from service.normalise.cast import LONG, dumps, quote, quote_all, to_keyword, to_long
from service.normalise.related import distinct
from service.normalise.steps.leftovers import safe_leftover
from service.normalise.time import READERS, Times, suffix_of, syslog
from service.parse.columns import line_of, split_bracketed, split_carefully, split_quoted
from service.parse.json_event import read_json
from service.parse.steps import PARSERS
from service.pipeline import runtime
from service.pipeline.compiled import Carry, CompiledPipeline, Unusable
from service.pipeline.emission import emitted, threat_members
from service.pipeline.flaw import cannot_cast, flag, keep, keep_rest
from service.pipeline.function import CLEAN_JSON, write_function, write_shaped
from service.pipeline.load import LoadedPipeline
from service.pipeline.paths import gather, split_path
from service.pipeline.schema import PipelineFile
from service.pipeline.shapes import Shapes, shape_of, write_sorter

_ANSWERS = 4096
SCALARS = frozenset({str, int, float, bool})


def compile_pipeline(loaded: LoadedPipeline, enrichers: Enrichers) -> CompiledPipeline:
    """The pipeline as straight-line code over these enrichers. Raises ContentErrors with the place of what is wrong."""
    version = version_of(loaded)
    fields: set[str] = set()
    memos: dict[object, object] = {}

    branches: tuple[tuple[str, ...], ...] = ()

    def build(layout: tuple[str, ...] | None) -> Carry:
        nonlocal branches
        written = write_function(loaded, layout, version)
        branches = written.branches
        fields.update(emitted(written.slots, loaded.catalogue.fields, loaded.file))
        function: Carry = _bind(written.source, written.constants.bound, loaded, enrichers, version, memos)
        return function

    def shaped(example: dict[str, Any]) -> Callable[..., None]:
        written = write_shaped(loaded, version, shape_of(example, branches))
        function: Callable[..., None] = _bind(written.source, written.constants.bound, loaded, enrichers, version, memos)
        return function

    def shapes() -> Shapes | None:
        parse = loaded.file.parse
        blocks = loaded.file.normalise if isinstance(loaded.file.normalise, list) else [loaded.file.normalise]
        if parse.json_event is None or parse.pattern is not None or any(block.forget and block.when is None for block in blocks):
            return None
        root = parse.json_event.root
        source = write_sorter(branches, split_path(root) if root is not None else None, CLEAN_JSON)
        return Shapes(_bind(source, {}, loaded, enrichers, version, memos, "sort"), shaped)

    try:
        raw_names: tuple[str, ...] = ()
        if loaded.file.parse.columns is not None:
            raw_names = raw_names_of(loaded.file)
            build(raw_names)  # every column that a step reads: its fields belong in the index template
        return CompiledPipeline(loaded.file, loaded.catalogue, version, fields, raw_names, build, shapes)
    except ContentError as error:
        raise ContentErrors(str(loaded.folder), [error]) from error


def raw_names_of(file: PipelineFile) -> tuple[str, ...]:
    """Raw fields that move and time name, in order."""
    names: dict[str, None] = {}
    for block in file.normalise if isinstance(file.normalise, list) else [file.normalise]:
        names |= dict.fromkeys(block.move or ())
        for rule in block.time if isinstance(block.time, list) else [block.time] if block.time else []:
            names |= dict.fromkeys([rule.field] if isinstance(rule.field, str) else rule.field)
    return tuple(name for name in names if not name.startswith("_"))


def version_of(loaded: LoadedPipeline) -> str:
    """Ten hex digits over everything that decides what the pipeline makes of an event."""
    said = loaded.file.model_dump(mode="json", by_alias=True)
    tuned = loaded.tuning.value.model_dump(mode="json", by_alias=True) if loaded.tuning is not None else None
    return blake2b(orjson.dumps([said, tuned], option=orjson.OPT_SORT_KEYS), digest_size=5).hexdigest()


def source_of(loaded: LoadedPipeline) -> str:
    """The generated Python, for people who want to see it."""
    columns = loaded.file.parse.columns
    return write_function(loaded, tuple(columns.default.split()) if columns else None, version_of(loaded)).source


def _bind(
    source: str,
    constants: dict[str, object],
    loaded: LoadedPipeline,
    enrichers: Enrichers,
    version: str,
    memos: dict[object, object],
    function: str = "carry",
) -> Any:
    """Execute the source; ``memos`` are the tables that all functions of one pipeline share, so that they stay bounded."""
    suffix = suffix_of(loaded.file.sink.period)
    scope: dict[str, object] = {
        "EventError": EventError, "LONG": LONG, "SCALARS": SCALARS, "Unusable": Unusable,
        "addresses": enrichers.addresses, "agents": enrichers.agents, "domains": enrichers.domains,
        "domain_threats": enrichers.domain_threats, "hash_threats": enrichers.hash_threats,
        "accounts": enrichers.accounts, "community_id": enrichers.community_id,
        "below": runtime.below, "cannot_cast": cannot_cast, "canonical": runtime.canonical, "count_flaw": runtime.count_flaw,
        "EMPTY": ("", "-", [], {}, None), "distinct": distinct, "dumps": dumps, "fitted": runtime.fitted, "flag": flag,
        "gather": gather,
        "identity": runtime.identity, "keep": keep, "keep_rest": keep_rest, "line_of": line_of, "loads": orjson.loads,
        "members": runtime.members,
        "quote": quote, "quote_all": quote_all, "read_json": read_json,
        "remove": runtime.remove, "safe_leftover": safe_leftover, "sampled": runtime.sampled,
        "split_bracketed": split_bracketed, "split_carefully": split_carefully, "split_quoted": split_quoted,
        "threat_members": threat_members, "to_keyword": to_keyword, "whole": _whole,
    }  # fmt: skip
    for name, value in constants.items():
        match value:
            case ("times", str(form)):
                made = Times(_syslog if form == "syslog" else READERS[form], suffix)
                scope[name] = memos.setdefault(value, made)
            case ("memo", step) if callable(step):
                scope[name] = memos.setdefault(value, StepMemo(step))
            case ("parser", str(step)):
                scope[name] = _parser(loaded, step)
            case _:
                scope[name] = value
    name = f"<{loaded.dataset} {version} {function}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), scope)  # noqa: S102 - our own generated code; see service.pipeline.code
    return scope[function]


class StepMemo(dict[tuple[object, ...], tuple[object, ...]]):
    """Arguments of a step → what it gave for them; forgets everything when it holds 4,096 answers."""

    def __init__(self, function: Callable[..., tuple[object, ...]]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, arguments: tuple[object, ...]) -> tuple[object, ...]:
        """Ask the step, remember, give."""
        if len(self) >= _ANSWERS:
            self.clear()
        given = self[arguments] = self._function(*arguments)
        return given


def _syslog(key: object) -> tuple[datetime, str] | None:
    match key:
        case (text, int(arrival_ms)):
            return syslog(text, arrival_ms)
        case _:
            return None


def _parser(loaded: LoadedPipeline, step: str) -> object:
    if step not in PARSERS:
        raise loaded.source.error(
            ("parse", "step"),
            "unknown_parse_step",
            f"there is no parse step {step}",
            "known: " + ", ".join(sorted(PARSERS)),
        )
    return PARSERS[step]


def _whole(text: str) -> int:
    number = to_long(text)
    if number is None:
        raise ValueError(text)
    return number
