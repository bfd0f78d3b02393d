"""Syslog: facilities and severities."""

_FACILITIES = (
    "kernel user-level mail system-daemon security/authorization syslogd line-printer network-news uucp clock "
    "security/authorization ftp ntp log-audit log-alert clock local0 local1 local2 local3 local4 local5 local6 local7"
)
_SEVERITIES = "emergency alert critical error warning notice informational debug"

SYSLOG_FACILITIES: dict[str, str] = {str(code): name for code, name in enumerate(_FACILITIES.split())}
"""Facility code → name."""

SYSLOG_SEVERITIES: dict[str, str] = {str(code): name for code, name in enumerate(_SEVERITIES.split())}
"""Severity code → name, as RFC 5424 writes it."""

SYSLOG_SEVERITY_NUMBERS: dict[str, int] = {
    "emergency": 0, "emerg": 0, "panic": 0, "fatal": 0, "alert": 1, "critical": 2, "crit": 2, "severe": 2, "error": 3,
    "err": 3, "warning": 4, "warn": 4, "notice": 5, "informational": 6, "information": 6, "info": 6, "debug": 7,
    "trace": 7, "verbose": 7, "fine": 7,
}  # fmt: skip
"""Word that programs write, in lower case → severity code."""
