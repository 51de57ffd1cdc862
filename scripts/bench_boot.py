# SPDX-License-Identifier: BSD-2-Clause
"""./run bench boot: the TPM's part of a boot with measurements, and its part of the host's
memory. swtpm's record has the commands; the kernel's own log what its drivers took."""

import dataclasses
from pathlib import Path

from bench_machine import Machine, Row, machines
from bench_table import percentile, table

DEVICES = ("tpm-tis", "tpm-tis-indexed", "tpm-crb", "tpm-crb-ext")


def plain_row(device, firmware="seabios"):
    return Row(device, sync=device not in ("tpm-tis", "tpm-crb"), firmware=firmware)


def pss_kb(pid):
    """All of it, and what is no file's: a file is shared by all VMs of a host."""
    said = dict(line.split(":") for line in
                Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    kb = {name: int(text.split()[0]) for name, text in said.items()}
    return {"all": kb["Pss"], "own": kb["Pss_Anon"] + kb["Pss_Shmem"]}


def memory(rounds, progress):
    """{device: samples}; None: without a TPM. The guest has not begun: what it does to its
    memory, and TCG's code for it, would hide what a TPM takes."""
    found = {device: {"qemu": [], "swtpm": []} for device in (None, *DEVICES)}
    for number in range(1, rounds + 1):
        for device, into in found.items():
            with Machine(plain_row(device), asked=False, smp=1, more=["-S"]) as machine:
                into["qemu"].append(pss_kb(machine.guest.process.pid))
                if device:
                    into["swtpm"].append(pss_kb(machine.guest.swtpm.process.pid))
        progress.step(f"memory, {number} of {rounds}")
    return found


def rows_of(quick):
    """Stock devices beside ours, each with sync on and off."""
    rows = []
    for firmware in ("seabios",) if quick else ("seabios", "ovmf"):
        for device in DEVICES:
            plain = plain_row(device, firmware)
            rows += [plain] + [dataclasses.replace(plain, sync=not plain.sync)] * (not quick)
    return rows


def driver_us(row, initcalls):
    """What the kernel spent until the TPM's driver and IMA had done with it."""
    names = ("init_tis", "tpm_tis") if "tis" in row.device else ("crb_",)
    return sum(took for name, took in initcalls.items()
               if name.startswith(names) or name == "init_ima")


def phase(commands):
    """How many, the TPM's own part, from the first to the last, and from one's end to the
    next's begin, in ms."""
    if not commands:
        return {"commands": 0, "tpm_ms": 0.0, "span_ms": 0.0, "gap_ms": 0.0}
    gaps = [b.begin - a.end for a, b in zip(commands, commands[1:])]
    return {"gap_ms": percentile(gaps or [0.0], 50) * 1e3,
            "commands": len(commands),
            "tpm_ms": sum(c.end - c.begin for c in commands) * 1e3,
            "span_ms": (commands[-1].end - commands[0].begin) * 1e3}


def look(machine):
    """A machine that has just come up."""
    row, own = machine.row, machine.record.commands()
    return {**dataclasses.asdict(row), "title": row.title(),
            "driver_ms": driver_us(row, machine.initcalls) / 1e3,
            "firmware_part": phase([c for c in own if c.begin < machine.kernel_began]),
            "kernel_part": phase([c for c in own if c.begin >= machine.kernel_began])}


def weight(quick):
    return 4 * len(rows_of(quick)) + 4 * memory_rounds(quick)


def memory_rounds(quick):
    return 1 if quick else 3


def measure(quick, progress):
    found = []
    rows = rows_of(quick)
    # Two stand by at a time: what has been looked at is ended.
    for at in range(0, len(rows), 2):
        with machines(rows[at:at + 2], progress, asked=False, smp=1) as them:
            found += [look(machine) for machine in them]
    return {"boots": found, "memory": memory(memory_rounds(quick), progress)}


def report_memory(found):
    def p50(device, who, kind):
        return percentile([sample[kind] for sample in found[device][who]], 50)

    table("memory of a VM, PSS in KiB: QEMU's part, more than without a TPM; swtpm, without "
          "and with what is a file's",
          ["", "QEMU", "swtpm", "all"],
          [[device, p50(device, "qemu", "own") - p50(None, "qemu", "own"),
            p50(device, "swtpm", "own"), p50(device, "swtpm", "all")]
           for device in found if device])


def report(measured):
    found = measured["boots"]
    for firmware in dict.fromkeys(one["firmware"] for one in found):
        some = [one for one in found if one["firmware"] == firmware]
        name = {"seabios": "SeaBIOS", "ovmf": "OVMF"}[firmware]
        table(f"boot, {name}: commands; ms of the TPM itself, from the first to the last, and "
              "p50 from one's end to the next; Linux 6.1: commands, ms of the TPM itself, "
              "initcalls of driver and IMA",
              ["", name, "own", "span", "gap", "Linux", "own", "init"],
              [[one["title"], one["firmware_part"]["commands"],
                f"{one['firmware_part']['tpm_ms']:.1f}",
                f"{one['firmware_part']['span_ms']:.0f}",
                f"{one['firmware_part']['gap_ms']:.2f}", one["kernel_part"]["commands"],
                f"{one['kernel_part']['tpm_ms']:.1f}", f"{one['driver_ms']:.0f}"]
               for one in some])
    report_memory(measured["memory"])
