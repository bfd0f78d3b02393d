"""Names of data that an agent sends by position only, from the manifests of the events that matter most."""

from __future__ import annotations

from typing import Any

MOST = 200
_SUBJECT = "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"
_TARGET = "TargetUserName TargetDomainName TargetSid"
_LOGON = "LogonType LogonProcessName AuthenticationPackageName WorkstationName"
_MEMBER = f"MemberName MemberSid {_TARGET} {_SUBJECT} PrivilegeList"
_ACCOUNT = (
    "SamAccountName DisplayName UserPrincipalName HomeDirectory HomePath ScriptPath ProfilePath UserWorkstations PasswordLastSet "
    "AccountExpires PrimaryGroupId AllowedToDelegateTo OldUacValue NewUacValue UserAccountControl UserParameters SidHistory "
    "LogonHours"
)
_OBJECT = f"{_SUBJECT} ObjectServer ObjectType ObjectName HandleId"
_SHARE = f"{_SUBJECT} ObjectType IpAddress IpPort ShareName ShareLocalPath"
_NAMES = {
    "4624": f"{_SUBJECT} TargetUserSid TargetUserName TargetDomainName TargetLogonId {_LOGON} LogonGuid TransmittedServices "
    "LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel RestrictedAdminMode "
    "TargetOutboundUserName TargetOutboundDomainName VirtualAccount TargetLinkedLogonId ElevatedToken",
    "4625": f"{_SUBJECT} TargetUserSid TargetUserName TargetDomainName Status FailureReason SubStatus {_LOGON} "
    "TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort",
    "4634": "TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType",
    "4647": "TargetUserSid TargetUserName TargetDomainName TargetLogonId",
    "4648": f"{_SUBJECT} LogonGuid TargetUserName TargetDomainName TargetLogonGuid TargetServerName TargetInfo ProcessId "
    "ProcessName IpAddress IpPort",
    "4656": f"{_OBJECT} TransactionId AccessList AccessReason AccessMask PrivilegeList RestrictedSidCount ProcessId ProcessName "
    "ResourceAttributes",
    "4663": f"{_OBJECT} AccessList AccessMask ProcessId ProcessName ResourceAttributes",
    "4672": f"{_SUBJECT} PrivilegeList",
    "4688": f"{_SUBJECT} NewProcessId NewProcessName TokenElevationType ProcessId CommandLine TargetUserSid TargetUserName "
    "TargetDomainName TargetLogonId ParentProcessName MandatoryLabel",
    "4689": f"{_SUBJECT} Status ProcessId ProcessName",
    "4697": f"{_SUBJECT} ServiceName ServiceFileName ServiceType ServiceStartType ServiceAccount",
    **dict.fromkeys(("4698", "4699", "4700", "4701"), f"{_SUBJECT} TaskName TaskContent"),
    "4702": f"{_SUBJECT} TaskName TaskContentNew",
    "4719": f"{_SUBJECT} CategoryId SubcategoryId SubcategoryGuid AuditPolicyChanges",
    "4720": f"{_TARGET} {_SUBJECT} PrivilegeList {_ACCOUNT}",
    "4738": f"Dummy {_TARGET} {_SUBJECT} PrivilegeList {_ACCOUNT}",
    **dict.fromkeys(("4722", "4724", "4725", "4740", "4767"), f"{_TARGET} {_SUBJECT}"),
    **dict.fromkeys(("4723", "4726", "4730", "4734", "4758"), f"{_TARGET} {_SUBJECT} PrivilegeList"),
    **dict.fromkeys(("4727", "4731", "4754"), f"{_TARGET} {_SUBJECT} PrivilegeList SamAccountName SidHistory"),
    **dict.fromkeys(("4728", "4729", "4732", "4733", "4756", "4757"), _MEMBER),
    "4768": f"{_TARGET} ServiceName ServiceSid TicketOptions Status TicketEncryptionType PreAuthType IpAddress IpPort "
    "CertIssuerName CertSerialNumber CertThumbprint",
    "4769": "TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress IpPort Status "
    "LogonGuid TransmittedServices",
    "4770": "TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress IpPort",
    "4771": "TargetUserName TargetSid ServiceName TicketOptions Status PreAuthType IpAddress IpPort CertIssuerName "
    "CertSerialNumber CertThumbprint",
    "4776": "PackageName TargetUserName Workstation Status",
    "5140": f"{_SHARE} AccessMask AccessList",
    "5145": f"{_SHARE} RelativeTargetName AccessMask AccessList AccessReason",
    "1102": _SUBJECT,
    "7045": "ServiceName ImagePath ServiceType StartType AccountName",
    "4104": "MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path",
}
_ORDER = {event_id: tuple(names.split()) for event_id, names in _NAMES.items()}


def named_inserts(event_id: str, version: object, inserts: list[Any]) -> dict[str, Any]:
    """The inserts by name; ``param1``, ``param2`` … where the event is not known or brings more than its manifest says.

    A logon of version 3 and later has one datum more than before, behind the restricted admin mode.
    """
    names = _ORDER.get(event_id, ())
    if event_id == "4624" and str(version).isdecimal() and int(str(version)[:4]) >= 3:
        at = names.index("RestrictedAdminMode") + 1
        names = (*names[:at], "RemoteCredentialGuard", *names[at:])
    if len(inserts) > len(names):
        names = ()
    return {
        (names[number] if names else f"param{number + 1}"): value
        for number, value in enumerate(inserts[:MOST])
        if value not in (None, "")
    }
