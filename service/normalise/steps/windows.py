"""What the data of Windows events mean: accounts, paths, command lines, numbers in hexadecimal, and the codes of auditing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from service.enrich.fragments import dump
from service.normalise.steps.spec import StepFunction, StepSpec
from service.normalise.tables.windows import (
    ACCESS_RIGHTS,
    ACCOUNT_FLAGS,
    AUDIT_SUBCATEGORIES,
    ENCRYPTION_TYPES,
    KERBEROS_STATUSES,
    TICKET_OPTIONS,
)
from service.normalise.tables.windows_messages import MESSAGES

MOST_ITEMS = 1000
LONGEST = 8191
"""Characters of what becomes an indexed keyword."""
_CODE = re.compile(r"%%(\d{1,5})")
_QUOTE = re.compile(r'(?<!\\)(\\*+)"')
_PART = re.compile(r'(?:[^\s"]++|"[^"]*+"?)++')
_DN = re.compile(r"(?:^|,)\s*(CN|OU|DC)=((?:[^,\\]|\\.)*+)", re.IGNORECASE)
_HIVES = {
    "HKLM": "HKLM", "HKEY_LOCAL_MACHINE": "HKLM", "MACHINE": "HKLM", "HKU": "HKU", "HKEY_USERS": "HKU", "USER": "HKU",
    "HKCR": "HKCR", "HKEY_CLASSES_ROOT": "HKCR", "HKCU": "HKCU", "HKEY_CURRENT_USER": "HKCU", "HKEY_CURRENT_CONFIG": "HKCC",
    "HKCC": "HKCC",
}  # fmt: skip
_KERBEROS = frozenset({"4768", "4769", "4770", "4771"})


def windows_account(name: object) -> tuple[str | None, str | None]:
    """Name and domain of ``alice``, ``alice@EXAMPLE.COM`` or alice with her domain and a backslash before her."""
    if not isinstance(name, str) or not name or name == "-":
        return None, None
    if "\\" in name:
        domain, _, name = name.rpartition("\\")
    else:
        name, _, domain = name.partition("@")
    return name or None, domain or None


def hex_number(value: object) -> tuple[int | None]:
    """A whole number of ``0x1f4`` or ``500``, not negative."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return (None,)
    if isinstance(value, str):
        text = value.strip()
        digits = text[2:] if text[:2] in ("0x", "0X") else text
        if not digits.isascii() or not digits.isalnum() or len(digits) > 19:
            return (None,)
        try:
            value = int(digits, 16 if digits is not text else 10)
        except ValueError:
            return (None,)
    return (value if 0 <= value < 2**63 else None,)


def make_hex_number(options: Mapping[str, Any]) -> StepFunction:
    """``plain: hex`` for digits in hexadecimal that nothing stands before."""
    plain = options.get("plain", "decimal")
    if plain not in ("decimal", "hex"):
        raise ValueError(f"plain is decimal or hex, not {plain!r}")
    if plain == "decimal":
        return hex_number
    return lambda value: hex_number("0x" + value.strip().removeprefix("0x") if isinstance(value, str) else value)


def windows_path(path: object) -> tuple[str | None, str | None, str | None]:
    """Name, directory and extension of a path with backslashes or slashes."""
    if not isinstance(path, str) or path == "-":
        return None, None, None
    at = max(path.rfind("\\"), path.rfind("/"))
    name = path[at + 1 :]
    stem, dot, extension = name.rpartition(".")
    known = extension if dot and stem and extension.isalnum() and len(extension) <= 16 else None
    return name or None, path[:at] or None if at > 0 else None, known


def command_args(line: object) -> tuple[list[str] | None, int | None]:
    """The arguments of a command line, cut at blanks outside double quotes, which stay; and how many."""
    if not isinstance(line, str):
        return None, None
    args = [found[0][:LONGEST] for found, _ in zip(_PART.finditer(line), range(MOST_ITEMS), strict=False)]
    return (args, len(args)) if args else (None, None)


def make_command_args(options: Mapping[str, Any]) -> StepFunction:
    """``quotes: keep`` (the default) or ``drop``: as programs get their arguments, backslashes before quotes escaping them."""
    quotes = options.get("quotes", "keep")
    if quotes not in ("keep", "drop"):
        raise ValueError(f"quotes is keep or drop, not {quotes!r}")
    if quotes == "keep":
        return command_args

    def without_quotes(line: object) -> tuple[list[str] | None, int | None]:
        args, count = command_args(line)
        return ([_unquoted(arg) if '"' in arg else arg for arg in args] if args else None), count

    return without_quotes


def _unquoted(arg: str) -> str:
    """The argument without the quotes around its parts; a quote behind a backslash is one of its letters."""
    return _QUOTE.sub(lambda found: "\\" * (len(found[1]) // 2) + ('"' if len(found[1]) % 2 else ""), arg)


def distinguished_name(name: object) -> tuple[str | None, str | None]:
    """Common name and DNS domain of ``CN=alice,CN=Users,DC=example,DC=com``; another name stays what it is."""
    if not isinstance(name, str) or not name or name == "-":
        return None, None
    parts = [(kind.upper(), value.replace("\\", "")) for kind, value in _DN.findall(name[:LONGEST])]
    if not parts:
        return name[:LONGEST], None
    common = next((value for kind, value in parts if kind == "CN"), parts[0][1])
    return common or None, ".".join(value for kind, value in parts if kind == "DC" and value) or None


def registry_path(path: object) -> tuple[str | None, str | None, str | None]:
    r"""Hive (``HKLM``), key below it and last part, of ``HKLM\SOFTWARE\x`` and ``\REGISTRY\MACHINE\SOFTWARE\x``."""
    if not isinstance(path, str) or not path or path == "-":
        return None, None, None
    text = path.removeprefix("\\")
    root, _, rest = text.partition("\\")
    if root.upper() == "REGISTRY":
        root, _, rest = rest.partition("\\")
    hive = _HIVES.get(root.upper())
    if hive is None:
        return None, None, None
    return hive, rest or None, rest.rpartition("\\")[2] or None


def message_codes(value: object) -> tuple[str | None, list[str] | None]:
    """The text with its ``%%`` codes replaced by what they say, and a list of those that are known."""
    if not isinstance(value, str):
        return None, None
    known = [MESSAGES[code] for code in _CODE.findall(value)[:MOST_ITEMS] if code in MESSAGES]
    text = _CODE.sub(lambda found: MESSAGES.get(found[1], found[0]), value) if known else value
    return text or None, known or None


def windows_words(data: object, event_id: object) -> tuple[str | None]:
    """The data as an object, with words beside the codes that auditing writes: ``AccessList`` and ``AccessListDescription``."""
    if not isinstance(data, dict):
        return (None,)
    told = {key: value for key, value in data.items() if value not in ("", None, [], {})} if "" in data.values() else data.copy()
    for name in _WORDS.keys() & told.keys():
        value = told[name]
        if isinstance(value, str):
            told |= _WORDS[name](value, event_id)
    return (dump(told) if told else None,)


@lru_cache(maxsize=4096)
def _bits(mask: str, table: tuple[tuple[int, str], ...]) -> list[str]:
    (number,) = hex_number(mask)
    return [word for bit, word in table if number and number & bit == bit]


_RIGHTS, _FLAGS, _OPTIONS = (tuple(table.items()) for table in (ACCESS_RIGHTS, ACCOUNT_FLAGS, TICKET_OPTIONS))
Words = dict[str, Any]


def _named(name: str, words: list[str] | str | None) -> Words:
    return {name: words} if words else {}


def _split(name: str) -> Callable[[str, object], Words]:
    return lambda value, _: {} if value == "-" else _named(name, value.split()[:MOST_ITEMS])


def _mask(value: str, _: object) -> Words:
    return _named("AccessMaskDescription", _bits(value[:20], _RIGHTS))


def _codes(name: str) -> Callable[[str, object], Words]:
    return lambda value, _: _named(name, message_codes(value)[1])


def _number(name: str, table: Mapping[int, str]) -> Callable[[str, object], Words]:
    return lambda value, _: _named(name, table.get(hex_number(value)[0] or 0))


def _status(value: str, event_id: object) -> Words:
    return _number("StatusDescription", KERBEROS_STATUSES)(value, None) if event_id in _KERBEROS else {}


def _control(value: str, _: object) -> Words:
    return _named("UserAccountControl", _CODE.findall(value)[:MOST_ITEMS])


def _subcategory(value: str, _: object) -> Words:
    found = AUDIT_SUBCATEGORIES.get(value.strip("{}").upper())
    return {"Category": found[0], "SubCategory": found[1]} if found else {}


_WORDS: dict[str, Callable[[str, object], Words]] = {
    "AccessList": _codes("AccessListDescription"),
    "AccessMask": _mask,
    "AuditPolicyChanges": _codes("AuditPolicyChangesDescription"),
    "NewUacValue": lambda value, _: _named("NewUACList", _bits(value[:20], _FLAGS)),
    "PrivilegeList": _split("PrivilegeList"),
    "SidList": _split("SidList"),
    "Status": _status,
    "SubcategoryGuid": _subcategory,
    "TicketEncryptionType": _number("TicketEncryptionTypeDescription", ENCRYPTION_TYPES),
    "TicketOptions": lambda value, _: _named("TicketOptionsDescription", _bits(value[:20], _OPTIONS)),
    "UserAccountControl": _control,
}
"""Datum → what its value says besides; of what has the same name the value is replaced."""


STEPS: dict[str, StepSpec] = {
    "windows_account": StepSpec(windows_account, ("name",), {"name": "str", "domain": "str"}, cuts=True),
    "hex_number": StepSpec(hex_number, ("value",), {"number": "int"}, options=("plain",), make=make_hex_number),
    "windows_path": StepSpec(windows_path, ("path",), {"name": "str", "directory": "str", "extension": "str"}, cuts=True),
    "command_args": StepSpec(
        command_args, ("line",), {"args": "list", "count": "int"}, options=("quotes",), make=make_command_args
    ),
    "distinguished_name": StepSpec(distinguished_name, ("name",), {"name": "str", "domain": "str"}),
    "registry_path": StepSpec(registry_path, ("path",), {"hive": "str", "key": "str", "value": "str"}, cuts=True),
    "message_codes": StepSpec(message_codes, ("value",), {"text": "str", "list": "list"}),
    "windows_words": StepSpec(windows_words, ("data", "event_id"), {"data": "json"}),
}
