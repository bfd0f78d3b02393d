"""What a GuardDuty finding is about: severity, rule, instance, user, container, cluster, infected file, sample or real."""

from __future__ import annotations

from typing import Any

from service.normalise.cast import to_float, to_keyword, to_keywords
from service.normalise.fitting import Shape, names
from service.normalise.steps.finding_names import renamed

_LABELS = ((9.0, "Critical"), (7.0, "High"), (4.0, "Medium"), (0.0, "Low"))
_MALWARE = ("Backdoor:", "Trojan:", "CryptoCurrency:")
_MALWARE_FAMILIES = ("MaliciousFile", "SuspiciousFile", "MaliciousSoftware")

RESOURCE = names(
    "type access_key_details.accesskey_id access_key_details.user.type instance_details.image.id"
    " instance_details.network_interfaces.network_interface_id instance_details.network_interfaces.subnet_id"
    " instance_details.network_interfaces.vpc_id instance_details.network_interfaces.security_groups.group.id"
    " instance_details.iaminstance_profile.arn instance_details.instance.state s3_bucket_details.arn"
    " s3_bucket_details.name s3_bucket_details.type eks_cluster_details.arn eks_cluster_details.name"
    " eks_cluster_details.vpcid ecs_cluster_details.arn ecs_cluster_details.name ecs_cluster_details.task_details.arn"
    " lambda_details.function_arn lambda_details.function_name rdsdb_instance_details.instance_identifier"
    " rdsdb_instance_details.instance_arn rdsdb_instance_details.cluster_identifier rdsdb_instance_details.engine"
    " rdsdb_user_details.database rdsdb_user_details.application kubernetes_details.kubernetes_workload_details.uid"
)
"""Leaves below ``aws.guardduty.resource`` that are searched."""
SERVICE = names(
    "action.type action.aws_api_call_action.api action.aws_api_call_action.service_name"
    " action.aws_api_call_action.caller_type action.aws_api_call_action.error_code"
    " action.aws_api_call_action.remote_account_details.account_id"
    " action.aws_api_call_action.remote_account_details.affiliated action.dns_request_action.blocked"
    " action.kubernetes_api_call_action.request_uri action.kubernetes_api_call_action.verb"
    " action.kubernetes_api_call_action.namespace action.kubernetes_api_call_action.resource"
    " action.network_connection_action.blocked action.network_connection_action.remote_port_details.port.name"
    " action.network_connection_action.local_port_details.port.name action.port_probe_action.blocked archived count"
    " detector_id ebs_volume_scan_details.scan.id ebs_volume_scan_details.trigger_finding_id"
    " evidence.threat_intelligence_details.threat.list_name evidence.threat_intelligence_details.threat.names feature_name"
    " resource_role service_name user_feedback runtime_details.context.tool_category"
    " runtime_details.context.threat_file_path runtime_details.context.domain detection.sequence.uid"
    " detection.sequence.signals.uid detection.sequence.signals.type"
)
"""Leaves below ``aws.guardduty.service`` that are searched."""
_RESOURCE, _SERVICE = Shape(RESOURCE), Shape(SERVICE)


def finding_objects(resource: object, service: object) -> tuple[str | None, str | None]:
    """JSON text of resource and service under the names detection content reads, safe for the mapping."""
    return _RESOURCE.fit(renamed(resource, "resource"), clean=True), _SERVICE.fit(renamed(service, "service"), clean=True)


def finding_severity(severity: object) -> tuple[int | None, str | None, str | None]:
    """The severity as a whole number, as GuardDuty's word and as a lower-case label."""
    number = to_float(severity)
    if number is None or not 0 <= number < 1_000_000:
        return None, None, None
    word = next(word for least, word in _LABELS if number >= least)
    return int(number), word, word.lower()


def finding_rule(kind: object) -> tuple[str | None, str | None, list[str]]:
    """Threat purpose, purpose with resource, and event.category of a finding type."""
    if not isinstance(kind, str):
        return None, None, ["intrusion_detection"]
    purpose, mark, rest = kind.partition(":")
    malware = kind.startswith(_MALWARE) or any(family in kind for family in _MALWARE_FAMILIES)
    category = ["intrusion_detection", "malware"] if malware else ["intrusion_detection"]
    if not mark or not purpose.isalnum():
        return None, None, category
    return purpose, f"{purpose}:{rest.partition('/')[0]}", category


def finding_sample(extra: object) -> tuple[bool | None]:
    """True for generated sample findings."""
    if not isinstance(extra, dict):
        return (None,)
    text = extra.get("value")
    sample = extra.get("sample") is True or (isinstance(text, str) and '"sample":true' in text.replace(" ", ""))
    return (True if sample else None,)


def finding_users(access_key: object, kubernetes: object, database: object) -> tuple[str | None, str | None, list[str] | None]:
    """``user.id``, ``user.name`` and ``user.roles``: whose key, else whose Kubernetes token, else whose database login."""
    key, kube, data = (each if isinstance(each, dict) else {} for each in (access_key, kubernetes, database))
    name = to_keyword(key.get("userName")) or to_keyword(kube.get("username")) or to_keyword(data.get("user"))
    return to_keyword(key.get("principalId")) or to_keyword(kube.get("uid")), name, to_keywords(kube.get("groups"))


def finding_instance(instance: object) -> tuple[list[str] | None, str | None, str | None, str | None]:
    """Addresses, private host name, Name tag and VPC of an instance."""
    if not isinstance(instance, dict):
        return None, None, None, None
    addresses: dict[str, None] = {}
    host: str | None = None
    vpc: str | None = None
    for interface in _objects(instance.get("networkInterfaces")):
        host = host or to_keyword(interface.get("privateDnsName"))
        vpc = vpc or to_keyword(interface.get("vpcId"))
        pair = [interface.get("privateIpAddress"), interface.get("publicIp")]
        pair += [each.get("privateIpAddress") for each in _objects(interface.get("privateIpAddresses"))]
        six = interface.get("ipv6Addresses")
        for address in [*pair, *(six if isinstance(six, list) else [])]:
            if isinstance(address, str) and address:
                addresses[address] = None
    name = next((to_keyword(tag.get("value")) for tag in _objects(instance.get("tags")) if tag.get("key") == "Name"), None)
    return list(addresses) or None, host, name, vpc


def finding_container(resource: object) -> tuple[str | None, str | None, str | None, str | None, bool | None]:
    """Id, name, image, runtime and privilege of the (first) container of a task, workload or host."""
    if not isinstance(resource, dict):
        return None, None, None, None, None
    container = resource.get("containerDetails")
    if not isinstance(container, dict):
        task = _inside(resource, "ecsClusterDetails", "taskDetails")
        workload = _inside(resource, "kubernetesDetails", "kubernetesWorkloadDetails")
        found = _objects(task.get("containers")) or _objects(workload.get("containers"))
        container = found[0] if found else {}
    security = container.get("securityContext")
    privileged = security.get("privileged") if isinstance(security, dict) else None
    texts = [to_keyword(container.get(key)) for key in ("id", "name", "image", "containerRuntime")]
    return texts[0], texts[1], texts[2], texts[3], privileged if isinstance(privileged, bool) else None


def finding_file(service: object) -> tuple[str | None, str | None, str | None, str | None, str | None]:
    """Path, name and SHA-256 of the first infected file, name of the threat and of the list that knew it."""
    if not isinstance(service, dict):
        return None, None, None, None, None
    detections = _inside(service, "ebsVolumeScanDetails", "scanDetections")
    threats = _objects(_inside(detections, "threatDetectedByName").get("threatNames"))
    file = next((path for threat in threats for path in _objects(threat.get("filePaths"))), {})
    name = next((to_keyword(threat.get("name")) for threat in threats), None)
    malware = _objects(_inside(service, "malwareScanDetails").get("threats"))
    if not threats and malware:
        name = to_keyword(malware[0].get("name"))
        paths = _objects(malware[0].get("itemPaths"))
        file = {"filePath": paths[0].get("nestedItemPath"), "hash": paths[0].get("hash")} if paths else {}
    lists = _objects(_inside(service, "evidence").get("threatIntelligenceDetails"))
    feed = next((to_keyword(each.get("threatListName")) for each in lists if each.get("threatListName")), None)
    digest = to_keyword(file.get("hash"))
    return (
        to_keyword(file.get("filePath")),
        to_keyword(file.get("fileName")),
        digest if digest is not None and len(digest) == 64 else None,
        name,
        feed,
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _inside(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
