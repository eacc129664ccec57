"""`make soak`: the long variants of the tests that have one.

With options, as in `make soak SOAK="--only equivalence --steps 20000 --seed 11"`.
"""

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
SERIAL = ("equivalence", "flat")
"""These show their progress and measure the process: they run one by one."""
SUITES = ("races", "atomicity", "outages", "hostile", "differential", "more_servers")
DIRECTORIES = {"flat": "soak"}


def main() -> int:
    """Run them, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--only", choices=[*SERIAL, *SUITES], help="one of the suites")
    parser.add_argument("--steps", type=int, default=2000, help="of equivalence, per database")
    parser.add_argument("--operations", type=int, default=50_000, help="of flat, per database")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--database", default="", help="a part of the name of one database")
    options = parser.parse_args()
    environment = {
        **os.environ,
        "SOAK": "1",
        "SOAK_STEPS": str(options.steps),
        "SOAK_OPERATIONS": str(options.operations),
        "SOAK_SEED": str(options.seed),
    }
    print(f"seed {options.seed}", flush=True)  # noqa: T201
    failed = 0
    for suite in [options.only] if options.only else [*SERIAL, *SUITES]:
        directory = TESTS / DIRECTORIES.get(suite, suite)
        if not directory.exists():
            continue
        how = ["--capture=no"] if suite in SERIAL else ["--numprocesses", "auto"]
        which = ["-k", options.database] if options.database else []
        command = [sys.executable, "-m", "pytest", "--timeout", "3600", *how, *which]
        print(f"\n{suite}", flush=True)  # noqa: T201
        failed += subprocess.run([*command, str(directory)], env=environment).returncode != 0
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
