#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""virsh and a domain of ours: libvirt starts its swtpm, keeps its state over snapshot, save
and shutdown, migrates it to another libvirtd, and removes it, as it does for its own TPM
models, step by step with the same command lines and files. By the plug-in in Debian's QEMU
and by the patched QEMU, both devices; a domain with libvirt's own model goes the same way.
TAP on stdout.

test_libvirt.py [WORD...]: only the tests that have such a word in their name."""

import sys

from domain import DOMAINS, KVM_TYPE, ROOT
from life import HostsOnly, Life
from rig import as_stock, run

sys.path.insert(0, str(ROOT / "scripts"))
import ending  # noqa: E402

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


def checks(work, a, b):
    stock = HostsOnly(work, "stock", a, b, "tpm-tis", None, "plugin", "stock", None)
    lives = {name: Life(work, name, a, b, *words) for name, words in LIVES.items()}
    first = [(f"{name}: from define to undefine", life.run)
             for name, life in (lives | {"stock": stock}).items()]
    first.append((f"{PAGE}, as it is typed", lambda: the_page(a)))
    last = [(f"{name}: what libvirt does is what it does for a stock TPM",
             lambda life=life: as_stock(life, stock)) for name, life in lives.items()]
    return first, [*last,
                   ("libvirtd begins again while a domain runs",
                    lambda: daemon_begins_again(a, work))]


if __name__ == "__main__":
    sys.exit(ending.guarded(run, sys.argv[1:], checks))
