"""GuardDuty finding types → MITRE ATT&CK: ``ThreatPurpose:Resource/Family.Mechanism!Artifact``."""

from __future__ import annotations

from functools import lru_cache

Attack = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Tactic ids, technique ids, sub-technique ids; names are looked up."""

TACTICS = {
    "TA0001": "Initial Access",
    "TA0002": "Execution",
    "TA0003": "Persistence",
    "TA0004": "Privilege Escalation",
    "TA0005": "Defense Evasion",
    "TA0006": "Credential Access",
    "TA0007": "Discovery",
    "TA0008": "Lateral Movement",
    "TA0009": "Collection",
    "TA0010": "Exfiltration",
    "TA0011": "Command and Control",
    "TA0040": "Impact",
    "TA0042": "Resource Development",
    "TA0043": "Reconnaissance",
}
TECHNIQUES = {
    "T1021": "Remote Services",
    "T1041": "Exfiltration Over C2 Channel",
    "T1046": "Network Service Discovery",
    "T1048": "Exfiltration Over Alternative Protocol",
    "T1055": "Process Injection",
    "T1059": "Command and Scripting Interpreter",
    "T1071": "Application Layer Protocol",
    "T1071.004": "DNS",
    "T1078": "Valid Accounts",
    "T1078.004": "Cloud Accounts",
    "T1090": "Proxy",
    "T1090.003": "Multi-hop Proxy",
    "T1098": "Account Manipulation",
    "T1105": "Ingress Tool Transfer",
    "T1110": "Brute Force",
    "T1190": "Exploit Public-Facing Application",
    "T1485": "Data Destruction",
    "T1496": "Resource Hijacking",
    "T1498": "Network Denial of Service",
    "T1526": "Cloud Service Discovery",
    "T1530": "Data from Cloud Storage",
    "T1552": "Unsecured Credentials",
    "T1552.005": "Cloud Instance Metadata API",
    "T1562": "Impair Defenses",
    "T1562.008": "Disable or Modify Cloud Logs",
    "T1566": "Phishing",
    "T1568": "Dynamic Resolution",
    "T1568.002": "Domain Generation Algorithms",
    "T1580": "Cloud Infrastructure Discovery",
    "T1595": "Active Scanning",
    "T1609": "Container Administration Command",
    "T1610": "Deploy Container",
    "T1611": "Escape to Host",
    "T1613": "Container and Resource Discovery",
    "T1619": "Cloud Storage Object Discovery",
    "T1136": "Create Account",
    "T1537": "Transfer Data to Cloud Account",
    "T1567": "Exfiltration Over Web Service",
    "T1531": "Account Access Removal",
    "T1070": "Indicator Removal",
    "T1036": "Masquerading",
    "T1068": "Exploitation for Privilege Escalation",
    "T1548": "Abuse Elevation Control Mechanism",
    "T1556": "Modify Authentication Process",
    "T1087": "Account Discovery",
    "T1069": "Permission Groups Discovery",
    "T1528": "Steal Application Access Token",
    "T1204": "User Execution",
    "T1550": "Use Alternate Authentication Material",
    "T1550.001": "Application Access Token",
    "T1486": "Data Encrypted for Impact",
    "T1490": "Inhibit System Recovery",
    "T1578": "Modify Cloud Compute Infrastructure",
    "T1535": "Unused/Unsupported Cloud Regions",
    "T1087.004": "Cloud Account",
    "T1098.001": "Additional Cloud Credentials",
    "T1098.003": "Additional Cloud Roles",
    "T1136.003": "Cloud Account",
    "T1552.007": "Container API",
    "T1574": "Hijack Execution Flow",
}
_PURPOSES = {
    "Backdoor": "TA0011",
    "CredentialAccess": "TA0006",
    "CryptoCurrency": "TA0040",
    "DefenseEvasion": "TA0005",
    "Discovery": "TA0007",
    "Execution": "TA0002",
    "Exfiltration": "TA0010",
    "Impact": "TA0040",
    "InitialAccess": "TA0001",
    "Persistence": "TA0003",
    "PrivilegeEscalation": "TA0004",
    "Recon": "TA0043",
    "ResourceConsumption": "TA0040",
    "Stealth": "TA0005",
    "Trojan": "TA0011",
}
_FAMILIES = {
    "BitcoinTool": "T1496",
    "BitcoinDomainRequest": "T1496",
    "CryptoMinerExecuted": "T1496",
    "Portscan": "T1046",
    "PortProbeUnprotectedPort": "T1595",
    "PortProbeEMRUnprotectedPort": "T1595",
    "DNSDataExfiltration": "T1048",
    "DGADomainRequest": "T1568.002",
    "C&CActivity": "T1071",
    "DenialOfService": "T1498",
    "Spambot": "T1566",
    "PhishingDomainRequest": "T1566",
    "TorClient": "T1090.003",
    "TorRelay": "T1090.003",
    "TorIPCaller": "T1090.003",
    "SSHBruteForce": "T1110",
    "RDPBruteForce": "T1110",
    "WinRMBruteForce": "T1110",
    "MaliciousIPCaller": "T1078.004",
    "InstanceCredentialExfiltration": "T1552.005",
    "MetadataDNSRebind": "T1552.005",
    "CloudTrailLoggingDisabled": "T1562.008",
    "S3ServerAccessLoggingDisabled": "T1562.008",
    "PasswordPolicyChange": "T1556",
    "ConsoleLoginSuccess": "T1078.004",
    "ConsoleLogin": "T1078.004",
    "RootCredentialUsage": "T1078.004",
    "ExecInKubeSystemPod": "T1609",
    "PrivilegedContainer": "T1610",
    "ContainerWithSensitiveMount": "T1610",
    "SuccessfulAnonymousAccess": "T1078",
    "AnonymousAccessGranted": "T1098",
    "AdminAccessToDefaultServiceAccount": "T1098",
    "ReverseShell": "T1059",
    "ContainerMountsHostDirectory": "T1611",
    "DockerSocketAccessed": "T1611",
    "RuncContainerEscape": "T1611",
    "CGroupsReleaseAgentModified": "T1611",
    "ProcessInjection": "T1055",
    "UserfaultfdUsage": "T1068",
    "NewBinaryExecuted": "T1204",
    "NewLibraryLoaded": "T1574",
    "DropPoint": "T1041",
    "BlackholeTraffic": "T1071",
    "DriveBySourceTraffic": "T1204",
    "MaliciousDomainRequest": "T1071.004",
    "SuspiciousDomainRequest": "T1071.004",
    "AbusedDomainRequest": "T1071.004",
    "LambdaNetworkPermission": "T1071",
    "MaliciousFile": "T1204",
    "SuspiciousFile": "T1204",
    "ElevationToRoot": "T1548",
    "KernelModuleLoaded": "T1068",
    "ExposedDashboard": "T1190",
    "NetworkPermissions": "T1562",
    "ResourcePermissions": "T1098",
    "UserPermissions": "T1098",
    "BucketPublicAccessGranted": "T1530",
    "BucketAnonymousAccessGranted": "T1530",
    "ObjectRead": "T1530",
    "FilelessExecution": "T1055",
    "MaliciousCommand": "T1059",
    "SuspiciousCommand": "T1059",
    "SuspiciousTool": "T1105",
}


@lru_cache(maxsize=2048)
def _attack(kind: str) -> tuple[str | None, str | None]:
    purpose, _, rest = kind.partition(":")
    family = rest.partition("/")[2].partition("!")[0]
    head = family.partition(".")[0]
    technique = _FAMILIES.get(family) or _FAMILIES.get(head)
    if (technique is None and head == "AnomalousBehavior" and "FailedLogin" in family) or "BruteForce" in family:
        technique = "T1110"
    return _PURPOSES.get(purpose), technique


def finding_attack(kind: object, sequence: object) -> tuple[list[str] | None, ...]:
    """Ids and names of tactics, techniques and sub-techniques, from the type and the sequence's own indicators."""
    tactic, technique = _attack(kind) if isinstance(kind, str) else (None, None)
    tactics, techniques = dict.fromkeys([tactic] if tactic else []), dict.fromkeys([technique] if technique else [])
    for word in _indicated(sequence, "ATTACK_TACTIC"):
        tactics.update(dict.fromkeys(number for number, name in TACTICS.items() if word in (number, name)))
    for word in _indicated(sequence, "ATTACK_TECHNIQUE"):
        number = word.split(" ", 1)[0].split("/")[-1]
        if number[:1] == "T" and number[1:2].isdigit():
            techniques[number] = None
        else:
            techniques.update(dict.fromkeys(number for number, name in TECHNIQUES.items() if name == word))
    main = list(dict.fromkeys(number.partition(".")[0] for number in techniques))
    sub = [number for number in techniques if "." in number]
    return (
        list(tactics) or None,
        [TACTICS[number] for number in tactics] or None,
        main or None,
        [TECHNIQUES[number] for number in main if number in TECHNIQUES] or None,
        sub or None,
        [TECHNIQUES[number] for number in sub if number in TECHNIQUES] or None,
    )


def _indicated(sequence: object, key: str) -> list[str]:
    found: list[str] = []
    indicators = sequence.get("sequenceIndicators") if isinstance(sequence, dict) else None
    for indicator in indicators if isinstance(indicators, list) else []:
        if isinstance(indicator, dict) and indicator.get("key") == key:
            values = indicator.get("values")
            found.extend(word for word in (values if isinstance(values, list) else []) if isinstance(word, str))
    return found
