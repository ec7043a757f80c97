"""Finding out what a partner offers: its versions, and the endpoints of one. OCPI 2.2.1, Version information endpoint."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ocpi_party.ocpi.errors import InvalidObject, NoMatchingEndpoints, UnableToUseClientApi, UnsupportedVersion
from ocpi_party.ocpi.modules import FUNCTIONAL, InterfaceRole, ModuleId, Role, role_with
from ocpi_party.partners.answer import Answer, PartnerFailed, PartnerUnreachable
from ocpi_party.partners.client import OcpiClient
from ocpi_party.partners.urls import check_url, resolve

_FOR_HUBS = (ModuleId.HUB_CLIENT_INFO, InterfaceRole.RECEIVER)
"""Called by hubs alone, which we are not; many platforms show it only while they do not know yet who asks."""

Endpoints = Mapping[tuple[str, str], str]
"""(module, SENDER or RECEIVER) → URL; modules that we do not know are left out"""


class Declined(UnableToUseClientApi):
    """The platform answered with an error: the form of our token may be the reason, whatever it says (AMB-01)."""


class Unauthorized(Declined):
    """The platform does not accept the token that we called with. answer  in words"""

    def __init__(self, text: str, answer: str) -> None:
        super().__init__(text)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Details:
    """What the details of a version list.

    strays  where they stray from OCPI, in words; what is listed wrongly is left out of the endpoints
    """

    endpoints: Endpoints
    strays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discovery:
    """Asks a platform with a token. encoding  base64 or raw (AMB-01)"""

    client: OcpiClient
    allow_private: bool
    token: str
    encoding: str = "base64"
    partner_id: int | None = None

    async def versions(self, url: str) -> dict[str, str]:
        """As versions_in. Raises UnableToUseClientApi in words"""
        return self.versions_in(await self.ask_versions(url), url)

    async def ask_versions(self, url: str) -> Answer:
        """Raises UnableToUseClientApi in words"""
        return await self._get(url, "versions")

    @staticmethod
    def versions_in(answer: Answer, url: str) -> dict[str, str]:
        """version → URL of its details, as far as it can be used; of a version listed twice the first.

        Raises UnableToUseClientApi in words
        """
        found: dict[str, str] = {}
        listed = answer.data
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("version"), str) and isinstance(entry.get("url"), str):
                found.setdefault(entry["version"], resolve(url, entry["url"]))
        if not found:
            raise UnableToUseClientApi(f"GET versions: {url} lists no version")
        return found

    async def details(self, url: str, version: str) -> Details:
        """The details of a version. Raises UnableToUseClientApi in words"""
        answer = await self._get(url, "version details")
        details = answer.object
        listed = details.get("endpoints") if isinstance(details, dict) else None
        found: dict[tuple[str, str], str] = {}
        useless_roles: dict[str, list[str]] = {}
        for entry in listed if isinstance(listed, list) else ():
            if (
                not isinstance(entry, dict)
                or not isinstance(entry.get("url"), str)
                or entry.get("identifier") not in set(ModuleId)
            ):
                continue
            # The role of credentials means nothing (AMB-60).
            interface = InterfaceRole.SENDER if entry["identifier"] == ModuleId.CREDENTIALS else entry.get("role")
            if (entry["identifier"], interface) == _FOR_HUBS:
                continue
            if interface in set(InterfaceRole):
                found.setdefault((entry["identifier"], interface), resolve(url, entry["url"]))
            else:
                useless_roles.setdefault(_role_in_words(interface), []).append(entry["identifier"])
        if (ModuleId.CREDENTIALS, InterfaceRole.SENDER) not in found:
            raise NoMatchingEndpoints("GET version details: there is no credentials endpoint")
        for endpoint in found.values():
            self._check(endpoint)
        strays = ["`data` is a list, and not an object"] if isinstance(answer.data, list) else []
        said = details.get("version") if isinstance(details, dict) else None
        if said != version:
            strays.append(
                f"`version` is {said}, and not {version}" if isinstance(said, str) else "`version` is missing"
            )
        strays += [f"`role` {wrong}: {', '.join(sorted(modules))}" for wrong, modules in useless_roles.items()]
        return Details(found, tuple(strays))

    async def _get(self, url: str, step: str) -> Answer:
        self._check(url)
        try:
            answer = await self.client.send("GET", url, self.token, self.encoding, partner_id=self.partner_id)
        except PartnerFailed as fault:
            kind = UnableToUseClientApi if fault.http_status >= 500 else Declined
            raise kind(f"GET {step}: {url}: {fault}") from fault
        except PartnerUnreachable as fault:
            raise UnableToUseClientApi(f"GET {step}: {url}: {fault}") from fault
        if _is_about_the_token(answer):
            raise Unauthorized(f"GET {step}: {url} does not accept the token ({answer})", str(answer))
        if not answer.ok:
            raise Declined(f"GET {step}: {url} answered {answer}")
        return answer

    def _check(self, url: str) -> None:
        try:
            check_url(url, pointer="/url", allow_private=self.allow_private)
        except InvalidObject as fault:
            raise UnableToUseClientApi(f"the URL {url} {fault.rule}") from fault


def _role_in_words(role: Any) -> str:
    if role is None:
        return "is missing, as in OCPI before 2.2"
    return f"is {str(role)[:20]}, neither SENDER nor RECEIVER"


def _is_about_the_token(answer: Answer) -> bool:
    """A GET without parameters is refused: then nothing else that we sent can be wrong. Platforms tell it as 401, as 403, or in
    the envelope alone (AMB-10)."""
    if answer.http_status in (401, 403):
        return True
    return answer.enveloped and not answer.ok and answer.http_status not in (404, 405)


def form_may_be_wrong(fault: UnableToUseClientApi, encoding: str) -> bool:
    """Whether the platform may want our token in the other form. encoding  in which it had it, base64 or raw"""
    # Who decodes may stumble over a raw token instead of refusing it.
    return encoding == "raw" or isinstance(fault, Declined)


def newest_mutual(theirs: Collection[str], ours: Collection[str]) -> str:
    """The newest version that both speak, compared number by number. Raises UnsupportedVersion"""
    mutual = [version for version in theirs if version in set(ours)]
    if not mutual:
        raise UnsupportedVersion(
            f"no common version: they speak {', '.join(sorted(theirs))}, we {', '.join(sorted(ours))}"
        )
    return max(mutual, key=lambda version: [int(number) for number in re.findall(r"\d+", version)])


def must_have(endpoints: Endpoints, needed: Collection[tuple[ModuleId, InterfaceRole]]) -> None:
    """Raise NoMatchingEndpoints, if some that we need are missing (CRE-16, CRE-17)."""
    missing = [f"{module} {interface}" for module, interface in needed if (module, interface) not in endpoints]
    if missing:
        raise NoMatchingEndpoints(f"these endpoints are missing: {', '.join(missing)}")


def useless(endpoints: Endpoints, our_roles: Collection[Role]) -> bool:
    """Whether there is nothing to exchange: no interface of the partner fits one of ours."""
    for module, interface in endpoints:
        if module in FUNCTIONAL:
            mine = InterfaceRole.RECEIVER if interface == InterfaceRole.SENDER else InterfaceRole.SENDER
            if role_with(ModuleId(module), mine) in our_roles:
                return False
    return True
