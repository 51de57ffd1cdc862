#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The files of engine/ are floors: each is compiled by itself, and every symbol that
it leaves undefined is defined on a floor below it. engine/README.md's table says which
floor a file is on. TAP on stdout."""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENGINE = ROOT / "engine"


def floors():
    """{file: floor} as the README has it."""
    text = (ENGINE / "README.md").read_text()
    return {name: int(floor)
            for floor, name in re.findall(r"^\| (\d) \| `(\w+\.c)` \|", text, re.M)}


def symbols(obj, kind):
    out = subprocess.run(["nm", kind, obj], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return {line.split()[-1] for line in out.splitlines()}


def main():
    floor = floors()
    files = sorted(path.name for path in ENGINE.glob("*.c"))
    defined, undefined = {}, {}
    with tempfile.TemporaryDirectory() as work:
        for name in files:
            obj = pathlib.Path(work, name).with_suffix(".o")
            subprocess.run(["gcc", "-std=c11", "-O0", "-c", ENGINE / name, "-o", obj],
                           check=True)
            undefined[name] = symbols(obj, "--undefined-only")
            for symbol in symbols(obj, "--defined-only"):
                defined[symbol] = name
    print(f"1..{len(files) + 1}")
    same = files == sorted(floor)
    print(f"{'ok' if same else 'not ok'} 1 - README.md has each file's floor")
    failed = not same
    for number, name in enumerate(files, 2):
        wrong = [f"{symbol} of {defined[symbol]}" for symbol in sorted(undefined[name])
                 if symbol in defined and
                 floor.get(defined[symbol], 9) >= floor.get(name, 0)]
        print(f"{'not ok' if wrong else 'ok'} {number} - {name} uses lower floors only")
        for use in wrong:
            print(f"# {use}")
        failed |= bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
