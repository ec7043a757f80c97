"""The credentials endpoint: register, renew, unregister. OCPI 2.2.1, Credentials."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ocpi_party.modules.credentials.registration import Registration
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
    return success(encode(await _registration(asked, version).told(asked.partner, asked.token)))


@router.post("/{version}/credentials")
async def post_credentials(request: Request, asked: CurrentAsked, version: IdInUrl) -> Response:
    registration = _registration(asked, version)
    if asked.partner.status is not PartnerStatus.INVITED:
        raise AlreadyRegistered("you are registered: use PUT to renew your credentials")
    return success(encode(await registration.accept(asked.partner, await _given(request, asked), asked.encoding)))


@router.put("/{version}/credentials")
async def put_credentials(request: Request, asked: CurrentAsked, version: IdInUrl) -> Response:
    registration = _registration(asked, version)
    if asked.partner.status is not PartnerStatus.CONNECTED:
        raise NotRegistered("you are not registered: use POST")
    return success(encode(await registration.renew(asked.partner, await _given(request, asked))))


@router.delete("/{version}/credentials")
async def delete_credentials(asked: CurrentAsked, version: IdInUrl) -> Response:
    await _registration(asked, version).leave(asked.partner)
    return success()


def _registration(asked: Asked, version: str) -> Registration:
    if version not in asked.house.dialects:
        raise UnknownObject(f"version {version}")
    return Registration(asked.house, version)


async def _given(request: Request, asked: Asked) -> JsonObject:
    body = asked.spoken.read(Credentials, await json_object(request, asked)).document
    check_url(body["url"], pointer="/url", allow_private=asked.house.allow_private_urls)
    return body
