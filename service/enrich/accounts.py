"""Accounts and projects: whose account it is, what it is called, who answers for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service import yaml_file
from service.enrich.fragments import members
from service.errors import ContentErrors

ProjectId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Environment = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,16}$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]

REMEMBERED = 16_384
"""Account ids come out of events: only so many views are kept."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)


class Account(_Model):
    """One AWS account."""

    name: str | None = None
    """``cloud.account.name``."""
    environment: Environment | None = None
    """The environment whose streams may carry its events; without it, any of the project."""
    organizational_unit: str | None = None
    """Path of the OU: ``Workloads/Prod``."""
    owner: str | None = None
    """Who answers for it; replaces the project's owner."""
    tags: list[str] = []
    """Further words to search by, added to the project's."""


class Project(_Model):
    """A group of accounts with one owner; its id is the one in ``streams.yml`` and in the index name."""

    name: str | None = None
    """What people call it."""
    owner: str | None = None
    """Who answers for it: a team or an e-mail address."""
    tags: list[str] = []
    """Words to search by."""
    accounts: dict[AccountId, Account] = {}
    """Account id, in quotes → what is known about it. Events of other accounts are flagged ``account_mismatch``."""


class ProjectsFile(_Model):
    """``projects.yml``: what is known about projects and accounts."""

    projects: dict[ProjectId, Project] = Field(default={})
    """Project id → project."""


class AccountView(NamedTuple):
    """What a document says about its account and project, as JSON members to splice."""

    cloud_account: str
    """``,"id":…,"name":…`` of ``cloud.account``; "" when the event names no account."""
    project: str
    """``,"name":…,"owner":…,"organizational_unit":…,"tags":[…]`` of ``project``, after its id and environment; of a
    mismatch also ``"claimed_account"``."""
    mismatch: bool
    """The account is not one of those that the stream's project and environment own."""
    trusted: tuple[str, str]
    """``cloud_account`` and ``project`` of an event that is judged by this view: where it claims another's account, the
    project's own account if it has but one, else none."""


class AccountTable:
    """Views by project, environment and account, made on first use."""

    def __init__(self, projects: dict[str, Project]) -> None:
        """Know the accounts of ``projects``; an empty mapping knows, and suspects, nothing."""
        self._views: dict[tuple[str, str, str | None], AccountView] = {}
        self._declared: Mapping[tuple[str, str], Collection[str]] = {}
        self.replace(projects)

    def replace(self, projects: dict[str, Project]) -> None:
        """Know these projects from now on."""
        self._projects = projects
        self._accounts = {key: account for project in projects.values() for key, account in project.accounts.items()}
        self._views.clear()

    def declare(self, accounts: Mapping[tuple[str, str], Collection[str]]) -> None:
        """Accounts that ``streams.yml`` lets through the streams of (project, environment), beside those of the projects."""
        self._declared = accounts
        self._views.clear()

    def fragment(self, project: str, environment: str, account: str | None) -> AccountView:
        """The view of an event of ``account`` (None or "": it names none) from a stream of ``project``."""
        key = (project, environment, account)
        view = self._views.get(key)
        if view is None:
            view = self._view(project, environment, account)
            if len(self._views) >= REMEMBERED:
                self._views.clear()
            if len(account or "") <= 64:
                self._views[key] = view
        return view

    def owner(self, project: str, environment: str, account: str) -> Literal["own", "nobody", "other"]:
        """Whose account it is, seen from a project: ``other`` also where its own are listed and it is not among them."""
        owned = self._owned(project, environment)
        if account in owned:
            return "own"
        listed = owned or (self._projects.get(project) or Project()).accounts
        return "other" if listed or self.is_anybodys(account) else "nobody"

    def is_anybodys(self, account: str) -> bool:
        """Whether any project says that the account is its own."""
        return account in self._accounts or any(account in accounts for accounts in self._declared.values())

    def _view(self, project_id: str, environment: str, account_id: str | None) -> AccountView:
        project = self._projects.get(project_id) or Project()
        owned = self._owned(project_id, environment)
        mine = account_id in owned
        account = self._accounts.get(account_id or "") or Account()
        # Without a list of its own a project is only suspected of what is known to be another's.
        mismatch = bool(account_id) and not mine and bool(owned or project.accounts or account_id in self._accounts)
        # What a foreign account is called is worth knowing; who owns it says nothing about this project.
        about = project.accounts.get(account_id or "", Account()) if mine else Account()
        known = {
            "name": project.name,
            "owner": about.owner or project.owner,
            "organizational_unit": about.organizational_unit,
            "tags": list(dict.fromkeys(project.tags + about.tags)) or None,
        }
        cloud_account = members({"id": account_id or None, "name": account.name})
        if not mismatch:
            said = members(known)
            return AccountView(cloud_account, said, mismatch=False, trusted=(cloud_account, said))
        said = members({**known, "claimed_account": account_id})
        own = next(iter(owned)) if len(owned) == 1 else None
        named = self._accounts.get(own or "")
        trusted = members({"id": own, "name": None if named is None else named.name})
        return AccountView(cloud_account, said, mismatch=True, trusted=(trusted, said))

    def _owned(self, project_id: str, environment: str) -> set[str]:
        """Accounts whose events may come through the streams of a project and environment."""
        project = self._projects.get(project_id) or Project()
        known = {key for key, account in project.accounts.items() if account.environment in (None, environment)}
        return known | set(self._declared.get((project_id, environment), ()))


def read_projects(path: Path) -> dict[str, Project]:
    """The projects of a ``projects.yml``; raises ContentErrors. An account belongs to one project."""
    file = yaml_file.read(path, ProjectsFile)
    owners: dict[str, str] = {}
    for project_id, project in file.value.projects.items():
        for account_id in project.accounts:
            if account_id in owners:
                reason = f"account {account_id} already belongs to project {owners[account_id]}"
                keys = ("projects", project_id, "accounts", account_id)
                fault = file.error(keys, "account_twice", reason, "an account has one owner")
                raise ContentErrors(f"{path} is not valid", [fault])
            owners[account_id] = project_id
    return file.value.projects
