"""The bill of materials names everything the image installs, with the only hashes it accepts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_pin_of_the_lock_is_in_the_bill() -> None:
    printed = subprocess.run([sys.executable, ROOT / ".ci" / "sbom"], capture_output=True, check=True, text=True).stdout
    bill = json.loads(printed)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    listed = {component["name"]: component for component in bill["components"]}
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert {pin.lower().replace("_", "-") for pin in pins} == listed.keys()
    assert all(component["properties"] for component in listed.values())
    assert {"faust-streaming", "msgspec"} <= listed.keys()
