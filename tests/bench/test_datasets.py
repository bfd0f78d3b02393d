from random import Random

from bench import datasets
from bench.variety import varied
from service.content import find_content


def test_reasons_are_given_for_datasets_that_exist_and_name_their_number() -> None:
    known = {path.parent.name for path in find_content().pipelines.glob("*/pipeline.yml")}
    said = datasets.floors().floors
    assert set(said) <= known
    assert [name for name, floor in said.items() if f"{floor.least:,}" not in floor.because] == []


def test_a_slow_dataset_without_a_reason_or_below_its_floor_is_named() -> None:
    floor = datasets.Floor(least=9_000, because="At least 9,000 events/s: two hundred keys have to be renamed one by one.")
    assert datasets.amiss("aws.x", 30_000, None, 1.0) == ""
    assert "floors.yml does not say why" in datasets.amiss("aws.x", 29_999, None, 1.0)
    assert datasets.amiss("aws.x", 9_000, floor, 1.0) == ""
    assert "slower than 9,000 events/s" in datasets.amiss("aws.x", 8_999, floor, 1.0)


def test_a_machine_that_is_half_as_fast_is_asked_for_half_as_much() -> None:
    assert datasets.amiss("aws.x", 15_000, None, 0.5) == ""
    assert "slower than 15,000 events/s" in datasets.amiss("aws.x", 14_999, None, 0.5)


def test_one_dataset_is_measured_over_its_own_samples() -> None:
    (row,) = datasets.run(1, ("aws.route53_public",))
    assert row["name"] == "aws.route53_public"
    assert row["events"] > 5
    assert 0 < row["share"] <= 1
    assert row["events_per_cpu_second"] > 0


def test_variants_differ_in_what_differs_in_real_logs_and_in_nothing_else() -> None:
    text = '2026-01-02T03:04:05.678Z 4624 192.0.2.7 111122223333 0123456789abcdef 51234 "GET /a HTTP/1.1" 200 v1.2.3.4567'
    one, two = varied(text, Random(1)), varied(text, Random(2))
    assert one != two
    for part in ("2026-01-02T03:", " 4624 192.0.2.", " 111122223333 ", ' "GET /a HTTP/1.1" 200 v1.2.3.4567'):
        assert part in one
    assert len(one.split()[4]) == 16
    assert 51_000 <= int(one.split()[5]) < 52_000
