#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/tour.md names what is there: each file exists, and each function() that is named
is in the file that was named last before it, or is defined in one of those that the
tour names. TAP on stdout."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES = 120


def main():
    text = (ROOT / "docs/tour.md").read_text()
    prose = re.sub(r"^ {8}.*$", "", text, flags=re.M)
    files = dict.fromkeys(re.findall(r"`((?:[\w-]+/)+[\w.-]+\.[ch])`", prose))
    functions = dict.fromkeys(re.findall(r"`(\w+)\(\)`", prose))
    figure = "\n".join(re.findall(r"^ {8}.*$", text, re.M))
    missing = [name for name in files if not (ROOT / name).exists()]
    source = "\n".join((ROOT / name).read_text() for name in files
                       if name not in missing)
    # A definition: the name at the end of a line's declarator, not after a tab.
    undefined = [name for name in [*functions, *re.findall(r"(\w{6,})\(\)", figure)]
                 if not re.search(rf"^[a-z][\w \t*]*\b{name}\(", source, re.M)]
    results = [
        ("files exist", len(files) > 8 and not missing, missing),
        ("functions are defined in them", len(functions) > 20 and not undefined, undefined),
        (f"at most {LINES} lines", text.count("\n") <= LINES, [text.count("\n")]),
    ]
    print(f"1..{len(results)}")
    for number, (title, ok, what) in enumerate(results, 1):
        print(f"{'ok' if ok else 'not ok'} {number} - {title}")
        if not ok:
            print(f"# {', '.join(map(str, what))}")
    return 0 if all(ok for _, ok, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
