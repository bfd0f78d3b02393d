"""Names for values that came without any: by what they look like, and by what stands around them."""

from __future__ import annotations

from collections.abc import Sequence

from service.scaffold.values import is_status, name_of, word_set

STRONG = word_set("time ip address id level method request proto url path email user_agent logger thread")
"""What is seen in a value alone, without any doubt that it is a field."""
_PORT = 65_536


def names_of(columns: Sequence[Sequence[str]], said: Sequence[str | None] | None = None) -> list[str]:
    """A name for every column of values, no two alike; ``said`` are those that the text itself gives."""
    found = [
        given or (name_of(values) if values else "word")
        for values, given in zip(columns, said or [None] * len(columns), strict=True)
    ]
    found = _of_web(found, columns)
    found = _ports(found, columns)
    names: list[str] = []
    for name in found:
        number, unique = 1, name
        while unique in names:
            number += 1
            unique = f"{name}_{number}"
        names.append(unique)
    return names


def _of_web(names: list[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """Of a web server's line the status and the bytes behind the request, the user before the time, the referrer."""
    asked = next((at for at, name in enumerate(names) if name in ("request", "method")), None)
    if asked is None:
        return names
    found = list(names)
    status = next(
        (at for at, name in enumerate(names) if name == "number" and at > asked and all(map(is_status, columns[at]))), None
    )
    if status is not None:
        found[status] = "status"
        if names[status + 1 : status + 2] == ["number"]:
            found[status + 1] = "body_bytes"
    if "request" in names and "ip" in names[:asked]:
        who = [at for at in range(names.index("ip") + 1, asked) if names[at] in ("word", "host", "email")]
        for at, name in zip(who, ("ident", "user") if len(who) > 1 else ("user",), strict=False):
            found[at] = name
        if "url" in names[asked:]:
            found[names.index("url", asked)] = "referrer"
    return found


def _ports(names: list[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """The sides of a connection, where there are two addresses."""
    sides = [at for at, name in enumerate(names) if name == "ip"]
    if len(sides) < 2:
        return names
    found = list(names)
    for at, side in zip(sides, ("src", "dst"), strict=False):
        found[at] = f"{side}_ip"
        following = columns[at + 1] if at + 1 < len(names) and names[at + 1] == "number" else ()
        if following and all(value.isdecimal() and int(value) < _PORT for value in following):
            found[at + 1] = f"{side}_port"
    return found
