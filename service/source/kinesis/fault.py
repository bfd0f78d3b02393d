"""What Kinesis, or the way to it, answers instead of what was asked; sorted by what to do about it."""

from __future__ import annotations

import random
from enum import Enum

from service.errors import SiemError


class Remedy(Enum):
    """What the caller must do."""

    WAIT = "wait"
    """Busy or broken for the moment: the same again, later."""
    NEW_ITERATOR = "new_iterator"
    """The iterator is no good any more: get another one."""
    NEW_CREDENTIALS = "new_credentials"
    """The credentials ended before their time: get new ones."""
    LOOK_AGAIN = "look_again"
    """Stream, shard or consumer is not there: look at the stream again, slowly."""
    ASK_OPERATOR = "ask_operator"
    """Nothing but a change of configuration or rights helps; try again slowly and say so."""


_BY_CODE = {
    "ExpiredIteratorException": Remedy.NEW_ITERATOR,
    "ExpiredTokenException": Remedy.NEW_CREDENTIALS,
    "ExpiredToken": Remedy.NEW_CREDENTIALS,
    "UnrecognizedClientException": Remedy.NEW_CREDENTIALS,
    "InvalidSignatureException": Remedy.NEW_CREDENTIALS,
    "ResourceNotFoundException": Remedy.LOOK_AGAIN,
    "AccessDeniedException": Remedy.ASK_OPERATOR,
    "AccessDenied": Remedy.ASK_OPERATOR,
    "InvalidArgumentException": Remedy.ASK_OPERATOR,
    "ValidationException": Remedy.ASK_OPERATOR,
    "UnknownOperationException": Remedy.ASK_OPERATOR,
    "UnknownOperation": Remedy.ASK_OPERATOR,
    "KMSAccessDeniedException": Remedy.ASK_OPERATOR,
    "KMSDisabledException": Remedy.ASK_OPERATOR,
    "KMSInvalidStateException": Remedy.ASK_OPERATOR,
    "KMSNotFoundException": Remedy.ASK_OPERATOR,
    "KMSOptInRequired": Remedy.ASK_OPERATOR,
}

TRANSPORT = "Transport"
"""Code of faults that happened on the way: reset, time-out, broken answer."""


class KinesisFault(SiemError):
    """A call did not do what was asked; ``code`` is the API's own word, ``remedy`` what to do."""

    def __init__(self, code: str, message: str, action: str = "") -> None:
        """Remember code, message and the API action."""
        self.code = code
        self.message = message
        self.action = action
        self.remedy = _BY_CODE.get(code, Remedy.WAIT)
        super().__init__(f"{action} {code}: {message}" if action else f"{code}: {message}")


class Backoff:
    """Growing, jittered waits in seconds; ``reset`` after a success."""

    def __init__(self, rng: random.Random, *, first: float = 0.25, most: float = 20.0) -> None:
        """Start small."""
        self._rng = rng
        self._first = first
        self._most = most
        self.failures = 0

    def next(self, *, least: float = 0.0) -> float:
        """How long to wait before the next attempt; at least ``least``."""
        ceiling = min(self._most, self._first * 2.0**self.failures)
        self.failures = min(self.failures + 1, 30)
        return max(least, ceiling * (0.5 + self._rng.random() / 2))

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
