# SPDX-License-Identifier: BSD-2-Clause
"""./run bench boot: the TPM's part of a boot with measurements, and its part of the host's
memory. swtpm's record has the commands; the kernel's own log what its drivers took."""

import dataclasses
from pathlib import Path

from bench_machine import Row, machines
from bench_table import table

LARGE_KB = 256 << 10  # the guest's memory and TCG's code are mappings of at least that


def pss_kb(pid):
    """Without the two that grow with what the guest does, whatever TPM it has."""
    total, large = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word, *rest = line.split()
        if word == "Size:":
            large = int(rest[0]) >= LARGE_KB
        elif word == "Pss:" and not large:
            total += int(rest[0])
    return total


def rows_of(quick):
    """Stock devices beside ours, each with sync on and off; the first has no TPM."""
    rows = []
    for firmware in ("seabios",) if quick else ("seabios", "ovmf"):
        rows += [Row(None, firmware=firmware)]
        for device in ("tpm-tis", "tpm-tis-indexed", "tpm-crb", "tpm-crb-ext"):
            plain = Row(device, sync=device not in ("tpm-tis", "tpm-crb"), firmware=firmware)
            rows += [plain] + [dataclasses.replace(plain, sync=not plain.sync)] * (not quick)
    return rows


def driver_us(row, initcalls):
    """What the kernel spent until the TPM's driver and IMA had done with it."""
    names = ("init_tis", "tpm_tis") if "tis" in row.device else ("crb_",)
    return sum(took for name, took in initcalls.items()
               if name.startswith(names) or name == "init_ima")


def phase(commands):
    """How many, the TPM's own part, and from the first to the last, in ms."""
    if not commands:
        return {"commands": 0, "tpm_ms": 0.0, "span_ms": 0.0}
    return {"commands": len(commands),
            "tpm_ms": sum(c.end - c.begin for c in commands) * 1e3,
            "span_ms": (commands[-1].end - commands[0].begin) * 1e3}


def look(machine):
    """A machine that has just come up."""
    row, guest = machine.row, machine.guest
    found = {**dataclasses.asdict(row), "title": row.title(),
             "start_ms": (machine.kernel_began - machine.began) * 1e3,
             "qemu_kb": pss_kb(guest.process.pid)}
    if row.device:
        own = machine.record.commands()
        found |= {"swtpm_kb": pss_kb(guest.swtpm.process.pid),
                  "driver_ms": driver_us(row, machine.initcalls) / 1e3,
                  "firmware_part": phase([c for c in own if c.begin < machine.kernel_began]),
                  "kernel_part": phase([c for c in own if c.begin >= machine.kernel_began])}
    return found


def weight(quick):
    return 4 * len(rows_of(quick))


def measure(quick, progress):
    found = []
    rows = rows_of(quick)
    # Two stand by at a time: what has been looked at is ended.
    for at in range(0, len(rows), 2):
        with machines(rows[at:at + 2], progress, asked=False, smp=1) as them:
            found += [look(machine) for machine in them]
    return found


def report(found):
    for firmware in dict.fromkeys(one["firmware"] for one in found):
        some = [one for one in found if one["firmware"] == firmware and one["device"]]
        name = {"seabios": "SeaBIOS", "ovmf": "OVMF"}[firmware]
        table(f"boot, {name}, Linux 6.1: commands; ms: the TPM's own, from first to last; "
              "drivers, IMA",
              ["", "firmware", "own", "span", "kernel", "own", "initcalls"],
              [[one["title"], one["firmware_part"]["commands"],
                f"{one['firmware_part']['tpm_ms']:.1f}",
                f"{one['firmware_part']['span_ms']:.0f}", one["kernel_part"]["commands"],
                f"{one['kernel_part']['tpm_ms']:.1f}", f"{one['driver_ms']:.0f}"]
               for one in some])
    without = {one["firmware"]: one["qemu_kb"] for one in found if not one["device"]}
    table("memory of a VM, PSS in KiB: QEMU's part (more than without a TPM), swtpm",
          ["", "firmware", "QEMU", "swtpm"],
          [[one["title"], one["firmware"], one["qemu_kb"] - without[one["firmware"]],
            one["swtpm_kb"]] for one in found if one["device"]])
