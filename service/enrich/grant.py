"""A grant: somebody was given a session's credentials, and a log says so. What workers tell each other of sessions."""

from __future__ import annotations

import msgspec


class Grant(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One step of a chain."""

    key: str
    """Access key of the session; "" for what a service gets for a workload: those are renewed all the time."""
    arn: str
    """ARN of the session."""
    role_id: str
    """``AROA…:session``; "" where it is not said."""
    account: str
    """Account of the session."""
    parent: tuple[str, ...]
    """Chain of the caller, as its event alone tells it; the last one called."""
    parent_key: str
    """Access key of the caller's own session; "" for long-lived credentials."""
    caller: str
    """Account of the caller; "" where it has none: a service, a federated user."""


class Told(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Value of one message on the topic ``identities``."""

    project: str
    environment: str
    """Whose stream carried the event."""
    account: str
    """Account that the event was delivered to: the one that speaks."""
    grant: Grant
    told_ms: int
    """When a worker first read it."""

    @property
    def teller(self) -> str:
        """Project and environment."""
        return f"{self.project}/{self.environment}"

    @property
    def name(self) -> str:
        """What tells the session from all others."""
        return self.grant.key or f"{self.grant.arn} {self.grant.parent[-1]}"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Told)


def encode_told(told: Told) -> bytes:
    """MessagePack bytes."""
    return _encoder.encode(told)


def decode_told(data: bytes) -> Told:
    """The grant; raises msgspec.DecodeError for anything else."""
    told = _decoder.decode(data)
    if not told.grant.parent or not told.grant.arn:
        raise msgspec.DecodeError("a grant names who got what")
    return told
