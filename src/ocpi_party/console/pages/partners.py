"""Partners: the list, one of them, the wizard to invite or connect, and what can be done to one."""

import json
from typing import Any

from starlette.responses import Response

from ocpi_party.console.handshake import watched
from ocpi_party.console.rendering import pretty
from ocpi_party.console.visit import Place, Visit
from ocpi_party.ocpi.modules import ModuleId

MODULES = [module for module in ModuleId if module is not ModuleId.CREDENTIALS]


async def listing(visit: Visit) -> Response:
    return visit.page("partners.html", partners=(await visit.api.get("/api/partners")).data)


async def wizard(visit: Visit) -> Response:
    return visit.page("partner_new.html", given={}, parties=(await visit.api.get("/api/parties")).data)


async def invite(visit: Visit) -> Response:
    form = await visit.form()
    answer = await visit.api.call("POST", "/api/partners", body={"name": form.get("name", "")})
    if answer.problem is not None:
        return await _wizard_again(visit, form, answer.status, invite_problem=answer.problem)
    return visit.page("partner_invited.html", invitation=answer.data)


async def connect(visit: Visit) -> Response:
    """Register with a partner, and show each step that was taken; the page answers when the handshake is over."""
    form = await visit.form()
    body = {name: form.get(name, "") for name in ("name", "versions_url", "credentials_token")}
    with watched() as steps:
        answer = await visit.api.call("POST", "/api/partners", body=body)
    if answer.problem is not None:
        return await _wizard_again(visit, form, answer.status, connect_problem=answer.problem, steps=steps)
    return visit.page("partner_connected.html", partner=answer.data, steps=steps)


async def _wizard_again(visit: Visit, form: dict[str, str], status: int, **told: Any) -> Response:
    given = {name: value for name, value in form.items() if name != "credentials_token"}
    parties = (await visit.api.get("/api/parties")).data
    return visit.page("partner_new.html", status, given=given, parties=parties, **told)


async def one(visit: Visit) -> Response:
    return await _show(visit)


async def _show(visit: Visit, status: int = 200, **told: Any) -> Response:
    path = _path(visit)
    partner = (await visit.api.get(path)).data
    sync = (await visit.api.get(f"{path}/sync")).data
    ours = sorted({f"{one['country_code']}*{one['party_id']}" for one in (await visit.api.get("/api/parties")).data})
    kept = {"given": partner, "quirks": pretty(partner["quirks"])}  # what the form says, unless it was written anew
    return visit.page(
        "partner.html", status, **{"partner": partner, "sync": sync, "modules": MODULES, "ours": ours} | kept | told
    )


async def live(visit: Visit) -> Response:
    partner = (await visit.api.get(_path(visit))).data
    sync = (await visit.api.get(f"{_path(visit)}/sync")).data
    return visit.page("partner_sync.html", sync=sync, state=partner["status"])


async def change(visit: Visit) -> Response:
    form = await visit.form()
    wanted = {
        "name": form.get("name", ""),
        "push": bool(form.get("push")),
        "pull": bool(form.get("pull")),
        "token_encoding": form.get("token_encoding", "base64"),
        "modules": None if form.get("all_modules") else _chosen(form, "module_"),
        "parties": None if form.get("all_parties") else _chosen(form, "party_"),
    }
    written = form.get("quirks") or "{}"
    try:
        quirks = json.loads(written)
    except ValueError:
        return await _show(visit, 422, problem="The quirks are not JSON.", given=wanted, quirks=written)
    answer = await visit.api.call("PATCH", _path(visit), body=wanted | {"quirks": quirks})
    if answer.problem is not None:
        return await _show(visit, answer.status, problem=answer.problem, given=wanted, quirks=written)
    return visit.go(f"/partners/{visit.part('id')}", "changed")


def _chosen(form: dict[str, str], prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name, on in form.items() if name.startswith(prefix) and on]


async def rotate(visit: Visit) -> Response:
    return await _done(visit, "POST", "/rotate", "rotated")


async def pull(visit: Visit) -> Response:
    form = await visit.form()
    body = {"full": bool(form.get("full"))} | ({"module": form["module"]} if form.get("module") else {})
    return await _done(visit, "POST", "/pull", "pulling", body)


async def retry(visit: Visit) -> Response:
    """Send what was refused again, and what waits at once."""
    return await _done(visit, "POST", "/retry", "retrying")


async def confirm_unregister(visit: Visit) -> Response:
    return visit.page("partner_unregister.html", partner=(await visit.api.get(_path(visit))).data)


async def unregister(visit: Visit) -> Response:
    partner = (await visit.api.get(_path(visit))).data
    if (await visit.form()).get("name") != partner["name"]:
        problem = "This is not the name of the partner."
        return visit.page("partner_unregister.html", 422, partner=partner, problem=problem)
    answer = await visit.api.call("DELETE", _path(visit))
    if answer.problem is not None:
        return visit.failed("partner_unregister.html", answer, partner=partner)
    if "warning" in answer.data:
        return await _show(
            visit, problem=f"It is unregistered here, but they may not know it: {answer.data['warning']}"
        )
    return visit.go(f"/partners/{partner['id']}", "unregistered")


async def _done(visit: Visit, method: str, action: str, done: str, body: object = None) -> Response:
    answer = await visit.api.call(method, _path(visit) + action, body=body)
    if answer.problem is not None:
        return await _show(visit, answer.status, problem=answer.problem)
    return visit.go(f"/partners/{visit.part('id')}", done)


def _path(visit: Visit) -> str:
    return f"/api/partners/{visit.request.path_params['id']}"


PLACES = (
    Place("/partners", listing),
    Place("/partners/new", wizard, scope="admin"),
    Place("/partners/invite", wizard, scope="admin"),  # where a browser comes back to from a form that failed
    Place("/partners/invite", invite, "POST", "admin"),
    Place("/partners/connect", wizard, scope="admin"),
    Place("/partners/connect", connect, "POST", "admin"),
    Place("/partners/{id:int}", one),
    Place("/partners/{id:int}/live", live),
    Place("/partners/{id:int}", change, "POST", "admin"),
    Place("/partners/{id:int}/rotate", rotate, "POST", "admin"),
    Place("/partners/{id:int}/pull", pull, "POST", "write"),
    Place("/partners/{id:int}/retry", retry, "POST", "write"),
    Place("/partners/{id:int}/unregister", confirm_unregister, scope="admin"),
    Place("/partners/{id:int}/unregister", unregister, "POST", "admin"),
)
