"""Who is behind a session: over any number of roles, whatever came first, and never on the word of a stranger."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.enrich.accounts import AccountTable
from service.enrich.grant import Grant, Told, decode_told, encode_told
from service.enrich.identities import AGE_MS, CROWDED, DEEPEST, MOST_TOLD, Identities

NOW = 1_796_000_400_000
SHOP, PAY, OUTSIDE = "111122223333", "123456789012", "444455556666"
ALICE = f"arn:aws:iam::{SHOP}:user/alice"
MALLORY = f"arn:aws:iam::{PAY}:user/mallory"


def role(name: str, session: str = "alice", account: str = SHOP) -> str:
    return f"arn:aws:sts::{account}:assumed-role/{name}/{session}"


def step(
    parent: str,
    arn: str,
    key: str,
    parent_key: str = "",
    *,
    by: str | None = None,
    project: str = "shop",
    before: Sequence[str] = (),
) -> Told:
    """``parent`` was given ``arn``; ``by`` is the account whose trail says so."""
    account = arn.split(":")[4]
    caller = parent.split(":")[4] if parent.startswith("arn:") else ""
    grant = Grant(
        key, arn, f"AROA{arn.split('/')[1].upper():A<16}:{arn.split('/')[-1]}", account, (*before, parent), parent_key, caller
    )
    return Told(project, "prod", by or account, grant, NOW)


def known(*told: Told) -> Identities:
    accounts = AccountTable({})
    accounts.declare({("shop", "prod"): [SHOP], ("pay", "prod"): [PAY]})
    identities = Identities(accounts)
    for each in told:
        identities.learn(each, NOW)
    return identities


def chain(identities: Identities, session: str | None, own: Sequence[str], project: str = "shop") -> list[str]:
    return identities.of(project, "prod").chain(session, own)


CHAIN = [
    step(ALICE, role("Admin"), "ASIA1"),
    step(role("Admin"), role("Audit"), "ASIA2", "ASIA1"),
    step(role("Audit"), role("Break", "glass"), "ASIA3", "ASIA2"),
]
WHOLE = [ALICE, role("Admin"), role("Audit"), role("Break", "glass")]


@given(st.permutations(CHAIN))
@settings(deadline=None, max_examples=20)
def test_a_chain_is_the_same_in_whatever_order_its_steps_were_told(order: list[Told]) -> None:
    identities = known()
    for told in [*order, *order]:
        chain(identities, "ASIA3", [role("Break", "glass")])  # an answer that was given must not stay what it was
        identities.of("shop", "prod").text("ASIA3", [role("Break", "glass")])
        identities.learn(told, NOW)
    assert chain(identities, "ASIA3", [role("Break", "glass")]) == WHOLE
    assert identities.of("shop", "prod").text("ASIA3", [role("Break", "glass")]) == str(WHOLE).replace("'", '"').replace(" ", "")


def test_nothing_is_known_of_a_session_that_nobody_told_of() -> None:
    assert known().of("shop", "prod").text("ASIA1", [role("Admin")]) is None
    assert known(*CHAIN).of("shop", "prod").text("ASIA9", [role("Other")]) is None


def test_a_log_that_names_the_session_alone_knows_the_chain_while_it_is_the_only_one_of_that_name() -> None:
    identities = known(*CHAIN)
    assert chain(identities, None, [role("Break", "glass")]) == WHOLE
    identities.learn(step(f"arn:aws:iam::{SHOP}:user/bob", role("Break", "glass"), "ASIA4"), NOW)
    assert chain(identities, None, [role("Break", "glass")]) == [role("Break", "glass")]
    assert chain(identities, "ASIA3", [role("Break", "glass")]) == WHOLE


def test_a_key_that_nobody_told_of_is_not_given_to_another_session_of_the_same_name() -> None:
    assert chain(known(*CHAIN), "ASIA9", [role("Admin")]) == [role("Admin")]


def test_what_stands_behind_the_caller_in_its_own_log_gives_way_to_what_is_known_and_what_comes_after_stays() -> None:
    identities = known(*CHAIN)
    assert chain(identities, "ASIA1", ["source-identity", role("Admin")]) == [ALICE, role("Admin")]
    assert chain(identities, "ASIA1", [role("Admin"), "system:masters"]) == [ALICE, role("Admin"), "system:masters"]


def test_roles_that_assume_each_other_in_a_circle_lead_back_to_who_began() -> None:
    circle = [
        step(ALICE, role("A"), "ASIA1"),
        step(role("A"), role("B"), "ASIA2", "ASIA1"),
        step(role("B"), role("A"), "ASIA3", "ASIA2"),
    ]
    assert chain(known(*circle), "ASIA3", [role("A")]) == [ALICE, role("A"), role("B"), role("A")]


def test_a_circle_without_a_beginning_ends() -> None:
    circle = [step(role("A"), role("B"), "ASIA1", "ASIA2"), step(role("B"), role("A"), "ASIA2", "ASIA1")]
    found = chain(known(*circle), "ASIA1", [role("B")])
    assert (found[-1], len(found) <= DEEPEST) == (role("B"), True)


def test_a_chain_is_only_so_deep() -> None:
    steps = [step(role(f"R{n}"), role(f"R{n + 1}"), f"ASIA{n + 1}", f"ASIA{n}") for n in range(50)]
    found = chain(known(*steps), "ASIA50", [role("R50")])
    assert (len(found), found[-1]) == (DEEPEST, role("R50"))


def test_a_step_between_accounts_is_believed_when_both_have_told_of_it() -> None:
    session = role("Deploy", account=PAY)
    mine = step(ALICE, session, "ASIA1", by=SHOP)
    theirs = Told("pay", "prod", PAY, Grant("ASIA1", session, "", PAY, ("AIDAALICE",), "", SHOP), NOW)
    assert chain(known(mine), "ASIA1", [session], "pay") == [session]
    assert chain(known(theirs), "ASIA1", [session], "pay") == [session]
    for order in ([mine, theirs], [theirs, mine]):
        assert chain(known(*order), "ASIA1", [session], "pay") == [ALICE, session]


def test_an_account_that_sends_nothing_need_not_agree() -> None:
    away = role("Vendor", account=OUTSIDE)
    assert chain(known(step(ALICE, away, "ASIA1", by=SHOP)), "ASIA1", [away]) == [ALICE, away]
    stranger = step(f"arn:aws:iam::{OUTSIDE}:user/eve", role("Admin"), "ASIA1", by=SHOP)
    assert chain(known(stranger), "ASIA1", [role("Admin")])[0] == f"arn:aws:iam::{OUTSIDE}:user/eve"


@pytest.mark.parametrize(
    "lie",
    [
        step(ALICE, role("Deploy", account=PAY), "ASIA1", by=PAY, project="pay"),  # "alice was given our role"
        step(ALICE, role("Deploy", account=PAY), "ASIA1", by=SHOP, project="pay"),  # … in her own account's name
        step(ALICE, role("Admin"), "ASIA1", by=SHOP, project="pay"),  # a whole step of an account of others
        step(ALICE, role("Deploy", account=OUTSIDE), "ASIA1", by=OUTSIDE, project="pay"),
    ],
)
def test_a_project_cannot_pin_what_its_sessions_do_on_somebody_elses_user(lie: Told) -> None:
    identities = known(lie)
    for project in ("pay", "shop"):
        assert chain(identities, "ASIA1", [lie.grant.arn], project) == [lie.grant.arn]


def test_a_project_cannot_take_the_sessions_of_another_nor_hide_who_is_behind_them() -> None:
    lies = [
        step(MALLORY, role("Admin"), "ASIA1", by=PAY, project="pay"),
        step(MALLORY, role("Admin"), "ASIA1", by=SHOP, project="pay"),
        step(MALLORY, role("Admin"), "ASIA7", by=PAY, project="pay"),
    ]
    for told in ([*lies, *CHAIN], [*CHAIN, *lies]):
        identities = known(*told)
        assert chain(identities, "ASIA1", [role("Admin")]) == [ALICE, role("Admin")]
        assert chain(identities, None, [role("Admin")]) == [ALICE, role("Admin")]


def test_a_borrowed_key_does_not_bring_its_owner_along() -> None:
    assert chain(known(*CHAIN), "ASIA1", [role("Deploy", account=PAY)], "pay") == [role("Deploy", account=PAY)]


def test_what_is_told_of_nobodys_account_stays_with_the_project_that_tells_it() -> None:
    accounts = AccountTable({})
    identities = Identities(accounts)
    identities.learn(CHAIN[0], NOW)
    assert chain(identities, "ASIA1", [role("Admin")]) == [ALICE, role("Admin")]
    assert chain(identities, "ASIA1", [role("Admin")], "pay") == [role("Admin")]


def test_workloads_are_known_by_the_name_that_a_service_gave_them() -> None:
    session = role("web", "i-0123456789abcdef0")
    identities = known(step("i-0123456789abcdef0", session, ""))
    assert chain(identities, "ASIA5", [session]) == ["i-0123456789abcdef0", session]
    assert chain(identities, "ASIA5", ["arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0", session])[0].startswith(
        "arn:aws:ec2"
    )
    identities.learn(step(ALICE, session, "ASIA6"), NOW)
    assert chain(identities, "ASIA5", [session]) == [session]
    assert chain(identities, "ASIA6", [session]) == [ALICE, session]


def test_sessions_are_forgotten_when_they_are_over() -> None:
    identities = known(*CHAIN)
    assert not identities.learn(CHAIN[0], NOW + AGE_MS + 1)
    assert len(identities) == 0
    assert not identities.names


def test_a_flood_of_one_project_costs_nobody_else_a_session() -> None:
    identities = known(*CHAIN)
    for number in range(MOST_TOLD + 10):
        identities.learn(step(MALLORY, role("X", account=PAY), f"ASIAX{number}", by=PAY, project="pay"), NOW)
    assert len(identities) == MOST_TOLD + len(CHAIN)
    assert chain(identities, "ASIA3", [role("Break", "glass")]) == WHOLE


def test_a_name_that_thousands_of_sessions_share_names_nobody() -> None:
    identities = known(*[step(ALICE, role("Ci"), f"ASIA{number}") for number in range(CROWDED + 1)])
    assert chain(identities, None, [role("Ci")]) == [role("Ci")]
    assert chain(identities, "ASIA3", [role("Ci")]) == [ALICE, role("Ci")]


def test_of_two_stories_about_one_session_the_same_is_told_whatever_came_first() -> None:
    other = step(f"arn:aws:iam::{SHOP}:user/bob", role("Admin"), "ASIA1")
    one, two = known(CHAIN[0], other), known(other, CHAIN[0])
    assert chain(one, "ASIA1", [role("Admin")]) == chain(two, "ASIA1", [role("Admin")])


@given(st.lists(st.sampled_from(["A", "B", "C", "D"]), min_size=2, max_size=24), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_any_steps_in_any_order_give_one_bounded_answer(names: list[str], rng: random.Random) -> None:
    steps = [
        step(role(names[n]), role(names[n + 1]), f"ASIA{n + 1}", rng.choice(["", f"ASIA{n}", f"ASIA{rng.randrange(30)}"]))
        for n in range(len(names) - 1)
    ]
    shuffled = list(steps)
    rng.shuffle(shuffled)
    last = (f"ASIA{len(names) - 1}", [role(names[-1])])
    one, other = chain(known(*steps), *last), chain(known(*shuffled), *last)
    assert one == other
    assert 1 <= len(one) <= DEEPEST
    assert one[-1] == last[1][0]


def test_what_workers_tell_each_other_arrives_as_it_was() -> None:
    assert decode_told(encode_told(CHAIN[1])) == CHAIN[1]
