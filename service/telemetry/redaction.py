"""Takes secrets out of whatever we say: by the name of the field, by value where we know it, by shape where not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from structlog.typing import EventDict, WrappedLogger

HIDDEN = "[hidden]"
_NAMES = re.compile(
    r"passw|secret|token|authorization|cookie|credential|api_?key|private_?key|external_?id|session_?key", re.IGNORECASE
)
_SHAPES = re.compile(
    r"(?:A3T[A-Z0-9]|AKIA|ASIA)[A-Z0-9]{16}"  # AWS access key ids
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?i:bearer|basic)\s+[A-Za-z0-9+/=_.\-]{12,}"
    r"|(?i:X-Amz-(?:Signature|Security-Token|Credential))=[^&\s\"']+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",  # user:password@host
    re.DOTALL,
)
_SHORTEST = 6
_DEEPEST = 6


class Redactor:
    """A structlog processor; also callable on single texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Know these values as secrets wherever they turn up (shorter than 6 characters only by field name)."""
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Redact every field of a log line."""
        return {key: HIDDEN if _NAMES.search(key) else self._value(value, 0) for key, value in event.items()}

    def text(self, text: str) -> str:
        """Redact one text."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _SHAPES.sub(HIDDEN, text)

    def _value(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= _DEEPEST:
            return HIDDEN
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): HIDDEN if _NAMES.search(str(key)) else self._value(item, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, depth + 1) for item in value]
        return self.text(str(value))
