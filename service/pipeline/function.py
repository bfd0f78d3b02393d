"""The function of one dataset (and one layout of columns), as Python source: a loop over a slice's raw events.

Every event is written twice: the fast form takes events whose strings need no JSON escapes; whatever it cannot take (it
raises, or does not try) goes through the careful form, which escapes, cuts, repairs, and says what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.match import parse_selection, predicate, to_python
from service.normalise.block import write_blocks
from service.normalise.related import write_related
from service.normalise.timing import times_of
from service.parse.pattern import write_pattern
from service.pipeline.code import Code, Constants
from service.pipeline.document import Part, Shape, Writer
from service.pipeline.draft import Draft
from service.pipeline.emission import write_enrichment, write_fields, write_service_fields
from service.pipeline.load import LoadedPipeline
from service.pipeline.paths import split_path
from service.pipeline.raw import FACTS, Row, Tree
from service.pipeline.schema import Block
from service.pipeline.slots import Slot

LONGEST_FAST = 32_000
"""Characters of a raw event that the fast form takes: no string in it can be too long for a keyword."""


@dataclass(frozen=True, slots=True)
class Written:
    """Source of a function ``carry``, the constants it refers to, and its output fields."""

    source: str
    constants: Constants
    slots: dict[str, Slot]


def write_function(loaded: LoadedPipeline, layout: tuple[str, ...] | None, version: str) -> Written:
    """Compile the pipeline for one layout of columns (None where there are none). Raises ContentError with the place."""
    return _Function(loaded, layout, version).written()


class _Function:
    def __init__(self, loaded: LoadedPipeline, layout: tuple[str, ...] | None, version: str) -> None:
        self.loaded = loaded
        self.file = loaded.file
        self.layout = layout
        self.version = version
        self.constants = Constants()
        normalise = self.file.normalise
        self.blocks: list[Block] = [normalise] if isinstance(normalise, Block) else normalise
        self._single = isinstance(normalise, Block)

    def place(self, number: int, *keys: str | int) -> object:
        """Where in pipeline.yml a step stands."""
        return self.loaded.source.place("normalise", *(keys if self._single else (number, *keys)))

    def written(self) -> Written:
        """The whole function."""
        code = Code()
        slots: dict[str, Slot] = {}
        with code.block("def carry(slice_, ingested, pieces, at, dead, dropped, flags):"):
            prolog, fast, careful = Code(code), Code(code), Code(code)
            with careful.block("def careful(i, text):"):
                slots |= self._event(careful, prolog, careful=True)
            with fast.block("for i, text in enumerate(slice_.events):"):
                with fast.block("try:"), fast.block(f"if {self._clean()}:"):
                    if self.layout is not None:
                        self._split(fast)
                        with fast.block(f"if {self._nothing_absent()}:"):
                            self._event(fast, prolog, careful=False, full=True)
                    self._event(fast, prolog, careful=False)
                with fast.block("except Exception:"):
                    fast.add("pass")
                with fast.block("try:"):
                    fast.add("piece = careful(i, text)")
                with fast.block("except EventError as error:"):
                    fast.add("dead.append(Unusable(i, error.stage, error.code, error.reason, error.field))")
                with fast.block("except Exception as error:"):
                    fast.add(
                        "dead.append(Unusable(i, 'normalise', 'pipeline_error', f'{type(error).__name__}: {error}', None))"
                    )
                with fast.block("else:"), fast.block("if piece is not None:"):
                    fast.add("pieces.append(piece)", "at.append(i)")
            self._prolog(code)
            code.splice(prolog)
            code.splice(careful)
            code.splice(fast)
        return Written(code.text(), self.constants, slots)

    def _clean(self) -> str:
        columns = self.file.parse.columns
        if self.file.parse.json_event is not None:
            return f"'\\\\' not in text and len(text) < {LONGEST_FAST}"
        quotes = "" if columns is not None and columns.quoted else "'\"' not in text and "
        tab = ".replace('\\t', ' ')" if columns is not None and columns.separator == "\t" else ""
        return (
            f"{quotes}'\\\\' not in text and text.isascii() and len(text) < {LONGEST_FAST} and text{tab}.isprintable()"
        )

    def _prolog(self, code: Code) -> None:
        for fact in (
            "log_group",
            "log_stream",
            "account",
            "region",
            "detail_type",
            "envelope_id",
            "envelope_time",
            "transport",
            "stream",
            "arrival_ms",
            "first",
        ):
            code.add(f"{fact} = slice_.{fact}")
        code.add("source_name = slice_.source", "times = slice_.times", "ids = sound_ids(slice_.ids)")
        prefix = f"siem-{self.file.dataset}-"
        code.add(
            f"index_prefix = {prefix!r} + slice_.project + '-' + slice_.environment + '-'",
            "position = position_prefix(slice_, ids)",
            "arrived, cloudwatch, eventbridge, region_member = slice_members(slice_)",
            "low, high = window(arrival_ms)",
            "views = {}",
        )

    def _split(self, code: Code) -> None:
        columns = self.file.parse.columns
        if columns is not None:
            code.add("row = split_quoted(text)" if columns.quoted else f"row = text.split({columns.separator!r})")
            code.add(f"if len(row) != {len(self.layout or ())}: raise ValueError")

    def _nothing_absent(self) -> str:
        columns = self.file.parse.columns
        absent = columns.absent if columns is not None else []
        return " and ".join(["'' not in row", *(f"{mark!r} not in row" for mark in absent if mark)])

    def _event(self, code: Code, prolog: Code, *, careful: bool, full: bool = False) -> dict[str, Slot]:
        steps, reads = Code(code), Code(code)
        row = self.layout is not None
        columns = self.file.parse.columns
        raw: Row | Tree = (
            Row(code, self.layout or (), frozenset(columns.absent if columns else ()), full=full) if row else Tree(code)
        )
        draft = Draft(steps, self.constants, self.loaded.catalogue, raw, careful=careful)
        if self.file.parse.pattern is not None:
            draft.place = self.loaded.source.place("parse", "pattern")
            write_pattern(draft, self.file.parse.pattern)
        write_blocks(draft, self.blocks, self.place, drop=lambda rule: self._drop(draft, rule))
        self._keep_unplaced(draft)
        self._tuning(draft)
        self._timestamp(draft)
        write_related(draft)
        shape = Shape()
        self._emission(draft, shape)
        writer = Writer(steps, prolog)
        document = writer.document(shape)
        self._finish(draft, document, careful=careful)
        self._parse(code, draft)
        raw.write(reads, self.constants)
        used = sorted(read.conditional for read in raw.reads.values() if read.conditional is not None)
        if used:
            code.add(" = ".join(used) + " = False")
        code.add(" = ".join(slot.local for slot in draft.slots.values()) + " = None" if draft.slots else "pass")
        code.splice(reads)
        code.splice(steps)
        return draft.slots

    def _parse(self, code: Code, draft: Draft) -> None:
        parse, careful = self.file.parse, draft.careful
        code.add("flaw = None")
        if any(read.local == "transport_time" for read in draft.raw.reads.values()):
            code.add("transport_time = times[i] if times is not None else None")
        if any(read.local == "transport_id" for read in draft.raw.reads.values()):
            code.add("transport_id = ids[i] if ids is not None else None")
        if parse.columns is not None and self.layout is not None:
            columns = parse.columns
            if careful:
                code.add(
                    f"row, flaw = fitted(split_carefully(text, {columns.separator!r}, quoted={columns.quoted}), "
                    f"{len(self.layout)}, {columns.minimum}, {columns.extra == 'refuse'}, "
                    f"{self.constants.name((columns.absent or [''])[0])})"
                )
        elif parse.step is not None:
            code.add(f"raw = {self.constants.name(('parser', parse.step), 'PARSE')}(text)")
        elif parse.json_event is not None:
            if careful:
                code.add("raw, repaired = read_json(text)", "if repaired: flaw = flag(flaw, 'json_repaired')")
            else:
                code.add("raw = loads(text)", "if raw.__class__ is not dict: raise ValueError")
            if parse.json_event.root is not None:
                code.add(f"raw = below(raw, {self.constants.name(split_path(parse.json_event.root))})")
        else:
            code.add("raw = {}")
        self._forget(code)

    def _forget(self, code: Code) -> None:
        blocks = [(number, block) for number, block in enumerate(self.blocks) if block.forget]
        if not blocks:
            return
        code.add("secret = False")
        for number, block in blocks:
            paths = self.constants.name(tuple(split_path(path) for path in block.forget or ()))
            forget = f"secret = remove(raw, {paths}) or secret"
            if block.when is None:
                code.add(forget)
            else:
                place = self.loaded.source.place("normalise", *(("when",) if self._single else (number, "when")))
                test = predicate(parse_selection(block.when, place))
                code.add(f"if {self.constants.name(test, 'FORGET')}(raw): {forget}")

    def _drop(self, draft: Draft, rule: str) -> None:
        draft.code.add(
            f"dropped[{rule!r}] = dropped.get({rule!r}, 0) + 1", "return None" if draft.careful else "continue"
        )

    def _tuning(self, draft: Draft) -> None:
        tuning = self.loaded.tuning
        if tuning is None:
            return
        for rule, selection in tuning.value.drop.items():
            draft.place = tuning.place("drop", rule)
            test = to_python(parse_selection(selection, draft.place), draft.value, self.constants.bound)
            with draft.code.block(f"if {test}:"):
                self._drop(draft, rule)
        for rule, sample in tuning.value.sample.items():
            draft.place = tuning.place("sample", rule)
            when = sample.get("when")
            test = to_python(parse_selection(when, draft.place), draft.value, self.constants.bound) if when else "True"
            with draft.code.block(f"if {test} and not sampled(text, {float(sample['keep'])!r}):"):
                self._drop(draft, rule)

    def _keep_unplaced(self, draft: Draft) -> None:
        for read in list(draft.raw.reads.values()):
            overlaid = read.local in draft.raw.overlay.values()
            if read.consumed or read.path[0] in ("_pattern", *FACTS):
                continue
            name = self.constants.name(read.path)
            if read.conditional is not None:
                draft.code.add(
                    f"if not {read.conditional} and {read.local} is not None: flaw = keep(flaw, {name}, {read.local})"
                )
            elif overlaid:
                draft.code.add(f"if {read.local} is not None: flaw = keep(flaw, {name}, {read.local})")
        known = {read.path[0] for read in draft.raw.reads.values() if len(read.path) == 1}
        for group, local in draft.raw.overlay.items():
            if group not in known and group != "_pattern":
                draft.code.add(f"if {local} is not None: flaw = keep(flaw, {self.constants.name((group,))}, {local})")

    def _timestamp(self, draft: Draft) -> None:
        slot = draft.slot("@timestamp")
        milli = times_of(draft, "epoch_milli")
        otherwise = "" if slot.sure else f" or {milli}[times[i] if times is not None else arrival_ms]"
        draft.code.add(
            f"moment = {slot.local}{otherwise}",
            "timestamp = '\"' + moment[0] + '\"'",
            "suffix = moment[2]",
        )
        with draft.code.block("if not low <= moment[1] <= high:"):
            draft.code.add(
                f"suffix = {milli}[arrival_ms][2]",
                "flaw = flag(flaw, 'time_out_of_range', '@timestamp ' + moment[0] + ' is far from the arrival of its record')",
            )
        slot.touch(sure=True)

    def _emission(self, draft: Draft, shape: Shape) -> None:
        slot = draft.slots.get("cloud.account.id")
        account = "account" if slot is None or not slot.touched else slot.local if slot.sure else f"({slot.local} or account)"
        draft.code.add(f"view = views.get({account})")
        with draft.code.block("if view is None:"):
            draft.code.add(
                f"view = views[{account}] = accounts.fragment(slice_.project, slice_.environment, {account})"
            )
        draft.code.add("if view[2]: flaw = flag(flaw, 'account_mismatch')")
        write_fields(draft, shape, self.file)
        write_enrichment(draft, shape, self.file)
        if self.file.sink.original:
            text = "quote(text)"
            if (
                not draft.careful
                and self.file.parse.json_event is None
                and not (self.file.parse.columns and self.file.parse.columns.quoted)
            ):
                text = "'\"' + text + '\"'"
            if any(block.forget for block in self.blocks):
                text = f"(quote(dumps(raw)) if secret else {text})"
            opening = ',"original":'
            draft.code.add(f"original = {opening!r} + {text}")
        module = self.file.dataset.partition(".")[0]
        draft.code.add("unmapped = ''")
        with draft.code.block("if flaw is not None and flaw.left:"):
            draft.code.add("unmapped = ',\"unmapped\":' + safe_leftover(flaw.left)")
        shape.put_optional(module, Part("event", "unmapped"))
        write_service_fields(draft, shape, self.file, self.version)

    def _finish(self, draft: Draft, document: str, *, careful: bool) -> None:
        code = draft.code
        code.add(f"document = {document}")
        with code.block("if flaw is not None:"):
            code.add("document = count_flaw(flaw, document, flags)")
        code.add(f"ident = {self._ident(draft)}")
        line = """f'{{"create":{{"_index":"{index_prefix}{suffix}","_id":"{ident}"}}}}\\n{document}\\n'"""
        if careful:
            code.add(f"return {line}")
        else:
            code.add(f"pieces.append({line})", "at.append(i)", "continue")

    def _ident(self, draft: Draft) -> str:
        by_position = "position + (ids[i] if ids is not None else str(first + i))"
        wanted = self.file.sink.id
        if wanted == "position":
            return by_position
        values: list[str] = []
        for name in [wanted] if isinstance(wanted, str) else wanted:
            slot = draft.slots.get(name)
            if slot is None or not slot.touched:
                raise self.loaded.source.error(
                    ("sink", "id"),
                    "unknown_field",
                    f"{name} is set by no step",
                    "name a field that a step sets, or position",
                )
            values.append(draft.value(name))
        return f"identity(({', '.join(values)},)) or {by_position}"
