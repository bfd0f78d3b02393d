"""Sessions and who is behind them, across events, datasets and accounts; bounded in number, age and depth.

What is believed is decided here and nowhere else; ``docs/decisions/0022-identity.md`` says why. A step of a chain joins two
accounts, and each of them must have told of it over the stream of a project that owns it: nobody can name somebody
else's people. What is told of accounts that belong to no project is believed within the project that tells it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from service.enrich.accounts import AccountTable
from service.enrich.fragments import dump
from service.enrich.grant import Grant, Told

AGE_MS = 36 * 3_600_000
"""The longest that a session lives."""
MOST_TOLD = 20_000
"""Sessions that are remembered of one project and environment; …"""
MOST = 100_000
"""… and of all together: about 1 KB each."""
DEEPEST = 8
"""Steps that a chain has at most."""
CROWDED = 64
"""Sessions of one name, after which the name alone says nothing."""
_REMEMBERED = 32_768
"""Answers that are kept for each project."""


class _Claim(NamedTuple):
    told: Told
    side: str
    """``whole``, or what a cross-account step looks like from the ``role``'s account, or the ``caller``'s."""
    scope: str
    """Project that may use it; "" for all."""


class View:
    """Chains as one project may see them."""

    def __init__(self, identities: Identities, scope: str) -> None:
        """``identities.of`` makes these."""
        self._identities = identities
        self._scope = scope
        self._texts: dict[tuple[str | None, ...], str] = {}

    def text(self, session: str | None, own: Sequence[str]) -> str | None:
        """JSON of the whole chain behind what an event says by itself; None where no more is known.

        ``session`` is the access key of the event's temporary credentials, ``own`` its own chain, which is not empty.
        """
        names = self._identities.names
        if session not in names and own[-1] not in names and (len(own) == 1 or own[-2] not in names):
            return None
        key = (session, *own)
        found = self._texts.get(key)
        if found is None:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            found = self._texts[key] = dump(self.chain(session, own))
        return found

    def chain(self, session: str | None, own: Sequence[str]) -> list[str]:
        """The chain as a list; ``own`` where no more is known."""
        return self._identities.chain(self._scope, session, own)

    def forget(self) -> None:
        """Work chains out again: more is known."""
        self._texts.clear()


class Identities:
    """All that was told of sessions."""

    def __init__(self, accounts: AccountTable) -> None:
        """Know nothing yet; ``accounts`` says who may speak for which account."""
        self._accounts = accounts
        self._tellers: dict[str, OrderedDict[tuple[str, str], _Claim]] = {}
        self._views: dict[str, View] = {}
        self._asked: set[str] = set()
        """Names on which answers rest that were given."""
        self.names: dict[str | None, dict[tuple[str, str, str], _Claim]] = {}
        """Access key, ARN or id of a session → what was told of it."""

    def __len__(self) -> int:
        """How many sessions are remembered; one that two accounts told of counts twice."""
        return sum(len(each) for each in self._tellers.values())

    def of(self, project: str, environment: str) -> View:
        """Chains as events of a project may name them."""
        scope = f"{project}/{environment}"
        view = self._views.get(scope)
        if view is None:
            view = self._views[scope] = View(self, scope)
        return view

    def forget(self) -> None:
        """Know nothing any more."""
        self._tellers.clear()
        self.names.clear()
        self._renew()

    def learn(self, told: Told, now_ms: int) -> bool:
        """Take in what was told; False when it is not news, or is not believed."""
        self._expire(now_ms)
        claim = self._claim(told)
        if claim is None or now_ms - told.told_ms > AGE_MS:
            return False
        place = (told.name, claim.side)
        mine = self._tellers.setdefault(told.teller, OrderedDict())
        known = mine.get(place)
        if known is not None:
            # Of two stories about one session, the same one wins whatever came first.
            if known.told.grant == told.grant or repr(known.told.grant) < repr(told.grant):
                return False
            self._drop(told.teller, place)
            mine = self._tellers.setdefault(told.teller, OrderedDict())
        mine[place] = claim
        names = _names(told.grant)
        for name in names:
            self.names.setdefault(name, {})[(told.teller, *place)] = claim
        if len(mine) > MOST_TOLD:
            self._drop(told.teller, next(iter(mine)))
        elif len(self) > MOST:
            most = max(self._tellers, key=lambda each: len(self._tellers[each]))
            self._drop(most, next(iter(self._tellers[most])))
        if not self._asked.isdisjoint(names):
            self._renew()
        return True

    def chain(self, scope: str, session: str | None, own: Sequence[str]) -> list[str]:
        """From the first who is known to who acted; ``own`` is what the event says, and never empty."""
        for at in range(len(own) - 1, max(-1, len(own) - 3), -1):
            grants = self._grants(scope, session or "", own[at])
            # What an event knows of its own workload is better than what another says of the session's name.
            if grants and (at == 0 or any(grant.key for grant in grants)):
                found = self._behind(scope, grants, own[at])
                if found is not None:
                    return [*found, *own[at + 1 :]]
        return list(own)

    def _behind(self, scope: str, grants: Sequence[Grant], name: str) -> list[str] | None:
        """The chain up to ``name``; None where several stories lead to different people."""
        chains = sorted((self._follow(scope, grant, name) for grant in grants), key=lambda chain: (len(chain), chain))
        return chains[0] if len({chain[0] for chain in chains}) == 1 else None

    def _follow(self, scope: str, grant: Grant, name: str) -> list[str]:
        """Backwards from a grant, until nobody knows more, or it goes round in a circle."""
        chain = [*grant.parent, name]
        met = {grant.key or name}
        for _ in range(DEEPEST - 2):
            caller = grant.parent[-1]
            if (grant.parent_key or caller) in met:
                break
            met.add(grant.parent_key or caller)
            before = self._grants(scope, grant.parent_key, caller)
            if len({(each.parent, each.parent_key) for each in before}) != 1:
                break
            rest = chain[len(grant.parent) :]
            grant = before[0]
            chain = [*grant.parent, caller, *rest]
        return chain[-DEEPEST:]

    def _grants(self, scope: str, key: str, name: str) -> list[Grant]:
        """What is believed of a session: by its access key, else of its name."""
        if len(self._asked) > MOST:
            self._renew()
        if key:
            self._asked.add(key)
        told = self.names.get(key) if key else None
        if told:
            return [grant for grant in self._believed(scope, told.values()) if name in (grant.arn, grant.role_id)]
        self._asked.add(name)
        told = self.names.get(name)
        if not told or len(told) > CROWDED:
            return []
        by_session: dict[str, list[_Claim]] = {}
        for claim in told.values():
            by_session.setdefault(claim.told.grant.key, []).append(claim)
        if key and any(by_session.keys()):
            return []  # other sessions of the same name were told of: this one may be anybody's
        return [grant for claims in by_session.values() for grant in self._believed(scope, claims)]

    def _believed(self, scope: str, claims: Iterable[_Claim]) -> list[Grant]:
        """One grant of each story about a session that every account in it has told, or nobody can."""
        visible = [claim for claim in claims if claim.scope in ("", scope)]
        granted = {claim.told.grant.caller for claim in visible if claim.side == "role"}
        found: dict[Grant, None] = {}
        for claim in visible:
            grant = claim.told.grant
            if (
                claim.side == "whole"
                or (claim.side == "caller" and (grant.caller in granted or not self._accounts.is_anybodys(grant.account)))
                or (claim.side == "role" and not self._accounts.is_anybodys(grant.caller))
            ):
                found[grant] = None
        return list(found)

    def _claim(self, told: Told) -> _Claim | None:
        """What the account that speaks may say; None for what is not its business, or not the project's."""
        grant = told.grant
        owner = self._accounts.owner(told.project, told.environment, told.account)
        if owner == "other" or told.account not in (grant.account, grant.caller):
            return None
        side = "whole" if grant.caller in ("", grant.account) else "role" if told.account == grant.account else "caller"
        if side != "whole" and not grant.key:
            return None  # the two sides of a step meet at its key
        return _Claim(told, side, "" if owner == "own" else told.teller)

    def _expire(self, now_ms: int) -> None:
        for teller, claims in list(self._tellers.items()):
            while claims:
                place = next(iter(claims))
                if now_ms - claims[place].told.told_ms <= AGE_MS:
                    break
                self._drop(teller, place)

    def _drop(self, teller: str, place: tuple[str, str]) -> None:
        claim = self._tellers[teller].pop(place)
        for name in _names(claim.told.grant):
            told = self.names[name]
            del told[(teller, *place)]
            if not told:
                del self.names[name]
        if not self._tellers[teller]:
            del self._tellers[teller]

    def _renew(self) -> None:
        self._asked.clear()
        for view in self._views.values():
            view.forget()


def _names(grant: Grant) -> list[str]:
    return list(dict.fromkeys(name for name in (grant.key, grant.arn, grant.role_id) if name))
