#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What TPM commands cost, as ratios of one run. Times of a guest are its own clock's. This
machine may be busy with other things: min and p50 say what is possible, p99 what a user
meets."""

import contextlib
import dataclasses
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import ending
from console import Parser, one_of, say
from guest_machine import BUILD, Guest
from guest_peers import GuestError, end_process, spawn
from parts import build, script

PARTS = ("engine", "host", "guest")
EPILOG = """parts:
  engine  a doorbell, a completion, an access: the engine alone, by size
  host    from a doorbell until COMPLETED shows its ticket, beside the same
          commands on swtpm's own socket
  guest   commands by /dev/tpm0, for each device and driver, and what QEMU
          traps and the host's processor does meanwhile; without --quick also
          with the host's processors busy, and Linux 7.3"""
BENCH = BUILD / "bench"
TICK = os.sysconf("SC_CLK_TCK")

# In the guest: the two lines are when the host counts.
COMMAND = """exec 5<>"$TPMIX_CONTROL"
cp /bench_tpm /tmp/bench_tpm; chmod +x /tmp/bench_tpm
echo before >&5; read -r _ <&5
/tmp/bench_tpm {rounds} {node}; status=$?
echo after >&5; read -r _ <&5
exit $status
"""
NODE = "/dev/$(ls /sys/class/tpm | tail -n 1)"


@dataclasses.dataclass
class Config:
    """A guest, and what it is compared with: the stock device with its driver."""
    device: str
    driver: str = "stock"
    stock: str = ""
    kernel: str = "6.1"
    busy: bool = False

    def title(self):
        who = "tpmix" if self.driver == "indexed" else "stock driver"
        return f"{self.device}, {who}, {self.kernel}{', busy host' if self.busy else ''}"


def configs(quick):
    pairs = [
        Config("tpm-tis"), Config("tpm-crb"),
        Config("tpm-tis-indexed", stock="tpm-tis"),
        Config("tpm-tis-indexed,sync-us=0", stock="tpm-tis"),
        Config("tpm-crb-ext", stock="tpm-crb"),
        Config("tpm-crb-ext,sync-us=0", stock="tpm-crb"),
        Config("tpm-tis-indexed,compat=off", "indexed", "tpm-tis"),
        Config("tpm-crb-ext,compat=off", "indexed", "tpm-crb"),
    ]
    if quick:
        return [c for c in pairs if "sync-us" not in c.device]
    busy = [dataclasses.replace(c, busy=True) for c in pairs if "sync-us" not in c.device]
    newer = [dataclasses.replace(c, kernel="7.3") for c in pairs if "sync-us" not in c.device]
    return pairs + busy + newer


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        words = stat.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICK


def switches(pid):
    """How often threads of the process waited for something."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def look(guest):
    """Counters of the host: processor time, wake-ups, and the device's."""
    pids = (guest.process.pid, guest.swtpm.process.pid)
    counts = {"host_us": sum(map(processor_seconds, pids)) * 1e6,
              "wakeups": sum(map(switches, pids))}
    for name in ("mmio-reads", "mmio-writes", "commands", "sync-completions"):
        with contextlib.suppress(GuestError):  # a stock device counts nothing
            counts[name] = guest.qmp.execute("qom-get", path="/machine/peripheral/tpm",
                                             property=name)
    return counts


@contextlib.contextmanager
def busy_host(wanted):
    """As many loops as there are processors."""
    loops = [spawn(["/bin/sh", "-c", "while :; do :; done"], os.devnull)
             for _ in range(os.cpu_count() if wanted else 0)]
    try:
        yield
    finally:
        for loop in loops:
            end_process(loop)


def in_guest(config, rounds, node=NODE):
    """Rows of bench_tpm, and what the host counted, per command."""
    command = COMMAND.format(rounds=rounds, node=node)
    with Guest(device=config.device, driver=config.driver, kernel=config.kernel,
               files={"/bench_tpm": BENCH / "bench_tpm"}, command=command,
               timeout=300) as guest:
        guest.control.read_line(120)
        with busy_host(config.busy):
            before = look(guest)
            guest.control.write_line("go")
            guest.control.read_line(240)
            after = look(guest)
        guest.control.write_line("go")
        result = guest.wait()
    if result.status:
        raise GuestError(f"{config.title()}: {result.err.decode(errors='replace').strip()}")
    rows = [json.loads(line) for line in result.out.splitlines()]
    sent = sum(row["rounds"] for row in rows)
    return rows, {name: (after[name] - before[name]) / sent for name in after}


def alone(rounds):
    """The same program at swtpm's socket, here."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "data"
        swtpm = spawn(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={work}", "--server",
                       f"type=unixio,path={path}", "--flags", "startup-clear,not-need-init"],
                      os.devnull)
        try:
            end = time.monotonic() + 10
            while not path.exists() and time.monotonic() < end:
                time.sleep(0.01)
            result = subprocess.run([BENCH / "bench_tpm", str(rounds), path], check=True,
                                    stdout=subprocess.PIPE)
        finally:
            end_process(swtpm)
    return [json.loads(line) for line in result.stdout.splitlines()]


def table(title, head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}")
    for row in [head, *rows]:
        cells = (str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths)))
        print("  ".join(cells).rstrip())


def times(row):
    return [f"{row[column]:.0f}" for column in ("min", "p50", "p90", "p99")]


def engine(options):
    command = [BENCH / "bench_engine", "500" if options.quick else "10000"]
    say("engine: doorbells, completions, accesses")
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    print(result.stdout, end="")
    return result.stdout.splitlines()


def host(options):
    rounds = 300 if options.quick else 1000
    device = Config("tpm-tis-indexed,compat=off")
    say("host: swtpm alone, then a doorbell in a guest without a driver")
    first = alone(rounds)
    rung, _ = in_guest(device, rounds, "/dev/mem")
    again = alone(rounds)
    rows = []
    for one, bell, two in zip(first, rung, again):
        base = min(one["p50"], two["p50"])
        rows.append([one["command"], *times(one), *times(bell),
                     f"{bell['p50'] / base:.2f}"])
    table("host: microseconds, swtpm alone and doorbell to COMPLETED; ratio of p50",
          ["command", "min", "p50", "p90", "p99", "min", "p50", "p90", "p99", "ratio"], rows)
    return {"alone": [first, again], "doorbell": rung}


def guest(options):
    rounds = 150 if options.quick else 400
    done, todo = [], configs(options.quick)
    for number, config in enumerate(todo, 1):
        say(f"guest: {number} of {len(todo)}: {config.title()}")
        rows, counts = in_guest(config, rounds)
        done.append({**dataclasses.asdict(config), "title": config.title(),
                     "commands": rows, "per_command": counts})
    report_guest(done)
    return done


def stock_of(one, done):
    for other in done:
        if (other["device"], other["kernel"], other["busy"]) == \
                (one["stock"] or one["device"], one["kernel"], one["busy"]):
            return other
    return one


def report_guest(done):
    for one in done:
        stock = stock_of(one, done)
        table(f"{one['title']}: microseconds; p50 as part of {stock['device']}'s",
              ["command", "bytes", "min", "p50", "p90", "p99", "guest CPU", "part"],
              [[row["command"], row["bytes"], *times(row), f"{row['processor']:.0f}",
                f"1/{base['p50'] / row['p50']:.1f}"]
               for row, base in zip(one["commands"], stock["commands"])])
    table("per command: trapped reads, writes, within the write, wake-ups, host CPU in us",
          ["", "reads", "writes", "within", "wake-ups", "host CPU"],
          [[one["title"], *(f"{one['per_command'][name]:.1f}" if name in one["per_command"]
                            else "-" for name in ("mmio-reads", "mmio-writes",
                                                  "sync-completions", "wakeups", "host_us"))]
           for one in done])


def parse(argv):
    p = Parser("bench", description=__doc__, epilog=EPILOG)
    p.add_argument("--quick", action="store_true", help="fewer rounds and fewer guests")
    p.add_argument("--json", metavar="FILE", help="all that was measured, as JSON")
    p.add_argument("part", nargs="*", metavar="PART", type=one_of("part", PARTS),
                   help=f"{', '.join(PARTS)} (default: all)")
    return p.parse_args(argv)


def main(options):
    parts = list(dict.fromkeys(options.part)) or list(PARTS)
    script("bench.sh")
    if set(parts) - {"engine"}:
        build(["qemu", "driver", "guest"])
    begin = time.monotonic()
    try:
        found = {name: {"engine": engine, "host": host, "guest": guest}[name](options)
                 for name in parts}
        if options.json:
            Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    except (GuestError, OSError, subprocess.CalledProcessError) as error:
        say(f"bench: {error}")
        return 1
    say(f"measured in {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    import sys
    sys.exit(ending.guarded(lambda: main(parse(sys.argv[1:]))))
