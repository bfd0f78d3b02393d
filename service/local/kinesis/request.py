"""A request's JSON body, read with the types that Kinesis expects; anything else is a SerializationException."""

from __future__ import annotations

import re
from typing import Any

from service.local.kinesis.refusal import Refusal, malformed

_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")


class Request:
    """The members of one request; every reader raises Refusal when the value does not fit."""

    __slots__ = ("_members",)

    def __init__(self, members: object) -> None:
        if not isinstance(members, dict):
            raise Refusal("SerializationException", "The request is not a JSON object.")
        self._members: dict[str, Any] = members

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def optional_text(self, name: str) -> str | None:
        """A string, or None when it is absent."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal("SerializationException", f"{name} is not a string.")
        return value

    def text(self, name: str) -> str:
        """A string that must be there."""
        value = self.optional_text(name)
        if not value:
            raise malformed(f"Value at '{name}' failed to satisfy constraint: Member must not be null")
        return value

    def name(self, name: str) -> str:
        """A stream's or consumer's name."""
        value = self.text(name)
        if not _NAME.fullmatch(value):
            raise malformed(f"Value '{value}' at '{name}' failed to satisfy constraint: [a-zA-Z0-9_.-]+")
        return value

    def optional_number(self, name: str, low: int = 0, high: int | None = None) -> int | None:
        """An integer within bounds, or None when it is absent."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refusal("SerializationException", f"{name} is not an integer.")
        if value < low or (high is not None and value > high):
            raise malformed(f"Value '{value}' at '{name}' failed to satisfy constraint: between {low} and {high}")
        return value

    def number(self, name: str, default: int, low: int = 0, high: int | None = None) -> int:
        """An integer within bounds."""
        value = self.optional_number(name, low, high)
        return default if value is None else value

    def required_number(self, name: str, low: int = 0, high: int | None = None) -> int:
        """An integer within bounds that must be there."""
        value = self.optional_number(name, low, high)
        if value is None:
            raise malformed(f"Value at '{name}' failed to satisfy constraint: Member must not be null")
        return value

    def hash_key(self, name: str) -> int | None:
        """A 128-bit number in decimal, or None when it is absent."""
        value = self.optional_text(name)
        if value is None:
            return None
        if not re.fullmatch(r"0|[1-9][0-9]{0,38}", value) or int(value) >> 128:
            raise malformed(f"Value '{value}' at '{name}' failed to satisfy constraint: 0|([1-9]\\d{{0,38}})")
        return int(value)

    def time_ms(self, name: str) -> int | None:
        """Epoch seconds as milliseconds, or None when it is absent."""
        value = self._members.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Refusal("SerializationException", f"{name} is not a timestamp.")
        return round(value * 1000)

    def inner(self, name: str) -> Request:
        """A structure that must be there."""
        if self._members.get(name) is None:
            raise malformed(f"Value at '{name}' failed to satisfy constraint: Member must not be null")
        return Request(self._members[name])

    def items(self, name: str) -> list[Any]:
        """A list that must be there."""
        value = self._members.get(name)
        if not isinstance(value, list) or not value:
            raise malformed(f"Value at '{name}' failed to satisfy constraint: Member must be a non-empty list")
        return value

    def tags(self, name: str) -> dict[str, str]:
        """A map of strings, empty when it is absent."""
        value = self._members.get(name)
        return {str(key): str(text) for key, text in value.items()} if isinstance(value, dict) else {}
