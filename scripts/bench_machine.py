# SPDX-License-Identifier: BSD-2-Clause
"""The machines of ./run bench: a guest that stays up and answers requests (bench_tpm in
it), and what the host counts beside it. Several stand by at a time; one that is not asked
is stopped, so that it takes nothing from the one that is."""

import collections
import contextlib
import dataclasses
import functools
import json
import mmap
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from guest_machine import BUILD, Guest
from guest_peers import GuestError, end_process, spawn

BENCH = BUILD / "bench"
SWTPM = Path(__file__).resolve().parent / "bench_swtpm.sh"
# Of a machine without a driver it is /dev/mem.
NODE = "/dev/$(ls /sys/class/tpm | tail -n 1)"
BOOT_S, ANSWER_S = 240, 120
BOOTS = 2  # at a time

# The places of tests/bench/commands.h.
NAMES = ("GetRandom", "PCR_Read", "PCR_Extend", "GetCap handles", "GetCap properties",
         "GetCap commands", "CreatePrimary P-256", "CreatePrimary RSA", "1 KiB", "3968 B",
         "4 KiB", "8 KiB", "16 KiB", "Clear")
QUICK, ECC, RSA = NAMES[:6], NAMES[6], NAMES[7]
SEEDS = 20  # so many are tried

# The kernel's own times are for ./run bench boot: when it began, and what each initcall of
# a TPM driver took. The clock that "began" is read against is the host's.
GUEST = r"""
exec 5<>"$TPMIX_CONTROL"
dmesg | sed -n 's/.*initcall \(init_tis\|crb_[a-z_]*init\|tpm_tis[a-z_]*init\|tpmix_[a-z_]*\|init_ima\)\b.* after \([0-9]*\) usecs.*/\1 \2/p' >&5
echo "uptime $(cut -d' ' -f1 /proc/uptime)" >&5
read -r _ <&5
[ -n "$BENCH" ] || exit 0
cp /bench_tpm /tmp/bench_tpm; chmod +x /tmp/bench_tpm
/tmp/bench_tpm {node} <&5 >&5 2>/tmp/said || echo "failed: $(cat /tmp/said)" >&5
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """A machine: what it is, and who is measured."""
    device: str
    driver: str = "stock"   # or "indexed", ours; "": none, by /dev/mem
    sync: bool = True       # a command may end within the write that begins it
    kernel: str = "6.1"
    firmware: str = "seabios"
    qemu: str = "own"       # or "system": Debian's, with the plug-in
    double: bool = False    # tests/guest/tpm_double.c in the place of swtpm
    twin: bool = False      # a second machine of a kind: what a difference means nothing
    options: str = ""       # further properties of the device
    append: str = ""        # further words for the kernel

    def stock(self):
        return self.device in ("tpm-tis", "tpm-crb")

    def properties(self):
        """For -device. Stock devices wait only if they are told to, ours unless they are."""
        if self.stock():
            return f"{self.device},sync-us=500" if self.sync else self.device
        words = [self.device] + ["compat=off"] * (self.driver != "stock")
        return ",".join(words + ["sync-us=0"] * (not self.sync) +
                        [self.options] * bool(self.options))

    def title(self):
        if not self.device:
            return "no TPM"
        who = {"stock": "tpm_tis" if "tis" in self.device else "tpm_crb",
               "indexed": "tpmix", "": "/dev/mem"}[self.driver]
        late = "" if self.sync != self.stock() else ", sync" if self.sync else ", no sync"
        return f"{self.device}, {who}{late}{', twin' * self.twin}"


def mask(names):
    return sum(1 << NAMES.index(name) for name in names)


def threads(pid):
    return list(Path(f"/proc/{pid}/task").iterdir())


def processor_us(pid):
    """All threads that live; to the nanosecond where the kernel counts so."""
    total = 0
    for task in threads(pid):
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e3


def wakeups(pid):
    """How often threads of the process waited for something."""
    total = 0
    for task in threads(pid):
        with contextlib.suppress(OSError):
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    total += int(line.split()[1])
    return total


class Record:
    """What tpm_clock.c wrote: commands of the TPM, with its own time for each."""

    ENTRY = struct.Struct("=IIQQ")
    Command = collections.namedtuple("Command", "ordinal size begin end")  # seconds

    def __init__(self, path):
        with open(path, "rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)

    def commands(self):
        found = []
        for ordinal, size, begin, end in self.ENTRY.iter_unpack(self.map):
            if not end:
                break
            found.append(self.Command(ordinal, size, begin / 1e9, end / 1e9))
        return found


class Requests:
    """bench_tpm, by lines: .lines reads and writes them."""

    lines = None

    def read(self, timeout):
        line = self.lines.read_line(timeout)
        if line.startswith("failed"):
            raise GuestError(f"{self}: {line}")
        return line

    def ask(self, names, rounds, warm=0, contenders=0):
        """{name: {"bytes", "times", "processor"}}, microseconds."""
        self.lines.write_line(f"{mask(names)} {rounds} {warm} {contenders}")
        found = {}
        while (line := self.read(ANSWER_S)) != ".":
            row = json.loads(line)
            found[row.pop("command")] = row
        return found


class Machine(Requests):
    """A guest of a Row; not asked: it only boots."""

    def __init__(self, row, asked=True, smp=2, seed=None, more=()):
        """seed: a folder with a TPM's state, to begin with; more: words for QEMU."""
        self.row = row
        self.node = None if not asked else NODE if row.driver else "/dev/mem"
        self.began = self.uptime = None
        self.initcalls = {}
        self.record = None
        self.work = Path(tempfile.mkdtemp(prefix="tpmix-bench-"))
        (self.work / "state").mkdir()
        for file in seed.iterdir() if seed else ():
            shutil.copy(file, self.work / "state")
        options = {}
        if row.device and row.double:
            options["tpm"] = [BENCH / "tpm_double", "16384"]
        elif row.device:
            options["tpm"] = [SWTPM, BENCH / "tpm_clock.so", self.work / "record",
                              self.work / "state"]
        self.guest = Guest(
            device=row.device and row.properties(), kernel=row.kernel,
            firmware=row.firmware, qemu=row.qemu, driver=row.driver or "stock", accel=accelerator(),
            files={"/bench_tpm": BENCH / "bench_tpm"}, env={"BENCH": "yes" * asked},
            command=GUEST.replace("{node}", self.node or ""), timeout=3600,
            append=f"initcall_debug log_buf_len=4M {row.append}",
            qemu_args=["-smp", str(smp), *more], **options)

    def __str__(self):
        return f"{self.row.title()}, {self.row.kernel}"

    def __enter__(self):
        self.began = time.monotonic()
        self.guest.__enter__()
        return self

    def __exit__(self, *what):
        # The guest need not power off: what it leaves behind is ours.
        end_process(self.guest.process)
        return self.guest.__exit__(*what)

    def boot(self):
        """Until its command speaks; notes when the kernel began, by the host's clock."""
        control = self.guest.control
        while not (line := control.read_line(BOOT_S)).startswith("uptime"):
            name, took = line.split()
            self.initcalls[name] = self.initcalls.get(name, 0) + int(took)
        self.uptime = time.monotonic()
        self.kernel_began = self.uptime - float(line.split()[1])
        if self.row.device and not self.row.double:
            self.record = Record(self.work / "record")
        self.lines = control
        if self.node:
            control.write_line("go")
            if (said := self.read(BOOT_S)) != "ready":
                raise GuestError(f"{self}: {said!r}: see {self.guest.log}")
            self.guest.qmp.execute("stop")

    @contextlib.contextmanager
    def running(self):
        self.guest.qmp.execute("cont")
        try:
            yield self
        finally:
            self.guest.qmp.execute("stop")

    def counters(self):
        """Of the host and, where it counts, of the device."""
        pids = (self.guest.process.pid, self.guest.swtpm.process.pid)
        found = {"host_us": sum(map(processor_us, pids)), "wakeups": sum(map(wakeups, pids))}
        for name in () if self.row.stock() else ("mmio-reads", "mmio-writes", "commands",
                                                 "sync-completions"):
            found[name] = self.guest.qmp.execute("qom-get", path="/machine/peripheral/tpm",
                                                 property=name)
        return found

    def counted(self, names, rounds):
        """What one of the commands costs, each a number per command. A request without a
        command says what asking costs."""
        self.ask(names, 1)
        first = self.counters()
        self.ask(names, 0)
        second = self.counters()
        self.ask(names, rounds)
        third = self.counters()
        return {name: (third[name] - 2 * second[name] + first[name]) / (rounds * len(names))
                for name in first}

    def trapped(self, names, rounds):
        """(reads, writes) per command of a stock device, which does not count: QEMU tells
        of each. What traps of tpm-crb is its page, registers and a buffer that is no whole
        page; the page is the one in which a command was started."""
        tis = self.row.device == "tpm-tis"
        events = "tpm_tis_mmio_*" if tis else "memory_region_subpage_*"
        log = self.guest.log
        size = log.stat().st_size
        self.guest.qmp.execute("trace-event-set-state", name=events, enable=True)
        self.ask(names, rounds)
        self.guest.qmp.execute("trace-event-set-state", name=events, enable=False)
        with open(log, encoding="utf-8", errors="replace") as file:
            file.seek(size)
            text = file.read()
        if tis:
            kinds = re.findall(r"tpm_tis_mmio_(read|write) ", text)
        else:
            seen = re.findall(r"memory_region_subpage_(\w+) .*mr (\w+) offset (\w+) ", text)
            pages = {page for kind, page, at in seen if (kind, at) == ("write", "0x4c")}
            kinds = [kind for kind, page, _ in seen if page in pages]
        return [kinds.count(kind) / (rounds * len(names)) for kind in ("read", "write")]


class Alone(Requests):
    """bench_tpm on the host, at swtpm's own socket: the TPM without a machine."""

    def __init__(self):
        self.swtpm = self.process = None
        self.work = tempfile.TemporaryDirectory(prefix="tpmix-alone-")
        self.state = Path(self.work.name) / "state"

    def __str__(self):
        return "swtpm alone"

    def __enter__(self):
        path = Path(self.work.name) / "data"
        self.state.mkdir()
        self.swtpm = spawn(["swtpm", "socket", "--tpm2", "--tpmstate",
                            f"dir={self.state}", "--server", f"type=unixio,path={path}",
                            "--flags", "startup-clear,not-need-init"], os.devnull)
        end = time.monotonic() + 20
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.01)
        self.process = spawn([BENCH / "bench_tpm", path], os.devnull,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = self
        if self.read_line(0) != "ready":
            raise GuestError("swtpm alone does not start: install swtpm")
        return self

    def read_line(self, _timeout):
        return self.process.stdout.readline().decode().rstrip("\n") or "failed: it has ended"

    def write_line(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    @contextlib.contextmanager
    def running(self):
        yield self

    def __exit__(self, *_):
        end_process(self.process)
        end_process(self.swtpm)
        self.work.cleanup()


def accelerator():
    """KVM where it carries a guest: where it is there and lets a machine be made."""
    if not hasattr(accelerator, "found"):
        kvm_create_vm = 0xAE01
        accelerator.found = "tcg"
        with contextlib.suppress(OSError):
            import fcntl
            with open("/dev/kvm", "r+b", buffering=0) as kvm:
                os.close(fcntl.ioctl(kvm, kvm_create_vm, 0))
                accelerator.found = "kvm"
    return accelerator.found


@functools.cache
def seeds():
    """A folder with a TPM's state: of several the one whose RSA key takes longest, since a
    wait for it is to be looked at. Kept until the end, so that all machines have it."""
    folder = Path(tempfile.mkdtemp(prefix="tpmix-seeds-"))
    longest = 0
    with Alone() as alone:
        for _ in range(SEEDS):
            alone.ask(["Clear"], 1)
            # Of two, since one may be long by the host's doing.
            took = min(alone.ask([RSA], 2)[RSA]["times"])
            if took > longest:
                longest = took
                for file in alone.state.iterdir():
                    shutil.copy(file, folder)
    return folder


@contextlib.contextmanager
def machines(rows, progress, **options):
    """Boots one for each row, two at a time, and stops each when it is ready. All have the
    same seeds, so that a primary key is the same key and takes the same time."""
    with contextlib.ExitStack() as stack:
        found = [Machine(row, seed=seeds(), **options) for row in rows]
        begun = collections.deque()
        for machine in found + [None] * BOOTS:
            # By this thread, since what it starts dies with the thread.
            if machine:
                begun.append(stack.enter_context(machine))
            if begun and (not machine or len(begun) == BOOTS):
                first = begun.popleft()
                first.boot()
                progress.step(f"booted {first}")
        yield found


@contextlib.contextmanager
def busy_host(wanted=True):
    """As many loops as there are processors."""
    loops = [spawn(["/bin/sh", "-c", "while :; do :; done"], os.devnull)
             for _ in range(os.cpu_count() if wanted else 0)]
    try:
        yield
    finally:
        for loop in loops:
            end_process(loop)
