"""Rules over one loaded pipeline: what pydantic cannot see. Each rule is one function in ``RULES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import re2

from service.errors import ContentError
from service.fields import FieldSpec
from service.lint.classes import class_faults
from service.lint.document import value_faults
from service.lint.enrichment import idle_enrichers
from service.lint.news import drift_faults
from service.match import parse_selection
from service.pipeline.load import LoadedPipeline
from service.pipeline.paths import split_path
from service.pipeline.schema import Block, Selection, Step, Translate
from service.yaml_errors import closest
from service.yaml_file import Key, YamlFile

OURS = ("event.module", "event.dataset", "event.ingested", "event.original", "ecs.version")
OURS_BELOW = ("siem.", "project.", "related.")
"""Fields the service fills itself: mechanics, not facts about a source."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule looks at: the pipeline, its blocks with their places, and the names that exist."""

    loaded: LoadedPipeline
    blocks: list[tuple[tuple[Key, ...], Block]]

    def field(self, keys: tuple[Key, ...], name: str) -> Iterator[ContentError]:
        """A fault when the target ``name`` is not declared, or is the service's own."""
        name = name.removesuffix("?")
        if name in OURS or name.startswith(OURS_BELOW):
            yield self.error(keys, "reserved_field", f"`{name}` is filled by the service", "leave it out")
        elif self.spec(name) is None:
            hint = closest(name, self.loaded.catalogue.fields) or f"declare `{name}` in fields.yml"
            yield self.error(keys, "unknown_field", f"`{name}` is no declared field", hint)

    def spec(self, name: str) -> FieldSpec | None:
        """The declared field behind a target, also for a key inside a flat object or an object."""
        name = name.removesuffix("?")
        found = self.loaded.catalogue.get(name)
        while found is None and "." in name:
            name = name.rpartition(".")[0]
            above = self.loaded.catalogue.get(name)
            if above is not None:
                return above if above.type == "flat_object" else None
        return found

    def error(self, keys: tuple[Key, ...], code: str, reason: str, hint: str = "") -> ContentError:
        """A fault at the place of these keys of pipeline.yml."""
        return self.loaded.source.error(keys, code, reason, hint)


def subject(loaded: LoadedPipeline) -> Subject:
    """The pipeline as rules see it."""
    normalise = loaded.source.value.normalise
    if isinstance(normalise, list):
        return Subject(loaded, [(("normalise", at), block) for at, block in enumerate(normalise)])
    return Subject(loaded, [(("normalise",), normalise)])


def check_pipeline(loaded: LoadedPipeline) -> list[ContentError]:
    """Every fault of one pipeline, in the order of its lines; [] when there is none."""
    seen = subject(loaded)
    faults = (fault for rule in RULES for fault in rule(seen))
    return sorted(faults, key=lambda fault: (fault.place.file, fault.place.line, fault.place.column))


def targets_are_declared(seen: Subject) -> Iterator[ContentError]:
    """Right-hand sides name fields of the catalogue."""
    for at, block in seen.blocks:
        times = block.time if isinstance(block.time, list) else [block.time] if block.time else []
        for number, time in enumerate(times):
            keys = (*at, "time", number) if isinstance(block.time, list) else (*at, "time")
            yield from seen.field((*keys, "to"), time.to)
        for raw, target in (block.move or {}).items():
            for number, name in enumerate(target if isinstance(target, list) else [target]):
                yield from seen.field((*at, "move", raw, number), name)
        for part in ("set", "first", "translate"):
            for name in getattr(block, part) or {}:
                yield from seen.field((*at, part, name), name)


def identity_is_declared(seen: Subject) -> Iterator[ContentError]:
    """``sink.id`` names fields that documents have."""
    identity = seen.loaded.source.value.sink.id
    if identity == "position":
        return
    for number, name in enumerate(identity if isinstance(identity, list) else [identity]):
        keys: tuple[Key, ...] = ("sink", "id", number)
        if (spec := seen.spec(name)) is None:
            yield seen.error(keys, "unknown_field", f"`{name}` is no declared field", closest(name, seen.loaded.catalogue.fields))
        elif spec.array or spec.type in ("object", "flat_object", "nested"):
            yield seen.error(keys, "bad_identity", f"`{name}` is not one value", "an id is made of single values")


def raw_paths_parse(seen: Subject) -> Iterator[ContentError]:
    """Left-hand sides are paths into the raw event."""
    for keys, path in _raw_paths(seen):
        try:
            split_path(path)
        except ValueError as error:
            yield seen.error(keys, "bad_path", str(error), 'keys stand between dots: a.b, or in quotes: a."b.c"')


def _raw_paths(seen: Subject) -> Iterator[tuple[tuple[Key, ...], str]]:
    for at, block in seen.blocks:
        for raw in block.move or {}:
            yield (*at, "move", raw), raw
        for part in ("ignore", "forget"):
            for number, raw in enumerate(getattr(block, part) or []):
                yield (*at, part, number), raw


def constants_fit(seen: Subject) -> Iterator[ContentError]:
    """What ``set`` and ``translate`` write is of the field's type and among its allowed values."""
    for at, block in seen.blocks:
        for name, value in (block.set or {}).items():
            yield from _constant(seen, (*at, "set", name), name, value)
        for name, table in (block.translate or {}).items():
            values = table.values if isinstance(table, Translate) else {k: v for k, v in table.items() if k != "from"}
            for key, new in (values or {}).items():
                if not isinstance(table, Translate) and _suspect(table, key):
                    continue
                inner = ("values", key) if isinstance(table, Translate) else (key,)
                yield from _constant(seen, (*at, "translate", name, *inner), name, new)


def _constant(seen: Subject, keys: tuple[Key, ...], name: str, value: object) -> Iterator[ContentError]:
    spec = seen.spec(name)
    if spec is None or spec.name != name.removesuffix("?"):
        return
    for fault in value_faults(spec, value if isinstance(value, list) or not spec.array else [value]):
        yield seen.error(keys, "wrong_value", fault)


def classes_are_allowed(seen: Subject) -> Iterator[ContentError]:
    """``classify`` gives only values and pairs that ECS allows."""
    for at, block in seen.blocks:
        for name, values in (block.classify or {}).items():
            for value, given in values.items():
                for key, code, reason, hint in class_faults(given, seen.loaded.catalogue):
                    yield seen.error((*at, "classify", name, value, key), code, reason, hint)


def tables_exist(seen: Subject) -> Iterator[ContentError]:
    """``translate`` names a shared table, or has values."""
    from service.normalise.tables import TABLES

    for at, block in seen.blocks:
        for name, table in (block.translate or {}).items():
            keys = (*at, "translate", name)
            if isinstance(table, Translate):
                if table.table is None and not table.values:
                    yield seen.error(keys, "no_values", f"nothing translates `{name}`", "give `table` or `values`")
                elif table.table is not None and table.table not in TABLES:
                    hint = closest(table.table, TABLES) or f"there are: {', '.join(sorted(TABLES))}"
                    yield seen.error((*keys, "table"), "unknown_table", f"there is no table `{table.table}`", hint)
            else:
                for key in table:
                    if hint := _suspect(table, key):
                        yield seen.error((*keys, key), "suspect_key", f"`{key}` would be a value to translate", hint)


def _suspect(table: Mapping[str, object], key: str) -> str:
    """A hint when a value to translate looks like a misspelt key of the language."""
    return closest(key, ("table", "values")) if "from" in table else ""


def steps_exist(seen: Subject) -> Iterator[ContentError]:
    """``step`` names a registered step, its inputs and its outputs."""
    for at, block in seen.blocks:
        if isinstance(block.step, Step):
            yield from _step(seen, (*at, "step"), block.step)
        for number, step in enumerate(block.step if isinstance(block.step, list) else []):
            yield from _step(seen, (*at, "step", number), step)


def _step(seen: Subject, keys: tuple[Key, ...], step: Step) -> Iterator[ContentError]:
    from service.normalise.steps import STEPS

    spec = STEPS.get(step.name)
    if spec is None:
        hint = closest(step.name, STEPS) or f"there are: {', '.join(sorted(STEPS))}"
        yield seen.error((*keys, "name"), "unknown_step", f"there is no step `{step.name}`", hint)
        return
    for given in step.source if isinstance(step.source, dict) else ():
        if given not in spec.inputs:
            hint = closest(given, spec.inputs) or f"it takes: {', '.join(spec.inputs)}"
            yield seen.error((*keys, "from", given), "unknown_input", f"`{step.name}` takes no `{given}`", hint)
    for output, target in step.to.items():
        if output not in spec.outputs:
            hint = closest(output, spec.outputs) or f"it gives: {', '.join(spec.outputs)}"
            yield seen.error((*keys, "to", output), "unknown_output", f"`{step.name}` gives no `{output}`", hint)
        for name in target if isinstance(target, list) else [target]:
            if not name.startswith("related."):  # a step may know of an address that no field holds
                yield from seen.field((*keys, "to", output), name)


def selections_parse(seen: Subject) -> Iterator[ContentError]:
    """Every route, when and drop is a Sigma selection."""
    for keys, selection in _selections(seen):
        yield from selection_faults(seen.loaded.source, keys, selection)
    if seen.loaded.tuning is not None:
        tuning = seen.loaded.tuning
        for rule, selection in tuning.value.drop.items():
            yield from selection_faults(tuning, ("drop", rule), selection)
        for rule, sample in tuning.value.sample.items():
            yield from selection_faults(tuning, ("sample", rule, "when"), sample.get("when"))


def selection_faults(file: YamlFile[Any], keys: tuple[Key, ...], selection: object) -> Iterator[ContentError]:
    """A fault when what stands under these keys is not a selection."""
    try:
        parse_selection(selection, file.place(*keys), lambda *inner: file.place(*keys, *inner))
    except ContentError as error:
        yield error


def _selections(seen: Subject) -> Iterator[tuple[tuple[Key, ...], Selection]]:
    file = seen.loaded.source.value
    yield ("route",), file.route
    if file.parse.pattern is not None:
        for number, shape in enumerate(file.parse.pattern.any_of):
            if shape.when is not None:
                yield ("parse", "pattern", "any_of", number, "when"), shape.when
    for at, block in seen.blocks:
        if block.when is not None:
            yield (*at, "when"), block.when
        for rule, selection in (block.drop or {}).items():
            yield (*at, "drop", rule), selection


def patterns_compile(seen: Subject) -> Iterator[ContentError]:
    """Regexes are RE2 with named groups, each name once."""
    pattern = seen.loaded.source.value.parse.pattern
    for number, shape in enumerate(pattern.any_of if pattern else ()):
        keys = ("parse", "pattern", "any_of", number, "regex")
        options = re2.Options()
        options.log_errors = False
        try:
            compiled = re2.compile(shape.regex, options)
        except re2.error as error:
            reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            hint = "RE2 knows no look-around and no back references" if "(?" in reason else ""
            yield seen.error(keys, "bad_regex", reason, hint)
            continue
        if not compiled.groupindex:
            yield seen.error(keys, "no_groups", "captures nothing", "name what it finds: (?P<name>…)")


def parser_is_one(seen: Subject) -> Iterator[ContentError]:
    """``parse`` says how, once."""
    parse = seen.loaded.source.value.parse
    given = [key.removesuffix("_event") for key in ("json_event", "columns", "step") if getattr(parse, key) is not None]
    if not given and parse.pattern is None:
        yield seen.error(("parse",), "no_parser", "says nothing", "give json, columns, step or pattern")
    elif len(given) > 1:
        yield seen.error(("parse",), "two_parsers", f"has {' and '.join(given)}: which?", "keep one")
    if parse.columns is not None:
        names_seen: set[str] = set()
        for name in parse.columns.default.split():
            if name in names_seen and name != "_":
                yield seen.error(("parse", "columns", "default"), "duplicate_column", f"`{name}` stands there twice")
            names_seen.add(name)


def news_is_of_tables(seen: Subject) -> Iterator[ContentError]:
    """Values that are news are of fields that have a table."""
    for number, reason, hint in drift_faults(seen.loaded.file, [block for _, block in seen.blocks]):
        yield seen.error(("drift", "values", number), "no_table", reason, hint)


def enrichers_have_fields(seen: Subject) -> Iterator[ContentError]:
    """What is to be enriched is set."""
    for number, reason in idle_enrichers(seen.loaded.file, [block for _, block in seen.blocks]):
        yield seen.error(("enrich", number), "idle_enricher", reason, "set it, or leave the enricher out")


RULES: tuple[Callable[[Subject], Iterator[ContentError]], ...] = (
    targets_are_declared,
    identity_is_declared,
    raw_paths_parse,
    constants_fit,
    classes_are_allowed,
    tables_exist,
    steps_exist,
    selections_parse,
    patterns_compile,
    parser_is_one,
    news_is_of_tables,
    enrichers_have_fields,
)
