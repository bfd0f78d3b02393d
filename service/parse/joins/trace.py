"""Which line can only be the next one of what stands before it: stack traces of the usual languages, things printed indented."""

from __future__ import annotations

import re

_LEVEL = re.compile(r"\s{1,20}\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|ERROR|FATAL|CRIT|SEVERE)", re.IGNORECASE)
_NEXT = ("Caused by: ", "Suppressed: ", "... ", "--- End of ", " ---> ", " at ")
_AFTER_ERROR = re.compile(
    r"Traceback \(most recent call last\):|(?:[a-z_][\w$]{0,60}\.){1,12}[A-Z][\w$]{0,100}(?:Exception|Error|Throwable)(?::|$)"
)
_ERROR = re.compile(
    r"\b(?:ERROR|CRITICAL|FATAL|SEVERE|Exception|error|exception|failed|panicked)\b|level[=:\" ]{1,4}(?:error|fatal)"
)
_PYTHON = "Traceback (most recent call last):"
_PYTHON_AGAIN = ("During handling of the above exception", "The above exception was the direct cause", _PYTHON)
_PYTHON_END = re.compile(r"[A-Za-z_][\w.]{0,100}(?:: |:$|$)")
_GO = ("panic: ", "fatal error: ")
_GO_NEXT = re.compile(
    r"goroutine \d{1,12} \[|[\w./*()\[\]{}-]{1,300}\(.{0,300}\)$|created by |exit status |\[signal |panic: |\[recovered\]"
)
_HEAD = 400


def seems_to_continue(line: str) -> bool:
    """Whether it may be worth a closer look whether the line belongs to the one before it; the line may be cut."""
    first = line[:1]
    if first in ("", " ", "\t", "}", "]", ")"):
        return first not in ("",)
    return line.startswith(_NEXT) or (first != "{" and _AFTER_ERROR.match(line) is not None)


def opens(text: str) -> bool:
    """Whether lines that say nothing by themselves may follow."""
    return _PYTHON in text or "panic: " in text or "fatal error: " in text


class Trace:
    """How an event that goes over many lines may go on."""

    def __init__(self, first: str) -> None:
        self._language = ""
        self._last = first.rpartition("\n")[2]
        self._failed = _ERROR.search(first[:_HEAD]) is not None
        self._learn(first)

    def goes_on(self, line: str) -> bool:
        """Whether the line is the next one; from then on it is the last."""
        if not self._accepts(line):
            return False
        self._learn(line)
        self._last = line.rpartition("\n")[2] or self._last
        return True

    def _learn(self, line: str) -> None:
        if _PYTHON in line:
            self._language = "python"
        elif line.startswith(_GO) or "\npanic: " in line or (" panic: " in line[:_HEAD] and not self._language):
            self._language = "go"

    def _accepts(self, line: str) -> bool:
        if not line.strip():
            return self._language != ""
        if line[0] == "\t" or line[:2] == "  ":
            return _LEVEL.match(line) is None
        if line.startswith(_NEXT):
            return True
        if line[0] in "}])" and len(line.strip("}]),; \t")) == 0:
            return True
        if self._language == "python":
            indented = self._last[:1] in (" ", "\t")
            return line.startswith(_PYTHON_AGAIN) or (indented and _PYTHON_END.match(line) is not None)
        if self._language == "go":
            return _GO_NEXT.match(line) is not None
        return self._failed and _AFTER_ERROR.match(line) is not None
