"""All records of one audit event as one: the system call, what it executed, where, on which files, with which address."""

from __future__ import annotations

from posixpath import join, normpath
from typing import Any

_MAIN = ("SYSCALL", "URINGOP")
_OF_THE_CALL = ("success", "exit", "syscall", "a0", "a1", "a2", "a3")


def merged(records: list[tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    """Type and pairs of the event; ``paths`` are its PATH records, ``records`` the types of all."""
    kinds = [kind for kind, _ in records]
    main = next((number for number, kind in enumerate(kinds) if kind in _MAIN), 0)
    kind, pairs = records[main]
    pairs = dict(pairs)
    paths: list[dict[str, Any]] = []
    for number, (other, more) in enumerate(records):
        if number == main or other == "EOE":
            continue
        if other == "PATH":
            paths.append(more)
            continue
        argv = more.get("argv") or more.get("ARGV")
        if other == "PROCTITLE" and isinstance(argv, list):
            more = {"proctitle": " ".join(map(str, argv))}
        elif isinstance(argv, list) and argv:
            pairs["argv"] = [str(each) for each in argv]
            pairs["argc"] = more.get("argc", str(len(argv)))
        for key, value in more.items():
            if key not in ("argv", "ARGV", "argc", "a0", "a1", "a2", "a3") and key not in _OF_THE_CALL:
                pairs.setdefault(key, value)
    if paths:
        pairs["paths"] = paths
        target = _target(paths)
        for key in ("inode", "mode", "nametype", "objtype", "ouid", "ogid", "OUID", "OGID", "dev"):
            if key in target:
                pairs.setdefault(key, target[key])
        if isinstance(target.get("name"), str):
            pairs["name"] = _absolute(target["name"], pairs.get("cwd"))
    pairs["records"] = list(dict.fromkeys(kinds))
    return kind, pairs


def _target(paths: list[dict[str, Any]]) -> dict[str, Any]:
    """The file that the event is about: what was created, deleted or opened, not the directory it is in."""
    for wanted in ("CREATE", "DELETE", "NORMAL"):
        for path in paths:
            if wanted in (path.get("nametype"), path.get("objtype")):
                return path
    return paths[0]


def _absolute(name: str, directory: object) -> str:
    if name.startswith("/") or not isinstance(directory, str) or len(name) + len(directory) > 8192:
        return name
    return normpath(join(directory, name))
