"""`python -m benchmarks [SUBJECT …]`: measure, print a table, and write benchmarks/results/latest.json."""

import argparse
import asyncio
import logging

from benchmarks.measures import changes, locations, messages, pull, push, roaming
from benchmarks.results import Result, show, write
from benchmarks.stage import stage

SUBJECTS = {
    "locations": locations.measure,
    "changes": changes.measure,
    "push": push.measure,
    "roaming": roaming.measure,
    "messages": messages.measure,
    "pull": pull.measure,
}


async def _measure(subjects: list[str], scale: float, rounds: int, seconds: float) -> list[Result]:
    found: list[Result] = []
    async with stage(scale=scale, rounds=rounds, seconds=seconds) as here:
        for subject in subjects:
            async for result in SUBJECTS[subject](here):
                print(f"{result.name}: {result.value:.4g} {result.unit}", flush=True)
                found.append(result)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[*SUBJECTS, []], help="by default all")
    parser.add_argument("--scale", type=float, default=1, help="share of the full number of objects")
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured in its turn")
    parser.add_argument("--seconds", type=float, default=1, help="how long each time")
    given = parser.parse_args()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    results = asyncio.run(_measure(given.subjects or list(SUBJECTS), given.scale, given.rounds, given.seconds))
    show(results)
    write(results)


if __name__ == "__main__":
    main()
