#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/evaluation.md, which ./run eval writes, does not contradict the tree: its registers are
those of the specification, its theorems are there, its count of exits is what the tests of
guests assert, and nothing in it was left without a number. TAP on stdout."""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/tcti"))
from tap import main, test  # noqa: E402

PAGE = ROOT / "docs/evaluation.md"
PARTS = 11


def tables(text, heads):
    """Rows, as lists of cells, of the tables that have these heads."""
    found, inside = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")] \
            if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[:len(heads)] == heads:
            inside = True
        elif inside and not line.startswith("|-"):
            found.append(cells)
    return found


def registers(text):
    """{name: offset} of the page's tables of registers."""
    rows = tables(text, ["register", "offset"])
    return {(name.strip("`"), int(offset.strip("`"), 16)) for name, offset, *_ in rows}


def specified():
    text = (ROOT / "docs/specification.md").read_text()
    return {(re.sub("^(TPM_REG|TPMIX_REG|TPMIX)_", "", name), int(offset, 16))
            for offset, name in re.findall(r"^\| (0x[0-9A-F]+) \| ((?:TPM|TPMIX)_\w+) \|", text,
                                           re.M)}


def wrong_registers(text):
    return sorted(registers(text) - specified())


def wrong_theorems(text):
    named = {row[0].strip("`") for row in tables(text, ["theorem", "says"])}
    there = {path.name for path in (ROOT / "tests/proofs").iterdir()
             if (path / f"{path.name}.c").exists()}
    return sorted(named ^ there)


def asserted(name):
    """The function of tests/guest/ours.py that says what a PCR_Read may cost."""
    module = ast.parse((ROOT / "tests/guest/ours.py").read_text())
    module.body = [node for node in module.body
                   if isinstance(node, ast.FunctionDef) and node.name == name]
    found = {}
    exec(compile(module, "ours.py", "exec"), found)  # two comparisons, no more
    return found[name]


def column(text, name):
    """Its place in the table that begins with "part" and has it."""
    heads = ([cell.strip() for cell in line.strip("| ").split(" | ")]
             for line in text.splitlines() if line.startswith("| part |"))
    return next(head.index(name) for head in heads if name in head)


def wrong_exits(text):
    """Of the ablation's rows, whose exits are a guest's."""
    found = []
    for title, name in (("and an interrupt", "held_cost"),
                        ("and completion inside the doorbell", "window_cost")):
        rows = [row for row in tables(text, ["part", "repeated"]) if row[0] == title]
        for row in rows:
            exits = float(re.match(r"[\d.]+", row[column(text, "exits")])[0])
            # The kernel may ask for random bytes meanwhile.
            if not asserted(name)(0, round(exits)) or abs(exits - round(exits)) > 0.3:
                found.append(f"{title}: {exits}")
        if not rows and "not run here: `./run eval ablation`" not in text:
            found.append(f"no row {title}")
    return found


def unfinished(text):
    """Words that a missing number leaves behind."""
    prose = re.sub(r"`[^`]*`", "", text)
    return re.findall(r"\b(?:None|nan|inf|undefined|not explained)\b|\{\w*\}", prose)


@test
def every_section_is_there():
    text = PAGE.read_text()
    assert len(re.findall(r"^## \d+\. ", text, re.M)) == PARTS, re.findall(r"^## .*", text, re.M)
    assert "Made by `./run eval`" in text


@test
def registers_are_the_specifications():
    text = PAGE.read_text()
    assert len(registers(text)) > 30, registers(text)
    assert not wrong_registers(text), wrong_registers(text)


@test
def theorems_are_there():
    assert not wrong_theorems(PAGE.read_text()), wrong_theorems(PAGE.read_text())


@test
def exits_are_those_that_tests_assert():
    assert not wrong_exits(PAGE.read_text()), wrong_exits(PAGE.read_text())


@test
def nothing_is_left_without_a_number():
    assert not unfinished(PAGE.read_text()), unfinished(PAGE.read_text())


@test
def contradictions_are_found():
    """Each guard is seen to fail."""
    text = PAGE.read_text()
    name, offset = sorted(registers(text))[0]
    assert wrong_registers(text.replace(f"| `{name}` |", "| `NO_SUCH_REGISTER` |"))
    theorem = tables(text, ["theorem", "says"])[0][0]
    assert wrong_theorems(text.replace(f"| {theorem} |", "| `no_such_theorem` |"))
    head = "| part | repeated | late | rolled back | lost | taken | exits |\n|---|---|---|---|---|---|---|\n"
    row = "| {} | - | - | - | - | - | {} |\n"
    right = head + row.format("and an interrupt", "1.0") + \
        row.format("and completion inside the doorbell", "3.0")
    assert not wrong_exits(right), wrong_exits(right)
    assert wrong_exits(right.replace("1.0", "2.7")) and wrong_exits(right.replace("3.0", "4.0"))
    assert wrong_exits("no table")
    assert unfinished(text + "\nNone of 5") and unfinished(text + "\n{count}")


if __name__ == "__main__":
    sys.exit(main())
