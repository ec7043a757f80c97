"""Swagger UI for the operator's API, served from files of ours: no browser has to ask anybody else."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

router = APIRouter(prefix="/docs", include_in_schema=False)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ocpi-party API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: false, validatorUrl: null
});
"""
# Swagger UI styles its elements in place and draws with data: images; everything else comes from here.
_POLICY = {
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def assets() -> StaticFiles:
    """The files of Swagger UI, found in the package that carries them without importing it."""
    found = find_spec("fastapi_swagger")
    assert found is not None
    assert found.origin is not None
    return StaticFiles(directory=Path(found.origin).parent / "resources")


@router.get("")
async def page() -> Response:
    return HTMLResponse(_PAGE, headers=_POLICY)


@router.get("/start.js")
async def start() -> Response:
    return Response(_START, media_type="text/javascript", headers=_POLICY)
