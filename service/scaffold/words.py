"""The words people use for what ECS has a name for."""

from __future__ import annotations

import re
from collections.abc import Callable

from service.scaffold.values import LEVELS, METHODS, TRANSPORTS, UUID, is_status

_ECS = {
    "source.ip": "src srcip src_ip srcaddr source_ip sourceip source_address source_ip_address sourceipaddress client client_ip "
    "clientip c_ip remote remote_addr remote_ip remote_address peer peer_ip ip ip_address ipaddress client_ip_address from",
    "source.address": "address client_address src remote client peer remote_addr from",
    "source.port": "srcport src_port source_port client_port spt sport remote_port from_port",
    "source.bytes": "sent_bytes bytes_sent sentbyte sent bytes_out out_bytes",
    "source.mac": "src_mac source_mac smac srcmac",
    "source.domain": "shost src_host source_host",
    "destination.ip": "dst dstip dst_ip dstaddr destination_ip dest_ip destip dest server_ip s_ip target_ip ip_2 to",
    "destination.address": "dst destination target server upstream address_2",
    "destination.port": "dstport dst_port destination_port dest_port server_port dpt dport target_port to_port port",
    "destination.bytes": "received_bytes bytes_received rcvdbyte rcvd received bytes_in in_bytes",
    "destination.domain": "dhost dst_host dest_host destination_host server_name sni",
    "user.name": "user username user_name usr usr_name login login_name account account_name suser suser_name principal "
    "actor_login actor_name actor_alternate_id for by",
    "user.id": "user_id userid uid suid actor_id",
    "user.email": "email mail user_email",
    "user.domain": "user_domain sntdom",
    "user.target.name": "duser target_user",
    "host.name": "host hostname host_name computer computer_name machine node server dvchost devname device_name syslog_host",
    "event.action": "action act event eventname event_name evt_type event_type operation op activity verb",
    "event.id": "eventid event_id uuid event_uuid evt_id message_id",
    "event.code": "signature event_code code signature_id",
    "event.provider": "provider",
    "event.severity": "severity sev priority level risk_score",
    "event.reason": "reason",
    "event.outcome": "outcome",
    "log.level": "level severity loglevel log_level lvl levelname priority head_level",
    "log.logger": "logger logger_name category",
    "message": "message msg text description _rest log",
    "process.name": "process program app application proc process_name sproc syslog_program",
    "process.pid": "pid process_id procid proc_id spid syslog_pid",
    "process.thread.name": "thread thread_name",
    "process.command_line": "command_line cmdline cmd command",
    "process.executable": "exe executable",
    "http.request.method": "method http_method verb request_method cs_method http_request_method",
    "http.request.id": "request_id req_id correlation_id",
    "http.request.referrer": "referer referrer http_referer request_context",
    "http.response.status_code": "status status_code http_status sc_status response_code response_status",
    "http.response.body.bytes": "body_bytes_sent response_size response_bytes",
    "http.version": "http_version",
    "url.original": "url uri request_uri request_url cs_uri request href",
    "url.path": "path uri_path cs_uri_stem request_path",
    "url.domain": "vhost domain http_host",
    "user_agent.original": "user_agent useragent ua http_user_agent agent request_client_application",
    "network.bytes": "bytes total_bytes",
    "network.packets": "packets pkts",
    "network.iana_number": "proto protocol protocol_number",
    "network.transport": "proto protocol transport l4_proto",
    "network.protocol": "proto protocol app_proto service",
    "network.direction": "direction",
    "cloud.account.id": "account_id accountid recipient_account_id owner_account",
    "cloud.region": "region aws_region",
    "file.path": "path file_path filepath full_path object_path",
    "file.name": "filename file_name fname file",
    "file.size": "file_size fsize object_size",
    "file.hash.md5": "md5",
    "file.hash.sha1": "sha1",
    "file.hash.sha256": "sha256 file_hash hash",
    "rule.name": "rule rule_name policy policy_name",
    "rule.id": "rule_id policy_id policyid",
    "trace.id": "trace_id traceid",
    "span.id": "span_id",
    "error.message": "err error error_message exception",
    "error.code": "error_code errno",
    "error.stack_trace": "stack stack_trace stacktrace traceback",
    "observer.vendor": "vendor device_vendor",
    "observer.product": "product device_product",
    "observer.version": "product_version device_version",
    "log.syslog.msgid": "msgid syslog_msgid",
    "log.syslog.priority": "syslog_priority",
    "log.syslog.version": "syslog_version",
    "log.file.path": "log_file",
}
_BY_WORD: dict[str, tuple[str, ...]] = {
    word: tuple(name for name, words in _ECS.items() if word in words.split())
    for words in _ECS.values()
    for word in words.split()
}  # fmt: skip
_BY_PATH = {
    "syslog": {
        "priority": "log.syslog.priority",
        "facility.code": "log.syslog.facility.code",
        "facility.name": "log.syslog.facility.name",
        "severity.code": "log.syslog.severity.code",
        "severity.name": "log.level",
        "version": "log.syslog.version",
    },
    "cef": {"name": "rule.name", "version": "observer.version"},
    "leef": {"version": "observer.version", "signature": "event.action"},
}
"""Parse step → raw path → field, where the step says better than the word what it is."""
_ONLY: dict[str, Callable[[str], bool]] = {
    "http.request.method": lambda value: value.upper() in METHODS,
    "http.response.status_code": is_status,
    "network.transport": lambda value: value.lower() in TRANSPORTS,
    "network.iana_number": lambda value: value.isdecimal() and int(value) < 256,
    "event.outcome": lambda value: value in ("success", "failure", "unknown"),
    "file.hash.sha256": lambda value: re.fullmatch(r"[0-9a-fA-F]{64}", value) is not None,
    "event.id": lambda value: UUID.fullmatch(value) is not None or len(value) > 15,
    "user.email": lambda value: "@" in value,
    "cloud.account.id": lambda value: re.fullmatch(r"\d{12}", value) is not None,
    "file.path": lambda value: re.match(r"/|[A-Za-z]:\\|\\\\", value) is not None,
    "url.path": lambda value: value.startswith("/"),
    "url.original": lambda value: value.startswith("/") or "://" in value,
    "network.direction": lambda value: value in ("inbound", "outbound", "internal", "external", "ingress", "egress", "unknown"),
    "log.level": lambda value: value.strip().lower() in LEVELS,
}
"""Fields that take only values that look the part."""


def candidates(path: str, step: str) -> tuple[str, ...]:
    """ECS fields that the last words of a raw path may mean, likeliest first; ``step`` is the parse step it is of."""
    known = _BY_PATH.get(step, {}).get(path)
    parts = [snake(part) for part in path.replace('"', "").split(".")]
    two = _BY_WORD.get("_".join(parts[-2:]), ()) if len(parts) > 1 else ()
    return (*((known,) if known else ()), path, *two, *_BY_WORD.get(parts[-1], ()))


def looks_the_part(field: str, values: list[str]) -> bool:
    """Whether the values are what the field is for."""
    return field not in _ONLY or all(map(_ONLY[field], values))


def snake(name: str) -> str:
    """``requestMethod``, ``Request-Method`` and ``REQUEST METHOD`` as ``request_method``."""
    if name == "_rest":  # what a parse step leaves: no word of anybody's
        return name
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"([A-Z])([A-Z][a-z])", r"\1_\2", name))
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
