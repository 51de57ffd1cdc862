# SPDX-License-Identifier: BSD-2-Clause
"""Two hosts, checks on them at once and one after the other, TAP on stdout."""

import concurrent.futures
import contextlib
import sys
import tempfile
import time
import traceback
from pathlib import Path

from host import ROOT, Host, Skip, check_possible

sys.path.insert(0, str(ROOT / "scripts"))
from guest_machine import PLUGIN  # noqa: E402


def as_stock(life, stock):
    """After both have ended: the same at every step."""
    assert len(stock.done) == 7, "the domain with libvirt's own model has ended early"
    for step, wanted in stock.done.items():
        got = life.done.get(step, [])
        assert got == wanted, f"{step}: {set(got) ^ set(wanted)}"
    return f"{sum(map(len, stock.done.values()))} files and processes of {len(stock.done)} steps"


def nothing_left(hosts):
    for host in hosts:
        assert not host.swtpms(), host.swtpms()
        assert not host.virsh("list", "--all", "--name"), host.virsh("list", "--all")
        left = [name for name in host.files() if name.startswith("/var/lib/libvirt/swtpm/")]
        assert not left, left


def attempt(check):
    begin = time.monotonic()
    try:
        said = check()
    except Exception:  # whatever it is, it is this check's
        return False, traceback.format_exc()
    return True, f"{time.monotonic() - begin:.1f} s" + (f": {said}" if said else "")


def run(words, checks, **options):
    """checks: of a folder and two hosts, returns two lists of (title, function); those of the
    second wait for all of the first. words: only those that have one in their title.
    options: of both hosts. The exit status."""
    try:
        check_possible()
    except Skip as why:
        print(f"1..1\nok 1 - libvirt # SKIP {why}")
        return 0
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lv-")))
        a, b = (stack.enter_context(Host(work / name, PLUGIN, **options)) for name in "ab")
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(3))
        first, last = checks(work, a, b)
        last.append(("nothing is left", lambda: nothing_left((a, b))))
        groups = [[(title, check) for title, check in group
                   if not words or any(word in title for word in words)]
                  for group in (first, last)]
        print(f"1..{sum(map(len, groups))}", flush=True)
        failed = number = 0
        for group, todo in zip(groups, (pool.map, map)):
            results = todo(attempt, [check for _, check in group])
            for (title, _), (good, text) in zip(group, results):
                number += 1
                failed += not good
                print(f"{'ok' if good else 'not ok'} {number} - {title}")
                print("".join(f"# {line}\n" for line in text.splitlines()), end="", flush=True)
    return 1 if failed else 0
