# SPDX-License-Identifier: BSD-2-Clause
"""What each part buys: the Linux driver over the engine with parts switched off (patches of
tests/eval/ablation), every access of its transactions meeting every fault of
tests/driver/test_faults.c; what each costs in exits, time and lines."""

import collections
import json
import re
import shutil
import subprocess

import bench_machine
from bench_table import percentile
from guest_peers import GuestError
from parts import script

from . import figures, run, tree
from .model import Figure, Section, Table, Text, number

NAME = "ablation"
TITLE = "What each part buys"
SECONDS = (200, 95)
NEEDS = ["qemu", "engine", "driver", "guest"]
TIMED = True
FILES = ("engine/", "linux-driver/", "tests/driver/", "tests/eval/ablation/", "hw/", "qemu/",
         "scripts/bench_machine.py", "scripts/eval/run.py")
WORK = tree.BUILD / "eval/ablation"
ALONE, IRQ = ("0", "5", "9"), ("irq-5", "irq-700", "irq-1500")

# name: (title, patch or None, the ways of test_faults.c, what QEMU has for it alone)
PARTS = {
    "fifo": ("none: the FIFO", None, [f"fifo-{5}"], ()),
    "index": ("index register alone (the mail's idea)", "index-alone",
              [f"indexed-{one}" for one in ALONE], ()),
    "ticket": ("and tickets", "no-checksum", [f"indexed-{one}" for one in ALONE], ()),
    "checksum": ("and checksums", None, [f"indexed-{one}" for one in ALONE], ()),
    "ram": ("and windows in RAM", None, [f"window-{one}" for one in ALONE],
            ("hw/tpm/tpmix_memory.c", "hw/tpm/tpmix_memory.h")),
    "sync": ("and completion inside the doorbell", None, [],
             ("qemu/patches/0015-*", "qemu/patches/0016-*", "qemu/patches/0027-*")),
    "interrupt": ("and an interrupt", None, [f"window-{one}" for one in IRQ], ()),
}
# What the latency of each is measured by.
ROWS = {
    "fifo": bench_machine.Row("tpm-tis-indexed", sync=False),
    "checksum": bench_machine.Row("tpm-tis-indexed", "indexed", sync=False, options="irq=0",
                                  append="tpmix.door=indexed"),
    "ram": bench_machine.Row("tpm-tis-indexed", "indexed", sync=False, options="irq=0"),
    "sync": bench_machine.Row("tpm-tis-indexed", "indexed", options="irq=0"),
    "interrupt": bench_machine.Row("tpm-tis-indexed", "indexed"),
}
COMMANDS = ("PCR_Read", bench_machine.ECC)


def built(patch):
    """The test program of the tree with a patch applied, with counters of its lines."""
    work = WORK / (patch or "whole")
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("engine", "linux-driver"):
        shutil.copytree(tree.ROOT / folder, work / folder)
    if patch:
        subprocess.run(["patch", "-p1", "-s", "-f", "-d", work, "-i",
                        tree.ROOT / f"tests/eval/ablation/{patch}.patch"], check=True)
    tests = tree.ROOT / "tests/driver"
    includes = [tests / "shim", work / "linux-driver", work / "engine", tests]
    takeover = work / "linux-driver/tpmix_takeover.c"
    sources = [*sorted((work / "engine").glob("*.c")),
               *sorted({*(work / "linux-driver").glob("*.c")} - {takeover})]
    glib = subprocess.run(["pkg-config", "--cflags", "--libs", "glib-2.0"], check=True,
                          capture_output=True, text=True).stdout.split()
    flags = ["-O1", "-w", "-D_GNU_SOURCE", *(f"-I{i}" for i in includes)]
    for source in sources:
        subprocess.run(["gcc", *flags, "--coverage", *glib, "-c", source, "-o",
                        work / f"{source.stem}.o"], check=True, cwd=work)
    subprocess.run(["gcc", *flags, tests / "test_faults.c", tests / "machine.c",
                    *tests.glob("guest*.c"), *(work / f"{source.stem}.o" for source in sources),
                    "-o", work / "test_faults", "--coverage", *glib], check=True, cwd=work)
    return work


def reached(work):
    """Lines that ran since the counters were removed last, as {(file, text)}: a patch moves
    their numbers."""
    lines = set()
    for data in work.glob("*.gcda"):
        said = subprocess.run(["gcov", "--json-format", "--stdout", data.name], cwd=work,
                              check=True, capture_output=True, text=True).stdout
        for report in said.splitlines():
            for unit in json.loads(report)["files"]:
                path = work / unit["file"]
                if path.suffix != ".c" or path.parent.name not in ("engine", "linux-driver"):
                    continue
                text = path.read_text().splitlines()
                lines |= {(f"{path.parent.name}/{path.name}", text[line["line_number"] - 1])
                          for line in unit["lines"] if line["count"]}
        data.unlink()
    return lines


def survived(work, device, ways):
    """What the faults came to: {kind: counts}, and exits of a command."""
    words = [word for way in ways for word in ("-p", f"/faults/{device}/{way}")]
    lines = run.cells_of([work / "test_faults", device, *words])
    kinds = {}
    for line in lines:
        into = kinds.setdefault(line["kind"], collections.Counter())
        into.update({word: line[word] for word in ("cases", "harmed", "wrong", "failed", "twice")})
    exits = min(line["trapped"] for line in lines) / 2
    return {kind: dict(count) for kind, count in kinds.items()}, exits


def faults():
    """Of every part: what it survives, on both devices, and which lines it needs."""
    found, works, before = {}, {}, set()
    patches = dict.fromkeys(patch for _, patch, ways, _ in PARTS.values() if ways)
    for patch, work in zip(patches, run.in_parallel([lambda patch=patch: built(patch)
                                                     for patch in patches])):
        works[patch] = work
    for name, (title, patch, ways, qemu) in PARTS.items():
        one = found[name] = {"title": title, "kinds": {}, "exits": None}
        for device in (("tis",) if name == "fifo" else ("tis", "crb")) if ways else ():
            kinds, exits = survived(works[patch], device, ways)
            one["exits"] = exits if one["exits"] is None else min(one["exits"], exits)
            for kind, count in kinds.items():
                into = collections.Counter(one["kinds"].get(kind, {}))
                into.update(count)
                one["kinds"][kind] = dict(into)
        if ways:
            lines = reached(works[patch])
            one["lines"] = len(lines - before)
            before |= lines
        one["qemu_lines"] = sum(code_lines(file) for pattern in qemu
                                for file in tree.files(pattern))
    return found


def code_lines(file):
    """Of a file of ours without empty lines; of a patch, what it adds."""
    text = (tree.ROOT / file).read_text()
    if file.endswith(".patch"):
        return len(re.findall(r"^\+(?!\+\+).*\S", text, re.M))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return sum(bool(line.strip()) for line in text.splitlines())


class Quiet:
    def step(self, _text, _weight=0):
        pass


def latency(quick):
    """Medians in turn, microseconds; and the exits that each device counted."""
    script("bench.sh")
    blocks, rounds = (6, 8) if quick else (20, 16)
    found = {name: {command: [] for command in COMMANDS} for name in ROWS}
    with bench_machine.machines(ROWS.values(), Quiet()) as them:
        for _ in range(blocks):
            for name, machine in zip(ROWS, them):
                with machine.running():
                    for command, row in machine.ask(COMMANDS, rounds, 1).items():
                        found[name][command] += row["times"]
        exits = {}
        for name, machine in zip(ROWS, them):
            with machine.running():
                cost = machine.counted(["PCR_Read"], 60)
            exits[name] = {"reads": cost["mmio-reads"], "writes": cost["mmio-writes"]}
    return {name: {"exits": exits[name], **{command: {
        "median": percentile(times, 50), "p90": percentile(times, 90), "samples": len(times)}
        for command, times in of.items()}} for name, of in found.items()}


def measure(quick):
    found = faults()
    try:
        times = latency(quick)
    except GuestError:
        # Where the host stands still a guest of TCG's may not come up.
        times = latency(quick)
    return {"parts": found, "latency": times, "accelerator": bench_machine.accelerator()}


# Reads and writes once more, and later; what a rollback does; and the rest.
GROUPS = {"repeated": ("repeated", "repeated-late"), "late": ("late",),
          "rolled back": ("rolled-back", "another-turn"),
          "lost or corrupted": ("lost", "corrupted", "corrupted-twice"),
          "locality taken": ("relinquished", "seized"),
          "taken for a command": ("seized-for-a-command",)}


def total(part, kinds=None):
    count = collections.Counter()
    for kind, of in part["kinds"].items():
        if kinds is None or kind in kinds:
            count.update(of)
    return count


def harmed(count):
    return count["harmed"]


def share(count):
    if not count["cases"]:
        return "-"
    part = 100 * (count["cases"] - harmed(count)) / count["cases"]
    return "100 %" if not harmed(count) else f"{min(part, 99.9):.1f} %"


def rows_of(data):
    rows, rest = [], [name for name in data["parts"]]
    for name in rest:
        part, timed = data["parts"][name], data["latency"].get(name)
        exits = f"{timed['exits']['reads'] + timed['exits']['writes']:.1f}" if timed else \
            f"{part['exits']:.1f} (in process)" if part["exits"] is not None else "-"
        lines = [str(part["lines"])] if "lines" in part else []
        if part["qemu_lines"]:
            lines.append(f"QEMU {part['qemu_lines']}")
        rows.append([part["title"],
                     *((share(total(part, kinds)) if part["kinds"] else "as before")
                       for kinds in GROUPS.values()),
                     exits, *(f"{timed[command]['median']:.0f} ({timed[command]['p90']:.0f})"
                       if timed else "as the next"
                              for command in COMMANDS), " + ".join(lines) or "-"])
    return rows


def verdict(data):
    index, ticket, whole = (data["parts"][name] for name in ("index", "ticket", "checksum"))
    repeated = GROUPS["repeated"]
    one, two, three = (total(part, repeated) for part in (index, ticket, whole))
    back = [total(part, GROUPS["rolled back"]) for part in (index, ticket, whole)]
    all_of = [total(part) for part in (index, ticket, whole)]
    enough = not harmed(all_of[0])
    return (f"Is an index alone enough? {'Yes' if enough else 'No'}. Of "
            f"{number(one['cases'])} accesses made once more, at once or late, it leaves "
            f"{number(one['wrong'])} wrong answers and {number(one['twice'])} commands run twice; "
            f"with tickets {number(two['wrong'])} and {number(two['twice'])}, with checksums "
            f"{number(three['wrong'])} and {number(three['twice'])}. Of "
            f"{number(back[0]['cases'])} roll-backs {number(back[0]['twice'])} run a command twice "
            f"by the index alone, {number(back[1]['twice'])} with tickets, "
            f"{number(back[2]['twice'])} with checksums. Of all faults together: "
            f"{number(harmed(all_of[0]))}, {number(harmed(all_of[1]))} and "
            f"{number(harmed(all_of[2]))} of {number(all_of[2]['cases'])} do harm.")


def section(data):
    named = {name: part for name, part in data["parts"].items() if part["kinds"]}
    labels = [part["title"] for part in named.values()]
    colours = (("survived", "#f3f3f0", ""), ("errors", "#f0c66e", "//"),
               ("run twice", "#c9b6e4", "xxx"), ("wrong, and accepted", "#b3261e", ""))
    shares = []
    for part in named.values():
        count = total(part)
        cases = max(1, count["cases"])
        bad = [100 * count[word] / cases for word in ("failed", "twice", "wrong")]
        shares.append([max(0, 100 - sum(bad)), *bad])
    series = [(what, [one[i] for one in shares], colour, hatch)
              for i, (what, colour, hatch) in enumerate(colours)]
    table = Table("Each part on top of those before it: faults survived by kind, exits and "
                  "median of a PCR_Read and a key, lines",
                  ["part", *GROUPS, "exits", "PCR_Read, us (p90)", "key, us (p90)", "lines"],
                  rows_of(data), "./run eval ablation",
                  f"Exits and times of a guest under {data['accelerator'].upper()}, asked in "
                  "turn; \"in process\": counted over the engine. Lines: of engine and driver, "
                  "those that run with the part and not without; of QEMU, those of its files. "
                  "The index alone and the tickets make the same accesses as the row with "
                  "checksums, and are not timed apart. A key: CreatePrimary of P-256.")
    blocks = [
        Text(verdict(data)),
        Figure("ablation", "What becomes of all faults, in % of the cases", "Bars: with each "
               "part that is added less is wrong, run twice or an error", "./run eval ablation",
               figures.stacked("ablation", labels, series, "% of the cases")),
        table,
        Text("RAM windows and what follows buy no more safety against a repeated access: they "
             "take away the accesses themselves, and with them what no device can mend, a "
             "register that is written back while a read of it is pending."),
    ]
    return Section(NAME, TITLE, blocks)


