"""Containers: what names of log files, log streams and images say of them."""

from __future__ import annotations

import re

from service.normalise.steps.spec import StepSpec

_LOG_FILE = re.compile(r"([a-z0-9][a-z0-9.-]{0,252})_([a-z0-9-]{1,63})_([a-z0-9-]{1,63})-([0-9a-f]{64})(?:\.log)?")
_FOLDER = re.compile(r".*containers[./]")
_NODE = re.compile(r"([A-Za-z0-9.-]{1,253}?)-(?:application|dataplane|host)\.")
_TASK = r"([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_ECS_STREAM = re.compile(r"(?:(?:(.{1,300})/)?([A-Za-z0-9_-]{1,255})/|(.{1,300})-firelens-)" + _TASK)
_TAG = re.compile(r"[^@\s]{1,500}:([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})(?:@\S{1,200})?")
_DIGEST = re.compile(r"(?:.{0,500}@)?(sha(?:256|384|512):[0-9a-f]{64,128})")


def kube_log_file(path: object) -> tuple[str | None, ...]:
    """Node, pod, namespace, container and its id out of the name of a container's log file, or of Container Insights' stream."""
    if not isinstance(path, str) or len(path) > 1000:
        return (None,) * 5
    node, folder = _NODE.match(path), _FOLDER.match(path)
    found = _LOG_FILE.fullmatch(path, folder.end() if folder is not None else 0)
    return None if node is None else node[1], *(found.groups() if found is not None else (None,) * 4)


def kube_workload(pod: object, template: object) -> tuple[str | None, str | None]:
    """ReplicaSet and Deployment of a pod by its name and the label ``pod-template-hash``."""
    if not isinstance(pod, str) or not isinstance(template, str) or not template:
        return None, None
    deployment, found, _ = pod.rpartition(f"-{template}-")
    return (f"{deployment}-{template}", deployment) if found and deployment else (None, None)


def ecs_log_stream(name: object) -> tuple[str | None, str | None, str | None]:
    """Prefix, container and task of a log stream ``prefix/container/task``; FireLens' streams have no container for sure."""
    found = _ECS_STREAM.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        return None, None, None
    prefix, container, other, task = found.groups()
    return prefix or other, container, task


def image_parts(image: object) -> tuple[list[str] | None, list[str] | None]:
    """Tag and digest of an image's name, a list of one each."""
    if not isinstance(image, str):
        return None, None
    digest = _DIGEST.fullmatch(image)
    tag = None if image.startswith("sha") and digest is not None else _TAG.fullmatch(image)
    return None if tag is None else [tag[1]], None if digest is None else [digest[1]]


STEPS: dict[str, StepSpec] = {
    "kube_log_file": StepSpec(
        kube_log_file,
        ("path",),
        {"node": "str", "pod": "str", "namespace": "str", "container": "str", "id": "str"},
        cuts=True,
    ),
    "kube_workload": StepSpec(kube_workload, ("pod", "template"), {"replicaset": "str", "deployment": "str"}, cuts=True),
    "ecs_log_stream": StepSpec(ecs_log_stream, ("name",), {"prefix": "str", "container": "str", "task": "str"}, cuts=True),
    "image_parts": StepSpec(image_parts, ("image",), {"tag": "list", "digest": "list"}, cuts=True),
}
