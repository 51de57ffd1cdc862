#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every line and branch of the engine is reached by its unit tests, as ./run coverage
counts them. TAP on stdout, a test a file of the engine."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    run = subprocess.run([ROOT / "scripts/coverage.sh"], capture_output=True, text=True,
                         check=False)
    files = re.findall(r"^(\w+\.c) .* of ", run.stdout, re.M)
    missed = re.findall(r"^missed ((\w+\.c):.*)", run.stdout, re.M)
    print(f"1..{len(files) + 1}")
    for number, name in enumerate(files, 1):
        gaps = [gap for gap, of in missed if of == name]
        print(f"{'not ok' if gaps else 'ok'} {number} - every line and branch of {name}")
        for gap in gaps:
            print(f"# {gap}")
    whole = sorted(files) == sorted(path.name for path in ROOT.glob("engine/*.c"))
    print(f"{'ok' if run.returncode == 0 and whole else 'not ok'} {len(files) + 1} - "
          f"./run coverage ends well and has every file of the engine")
    for line in run.stderr.splitlines():
        print(f"# {line}")
    return 0 if run.returncode == 0 and whole else 1


if __name__ == "__main__":
    sys.exit(main())
