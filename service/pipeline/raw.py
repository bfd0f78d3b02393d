"""Reading the raw event in generated code: which locals hold which raw fields, and what is left when all is read.

Two shapes of raw event: ``Tree`` (JSON, or the dict a parse step gives) and ``Row`` (columns of one line; ``row.py``). Reads are
registered while the steps are compiled; the code that fills the locals is written in front of them afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Protocol

from service.pipeline.code import Code, Constants
from service.pipeline.paths import EACH, Taken, split_path, take

FACTS = {
    "_text": "text",
    "_time": "transport_time",
    "_id": "transport_id",
    "_log_group": "log_group",
    "_log_stream": "log_stream",
    "_account": "account",
    "_region": "region",
    "_source": "source_name",
    "_detail_type": "detail_type",
    "_envelope_id": "envelope_id",
    "_envelope_time": "envelope_time",
    "_envelope_resources": "envelope_resources",
    "_transport": "transport",
    "_stream": "stream",
    "_s3_bucket": "s3_bucket",
    "_s3_key": "s3_key",
}
"""Facts of the transport by the raw field name under which a pipeline reads them → their local."""


@dataclass(slots=True)
class Read:
    """One raw field that some step reads: its local, whether it is consumed always or only under conditions."""

    path: tuple[str, ...]
    local: str
    consumed: bool = False
    conditional: str | None = None
    """Local that says at run time whether a conditional step has consumed it."""
    sure: bool = False
    """Never None."""
    never: bool = False
    """Always None: this layout or shape has no such field; ``local`` is the word None."""
    type: type | None = None
    """Type of the value where the shape says it."""
    foreign: bool = False
    """No piece of the raw event's text: it may need escapes where the event needs none."""

    @property
    def used(self) -> bool:
        """Whether some step may consume it."""
        return self.consumed or self.conditional is not None


def is_foreign(path: str, groups: set[str]) -> bool:
    """Whether a raw field comes from the transport, or out of a pattern over what does."""
    return (path in FACTS and path != "_text") or path in groups


class RawFields(Protocol):
    """What compiling a step needs of the raw event."""

    reads: dict[tuple[str, ...], Read]
    overlay: dict[str, str]
    """Groups of a pattern → their locals: raw fields in front of the event's own."""
    foreign: set[str]
    """Groups of a pattern over text that is not the event's own."""
    plain_text: bool
    """Values are strings or None; nothing else."""

    def read(self, path: str) -> Read:
        """The read of that path, registered if it is new."""
        ...

    def write(self, code: Code, constants: Constants) -> None:
        """Write the code that fills the locals."""
        ...


@dataclass(slots=True)
class Node:
    """A place of the raw event: what reads it, and what is read below it."""

    read: Read | None = None
    below: dict[str, Node] = field(default_factory=dict)


JsonShape = Mapping[tuple[str, ...], Mapping[str, type]]
"""Path of an object inside a raw event → its keys and the types of their values; events of one shape share their code."""


Parts = dict[tuple[str, ...], tuple[str, Taken]]
"""Path of a list of which values are taken out of the elements → its local, and what is taken."""


class Tree:
    """A nested dict in the local ``raw``; with a ``shape``, one whose keys and types are known beforehand."""

    plain_text = False

    def __init__(
        self, code: Code, shape: JsonShape | None = None, absent: frozenset[str] = frozenset(), *, decoded: bool = False
    ) -> None:
        """``decoded``: its texts are no pieces of the event's own, every one may need escapes."""
        self.decoded = decoded
        self.reads: dict[tuple[str, ...], Read] = {}
        self.overlay: dict[str, str] = {}
        self.foreign: set[str] = set()
        self.branches: list[tuple[str, ...]] = []
        """Paths of the objects that are read in part, parents first; known after ``write``."""
        self.keys: tuple[str, ...] = ()
        """Keys of the event that are read; known after ``write``."""
        self._code = code
        self._shape: JsonShape = shape or {}
        self._absent = absent
        self._held: dict[tuple[str, ...], Read] = {}

    def hold(self, keys: tuple[str, ...]) -> Read:
        """The list at a path of which steps under conditions take values: whoever asks keeps what they leave."""
        if keys not in self._held:
            self._held[keys] = Read(keys, self._code.local("_".join(keys), "x"), consumed=True)
        return self._held[keys]

    def read(self, path: str) -> Read:
        """The read of a path; pattern groups (``overlay``) stand in front of the tree's own fields."""
        keys = split_path(path)
        known = self.reads.get(keys)
        if known is None:
            fact = FACTS.get(path) or self.overlay.get(path)
            foreign = self.decoded or is_foreign(path, self.foreign)
            known = self.reads[keys] = Read(keys, fact or self._code.local(path, "x"), foreign=foreign)
            if fact is not None:
                known.consumed = path in FACTS
            else:
                known.type = self.type_of(keys[: keys.index(EACH)] if EACH in keys else keys)
                known.never = known.type is NoneType
                known.sure = known.type is not None and not known.never and EACH not in keys
                if known.never:
                    known.local, known.consumed = "None", True
        return known

    def type_of(self, keys: tuple[str, ...]) -> type | None:
        """Type of the value at a path: NoneType when it is never there, None when the shape does not say."""
        for depth, key in enumerate(keys):
            level = self._shape.get(keys[:depth])
            if level is None:
                return None
            found = level.get(key, NoneType)
            if depth + 1 < len(keys) and found is not dict:
                return NoneType
        return found

    def write(self, code: Code, constants: Constants) -> None:
        """Nested gets, one per field that is read, and the leftovers of every level that is read in part."""
        root = Node()
        gathers: list[Read] = []
        parts: Parts = {}
        for keys, read in self.reads.items():
            if keys[0] in FACTS or keys[0] in self.overlay or (read.never and len(keys) == 1):
                continue
            if EACH in keys:
                gathers.append(read)
                keys = keys[: keys.index(EACH)]
            node = root
            for key in keys:
                node = node.below.setdefault(key, Node())
            if EACH not in read.path:
                node.read = read
            elif keys in self._held:
                node.read = self._held[keys]
            elif read.consumed:
                if node.read is None:
                    node.read = self.reads.get(keys) or Read(keys, code.local("_".join(keys), "x"), consumed=True)
                if keys not in self.reads and not read.never:
                    take(parts.setdefault(keys, (node.read.local, {}))[1], read.path[len(keys) :])
        # Nobody sets what is below an object that is not there.
        unset = (
            {local for keys, (local, _) in parts.items() if len(keys) > 1}
            | {read.local for keys, read in self._held.items() if len(keys) > 1}
            | {
                read.local
                for read in self.reads.values()
                if len(read.path) > 1 and not read.sure and not read.never and read.local not in FACTS.values()
            }
        )
        if unset:
            code.add(" = ".join(sorted(unset)) + " = None")
        self.keys = tuple(root.below)
        self.top(code, constants, root)
        self._lists(code, constants, root, gathers, parts)

    def _lists(self, code: Code, constants: Constants, root: Node, gathers: list[Read], parts: Parts) -> None:
        """Gather what is read of lists' elements, and keep what else they hold."""
        for read in gathers:
            if not read.never:
                self._gather(code, constants, root, read)
        whole = {keys for keys, read in self.reads.items() if read.consumed}
        for keys, (local, taken) in parts.items():
            if any(keys[:depth] in whole for depth in range(1, len(keys))):
                continue
            test, rest = f"if {local} is not None: ", f"keep_elements(flaw, {constants.name(keys)}, {local}, "
            code.add(f"{test}flaw = {rest}{constants.name(taken, 'TAKEN')})")

    def _gather(self, code: Code, constants: Constants, root: Node, read: Read) -> None:
        at = read.path.index(EACH)
        head = root
        for key in read.path[:at]:
            head = head.below[key]
        holder = head.read
        if holder is None:  # only looked at by conditions
            code.add(f"{read.local} = gather(raw, {constants.name(read.path)})")
            return
        source = holder.local
        code.add(f"{read.local} = gather({source}, {constants.name(read.path[at:])}) if {source} is not None else None")

    def top(self, code: Code, constants: Constants, root: Node) -> None:
        """Write the reads below the event itself."""
        self._level(code, constants, root, "raw", (), whole=False)

    def _level(self, code: Code, constants: Constants, node: Node, local: str, path: tuple[str, ...], *, whole: bool) -> None:
        if not whole or self.decoded:
            self.branches.append(path)
        for key, child in node.below.items():
            here = (*path, key)
            name = child.read.local if child.read is not None else code.local("_".join(here), "d")
            kind = self.type_of(here)
            if kind is NoneType:
                continue
            code.add(f"{name} = {local}[{key!r}]" if kind is not None else f"{name} = {local}.get({key!r})")
            if self._absent and child.read is not None and kind in (None, str):
                absent = f"{name}.__class__ is str and {name} in {constants.name(self._absent)}"
                # What a shape promises has to be there: such an event is for the general function.
                code.add(f"if {absent}: {name} = None" if kind is None else f"if {absent}: raise ValueError")
            self.below(code, constants, child, name, here, whole=whole)
        if not whole:
            self._rest(code, constants, node, local, path)

    def below(self, code: Code, constants: Constants, node: Node, name: str, path: tuple[str, ...], *, whole: bool) -> None:
        """What is read below a value, which should be an object."""
        if not node.below:
            return
        kind = self.type_of(path)
        taken = whole or (node.read is not None and node.read.consumed)
        lost = not taken and (node.read is None or not node.read.used)
        if kind is dict:
            self._level(code, constants, node, name, path, whole=taken)
        elif kind is None:
            with code.block(f"if {name}.__class__ is dict:"):
                self._level(code, constants, node, name, path, whole=taken)
            if lost:
                with code.block(f"elif {name} is not None:"):
                    code.add(f"flaw = keep(flaw, {constants.name(path)}, {name})")
        elif lost:
            code.add(f"flaw = keep(flaw, {constants.name(path)}, {name})")

    def _rest(self, code: Code, constants: Constants, node: Node, local: str, path: tuple[str, ...]) -> None:
        keys = placed(node)
        known = constants.name(keys, "KEYS")
        rest = f"flaw = keep_rest(flaw, {constants.name(path)}, {local}, {known})"
        level = self._shape.get(path)
        if level is None:
            with code.block(f"if not {local}.keys() <= {known}:"):
                code.add(rest)
        elif any(kind is not NoneType for key, kind in level.items() if key not in keys):
            code.add(rest)


def placed(node: Node) -> frozenset[str]:
    """Keys below a node whose values some step takes."""
    return frozenset(key for key, child in node.below.items() if child.below or (child.read and child.read.used))
