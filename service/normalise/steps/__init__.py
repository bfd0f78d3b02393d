"""Named Python steps: the exceptions to the pipeline language, each a small pure function.

``STEPS`` is the registry. A step of one dataset lives in a module of its own here and is added to it below.
"""

from __future__ import annotations

from service.normalise.steps import (
    asff,
    aws,
    cloudtrail,
    containers,
    dns,
    finding,
    http,
    identity,
    inspector,
    kube_audit,
    network,
    number,
    objects,
    ocsf,
    ocsf_kind,
    powershell,
    sql,
    sysmon,
    text,
    url,
    windows,
    windows_task,
)
from service.normalise.steps.spec import FieldKind, StepFunction, StepSpec

STEPS: dict[str, StepSpec] = {
    **asff.STEPS,
    **aws.STEPS,
    **cloudtrail.STEPS,
    **containers.STEPS,
    **dns.STEPS,
    **finding.STEPS,
    **http.STEPS,
    **identity.STEPS,
    **inspector.STEPS,
    **kube_audit.STEPS,
    **network.STEPS,
    **number.STEPS,
    **objects.STEPS,
    **ocsf.STEPS,
    **ocsf_kind.STEPS,
    **powershell.STEPS,
    **sql.STEPS,
    **sysmon.STEPS,
    **text.STEPS,
    **url.STEPS,
    **windows.STEPS,
    **windows_task.STEPS,
}
"""Every step a pipeline may name under ``step``."""

__all__ = ["STEPS", "FieldKind", "StepFunction", "StepSpec"]
