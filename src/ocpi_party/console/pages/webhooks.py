"""Webhooks: which systems of ours are told what happens, and how that goes."""

from typing import Any

from starlette.responses import Response

from ocpi_party.console.own_api import Failed
from ocpi_party.console.visit import Place, Visit
from ocpi_party.partners.urls import without_user


async def listing(visit: Visit) -> Response:
    return await _show(visit)


async def _show(visit: Visit, status: int = 200, **told: Any) -> Response:
    values = {"given": {}} | told
    return visit.page("webhooks.html", status, webhooks=(await visit.api.get("/api/webhooks")).data, **values)


async def add(visit: Visit) -> Response:
    form = await visit.form()
    body: dict[str, Any] = {"url": form.get("url", "")}
    body |= {"types": form["types"].split()} if form.get("types") else {}
    body |= {"answers": form["answers"]} if form.get("answers") else {}
    answer = await visit.api.call("POST", "/api/webhooks", body=body)
    if answer.problem is not None:
        return await _show(
            visit, answer.status, problem=answer.problem, given=form | {"url": without_user(body["url"])}
        )
    return await _show(visit, made=answer.data)


async def delete(visit: Visit) -> Response:
    return await _done(visit, "DELETE", "", "deleted")


async def resend(visit: Visit) -> Response:
    after = (await visit.form()).get("after", "")
    return await _done(visit, "POST", "/resend", "resending", {"after": int(after) if after.isdigit() else None})


async def _done(visit: Visit, method: str, action: str, done: str, body: object = None) -> Response:
    answer = await visit.api.call(method, f"/api/webhooks/{visit.request.path_params['id']}{action}", body=body)
    if answer.problem is not None:
        raise Failed(answer.status, answer.problem)
    return visit.go("/webhooks", done)


PLACES = (
    Place("/webhooks", listing),
    Place("/webhooks", add, "POST", "admin"),
    Place("/webhooks/{id:int}/delete", delete, "POST", "admin"),
    Place("/webhooks/{id:int}/resend", resend, "POST", "admin"),
)
