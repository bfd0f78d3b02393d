"""What the rendered message of an event says, under the names that the event's own data have.

Agents that send the message without the data (the CloudWatch agent's text format, Fluent Bit's positional inserts) leave only
the text people read: sections such as ``Subject:`` with indented ``Account Name:`` lines. Labels are those of English Windows.
"""

from __future__ import annotations

import re

MOST_LINES = 400
LONGEST_VALUE = 32_000
_LABEL = re.compile(r"([A-Z][^:\t\n]{0,60}):(?:[ \t]+(.*))?", re.DOTALL)
_PAIR = re.compile(r"\s*([A-Za-z]{2,40})=(.*)", re.DOTALL)
_ROLES = {
    "Subject": "Subject",
    "Creator Subject": "Subject",
    "New Logon": "Target",
    "Account For Which Logon Failed": "Target",
    "Account Whose Credentials Were Used": "Target",
    "Target Account": "Target",
    "New Account": "Target",
    "New Computer Account": "Target",
    "Computer Account That Was Changed": "Target",
    "Target Computer": "Target",
    "Account That Was Locked Out": "Target",
    "Target Subject": "Target",
    "Account Information": "Target",
    "User": "Target",
    "Group": "Target",
    "New Group": "Target",
    "Deleted Group": "Target",
    "Member": "Member",
}
"""Section of a message → whose account it is about."""
_ACCOUNT = {
    "Security ID": "UserSid",
    "User ID": "Sid",
    "Account Name": "UserName",
    "Group Name": "UserName",
    "Account Domain": "DomainName",
    "Group Domain": "DomainName",
    "Supplied Realm Name": "DomainName",
    "Logon ID": "LogonId",
}
"""Label of an account's line → the end of the name of its datum."""
_NAMES = {
    "Logon Type": "LogonType",
    "Restricted Admin Mode": "RestrictedAdminMode",
    "Virtual Account": "VirtualAccount",
    "Elevated Token": "ElevatedToken",
    "Impersonation Level": "ImpersonationLevel",
    "Linked Logon ID": "TargetLinkedLogonId",
    "Network Account Name": "TargetOutboundUserName",
    "Network Account Domain": "TargetOutboundDomainName",
    "Logon GUID": "LogonGuid",
    "Process ID": "ProcessId",
    "Process Name": "ProcessName",
    "Caller Process ID": "ProcessId",
    "Caller Process Name": "ProcessName",
    "New Process ID": "NewProcessId",
    "New Process Name": "NewProcessName",
    "Token Elevation Type": "TokenElevationType",
    "Mandatory Label": "MandatoryLabel",
    "Creator Process ID": "ProcessId",
    "Creator Process Name": "ParentProcessName",
    "Process Command Line": "CommandLine",
    "Exit Status": "Status",
    "Workstation Name": "WorkstationName",
    "Source Workstation": "Workstation",
    "Caller Computer Name": "CallerComputerName",
    "Source Network Address": "IpAddress",
    "Network Address": "IpAddress",
    "Client Address": "IpAddress",
    "Source Port": "IpPort",
    "Client Port": "IpPort",
    "Port": "IpPort",
    "Source Address": "SourceAddress",
    "Destination Address": "DestAddress",
    "Destination Port": "DestPort",
    "Direction": "Direction",
    "Protocol": "Protocol",
    "Application Name": "Application",
    "Failure Reason": "FailureReason",
    "Status": "Status",
    "Sub Status": "SubStatus",
    "Error Code": "Status",
    "Failure Code": "Status",
    "Result Code": "Status",
    "Logon Process": "LogonProcessName",
    "Authentication Package": "AuthenticationPackageName",
    "Transited Services": "TransmittedServices",
    "Package Name (NTLM only)": "LmPackageName",
    "Key Length": "KeyLength",
    "Logon Account": "TargetUserName",
    "Service Name": "ServiceName",
    "Service ID": "ServiceSid",
    "Service File Name": "ServiceFileName",
    "Service Type": "ServiceType",
    "Service Start Type": "ServiceStartType",
    "Service Account": "ServiceAccount",
    "Ticket Options": "TicketOptions",
    "Ticket Encryption Type": "TicketEncryptionType",
    "Pre-Authentication Type": "PreAuthType",
    "Privileges": "PrivilegeList",
    "Object Server": "ObjectServer",
    "Object Type": "ObjectType",
    "Object Name": "ObjectName",
    "Handle ID": "HandleId",
    "Resource Attributes": "ResourceAttributes",
    "Accesses": "AccessList",
    "Access Mask": "AccessMask",
    "Access Reasons": "AccessReason",
    "Privileges Used for Access Check": "PrivilegeList",
    "Share Name": "ShareName",
    "Share Path": "ShareLocalPath",
    "Relative Target Name": "RelativeTargetName",
    "Task Name": "TaskName",
    "Task Content": "TaskContent",
    "Task New Content": "TaskContentNew",
    "Old Account Name": "OldTargetUserName",
    "New Account Name": "NewTargetUserName",
    "Category": "Category",
    "Subcategory": "SubCategory",
    "Subcategory GUID": "SubcategoryGuid",
    "Changes": "AuditPolicyChanges",
    "Session Name": "SessionName",
    "Client Name": "ClientName",
    "Additional Information": "AdditionalInfo",
    "SAM Account Name": "SamAccountName",
    "Display Name": "DisplayName",
    "User Principal Name": "UserPrincipalName",
    "Old UAC Value": "OldUacValue",
    "New UAC Value": "NewUacValue",
    "User Account Control": "UserAccountControl",
    "Member Name": "MemberName",
}
"""Label of a line → name of its datum, where the section does not matter."""
_SESSION = {
    "Logon ID": "LogonID",
    "Account Name": "AccountName",
    "Account Domain": "AccountDomain",
    "Client Address": "ClientAddress",
}
_OTHER_NAMES = {
    "7045": {"Service File Name": "ImagePath", "Service Start Type": "StartType", "Service Account": "AccountName"},
    "4778": _SESSION,
    "4779": _SESSION,
    "4776": {"Logon Account": "TargetUserName"},
    "4740": {"Caller Computer Name": "TargetDomainName"},
}  # fmt: skip
"""Where an event calls something otherwise than the rest."""
_MULTILINE = frozenset({"Privileges", "Accesses", "Access Reasons", "Task Content", "Task New Content", "Process Command Line"})
_SENTENCES: dict[str, tuple[re.Pattern[str], tuple[str, ...]]] = {
    "7036": (re.compile(r"The (.{1,250}) service entered the (\w+) state"), ("param1", "param2")),
    "7040": (
        re.compile(r"The start type of the (.{1,250}) service was changed from ([\w ]{1,40}) to ([\w ]{1,40})\."),
        ("param1", "param2", "param3"),
    ),
    "1000": (
        re.compile(r"Faulting application name: ([^,\n]{1,250}), version: ([^,\n]{1,100}), time stamp: ([^,\n]{1,50})"),
        ("AppName", "AppVersion", "AppTimeStamp"),
    ),
}
_SCRIPT = re.compile(
    r"Creating Scriptblock text \((\d{1,6}) of (\d{1,6})\):\n?(.*)\nScriptBlock ID: ([0-9a-fA-F-]{36})\n?(?:Path: ?(.*))?",
    re.DOTALL,
)
_SID = re.compile(r"S-1-[0-9-]{1,180}")


def data_of(event_id: str, message: str) -> dict[str, str]:
    """Names and values that the message of that event tells; {} when it is of no known shape."""
    message = message.replace("\r\n", "\n")
    if event_id == "4104":
        return _script(message)
    sentence = _SENTENCES.get(event_id)
    if sentence is not None and (found := sentence[0].match(message)) is not None:
        return dict(zip(sentence[1], found.groups(), strict=True))
    return _sections(event_id, message)


def _script(message: str) -> dict[str, str]:
    found = _SCRIPT.match(message)
    if found is None:
        return {}
    number, total, text, ident, path = found.groups()
    said = {"MessageNumber": number, "MessageTotal": total, "ScriptBlockText": text.rstrip("\n"), "ScriptBlockId": ident}
    if path and path.strip():
        said["Path"] = path.strip()
    return said


def _sections(event_id: str, message: str) -> dict[str, str]:
    own = _OTHER_NAMES.get(event_id, {})
    data: dict[str, str] = {}
    role: str | None = None
    open_name: str | None = None
    for line in message.split("\n", MOST_LINES)[:MOST_LINES]:
        text = line.strip()
        if not text:
            open_name = None
            continue
        found = _LABEL.fullmatch(text)
        label, value = (found[1], (found[2] or "").strip()) if found is not None else ("", "")
        if label and not value and label not in _NAMES and label not in own:
            role, open_name = _ROLES.get(label), None
            continue
        name = own.get(label) or _name_of(label, role)
        if name is not None:
            if value and value != "-" and not (name.endswith("Sid") and _SID.fullmatch(value) is None):
                data.setdefault(name, value[:LONGEST_VALUE])
            open_name = name if label in _MULTILINE else None
        elif open_name is not None and len(data.get(open_name, "")) < LONGEST_VALUE:
            data[open_name] = f"{data[open_name]}\n{text}" if open_name in data else text
        elif (pair := _PAIR.fullmatch(line)) is not None and pair[2].strip():
            data.setdefault(pair[1], pair[2].strip()[:LONGEST_VALUE])
    return data


def _name_of(label: str, role: str | None) -> str | None:
    if role is not None and label in _ACCOUNT:
        end = _ACCOUNT[label]
        if role == "Member":
            return {"UserSid": "MemberSid", "UserName": "MemberName"}.get(end)
        return f"{role}{end}"
    return _NAMES.get(label)
