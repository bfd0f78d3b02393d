"""The function of one dataset (and one layout of columns), as Python source: a loop over a slice's raw events.

Every event is written twice: the fast form takes events whose strings need no JSON escapes; whatever it cannot take (it
raises, or does not try) goes through the careful form, which escapes, cuts, repairs, and says what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.normalise.assign import LONGEST
from service.parse.steps import DECODING
from service.pipeline.body import EventWriter
from service.pipeline.code import Code, Constants
from service.pipeline.leaves import Layout
from service.pipeline.load import LoadedPipeline
from service.pipeline.parts import Carved
from service.pipeline.raw import JsonShape
from service.pipeline.slots import Slot
from service.pipeline.watch import NOTHING, Watch

LONGEST_FAST = 32_000
"""Characters of a raw event that the fast form takes: no string in it can be too long for a keyword."""

SHORT = f"len(text) < {LONGEST}"
"""Test for text whose values are escaped one by one anyway: none of them is too long."""
CLEAN_JSON = f"'\\\\' not in text and len(text) < {LONGEST_FAST}"
"""Test for JSON whose strings can be written as they are: without a backslash none of them needs an escape."""
_FULL = 100
"""Columns up to which lines are expected that leave none of them out: such lines have a form of their own."""
_FACTS = (
    "log_group", "log_stream", "account", "region", "detail_type", "envelope_id", "envelope_time", "envelope_resources",
    "transport", "stream", "arrival_ms", "first", "s3_bucket", "s3_key",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """Source of a function ``carry``, the constants it refers to, and its output fields."""

    source: str
    constants: Constants
    slots: dict[str, Slot]
    branches: tuple[tuple[str, ...], ...]
    """Objects of a JSON event that are read in part, parents first."""
    keys: tuple[str, ...] = ()
    """Keys of a JSON event that are read."""
    watch: Watch = NOTHING
    """What is handed out beside the documents."""
    carved: tuple[Carved, ...] = ()
    """Functions of what repeats, by the names under which ``source`` looks their answers up."""


def write_function(
    loaded: LoadedPipeline, layout: tuple[str, ...] | None, version: str, watch: Watch = NOTHING, *, settled: bool = False,
    objects: bool = False,
) -> Written:  # fmt: skip
    """Compile the pipeline for one layout of columns (None where there are none). Raises ContentError with the place.

    ``watch`` is what is to be handed out beside the documents: as far as this function can, unless that is ``settled``.
    ``objects``: events are JSON objects that hold the columns, and ``layout`` ends with the groups of columns.
    """
    return _Function(loaded, layout, version, watch, settled=settled, objects=objects).written()


def write_shaped(
    loaded: LoadedPipeline, version: str, shape: JsonShape, leaves: Layout | None = None, watch: Watch = NOTHING
) -> Written:
    """Compile the pipeline for raw events of one shape, already parsed; what it cannot take goes to ``rest``.

    With ``leaves`` an event is the tuple of its values, and what follows from a repeating part is looked up.
    """
    return _Function(loaded, None, version, watch, settled=True, objects=False).shaped(shape, leaves)


class _Function:
    """The loop and what stands before it."""

    def __init__(
        self, loaded: LoadedPipeline, layout: tuple[str, ...] | None, version: str, watch: Watch, *, settled: bool,
        objects: bool,
    ) -> None:  # fmt: skip
        self.file = loaded.file
        self.layout = layout
        self.objects = objects
        self.constants = Constants()
        self.event = EventWriter(loaded, layout, version, self.constants, watch, settled=settled, objects=objects)

    def written(self) -> Written:
        """The function for every event."""
        code = Code()
        slots: dict[str, Slot] = {}
        with code.block("def carry(slice_, facts, items, ingested, pieces, at, dead, dropped, flags, misfits, watched, odd):"):
            prolog, fast, careful = Code(), Code(), Code()
            with careful.block("def careful(i, text):"):
                slots |= self.event.write(careful, prolog, careful=True)
            with fast.block("for i, text in items:"):
                if self.file.parse.step not in DECODING:
                    self._fast(fast, prolog)
                with fast.block("try:"):
                    fast.add("piece = careful(i, text)")
                with fast.block("except EventError as error:"):
                    fast.add("dead.append(Unusable(i, error.stage, error.code, error.reason, error.field))")
                with fast.block("except Exception as error:"):
                    fast.add("dead.append(Unusable(i, 'normalise', 'pipeline_error', f'{type(error).__name__}: {error}', None))")
                with fast.block("else:"), fast.block("if piece is not None:"):
                    fast.add("pieces.append(piece)", "at.append(i)")
            self._prolog(code)
            code.splice(prolog)
            code.splice(careful)
            code.splice(fast)
        return Written(code.text(), self.constants, slots, self.event.branches, self.event.keys, self.event.watch)

    def _fast(self, fast: Code, prolog: Code) -> None:
        with fast.block("try:"), fast.block(f"if {self._clean()}:"):
            if self.layout is not None and not self.objects:
                self._split(fast)
            if self.layout is not None and len(self.layout) <= _FULL and not self.objects:
                with fast.block(f"if {self._nothing_absent()}:"):
                    self.event.write(fast, prolog, careful=False, full=True)
            # The forms share their local names: over 255 locals cost an extra instruction each time.
            fast.restart_names()
            self.event.write(fast, prolog, careful=False)
        with fast.block("except Exception:"):
            fast.add("pass")

    def shaped(self, shape: JsonShape, leaves: Layout | None) -> Written:
        """The function for events of one shape."""
        code = Code()
        with code.block("def carry(slice_, facts, items, rest, ingested, pieces, at, dropped, flags, watched, odd):"):
            prolog, fast = Code(), Code()
            with fast.block(f"for i, text, {'raw' if leaves is None else 'values'} in items:"):
                with fast.block("try:"):
                    slots = self.event.write(fast, prolog, careful=False, shape=shape, leaves=leaves)
                with fast.block("except Exception:"):
                    fast.add("rest.append((i, text))")
            self._prolog(code)
            code.splice(prolog)
            code.splice(fast)
        carved = tuple(self.event.carved)
        source = "".join(f"{each.source}\n" for each in carved) + code.text()
        return Written(source, self.constants, slots, self.event.branches, self.event.keys, self.event.watch, carved)

    def _clean(self) -> str:
        columns = self.file.parse.columns
        if self.file.parse.json_event is not None:
            return CLEAN_JSON
        if self.objects:
            return f"{CLEAN_JSON} and text.isascii()"
        quotes = "" if columns is not None and columns.quoted else "'\"' not in text and "
        tab = ".replace('\\t', ' ')" if columns is not None and columns.separator == "\t" else ""
        return f"{quotes}'\\\\' not in text and text.isascii() and len(text) < {LONGEST_FAST} and text{tab}.isprintable()"

    def _prolog(self, code: Code) -> None:
        for fact in _FACTS:
            code.add(f"{fact} = slice_.{fact}")
        code.add("source_name = slice_.source", "times = slice_.times")
        code.add("ids, position, arrived, cloudwatch, envelope, region_member, low, high, views = facts")
        if "identity" in self.file.enrich:
            code.add("chain_of, told = identities.of(slice_.project, slice_.environment).text, identities.names")
        prefix = f"siem-{self.file.dataset}-"
        code.add(
            f"action = '{{\"create\":{{\"_index\":\"{prefix}' + slice_.project + '-' + slice_.environment + '-'",
            """middle, end, newline = '","_id":"', '"}}\\n', '\\n'""",
        )

    def _split(self, code: Code) -> None:
        columns = self.file.parse.columns
        if columns is not None:
            width = len(self.layout or ())
            mark = (columns.absent or [""])[0]
            if columns.quoted and columns.separator == " ":
                code.add("row = split_bracketed(text)" if columns.brackets else "row = split_quoted(text)")
            else:
                row = f"text.split({columns.separator!r})"
                if columns.quoted:
                    row = f"split_separated(text, {columns.separator!r}) if '\"' in text else {row}"
                code.add(f"row = {row}")
            with code.block(f"if len(row) != {width}:"):
                if known := self.event.other_widths():
                    values = "text.split()" if columns.separator == " " and not columns.quoted else "row"
                    with code.block(f"if misfits is not None and len({values}) in {self.constants.name(known, 'WIDTHS')}:"):
                        code.add("misfits.append((i, text))", "continue")
                # Optional columns at the end: formats grow there. Anything else is for the careful form.
                code.add(f"if not {columns.minimum} <= len(row) < {width}: raise ValueError")
                code.add(f"row += {self.constants.name((mark,) * width)}[len(row):]")
            if columns.quoted and columns.separator != " ":
                # Quotes inside values are for the careful form, but for groups: what holds those is escaped anyway.
                groups = [f"row[{at}].count('\"')" for at, name in enumerate(self.layout or ()) if name in columns.groups]
                allowed = " + ".join(groups) or "0"
                code.add(f"""if '"' in text and ''.join(row).count('"') != {allowed}: raise ValueError""")

    def _nothing_absent(self) -> str:
        columns = self.file.parse.columns
        absent = [mark for mark in (columns.absent if columns is not None else []) if mark]
        if columns is None or columns.quoted:
            return " and ".join(["'' not in row", *(f"{mark!r} not in row" for mark in absent)])
        # Looking for what begins like an absent mark costs less than comparing every value; too strict is slow, not wrong.
        blank = columns.separator
        tests = [f"{blank + blank!r} not in text", f"text[0] != {blank!r}", f"text[-1] != {blank!r}"]
        tests += [f"{blank + mark!r} not in text and text[0] != {mark[0]!r}" for mark in absent]
        return " and ".join(tests)
