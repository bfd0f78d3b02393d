"""Named steps that guessed fields call for: what takes a request, an address or a duration apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.scaffold.guess import Guess
from service.scaffold.values import name_of

_UNITS = {
    "ms": "ms",
    "millis": "ms",
    "msec": "ms",
    "us": "us",
    "micros": "us",
    "ns": "ns",
    "nanos": "ns",
    "sec": "s",
    "secs": "s",
    "s": "s",
    "seconds": "s",
}
_LASTING = ("duration", "elapsed", "latency", "took", "time", "request_time", "response_time", "ms")
_URL = {"domain": "url.domain", "scheme": "url.scheme", "path": "url.path", "query": "url.query"}


def step_lines(found: Sequence[Guess]) -> list[str]:
    """Entries of ``step``, as far as their targets are nobody's yet."""
    taken = {guess.target for guess in found}
    lines = []
    for guess in found:
        target = guess.target
        if is_request(guess):
            to = {"method": "http.request.method", "version": "http.version", "original": "url.original", **_URL}
            lines.append(_step("request_line", f'{{ request: "{guess.path}" }}', to, taken))
        elif target.endswith(".address"):
            side = target.partition(".")[0]
            lines.append(_step("host_port", f"{{ address: {target} }}", {"ip": f"{side}.ip", "port": f"{side}.port"}, taken))
        elif target == "url.original":
            lines.append(_step("url", f"{{ url: {target} }}", _URL, taken))
        elif (unit := _unit(guess)) is not None and "event.duration" not in taken:
            lines.append(
                _step("duration_ns", f"{{ value: {target} }}", {"nanoseconds": "event.duration"}, taken, f"{{ unit: {unit} }}")
            )
    return [line for line in lines if line]


def is_request(guess: Guess) -> bool:
    """Whether it is a line such as ``GET /path HTTP/1.1``, which a step takes apart."""
    return bool(guess.values) and name_of(guess.values) == "request"


def _step(name: str, source: str, to: dict[str, str], taken: set[str], options: str = "") -> str:
    wanted = {output: field for output, field in to.items() if field not in taken}
    taken.update(wanted.values())
    if not wanted:
        return ""
    targets = ", ".join(f"{output}: {field}" for output, field in wanted.items())
    return f"{{ name: {name}, from: {source}, to: {{ {targets} }}{f', options: {options}' if options else ''} }}"


def _unit(guess: Guess) -> str | None:
    """The unit of a duration that its name tells."""
    words = guess.target.rpartition(".")[2]
    found = re.fullmatch(r"(\w+?)_([a-z]+)", words)
    if guess.type in ("long", "double") and (found and found[1] in _LASTING and found[2] in _UNITS):
        return _UNITS[found[2]]
    return None
