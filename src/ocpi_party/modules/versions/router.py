"""Versions and version details, made from what is mounted. OCPI 2.2.1, Version information endpoint."""

from fastapi import APIRouter
from fastapi.responses import Response

from ocpi_party.ocpi.errors import UnknownObject
from ocpi_party.ocpi.types import encode
from ocpi_party.transport.asked import CurrentAsked, IdInUrl
from ocpi_party.transport.envelope import success
from ocpi_party.transport.offer import endpoints

router = APIRouter()


@router.get("/versions")
async def get_versions(asked: CurrentAsked) -> Response:
    base = f"{asked.house.public_url}/ocpi"
    return success(encode([{"version": version, "url": f"{base}/{version}"} for version in asked.house.dialects]))


@router.get("/{version}")
async def get_version_details(asked: CurrentAsked, version: IdInUrl) -> Response:
    if version not in asked.house.dialects:
        raise UnknownObject(f"version {version}")
    offered = endpoints(asked.house.public_url, version, asked.house.mounted, asked.partner, asked.all_ours)
    return success(encode({"version": version, "endpoints": offered}))
