from bench import corpus, stages


def test_a_small_run_measures_every_stage() -> None:
    rows = stages.run(200, ("aws.vpcflow",))
    assert [row["name"].partition(" aws.")[0] for row in rows] == [
        "gunzip + outer decode",
        "the same + route",
        "route, records stay packed",
        "raw batch: encode",
        "raw batch: decode",
        "parse … body",
        "bulk body",
    ]
    assert all(row["events_per_cpu_second"] > 0 for row in rows)


def test_the_same_seed_gives_the_same_traffic() -> None:
    assert corpus.events("aws.cloudtrail", 20) == corpus.events("aws.cloudtrail", 20)
    assert 1000 < sum(map(len, corpus.events("aws.cloudtrail", 200))) / 200 < 1500
