# SPDX-License-Identifier: BSD-2-Clause
"""The experiment of the mail of 2011 ("Errors on MMIO read access on VM suspend / resume
operations", kvm list, 11 January 2011): a Linux guest generates keys without end and shows each
response, the host suspends and resumes it every 6 seconds and looks at the device's state.
Machines are stopped and continued over QMP, which is what libvirt's suspend and resume do.

As then: mmio-replay runs an access of the kind that is named once more at each resume, as KVM
ran the read that was pending: which of the next ones it is, is by chance, of the FIFO one of as
many as a response has bytes. The key is a primary key of the same seeds, so that each response
has to be the same, but for its handle."""

import collections
import random
import re
import struct
import subprocess
import time

from guest_machine import Guest
from guest_peers import GuestError

import ending

from . import figures, tree
from .model import Figure, Missing, Section, Table, Text, number
from .results import Runs

NAME = "experiment"
TITLE = "The experiment of 2011"
SECONDS = (240, 60)
NEEDS = ["qemu", "driver", "guest"]
TIMED = True
FILES = ("engine/", "hw/", "qemu/", "linux-driver/", "guest/", "scripts/guest_*.py",
         "tests/eval/keys.c")
EVERY_S, LONG_S = 6.0, 180
QUICK_EVERY_S, QUICK_LONG_S = 0.5, 20
MAIL = "https://www.spinics.net/lists/kvm/msg48274.html"

FEW = 8
TIS, CRB, EXT = (0x24, 0x27), (0x80, 0xFFF), (0x100, 0xEFF)
Row = collections.namedtuple("Row", "title device driver replayed range reads append quick",
                             defaults=(False,))
ROWS = [
    Row("tpm-tis, tpm_tis", "tpm-tis", "stock", "nothing", None, True, "", True),
    Row("tpm-tis, tpm_tis", "tpm-tis", "stock", "a read of DATA_FIFO", TIS, True, "",
        True),
    Row("tpm-crb, tpm_crb", "tpm-crb", "stock", "a read of the buffer", CRB, True, ""),
    Row("tpm-crb, tpm_crb", "tpm-crb", "stock", "CTRL_START", (0x4C, 0x4F), False, ""),
    Row("tpm-tis-indexed, tpmix, trapped", "tpm-tis-indexed,compat=off", "indexed",
        "a read of the window", EXT, True, "tpmix.door=indexed"),
    Row("tpm-tis-indexed, tpmix", "tpm-tis-indexed,compat=off", "indexed", "any access",
        (0, 0xAFFF), None, "", True),
    Row("tpm-crb-ext, tpm_crb", "tpm-crb-ext", "stock", "any access", (0, 0xAFFF), None, "",
        True),
    Row("tpm-crb-ext, tpmix", "tpm-crb-ext,compat=off", "indexed", "any access", (0, 0xAFFF),
        None, ""),
]

GUEST = r"""
cp /keys /tmp/keys && chmod +x /tmp/keys
exec 5<>"$TPMIX_CONTROL"
echo ready >&5; read -r _ <&5
exec /tmp/keys /dev/$(ls /sys/class/tpm | tail -n 1) /key >&5
"""


def create_primary():
    """A P-256 storage key of the owner's hierarchy, by an empty password."""
    public = struct.pack(">HHIHHHHHHHHH", 0x0023, 0x000B, 0x00030472, 0, 0x0006, 0x0080, 0x0043,
                         0x0010, 0x0003, 0x0010, 0, 0)
    session = struct.pack(">IHBH", 0x40000009, 0, 0, 0)
    body = struct.pack(">II", 0x40000001, len(session)) + session + \
        struct.pack(">HHH", 4, 0, 0) + struct.pack(">H", len(public)) + public + \
        struct.pack(">HI", 0, 0)
    return struct.pack(">HII", 0x8002, 10 + len(body), 0x131) + body


def built():
    """tests/eval/keys.c, for any guest."""
    program = tree.BUILD / "eval/keys"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", program,
                    tree.ROOT / "tests/eval/keys.c"], check=True)
    return program


def judged(key, wanted):
    """What became of a response: "right", "error", or how it is wrong."""
    if not key:
        return "error"
    if len(key) < 10 or key[6:10] != bytes(4):
        return "a TPM's error"
    key, wanted = (one[:10] + one[14:] for one in (key, wanted))
    if key == wanted:
        return "right"
    at = next((i for i, (a, b) in enumerate(zip(key, wanted)) if a != b), min(len(key),
                                                                            len(wanted)))
    if key[at:-1] == wanted[at + 1:]:
        return f"a byte missing, {key[-1]:#04x} at the end"
    if key[at + 1:] == wanted[at:-1]:
        return "a byte twice"
    return "other bytes"


class Suspender:
    """One guest, its keys, and what the host does to it."""

    def __init__(self, row, every, long):
        self.row, self.every, self.long = row, every, long
        self.keys, self.states = [], []
        self.replayed = self.stops = 0
        self.chance = random.Random(2011)

    def property(self, name):
        return self.guest.qmp.execute("qom-get", path="/machine/peripheral/replay",
                                      property=name)

    def memory(self, offset, width):
        said = self.guest.qmp.hmp(f"xp /1x{width} {0xFED40000 + offset:#x}")
        return int(said.split(":")[1], 16)

    def state(self):
        """The device's, as its registers tell: what the mail dumped at the suspend."""
        if "tis" in self.row.device:
            sts = self.memory(0x18, "w")
            return {"access": self.memory(0, "b"), "sts": sts & 0xFF,
                    "left": sts >> 8 & 0xFFFF}
        return {"start": self.memory(0x4C, "w"), "status": self.memory(0x44, "w")}

    def suspend(self):
        """As then: where it is stopped, the next access will be run twice."""
        self.guest.qmp.execute("stop")
        self.stops += 1
        self.states.append(self.state())
        if self.row.range:
            self.guest.qmp.execute("qom-set", path="/machine/peripheral/replay",
                                   property="nth", value=self.property("selected") +
                                   self.chance.randint(1, self.spread))
        self.guest.qmp.execute("cont")

    def read(self, until):
        while (left := until - time.monotonic()) > 0:
            try:
                line = self.guest.control.read_line(left)
            except GuestError:
                if self.guest.process.poll() is not None:
                    raise
                return
            self.keys.append(bytes.fromhex(line.partition(" ")[2]))

    def run(self):
        row = self.row
        replay = None
        if row.range:
            kinds = {True: ",writes=off", False: ",reads=off", None: ""}[row.reads]
            replay = (f"addr=0xfed40000,size=0xb000,min-offset={row.range[0]},"
                      f"max-offset={row.range[1]}{kinds}")
        files = {"key": create_primary(), "keys": tree.BUILD / "eval/keys"}
        with Guest(device=row.device, driver=row.driver, replay=replay, command=GUEST,
                   files=files, append=row.append, timeout=600) as self.guest:
            self.guest.control.read_line(240)
            self.guest.control.write_line("go")
            begin = time.monotonic()
            while len(self.keys) < 3:
                self.read(time.monotonic() + 1)
                if time.monotonic() - begin > 120:
                    raise GuestError(f"{row.title}: no key within 120 s: see {self.guest.log}")
            wanted = collections.Counter(key[:10] + key[14:] for key in self.keys).most_common(1)
            first = next(key for key in self.keys if key[:10] + key[14:] == wanted[0][0])
            self.spread = len(first) if row.range == TIS else FEW
            begin = time.monotonic()
            for number_of in range(1, int(self.long / self.every) + 1):
                self.read(begin + number_of * self.every)
                self.suspend()
            self.read(time.monotonic() + 2)
            if row.range:
                self.replayed = self.property("replayed-reads") + \
                    self.property("replayed-writes")
            results = collections.Counter(judged(key, first) for key in self.keys)
            self.guest.good = True
        # Neither all of a key's response, nor of a flush's, 10 bytes.
        left = [state["left"] for state in self.states if "left" in state and
                state["sts"] & 0x10 and state["left"] not in (0, 10, len(first))]
        return {"title": row.title, "replayed": row.replayed, "stops": self.stops,
                "repeats": self.replayed, "keys": len(self.keys), "bytes": len(first),
                "in_the_middle": len(left), "results": dict(results),
                "states": self.states[:40]}


def measure(quick):
    built()
    every, long = (QUICK_EVERY_S, QUICK_LONG_S) if quick else (EVERY_S, LONG_S)
    some = [row for row in ROWS if row.quick or not quick]
    # All at once: each is compared to itself.
    with ending.Pool(len(some)) as pool:
        rows = list(pool.map(lambda row: Suspender(row, every, long).run(), some))
    runs = Runs()
    return {"rows": rows, "every": every, "seconds": long,
            "kvm": {"date": runs.date("kvm/qemu_kvm"),
                    "tests": runs.tests("kvm/qemu_kvm")}}


def wrong(row):
    """(right, wrong and accepted, errors)"""
    results = row["results"]
    errors = results.get("error", 0) + results.get("a TPM's error", 0)
    return (results.get("right", 0), row["keys"] - results.get("right", 0) - errors, errors)


def kvm_blocks(kvm):
    ran = [test for test in kvm["tests"] if test[1] != "skipped"]
    if not ran:
        why = kvm["tests"][0][2] if kvm["tests"] else \
            "the suite kvm has not been run in this checkout"
        why = re.sub("^skip ", "", why, flags=re.I)
        yield Missing("QEMU under KVM with the shim that takes away what QEMU does since 2011 "
                      "(a ROM guest; `tests/kvm/shim.c`)", f"not run here: {why}")
        return
    yield Table("QEMU under KVM, with the shim that gives it its behaviour of before 2011, and "
                "without", ["case", "", ""],
                [[title, result, why] for title, result, why in ran],
                "./run test kvm", f"Run {kvm['date']}; tests/kvm/README.md explains the cases.")


def section(data):
    rows = []
    for row in data["rows"]:
        right, bad, errors = wrong(row)
        how = "; ".join(f"{count} {what}" for what, count in sorted(row["results"].items())
                        if what not in ("right", "error"))
        rows.append([row["title"], row["replayed"], str(row["stops"]), str(row["repeats"]),
                     number(row["keys"]), number(right), str(bad), str(errors), how])
    stock = next(row for row in data["rows"] if row["replayed"] == "a read of DATA_FIFO")
    today = next(row for row in data["rows"] if row["replayed"] == "nothing")
    right, bad, errors = wrong(stock)
    ours = [wrong(row) for row in data["rows"] if "indexed" in row["title"] or
            "ext" in row["title"]]
    labels = [f"{row['title']}\n{row['replayed']}" for row in data["rows"]]
    series = [("wrong and accepted", [wrong(row)[1] for row in data["rows"]]),
              ("errors", [wrong(row)[2] for row in data["rows"]])]
    blocks = [
        Text(f"As in the [mail of 2011]({MAIL}): a guest generates keys without end, each "
             f"response is shown and compared, and the host suspends and resumes it every "
             f"{data['every']:g} s, {data['seconds']:g} s long, looking at the device's state "
             "while it stands. All machines at once; a plain QEMU, stopped and continued over "
             "QMP, as libvirt's suspend and resume do."),
        Text("The mail saw two kinds of results: the response was right, or it had a byte "
             "missing and one more at the end; where the suspend fell into the first ten bytes, "
             "the driver complained that there was less to read than it expected."),
        Text(f"Today's QEMU completes the read before it stops: {today['stops']} suspends, "
             f"{today['in_the_middle']} of them in the middle of a response that was being read, "
             f"{wrong(today)[1]} wrong of {number(today['keys'])}. Where the read runs once "
             f"more, as then, stock tpm-tis gave {bad} wrong keys that nobody noticed and "
             f"{errors} errors in {stock['repeats']} repetitions; the project's devices, "
             f"{sum(row['repeats'] for row in data['rows'] if 'indexed' in row['title'] or 'ext' in row['title'])} "
             f"repetitions, {sum(one[1] for one in ours)} wrong and "
             f"{sum(one[2] for one in ours)} errors."),
        Figure("experiment", "Keys that were not right", "Bars: wrong keys and errors of each "
               "machine", "./run eval experiment",
               figures.bars("experiment", labels, series, "keys")),
        Table("Each machine", ["device, driver", "run once more at a resume", "suspends",
                               "repeated", "keys", "right", "wrong", "errors", "how wrong"],
              rows, "./run eval experiment"),
        *kvm_blocks(data["kvm"]),
    ]
    return Section(NAME, TITLE, blocks)


def depends():
    """What the suite kvm said last."""
    run = Runs().runs.get("kvm/qemu_kvm")
    yield run["date"] if run else ""


