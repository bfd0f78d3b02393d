"""Pipeline files + enrichers → a compiled pipeline."""

from __future__ import annotations

import linecache
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast

import orjson
from msgspec.structs import astuple

from service.enrich.enrichers import Enrichers
from service.errors import ContentError, ContentErrors, EventError
from service.normalise.cast import LONG, dumps, quote, quote_all, to_keyword, to_long
from service.normalise.related import distinct
from service.normalise.steps.leftovers import safe_leftover
from service.normalise.time import READERS, Times, suffix_of, syslog
from service.parse.columns import layout_of, line_of, split_bracketed, split_carefully, split_quoted, split_separated
from service.parse.joins import JOINS
from service.parse.json_event import read_json
from service.parse.masks import MASKS
from service.parse.objects import Places, grouped
from service.parse.steps import DECODING, PARSERS
from service.pipeline import leaves, runtime
from service.pipeline.code import Constants
from service.pipeline.compiled import Carry, CompiledPipeline, Unusable
from service.pipeline.emission import emitted, listed, threat_members
from service.pipeline.flaw import cannot_cast, flag, joined, keep, keep_elements, keep_rest, unknown
from service.pipeline.function import CLEAN_JSON, SHORT, Written, write_function, write_shaped
from service.pipeline.leaves import Layout
from service.pipeline.load import LoadedPipeline
from service.pipeline.memo import PartMemo, Room, StepMemo
from service.pipeline.parts import likeness
from service.pipeline.paths import gather, split_path, taken_of
from service.pipeline.schema import PipelineFile
from service.pipeline.shapes import Build, Shapes, Sorter, shape_of, write_sorter
from service.pipeline.watch import NOTHING, Watch

SCALARS = frozenset({str, int, float, bool})


def compile_pipeline(loaded: LoadedPipeline, enrichers: Enrichers, watch: Watch = NOTHING) -> CompiledPipeline:
    """The pipeline as straight-line code over these enrichers. Raises ContentErrors with the place of what is wrong.

    ``watch``: output fields to hand out beside the documents; ``CompiledPipeline.watch`` are those that can be.
    """
    version = version_of(loaded)
    fields: set[str] = set()
    memos: dict[object, object] = {}

    general: Written | None = None
    settled: Watch | None = None

    columns = loaded.file.parse.columns
    raw_names = raw_names_of(loaded.file) if columns is not None else ()
    known = (name for names in (columns.known if columns is not None else ()) for name in layout_of(names, " "))
    widest = tuple(dict.fromkeys((*raw_names, *known)))

    def build(layout: tuple[str, ...] | None, *, objects: bool = False) -> Carry:
        nonlocal general, settled
        wanted = watch if settled is None else settled
        general = write_function(loaded, layout, version, wanted, settled=settled is not None, objects=objects)
        if layout is not widest and settled is None:
            settled = general.watch  # what the function for most events can tell, all must
        fields.update(emitted(general.slots, loaded.catalogue.fields, loaded.file))
        function: Carry = _bind(general, loaded, enrichers, version, memos)
        general = replace(general, source="")  # 300 kB of text a dataset, which nobody reads again
        return function

    def shapes() -> Shapes | None:
        return None if general is None else _shapes(loaded, general, enrichers, version, memos)

    try:
        _masks_exist(loaded)
        _join_exists(loaded)
        if columns is not None:
            build(widest)  # every column that a step reads: its fields belong in the index template
        made = CompiledPipeline(loaded.file, loaded.catalogue, version, fields, raw_names, build, shapes)
    except ContentError as error:
        raise ContentErrors(str(loaded.folder), [error]) from error
    made.watch = settled or NOTHING
    return made


def _shapes(
    loaded: LoadedPipeline, general: Written, enrichers: Enrichers, version: str, memos: dict[object, object]
) -> Shapes | None:
    """The sorter of events that are objects and the compiler of their shapes, where that pays."""
    parse = loaded.file.parse
    blocks = loaded.file.normalise if isinstance(loaded.file.normalise, list) else [loaded.file.normalise]
    are_objects = parse.json_event is not None or parse.step in DECODING
    if not are_objects or parse.pattern is not None or any(block.forget and block.when is None for block in blocks):
        return None
    layout = _layout_of(loaded, general)

    def sorted_by(layout: Layout | None) -> tuple[Sorter, Build]:
        branches, constants = general.branches, Constants()
        if layout is None:
            root = parse.json_event.root if parse.json_event is not None else None
            clean, read = (
                (CLEAN_JSON, "loads") if parse.step is None else (SHORT, constants.name(("parser", parse.step), "PARSE"))
            )
            source = write_sorter(branches, split_path(root) if root is not None else None, clean, read)
        else:
            branches = tuple(path for path in branches if not path or path[0] in layout.shaped)
            source = leaves.write_sorter(layout, branches, CLEAN_JSON)
            constants = Constants({"decode": leaves.decoder(layout), "astuple": astuple})

        def shaped(example: Any) -> Callable[..., None]:
            raw = example if layout is None else dict(zip(layout.keys, example, strict=True))
            written = write_shaped(loaded, version, shape_of(raw, branches), layout, general.watch)
            function: Callable[..., None] = _bind(written, loaded, enrichers, version, memos)
            return function

        return _bind(Written(source, constants, {}, branches), loaded, enrichers, version, memos, "sort"), shaped

    def widen(texts: list[str]) -> tuple[Sorter, Build] | None:
        nonlocal layout
        wider = None if layout is None else leaves.wider(layout, texts)
        if wider is None:
            return None
        layout = wider
        return sorted_by(wider)

    return Shapes(*sorted_by(layout), None if layout is None else widen)


def _layout_of(loaded: LoadedPipeline, general: Written) -> Layout | None:
    """The keys of events of which parts repeat; None where the pipeline says of none that it does."""
    parse = loaded.file.parse
    groups = tuple(map(tuple, parse.json_event.repeats)) if parse.json_event is not None else ()
    seen: set[str] = set()
    for number, group in enumerate(groups):
        for index, key in enumerate(group):
            if key not in general.keys or key in seen:
                problem = f"{key} is in two groups" if key in seen else f"no step reads {key}"
                raise loaded.source.error(("parse", "json", "repeats", number, index), "useless_repeat", problem, "leave it out")
            seen.add(key)
    objects = frozenset(path[0] for path in general.branches if path and path[0] in seen)
    blocks = loaded.file.normalise if isinstance(loaded.file.normalise, list) else [loaded.file.normalise]
    if not seen.isdisjoint(split_path(path)[0] for block in blocks for path in block.forget or ()):
        raise loaded.source.error(
            ("parse", "json", "repeats"), "forgotten_repeat", "something below a key is forgotten", "leave it out"
        )
    without = parse.json_event is not None and parse.json_event.absent  # words for nothing are looked for in dicts only
    return Layout(general.keys, groups, objects) if groups and not without else None


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
    said = loaded.file.model_dump(mode="json", by_alias=True, exclude={"drift"})
    tuned = loaded.tuning.value.model_dump(mode="json", by_alias=True) if loaded.tuning is not None else None
    return blake2b(orjson.dumps([said, tuned], option=orjson.OPT_SORT_KEYS), digest_size=5).hexdigest()


def source_of(loaded: LoadedPipeline) -> str:
    """The generated Python, for people who want to see it."""
    columns = loaded.file.parse.columns
    return write_function(loaded, tuple(columns.default.split()) if columns else None, version_of(loaded)).source


def _bind(
    written: Written,
    loaded: LoadedPipeline,
    enrichers: Enrichers,
    version: str,
    memos: dict[object, object],
    function: str = "carry",
) -> Any:
    """Execute the source; ``memos`` are the tables that all functions of one pipeline share, so that they stay bounded."""
    source, constants = written.source, written.constants.bound
    suffix = suffix_of(loaded.file.sink.period)
    scope: dict[str, object] = {
        "EventError": EventError, "LONG": LONG, "SCALARS": SCALARS, "Unusable": Unusable,
        "addresses": enrichers.addresses, "agents": enrichers.agents, "domains": enrichers.domains,
        "domain_threats": enrichers.domain_threats, "hash_threats": enrichers.hash_threats,
        "accounts": enrichers.accounts, "identities": enrichers.identities, "community_id": enrichers.community_id,
        "below": runtime.below, "cannot_cast": cannot_cast, "canonical": runtime.canonical, "count_flaw": runtime.count_flaw,
        "EMPTY": ("", "-", [], {}, None), "distinct": distinct, "dumps": dumps, "fitted": runtime.fitted, "flag": flag,
        "gather": gather, "identity": runtime.identity, "joined": joined, "keep": keep,
        "keep_elements": keep_elements, "keep_rest": keep_rest,
        "grouped": grouped, "keep_columns": runtime.keep_columns,
        "line_of": line_of, "loads": orjson.loads, "members": runtime.members, "plain_members": runtime.plain_members,
        "unknown": unknown, "quote": quote, "quote_all": quote_all, "read_json": read_json,
        "remove": runtime.remove, "safe_leftover": safe_leftover, "sampled": runtime.sampled,
        "split_bracketed": split_bracketed, "split_carefully": split_carefully, "split_quoted": split_quoted,
        "split_separated": split_separated, "taken_of": taken_of,
        "listed": listed, "threat_members": threat_members, "to_keyword": to_keyword, "whole": _whole,
    }  # fmt: skip
    for name, value in constants.items():
        match value:
            case ("times", str(form)):
                made = Times(_syslog if form == "syslog" else READERS[form], suffix)
                scope[name] = memos.setdefault(value, made)
            case ("memo", step) if callable(step):
                scope[name] = memos.setdefault(value, StepMemo(step))
            case ("places", tuple(layout), tuple(groups)):
                scope[name] = memos.setdefault(value, Places(layout, {group: begin for group, *begin in groups}))
            case ("parser", str(step)):
                scope[name] = _parser(loaded, step)
            case _:
                scope[name] = value
    name = f"{loaded.dataset} {version} {function}"
    _show_in_tracebacks(name, source)
    exec(compile(source, name, "exec"), scope)  # noqa: S102 - our own generated code; see service.pipeline.code
    room = cast("Room", memos.setdefault(Room, Room()))
    for part in written.carved:
        key = likeness(part, constants)
        if key not in memos:
            memos[key] = PartMemo(cast("Callable[..., tuple[Any, ...]]", scope[part.function]), room, single=part.single)
        scope[part.table] = memos[key]
    return scope[function]


def _show_in_tracebacks(name: str, source: str) -> None:
    """Let tracebacks show lines of generated code, which is kept compressed: of all datasets it would be 14 MB.

    An entry of one element is called when somebody wants the lines (linecache's way to load lazily); not of names in ``<>``.
    """
    packed = zlib.compress(source.encode())
    linecache.cache[name] = (lambda: zlib.decompress(packed).decode(),)


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


def _join_exists(loaded: LoadedPipeline) -> None:
    parse = loaded.file.parse
    if parse.join is None:
        return
    if parse.join not in JOINS:
        hint = "known: " + ", ".join(sorted(JOINS))
        raise loaded.source.error(("parse", "join"), "unknown_join", f"there is no join {parse.join}", hint)
    if parse.json_event is not None or parse.columns is not None:
        raise loaded.source.error(("parse", "join"), "useless_join", "objects and lines of columns are whole", "use a step")


def _masks_exist(loaded: LoadedPipeline) -> None:
    for number, mask in enumerate(loaded.file.parse.mask):
        if mask not in MASKS:
            hint = "known: " + ", ".join(sorted(MASKS))
            raise loaded.source.error(("parse", "mask", number), "unknown_mask", f"there is no mask {mask}", hint)


def _whole(text: str) -> int:
    number = to_long(text)
    if number is None:
        raise ValueError(text)
    return number
