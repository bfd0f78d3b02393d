"""Names of log files, streams and images of containers."""

from __future__ import annotations

import pytest

from service.normalise.steps import STEPS

ID = "0123456789abcdef" * 4
TASK = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (
            f"node.eu.internal-application.var.log.containers.web-1_shop_app-{ID}.log",
            ("node.eu.internal", "web-1", "shop", "app", ID),
        ),
        (f"/var/log/containers/web-1.x_shop_app-b-{ID}.log", (None, "web-1.x", "shop", "app-b", ID)),
        (f"web-1_shop_app-{ID}", (None, "web-1", "shop", "app", ID)),
        ("node-dataplane.systemd.kubelet.service", ("node", None, None, None, None)),
        ("words", (None,) * 5),
        ("x" * 5000, (None,) * 5),
        (7, (None,) * 5),
    ],
)
def test_a_log_file_says_whose_it_is(path: object, found: tuple[str | None, ...]) -> None:
    assert STEPS["kube_log_file"].function(path) == found


@pytest.mark.parametrize(
    ("pod", "template", "found"),
    [
        ("web-66b6c48dd5-ffdxp", "66b6c48dd5", ("web-66b6c48dd5", "web")),
        ("web-0", "66b6c48dd5", (None, None)),
        ("web-1-x", None, (None, None)),
        ("-1-x", "1", (None, None)),
    ],
)
def test_the_hash_of_the_template_gives_the_deployment(pod: object, template: object, found: object) -> None:
    assert STEPS["kube_workload"].function(pod, template) == found


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (f"prefix/app/{TASK}", ("prefix", "app", TASK)),
        (f"a/b/app/{TASK}", ("a/b", "app", TASK)),
        (f"from-fluent-bit-app-firelens-{TASK}", ("from-fluent-bit-app", None, TASK)),
        ("app/12345678-1234-1234-1234-123456789012", (None, "app", "12345678-1234-1234-1234-123456789012")),
        ("app/1", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_a_stream_of_a_task_names_container_and_task(stream: object, found: object) -> None:
    assert STEPS["ecs_log_stream"].function(stream) == found


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("nginx:1.14.2", (["1.14.2"], None)),
        ("localhost:5000/web", (None, None)),
        (f"web@sha256:{ID}", (None, [f"sha256:{ID}"])),
        (f"localhost:5000/web:1@sha256:{ID}", (["1"], [f"sha256:{ID}"])),
        (f"sha256:{ID}", (None, [f"sha256:{ID}"])),
        (7, (None, None)),
    ],
)
def test_an_image_has_a_tag_or_a_digest(image: object, found: object) -> None:
    assert STEPS["image_parts"].function(image) == found
