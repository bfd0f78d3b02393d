"""GuardDuty's camelCase names → the names that detection content reads below ``aws.guardduty``.

Most names only change their case; some pairs are grouped (``instanceId`` of an instance becomes ``instance.id``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from service.normalise.fitting import pruned

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLAIN = {
    "accessKeyId": "accesskey_id",
    "asnOrg": "asnorg",
    "definitionArn": "definitionarn",
    "iamInstanceProfile": "iaminstance_profile",
    "ipAddressV4": "ip_address_v4",
    "ipAddressV6": "ip_address_v6",
    "kmsKeyArn": "kmskey_arn",
    "kmsMasterKeyArn": "kms_masterkey_arn",
    "rdsDbInstanceDetails": "rdsdb_instance_details",
    "rdsDbUserDetails": "rdsdb_user_details",
    "sourceIPs": "source_ips",
    "volumeSizeInGB": "volume.size_in_gb",
    "geoLocation": "geo_location",
    "cityName": "name",
    "countryName": "name",
    "countryCode": "code",
    "eventFirstSeen": "event.first_seen",
    "eventLastSeen": "event.last_seen",
    "imagePrefix": "image.prefix",
    "portName": "port.name",
    "productCodeId": "product_code.id",
    "productCodeType": "product_code.type",
    "threatListName": "threat.list_name",
    "publicDnsName": "public.dns_name",
    "publicIp": "public.ip",
    "privateDnsName": "private.dns_name",
    "privateIpAddress": "private.ip_address",
    "privateIpAddresses": "private.ip_addresses",
    "volumeArn": "volume_arn",
}
"""Key → dotted name, wherever it stands."""
_INSIDE: dict[str, dict[str, str]] = {
    "resource": {"resourceType": "type"},
    "action": {"actionType": "type"},
    "accessKeyDetails": {"userName": "user.name", "userType": "user.type"},
    "instanceDetails": {
        "instanceId": "instance.id",
        "instanceState": "instance.state",
        "instanceType": "instance.type",
        "imageId": "image.id",
        "imageDescription": "image.description",
    },
    "containerDetails": {"image": "image.value"},
    "containers": {"image": "image.value"},
    "localPortDetails": {"port": "port.value"},
    "remotePortDetails": {"port": "port.value"},
    "networkConnectionAction": {"protocol": "transport"},
    "eksClusterDetails": {"vpcId": "vpcid"},
    "kubernetesUserDetails": {"username": "user_name"},
    "kubernetesWorkloadDetails": {"namespace": "name_space"},
    "rdsDbInstanceDetails": {
        "dbInstanceIdentifier": "instance_identifier",
        "dbClusterIdentifier": "cluster_identifier",
        "dbInstanceArn": "instance_arn",
    },
    "scannedVolumeDetails": {"volumeArn": "volume.arn", "volumeType": "volume.type"},
    "skippedVolumeDetails": {"volumeArn": "volume.arn", "volumeType": "volume.type"},
    "securityGroups": {"groupId": "group.id", "groupName": "group.name"},
    "ebsVolumeScanDetails": {
        "scanCompletedAt": "scan.completed_at",
        "scanDetections": "scan.detections",
        "scanId": "scan.id",
        "scanStartedAt": "scan.started_at",
    },
    "filePaths": {"fileName": "file.name", "filePath": "file.path"},
    "threatIntelligenceDetails": {"threatNames": "threat.names"},
}
"""Object → key → dotted name, where the name depends on the object the key stands in."""
_VERBATIM = frozenset({"additionalInfo", "affectedResources", "publicAccess", "tags", "unusualBehavior", "profiledBehavior"})
"""Objects whose inner keys are data, or a structure nobody reads by another name."""
_MOMENTS = frozenset({"createdAt", "startedAt", "launchTime", "updatedAt", "startTime", "modifiedAt", "endTime"})
"""Keys whose numbers are seconds (the API) or milliseconds (exports) since the epoch."""
_DEEPEST = 20


def renamed(value: Any, holder: str = "", depth: int = 0) -> Any:
    """The value with every key renamed; empties left out."""
    if depth > _DEEPEST:
        return None
    if value.__class__ is list:
        items = [renamed(item, holder, depth + 1) for item in value]
        return [item for item in items if item is not None] or None
    if value.__class__ is not dict:
        return value if value != "" else None
    result: dict[str, Any] = {}
    for key, item in value.items():
        kind = item.__class__
        if kind is dict or kind is list:
            item = pruned(item) if key in _VERBATIM else renamed(item, key, depth + 1)
            if item is None:
                continue
        elif item is None or item == "":
            continue
        elif key in _MOMENTS and (kind is int or kind is float):
            item = _moment(item)
        parents, last = _name(key, holder)
        at = result if parents is None else _below(result, parents)
        if last in at and item.__class__ is dict and at[last].__class__ is dict:
            item = {**at[last], **item}
        at[last] = item
    return result or None


@lru_cache(maxsize=4096)
def _name(key: str, holder: str) -> tuple[list[str] | None, str]:
    """Where the key goes: the objects around it, if any, and its name there."""
    special = _INSIDE.get(holder, {}).get(key) or _PLAIN.get(key)
    name = special if special is not None else _WORD.sub("_", key.replace(".", "_") or "_").lower()
    *parents, last = name.split(".")
    return parents or None, last


def _moment(number: float) -> str | float:
    if not 1e8 < number < 4e12:
        return number
    when = datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _below(at: dict[str, Any], parents: list[str]) -> dict[str, Any]:
    for parent in parents:
        below = at.get(parent)
        if not isinstance(below, dict):
            below = at[parent] = {}
        at = below
    return at
