# SPDX-License-Identifier: BSD-2-Clause
"""What the suites said when each of their programs ran last in this checkout. ./run test
keeps it; of a program that an older ./run test ran, its log has the tests."""

import json
import re

import test as suites
from .tree import BUILD, day

RESULTS = BUILD / "log/test-results.json"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def programs():
    """{title: (suite, its log)} of every program of every suite."""
    return {one.title: (name, one.log_path)
            for name, suite in (suites.SUITES | suites.NAMED).items()
            for one in (suites.Program(name, line, suite) for line in suite[1])}


def of_log(path):
    """As scripts/test.py keeps it. None where the log tells of no whole run."""
    if not path.is_file():
        return None
    text = path.read_text(errors="replace")
    tests, plan = suites.tests_of(text), re.search(r"^1\.\.(\d+)", text, re.M)
    if not plan or int(plan[1]) != len(tests) or not tests:
        return None
    return {"date": path.stat().st_mtime, "tests": tests, "status": None, "tree": ""}


def last_runs():
    """{title: its last run, or None where there was none}"""
    try:
        kept = json.loads(RESULTS.read_text())
    except (OSError, ValueError):
        kept = {}
    return {title: kept.get(title) or of_log(log) for title, (_, log) in programs().items()}


class Runs:
    """All of them, to be asked."""

    def __init__(self):
        self.suite_of = {title: suite for title, (suite, _) in programs().items()}
        self.runs = last_runs()

    def tests(self, program):
        """[(title, result, why)], empty where it was not run."""
        run = self.runs.get(program)
        return [tuple(test) for test in run["tests"]] if run else []

    def date(self, program):
        run = self.runs.get(program)
        return day(run["date"]) if run else ""

    def of_suite(self, suite):
        return [title for title, name in self.suite_of.items() if name == suite]

    def summary(self, suite):
        """{"programs", "run", "passed", "failed", "skipped", "reasons", "trees", "oldest", ...}"""
        titles = self.of_suite(suite)
        runs = [self.runs[title] for title in titles if self.runs[title]]
        tests = [test for run in runs for test in run["tests"]]
        reasons = {}
        for _, result, why in tests:
            if result == SKIPPED:
                reasons[why] = reasons.get(why, 0) + 1
        dates = [run["date"] for run in runs]
        return {"suite": suite, "programs": len(titles), "run": len(runs),
                **{word: sum(test[1] == word for test in tests)
                   for word in (PASSED, FAILED, SKIPPED)},
                "broken": sum(run.get("status") not in (None, 0) and
                              not any(test[1] == FAILED for test in run["tests"])
                              for run in runs),
                "reasons": reasons,
                "trees": sorted({run.get("tree") or "not noted" for run in runs}),
                "oldest": day(min(dates)) if dates else "",
                "newest": day(max(dates)) if dates else ""}

    def not_run(self):
        return [title for title, run in self.runs.items() if not run]
