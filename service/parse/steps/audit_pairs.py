"""The pairs of one audit record, as text again: hexadecimal decoded, arguments put together, addresses read.

Every branch looks at a character a bounded number of times.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from itertools import islice
from typing import Any

from service.normalise.fitting import names

_KEY = r"(?<![A-Za-z0-9_.-])[0-9.-]*+([A-Za-z_][A-Za-z0-9_.-]{0,63}+(?:\[\d{1,5}\])?)="
_PAIR = re.compile(_KEY + r"(\"[^\"]*\"?|'[^']*'?|\{ [^}]*\}?|[^\s'\"\x1d]*)")
_SPACED = re.compile(
    _KEY + r"(\"[^\"]*\"?|.*?(?=[\s,(]{1,4}[A-Za-z_][A-Za-z0-9_.-]{0,63}(?:\[\d{1,5}\])?=|$))",
    re.DOTALL,
)
_AVC = re.compile(r"\s{0,4}avc:\s{1,4}(denied|granted)\s{1,4}\{ ?([^}]{0,1000}?) ?\} for ")
_OLD_NEW = re.compile(r"\b(old|new) (auid|ses)=")
_ARGUMENT = re.compile(r"a(\d{1,5})(?:\[(\d{1,5})\])?")
_ENCODED = frozenset(
    names(
        "exe cmd data path comm file name watch cwd acct dir vm old-chardev new-chardev old-disk new-disk old-fs new-fs old-net "
        "new-net device cgroup apparmor operation denied_mask info profile requested_mask ocomm grp new_group invalid_context sw "
        "root_dir proctitle key unit"
    )
)
"""Keys whose unquoted value may be hexadecimal: what people may have chosen is never written as it is."""
_HEXADECIMAL = frozenset("0123456789ABCDEF")
_READABLE = frozenset(b"\0 " + bytes(range(32, 127)))
_REASONS = frozenset(b'\0 "')
_NOTHING = frozenset({"", "?", "(null)"})
_MOST = 512
"""Pairs of a record that are kept."""
_KEPT_ARGUMENTS = 8
"""Arguments that are kept under their own names too: rules ask for them by position."""
_CARETS = {code: f"^{chr(code ^ 64)}" for code in (*range(32), 127)}


def pairs_of(kind: str, rest: str) -> dict[str, Any]:
    """What the record says after its head; of a key that stands twice the first value wins.

    ``argv`` are the arguments of EXECVE, ``avc`` the decision of an access check, ``words`` what has no key.
    """
    found: dict[str, Any] = {}
    access = _AVC.match(rest)
    if access is not None:
        _access(access, found)
        rest = rest[access.end() :]
    elif kind == "LOGIN":
        rest = _OLD_NEW.sub(r"\1_\2=", rest)
    if kind == "EXECVE":
        _arguments(rest, found)
        return found
    outer, quote, inner = rest.partition(" msg='")
    _plain(outer, found)
    if quote:
        # Behind the program's message an enriched record has the names of the users before it.
        inner, closing, names_of = inner.rpartition("'")
        _inner(inner if closing else names_of, found)
        if closing:
            _plain(names_of, found)
    if "saddr" in found and "saddr_fam" not in found:
        _address(found)
    return found


def _plain(text: str, found: dict[str, Any]) -> None:
    """Pairs between blanks: what holds a blank is hexadecimal, or it is in braces, or no kernel wrote it."""
    for token in text.replace("\x1d", " ").split(None, _MOST):
        key, sign, value = token.partition("=")
        if not sign:
            continue
        if value[:1] == '"':
            if value[-1] != '"' or len(value) == 1:
                break
            value = value[1:-1]
        elif key in _ENCODED:
            value = _decoded(value, key)
        elif value == "{" or value[:1] == "'":
            break
        if value not in _NOTHING and key not in found:
            found[key] = value
    else:
        return
    _quoted(text, found)


def _quoted(text: str, found: dict[str, Any]) -> None:
    for key, value in islice(_PAIR.findall(text), _MOST):
        if value[:2] == "{ ":
            _spaced(value[2:].rstrip(" }"), found)
        elif key not in found:
            _add(found, key, value)


def _access(access: re.Match[str], found: dict[str, Any]) -> None:
    found["avc"] = {"action": access[1], "request": access[2].strip()}


def _inner(text: str, found: dict[str, Any]) -> None:
    """The message of a program: words, then pairs whose values may hold blanks."""
    access = _AVC.match(text)
    if access is not None:
        _access(access, found)
        text = text[access.end() :]
    _spaced(text, found)


def _spaced(text: str, found: dict[str, Any]) -> None:
    first = 0
    for number, pair in enumerate(islice(_SPACED.finditer(text), _MOST)):
        if not number:
            first = pair.start(1)
        key, value = pair.groups()
        if key not in found:
            _add(found, key, value.rstrip(" ,:)") if value[:1] != '"' else value)
    words = text[: first or len(text)].strip(" :,(") if first or "=" not in text else ""
    if words:
        found.setdefault("words", words)


def _add(found: dict[str, Any], key: str, value: str) -> None:
    if value in _NOTHING:
        return
    if value[0] in "\"'":
        value = value.strip(value[0])
        if value in _NOTHING:
            return
    elif key in _ENCODED:
        value = _decoded(value, key)
    found[key] = value


def _decoded(value: str, key: str) -> str:
    octets = _octets(value)
    if octets is None:
        return value
    if key == "key":
        return ",".join(octets.decode("utf-8", "replace").split("\x01"))
    if key != "data":
        octets = octets.rstrip(b"\0").replace(b"\0", b" ")
    return octets.decode("utf-8", "replace").translate(_CARETS)


def _octets(value: str) -> bytes | None:
    """What the hexadecimal digits stand for; None when they are text, or a number that need not have been encoded."""
    if len(value) % 2 or not value or not _HEXADECIMAL.issuperset(value):
        return None
    octets = bytes.fromhex(value)
    if value.isdecimal():
        # Mostly a number after all: encoded text has what made it be encoded, and nothing that cannot be read.
        return octets if len(value) > 5 and _READABLE.issuperset(octets) and not _REASONS.isdisjoint(octets) else None
    return octets if len(value) > 3 or any(code < 33 or code == 34 or code > 126 for code in octets) else None


def _arguments(rest: str, found: dict[str, Any]) -> None:
    pieces: dict[int, list[str]] = {}
    whole: dict[int, str] = {}
    for key, value in islice(_PAIR.findall(rest), 20 * _MOST):
        argument = _ARGUMENT.fullmatch(key)
        if argument is None:
            if not key.endswith("_len"):
                _add(found, key, value)
        elif argument[2] is not None:
            pieces.setdefault(int(argument[1]), []).append(value.strip('"'))
        else:
            whole[int(argument[1])] = _argument(value)
    for number, parts in pieces.items():
        octets = _octets("".join(parts))
        whole[number] = "".join(parts) if octets is None else octets.decode("utf-8", "replace").translate(_CARETS)
    numbers = sorted(whole)
    if not numbers:
        return
    argv = [whole[number] for number in numbers]
    if numbers[0]:
        argv.insert(0, f"[... {numbers[0]} truncated arguments ...]")
    found["argv"] = argv
    for number in numbers[:_KEPT_ARGUMENTS]:
        found[f"a{number}"] = whole[number]


def _argument(value: str) -> str:
    if value[:1] == '"':
        return value.strip('"')
    octets = _octets(value)
    return value if octets is None else octets.decode("utf-8", "replace").translate(_CARETS)


def _address(found: dict[str, Any]) -> None:
    """``saddr``, a sockaddr in hexadecimal, in the words of an enriched record."""
    text = found["saddr"]
    if len(text) % 2 or not _HEXADECIMAL.issuperset(text.upper()):
        return
    octets = bytes.fromhex(text)
    match octets[:2]:
        case b"\x02\x00" if len(octets) >= 8:
            host = ".".join(map(str, octets[4:8]))
            found |= {"saddr_fam": "inet", "laddr": host, "lport": str(int.from_bytes(octets[2:4]))}
        case b"\x0a\x00" if len(octets) >= 24:
            host = str(IPv6Address(octets[8:24]))
            found |= {"saddr_fam": "inet6", "laddr": host, "lport": str(int.from_bytes(octets[2:4]))}
        case b"\x01\x00":
            found["saddr_fam"] = "local"
            path = octets[2:].lstrip(b"\0").partition(b"\0")[0].decode("utf-8", "replace")
            if path:
                found["path"] = path
        case b"\x10\x00":
            found["saddr_fam"] = "netlink"
        case b"\x11\x00":
            found["saddr_fam"] = "packet"
        case _:
            pass
