#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""virsh and a domain of ours: libvirt starts its swtpm, keeps its state over snapshot, save
and shutdown, migrates it to another libvirtd, and removes it, as it does for its own TPM
models, step by step with the same command lines and files. By the plug-in in Debian's QEMU
and by the patched QEMU, both devices; a domain with libvirt's own model goes the same way.
TAP on stdout.

test_libvirt.py [WORD...]: only the tests that have such a word in their name."""

import concurrent.futures
import contextlib
import sys
import tempfile
import time
import traceback
from pathlib import Path

from domain import DOMAINS, KVM_TYPE
from host import ROOT, Host, Skip, check_possible
from life import HostsOnly, Life

sys.path.insert(0, str(ROOT / "scripts"))
import ending  # noqa: E402
from guest_machine import PLUGIN  # noqa: E402

PAGE, PAGE_S = "docs/libvirt.md", 180
# A life's name: libvirt's model, our device in its place, the file of packaging/libvirt, who
# drives it in the guest, and as what. A boot takes seconds: half of them have a second one.
LIVES = {
    "plugin-tis": ("tpm-tis", "tpm-tis-indexed", "plugin", "indexed", "tpmix", "snapshot"),
    "plugin-crb": ("tpm-crb", "tpm-crb-ext", "plugin", "stock", "tpm_crb", "starts_again"),
    "patched-tis": ("tpm-tis", "tpm-tis-indexed", "patched", "stock", "tpm_tis",
                    "starts_again"),
    "patched-crb": ("tpm-crb", "tpm-crb-ext", "patched", "indexed", "tpmix", "snapshot"),
}


def as_stock(life, stock):
    """After both have ended: the same at every step."""
    assert len(stock.done) == 7, "the domain with libvirt's own model has ended early"
    for step, wanted in stock.done.items():
        got = life.done.get(step, [])
        assert got == wanted, f"{step}: {set(got) ^ set(wanted)}"
    return f"{sum(map(len, stock.done.values()))} files and processes of {len(stock.done)} steps"


def daemon_begins_again(host, work):
    """While a domain runs, its firmware at work: libvirt finds it again, with its swtpm."""
    file = work / "again.xml"
    file.write_text((DOMAINS / "tpmix-plugin.xml").read_text().replace(
        KVM_TYPE, "<domain type='qemu'"))
    host.virsh("create", file)
    try:
        before = host.swtpms()
        host.restart_daemon()
        assert host.virsh("domstate", "tpmix") == "running"
        assert host.swtpms() == before and len(before) == 1, (before, host.swtpms())
    finally:
        host.virsh("destroy", "tpmix")


def the_page(host):
    result = host.run("/usr/bin/python3", ROOT / "tests/cli/test_docs.py", PAGE,
                      timeout=PAGE_S)
    assert result.returncode == 0 and "\nok 1 " in result.stdout, \
        f"{result.stdout}{result.stderr[-800:]}"
    return result.stdout.splitlines()[-1]


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


def checks(work, a, b):
    """Two lists of (title, function); those of the second wait for all of the first."""
    stock = HostsOnly(work, "stock", a, b, "tpm-tis", None, "plugin", "stock", None)
    lives = {name: Life(work, name, a, b, *words) for name, words in LIVES.items()}
    first = [(f"{name}: from define to undefine", life.run)
             for name, life in (lives | {"stock": stock}).items()]
    last = [(f"{name}: what libvirt does is what it does for a stock TPM",
             lambda life=life: as_stock(life, stock)) for name, life in lives.items()]
    return first, [*last,
                   ("libvirtd begins again while a domain runs",
                    lambda: daemon_begins_again(a, work)),
                   (f"{PAGE}, as it is typed", lambda: the_page(a)),
                   ("nothing is left", lambda: nothing_left((a, b)))]


def main(words):
    try:
        check_possible()
    except Skip as why:
        print(f"1..1\nok 1 - libvirt # SKIP {why}")
        return 0
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lv-")))
        a, b = (stack.enter_context(Host(work / name, PLUGIN)) for name in "ab")
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(3))
        groups = [[(title, check) for title, check in group
                   if not words or any(word in title for word in words)]
                  for group in checks(work, a, b)]
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


if __name__ == "__main__":
    sys.exit(ending.guarded(main, sys.argv[1:]))
