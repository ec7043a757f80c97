"""Tokens, Receiver interface: eMSPs tell us of theirs. OCPI 2.2.1, Tokens, "Receiver Interface"."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.tokens.advice import advice
from ocpi_party.modules.tokens.keys import TypeInUrl, token_key, type_of
from ocpi_party.modules.tokens.repository import named
from ocpi_party.modules.tokens.table import TOKENS
from ocpi_party.ocpi.errors import InvalidObject, UnknownToken
from ocpi_party.ocpi.modules import ModuleId
from ocpi_party.ocpi.token import Token
from ocpi_party.ocpi.types import PartyId
from ocpi_party.owned import receive, repository
from ocpi_party.owned.names import spelt
from ocpi_party.owned.receive import must_match
from ocpi_party.owned.table import Ref
from ocpi_party.partners.findings import note
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import stored, success

router = APIRouter()

_ONE = "/{country_code}/{party_id}/{token_uid}"


@router.get(_ONE)
async def get_token(
    asked: CurrentAsked, country_code: IdInUrl, party_id: IdInUrl, token_uid: IdInUrl, token_type: TypeInUrl = None
) -> Response:
    async with asked.database.read() as tx:
        ref = await named(tx, asked.theirs(country_code, party_id, token_uid), token_uid, token_type)
        found = await repository.get(tx, TOKENS, ref)
    if found is None:
        raise UnknownToken(ref)
    return success(asked.spoken.write(Token, found.document.encode()))


@router.put(_ONE)
async def put_token(
    request: Request,
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    token_uid: IdInUrl,
    token_type: TypeInUrl = None,
) -> Response:
    ref = asked.theirs(country_code, party_id, token_uid)
    reading = asked.read(Token, await json_object(request, asked), PartyId.parse(ref.owner))
    must_match(reading.document, country_code=country_code, party_id=party_id, uid=token_uid)
    # Without the parameter the body says which type it is: many leave it out for APP_USER, too (AMB-51).
    key = token_key(token_uid, token_type or reading.document["type"])
    _must_keep_type(reading.document["type"], key)
    reading = replace(reading, findings=(*reading.findings, *advice(reading.document)))
    async with asked.database.write() as tx:
        done = await receive.put(
            tx, TOKENS, ModuleId.TOKENS, ref._replace(key=key), reading, any_age=_takes_any_age(asked)
        )
    return stored(new=done.created)


@router.patch(_ONE)
async def patch_token(
    request: Request,
    asked: CurrentAsked,
    country_code: IdInUrl,
    party_id: IdInUrl,
    token_uid: IdInUrl,
    token_type: TypeInUrl = None,
) -> Response:
    ref: Ref = asked.theirs(country_code, party_id, token_uid)
    changes = asked.spoken.changes(Token, await json_object(request, asked))
    must_match(changes, country_code=country_code, party_id=party_id, uid=token_uid)
    async with asked.database.write() as tx:
        ref = await named(tx, ref, token_uid, token_type)
        _must_keep_type(changes.get("type", type_of(ref.key)), ref.key)
        token = await receive.patch(
            tx,
            TOKENS,
            ModuleId.TOKENS,
            ref,
            Token,
            asked.spoken,
            changes,
            unknown=UnknownToken,
            any_age=_takes_any_age(asked),
        )
        await note(tx, ref.partner_id, ModuleId.TOKENS, str(spelt(ModuleId.TOKENS, ref, token)), advice(token))
    return success()


def _must_keep_type(told: object, key: str) -> None:
    if token_key("", str(told)) != token_key("", type_of(key)):
        raise InvalidObject("/type", f"is {told}, but the token that the URL names is of type {type_of(key)}")


def _takes_any_age(asked: Asked) -> bool:
    return bool(asked.partner.quirks.get("accept_older"))
