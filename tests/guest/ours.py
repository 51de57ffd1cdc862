# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of our driver share, whatever the machine: that a door works, what a
command costs, accesses repeated."""

import argparse

from tap import COUNT, COUNTED, COUNTED_BYTES, DRIVER_OF, TOOLS, count, expect, told
from demo import Row, run_row
from guest_boards import BOARDS

DOOR = "cat /sys/class/tpm/tpm*/device/door\n"


def door(name):
    """For the kernel's command line, where busybox' modprobe looks too."""
    return f"tpmix.door={name}"


def in_use(wanted, device, kernel, append="", **options):
    return expect(TOOLS + DRIVER_OF + "\n" + DOOR, f"^tpmix\n{wanted}\n$",
                  device=device, driver="indexed", kernel=kernel, append=append, **options)


def cost(right, device, driver="indexed", **options):
    """right: of (reads, writes) per command, both as counted."""
    result, reads, writes, commands = count(COUNTED, device=device, driver=driver, **options)
    print(f"# {device}, {driver} driver {options.get('append', '')}: "
          f"{reads / commands:.2f} reads and {writes / commands:.2f} writes per PCR_Read")
    # The kernel may ask for random bytes meanwhile, a command of 12 bytes.
    if result.status or int(result.out) != COUNTED_BYTES or commands - COUNT not in range(5):
        return f"{commands} commands, " + told(result)
    if right(reads / commands, writes / commands):
        return None
    return f"{reads} reads, {writes} writes for {commands} commands"


# What a PCR_Read costs: a command of 20 bytes, a response of 62.

def window_cost(reads, writes):
    """Locality requested, doorbell, locality released."""
    return (reads, writes) == (0, 3)


def held_cost(reads, writes):
    """The doorbell; once more where the TPM was late, to ask for an interrupt."""
    return reads == 0 and 1 <= writes < 1.5


def replayed(device, when, append="", machine="q35", rounds=2):
    """Of all accesses a third again, at once or late; nobody is to notice."""
    options = argparse.Namespace(rounds=rounds, rate=300000, repetitions=None, seed=2011,
                                 kernel=None, accel="tcg", qemu="own", machine=machine)
    base = BOARDS[machine].tpm_base
    row = run_row(Row(f"{device} {append}", device, "indexed",
                      replay=f"addr={base:#x},size=0xb000,when={when}", append=append),
                  options)
    print(f"# {row.commands} commands, {row.accesses} accesses, {row.replays} repeated: "
          f"{row.right} right, {row.wrong} wrong, {row.failed} failed")
    if row.wrong or row.failed or not row.right or row.replays < row.accesses / 5:
        return "\n".join([str(row)] + row.errors)
    return None
