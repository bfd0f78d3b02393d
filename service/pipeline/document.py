"""The document as text: output fields → nested JSON, everything constant merged when compiling or once per slice.

A *member* is text with a leading comma (``,"ip":"192.0.2.1"``) or empty. Parts that depend on nothing (``const``) or on the
slice only (``slice``) are joined into one text per slice; what depends on the event is a local of its own.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from service.pipeline.code import Code

Depends = Literal["const", "slice", "event"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text: ``const`` text itself, or a Python expression of type str."""

    depends: Depends
    text: str


@dataclass(slots=True)
class Member:
    """What stands at one place of the tree."""

    parts: list[Part]
    sure: bool
    """Never empty."""


@dataclass(slots=True)
class Shape:
    """The tree of the document."""

    below: dict[str, Shape] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)

    def at(self, path: str) -> Shape:
        """The object at a dotted path."""
        node = self
        for key in path.split(".") if path else []:
            node = node.below.setdefault(key, Shape())
        return node

    def put(self, name: str, *value: Part) -> None:
        """A field that is always there; the parts of its JSON value (members that follow it may stand at the end)."""
        parent, _, key = name.rpartition(".")
        self.at(parent).members.append(Member([Part("const", key_text(key)), *value], sure=True))

    def put_optional(self, parent: str, part: Part) -> None:
        """Members that may be empty; ``part`` is their text with leading commas."""
        self.at(parent).members.append(Member([part], sure=False))


def key_text(key: str) -> str:
    """``,"key":``."""
    return f",{json.dumps(key)}:"


class Writer:
    """Turns a Shape into code: an f-string expression, with locals and per-slice texts in front."""

    def __init__(self, code: Code, prolog: Code, owner_of: Callable[[str], int | None] = lambda _: None) -> None:
        """``owner_of`` an expression: the repeating part of the event that alone decides it. Texts of one part are joined."""
        self._code = code
        self._prolog = prolog
        self._owner_of = owner_of
        self._owners: dict[str, int | None] = {}

    def document(self, shape: Shape) -> str:
        """Python expression of the whole object's text, braces included; the shape must have a member that is sure."""
        parts, sure = self._object(shape)
        if not sure:
            raise ValueError("a document needs a member that is always there")
        return self.joined([Part("const", "{"), *parts, Part("const", "}")])

    def _object(self, shape: Shape) -> tuple[list[Part], bool]:
        members = list(shape.members)
        for key, child in sorted(shape.below.items()):
            opening, closing = key_text(key) + "{", "}"
            while not child.members and len(child.below) == 1:  # an object in which there is one object
                ((inside, child),) = child.below.items()
                opening, closing = f"{opening}{key_text(inside)[1:]}{{", closing + "}"
            inner, sure = self._object(child)
            if sure:
                members.append(Member([Part("const", opening), *inner, Part("const", closing)], sure=True))
            else:
                fixed = all(part.depends != "event" for part in inner)
                code, name = (self._prolog, self._prolog.local(key, "w")) if fixed else (self._code, self._code.local(key, "j"))
                text = self.joined(inner)
                if not text.isidentifier():
                    code.add(f"{name} = {text}")
                    text = name
                code.add(f"{name} = {opening!r} + {text}[1:] + {closing!r} if {text} else ''")
                self._owners[name] = self._owner(inner)
                members.append(Member([Part("slice" if fixed else "event", name)], sure=False))
        # What is sure stands first and carries no comma; what is fixed stands together, to be one text.
        members.sort(
            key=lambda member: (not member.sure, any(part.depends == "event" for part in member.parts), self._rank(member))
        )
        if not members or not members[0].sure:
            return [part for member in members for part in member.parts], False
        first = members[0].parts
        head = Part("const", first[0].text.removeprefix(","))
        return [head, *first[1:], *(part for member in members[1:] for part in member.parts)], True

    def _owner(self, parts: list[Part]) -> int | None:
        """The part of the event that alone decides these texts."""
        owners = {self._owner_of_part(part) for part in parts if part.depends != "const"}
        return owners.pop() if len(owners) == 1 else None

    def _owner_of_part(self, part: Part) -> int | None:
        if part.depends != "event":
            return None
        return self._owners[part.text] if part.text in self._owners else self._owner_of(part.text)

    def _rank(self, member: Member) -> int:
        owner = self._owner(member.parts)
        return -1 if owner is None else owner

    def _gathered(self, parts: list[Part]) -> list[Part]:
        """The parts, neighbours that the same part of the event decides joined into one local."""
        gathered: list[Part] = []
        run: list[Part] = []
        owner: int | None = None

        def close() -> None:
            nonlocal owner
            tail = []
            while run and run[-1].depends == "const":
                tail.append(run.pop())
            if run and not (len(run) == 1 and run[0].text.isidentifier()):
                name = self._code.local("part", "p")
                self._code.add(f"{name} = {self._concatenated(run)}")
                self._owners[name] = owner
                run[:] = [Part("event", name)]
            gathered.extend([*run, *reversed(tail)])
            run.clear()
            owner = None

        for part in parts:
            own = self._owner_of_part(part)
            if (own is not None and own == owner) or (owner is not None and part.depends == "const"):
                run.append(part)
                continue
            close()
            if own is None:
                gathered.append(part)
            else:
                owner = own
                run.append(part)
        close()
        return gathered

    def joined(self, parts: list[Part]) -> str:
        """Python expression that concatenates the parts; those of one part of the event are joined on their own first."""
        return self._concatenated(self._gathered(parts))

    def _concatenated(self, parts: list[Part]) -> str:
        """Python expression that concatenates the parts; runs with slice parts become one local of the slice."""
        pieces: list[str] = []
        run: list[Part] = []
        has_text = False

        def close() -> None:
            nonlocal has_text
            if run and all(part.depends == "const" for part in run):
                pieces.append(_in_f_string("".join(part.text for part in run)))
                has_text = True
            elif run:
                pieces.append("{" + self._fixed(list(run)) + "}")
            run.clear()

        for part in parts:
            if part.depends == "event":
                close()
                pieces.append("{" + part.text + "}")
            else:
                run.append(part)
        close()
        if len(pieces) == 1 and not has_text:
            return pieces[0][1:-1]
        return 'f"' + "".join(pieces) + '"' if pieces else "''"

    def _fixed(self, run: list[Part]) -> str:
        name = self._prolog.local("text", "f")
        merged: list[str] = []
        for part in run:
            text = repr(part.text) if part.depends == "const" else part.text
            if part.depends == "const" and merged and merged[-1][0] in "'\"":
                text = repr(_literal(merged.pop()) + part.text)
            merged.append(text)
        self._prolog.add(f"{name} = {' + '.join(merged)}")
        return name


def _in_f_string(text: str) -> str:
    """Text as it stands between the quotes of ``f"…"``: a literal costs less there than a local that holds it."""
    escaped = text.encode("unicode_escape").decode()
    return escaped.replace('"', '\\"').replace("{", "{{").replace("}", "}}")


def _literal(text: str) -> str:
    return str(ast.literal_eval(text))
