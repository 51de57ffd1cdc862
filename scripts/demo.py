#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The experiment of 2011, repeated: a Linux guest uses its TPM with real tpm2-tools
while accesses to the TPM's registers are repeated, as a VMM does that suspends the
guest inside one. The same questions and the same number of repetitions for both devices
of a pair, a table at the end. Then the same for CRB, whose stock driver is as it was:
there it is CTRL_START that must not run twice.

Exit 0 where the project's devices show 0 wrong and 0 failed and the stock devices
show the fault."""

import argparse
import dataclasses
import json
import re
import sys
import textwrap
import threading

import ending
from console import Parser, number, say
from guest_boards import BOARDS, KERNELS, judge
from guest_machine import ROOT, Guest
from guest_peers import GuestError

WORKLOAD = ROOT / "guest/workload.sh"
KINDS = 7           # questions of a round in the workload, random bytes not counted
READY_S = 120
SECONDS_A_ROUND = 60


@dataclasses.dataclass
class Row:
    """What one guest saw."""
    title: str
    device: str
    driver: str
    replay: str = ""    # further properties of mmio-replay
    append: str = ""    # to the kernel's command line
    asked: int = 0
    replays: int = 0
    wrong: int = 0
    failed: int = 0
    right: int = 0
    messages: list = dataclasses.field(default_factory=list)
    errors: list = dataclasses.field(default_factory=list)
    commands: int = 0
    accesses: int = 0


# CTRL_START, when its command has completed. Of the CRB's other registers a repetition is
# harmless, or so late that it is a request of its own.
START = ("addr=0xfed40000,size=0x1000,reads=off,min-offset=0x4c,max-offset=0x4f,"
         "when=completed,done-addr=0x4c,done-mask=1,done-value=0")


@dataclasses.dataclass
class Experiment:
    """The stock device and the project's, the same repetitions."""
    repeated: str
    rows: tuple             # arguments of Row: the stock device, the project's
    silent: bool            # the stock device has to give wrong answers, not only errors
    rate: int               # of a million accesses, to begin with
    shorter: int = 1        # so many times fewer rounds
    fewer: int = 1          # and so many times fewer repetitions


EXPERIMENTS = (
    Experiment("any, at once", (
        ("tpm-tis, tpm_tis (stock)", "tpm-tis", "stock"),
        ("tpm-tis-indexed, tpmix", "tpm-tis-indexed,compat=off", "indexed"),
    ), silent=True, rate=2000),
    Experiment("START, late", (
        ("tpm-crb, tpm_crb (stock)", "tpm-crb", "stock", START),
        ("tpm-crb-ext, tpm_crb (stock)", "tpm-crb-ext", "stock", START),
    ), silent=False, rate=200000, shorter=5, fewer=8),
)


# Neither tpm-crb nor a kernel with tpm_tis: the FIFO is that of our device, by our driver.
VIRT_EXPERIMENTS = (
    Experiment("any, at once", (
        ("FIFO of the same, tpmix", "tpm-tis-indexed,compat=off", "indexed", "",
         "tpmix.door=fifo"),
        ("tpm-tis-indexed, tpmix", "tpm-tis-indexed,compat=off", "indexed"),
    ), silent=True, rate=2000),
)


def given_randoms(log):
    """All 32-byte answers to GetRandom that the TPM gave out, from swtpm's log."""
    given = set()
    for answer in re.findall(r"SWTPM_IO_Write: length 44\n((?: [0-9A-F ]+\n)+)", log):
        data = bytes.fromhex(answer)
        if data[:12] == bytes.fromhex("80010000002C000000000020"):
            given.add(data[12:44].hex())
    return given


def count_commands(log):
    return len(re.findall(r"SWTPM_IO_Read: length", log))


class Watcher:
    """Takes the workload's lines as they come, and shows that they come."""

    def __init__(self, row, total):
        self.row, self.total = row, total
        self.rest = b""
        self.randoms = []
        self.done = False

    def write(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.take(line.decode(errors="replace"))
        return len(data)

    def flush(self):
        pass

    def take(self, line):
        row = self.row
        if line == "done":
            self.done = True
            return
        if line.startswith("message "):
            row.messages.append(line[8:])
            return
        kind, result, *text = line.split(" ", 2)
        row.asked += 1
        if result == "given":
            self.randoms.append(text[0])
        elif result == "right":
            row.right += 1
        elif result == "wrong":
            row.wrong += 1
        else:
            row.failed += 1
            row.errors.append(f"{kind}: {' '.join(text)}")
        if sys.stderr.isatty():
            sys.stderr.write(f"\r    {row.title}: {row.asked} of {self.total}")
            sys.stderr.flush()


class Injection:
    """Repeats accesses of a guest until so many have been, spread over its questions: the
    rate follows from how many accesses these have taken. Which accesses is by chance; how
    many is not."""

    LOOK_S = 0.03
    SPREAD = 0.8    # of the questions: then all of them have been
    MOST = 500000   # of a million accesses

    def __init__(self, guest, wanted, rate, far):
        """wanted: how many; None: as the rate has it, of a million accesses.
        far: a function, the share of the questions that was answered."""
        self.guest, self.wanted, self.rate, self.far = guest, wanted, rate, far
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def get(self, *names):
        return sum(self.guest.qmp.execute("qom-get", path="/machine/peripheral/replay",
                                          property=name) for name in names)

    def set(self, name, value):
        self.guest.qmp.execute("qom-set", path="/machine/peripheral/replay", property=name,
                               value=value)

    def done(self):
        """They are counted one after the other, while one that is pending becomes replayed:
        twice the same is right."""
        last, now = None, self.get("replayed-reads", "replayed-writes", "pending")
        while last != now:
            last, now = now, self.get("replayed-reads", "replayed-writes", "pending")
        return now

    def begin(self):
        self.set("reset-counters", True)
        self.set("rate", self.rate)
        self.set("enabled", True)
        if self.wanted is not None:
            self.thread.start()

    def end(self):
        self.ended.set()
        if self.wanted is not None:
            self.thread.join()
        if self.error:
            raise self.error

    def _run(self):
        try:
            self._inject()
        except GuestError as error:
            self.error = error

    def _inject(self):
        few = 4 + self.wanted // 10     # the last ones, one by one
        while not self.ended.wait(self.LOOK_S):
            left = self.wanted - self.done()
            if left <= few:
                break
            far = self.far()
            if far:
                to_come = self.get("selected") / far * max(self.SPREAD - far, 0.05)
                self.rate = min(self.MOST, int(1e6 * left / (to_come + 1)))
                self.set("rate", self.rate)
        self.set("rate", 0)
        before, nth = self.get("selected"), 0
        while not self.ended.wait(self.LOOK_S):
            # In this order: what was selected by then has been counted.
            selected, done = self.get("selected"), self.done()
            if done >= self.wanted:
                return
            if selected >= nth:
                # One that is still to come when QEMU hears of it.
                nth = selected + 1 + (selected - before) // 8
                self.set("nth", nth)
            before = selected


def run_row(row, options):
    say(f"{row.title}: booting")
    total = options.rounds * (KINDS - 1) * 2
    watcher = Watcher(row, total)
    injection = f"seed={options.seed},enabled=off"
    if row.replay:
        injection += f",{row.replay}"
    with Guest(device=row.device, driver=row.driver, kernel=options.kernel,
               machine=options.machine, accel=options.accel, qemu=options.qemu, replay=injection,
               append=row.append,
               command=f"sh /workload.sh {options.rounds}",
               files={"workload.sh": WORKLOAD}, stdout=watcher, swtpm_log=20,
               timeout=READY_S + SECONDS_A_ROUND * options.rounds) as guest:
        try:
            guest.control.read_line(READY_S)
        except GuestError as error:
            raise GuestError(f"{row.title}: the workload did not start "
                             f"({error}): see {guest.log}") from None
        before = count_commands(guest.swtpm.log_path.read_text())
        injection = Injection(guest, options.repetitions, options.rate,
                              lambda: row.asked / total)
        injection.begin()
        print(f"    {row.title}: {total} questions", file=sys.stderr, flush=True)
        guest.control.write_line("go")
        guest.control.read_line(SECONDS_A_ROUND * options.rounds)
        injection.end()
        row.replays = injection.get("replayed-reads", "replayed-writes")
        row.accesses = injection.get("accesses")
        log = guest.swtpm.log_path.read_text()
        row.commands = count_commands(log) - before
        injection.set("enabled", False)
        guest.control.write_line("end")
        result = guest.wait()
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    if result.status or not watcher.done or row.asked != total:
        raise GuestError(f"{row.title}: the workload ended early: "
                         f"{result.err.decode(errors='replace').strip()}")
    given = given_randoms(log)
    for random in watcher.randoms:
        if random in given:
            row.right += 1
        else:
            row.wrong += 1
    return row


def run_experiment(experiment, options):
    options = argparse.Namespace(**vars(options))
    options.rounds = max(1, options.rounds // experiment.shorter)
    options.repetitions = max(1, options.repetitions // experiment.fewer)
    options.rate = experiment.rate
    return [run_row(Row(*row), options) for row in experiment.rows]


def table(results):
    """results: pairs of an Experiment and its rows. As wide as a terminal of old."""
    head = ("device, driver", "repeated", "asked", "repeats", "right", "wrong", "failed")
    lines = [head] + [
        (r.title, experiment.repeated, r.asked, r.replays, r.right, r.wrong, r.failed)
        for experiment, rows in results for r in rows]
    width = [max(len(str(line[i])) for line in lines) for i in range(len(head))]
    for line in lines:
        print(" ".join(str(cell).ljust(w) if i < 2 else str(cell).rjust(w)
                       for i, (cell, w) in enumerate(zip(line, width))))
    print()
    for row in (row for _, rows in results for row in rows):
        print(f"{row.device.partition(',')[0]}: {row.commands} TPM commands, "
              f"{row.accesses} accesses, {len(row.messages)} messages of the driver")
        for text in (row.messages + row.errors)[:3]:
            print("   ", textwrap.shorten(text, 75, placeholder=" ..."))


def verdict(experiment, rows):
    """One line, and the exit status."""
    stock, ours = rows
    theirs_name, our_name = (row.title.partition(",")[0] for row in rows)
    if not ours.replays or not stock.replays:
        return "no access was repeated: raise --rounds or --repetitions", 1
    if ours.replays != stock.replays:
        return (f"{theirs_name} got {stock.replays} repetitions and {our_name} "
                f"{ours.replays}: raise --rounds, or lower --repetitions"), 1
    if ours.wrong or ours.failed:
        return f"{our_name} FAILED: see the row", 1
    if not stock.wrong and (experiment.silent or not stock.failed):
        return (f"{theirs_name} shows no {'wrong answer' if experiment.silent else 'fault'}, "
                "so that this run shows nothing: raise --rounds or change --seed"), 1
    silent = f"{stock.wrong} wrong answers that nobody noticed and " if stock.wrong else ""
    return (f"{theirs_name} gave {silent}{stock.failed} errors; {our_name} none"
            f"{' of either' if silent else ''}."), 0


def parse(argv):
    p = Parser("demo", description=__doc__, epilog="QEMU=PATH in the environment is used "
               "in place of the one built here.")
    p.add_argument("--rounds", type=number(1), default=15, metavar="N",
                   help="of 12 questions (default %(default)s)")
    p.add_argument("--repetitions", type=number(5), default=180, metavar="N",
                   help="for each device; an eighth for CRB, with a fifth of the rounds "
                   "(default %(default)s)")
    p.add_argument("--seed", type=number(0), default=2011, metavar="N",
                   help="of the repetitions (default %(default)s)")
    p.add_argument("--machine", choices=tuple(BOARDS), default="q35",
                   help="(default %(default)s; QEMU has tpm-crb for PCs only, and Debian no "
                   "tpm_tis for the others: there it is our driver's FIFO beside its windows)")
    p.add_argument("--kernel", choices=KERNELS,
                   help="(default 6.1; of virt-arm and virt-riscv 6.12)")
    p.add_argument("--accel", choices=("tcg", "kvm"), default="tcg")
    p.add_argument("--qemu", choices=("own", "system"), default="own")
    p.add_argument("--json", metavar="FILE", help="write the rows there as well")
    options = p.parse_args(argv)
    judge(p, options)
    return options


def main(options):
    try:
        virt = BOARDS[options.machine].build == "virt"
        results = [(e, run_experiment(e, options))
                   for e in (VIRT_EXPERIMENTS if virt else EXPERIMENTS)]
    except GuestError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    rows = [row for _, pair in results for row in pair]
    print()
    table(results)
    verdicts = [verdict(*result) for result in results]
    print()
    for text, _ in verdicts:
        print(textwrap.fill(text, 79))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([dataclasses.asdict(row) for row in rows], file, indent=1)
    return max(status for _, status in verdicts)


if __name__ == "__main__":
    sys.exit(ending.guarded(lambda: main(parse(sys.argv[1:]))))
