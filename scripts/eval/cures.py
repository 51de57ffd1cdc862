# SPDX-License-Identifier: BSD-2-Clause
"""Other cures for the same fault: those that can be measured here, measured; the others as
they read in their sources, each with what it does not solve."""

import collections

from . import fault, run, tree
from .model import Section, Table, Text, number, plural
from .results import Runs

NAME = "cures"
TITLE = "Other cures"
SECONDS = (30, 30)
NEEDS = ["engine", "qemu"]
FILES = ("engine/", "tests/eval/decrement.c", "tests/unit/bench.h", "tests/driver/",
         "linux-driver/", "tests/qtest/*.[ch]", "scripts/eval/run.py", "scripts/eval/fault.py")

# Read in their sources, not measured here: (cure, where, what it is, what it does not solve)
ARGUED = [
    ("a page in guest RAM", "OpenVMM (its source)", "command and response are pages of the "
     "guest's own memory, the device is told where: no exit but the doorbell, no hidden pointer",
     "the doorbell has no ticket: repeated, it runs the command again; the guest's memory "
     "migrates with the guest, the TPM's state does not know what of it was read; the device "
     "needs DMA into guest memory, which a confidential guest has to share; no driver in Linux "
     "or Windows but for it"),
    ("virtio-tpm", "crosvm (its source)", "a virtqueue: descriptors, one kick, one interrupt",
     "a queue's index is the ticket, so no command runs twice by a late kick; but firmware "
     "and Windows have no driver for it, it was not taken into the virtio specification, and "
     "crosvm's has no migration"),
    ("a service call", "SVSM vTPM protocol, Linux 7.x tpm_svsm.c", "one call to a service of "
     "the confidential guest's own, at most 4087 bytes",
     "only where there is an SVSM; a call that is made again runs the command again; no "
     "16 KiB; a state of its own that has to be attested and migrated"),
]


def long_command():
    """An offset that the guest writes: the trapped window, which INDEX moves over a command
    larger than it."""
    return run.cells_of([tree.HOST / "driver/test_faults", "crb"], TPM_LONG=1)


def measure(_quick):
    return {"decrement": run.json_of([tree.HOST / "eval/decrement"]), "offset": long_command(),
            "kvm": Runs().tests("kvm/qemu_kvm") + Runs().tests("kvm/vmm"),
            "kvm_date": Runs().date("kvm/qemu_kvm")}


def depends():
    run_of = Runs().runs.get("kvm/qemu_kvm")
    yield run_of["date"] if run_of else ""


def decrement_rows(found):
    rows = []
    for case in found["cases"]:
        count = collections.Counter(case["outcomes"])
        rows.append(["runs once more (KVM before 2011)" if case["runs_again"] else
                     "was completed (today)", "by one" if case["decrement"] else "no",
                     *(str(count[word]) for word in ("right", "wrong", "failed"))])
    return rows


def verdict_of_kvm(found):
    ran = [test for test in found["kvm"] if test[1] != "skipped"]
    if not ran:
        why = found["kvm"][0][2] if found["kvm"] else "the suite kvm was not run"
        return f"not run here: {why.removeprefix('skip ').removeprefix('SKIP ')}"
    return (f"{plural(len(ran), 'case')} of the suite kvm, {found['kvm_date']}: "
            f"{sum(test[1] == 'passed' for test in ran)} as demanded, with the shim that takes "
            "the drain away and without")


def section(data):
    cases = {(case["runs_again"], case["decrement"]): collections.Counter(case["outcomes"])
             for case in data["decrement"]["cases"]}
    size = data["decrement"]["response"]
    offset = collections.Counter()
    for line in data["offset"]:
        offset.update({word: line[word] for word in ("cases", "wrong", "failed", "twice")})
    crb = fault.of_kept(("stock-crb", "stock-crb-linux"))
    rows = [
        ["the pointer back by one, post-load (2011)", "measured, below",
         f"the read that is repeated: {cases[True, True]['right']} of {size} right, where "
         f"{cases[True, False]['right']} were",
         f"a read that had been completed: {cases[False, True]['right']} of {size} right, "
         f"where {cases[False, False]['right']} were. It exchanges one corruption for another, "
         "as the device cannot know whether the read was completed"],
        ["KVM and QEMU complete the read before a stop", verdict_of_kvm(data),
         "the fault of 2011, in QEMU, since 2011",
         "every other VMM, nested hypervisor, #VC handler, snapshotter or retrying transport "
         "has to get it right again; a guest rolled back without its TPM; writes"],
        ["tpm-crb as it is", fault.said(crb) if crb else "not run", "reads of the response: "
         "they may be repeated", "START once more runs a command or the response; a late write "
         "changes the response; a stop at a trapped buffer read needs the drain; more than "
         "3968 bytes"],
        ["chunks, with an offset that the guest writes",
         f"{number(offset['cases'])} cases of a command larger than the trapped window, which "
         f"INDEX moves: {number(offset['wrong'])} wrong, {number(offset['twice'])} run twice, "
         f"{number(offset['failed'])} errors",
         "repeated chunks, where the offset is absolute: that is INDEX",
         "by itself not the START: the tickets and checksums that make the numbers to the left "
         "are parts of their own (next to this: the ablation); an exit for each word"],
        *[[name, f"argued: {where}", what, left] for name, where, what, left in ARGUED],
    ]
    blocks = [
        Table("Each cure", ["cure", "measured", "solves", "does not solve"], rows,
              "./run eval cures"),
        Text(f"The post-load decrement, on a response of {size} bytes, a suspend at each of its "
             "bytes."),
        Table("The post-load decrement", ["the read at the suspend", "pointer moved back",
                                          "right", "wrong and accepted", "error"],
              decrement_rows(data["decrement"]), "./run eval cures"),
    ]
    return Section(NAME, TITLE, blocks)
