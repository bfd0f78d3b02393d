"""What ends the reading of an object or a member of it: the rest is one dead letter."""

from __future__ import annotations

from service.decode.forwarded import Flaw
from service.errors import SiemError


class Spoiled(SiemError):
    """Nothing after this place can be used; ``code`` is the dead letter's, ``data`` some of the bytes."""

    def __init__(self, code: Flaw, reason: str, data: bytes = b"") -> None:
        """Remember code, reason and bytes."""
        super().__init__(f"{code}: {reason}")
        self.code: Flaw = code
        self.reason = reason
        self.data = data
