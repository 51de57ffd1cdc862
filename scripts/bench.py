#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What TPM commands cost, as ratios of one run: machines of all kinds stand by and are asked
in small blocks in turn. Times of a guest are its own clock's. min and p50 say what is
possible, p99 what a user meets."""

import json
import subprocess
import time
from pathlib import Path

import bench_aims
import bench_boot
import bench_guest
import bench_host
import bench_report
import ending
from bench_machine import BENCH, accelerator
from console import Parser, one_of, say
from guest_peers import GuestError
from parts import build, script

PARTS = ("engine", "host", "guest", "boot")
EPILOG = """parts:
  engine  a doorbell, a completion, an access: the engine alone, by size
  host    from a doorbell until COMPLETED shows its ticket, beside the same
          commands on swtpm's own socket; with the plug-in, too
  guest   commands by /dev/tpm0, for each device, driver and kernel, and what
          traps, wakes and computes meanwhile; an RSA key; with the host's
          processors busy; with two and four contenders; after 15 s of rest;
          1 to 16 KiB there and back. Sync the other way: the first kernel
  boot    the TPM's part of a measured boot of SeaBIOS, OVMF and Linux; memory

With --quick one kernel and SeaBIOS only, and neither rest nor transfers. At the
end is a line for each aim: what was measured, and whether it is met."""


class Progress:
    """Which step of how much, and how long is left if the rest goes as it went so far."""

    QUIET_S = 2

    def __init__(self, total):
        self.total, self.done = total, 0.0
        self.begin = time.monotonic()
        self.said = 0.0

    def left(self, now):
        return (now - self.begin) * max(0.0, self.total - self.done) / self.done

    def step(self, text, weight=4.0):
        self.done += weight
        now = time.monotonic()
        if now - self.said < self.QUIET_S:
            return
        self.said = now
        left = self.left(now)
        say(f"{min(99, 100 * self.done / self.total):2.0f} %, about "
            f"{left // 60:.0f} min {left % 60:02.0f} s left: {text}")


def engine(quick, progress):
    command = [BENCH / "bench_engine", "500" if quick else "10000"]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    progress.step("engine")
    return result.stdout.splitlines()


def measure(parts, quick):
    """{part: what it found}"""
    weights = {"host": bench_host.weight, "guest": bench_guest.weight,
               "boot": bench_boot.weight}
    progress = Progress(sum(weights[part](quick) if part in weights else 4 for part in parts))
    hands = {"engine": engine, "host": bench_host.measure, "guest": bench_guest.measure,
             "boot": bench_boot.measure}
    return {part: hands[part](quick, progress) for part in parts}


def report(found):
    """The tables, and the aims last. Returns those."""
    aims = []
    if "engine" in found:
        print("\n" + "\n".join(found["engine"]))
    if "boot" in found:
        bench_boot.report(found["boot"])
    if "host" in found:
        bench_host.report(found["host"])
        aims += bench_aims.of_host(found["host"])
    if "guest" in found:
        bench_report.report(*found["guest"])
        aims += bench_aims.of_guest(found["guest"][0])
    if aims:
        print(f"\nunder {accelerator().upper()}: {sum(aim.met for aim in aims)} of "
              f"{len(aims)} aims met, {sum(aim.state == bench_aims.LEVEL for aim in aims)} "
              "level; without a number the aim is at most 1")
    for aim in aims:
        print(aim.line())
    return aims


def save(path, found, aims, seconds):
    out = dict(found)
    if "guest" in out:
        results, moved = out["guest"]
        out["guest"] = [one.as_json() for one in results]
        out["transfers"] = [one.as_json() for one in moved]
    out |= {"accelerator": accelerator(), "seconds": seconds,
            "aims": [aim.as_json() for aim in aims]}
    Path(path).write_text(json.dumps(out) + "\n", encoding="utf-8")


def parse(argv):
    p = Parser("bench", description=__doc__, epilog=EPILOG)
    p.add_argument("--quick", action="store_true", help="fewer rounds and fewer guests")
    p.add_argument("--json", metavar="FILE", help="all that was measured, as JSON")
    p.add_argument("part", nargs="*", metavar="PART", type=one_of("part", PARTS),
                   help=f"{', '.join(PARTS)} (default: all)")
    options = p.parse_args(argv)
    if options.json and not Path(options.json).absolute().parent.is_dir():
        p.error(f"--json {options.json}: there is no such folder")
    return options


def main(options):
    parts = [part for part in PARTS if not options.part or part in options.part]
    script("bench.sh")
    if set(parts) - {"engine"}:
        build(["qemu", "driver", "guest"] + ["plugin"] * ("host" in parts))
    begin = time.monotonic()
    try:
        say(f"measuring {', '.join(parts)}, guests under {accelerator().upper()}")
        found = measure(parts, options.quick)
        seconds = time.monotonic() - begin
        aims = report(found)
        if options.json:
            save(options.json, found, aims, seconds)
    except (GuestError, OSError, subprocess.CalledProcessError) as error:
        say(f"bench: {error}")
        return 1
    say(f"measured in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    import sys
    sys.exit(ending.guarded(lambda: main(parse(sys.argv[1:]))))
