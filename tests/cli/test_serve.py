"""serve, api, worker, migrate: real processes that answer, share a socket, and stop when they are told to."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from tests.cli.command import ROOT, Commands, Running, eventually
from tests.cli.conftest import KEYS

BEARER = {"authorization": f"Bearer {KEYS['OCPI_API_KEY']}"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_stops_on_a_signal(commands: Commands, number: signal.Signals) -> None:
    with commands.running("serve") as server:
        assert server.get("/health/live") == (200, '{"status":"live"}')
        status, body = server.get("/health/ready")
        assert (status, json.loads(body)["status"]) == (200, "ready")
        assert server.get("/ocpi/versions")[0] == 401
        assert server.get("/api/parties")[0] == 401
        assert server.get("/api/parties", BEARER) == (200, "[]")

        assert server.stop(number) == 0

        assert server.err.read_text() == ""


def test_serve_tells_where_everything_is_and_never_the_key(commands: Commands) -> None:
    with commands.running("serve") as server:
        told = server.out.read_text()

        assert f"{server.base}/ocpi/versions" in told
        assert f"{server.base}/docs" in told
        assert "OCPI_API_KEY" in told
        assert server.get("/docs")[0] == 200
        assert ("/console" in told) == (server.get("/console")[0] != 404)
        for secret in KEYS.values():
            assert secret not in told + server.err.read_text()


def test_documentation_of_the_api_needs_no_other_server(commands: Commands) -> None:
    with commands.running("api") as server:
        page = server.get("/docs")[1]

        assert "//" not in page
        for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
            assert f"/docs/assets/{asset}" in page
            assert server.get(f"/docs/assets/{asset}")[0] == 200
        assert "/openapi.json" in server.get("/docs/start.js")[1]
        assert "/api/parties" in json.loads(server.get("/openapi.json")[1])["paths"]


def test_three_processes_answer_on_one_port_and_all_end(commands: Commands) -> None:
    with commands.running("serve", "--workers", "3") as server:
        children = _children(server.process.pid)
        for _ in range(30):
            assert server.get("/health/ready")[0] == 200
        counted = _count(server, 'route="/health/ready"')

        assert server.stop() == 0

        assert counted == 30  # Whichever of them answers, it tells the sum.
        assert len(children) >= 3
        assert eventually(lambda: not any(_alive(child) for child in children))


def test_a_process_that_is_killed_is_replaced(commands: Commands) -> None:
    with commands.running("serve", "--workers", "2") as server:
        before = _servers(server.process.pid)

        os.kill(before[0], signal.SIGKILL)

        assert eventually(
            lambda: len(_servers(server.process.pid)) == 2 and before[0] not in _servers(server.process.pid)
        )
        assert server.get("/health/ready")[0] == 200


def test_processes_end_when_their_parent_is_killed(commands: Commands) -> None:
    with commands.running("serve", "--workers", "2") as server:
        children = _children(server.process.pid)

        server.process.kill()

        assert eventually(lambda: not any(_alive(child) for child in children))


def test_api_and_worker_run_apart(commands: Commands) -> None:
    with commands.running("api") as api, commands.running("worker", ready="pushing and pulling") as worker:
        assert api.process.poll() is None

        assert worker.stop() == 0


def test_the_heartbeat_of_a_worker_goes_on_while_it_works_and_stops_with_its_database(
    commands: Commands, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "heartbeat"
    commands.environment["OCPI_HEARTBEAT_FILE"] = str(file)

    with commands.running("worker", ready="pushing and pulling") as worker:
        assert eventually(file.exists)
        file.unlink()
        assert eventually(file.exists)

        asyncio.run(_execute(database_url, "ALTER TABLE alembic_version RENAME TO gone"))
        assert eventually(lambda: "the heartbeat pauses: the database is empty" in worker.err.read_text())
        file.unlink()
        asyncio.run(_execute(database_url, "ALTER TABLE gone RENAME TO alembic_version"))
        assert eventually(file.exists)


def test_a_heartbeat_that_cannot_be_written_is_refused(commands: Commands) -> None:
    commands.environment["OCPI_HEARTBEAT_FILE"] = "/nowhere/heartbeat"

    done = commands.run("worker")

    assert (done.code, done.out) == (1, "")
    assert "/nowhere/heartbeat cannot be written (No such file or directory)" in done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("", "holds no certificates in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificates in PEM"),
    ],
)
def test_a_bundle_of_authorities_that_cannot_be_used_is_refused(
    commands: Commands, tmp_path: Path, text: str | None, told: str
) -> None:
    bundle = tmp_path / "authorities.pem"
    if text is not None:
        bundle.write_text(text)
    commands.environment["OCPI_CA_BUNDLE"] = str(bundle)

    for command in ("serve", "worker"):
        done = commands.run(command)

        assert (done.code, done.out) == (1, "")
        assert f"OCPI_CA_BUNDLE: Value error, {bundle} {told}" in done.err


def test_worker_and_api_refuse_a_database_that_lacks_migrations(
    commands: Commands, postgres: str, database_url: str
) -> None:
    asyncio.run(_execute(database_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"))

    for command in ("api", "worker"):
        done = commands.run(command)
        assert (done.code, done.out) == (1, "")
        assert _sentence(done.err) == "The database is empty"
        assert "ocpi-party migrate" in done.err

    assert commands.run("migrate").code == 0
    assert commands.run("migrate").code == 0
    with commands.running("api") as api:
        assert api.get("/health/ready")[0] == 200


@pytest.mark.parametrize("options", ["sslmode=prefer", "options=-c%20statement_timeout%3D60000"])
def test_what_a_url_of_postgresql_may_say_is_understood_by_migrations_too(
    commands: Commands, database_url: str, options: str
) -> None:
    asyncio.run(_execute(database_url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"))
    commands.environment["DATABASE_URL"] = f"{database_url}{'&' if '?' in database_url else '?'}{options}"

    done = commands.run("migrate")

    assert done.code == 0, done.err
    assert commands.run("party", "list").code == 0


@pytest.mark.parametrize("command", ["serve", "api", "worker", "migrate"])
def test_database_of_a_newer_version_is_refused(commands: Commands, database_url: str, command: str) -> None:
    asyncio.run(_execute(database_url, "UPDATE alembic_version SET version_num = 'of-tomorrow'"))

    done = commands.run(command)

    assert done.code == 1
    assert _sentence(done.err).startswith("The database is at migration of-tomorrow, which this version does not know")


def test_ready_says_that_migrations_are_missing(commands: Commands, database_url: str) -> None:
    with commands.running("api") as api:
        asyncio.run(_execute(database_url, "UPDATE alembic_version SET version_num = '0001'"))

        status, body = api.get("/health/ready")

        assert status == 503
        assert "is at migration 0001" in json.loads(body)["detail"]
        assert api.get("/health/live")[0] == 200


def test_port_in_use_is_told_in_one_sentence(commands: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        commands.environment["PORT"] = str(port)

        done = commands.run("serve")

    assert done.code == 1
    assert done.err == (
        f"ocpi-party: Cannot listen on 127.0.0.1, port {port} (Address already in use). Set HOST or PORT.\n"
    )


def test_unreachable_database_is_told_without_its_password(commands: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    commands.environment["DATABASE_URL"] = f"postgresql://somebody:pass-word@127.0.0.1:{port}/ocpi"

    for command in (["serve"], ["migrate"], ["worker"], ["party", "list"]):
        done = commands.run(*command)
        assert done.code == 1
        assert _sentence(done.err).startswith("The database cannot be reached")
        assert f"127.0.0.1:{port}" in done.err
        assert "pass-word" not in done.err


@pytest.mark.parametrize("missing", ["OCPI_SECRET_KEY", "OCPI_API_KEY"])
def test_missing_secret_is_named(commands: Commands, missing: str) -> None:
    del commands.environment[missing]

    done = commands.run("serve")

    assert done.code == 1
    assert f"{missing} must be set" in _sentence(done.err)


def test_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    done = Commands(tmp_path, {"OCPI_DATA_DIR": "/proc/ocpi", "PORT": "0"}).run("serve")

    assert done.code == 1
    assert _sentence(done.err).startswith("The data directory /proc/ocpi is not writable")
    assert "OCPI_DATA_DIR" in done.err


def test_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "data" / "secret-key").mkdir(parents=True)

    done = Commands(tmp_path, {"OCPI_DATA_DIR": "data", "PORT": "0"}).run("serve")

    assert done.code == 1
    assert _sentence(done.err).startswith(f"The key in {tmp_path}/data/secret-key cannot be read")


def test_env_file_that_cannot_be_read_is_told_without_what_it_holds(commands: Commands) -> None:
    (commands.directory / ".env").write_bytes(b"OCPI_API_KEY=hidden\xff")

    done = commands.run("serve")

    assert done.code == 1
    assert _sentence(done.err) == "The file .env in the working directory cannot be read (it is not UTF-8).\n"


def test_wrong_setting_is_named_without_its_value(commands: Commands) -> None:
    commands.environment |= {"PORT": "70000", "DATABASE_URL": "mysql://u:hidden@h/d"}

    done = commands.run("serve")

    assert done.code == 1
    assert "PORT" in _sentence(done.err)
    assert "DATABASE_URL" in done.err
    assert "hidden" not in done.err
    assert "OCPI_PUBLIC_URL" not in done.err  # It only follows from them.


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["serve", "--workers", "0"],
        ["pull", "TNM", "commands"],
        ["party", "add", "NLD", "TNM", "CPO", "--name", "x"],
        ["party", "add", "NL", "TNM", "CPO", "--name", "x", "--website", "nowhere"],
        ["partner", "invite", ""],
        ["partner", "connect", "TNM", "https://tnm.example/ocpi/versions"],
        ["partner", "connect", "TNM", "nowhere", "--token", "a-token"],
        ["partner", "connect", "TNM", "https://tnm.example/ocpi/versions", "--token", "two words"],
        ["key", "create", " "],
        ["key", "create", "n" * 101],
        ["user", "add", ""],
        ["rekey"],
    ],
    ids=" ".join,
)
def test_wrong_usage_has_exit_code_2(commands: Commands, words: list[str]) -> None:
    done = commands.run(*words)

    assert (done.code, done.out) == (2, "")
    assert done.err


@pytest.mark.parametrize(
    "words",
    [["pull", "nobody"], ["partner", "show", "nobody"], ["tail", "--partner", "nobody"], ["key", "revoke", "7"]],
)
def test_what_there_is_not_has_exit_code_1(commands: Commands, words: list[str]) -> None:
    assert commands.run(*words).code == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_command_that_is_stopped_stops_the_database_that_it_started(
    embedded: Commands, number: signal.Signals, code: int
) -> None:
    with embedded.running("tail", ready="") as tail:
        assert eventually(lambda: (embedded.directory / ".data/postgres/postmaster.pid").exists())
        assert tail.stop(number) == code
    told = tail.err.read_text()
    running = subprocess.run(["ps", "-eo", "args"], text=True, capture_output=True, check=True).stdout

    assert told == ""
    assert str(embedded.directory) not in running


_INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "ocpi_party.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
import ocpi_party.__main__
"""


def test_a_command_that_is_interrupted_before_it_is_read_ends_without_a_traceback() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}

    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], env=environment, text=True, capture_output=True)

    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_api_without_database_url_says_which_database_lacks_migrations(embedded: Commands) -> None:
    done = embedded.run("api")

    assert done.code == 1
    assert f"DATABASE_URL is not set: this is the embedded database in {embedded.directory}/.data" in done.err


def test_first_run_makes_everything_and_the_second_finds_it(embedded: Commands) -> None:
    with embedded.running("serve") as first:
        key = (embedded.directory / ".data" / "api-key").read_text().strip()
        assert embedded.run("party", "add", "NL", "TNM", "CPO", "--name", "TNM").code == 0
        assert first.stop() == 0
        assert key not in first.out.read_text()

    with embedded.running("serve") as second:
        assert "NL" in second.get("/api/parties", {"authorization": f"Bearer {key}"})[1]
        assert second.stop() == 0


def test_killed_server_leaves_nothing_that_hinders_the_next(embedded: Commands) -> None:
    with embedded.running("serve") as first:
        first.process.kill()

    with embedded.running("serve") as second:
        assert second.get("/health/ready")[0] == 200
        assert second.stop() == 0


def _sentence(text: str) -> str:
    """The only line of an error, up to its first full stop or colon; there is no traceback."""
    assert text.count("\n") == 1, text
    assert text.startswith("ocpi-party: ")
    return text.removeprefix("ocpi-party: ").partition(" and this version")[0]


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _count(server: Running, label: str) -> float:
    lines = server.get("/metrics")[1].splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("ocpi_party_requests_total") and label in line
    )


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], text=True, capture_output=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def _servers(pid: int) -> list[int]:
    """Its children that answer requests: multiprocessing has a helper among them."""
    return [child for child in _children(pid) if _matches(child, "spawn_main")]


def _matches(pid: int, word: str) -> bool:
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
