from __future__ import annotations

from pathlib import Path

import pytest

from service.enrich import AccountTable, Enrichers
from service.errors import ContentErrors
from tests.enrich.test_addresses import members

EXAMPLE = Path("deploy/projects.example.yml")

PROJECTS = """
projects:
  shop:
    name: Web shop
    owner: shop@example.com
    tags: [pci]
    accounts:
      "111122223333": { name: shop-prod, environment: prod, organizational_unit: Workloads/Prod, tags: [gold] }
      "444455556666": { name: shop-dev, environment: nonprod, owner: dev@example.com }
  pay:
    accounts:
      "777788889999": {}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "projects.yml"
    path.write_text(PROJECTS)
    return path


def test_an_account_is_named_with_its_project_and_owner(path: Path) -> None:
    accounts = Enrichers.load(projects=path).accounts
    view = accounts.fragment("shop", "prod", "111122223333")
    assert members(view.cloud_account) == {"id": "111122223333", "name": "shop-prod"}
    assert members(view.project) == {
        "name": "Web shop", "owner": "shop@example.com", "organizational_unit": "Workloads/Prod", "tags": ["pci", "gold"],
    }  # fmt: skip
    assert not view.mismatch
    assert members(accounts.fragment("shop", "nonprod", "444455556666").project)["owner"] == "dev@example.com"


@pytest.mark.parametrize("account", ["777788889999", "000000000000", '1","x":"', "444455556666"])
def test_an_account_that_is_not_the_streams_is_a_mismatch(path: Path, account: str) -> None:
    view = Enrichers.load(projects=path).accounts.fragment("shop", "prod", account)
    assert view.mismatch
    assert members(view.cloud_account)["id"] == account
    assert "organizational_unit" not in members(view.project)
    assert members(view.project)["claimed_account"] == account
    assert members(view.trusted[0]) == {"id": "111122223333", "name": "shop-prod"}
    assert view.trusted[1] == view.project


def test_of_several_own_accounts_none_is_guessed() -> None:
    table = AccountTable({})
    table.declare({("shop", "prod"): {"111122223333", "111122224444"}})
    view = table.fragment("shop", "prod", "777788889999")
    assert view.mismatch
    assert view.trusted[0] == ""


def test_the_accounts_of_the_streams_file_count_too() -> None:
    table = AccountTable({})
    table.declare({("shop", "prod"): {"111122223333"}})
    assert not table.fragment("shop", "prod", "111122223333").mismatch
    assert table.fragment("shop", "prod", "444455556666").mismatch
    assert not table.fragment("pay", "prod", "444455556666").mismatch


def test_a_project_without_accounts_cannot_claim_those_of_another(path: Path) -> None:
    accounts = Enrichers.load(projects=path).accounts
    assert accounts.fragment("third", "prod", "111122223333").mismatch
    assert not accounts.fragment("third", "prod", "999999999999").mismatch


@pytest.mark.parametrize("account", [None, ""])
def test_an_event_that_names_no_account_is_no_mismatch(path: Path, account: str | None) -> None:
    view = Enrichers.load(projects=path).accounts.fragment("shop", "prod", account)
    assert view.cloud_account == ""
    assert not view.mismatch


def test_without_a_projects_file_nothing_is_suspect() -> None:
    view = AccountTable({}).fragment("local", "none", "111122223333")
    assert (view.cloud_account, view.project, view.mismatch) == (',"id":"111122223333"', "", False)


def test_a_changed_file_is_taken_up_and_a_broken_one_is_not(path: Path) -> None:
    enrichers = Enrichers.load(projects=path)
    assert enrichers.accounts.fragment("pay", "prod", "111122223333").mismatch
    path.write_text('projects: { pay: { accounts: { "111122223333": { name: moved } } } }')
    assert enrichers.refresh() is True
    view = enrichers.accounts.fragment("pay", "prod", "111122223333")
    assert (members(view.cloud_account)["name"], view.mismatch) == ("moved", False)
    path.write_text("projects: { pay: { accont: {} } }")
    assert enrichers.refresh() is False
    assert not enrichers.accounts.fragment("pay", "prod", "111122223333").mismatch
    assert "accont" in str(enrichers.status()[0].error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('projects: { a: { accounts: { "111122223333": {} } }, b: { accounts: { "111122223333": {} } } }', "account_twice"),
        ("projects: { Shop: {} }", "projects.yml:1"),
        ("projects: { shop: { accounts: { 111122223333x: {} } } }", "projects.yml:1"),
    ],
)
def test_a_wrong_file_stops_the_start(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "projects.yml").write_text(text)
    with pytest.raises(ContentErrors) as raised:
        Enrichers.load(projects=tmp_path / "projects.yml")
    assert said in str(raised.value)


def test_invented_accounts_do_not_fill_the_memory(path: Path) -> None:
    accounts = Enrichers.load(projects=path).accounts
    for number in range(40_000):
        accounts.fragment("shop", "prod", str(number))
    accounts.fragment("shop", "prod", "9" * 100_000)
    assert len(accounts._views) <= 16_384
    assert all(len(key[2] or "") <= 64 for key in accounts._views)


def test_the_example_is_valid() -> None:
    assert Enrichers.load(projects=EXAMPLE).status()[0].error is None


def test_the_example_of_lists_is_valid() -> None:
    statuses = Enrichers.load(lists=Path("deploy/lists.example.yml")).status()
    assert statuses[0].error is None
