"""URLs and request lines, however broken the client's request was."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from service.normalise.steps.spec import FieldKind, StepFunction, StepSpec

ABSENT = frozenset({"", "-"})
SCHEMES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+.-")
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
LONGEST_EXTENSION = 16
LONGEST_METHOD = 32
_SHORT = 256


class Url(NamedTuple):
    """Pieces of a URL in ECS's sense; ``full`` only when scheme and domain are known."""

    original: str | None = None
    full: str | None = None
    scheme: str | None = None
    domain: str | None = None
    port: int | None = None
    path: str | None = None
    query: str | None = None
    extension: str | None = None
    fragment: str | None = None
    username: str | None = None
    password: str | None = None


NOTHING = Url()


def port_of(text: object) -> int | None:
    """0 to 65535, written as a number or its digits."""
    if isinstance(text, str):
        # ALB writes "http://host:80-" for a request it could not read.
        digits = text.rstrip("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
            return None
        number = int(digits)
    elif isinstance(text, int) and not isinstance(text, bool):
        number = text
    else:
        return None
    return number if 0 <= number <= 65535 else None


def authority(text: str) -> tuple[str | None, str | None, str | None, int | None]:
    """Username, password, domain (an IPv6 address in brackets, as ECS asks) and port of ``user:pass@host:port``."""
    return _known_authority(text) if len(text) <= _SHORT else _authority(text)


def _authority(text: str) -> tuple[str | None, str | None, str | None, int | None]:
    credentials, at, host = text.rpartition("@")
    username, _, password = credentials.partition(":") if at else ("", "", "")
    if host.startswith("["):
        name, bracket, rest = host.partition("]")
        name += bracket
        port = port_of(rest[1:]) if rest.startswith(":") else None
    else:
        name, colon, rest = host.rpartition(":")
        if not colon:
            name, rest = host, ""
        port = port_of(rest)
    return username or None, password or None, name.lower() or None, port


_known_authority = lru_cache(maxsize=4096)(_authority)
"""Few hosts are asked for many paths."""


def extension_of(path: str) -> str | None:
    """``png`` of ``/a/b.png``; None when there is none that looks like one."""
    stem, dot, extension = path[path.rfind("/") + 1 :].rpartition(".")
    if not (dot and stem and extension.isascii() and extension.isalnum() and len(extension) <= LONGEST_EXTENSION):
        return None
    return extension


def split(text: object, scheme: object = None, domain: object = None, port: object = None) -> Url:
    """Pieces of a URL or of a path; ``scheme``, ``domain`` and ``port`` stand in when the text has none."""
    if not isinstance(text, str) or text in ABSENT:
        return NOTHING
    rest, _, fragment = text.partition("#")
    rest, _, query = rest.partition("?")
    known_scheme = scheme.lower() if isinstance(scheme, str) and scheme not in ABSENT else None
    known_domain = domain.lower() if isinstance(domain, str) and domain not in ABSENT else None
    known_port = port_of(port)
    username = password = full = None
    before, separator, after = rest.partition("://")
    lowered = before.lower()
    if separator and lowered and SCHEMES.issuperset(lowered):
        known_scheme = lowered
        host, slash, path = after.partition("/")
        path = slash + path
        username, password, known_domain, known_port = authority(host)
        full = text if known_domain else None
    elif rest.startswith("/"):
        path = rest
        if known_scheme and known_domain:
            shown = known_port is not None and known_port != DEFAULT_PORTS.get(known_scheme)
            full = f"{known_scheme}://{known_domain}{f':{known_port}' if shown else ''}{text}"
    else:
        path = query = fragment = ""  # ``*`` or noise: kept in original alone
    if known_port is None and known_domain and known_scheme:
        known_port = DEFAULT_PORTS.get(known_scheme)
    return Url(
        text,
        full,
        known_scheme,
        known_domain,
        known_port,
        path or None,
        query or None,
        extension_of(path),
        fragment or None,
        username,
        password,
    )


def request_line(text: object, scheme: object = None, domain: object = None, port: object = None) -> tuple[object, ...]:
    """Method and HTTP version of ``GET /path HTTP/1.1``, then the pieces of its URL."""
    if not isinstance(text, str) or text in ABSENT:
        return None, None, *NOTHING
    method, _, rest = text.strip().partition(" ")
    target, _, protocol = rest.rpartition(" ")
    version: str | None = None
    if protocol.startswith("HTTP/"):
        version = protocol[5:] or None
    elif protocol not in ABSENT or not target:
        target = rest  # no version, or a URL with blanks in it
    if not (rest or method.isupper()) or not (
        method.isascii() and method.replace("-", "").isalpha() and len(method) <= LONGEST_METHOD
    ):
        # Not a method: the line may be a bare URL, or noise.
        if method not in ABSENT and not target:
            target = method
        method = ""
    target = target.strip()
    if method == "CONNECT" and "/" not in target:
        username, password, name, number = authority(target)
        return method, version, *Url(target or None, domain=name, port=number, username=username, password=password)
    return method or None, version, *split(target, scheme, domain, port)


def percent_decoded(text: object) -> tuple[str | None]:
    """The text without percent escapes, also where they were escaped once more (``%2520``); broken ones stay as they are."""
    if not isinstance(text, str) or text in ABSENT:
        return (None,)
    if "%" in text:
        text = unquote(text.replace("%25", "%"), errors="replace")
    return (text,)


def make_percent_decoded(options: Mapping[str, Any]) -> StepFunction:
    """``plus: blank``: each ``+`` stands for a blank, as in forms and in what IIS logs."""
    plus = options.get("plus", "keep")
    if plus not in ("keep", "blank"):
        raise ValueError(f"plus is keep or blank, not {plus!r}")
    if plus == "keep":
        return percent_decoded
    return lambda text: percent_decoded(text.replace("+", " ") if isinstance(text, str) and "+" in text else text)


_PIECES: dict[str, FieldKind] = {
    "original": "str",
    "full": "str",
    "scheme": "str",
    "domain": "str",
    "port": "int",
    "path": "str",
    "query": "str",
    "extension": "str",
    "fragment": "str",
    "username": "str",
    "password": "str",
}

STEPS: dict[str, StepSpec] = {
    "percent_decoded": StepSpec(percent_decoded, ("text",), {"text": "str"}, options=("plus",), make=make_percent_decoded),
    "url": StepSpec(split, ("url", "scheme", "domain", "port"), {**_PIECES}, cuts=True),
    "request_line": StepSpec(
        request_line,
        ("request", "scheme", "domain", "port"),
        {"method": "str", "version": "str", **_PIECES},
        cuts=True,
    ),
}
