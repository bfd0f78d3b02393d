"""What a step is: a pure function with named inputs and outputs, made for its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

FieldKind = Literal["str", "int", "float", "bool", "list", "json"]
"""Type of an output; ``list`` is a list of strings, ``json`` is JSON text, ready to splice."""

StepFunction = Callable[..., tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A named step.

    ``function(*inputs)`` takes any value for any input (None: absent), never raises, and returns a tuple aligned with
    ``outputs``, None for each output that is absent. ``cuts`` promises that every str output is made of pieces of the
    inputs and ``[A-Za-z0-9 _:/.-]``: inputs that need no JSON escapes give outputs that need none.
    """

    function: StepFunction
    inputs: tuple[str, ...]
    outputs: dict[str, FieldKind]
    cuts: bool = False
    options: tuple[str, ...] = ()
    """Names of the options it takes."""
    make: Callable[[Mapping[str, Any]], StepFunction] | None = None
    """The function for options; raises ValueError for values it can't use. ``function`` is the one without options."""

    def bind(self, options: Mapping[str, Any]) -> StepFunction:
        """The function with its options; raises ValueError, for the compiler to turn into a ContentError."""
        for name in options:
            if name not in self.options:
                known = ", ".join(self.options) if self.options else "it takes none"
                raise ValueError(f"there is no option {name!r} ({known})")
        return self.make(options) if self.make is not None and options else self.function
