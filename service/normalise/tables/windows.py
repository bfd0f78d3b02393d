"""Words for the codes in Windows events: logon types, statuses, Kerberos, account flags, rights, audit subcategories."""

LOGON_TYPES = {
    "0": "System",
    "2": "Interactive",
    "3": "Network",
    "4": "Batch",
    "5": "Service",
    "7": "Unlock",
    "8": "NetworkCleartext",
    "9": "NewCredentials",
    "10": "RemoteInteractive",
    "11": "CachedInteractive",
    "12": "CachedRemoteInteractive",
    "13": "CachedUnlock",
}
_STATUSES = {
    "0x0": "Status OK.",
    "0xc000005e": "There are currently no logon servers available to service the logon request.",
    "0xc0000064": "User logon with misspelled or bad user account",
    "0xc000006a": "User logon with misspelled or bad password",
    "0xc000006d": "This is either due to a bad username or authentication information",
    "0xc000006e": "Unknown user name or bad password.",
    "0xc000006f": "User logon outside authorized hours",
    "0xc0000070": "User logon from unauthorized workstation",
    "0xc0000071": "User logon with expired password",
    "0xc0000072": "User logon to account disabled by administrator",
    "0xc00000dc": "Indicates the Sam Server was in the wrong state to perform the desired operation.",
    "0xc0000133": "Clocks between DC and other computer too far out of sync",
    "0xc000015b": "The user has not been granted the requested logon type (aka logon right) at this machine",
    "0xc000018c": "The logon request failed because the trust relationship between the primary domain and the trusted domain "
    "failed.",
    "0xc0000192": "An attempt was made to logon, but the Netlogon service was not started.",
    "0xc0000193": "User logon with expired account",
    "0xc0000224": "User is required to change password at next logon",
    "0xc0000225": "Evidently a bug in Windows and not a risk",
    "0xc0000234": "User logon with account locked",
    "0xc00002ee": "Failure Reason: An Error occurred during Logon",
    "0xc0000371": "The local account store does not contain secret material for the specified account",
    "0xc0000413": "Logon Failure: The machine you are logging onto is protected by an authentication firewall. "
    "The specified account is not allowed to authenticate to the machine.",
}
LOGON_STATUSES = {**_STATUSES, **{f"0x{code[2:].upper()}": words for code, words in _STATUSES.items()}}
"""Status and sub status of failed logons, as Microsoft's documentation words them, in both spellings of the numbers."""
KERBEROS_STATUSES = {
    0x0: "KDC_ERR_NONE",
    0x1: "KDC_ERR_NAME_EXP",
    0x2: "KDC_ERR_SERVICE_EXP",
    0x3: "KDC_ERR_BAD_PVNO",
    0x4: "KDC_ERR_C_OLD_MAST_KVNO",
    0x5: "KDC_ERR_S_OLD_MAST_KVNO",
    0x6: "KDC_ERR_C_PRINCIPAL_UNKNOWN",
    0x7: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    0x8: "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
    0x9: "KDC_ERR_NULL_KEY",
    0xA: "KDC_ERR_CANNOT_POSTDATE",
    0xB: "KDC_ERR_NEVER_VALID",
    0xC: "KDC_ERR_POLICY",
    0xD: "KDC_ERR_BADOPTION",
    0xE: "KDC_ERR_ETYPE_NOTSUPP",
    0xF: "KDC_ERR_SUMTYPE_NOSUPP",
    0x10: "KDC_ERR_PADATA_TYPE_NOSUPP",
    0x11: "KDC_ERR_TRTYPE_NO_SUPP",
    0x12: "KDC_ERR_CLIENT_REVOKED",
    0x13: "KDC_ERR_SERVICE_REVOKED",
    0x14: "KDC_ERR_TGT_REVOKED",
    0x15: "KDC_ERR_CLIENT_NOTYET",
    0x16: "KDC_ERR_SERVICE_NOTYET",
    0x17: "KDC_ERR_KEY_EXPIRED",
    0x18: "KDC_ERR_PREAUTH_FAILED",
    0x19: "KDC_ERR_PREAUTH_REQUIRED",
    0x1A: "KDC_ERR_SERVER_NOMATCH",
    0x1B: "KDC_ERR_MUST_USE_USER2USER",
    0x1F: "KRB_AP_ERR_BAD_INTEGRITY",
    0x20: "KRB_AP_ERR_TKT_EXPIRED",
    0x21: "KRB_AP_ERR_TKT_NYV",
    0x22: "KRB_AP_ERR_REPEAT",
    0x23: "KRB_AP_ERR_NOT_US",
    0x24: "KRB_AP_ERR_BADMATCH",
    0x25: "KRB_AP_ERR_SKEW",
    0x26: "KRB_AP_ERR_BADADDR",
    0x27: "KRB_AP_ERR_BADVERSION",
    0x28: "KRB_AP_ERR_MSG_TYPE",
    0x29: "KRB_AP_ERR_MODIFIED",
    0x2A: "KRB_AP_ERR_BADORDER",
    0x2C: "KRB_AP_ERR_BADKEYVER",
    0x2D: "KRB_AP_ERR_NOKEY",
    0x2E: "KRB_AP_ERR_MUT_FAIL",
    0x2F: "KRB_AP_ERR_BADDIRECTION",
    0x30: "KRB_AP_ERR_METHOD",
    0x31: "KRB_AP_ERR_BADSEQ",
    0x32: "KRB_AP_ERR_INAPP_CKSUM",
    0x33: "KRB_AP_PATH_NOT_ACCEPTED",
    0x34: "KRB_ERR_RESPONSE_TOO_BIG",
    0x3C: "KRB_ERR_GENERIC",
    0x3D: "KRB_ERR_FIELD_TOOLONG",
    0x3E: "KDC_ERR_CLIENT_NOT_TRUSTED",
    0x3F: "KDC_ERR_KDC_NOT_TRUSTED",
    0x40: "KDC_ERR_INVALID_SIG",
    0x41: "KDC_ERR_KEY_TOO_WEAK",
    0x42: "KRB_AP_ERR_USER_TO_USER_REQUIRED",
    0x43: "KRB_AP_ERR_NO_TGT",
    0x44: "KDC_ERR_WRONG_REALM",
}
"""RFC 4120 and its extensions."""
TICKET_OPTIONS = {
    0x40000000: "Forwardable",
    0x20000000: "Forwarded",
    0x10000000: "Proxiable",
    0x08000000: "Proxy",
    0x04000000: "Allow-postdate",
    0x02000000: "Postdated",
    0x01000000: "Invalid",
    0x00800000: "Renewable",
    0x00400000: "Initial",
    0x00200000: "Pre-authent",
    0x00100000: "Opt-hardware-auth",
    0x00080000: "Transited-policy-checked",
    0x00040000: "Ok-as-delegate",
    0x00020000: "Request-anonymous",
    0x00010000: "Name-canonicalize",
    0x00000020: "Disable-transited-check",
    0x00000010: "Renewable-ok",
    0x00000008: "Enc-tkt-in-skey",
    0x00000002: "Renew",
    0x00000001: "Validate",
}
ENCRYPTION_TYPES = {
    0x1: "DES-CBC-CRC",
    0x3: "DES-CBC-MD5",
    0x11: "AES128-CTS-HMAC-SHA1-96",
    0x12: "AES256-CTS-HMAC-SHA1-96",
    0x17: "RC4-HMAC",
    0x18: "RC4-HMAC-EXP",
    0xFFFFFFFF: "FAIL",
}
ACCOUNT_FLAGS = {
    0x00000001: "ACCOUNTDISABLE",
    0x00000002: "HOMEDIR_REQUIRED",
    0x00000004: "PASSWD_NOTREQD",
    0x00000008: "TEMP_DUPLICATE_ACCOUNT",
    0x00000010: "NORMAL_ACCOUNT",
    0x00000020: "MNS_LOGON_ACCOUNT",
    0x00000040: "INTERDOMAIN_TRUST_ACCOUNT",
    0x00000080: "WORKSTATION_TRUST_ACCOUNT",
    0x00000100: "SERVER_TRUST_ACCOUNT",
    0x00000200: "DONT_EXPIRE_PASSWORD",
    0x00000400: "LOCKOUT",
    0x00000800: "ENCRYPTED_TEXT_PWD_ALLOWED",
    0x00001000: "SMARTCARD_REQUIRED",
    0x00002000: "TRUSTED_FOR_DELEGATION",
    0x00004000: "NOT_DELEGATED",
    0x00008000: "USE_DES_KEY_ONLY",
    0x00010000: "DONT_REQ_PREAUTH",
    0x00020000: "PASSWORD_EXPIRED",
    0x00040000: "TRUSTED_TO_AUTH_FOR_DELEGATION",
    0x00080000: "NO_AUTH_DATA_REQUIRED",
    0x00100000: "PARTIAL_SECRETS_ACCOUNT",
    0x00200000: "USE_AES_KEYS",
}
"""Bits of the account manager ([MS-SAMR]), which are those that events carry; the directory's own attribute counts otherwise."""
ACCESS_RIGHTS = {
    0x00000001: "Create Child",
    0x00000002: "Delete Child",
    0x00000004: "List Contents",
    0x00000008: "SELF",
    0x00000010: "Read Property",
    0x00000020: "Write Property",
    0x00000040: "Delete Tree",
    0x00000080: "List Object",
    0x00000100: "Control Access",
    0x00010000: "DELETE",
    0x00020000: "READ_CONTROL",
    0x00040000: "WRITE_DAC",
    0x00080000: "WRITE_OWNER",
    0x00100000: "SYNCHRONIZE",
    0x01000000: "ADS_RIGHT_ACCESS_SYSTEM_SECURITY",
    0x10000000: "ADS_RIGHT_GENERIC_ALL",
    0x20000000: "ADS_RIGHT_GENERIC_EXECUTE",
    0x40000000: "ADS_RIGHT_GENERIC_WRITE",
    0x80000000: "ADS_RIGHT_GENERIC_READ",
}
"""Bits of an access mask, named as in the directory; files have names of their own in AccessList."""
SERVICE_TYPES = {
    "0x1": "Kernel Driver",
    "0x2": "File System Driver",
    "0x8": "Recognizer Driver",
    "0x10": "Win32 Own Process",
    "0x20": "Win32 Share Process",
    "0x110": "Interactive Own Process",
    "0x120": "Interactive Share Process",
}
TRUST_TYPES = {"1": "TRUST_TYPE_DOWNLEVEL", "2": "TRUST_TYPE_UPLEVEL", "3": "TRUST_TYPE_MIT", "4": "TRUST_TYPE_DCE"}
TRUST_DIRECTIONS = {
    "0": "TRUST_DIRECTION_DISABLED",
    "1": "TRUST_DIRECTION_INBOUND",
    "2": "TRUST_DIRECTION_OUTBOUND",
    "3": "TRUST_DIRECTION_BIDIRECTIONAL",
}
TRUST_ATTRIBUTES = {
    "0": "UNDEFINED",
    "1": "TRUST_ATTRIBUTE_NON_TRANSITIVE",
    "2": "TRUST_ATTRIBUTE_UPLEVEL_ONLY",
    "4": "TRUST_ATTRIBUTE_QUARANTINED_DOMAIN",
    "8": "TRUST_ATTRIBUTE_FOREST_TRANSITIVE",
    "16": "TRUST_ATTRIBUTE_CROSS_ORGANIZATION",
    "32": "TRUST_ATTRIBUTE_WITHIN_FOREST",
    "64": "TRUST_ATTRIBUTE_TREAT_AS_EXTERNAL",
    "128": "TRUST_ATTRIBUTE_USES_RC4_ENCRYPTION",
    "512": "TRUST_ATTRIBUTE_CROSS_ORGANIZATION_NO_TGT_DELEGATION",
    "1024": "TRUST_ATTRIBUTE_PIM_TRUST",
}
_SYSTEM = "Security State Change|Security System Extension|System Integrity|IPsec Driver|Other System Events"
_LOGON = (
    "Logon|Logoff|Account Lockout|IPsec Main Mode|IPsec Quick Mode|IPsec Extended Mode|Special Logon|Other Logon/Logoff Events"
)
_OBJECT = (
    "File System|Registry|Kernel Object|SAM|Certification Services|Application Generated|Handle Manipulation|File Share|"
    "Filtering Platform Packet Drop|Filtering Platform Connection|Other Object Access Events"
)
_PRIVILEGE = "Sensitive Privilege Use|Non Sensitive Privilege Use|Other Privilege Use Events"
_TRACKING = "Process Creation|Process Termination|DPAPI Activity|RPC Events"
_POLICY = (
    "Audit Policy Change|Authentication Policy Change|Authorization Policy Change|MPSSVC Rule-Level Policy Change|"
    "Filtering Platform Policy Change|Other Policy Change Events"
)
_ACCOUNTS = (
    "User Account Management|Computer Account Management|Security Group Management|Distribution Group Management|"
    "Application Group Management|Other Account Management Events"
)
_DIRECTORY = (
    "Directory Service Access|Directory Service Changes|Directory Service Replication|Detailed Directory Service Replication"
)
_CREDENTIALS = (
    "Credential Validation|Kerberos Service Ticket Operations|Other Account Logon Events|Kerberos Authentication Service"
)
_FIRST = (
    (0x10, "System", _SYSTEM),
    (0x15, "Logon/Logoff", _LOGON),
    (0x1D, "Object Access", _OBJECT),
    (0x28, "Privilege Use", _PRIVILEGE),
    (0x2B, "Detailed Tracking", _TRACKING),
    (0x2F, "Policy Change", _POLICY),
    (0x35, "Account Management", _ACCOUNTS),
    (0x3B, "DS Access", _DIRECTORY),
    (0x3F, "Account Logon", _CREDENTIALS),
    (0x43, "Logon/Logoff", "Network Policy Server"),
    (0x44, "Object Access", "Detailed File Share|Removable Storage|Central Policy Staging"),
    (0x47, "Logon/Logoff", "User / Device Claims"),
    (0x48, "Detailed Tracking", "Plug and Play Events"),
    (0x49, "Logon/Logoff", "Group Membership"),
    (0x4A, "Detailed Tracking", "Token Right Adjusted Events"),
)
"""Number of a row's first subcategory, the category, the subcategories in the order of their numbers."""
AUDIT_SUBCATEGORIES = {
    f"0CCE92{first + at:02X}-69AE-11D9-BED3-505054503030": (category, name)
    for first, category, names in _FIRST
    for at, name in enumerate(names.split("|"))
}
"""GUID → category and subcategory of the audit policy ([MS-GPAC])."""
