"""As CPO: may this driver charge here? And as eMSP: the rules by which our own tokens are judged."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ocpi_party.backoffice.answers import as_json
from ocpi_party.backoffice.authorization import READ, WRITE, CurrentBuilding
from ocpi_party.backoffice.described import body_of
from ocpi_party.backoffice.filters import OneTokenType
from ocpi_party.backoffice.writing import PathId, json_object, our_owner
from ocpi_party.dialects.dialect import read_own
from ocpi_party.modules.tokens import repository
from ocpi_party.modules.tokens.place import Place
from ocpi_party.modules.tokens.rules import TokenRules
from ocpi_party.modules.tokens.swipe import Swipe, authorize, told
from ocpi_party.ocpi.errors import InvalidObject, InvalidParameter
from ocpi_party.ocpi.modules import ModuleId, Role
from ocpi_party.ocpi.token import LocationReferences, TokenType
from ocpi_party.ocpi.types import JsonObject, PartyId, decode, encode
from ocpi_party.owned.publish import our_ref
from ocpi_party.transport.asked import Building

router = APIRouter(prefix="/tokens", tags=["tokens"])

_ONE = "/{country_code}/{party_id}/{uid}"
_NOBODY = "-"

Cpo = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z]{2}\*[A-Za-z0-9]{1,3}$", description="our CPO where the driver stands, as NL*TNM"),
]


@router.post(_ONE + "/authorize", dependencies=[WRITE], openapi_extra=body_of(LocationReferences))
async def post_authorize(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    uid: PathId,
    token_type: OneTokenType = None,
    cpo: Cpo = None,
) -> Response:
    """AuthorizationInfo, and beside it `source`, `why` and `auth_method`. The body, LocationReferences, may be left out.

    `country_code` and `party_id` are those of the token's eMSP, `-` and `-` if only the uid is known.
    """
    owner = None if (country_code, party_id) == (_NOBODY, _NOBODY) else PartyId(country_code, party_id).folded()
    place = await _place(request, building)
    swipe = Swipe(uid, token_type or TokenType.RFID, owner, place, await _our_cpo(building, cpo))
    return as_json(told(await authorize(building, swipe)))


async def _place(request: Request, building: Building) -> Place | None:
    body = await request.body()
    if not body or decode(body, max_depth=building.max_json_depth) in (None, {}):
        return None
    return Place(read_own(LocationReferences, await json_object(request, building)))


async def _our_cpo(building: Building, given: str | None) -> PartyId | None:
    """Our one CPO, if none is given. Raises InvalidParameter for one that is not ours"""
    ours = [party.key for party in await building.directory.own_parties() if party.role is Role.CPO]
    if given is None:
        return ours[0] if len(ours) == 1 else None
    wanted = PartyId.parse(given).folded()
    if wanted not in ours:
        raise InvalidParameter("cpo", f"{given} is no CPO of ours")
    return wanted


@router.put(_ONE + "/rules", dependencies=[WRITE], openapi_extra=body_of(TokenRules))
async def put_rules(
    request: Request,
    building: CurrentBuilding,
    country_code: PathId,
    party_id: PathId,
    uid: PathId,
    token_type: OneTokenType = None,
) -> Response:
    """Limit one of our tokens for real-time authorization; `{}` takes all limits away. No partner is told of them."""
    rules = read_own(TokenRules, await json_object(request, building))
    _must_be_known(rules)
    owner = await our_owner(building, ModuleId.TOKENS, country_code, party_id)
    async with building.database.write() as tx:
        ref = await repository.named(tx, our_ref(owner, ""), uid, token_type)
        await repository.put_rules(tx, ref, encode(rules))
    return as_json(rules)


def _must_be_known(rules: JsonObject) -> None:
    # A misspelt limit that is kept and ignored would let drivers charge that must not.
    unknown = next((name for name in rules if name not in TokenRules.model_fields), None)
    if unknown is not None:
        raise InvalidObject(f"/{unknown}", f"is no rule; there are {', '.join(TokenRules.model_fields)}")


@router.get(_ONE + "/rules", dependencies=[READ])
async def get_rules(
    building: CurrentBuilding, country_code: PathId, party_id: PathId, uid: PathId, token_type: OneTokenType = None
) -> Response:
    owner = await our_owner(building, ModuleId.TOKENS, country_code, party_id)
    async with building.database.read() as tx:
        ref = await repository.named(tx, our_ref(owner, ""), uid, token_type)
        found = await repository.rules(tx, ref)
    return as_json(found.encode())
