"""Who is asking, by credentials token, and the tokens that we ask with: kept for seconds and dropped on change."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from ocpi_party.database import Database
from ocpi_party.listening import Listening
from ocpi_party.partners import credentials_tokens, repository
from ocpi_party.partners.parties import own_parties, reached_directly
from ocpi_party.partners.partner import Partner, Party
from ocpi_party.partners.secrets import Vault, candidates
from ocpi_party.partners.table import DIRECTORY


@dataclass(frozen=True, slots=True)
class Caller:
    """A partner that asks, and the token it asked with.

    encoding  base64 or raw, as the token came
    invited   it holds an invitation only: versions and credentials are open to it, nothing else
    """

    partner: Partner
    token: str
    encoding: str
    invited: bool


class Directory:
    """Own parties and callers by their Authorization header.

    The database tells every process when something changed. While it cannot, nothing is kept: a revoked token must not
    live on in a process that did not hear of it.
    """

    def __init__(self, database: Database, listening: Listening, vault: Vault, *, keep_seconds: float = 5.0) -> None:
        self._database = database
        self._listening = listening
        listening.on(DIRECTORY, lambda _payload: self.drop())
        self._vault = vault
        self._keep = keep_seconds
        self._callers: dict[str, tuple[float, Caller]] = {}
        self._tokens: dict[int, tuple[float, tuple[str, str] | None]] = {}
        self._own: tuple[float, tuple[Party, ...]] | None = None
        self._direct: tuple[float, frozenset[str]] | None = None
        self._drops = 0

    def drop(self) -> None:
        """Forget what was kept; the next request asks the database."""
        self._drops += 1
        self._callers.clear()
        self._tokens.clear()
        self._own = None
        self._direct = None

    async def own_parties(self) -> tuple[Party, ...]:
        if self._own is not None and self._own[0] > time.monotonic():
            return self._own[1]
        drops = self._drops
        async with self._database.read() as tx:
            parties = await own_parties(tx)
        if self._listening.alive and drops == self._drops:
            self._own = (time.monotonic() + self._keep, parties)
        return parties

    async def reached_directly(self) -> frozenset[str]:
        """Parties of direct connections and our own, COUNTRY*PARTY: a hub may not speak for them (AMB-19)."""
        if self._direct is not None and self._direct[0] > time.monotonic():
            return self._direct[1]
        drops = self._drops
        async with self._database.read() as tx:
            owners = await reached_directly(tx)
        if self._listening.alive and drops == self._drops:
            self._direct = (time.monotonic() + self._keep, owners)
        return owners

    async def caller(self, authorization: str | None) -> Caller | None:
        """Whose token stands in this Authorization header; None for nobody's."""
        if authorization is None:
            return None
        kept = self._callers.get(authorization)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        drops = self._drops
        caller = await self._look_up(candidates(authorization))
        if caller is not None and self._listening.alive and drops == self._drops:
            self._callers[authorization] = (time.monotonic() + self._keep, caller)
        return caller

    async def token_of(self, partner_id: int) -> tuple[str, str] | None:
        """The credentials token that we send to a partner, as it stands now, and its encoding; None, if we cannot read any."""
        async with self._database.read() as tx:
            row = await repository.facts(tx, partner_id)
        if row is None or row["token_sent"] is None:
            return None
        token = self._vault.open(row["token_sent"], partner_id)
        return None if token is None else (token, row["token_encoding"])

    async def kept_token_of(self, partner_id: int) -> tuple[str, str] | None:
        """The same, maybe from some moments ago: whoever is told that it is wrong drops what is kept, and asks again."""
        kept = self._tokens.get(partner_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        drops = self._drops
        token = await self.token_of(partner_id)
        if self._listening.alive and drops == self._drops:
            self._tokens[partner_id] = (time.monotonic() + self._keep, token)
        return token

    async def _look_up(self, tokens: Mapping[str, str]) -> Caller | None:
        if not tokens:
            return None
        by_digest = {self._vault.digest(token): token for token in tokens}
        async with self._database.read() as tx:
            found = await credentials_tokens.token_states(tx, list(by_digest))
            # Two forms of one header that name different tokens would be a wrong guess: exactly one may match (AMB-01).
            partner = await repository.get(tx, found[0]["partner_id"]) if len(found) == 1 else None
        if partner is None:
            return None
        row = found[0]
        if row["first_used_at"] is None and row["state"] != "INVITATION":
            async with self._database.write() as tx:
                await credentials_tokens.first_use(tx, partner.id, row["digest"])
            self.drop()  # Tokens that ended with it must not live on here until the database has told us.
        token = by_digest[row["digest"]]
        return Caller(partner, token, tokens[token], invited=row["state"] == "INVITATION")
