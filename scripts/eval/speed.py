# SPDX-License-Identifier: BSD-2-Clause
"""What commands cost, by ./run bench: cumulative distributions, exits by size of the response,
processor, memory."""

import argparse
import collections
import contextlib
import io
import json
import tempfile
from pathlib import Path

import bench
from bench_table import part_of, percentile

from . import figures
from .model import Figure, Section, Table, Text, number

NAME = "speed"
TITLE = "Cost and speed"
SECONDS = (1320, 150)
# Of the plug-in too where it is measured: ./run bench builds it.
NEEDS = ["qemu", "driver", "guest"]
TIMED = True
FILES = ("engine/", "hw/", "qemu/", "linux-driver/", "scripts/bench*", "tests/bench/",
         "scripts/guest_*.py")
PANELS = ("PCR_Read", "GetCap commands", "CreatePrimary P-256")
QUICK_PARTS, PARTS = ("guest",), ("engine", "host", "guest", "boot")


def measure(quick):
    """By ./run bench, with its JSON."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "bench.json"
        options = argparse.Namespace(quick=quick, json=str(path), part=list(
            QUICK_PARTS if quick else PARTS))
        with contextlib.redirect_stdout(io.StringIO()):
            failed = bench.main(options)
        if failed:
            raise OSError("./run bench failed: see what it said above")
        found = json.loads(path.read_text())
    return slim(found)


def slim(found):
    """Samples rounded to a tenth of a microsecond: what is drawn and counted from them."""
    for machine in found.get("guest", []) + found.get("transfers", []):
        for condition in machine["samples"].values():
            for sample in condition.values():
                sample["times"] = [round(time, 1) for time in sample["times"]]
    for who in found.get("host", {}).values():
        for sample in who.values():
            sample["times"] = [round(time, 1) for time in sample["times"]]
    return found


def first_kernel(data):
    kernel = data["guest"][0]["kernel"]
    return [one for one in data["guest"] if one["kernel"] == kernel and
            "sync" not in one["title"]]


def p50(one, name, condition="idle"):
    return percentile(one["samples"][condition][name]["times"], 50)


def stock_of(one, some):
    device = "tpm-tis" if "tis" in one["device"] else "tpm-crb"
    return next(other for other in some if other["device"] == device)


def by_title(data):
    return {one["title"]: one for one in first_kernel(data)}


def distributions(data):
    some = first_kernel(data)
    panels = [(name, [(one["title"], one["samples"]["idle"][name]["times"]) for one in some])
              for name in PANELS]
    rows = [[one["title"], name, *(f"{percentile(times, p):.0f}" for p in (0, 50, 90, 99)),
             str(len(times)), part_of(p50(one, name), p50(stock_of(one, some), name))]
            for name in PANELS for one in some
            for times in [one["samples"]["idle"][name]["times"]]]
    table = Table("Percentiles, microseconds; the median as a part of the stock pair's",
                  ["device, driver", "command", "min", "median", "p90", "p99", "samples",
                   "of stock"], rows, "./run bench guest", long=True)
    return Figure("speed", f"What a program in the guest waits, Linux {some[0]['kernel']}: "
                  "cumulative distributions", "Curves of the share of commands that took no "
                  "longer than a time, a panel for each command", "./run bench guest",
                  figures.curves("speed", panels), table)


def traps(one, name):
    cost = one["counts"][name]
    return cost["mmio-reads"] + cost["mmio-writes"]


def exits(data):
    """Of each machine by the size of the response."""
    some = first_kernel(data)
    names = list(some[0]["counts"])
    series = [(one["title"], sorted((one["samples"]["idle"][name]["bytes"], traps(one, name))
                                    for name in names)) for one in some]
    rows = [[one["title"], name, str(one["samples"]["idle"][name]["bytes"]),
             f"{one['counts'][name]['mmio-reads']:.1f}",
             f"{one['counts'][name]['mmio-writes']:.1f}",
             f"{one['counts'][name]['wakeups']:.1f}", f"{one['counts'][name]['host_us']:.0f}",
             f"{one['samples']['idle'][name]['processor'] / len(one['samples']['idle'][name]['times']):.0f}"]
            for name in names for one in some]
    table = Table("For one command: trapped reads and writes, wake-ups and processor time of "
                  "QEMU and swtpm, processor time of the guest (us)",
                  ["device, driver", "command", "bytes", "reads", "writes", "wake-ups",
                   "host CPU", "guest CPU"], rows, "./run bench guest", long=True)
    return Figure("exits", "Exits for one command, by size of its response",
                  "Lines: stock devices rise with the size, the project's stay",
                  "./run bench guest",
                  figures.lines("exits", series, "bytes of the response", "trapped accesses"),
                  table)


def aims(data):
    found = collections.Counter(aim["state"] for aim in data["aims"])
    return Table(f"The aims of ./run bench: {found['met']} of {len(data['aims'])} met, "
                 f"{found['level']} level: above, but not beyond what the run's own blocks differ",
                 ["aim", "measured", ""],
                 [[aim["text"], aim["measured"], aim["state"]] for aim in data["aims"]],
                 "./run bench", long=True)


def memory(data):
    found = data["boot"]["memory"]

    def half(device, who, kind):
        return percentile([sample[kind] for sample in found[device][who]], 50)

    rows = [[device, number(half(device, "qemu", "own") - half("null", "qemu", "own")),
             number(half(device, "swtpm", "own"))] for device in found if device != "null"]
    return Table("Memory of a VM: proportional set size, KiB, more than without a TPM",
                 ["device", "QEMU", "swtpm"], rows, "./run bench boot")


def boots(data):
    rows = [[one["title"], one["firmware"], str(one["firmware_part"]["commands"]),
             f"{one['firmware_part']['span_ms']:.0f}", str(one["kernel_part"]["commands"]),
             f"{one['driver_ms']:.0f}"] for one in data["boot"]["boots"]]
    return Table("The TPM's part of a measured boot: firmware's commands and the time from the "
                 "first to the last, the kernel's commands and its drivers' time",
                 ["device", "firmware", "commands", "ms", "kernel's", "ms"], rows,
                 "./run bench boot", long=True)


def host(data):
    alone, bell = data["host"]["swtpm alone"], data["host"]["doorbell"]
    return Table("From a doorbell until COMPLETED shows its ticket, beside the same command on "
                 "swtpm's own socket, median in microseconds",
                 ["command", "swtpm alone", "doorbell", "ratio"],
                 [[name, f"{percentile(alone[name]['times'], 50):.1f}",
                   f"{percentile(bell[name]['times'], 50):.1f}",
                   f"{percentile(bell[name]['times'], 50) / percentile(alone[name]['times'], 50):.2f}"]
                  for name in alone if name in bell], "./run bench host")


def ours_and_stock(data, name="PCR_Read"):
    """[(title, median, part of the stock pair's, exits, the pair's exits, the ratio)]. The
    twin, which only tells what is alike, is no pair of its own."""
    some = first_kernel(data)
    return [(one["title"], p50(one, name), part_of(p50(one, name), p50(stock_of(one, some), name)),
             traps(one, name), traps(stock_of(one, some), name),
             p50(one, name) / p50(stock_of(one, some), name)) for one in some
            if one["device"] not in ("tpm-tis", "tpm-crb") and not one["twin"]]


def section(data):
    said = "; ".join(f"{title}: {part} of the stock pair's median, {mine:.1f} exits where the "
                     f"pair makes {theirs:.1f}"
                     for title, _, part, mine, theirs, _ in ours_and_stock(data))
    blocks = [
        Text(f"Guests under {data['accelerator'].upper()}, asked in turn in small blocks, "
             "those that are not asked stopped, so that whatever else the host does meets all "
             "of them ([how](docs/decisions/026-measured-in-turn.md)). Times of one run are "
             "compared, never of two."),
        Text(f"A PCR_Read, 62 bytes of response: {said}."),
        distributions(data), exits(data)]
    if "host" in data:
        blocks.append(host(data))
    if "boot" in data:
        blocks += [memory(data), boots(data)]
    blocks += [aims(data), Text(
        "What an exit costs depends on what runs the guest; how many there are does not: the "
        "suite `guest` counts and asserts them.")]
    return Section(NAME, TITLE, blocks)


