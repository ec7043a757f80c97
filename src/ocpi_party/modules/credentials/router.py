"""The credentials endpoint: register, renew, unregister. OCPI 2.2.1, Credentials."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.credentials import answering, handshake
from ocpi_party.ocpi.credentials import Credentials
from ocpi_party.ocpi.errors import AlreadyRegistered, NotRegistered, UnknownObject
from ocpi_party.ocpi.types import JsonObject, encode
from ocpi_party.partners.partner import PartnerStatus
from ocpi_party.partners.urls import check_url
from ocpi_party.transport.asked import Asked, CurrentAsked, IdInUrl, json_object
from ocpi_party.transport.envelope import success

router = APIRouter()


@router.get("/{version}/credentials")
async def get_credentials(asked: CurrentAsked, version: IdInUrl) -> Response:
    _must_speak(asked, version)
    return success(encode(await handshake.credentials_for(asked.house, asked.partner, asked.token)))


@router.post("/{version}/credentials")
async def post_credentials(request: Request, asked: CurrentAsked, version: IdInUrl) -> Response:
    _must_speak(asked, version)
    if asked.partner.status is not PartnerStatus.INVITED:
        raise AlreadyRegistered("you are registered: use PUT to renew your credentials")
    given = await _given(request, asked)
    told = await answering.accept(asked.house, asked.partner, given, version=version, encoding=asked.encoding)
    return success(encode(told))


@router.put("/{version}/credentials")
async def put_credentials(request: Request, asked: CurrentAsked, version: IdInUrl) -> Response:
    _must_speak(asked, version)
    if asked.partner.status is not PartnerStatus.CONNECTED:
        raise NotRegistered("you are not registered: use POST")
    given = await _given(request, asked)
    return success(encode(await answering.renew(asked.house, asked.partner, given, version=version)))


@router.delete("/{version}/credentials")
async def delete_credentials(asked: CurrentAsked, version: IdInUrl) -> Response:
    _must_speak(asked, version)
    await answering.leave(asked.house, asked.partner)
    return success()


def _must_speak(asked: Asked, version: str) -> None:
    if version not in asked.house.dialects:
        raise UnknownObject(f"version {version}")


async def _given(request: Request, asked: Asked) -> JsonObject:
    body = asked.spoken.read(Credentials, await json_object(request, asked)).document
    check_url(body["url"], pointer="/url", allow_private=asked.house.allow_private_urls)
    return body
