"""What the numbers in the head of a Windows event mean: level, opcode, keywords, and the tasks of security auditing."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LEVELS = {"0": "information", "1": "critical", "2": "error", "3": "warning", "4": "information", "5": "verbose"}
"""Security auditing and classic sources write 0 for what viewers show as information."""
LEVEL_NAMES = {
    "info": "information", "information": "information", "informational": "information", "audit_success": "information",
    "audit_failure": "information", "success": "information", "notice": "information", "critical": "critical",
    "error": "error", "err": "error", "warning": "warning", "warn": "warning", "verbose": "verbose", "debug": "verbose",
}  # fmt: skip
"""Names that agents use → ours."""
OPCODES = {
    "0": "Info", "1": "Start", "2": "Stop", "3": "DCStart", "4": "DCStop", "5": "Extension", "6": "Reply", "7": "Resume",
    "8": "Suspend", "9": "Send",
}  # fmt: skip
SECURITY = "Microsoft-Windows-Security-Auditing"
SUCCESS, FAILURE = "Audit Success", "Audit Failure"
_KEYWORDS = (
    (0x0001_0000_0000_0000, "Response Time"),
    (0x0002_0000_0000_0000, "WDI Context"),
    (0x0004_0000_0000_0000, "WDI Diag"),
    (0x0008_0000_0000_0000, "SQM"),
    (0x0010_0000_0000_0000, FAILURE),
    (0x0020_0000_0000_0000, SUCCESS),
    (0x0040_0000_0000_0000, "Correlation Hint"),
    (0x0080_0000_0000_0000, "Classic"),
)
SECURITY_TASKS = {
    "12288": "Security State Change",
    "12289": "Security System Extension",
    "12290": "System Integrity",
    "12291": "IPsec Driver",
    "12292": "Other System Events",
    "12544": "Logon",
    "12545": "Logoff",
    "12546": "Account Lockout",
    "12547": "IPsec Main Mode",
    "12548": "Special Logon",
    "12549": "IPsec Quick Mode",
    "12550": "IPsec Extended Mode",
    "12551": "Other Logon/Logoff Events",
    "12552": "Network Policy Server",
    "12553": "User / Device Claims",
    "12554": "Group Membership",
    "12800": "File System",
    "12801": "Registry",
    "12802": "Kernel Object",
    "12803": "SAM",
    "12804": "Other Object Access Events",
    "12805": "Certification Services",
    "12806": "Application Generated",
    "12807": "Handle Manipulation",
    "12808": "File Share",
    "12809": "Filtering Platform Packet Drop",
    "12810": "Filtering Platform Connection",
    "12811": "Detailed File Share",
    "12812": "Removable Storage",
    "12813": "Central Policy Staging",
    "13056": "Sensitive Privilege Use",
    "13057": "Non Sensitive Privilege Use",
    "13058": "Other Privilege Use Events",
    "13312": "Process Creation",
    "13313": "Process Termination",
    "13314": "DPAPI Activity",
    "13315": "RPC Events",
    "13316": "Plug and Play Events",
    "13317": "Token Right Adjusted Events",
    "13568": "Audit Policy Change",
    "13569": "Authentication Policy Change",
    "13570": "Authorization Policy Change",
    "13571": "MPSSVC Rule-Level Policy Change",
    "13572": "Filtering Platform Policy Change",
    "13573": "Other Policy Change Events",
    "13824": "User Account Management",
    "13825": "Computer Account Management",
    "13826": "Security Group Management",
    "13827": "Distribution Group Management",
    "13828": "Application Group Management",
    "13829": "Other Account Management Events",
    "14080": "Directory Service Access",
    "14081": "Directory Service Changes",
    "14082": "Directory Service Replication",
    "14083": "Detailed Directory Service Replication",
    "14336": "Credential Validation",
    "14337": "Kerberos Service Ticket Operations",
    "14338": "Other Account Logon Events",
    "14339": "Kerberos Authentication Service",
}
"""Task of a security event → subcategory of the audit policy."""


def level_word(level: object) -> str | None:
    """The level's name in lower case, of its number or of what an agent calls it."""
    text = str(level).strip().lower() if isinstance(level, str | int) and not isinstance(level, bool) else ""
    return LEVELS.get(text) or LEVEL_NAMES.get(text) or (text if text.isalpha() and len(text) < 20 else None)


def opcode_word(opcode: object) -> str | None:
    """The opcode's name: ``Info`` of 0; a number without a common name stays."""
    text = _short(opcode)
    return OPCODES.get(text, text) or None


def task_word(provider: object, task: object) -> str | None:
    """The task's name where it is known, else its number; none of 0, which means there is none."""
    text = _short(task)
    if text in ("", "0", "None"):
        return None
    return SECURITY_TASKS.get(text, text) if provider == SECURITY else text


@lru_cache(maxsize=512)
def keyword_words(keywords: object) -> tuple[str, ...]:
    """Names of the standard bits of a mask, which is a number or text of one (also negative, as signed agents write it)."""
    try:
        mask = int(keywords, 0) if isinstance(keywords, str) and len(keywords) < 24 else int(keywords)  # type: ignore[call-overload]  # anything else raises
    except (TypeError, ValueError, OverflowError):
        return ()
    return tuple(word for bit, word in _KEYWORDS if mask & bit)


def outcome_word(words: tuple[str, ...] | list[str]) -> str | None:
    """``success`` or ``failure``, of the keywords of auditing."""
    for word in words:
        if word in (SUCCESS, "AUDIT_SUCCESS"):
            return "success"
        if word in (FAILURE, "AUDIT_FAILURE"):
            return "failure"
    return None


def completed(raw: dict[str, Any]) -> dict[str, Any]:
    """The raw event, in place, with those of its facts as numbers that are some, and its task as ``action`` if it has a name."""
    task = raw.get("task")
    if isinstance(task, str) and task and not task.isdecimal():
        raw["action"] = task
    for name in ("version", "process_id", "thread_id"):
        value = raw.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) < 16:
            raw[name] = int(value)
    return raw


def _short(value: object) -> str:
    return str(value).strip()[:256] if isinstance(value, str | int) and not isinstance(value, bool) else ""
