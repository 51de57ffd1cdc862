#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/specification.md and engine/tpmix_regs.h name the same registers at the
same offsets, and the same reasons of refusal; what a late START can do is on the page
as tests/unit/test_late_start.c asserts it. TAP on stdout."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOT_REGISTERS = {"TPM_REG_XDATA_FIFO_END"}


def header(pattern):
    text = (ROOT / "engine/tpmix_regs.h").read_text()
    return {name: int(value, 0) for name, value in re.findall(pattern, text)
            if name not in NOT_REGISTERS}


def page(pattern):
    text = (ROOT / "docs/specification.md").read_text()
    return {name: int(value, 0) for value, name in re.findall(pattern, text, re.M)}


def late_starts():
    """Rows as the page has them, of the test and of the page."""
    test = (ROOT / "tests/unit/test_late_start.c").read_text()
    rows = re.findall(r"\{ (REPEATED|LATE), (\d+), (\d+), \{ (.*) \} \}", test)
    when = {"REPEATED": "once more", "LATE": "only then"}
    text = (ROOT / "docs/specification.md").read_text()
    return ({f"{when[fault]} | {first}-{last}": numbers.replace(", ", " | ")
             for fault, first, last, numbers in rows},
            dict(re.findall(r"^  \| ((?:once more|only then) \| \d+-\d+) \| (.*) \|$", text, re.M)))


def main():
    registers = header(r"(\b(?:TPM|TPMIX)_REG_\w+)\s*= (0x[0-9A-F]+)")
    registers |= header(r"#define (TPMIX_WINDOW)\s+(0x[0-9A-F]+)u")
    checks = [
        ("registers", registers,
         page(r"^\| (0x[0-9A-F]+) \| ((?:TPM|TPMIX)_\w+) \|")),
        ("refused", header(r"(TPMIX_REFUSED_[A-Z]+)\s*= (\d+)"),
         page(r"^\| (\d+) \| (TPMIX_REFUSED_\w+) \|")),
        ("late START", *late_starts()),
    ]
    print(f"1..{len(checks)}")
    failed = 0
    for number, (name, want, got) in enumerate(checks, 1):
        ok = want == got and len(want) > 5
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {name}: {len(want)} of them")
        if not ok:
            print("# header:", sorted(set(want.items()) - set(got.items())))
            print("# page:  ", sorted(set(got.items()) - set(want.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
