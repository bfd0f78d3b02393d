"""The words of a notice: what an event says cannot ping, link or break a line."""

from __future__ import annotations

from service.alerts.channels import Channel
from service.notify.quota import HOUR_MS, Quota
from service.notify.text import LONGEST_BODY, body_of, title_of

ALERT = {
    "message": "Root acted",
    "alert": {"severity": "high", "count": 3, "principal": {"name": "root"}},
    "rule": {"name": "Root acted"},
    "project": {"id": "shop", "environment": "prod"},
    "related": {"ip": ["192.0.2.1", "192.0.2.2"]},
}
CHANNEL = Channel.model_validate({"webhook": {"url": "https://example.com/x"}})


def test_a_template_is_filled_and_lines_without_values_are_left_out() -> None:
    assert title_of(CHANNEL.title, ALERT) == "[high] Root acted · shop/prod"
    body = body_of("{message}\nfrom {source.ip}\nall: {related.ip}\n\nfixed", ALERT)
    assert body == "Root acted\nall: 192.0.2.1, 192.0.2.2\n\nfixed"


def test_what_an_event_says_neither_pings_nor_links_nor_breaks_the_line() -> None:
    for hostile in ("@everyone", "<!channel>", "<@U123>", "[x](https://example.com)", "a\r\nb", "a\u202eb", "\x1b[31m"):
        alert = {**ALERT, "alert": {"severity": "high", "principal": {"name": hostile}}}
        text = title_of("{alert.principal.name}", alert)
        assert not any(bad in text for bad in ("@e", "<!", "<@", "](", "\n", "\r", "\u202e", "\x1b"))


def test_text_is_bounded() -> None:
    alert = {**ALERT, "message": "x" * 100_000}
    assert len(body_of("{message}\n" * 100, alert)) <= LONGEST_BODY


def test_templates_reach_nothing_but_fields() -> None:
    assert title_of("{message.__class__} {rule.name.upper} {0}", ALERT) == "{0}"


def test_a_channel_is_told_so_much_an_hour_and_says_when_it_was_enough() -> None:
    quota = Quota(3)
    first = [quota.ask("oncall", "shop", 1) for _ in range(6)]
    assert [each.admitted for each in first] == [True, True, True, False, False, False]
    assert "The last message about shop" in first[2].words
    assert quota.ask("oncall", "pay", 1).admitted
    later = quota.ask("oncall", "shop", HOUR_MS)
    assert (later.admitted, later.words.split()[0]) == (True, "3")
