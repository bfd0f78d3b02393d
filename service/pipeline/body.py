"""One raw event → its bulk lines, as Python source: parse, read, normalise, relate, name, write."""

from __future__ import annotations

from service.errors import Place
from service.match import parse_selection, to_python
from service.normalise.block import write_blocks
from service.normalise.related import write_related
from service.normalise.timing import times_of
from service.parse.columns import layout_of
from service.parse.pattern import write_pattern
from service.parse.steps import DECODING
from service.pipeline.code import Code, Constants, without_dead_stores
from service.pipeline.document import Part, Shape, Writer
from service.pipeline.draft import Draft
from service.pipeline.emission import write_enrichment, write_fields, write_service_fields
from service.pipeline.forgetting import write_forget
from service.pipeline.leaves import Layout
from service.pipeline.load import LoadedPipeline
from service.pipeline.output import write_output, written_ident
from service.pipeline.parts import Carved, Flow
from service.pipeline.paths import split_path
from service.pipeline.raw import JsonShape, Tree
from service.pipeline.repeating import Leaves
from service.pipeline.row import Row
from service.pipeline.schema import Block, Columns
from service.pipeline.slots import Slot
from service.pipeline.unplaced import keep_unplaced
from service.pipeline.watch import Watch, watchable


def _nobody(_: str) -> int | None:
    return None


class EventWriter:
    """Writes the code of one event, for one layout of columns; once per form."""

    def __init__(
        self,
        loaded: LoadedPipeline,
        layout: tuple[str, ...] | None,
        version: str,
        constants: Constants,
        watch: Watch,
        *,
        settled: bool,
        objects: bool = False,
    ) -> None:
        """``constants`` are shared by all forms of the function.

        ``settled``: all of ``watch`` can be watched; else what the first form does not know is left out. ``objects``: events
        are JSON objects that hold the columns.
        """
        self.loaded = loaded
        self.file = loaded.file
        self.layout = layout
        self.objects = objects
        self.version = version
        self.constants = constants
        normalise = self.file.normalise
        self.blocks: list[Block] = [normalise] if isinstance(normalise, Block) else normalise
        self.single = isinstance(normalise, Block)
        self._general = True
        self.watch = watch
        """What is handed out beside the documents; known after a form is written."""
        self._settled = settled
        self.branches: tuple[tuple[str, ...], ...] = ()
        """Objects of the raw event that are read in part; known after a form is written."""
        self.keys: tuple[str, ...] = ()
        """Keys of the raw event that are read; known after a form is written."""
        self.carved: list[Carved] = []
        """Functions of the repeating parts of the form that was written last."""

    def place(self, number: int, *keys: str | int) -> Place:
        """Where in pipeline.yml a step stands."""
        return self.loaded.source.place("normalise", *(keys if self.single else (number, *keys)))

    def write(
        self,
        code: Code,
        prolog: Code,
        *,
        careful: bool,
        full: bool = False,
        shape: JsonShape | None = None,
        leaves: Layout | None = None,
    ) -> dict[str, Slot]:
        """Append the event's code, and to ``prolog`` the texts that its slice shares; gives the output fields.

        ``careful`` returns the bulk lines (None: dropped); the other forms append them and continue the loop.
        """
        steps, reads = Code(code), Code(code)
        self._general = shape is None and self.layout is None
        raw = self._raw(code, full=full, shape=shape, leaves=leaves)
        draft = Draft(steps, self.constants, self.loaded.catalogue, raw, careful=careful)
        draft.complete = frozenset(self.file.drift.values)
        if self.file.parse.pattern is not None:
            draft.place = self.loaded.source.place("parse", "pattern")
            write_pattern(draft, self.file.parse.pattern)
        write_blocks(draft, self.blocks, self.place, drop=lambda rule: self._drop(draft, rule))
        keep_unplaced(draft)
        self._tuning(draft)
        self._timestamp(draft)
        write_related(draft)
        outline = Shape()
        self._emission(draft, outline)
        raw.write(reads, self.constants)
        if isinstance(raw, Tree):
            self.branches, self.keys = tuple(raw.branches), raw.keys
        used = sorted(read.conditional for read in raw.reads.values() if read.conditional)
        unset = [slot.local for slot in draft.slots.values() if slot.starts_unset or not slot.touched]
        unset += [local for slot in draft.slots.values() for local in slot.former]
        head = [f"{' = '.join(names)} = {value}" for names, value in ((used, False), (unset, None)) if names]
        before = [*head, *reads.lines]
        owner_of = Flow([*before, *steps.lines], self.constants.bound).owners(raw.repeats) if isinstance(raw, Leaves) else _nobody
        document = Writer(steps, prolog, owner_of).document(outline)
        self._finish(draft, document, careful=careful)
        self._parse(code, draft, parsed=shape is not None)
        lines = [*before, *steps.lines]
        if isinstance(raw, Leaves):
            lines, self.carved = Flow(lines, self.constants.bound).carved(raw.repeats)
            lines = lines if any(block.forget for block in self.blocks) else [raw.unpacked, *lines]
        code.add(*without_dead_stores(lines))
        return draft.slots

    def _raw(self, code: Code, *, full: bool, shape: JsonShape | None, leaves: Layout | None) -> Row | Tree:
        parse = self.file.parse
        if self.layout is not None:
            columns = parse.columns
            absent, groups = (frozenset(columns.absent), columns.groups) if columns is not None else (frozenset[str](), {})
            return Row(code, self.layout, absent, groups, full=full, objects=self.objects)
        if leaves is not None:
            return Leaves(code, leaves, shape or {})
        absent = frozenset(parse.json_event.absent if parse.json_event else ())
        return Tree(code, shape, absent, decoded=parse.step in DECODING)

    def _parse(self, code: Code, draft: Draft, *, parsed: bool) -> None:
        parse, careful = self.file.parse, draft.careful
        code.add("flaw = None")
        for local, each in (("transport_time", "times"), ("transport_id", "ids")):
            if any(read.local == local for read in draft.raw.reads.values()):
                code.add(f"{local} = {each}[i] if {each} is not None else None")
        if parsed:
            write_forget(self, code, draft, parsed=True)
            return
        if parse.columns is not None and self.layout is not None:
            columns = parse.columns
            if careful:
                self._parse_columns(code, columns, len(self.layout))
            elif self.objects:
                mark = self.constants.name((columns.absent or [""])[0])
                code.add(f"row, flaw = plain_members(text, {self._places()}, {mark})")
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
        write_forget(self, code, draft, parsed=False)

    def _parse_columns(self, code: Code, columns: Columns, width: int) -> None:
        """Of any line: its values, as many as the layout has."""
        mark = self.constants.name((columns.absent or [""])[0])
        split = f"split_carefully(line_of(text), {columns.separator!r}, quoted={columns.quoted}, brackets={columns.brackets})"
        fit = f"{width}, {columns.minimum}, {columns.extra == 'refuse'}, {mark}"
        if self.objects:
            code.add(f"row, flaw = members(text, {self._places()}, {mark}) or fitted({split}, {fit})")
            return
        code.add(f"row = {split}")
        if known := self.other_widths():
            with code.block(f"if misfits is not None and len(row) in {self.constants.name(known, 'WIDTHS')}:"):
                code.add("misfits.append((i, text))", "return None")
        code.add(f"row, flaw = fitted(row, {fit})")

    def other_widths(self) -> frozenset[int]:
        """Numbers of values that belong to other known layouts; none for a function that is not the default's."""
        columns = self.file.parse.columns
        if columns is None or self.layout != layout_of(columns.default, " "):
            return frozenset()
        return frozenset(len(layout_of(each, " ")) for each in columns.known) - {len(self.layout)}

    def _places(self) -> str:
        columns = self.file.parse.columns
        groups = columns.groups if columns is not None else {}
        return self.constants.name(
            ("places", self.layout or (), tuple((name, *begin) for name, begin in groups.items())), "PLACES"
        )

    def _drop(self, draft: Draft, rule: str) -> None:
        draft.code.add(f"dropped[{rule!r}] = dropped.get({rule!r}, 0) + 1", "return None" if draft.careful else "continue")

    def _tuning(self, draft: Draft) -> None:
        if (tuning := self.loaded.tuning) is None:
            return
        for rule, selection in tuning.value.drop.items():
            draft.place = tuning.place("drop", rule)
            test = to_python(parse_selection(selection, draft.place), draft.operand, self.constants.bound)
            with draft.code.block(f"if {test}:"):
                self._drop(draft, rule)
        for rule, sample in tuning.value.sample.items():
            draft.place = tuning.place("sample", rule)
            when = sample.get("when")
            test = to_python(parse_selection(when, draft.place), draft.operand, self.constants.bound) if when else "True"
            with draft.code.block(f"if {test} and not sampled(text, {float(sample['keep'])!r}):"):
                self._drop(draft, rule)

    def _timestamp(self, draft: Draft) -> None:
        slot = draft.slot("@timestamp")
        milli = times_of(draft, "epoch_milli")
        otherwise = ""
        if not slot.sure:  # offline (`siem parse`) nothing has arrived: then now is the time
            now = f"{times_of(draft, 'iso8601')}[ingested[1:-1]]"
            known = "times is not None or arrival_ms"
            otherwise = f" or ({milli}[times[i] if times is not None else arrival_ms] if {known} else {now})"
        if not slot.touched:  # no step gives a time, and nothing says so at run time either
            draft.code.add(f"{slot.local} = None")
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
        self._account(draft)
        write_fields(draft, shape, self.file)
        write_enrichment(draft, shape, self.file)
        if self.file.sink.original:
            text = "quote(text)"
            columns = self.file.parse.columns
            escapes = columns is not None and (columns.quoted or columns.separator == "\t" or self.objects)
            parse = self.file.parse
            if not draft.careful and parse.json_event is None and parse.step not in DECODING and not escapes:
                text = "'\"' + text + '\"'"
            if any(block.forget for block in self.blocks):
                text = f"(quote(dumps(raw)) if secret else {text})"
            opening = ',"original":'
            some = "" if parse.json_event is not None else " if text else ''"
            draft.code.add(f"original = {opening!r} + {text}{some}")
        module = self.file.dataset.partition(".")[0]
        draft.code.add("unmapped = ''")
        with draft.code.block("if flaw is not None and flaw.left and (left := safe_leftover(flaw.left)) != '{}':"):
            draft.code.add("unmapped = ',\"unmapped\":' + left")
        shape.put_optional(module, Part("event", "unmapped"))
        write_service_fields(draft, shape, self.file, self.version)

    def _account(self, draft: Draft) -> None:
        slot = draft.slots.get("cloud.account.id")
        account = "account" if slot is None or not slot.touched else slot.local if slot.sure else f"({slot.local} or account)"
        view_of = "accounts.fragment(slice_.project, slice_.environment, {})"
        draft.code.add(f"view = views.get({account})")
        draft.code.add(f"if view is None: view = views[{account}] = {view_of.format(account)}")
        owner = "view"
        if self.file.owner is not None:
            owning = draft.slots.get(self.file.owner)
            if owning is None or not owning.touched:
                self._must_be_set(self.file.owner, "owner")
            local = owning.local if owning is not None and owning.touched else "None"
            owner, named = "owner", f"(account or {local})"
            draft.code.add(f"owner = views.get({named})")
            draft.code.add(f"if owner is None: owner = views[{named}] = {view_of.format(named)}")
        with draft.code.block(f"if {owner}[2]:"):
            # An event of another's account is not found under it: what it claims is kept, what is trusted is said.
            draft.code.add("flaw = flag(flaw, 'account_mismatch')", f"view = {owner}[3]")

    def _must_be_set(self, name: str, *keys: str) -> None:
        """A shape or a layout may lack the field; the pipeline as a whole must not."""
        if self._general:
            hint = "name a field that a step sets" + (", or position" if keys[0] == "sink" else "")
            raise self.loaded.source.error(keys, "unknown_field", f"{name} is set by no step", hint)

    def _finish(self, draft: Draft, document: str, *, careful: bool) -> None:
        if not self._settled:
            self.watch, self._settled = watchable(self.watch, draft.slots, self.file), True
        ident = written_ident(draft, self.file.sink.id, missing=lambda name: self._must_be_set(name, "sink", "id"))
        write_output(draft, document, ident, self.watch, careful=careful)
