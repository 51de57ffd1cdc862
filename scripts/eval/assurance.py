# SPDX-License-Identifier: BSD-2-Clause
"""Why it is to be believed: theorems with their twins and what they do not cover, coverage,
mutants, fuzzing, hostile guests; each with its number and date."""

import json
import re
import subprocess

from . import tree
from .model import List, Missing, Section, Table, Text, number, plural
from .results import FAILED, PASSED, Runs

NAME = "assurance"
TITLE = "Assurance"
SECONDS = (45, 45)
NEEDS = ["engine"]
FILES = ("engine/", "tests/unit/", "tests/proofs/", "tests/mutants/", "docs/soundness.md",
         "scripts/prove.py", "scripts/coverage.sh", "scripts/fuzz.sh",
         "scripts/eval/results.py")
MUTANTS, FUZZ = tree.BUILD / "log/mutants.json", tree.BUILD / "log/fuzz.json"


def kept(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def coverage():
    """Of ./run coverage: {"lines": [reached, all], "branches": ...}"""
    result = subprocess.run([tree.ROOT / "scripts/coverage.sh"], capture_output=True, text=True,
                            check=False, stdin=subprocess.DEVNULL)
    found = re.search(r"^total +(\d+) of +(\d+) +(\d+) of +(\d+)", result.stdout, re.M)
    if not found:
        raise OSError(f"./run coverage says no total: {result.stderr.strip()[-200:]}")
    reached, lines, taken, branches = map(int, found.groups())
    return {"lines": [reached, lines], "branches": [taken, branches],
            "exceptions": len(re.findall(r"^exception ", result.stdout, re.M)),
            "date": tree.now()}


def proofs(runs):
    """{theorem: {"says", "holds", "cases", "twin"}}, results of the suite prove."""
    said = {re.sub(r" \(.*", "", title.split(" ", 1)[-1] if title[:1].isdigit() else title):
            result for title, result, _ in runs.tests("prove/prove")}
    return {name: {"says": says, "holds": said.get(name), "cases": said.get(f"{name} has cases"),
                   "twin": said.get(f"{name} twin fails")}
            for name, says in tree.theorems().items()}


def measure(_quick):
    runs = Runs()
    return {"proofs": proofs(runs), "proofs_date": runs.date("prove/prove"),
            "not_covered": tree.not_covered(), "coverage": coverage(),
            "mutants": sorted(path.stem for path in
                              (tree.ROOT / "tests/mutants").glob("*.patch")),
            "mutants_run": kept(MUTANTS), "fuzz_run": kept(FUZZ),
            "corpus": {folder: len(tree.files(f"tests/fuzz/{folder}/"))
                       for folder in ("corpus", "regress")},
            "suites": {suite: runs.summary(suite) for suite in
                       ("unit", "spec", "driver", "fuzz", "hostile", "qtest")}}


def depends():
    """What it reads that other commands leave behind."""
    run = Runs().runs
    for title in ("prove/prove", "hostile/rom", "fuzz/fuzz_engine", "unit/replay"):
        yield run[title]["date"] if run.get(title) else ""
    for path in (MUTANTS, FUZZ):
        yield path.stat().st_mtime if path.exists() else ""


WORDS = {PASSED: "yes", FAILED: "NO", None: "not run"}


def proof_table(data):
    rows = [[f"`{name}`", one["says"], *(WORDS.get(one[what], one[what]) if what != "cases" or
                                        one["cases"] or not one["holds"] else "needs none"
                                        for what in ("holds", "cases", "twin"))]
            for name, one in data["proofs"].items()]
    return Table("Theorems about the engine's own sources, over every valid state",
                 ["theorem", "says", "holds", "has cases", "twin fails"], rows,
                 "./run test prove", f"Run {data['proofs_date'] or 'never here'}. A twin is the "
                 "same without an assumption that it needs, and has to fail.", long=True)


def numbers(data):
    proved = data["proofs"].values()
    holds = sum(one["holds"] == PASSED for one in proved)
    twins = sum(one["twin"] == PASSED for one in proved)
    cover, rows = data["coverage"], []
    rows.append(["theorems that hold", f"{holds} of {len(data['proofs'])}",
                 data["proofs_date"] or "not run here", "`./run test prove`"])
    rows.append(["twins that fail, as they must", f"{twins} of {len(data['proofs'])}",
                 data["proofs_date"] or "not run here", "`./run test prove`"])
    rows.append(["lines of the engine that the unit tests reach",
                 f"{cover['lines'][0]} of {cover['lines'][1]}, "
                 f"{plural(cover['exceptions'], 'exception')} listed", cover["date"],
                 "`./run coverage`"])
    rows.append(["branches", f"{cover['branches'][0]} of {cover['branches'][1]}",
                 cover["date"], "`./run coverage`"])
    run = data["mutants_run"]
    rows.append(["mutants that a test or a proof notices",
                 f"{run['killed']} of {run['mutants']}" if run else
                 f"not run here; there are {len(data['mutants'])}",
                 tree.day(run["date"]) if run else "-", "`./run prove mutants`"])
    for target, one in ((data["fuzz_run"] or {}).items()):
        rows.append([f"fuzzing, {target}: {number(one['seconds'])} s",
                     f"{number(one['runs'])} runs, {number(one['edges'])} edges, nothing found",
                     tree.day(one["date"]), f"`./run fuzz SECONDS {target}`"])
    if not data["fuzz_run"]:
        rows.append(["fuzzing", f"not run here; {data['corpus']['corpus']} inputs and "
                     f"{plural(data['corpus']['regress'], 'regression')} are kept", "-",
                     "`./run fuzz SECONDS`"])
    for suite, what in (("fuzz", "kept inputs against the naive model"),
                        ("hostile", "hostile guests"), ("unit", "unit tests"),
                        ("spec", "the specification's sentences against the engine"),
                        ("driver", "the Linux driver over the engine"),
                        ("qtest", "devices in QEMU")):
        one = data["suites"][suite]
        rows.append([what, f"{one['passed']} passed, {one['failed']} failed, "
                     f"{one['skipped']} skipped, {one['run']} of {one['programs']} programs"
                     if one["run"] else "not run here", one["newest"] or "-",
                     f"`./run test {suite}`"])
    return Table("In numbers", ["what", "", "date", "by"], rows, "./run eval assurance")


def section(data):
    holds = sum(one["holds"] == PASSED for one in data["proofs"].values())
    blocks = [
        Text(f"{plural(len(data['proofs']), 'theorem')} by bounded model checking of the "
             f"engine's C as it is built, {holds} of which held when they were run last; each "
             "has a twin that must fail. What runs in QEMU, in the tool, in the tests and in the "
             "fuzzers is that engine."),
        numbers(data), proof_table(data),
        Text("What the proofs do not cover, as [docs/soundness.md](docs/soundness.md) has it:"),
        List(data["not_covered"]),
    ]
    if not data["proofs_date"]:
        blocks.append(Missing("The proofs", "not run in this checkout: `./run test prove`"))
    return Section(NAME, TITLE, blocks)
