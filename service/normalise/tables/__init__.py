"""Shared tables: what the numbers and words of protocols mean. Keys are text, as logs write them."""

from service.normalise.tables.dns import DNS_CLASSES, DNS_RCODES, DNS_TYPES
from service.normalise.tables.http import HTTP_STATUS
from service.normalise.tables.network import IANA_PROTOCOLS, TCP_FLAGS, VPC_TRAFFIC_PATH
from service.normalise.tables.oracle import ORACLE_ACTIONS
from service.normalise.tables.syslog import SYSLOG_FACILITIES, SYSLOG_SEVERITIES, SYSLOG_SEVERITY_NUMBERS
from service.normalise.tables.windows import (
    LOGON_STATUSES,
    LOGON_TYPES,
    SERVICE_TYPES,
    TRUST_ATTRIBUTES,
    TRUST_DIRECTIONS,
    TRUST_TYPES,
)

TABLES: dict[str, dict[str, str | int]] = {
    "dns_classes": {**DNS_CLASSES},
    "dns_rcodes": {**DNS_RCODES},
    "dns_types": {**DNS_TYPES},
    "http_status": {**HTTP_STATUS},
    "iana_protocols": {**IANA_PROTOCOLS},
    "oracle_actions": {**ORACLE_ACTIONS},
    "syslog_facilities": {**SYSLOG_FACILITIES},
    "syslog_severities": {**SYSLOG_SEVERITIES},
    "syslog_severity_numbers": {**SYSLOG_SEVERITY_NUMBERS},
    "tcp_flags": {**TCP_FLAGS},
    "vpc_traffic_path": {**VPC_TRAFFIC_PATH},
    "windows_logon_statuses": {**LOGON_STATUSES},
    "windows_logon_types": {**LOGON_TYPES},
    "windows_service_types": {**SERVICE_TYPES},
    "windows_trust_attributes": {**TRUST_ATTRIBUTES},
    "windows_trust_directions": {**TRUST_DIRECTIONS},
    "windows_trust_types": {**TRUST_TYPES},
}
"""Every table a pipeline may name under ``translate``."""

__all__ = ["TABLES"]
