# SPDX-License-Identifier: BSD-2-Clause
"""./run bench host: from a doorbell until COMPLETED shows its ticket, beside the same
commands on swtpm's own socket, in turn; by this QEMU's backend, and by the one of Debian's
QEMU, below the plug-in."""

import contextlib

from bench_guest import COMMANDS, WARM
from bench_machine import Alone, Row, machines
from bench_table import HEADS, four, percentile, table

# Without a driver: what is left is the device, QEMU's backend and the TPM.
BELLS = {"doorbell": Row("tpm-tis-indexed", ""),
         "doorbell, no sync": Row("tpm-tis-indexed", "", sync=False),
         "doorbell, plug-in": Row("tpm-tis-indexed", "", qemu="system")}


def blocks_of(quick):
    return (8, 20) if quick else (25, 40)


def weight(quick):
    return 4 * len(BELLS) + blocks_of(quick)[0] / 4


def measure(quick, progress):
    """{who: {command: {"bytes", "times"}}}"""
    blocks, rounds = blocks_of(quick)
    found = {name: {} for name in ("swtpm alone", *BELLS)}
    with contextlib.ExitStack() as stack:
        alone = stack.enter_context(Alone())
        them = [alone, *stack.enter_context(machines(BELLS.values(), progress))]
        for block in range(1, blocks + 1):
            for one, into in zip(them, found.values()):
                with one.running():
                    for asked in COMMANDS:
                        row = one.ask([asked], rounds, WARM)[asked]
                        have = into.setdefault(asked, {"bytes": row["bytes"], "times": []})
                        have["times"] += row["times"]
            progress.step(f"host: block {block} of {blocks}", 0.25)
    return found


def report(found):
    for name in COMMANDS:
        base = percentile(found["swtpm alone"][name]["times"], 50)
        table(f"host: {name}, us; p50 to swtpm alone", ["", *HEADS, "ratio"],
              [[who, *(f"{time:.0f}" for time in four(row[name]["times"])),
                f"{percentile(row[name]['times'], 50) / base:.2f}"]
               for who, row in found.items()])
