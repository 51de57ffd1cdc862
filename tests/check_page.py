#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The checks in tests/page quote docs/specification.md: every quotation is on the page,
so that page and checks cannot drift apart. TAP on stdout; says how many of the page's
sentences have no check, and which with -v."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOM = ROOT / "tests/page"


def one_line(text):
    return re.sub(r"\s+", " ", text)


def sentences(page):
    """(begin, end) in one_line(page) of each sentence and each row of a table."""
    text = one_line(page)
    spans, at = [], 0
    for block in re.split(r"\n\s*\n", page):
        parts = []
        if block.lstrip().startswith(("#", "- [")):
            continue
        if block.lstrip().startswith("|"):
            parts = [row for row in block.splitlines()[2:] if row.strip("| ")]
        else:
            parts = re.split(r"(?<=[^0-9][.!?])\s+(?=\S)|\n(?=\s*- |\d\. )", block)
        for part in parts:
            part = one_line(part).strip()
            begin = text.index(part, at)
            at = begin + len(part)
            spans.append((begin, at))
    return spans


def checks():
    """(program, name, quotation) of each named check."""
    row = re.compile(r'\{\s*"([^"]+)",\s*"((?:[^"\\]|\\.)*)"')
    for path in sorted(ROOM.glob("*.c")):
        if not path.stem.startswith("page_"):
            for name, says in row.findall(path.read_text()):
                if "/" in name:
                    yield path.name, name, says.replace('\\"', '"')


def rules():
    """(program, name, quotation) of each comment of the model that quotes."""
    for path in sorted(ROOM.glob("page_*.c")):
        comments = re.findall(r"/\*.*?\*/", path.read_text(), re.S)
        for comment in comments:
            comment = re.sub(r"\n\s*\*\s?", " ", comment)
            for says in re.findall(r'"([^"]+)"', comment):
                yield path.name, says[:30], says


def main():
    page = (ROOT / "docs/specification.md").read_text()
    text = one_line(page)
    spans = sentences(page)
    headings = set(re.findall(r"^## (.*)", page, re.M))  # the model's parts
    covered, failed = {}, 0
    kinds = [("checks", list(checks())), ("model", list(rules()))]
    print(f"1..{len(kinds) + 1}")
    for number, (kind, found) in enumerate(kinds, 1):
        missing = []
        for program, name, says in found:
            says = one_line(says).strip()
            if says in headings:
                continue
            begin = text.find(says)
            if begin < 0:
                missing.append(f"{program}: {name}: {says}")
                continue
            end = begin + len(says)
            for span in spans:
                if begin < span[1] and end > span[0]:
                    covered.setdefault(span, set()).add(kind)
        failed += bool(missing)
        print(f"{'not ok' if missing else 'ok'} {number} - {kind}: "
              f"{len(found)} quotations are on the page")
        for line in missing:
            print(f"# not on the page: {line}")
    both = sum("checks" in kinds for kinds in covered.values())
    without = [span for span in spans if span not in covered]
    ok = len(kinds[0][1]) > 200 and both > len(spans) / 3
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {len(kinds) + 1} - of {len(spans)} sentences and rows "
          f"{both} have a check, {len(covered) - both} a rule of the model, "
          f"{len(without)} neither")
    if "-v" in sys.argv:
        for begin, end in without:
            print(f"# without: {text[begin:end]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
