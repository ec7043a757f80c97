"""The commands that look and change: straight on the database, through the same functions as the operator's API."""

import json

import httpx
import pytest
from tests.cli.command import Commands
from tests.cli.conftest import KEYS, NewCommands
from tests.server import Server

from ocpi_party.cli.doctor import spoilt_on_its_way
from ocpi_party.cli.main import app
from ocpi_party.partners.answer import answer_of


def test_every_command_has_help(commands: Commands) -> None:
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    groups = {group.name: group.typer_instance for group in app.registered_groups if group.typer_instance}
    words = [[name] for name in names] + [
        [str(name), str(command.name)] for name, group in groups.items() for command in group.registered_commands
    ]

    assert {"serve", "api", "worker", "migrate", "demo", "pull", "doctor"} <= set(names)
    for one in [[], *words]:
        done = commands.run(*one, "--help")
        assert (done.code, done.err) == (0, "")
        assert "Usage:" in done.out


def test_parties_are_added_once_and_listed(commands: Commands) -> None:
    assert commands.run("party", "add", "nl", "tnm", "CPO", "--name", "The New Motion").code == 0

    again = commands.run("party", "add", "NL", "TNM", "CPO", "--name", "The New Motion")
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "a party of ours in role CPO already" in again.err
    assert commands.run("party", "add", "NLD", "TNM", "CPO", "--name", "x").code == 2
    assert commands.run("party", "add", "NL", "TNM", "DRIVER", "--name", "x").code == 2
    assert commands.run("party", "add", "NL", "ABC", "CPO", "--name", "").code == 2
    assert commands.run("party", "list", "--json").json == [
        {"country_code": "NL", "party_id": "TNM", "role": "CPO", "business_details": {"name": "The New Motion"}}
    ]
    assert "The New Motion" in commands.run("party", "list").out


def test_key_is_shown_once_and_works_until_it_is_revoked(commands: Commands) -> None:
    made = commands.run("key", "create", "dashboard", "--json").json

    with commands.running("api") as api:
        bearer = {"authorization": f"Bearer {made['key']}"}
        assert api.get("/api/parties", bearer)[0] == 200
        assert commands.run("key", "revoke", str(made["id"])).code == 0
        assert api.get("/api/parties", bearer)[0] == 401

    listed = commands.run("key", "list", "--json")
    assert made["key"] not in listed.out
    assert [(one["name"], one["scopes"]) for one in listed.json] == [("dashboard", ["read"])]
    assert commands.run("key", "revoke", str(made["id"])).code == 1


def test_partners_connect_pull_rotate_and_part_by_commands_alone(new_commands: NewCommands) -> None:
    cpo, emsp = new_commands("cpo"), new_commands("emsp")
    cpo.run("party", "add", "NL", "TNM", "CPO", "--name", "TNM")
    emsp.run("party", "add", "DE", "ABC", "EMSP", "--name", "ABC")
    with cpo.running("serve") as at_cpo, emsp.running("serve") as at_emsp:
        # Commands read the same settings as the server: the port that it got is set for them too.
        cpo.environment["PORT"], emsp.environment["PORT"] = (one.base.rpartition(":")[2] for one in (at_cpo, at_emsp))
        invitation = cpo.run("partner", "invite", "ABC mobility", "--json").json
        emsp.environment["OCPI_CREDENTIALS_TOKEN"] = invitation["credentials_token"]

        connected = emsp.run("partner", "connect", "TNM", invitation["versions_url"], "--json").json
        assert (connected["status"], connected["version"]) == ("CONNECTED", "2.2.1")
        assert [one["status"] for one in cpo.run("partner", "list", "--json").json] == ["CONNECTED"]

        pulled = emsp.run("pull", "tnm", "locations", "--full", "--json")
        assert pulled.code == 0, pulled.err
        assert [(one["module"], one["objects"], one["error"]) for one in pulled.json] == [("locations", 0, None)]

        looked = emsp.run("doctor", "TNM")
        assert looked.code == 0, looked.out
        assert f"{invitation['versions_url']} lists 2.2.1" in looked.out
        assert "locations SENDER" in looked.out

        before = emsp.run("partner", "show", "TNM", "--json").json["rotated_at"]
        assert emsp.run("partner", "rotate", "tnm").code == 0
        assert emsp.run("partner", "show", "1", "--json").json["rotated_at"] != before

        emsp.environment["OCPI_PUBLIC_URL"] = "http://127.0.0.1:9"  # Nobody can call us back there.
        assert emsp.run("partner", "rotate", "TNM").code == 1
        del emsp.environment["OCPI_PUBLIC_URL"]
        looked = emsp.run("doctor", "TNM")
        assert looked.code == 1
        assert "WRONG partner TNM: renewal of tokens failed: PUT credentials" in looked.out
        assert emsp.run("partner", "rotate", "TNM").code == 0
        assert emsp.run("doctor", "TNM").code == 0

        restored = emsp.run("restored", "--json")
        assert [(one["name"], one["next"]) for one in restored.json] == [("TNM", "ocpi-party partner rotate 1")]

        assert cpo.run("partner", "unregister", "ABC mobility").code == 0
        bearer = {"authorization": f"Bearer {KEYS['OCPI_API_KEY']}"}
        (ended,) = json.loads(at_emsp.get("/api/events?type=partner.unregistered", bearer)[1])
        assert int(ended["id"]) > 1_000_000
        for one in (cpo, emsp):
            assert one.run("partner", "list", "--json").json[0]["status"] == "UNREGISTERED"
        assert emsp.run("pull", "TNM").code == 1


def test_tokens_are_printed_by_invite_alone(commands: Commands) -> None:
    token = commands.run("partner", "invite", "ABC", "--json").json["credentials_token"]

    for words in (
        ["partner", "list", "--json"],
        ["partner", "show", "ABC", "--json"],
        ["partner", "show", "ABC"],
        ["doctor"],
    ):
        done = commands.run(*words)
        assert token not in done.out + done.err
        assert KEYS["OCPI_SECRET_KEY"] not in done.out + done.err


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["invite", ""], "name"),
        (["connect", "n" * 101, "http://127.0.0.1:1/ocpi/versions", "--token", "a-token"], "name"),
        (["connect", "ABC", "http://127.0.0.1:1/ocpi/versions", "--token", "two words"], "credentials_token"),
    ],
)
def test_partners_are_made_by_commands_only_as_the_api_makes_them(
    commands: Commands, words: list[str], field: str
) -> None:
    done = commands.run("partner", *words)

    assert done.code == 2
    assert done.err.startswith(f"ocpi-party: This is no partner: {field}: ")
    assert commands.run("partner", "list", "--json").json == []


def test_partner_that_there_is_not_and_partner_that_does_not_answer(commands: Commands) -> None:
    commands.run("party", "add", "NL", "TNM", "CPO", "--name", "TNM")
    assert "There is no partner nobody" in commands.run("partner", "show", "nobody").err
    assert commands.run("partner", "connect", "ABC", "http://127.0.0.1:1/ocpi/versions").code == 2

    done = commands.run("partner", "connect", "ABC", "http://127.0.0.1:1/ocpi/versions", "--token", "a-token")

    assert done.code == 1
    assert done.err.startswith("ocpi-party: GET versions: http://127.0.0.1:1/ocpi/versions: no connection")
    assert done.err.count("\n") == 1
    assert commands.run("partner", "list", "--json").json == []  # Nothing is half registered.


def test_doctor_says_what_is_wrong_and_who_mends_it(commands: Commands) -> None:
    commands.environment["PORT"] = "1"

    done = commands.run("doctor", "--json")

    assert done.code == 1
    wrong = {one["what"]: one["mend"] for one in done.json if one["mend"]}
    assert wrong == {"public URL": "you", "parties": "you"}
    told = commands.run("doctor")
    assert "WRONG parties: we have none: ocpi-party party add" in told.out


def test_doctor_finds_processes_that_hand_out_another_url(commands: Commands) -> None:
    with commands.running("serve") as running:
        commands.environment["OCPI_PUBLIC_URL"] = running.base
        agreed = commands.run("doctor", "--json").json
        commands.environment["OCPI_PUBLIC_URL"] = "http://127.0.0.1:1"
        apart = commands.run("doctor", "--json").json

    assert [one["mend"] for one in agreed if one["what"] == "public URL"] == [None]
    assert [one["told"] for one in apart if one["what"] == "public URL"][1] == (
        f"http://127.0.0.1:1 here, but another process on this database hands out {running.base}."
        " Set OCPI_PUBLIC_URL, the same for each."
    )


@pytest.mark.parametrize(
    ("url", "sent", "without", "wrong"),
    [
        ("/ocpi/versions", {"authorization": "Token bm9ib2R5"}, "", None),
        ("/versions", {"authorization": "Token bm9ib2R5"}, "", "pass on the path as it is"),
        ("/ocpi/versions", {"authorization": "Token bm9ib2R5"}, "x-request-id", "takes headers away"),
        ("/ocpi/versions", {}, "", "asked without Authorization"),
    ],
    ids=["all right", "path is cut", "header of the answer is lost", "token is lost"],
)
async def test_doctor_sees_what_a_proxy_spoils(
    server: Server, url: str, sent: dict[str, str], without: str, wrong: str | None
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="https://ours.example") as proxy:
        response = await proxy.get(url, headers=sent)
    if without:
        del response.headers[without]

    found = spoilt_on_its_way(answer_of(response, url, "nobody"))

    assert (found is None) is (wrong is None)
    assert (wrong or "") in (found or "")


def test_doctor_names_what_is_set_and_is_no_setting(commands: Commands) -> None:
    commands.environment |= {"OCPI_PAGESIZE": "7", "OCPI_PAGE_SIZE": "7", "OCPI_CREDENTIALS_TOKEN": "a-token"}
    commands.environment |= {"OCPI_DATABASE_URL": commands.environment["DATABASE_URL"]}

    wrong = [one["told"] for one in commands.run("doctor", "--json").json if one["what"] == "settings" and one["mend"]]

    assert wrong == ["OCPI_PAGESIZE is set, but there is no such setting"]


@pytest.mark.parametrize(("name", "what"), [("OCPI_SECRET_KEY", "secret-key"), ("OCPI_API_KEY", "api-key")])
def test_doctor_finds_keys_that_can_be_guessed(commands: Commands, name: str, what: str) -> None:
    commands.environment[name] = "hunter2"

    found = commands.run("doctor", "--json")

    assert [one["mend"] for one in found.json if one["what"] == what and "guessed" in one["told"]] == ["you"]
    assert "hunter2" not in found.out + found.err


def test_doctor_says_that_a_key_is_missing(commands: Commands) -> None:
    del commands.environment["OCPI_API_KEY"]

    done = commands.run("doctor", "--json")

    assert done.code == 1
    assert "OCPI_API_KEY must be set" in json.dumps(done.json)


@pytest.mark.parametrize("words", [["party", "list"], ["key", "list"], ["partner", "list"]])
def test_lists_are_json_on_request(commands: Commands, words: list[str]) -> None:
    assert commands.run(*words, "--json").json == []
