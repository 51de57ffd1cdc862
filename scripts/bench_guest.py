# SPDX-License-Identifier: BSD-2-Clause
"""./run bench guest: what commands cost a Linux guest. The machines of a comparison stand
by together and are asked in small blocks in turn, so that whatever else the host does
meets all of them; a block's first commands only warm up. A command is asked for again and
again, but for "mixed": there each is one of a round of all of them."""

import dataclasses
import time

from bench_machine import ECC, QUICK, RSA, Row, busy_host, machines

COMMANDS = (*QUICK, ECC)
SHOWN = ("PCR_Read", "GetCap commands", ECC)  # where all are too many
KERNELS = ("6.1", "6.12", "7.3")
SIZES = ("1 KiB", "4 KiB", "8 KiB", "16 KiB")
RSA_CODE = 0x131
REST_S = 15
WARM = 2
RSA_WARM = 8
EACH = [[name] for name in COMMANDS]


@dataclasses.dataclass
class Plan:
    """How much: blocks of rounds."""
    blocks: int
    rounds: int
    mixed: int      # blocks
    busy_blocks: int
    rsa: int        # commands for each machine
    counted: int    # commands for each kind and machine
    contended: int  # blocks
    rests: int
    kernels: tuple
    transfers: int  # blocks


FULL = Plan(blocks=25, rounds=16, mixed=6, busy_blocks=13, rsa=8, counted=150, contended=8, rests=4,
            kernels=KERNELS, transfers=8)
SHORT = Plan(blocks=10, rounds=10, mixed=2, busy_blocks=4, rsa=3, counted=100, contended=2, rests=0,
             kernels=KERNELS[:1], transfers=0)


def default_rows(kernel):
    """Every device and driver as they are without an option."""
    return [Row("tpm-tis", sync=False, kernel=kernel),
            Row("tpm-crb", sync=False, kernel=kernel),
            *(Row(device, driver, kernel=kernel) for driver in ("stock", "indexed")
              for device in ("tpm-tis-indexed", "tpm-crb-ext")),
            Row("tpm-crb-ext", kernel=kernel, twin=True)]


def rows_of(kernel, quick):
    """Of the first kernel also with sync the other way."""
    rows = default_rows(kernel)
    if kernel == KERNELS[0] and not quick:
        rows += [dataclasses.replace(row, sync=not row.sync) for row in rows if not row.twin]
    return rows


def transfer_rows(kernel):
    return [dataclasses.replace(row, double=True)
            for row in [*default_rows(kernel), Row("tpm-tis-indexed", "", kernel=kernel)]
            if not row.twin]


class Result:
    """What was measured of a machine; samples: condition -> command -> times, and what
    the guest's processor did meanwhile. For each RSA key late is how much later than the
    TPM had it it was seen, waits what the guest's processor did more than for a command
    that is there at once: microseconds."""

    def __init__(self, row):
        self.row = row
        self.samples, self.counts, self.late, self.waits = {}, {}, [], []

    def add(self, condition, found):
        into = self.samples.setdefault(condition, {})
        for name, row in found.items():
            have = into.setdefault(name, {"bytes": row["bytes"], "times": [], "blocks": [],
                                          "processor": 0.0})
            have["times"] += row["times"]
            have["blocks"].append(len(row["times"]))
            have["processor"] += row["processor"]

    def as_json(self):
        return {**dataclasses.asdict(self.row), "title": self.row.title(),
                "samples": self.samples, "counts": self.counts, "late_us": self.late,
                "wait_us": self.waits}


def in_turn(them, results, condition, asked, blocks, rounds, progress, contenders=0):
    """asked: lists of commands, a request each."""
    for block in range(1, blocks + 1):
        for machine, result in zip(them, results):
            with machine.running():
                for names in asked:
                    result.add(condition, machine.ask(names, rounds, WARM, contenders))
        progress.step(f"{condition}: block {block} of {blocks}", len(them) / 12)


def rsa(them, results, count, progress):
    """An answer is late by what the guest waited longer than the TPM took. A driver that
    predicts has seen as many before as it takes to learn that this ordinal can be a long one."""
    for machine in them:
        with machine.running():
            machine.ask([RSA], 0, RSA_WARM)
    for number in range(1, count + 1):
        for machine, result in zip(them, results):
            with machine.running():
                # What the machine does first takes longer, whatever it is.
                short = machine.ask(["PCR_Read"], 1, WARM)["PCR_Read"]
                found = machine.ask([RSA], 1)
            result.add("idle", found)
            own = [c for c in machine.record.commands() if c.ordinal == RSA_CODE][-1]
            result.waits.append(found[RSA]["processor"] - short["processor"])
            result.late.append(found[RSA]["times"][0] - (own.end - own.begin) * 1e6)
        progress.step(f"RSA key {number} of {count}", len(them) / 12)


def count(them, results, rounds, progress):
    for machine, result in zip(them, results):
        with machine.running():
            for name in SHOWN:
                result.counts[name] = machine.counted([name], rounds)
                if machine.row.stock():
                    reads, writes = machine.trapped([name], 5)
                    result.counts[name] |= {"mmio-reads": reads, "mmio-writes": writes}
        progress.step(f"counted {machine}", 1)


def rest(them, results, rests, progress):
    """All of them run on and have nothing to do; then each has a command."""
    for number in range(1, rests + 1):
        for machine in them:
            machine.guest.qmp.execute("cont")
        time.sleep(REST_S)
        for machine, result in zip(them, results):
            result.add("rested", machine.ask(["PCR_Read"], 1))
        for machine in them:
            machine.guest.qmp.execute("stop")
        progress.step(f"after a rest, {number} of {rests}", REST_S)


def of_kernel(kernel, plan, quick, progress):
    rows = rows_of(kernel, quick)
    results = [Result(row) for row in rows]
    with machines(rows, progress) as them:
        in_turn(them, results, "idle", EACH, plan.blocks, plan.rounds, progress)
        rsa(them, results, plan.rsa, progress)
        count(them, results, plan.counted, progress)
        if kernel == KERNELS[0]:
            plain = len(default_rows(kernel))
            them, some = them[:plain], results[:plain]
            with busy_host():
                in_turn(them, some, "busy", EACH, plan.busy_blocks, plan.rounds, progress)
            in_turn(them, some, "mixed", [COMMANDS], plan.mixed, plan.rounds, progress)
            for number in (2, 4):
                in_turn(them, some, f"{number} contenders", [["PCR_Read"]], plan.contended,
                        plan.rounds, progress, number)
            rest(them, some, plan.rests, progress)
    return results


def may_send(row, size):
    """The TPM core ends at 4096 bytes, tpm-crb's buffer at 3968."""
    return size in SIZES[:2] or not row.driver


def transfers(plan, progress):
    if not plan.transfers:
        return []
    rows = transfer_rows(KERNELS[0])
    results = [Result(row) for row in rows]
    with machines(rows, progress) as them:
        for block in range(1, plan.transfers + 1):
            for machine, result in zip(them, results):
                names = [size for size in SIZES if may_send(machine.row, size)]
                if machine.row.device == "tpm-crb":
                    names[-1] = "3968 B"
                with machine.running():
                    result.add("transfers", machine.ask(names, plan.rounds, 1))
            progress.step(f"transfers: block {block} of {plan.transfers}", 0.5)
    return results


def weight(quick):
    """Of all steps, as the functions above give it."""
    plan = SHORT if quick else FULL
    total = 0
    for kernel in plan.kernels:
        num = len(rows_of(kernel, quick))
        total += 4 * num + num / 12 * (plan.blocks + plan.rsa) + num
    plain = len(default_rows(KERNELS[0]))
    total += plain / 12 * (plan.busy_blocks + plan.mixed + 2 * plan.contended)
    total += REST_S * plan.rests
    if plan.transfers:
        total += 4 * len(transfer_rows(KERNELS[0])) + 0.5 * plan.transfers
    return total


def measure(quick, progress):
    plan = SHORT if quick else FULL
    results = []
    for kernel in plan.kernels:
        results += of_kernel(kernel, plan, quick, progress)
    return results, transfers(plan, progress)
