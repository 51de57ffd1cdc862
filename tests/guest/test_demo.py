#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demo at a small size, and that its verdict can fail. TAP on stdout."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from demo import EXPERIMENTS, Row, verdict  # noqa: E402


def row(**values):
    return Row("t", "d", "r", asked=10, replays=5, **values)


def verdicts():
    good = row(wrong=0, failed=0, right=10)
    bad = row(wrong=1, failed=0, right=9)
    erring = row(wrong=0, failed=1, right=9)
    silent = Row("t", "d", "r", asked=10, replays=0, right=10)
    checks = []
    for experiment in EXPERIMENTS:
        def status(*rows, e=experiment):
            return verdict(e, rows)[1]
        checks += [(f"{experiment.repeated}: {name}", ok) for name, ok in (
            ("passes: stock wrong, ours right", status(bad, good) == 0),
            ("fails: ours wrong", status(bad, bad) == 1),
            ("fails: ours with an error", status(bad, erring) == 1),
            ("fails: the stock device shows no fault", status(good, good) == 1),
            ("fails: nothing of ours was repeated", status(bad, silent) == 1),
            ("fails: nothing of stock was repeated", status(silent, good) == 1),
            ("fails: one of them was repeated less",
             status(bad, Row("t", "d", "r", asked=10, replays=4, right=10)) == 1),
            ("errors alone show the fault of CRB, not that of the FIFO",
             status(erring, good) == int(experiment.silent)))]
    return checks


def small_demo():
    result = subprocess.run(
        [sys.executable, ROOT / "scripts/demo.py", "--rounds", "3", "--repetitions", "40"],
        capture_output=True, text=True, check=False)
    for line in (result.stdout + result.stderr).splitlines():
        print(f"# {line}")
    return result.returncode == 0


def main():
    checks = verdicts() + [("demo, 3 rounds", small_demo())]
    print(f"1..{len(checks)}")
    for number, (name, ok) in enumerate(checks, 1):
        print(f"{'ok' if ok else 'not ok'} {number} - {name}")
    return 0 if all(ok for _, ok in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
