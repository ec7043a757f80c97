"""The embedded PostgreSQL with real processes: shared, killed, left behind, and refused."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocpi_party.embedded import EmbeddedPostgres, EmbeddedPostgresError
from ocpi_party.embedded.binaries import find_binaries
from ocpi_party.embedded.places import NOTE, places_in
from ocpi_party.embedded.process import pid_behind

HOLDER = """
import sys, time
from pathlib import Path
from ocpi_party.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), fsync=False)
print(postgres.start(), flush=True)
sys.stdin.readline()
postgres.stop()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data directory with a stopped server; initdb runs once for the whole file."""
    with tempfile.TemporaryDirectory(prefix="ocpi-") as name:
        root = Path(name)
        root.chmod(0o755)
        with EmbeddedPostgres(root / "data", fsync=False):
            pass
        yield root


@pytest.fixture
def data_dir(made: Path) -> Iterator[Path]:
    """A copy of it; whatever a test leaves running on it is stopped."""
    copy = made / "copy"
    subprocess.run(["cp", "-a", made / "data", copy], check=True)
    yield copy
    with EmbeddedPostgres(copy, fsync=False):
        pass
    shutil.rmtree(copy)


@pytest.fixture
def hold(data_dir: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start another process that holds a reference, and wait until it has it."""
    holders: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(data_dir)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline().startswith("postgresql://")
        return holder

    yield start
    for holder in holders:
        with holder:
            holder.kill()


def server(data_dir: Path) -> int | None:
    return pid_behind(places_in(data_dir).socket)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_second_process_attaches_and_the_last_one_stops_the_server(
    data_dir: Path, hold: Callable[[], subprocess.Popen[str]]
) -> None:
    ours = EmbeddedPostgres(data_dir, fsync=False)
    ours.start()
    pid = server(data_dir)
    assert pid

    other = hold()
    ours.stop()
    assert server(data_dir) == pid

    other.communicate("stop\n")
    assert gone(pid)
    assert server(data_dir) is None


def test_server_of_a_killed_process_is_taken_over(data_dir: Path, hold: Callable[[], subprocess.Popen[str]]) -> None:
    holder = hold()
    pid = server(data_dir)
    assert pid

    holder.kill()
    holder.wait()
    with EmbeddedPostgres(data_dir, fsync=False):
        assert server(data_dir) == pid

    assert gone(pid)


def test_killed_server_is_started_again_by_whoever_uses_it(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fsync=False) as postgres:
        pid = server(data_dir)
        assert pid

        os.kill(pid, signal.SIGKILL)

        assert eventually(lambda: server(data_dir) not in (None, pid))
        assert eventually(lambda: _works(postgres))


def _works(postgres: EmbeddedPostgres) -> bool:
    try:
        postgres.drop_database("none_such")
    except EmbeddedPostgresError:
        return False
    return True


def test_pid_file_that_names_a_foreign_process_neither_stops_us_nor_harms_it(data_dir: Path) -> None:
    user = places_in(data_dir).account.uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=user) as foreign:
        cluster = data_dir / "postgres"
        stale = f"{foreign.pid}\n{cluster}\n1700000000\n5432\n{data_dir}/run\n\n  1  1\nready   \n"
        (cluster / "postmaster.pid").write_text(stale)

        with EmbeddedPostgres(data_dir, fsync=False):
            assert server(data_dir) not in (None, foreign.pid)

        assert foreign.poll() is None
        foreign.kill()


@pytest.mark.parametrize("cut_off", ["", "\n", "12x"])
def test_pid_file_that_was_cut_off_is_no_obstacle(cut_off: str, data_dir: Path) -> None:
    (data_dir / "postgres" / "postmaster.pid").write_text(cut_off)

    with EmbeddedPostgres(data_dir, fsync=False):
        assert server(data_dir)


def test_data_of_another_major_version_is_refused_in_words(data_dir: Path) -> None:
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("16\n")

    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 16, and the programs found are 1"):
        EmbeddedPostgres(data_dir).start()

    version.write_text(f"{find_binaries().major}\n")


def test_long_path_gets_a_short_socket(made: Path) -> None:
    deep = made / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir()
    subprocess.run(["cp", "-a", made / "data", deep], check=True)

    with EmbeddedPostgres(deep, fsync=False) as postgres:
        assert len(os.fsencode(places_in(deep).socket)) <= 103
        postgres.create_database("short")

    shutil.rmtree(places_in(deep).sockets)


def test_short_socket_directory_of_somebody_else_is_refused(made: Path) -> None:
    places = places_in(made / ("d" * 60) / ("f" * 60))
    places.sockets.mkdir(mode=0o755)

    with pytest.raises(EmbeddedPostgresError, match="must be a directory of uid"):
        places.make_sockets()

    places.sockets.rmdir()


def test_directory_that_cannot_be_written_is_refused_in_words() -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"/proc/ocpi is not writable .* Set OCPI_DATA_DIR"):
        EmbeddedPostgres(Path("/proc/ocpi")).start()


def test_directory_without_programs_is_refused_in_words(made: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"OCPI_PG_BINDIR is .* does not hold postgres and initdb"):
        EmbeddedPostgres(made / "unused", bindir=tmp_path).start()


def test_interrupted_initdb_leaves_no_half_data(made: Path) -> None:
    data_dir = made / "interrupted"
    command = [sys.executable, "-c", HOLDER, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert eventually(lambda: any(data_dir.glob("initdb-*/PG_VERSION")))
        starter.kill()

    assert not (data_dir / "postgres").exists()
    with EmbeddedPostgres(data_dir, fsync=False) as postgres:
        postgres.create_database("after")
        assert (data_dir / "postgres" / "PG_VERSION").exists()


def test_databases_are_cloned_and_dropped(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fsync=False) as postgres:
        postgres.create_database("template one")
        postgres.create_database('a "clone"', template="template one")
        with pytest.raises(EmbeddedPostgresError, match="already exists"):
            postgres.create_database("template one")
        postgres.drop_database('a "clone"')
        postgres.drop_database("template one")

        assert postgres.url("a b").startswith("postgresql://ocpi@/a%20b?host=/")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what another account cannot reach")
def test_root_keeps_data_and_programs_where_postgresql_can_reach_them(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    prefix = find_binaries().directory.parent
    package = closed / prefix.parent.name
    shutil.copytree(prefix, package / prefix.name, symlinks=True)
    libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)

    with EmbeddedPostgres(closed / "data", fsync=False, bindir=package / prefix.name / "bin"):
        home = Path((closed / "data" / NOTE).read_text().strip())
        assert (home / "postgres").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert closed.stat().st_mode & 0o777 == 0o700

    shutil.rmtree(home)
