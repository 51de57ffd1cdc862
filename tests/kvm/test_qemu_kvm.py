#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""QEMU under KVM, a ROM that asks the TPM the same over and over, and a host that
stops, inspects and migrates it at random moments. TAP.

rom.c is the guest, shim.c takes QEMU's drain of a pending MMIO read away, which is
the positive control: the FIFO door must then give wrong responses, the other doors
must not, and without the shim none may. README.md has the numbers.

    test_qemu_kvm.py [--cycles N] [--migrations N] [--only TEXT] [ROM SHIM]
"""

import argparse
import mmap
import os
import random
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from guest_peers import GuestError, Qmp, Swtpm, last_line, spawn  # noqa: E402

HERE = ROOT / "build/host/tests/kvm"
QEMU = os.environ.get("QEMU", str(ROOT / "build/qemu/obj/qemu-system-x86_64"))

RAM_SIZE = 16 << 20
ROM_OPTIONS = 0xFF00
ROM_REPORT = 0x100000
ROM_MAGIC = 0x524D5054
RESPONSE_MIN = 300  # TPM2_GetCapability's; an error's would be short
Report = namedtuple("Report", "magic door loops mismatches rereads timeouts size "
                              "wrong_at wrong_size ext page cmd rsp header")


class Counters(namedtuple("Counters", "runs pending pending_fifo pending_buffer set_pending")):
    @property
    def pending_data(self):
        return self.pending_fifo + self.pending_buffer


# option: rom.h's door and locality. Then what must come of a host that makes each read
# run again; leaves it pending and writes the registers back; leaves it pending and
# migrates. None: no such read, nothing there makes an exit but writes.
Way = namedtuple("Way", "device door option rewind inspect migrate")
STOCK = ("tpm-tis", "tpm-crb")
WAYS = [
    Way("tpm-tis", "fifo", (0, 0), "wrong", "wrong", "wrong"),
    Way("tpm-crb", "crb", (2, 0), "right", "wrong", "right"),
    Way("tpm-tis-indexed", "fifo", (0, 0), "wrong", "wrong", "wrong"),
    Way("tpm-tis-indexed", "indexed", (1, 0), "right", "mended", "right"),
    Way("tpm-tis-indexed", "windows", (3, 0), None, None, None),
    Way("tpm-crb-ext", "crb", (2, 0), None, None, None),
    Way("tpm-crb-ext", "crb in locality 1", (2, 1), "right", "lost", "right"),
    Way("tpm-crb-ext", "indexed", (1, 0), "right", "mended", "right"),
    Way("tpm-crb-ext", "windows", (3, 0), None, None, None),
]

START_S = 8
MOVE_S = 8
SETTLE_S = 8
PARK_TRIES = 400
DEADLINE_S = 90  # for all cases; one that does not get its turn has failed


class Shared:
    """A file of 32-bit words that another process writes."""

    def __init__(self, path, size):
        with open(path, "ab") as file:
            file.truncate(size)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), size)

    def words(self, kind, at=0):
        return kind(*struct.unpack_from(f"<{len(kind._fields)}I", self.map, at))


class Machine:
    """One QEMU with a swtpm of its own; ends with its with block."""

    def __init__(self, options, way, how, incoming=None):
        self.dir = Path(tempfile.mkdtemp(prefix="tpmix-kvm-"))
        self.swtpm = self.process = self.sock = None
        try:
            self._start(options, way, how, incoming)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _start(self, options, way, how, incoming):
        image = bytearray(Path(options.rom).read_bytes())
        image[ROM_OPTIONS:ROM_OPTIONS + 2] = way.option
        (self.dir / "rom.bin").write_bytes(image)
        self.device = way.device
        self.ram = Shared(self.dir / "ram", RAM_SIZE)
        self.shim = Shared(self.dir / "counters", 4096)
        self.log = self.dir / "qemu.log"
        self.swtpm = Swtpm(self.dir)
        self.sock, theirs = socket.socketpair()
        with theirs:
            args = self._command_line(way.device, theirs.fileno(), incoming)
            if how:
                args = ["env", f"LD_PRELOAD={options.shim.resolve()}", f"TPMIX_SHIM={how}",
                        f"TPMIX_SHIM_COUNTERS={self.dir}/counters", *args]
            self.process = spawn(args, self.log, fds=[theirs.fileno()])
        self.qmp = Qmp(self.sock)
        try:
            self.qmp.lines.read_line(START_S)
            self.qmp.execute("qmp_capabilities", timeout=START_S)
        except GuestError as error:
            raise GuestError(f"{error}: {self.log.read_text(errors='replace')}") from None

    def _command_line(self, device, qmp_fd, incoming):
        args = [QEMU, "-machine", "q35,memory-backend=ram", "-accel", "kvm",
                "-cpu", "host,-arch-capabilities", "-nodefaults", "-no-user-config",
                "-display", "none", "-no-reboot", "-m", "16M",
                "-object", f"memory-backend-file,id=ram,size={RAM_SIZE},share=on,"
                           f"mem-path={self.dir}/ram",
                "-bios", self.dir / "rom.bin",
                "-chardev", f"socket,id=chrtpm,path={self.swtpm.path}",
                "-tpmdev", "emulator,id=tpm0,chardev=chrtpm",
                "-device", f"{device},tpmdev=tpm0,id=tpm",
                "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control"]
        return args + (["-incoming", incoming] if incoming else [])

    def report(self):
        return self.ram.words(Report, ROM_REPORT)

    def counters(self):
        return self.shim.words(Counters)

    def reads(self):
        """Reads of the device that QEMU was asked for, where it counts them."""
        if self.device in STOCK:
            return 0
        return self.qmp.execute("qom-get", path="/machine/peripheral/tpm",
                                property="mmio-reads")

    def wait(self, what, done, seconds):
        deadline = time.monotonic() + seconds
        while not done():
            if self.process.poll() is not None:
                raise GuestError(f"QEMU ended: {last_line(self.log)}")
            if time.monotonic() > deadline:
                raise GuestError(f"{what} not within {seconds} s: {self.report()}, "
                                 f"QEMU: {last_line(self.log)}")
            time.sleep(0.002)

    def wait_loops(self, more):
        target = self.report().loops + more
        self.wait(f"{more} more responses", lambda: self.report().loops >= target, SETTLE_S)

    def wait_boot(self):
        self.wait("the first response", lambda: self.report().magic == ROM_MAGIC, START_S)
        self.wait_loops(1)

    def migrate(self, path):
        self.qmp.execute("migrate", uri=f"file:{path}")
        self._wait_migration("completed")

    def _wait_migration(self, status):
        def done():
            info = self.qmp.execute("query-migrate")
            if info.get("status") in ("failed", "cancelled"):
                raise GuestError(f"migration {info['status']}: {info.get('error-desc')}, "
                                 f"QEMU: {last_line(self.log)}")
            return info.get("status") == status
        self.wait("migration", done, MOVE_S)

    def wait_moved(self):
        """Incoming: until all is there and the vCPU runs."""
        self.wait("the moved VM", lambda: self.qmp.execute("query-status")["status"]
                  in ("running", "paused"), MOVE_S)
        self.qmp.execute("cont")

    def stop(self):
        """Nothing of it is to be kept, so QEMU need not end in order."""
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.swtpm:
            self.swtpm.stop()
        if self.sock:
            self.sock.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Total:
    """What came of one run, over all its machines."""

    def __init__(self):
        self.events = self.loops = self.wrong = self.rereads = self.timeouts = self.size = 0
        self.pending = self.pending_data = self.reads = 0

    def add_counters(self, counters):
        self.pending += counters.pending
        self.pending_data += counters.pending_data

    def set_report(self, report):
        """The report lies in the guest's RAM and migrates: the last one has all."""
        self.loops, self.wrong = report.loops, report.mismatches
        self.rereads, self.timeouts = report.rereads, report.timeouts
        self.size = report.size

    def __str__(self):
        shim = (f"; drains taken away {self.pending}, {self.pending_data} of response bytes"
                if self.pending else "")
        return (f"{self.events} stops, {self.loops} responses, {self.wrong} wrong, "
                f"{self.rereads} read again, {self.timeouts} timeouts, {self.reads} reads "
                f"by exits{shim}")


def shown(vm, way, want):
    """False where by chance no stop met a read, or none of a control went wrong."""
    return not way.rewind or (vm.counters().pending_data > 0 and
                              (want != "wrong" or vm.report().mismatches > 0))


def shake(options, way, how, want, inspect, count):
    """stop, look, cont at random moments; up to five times as long where the shim has
    not shown anything yet."""
    total, rng = Total(), random.Random(options.seed)
    with Machine(options, way, how) as vm:
        vm.wait_boot()
        before = vm.reads()
        while total.events < count or (total.events < 5 * count and how
                                       and not shown(vm, way, want)):
            time.sleep(rng.random() * 0.003)
            vm.qmp.execute("stop")
            if inspect:
                # Reads the registers, and has them written back at cont.
                vm.qmp.hmp("info registers")
            vm.qmp.execute("cont")
            total.events += 1
        vm.wait_loops(2)
        total.reads = vm.reads() - before
        total.set_report(vm.report())
        total.add_counters(vm.counters())
    return total


def park(vm, rng):
    """Stops at random moments until the read of a response byte is pending."""
    for _ in range(PARK_TRIES):
        before = vm.counters().pending_data
        time.sleep(rng.random() * 0.003)
        vm.qmp.execute("stop")
        if vm.counters().pending_data > before:
            return
        vm.qmp.execute("cont")
    raise GuestError(f"no pending read in {PARK_TRIES} stops")


def move(options, way, how, _, count):
    """To a file and on in a new QEMU with a new swtpm, again and again: running,
    or with the shim parked at a pending read, or stopped anywhere."""
    total, rng = Total(), random.Random(options.seed)
    vm = Machine(options, way, how)
    try:
        vm.wait_boot()
        before = vm.reads()
        for _ in range(count):
            if how and way.migrate:
                park(vm, rng)
            else:
                time.sleep(rng.random() * 0.01)
                if how:
                    vm.qmp.execute("stop")
            state = vm.dir / "state"
            vm.migrate(state)
            total.reads += vm.reads() - before
            total.add_counters(vm.counters())
            new = Machine(options, way, how, incoming=f"file:{state}")
            vm.stop()
            vm, before = new, 0
            vm.wait_moved()
            vm.wait_loops(2)
            total.events += 1
        total.set_report(vm.report())
    finally:
        vm.stop()
    return total


Case = namedtuple("Case", "name way how want run")


def make_cases(options):
    """want: what must come of it. "right": no wrong response, nothing read again;
    "wrong": a positive control; "mended": none wrong, thanks to the checksum; "lost":
    the register is what goes wrong, and no checksum shows it: counted only."""
    cases = []

    def add(title, way, how, want, run, *args):
        want = want or "right"
        cases.append(Case(f"{title}, {way.device}, {way.door} door: {want}", way, how,
                          want, lambda: run(options, way, how, want, *args)))

    stops, moves = options.cycles, options.migrations
    for way in WAYS:
        if way.rewind:
            add("stop and inspect", way, None, None, shake, True, stops)
        # Three cases a way, or two for as long.
        add("stop and inspect, read runs again", way, "rewind", way.rewind, shake, True,
            stops)
        add("stop and inspect, read stays pending", way, "drop", way.inspect, shake, True,
            stops if way.rewind else 2 * stops)
        add("migrate", way, None, None, move, moves)
        add("migrate, read stays pending", way, "drop", way.migrate, move, moves)
    add("stop, read stays pending", WAYS[0], "drop", None, shake, False, stops)
    return cases


def verdict(case, total):
    """What is wrong with it, or None."""
    if total.timeouts:
        return "the guest waited in vain"
    if total.size < RESPONSE_MIN:
        return f"the TPM answers with {total.size} bytes"
    if not case.way.rewind and total.pending + total.reads:
        return "a read made an exit"
    if case.how and case.way.rewind and not total.pending_data:
        return "no stop met a read of the response"
    if case.want == "wrong":
        return None if total.wrong else "the control shows no fault"
    if total.wrong and case.want != "lost":
        return "wrong responses"
    if case.want == "right" and total.rereads:
        return "a response had to be read again"
    return None


def skip_reason():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "no /dev/kvm"
    if not os.access(QEMU, os.X_OK):
        return f"no {QEMU}"
    if not shutil.which("swtpm"):
        return "no swtpm"
    return None


def run_case(case, deadline):
    """Returns (what is wrong or None, text)."""
    if time.monotonic() > deadline:
        return "no time left", ""
    begin = time.monotonic()
    try:
        total = case.run()
    except GuestError as error:
        return "the VM failed", str(error)
    return verdict(case, total), f"{total}, {time.monotonic() - begin:.1f} s"


def parse():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("rom", nargs="?", type=Path, default=HERE / "rom.bin")
    parser.add_argument("shim", nargs="?", type=Path, default=HERE / "shim.so")
    parser.add_argument("--cycles", type=int, default=170)
    parser.add_argument("--migrations", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=DEADLINE_S)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    return parser.parse_args()


def main():
    options = parse()
    cases = [case for case in make_cases(options) if options.only in case.name]
    reason, failed = skip_reason(), 0
    deadline = time.monotonic() + options.seconds
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        if reason:
            print(f"ok {number} - {case.name} # SKIP {reason}")
            continue
        bad, text = run_case(case, deadline)
        failed += bad is not None
        print(f"{'not ok' if bad else 'ok'} {number} - {case.name}"
              f"{f' ({bad})' if bad else ''}")
        print("".join(f"# {line}\n" for line in text.splitlines()), end="", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    for signal_number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
