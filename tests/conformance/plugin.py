"""Notes for each test which requirement rows it shows and how it ended; fails the collection of a row that there is not.

With --conformance-report FILE the notes of the whole run are written there, also when several processes ran it.
"""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.rows import requirements

_ROWS = "requirement rows"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance-report", metavar="FILE", help="write which requirement rows were shown")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("conformance_report")
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Notes(Path(file).resolve()), "conformance notes")


def _rows(item: pytest.Item) -> list[str]:
    return sorted({row for mark in item.iter_markers("requirement") for row in mark.args})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    known = requirements()
    wrong = {f"{item.nodeid}: {row}" for item in items for row in _rows(item) if row not in known}
    if wrong:
        raise pytest.UsageError("there is no such requirement row:\n" + "\n".join(sorted(wrong)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    report.user_properties.append((_ROWS, _rows(item)))
    return report


class Notes:
    """Lives in the process that hears of all tests."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        rows = next((value for name, value in report.user_properties if name == _ROWS), [])
        note = self._seen.setdefault(report.nodeid, {"rows": rows, "outcome": "skipped"})
        if report.failed:
            note["outcome"] = "failed"
        elif report.when == "call" and report.passed and note["outcome"] != "failed":
            note["outcome"] = "passed"

    def pytest_sessionfinish(self) -> None:
        self._file.write_text(json.dumps(self._seen, indent=1))
