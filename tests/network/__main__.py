"""python -m tests.network: the test network, an hour of traffic in a few minutes; exit code 0 only if all counts agree."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.network.network import Wanted, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3, help="how long the hour takes (3)")
    parser.add_argument("--size", type=float, default=1, help="part of the hour's traffic (1)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same traffic (1)")
    parser.add_argument("--within", type=float, default=300, help="seconds that it may take to settle afterwards (300)")
    parser.add_argument("--keep", action="store_true", help="leave databases and logs where they are")
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="ocpi-network-"))
    directory.chmod(0o711)  # The account that PostgreSQL runs as must get through.
    began = time.monotonic()
    try:
        wanted = Wanted(given.minutes * 60, given.size, given.seed, within=given.within)
        table = asyncio.run(
            run(wanted, directory, lambda text: print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True))
        )
    finally:
        if given.keep:
            print(f"kept in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"\n{table.text()}\n\n{'all agree' if table.agrees else 'NOT ALL AGREE'} ({time.monotonic() - began:.0f} s)")
    return 0 if table.agrees else 1


if __name__ == "__main__":
    sys.exit(main())
