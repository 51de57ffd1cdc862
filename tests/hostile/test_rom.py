#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A hostile guest inside the machine (rom.c, crb.c), under TCG and KVM, while QMP is timed.
TAP on stdout. HOSTILE_SEED, HOSTILE_SECONDS and HOSTILE_FLAT_MIB in the environment
set the run."""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
QEMU = os.environ.get("QEMU", str(ROOT / "build/qemu/obj/qemu-system-x86_64"))
FIRMWARE = os.environ.get("QEMU_FIRMWARE", "/usr/share/seabios")
OUT = ROOT / "build/hostile"

LATE = 0.1          # the promise: an answer within 100 ms
EXCUSED = 3         # of the machine, beside those of an idle one
STALL = 1.0         # never
STOCK_STALL = 1.5
COMMANDS = 10       # at least: more than the honest ones
RINGS = 100         # a second, at least, that end within the doorbell
FLAT = int(os.environ.get("HOSTILE_FLAT_MIB", 4)) << 20


class Failed(Exception):
    pass


def build():
    OUT.mkdir(parents=True, exist_ok=True)
    elf, rom = OUT / "rom.elf", OUT / "rom.bin"
    flags = ["-m32", "-march=i686", "-Os", "-ffreestanding", "-fno-pic", "-fno-pie",
             "-fno-stack-protector", "-fcf-protection=none", "-mno-sse", "-Wall",
             "-fno-asynchronous-unwind-tables", "-nostdlib", "-static", "-no-pie",
             "-Wextra", "-Werror", "-Wl,--build-id=none", f"-I{ROOT / 'engine'}"]
    subprocess.run(["gcc", *flags, f"-Wl,-T,{HERE / 'rom.ld'}", "-o", elf,
                    HERE / "rom.S", HERE / "rom.c", HERE / "crb.c"], check=True)
    subprocess.run(["objcopy", "-O", "binary", elf, rom], check=True)
    if rom.stat().st_size != 65536:
        raise Failed(f"the ROM has {rom.stat().st_size} bytes")
    return rom


def run_delay(pids):
    """For how long threads of the processes were ready to run and had no CPU."""
    total = 0
    for pid in pids:
        for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(stat.read_text().split()[1])
            except OSError:
                pass
    return total / 1e9


class Qmp:
    """Times query-status, every 10 ms, in a thread; keeps the times, without what
    the machine is to blame for: run_delay() of the processes, and of this one."""

    def __init__(self, sock, pids):
        self.pids = [*pids, os.getpid()]
        self.sock, self.times, self.asked, self.end = sock, [], None, False
        self.buffer = b""
        self.ask("qmp_capabilities")
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def ask(self, command):
        delays = run_delay(self.pids)
        begin = self.asked = time.monotonic()
        self.sock.sendall(json.dumps({"execute": command}).encode() + b"\n")
        while True:
            line, found, rest = self.buffer.partition(b"\n")
            if found:
                self.buffer = rest
                if b'"return"' in line:
                    break
                continue
            data = self.sock.recv(4096)
            if not data:
                raise OSError("QEMU is gone")
            self.buffer += data
        took = time.monotonic() - begin
        self.asked = None
        if took > LATE:
            took = max(LATE, took - (run_delay(self.pids) - delays))
        return took

    def run(self):
        try:
            while not self.end:
                self.times.append(self.ask("query-status"))
                time.sleep(0.01)
        except OSError:
            pass

    def waiting(self):
        asked = self.asked
        return time.monotonic() - asked if asked else 0

    def take(self):
        times, self.times = self.times, []
        return sorted(times + [self.waiting()])


class Machine:
    """swtpm, QEMU with the ROM; both end with this object, by their ids."""

    def __init__(self, device, accel, seed, seconds, ring=False):
        self.dir = tempfile.mkdtemp(prefix="tpmix-")
        self.started, self.said = [], b""
        try:
            self.start(device, accel, seed, seconds, ring)
        except BaseException:
            self.close()
            raise

    def spawn(self, args, **kwargs):
        process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL,
                                   **kwargs)
        self.started.append(process)
        return process

    def start(self, device, accel, seed, seconds, ring):
        tpm, qmp = f"{self.dir}/tpm", f"{self.dir}/qmp"
        self.spawn(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.dir}",
                    "--ctrl", f"type=unixio,path={tpm}"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(tpm), 5, "swtpm")
        self.log = open(f"{self.dir}/log", "w+b")
        self.qemu = self.spawn(
            [QEMU, "-L", FIRMWARE, "-machine", "q35", *accel, "-m", "16", "-nodefaults",
             "-display", "none", "-global", "apic-common.vapic=off",
             "-bios", OUT / "rom.bin", "-debugcon", f"file:{self.dir}/said", "-S",
             "-chardev", f"socket,id=chr,path={tpm}",
             "-tpmdev", "emulator,id=tpm0,chardev=chr",
             "-device", f"{device},tpmdev=tpm0,id=tpm",
             "-device", f"loader,addr=0x7000,data={seed},data-len=4",
             "-device", f"loader,addr=0x7004,data={seconds},data-len=4",
             "-device", f"loader,addr=0x7008,data={int(ring)},data-len=4",
             "-chardev", f"socket,id=q,path={qmp},server=on,wait=off",
             "-mon", "chardev=q,mode=control",
             "-chardev", f"socket,id=c,path={qmp}2,server=on,wait=off",
             "-mon", "chardev=c,mode=control"],
            stdout=subprocess.DEVNULL, stderr=self.log)
        wait_for(lambda: os.path.exists(qmp + "2") or self.qemu.poll() is not None, 10, "QEMU")
        self.probe = Qmp(self.connect(qmp), [self.qemu.pid])
        self.control = self.connect(qmp + "2")
        self.control.sendall(b'{"execute":"qmp_capabilities"}\n')

    def connect(self, path):
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
        except OSError:
            raise Failed(f"QEMU does not start: {self.errors()}") from None
        return sock

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace").strip()[-300:]

    def count(self, what):
        """A counter of the device: commands, sync-completions."""
        self.control.sendall(json.dumps(
            {"execute": "qom-get", "id": what, "arguments":
             {"path": "/machine/peripheral/tpm", "property": what}}).encode() + b"\n")
        with self.control.makefile(encoding="ascii") as lines:
            for line in lines:
                answer = json.loads(line)
                if answer.get("id") == what:
                    return answer["return"]
        raise Failed("QEMU is gone")

    def go(self):
        self.control.sendall(b'{"execute":"cont"}\n')

    def lines(self):
        with open(f"{self.dir}/said", "rb") as said:
            return said.read().decode(errors="replace").split("\n")

    def rss(self):
        with open(f"/proc/{self.qemu.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def close(self):
        for process in reversed(self.started):
            process.send_signal(signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.dir)


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: nothing in {seconds} s")
        time.sleep(0.01)


def report(what, times):
    late = sum(t > LATE for t in times)
    print(f"# QMP {what}: {len(times)} answers, p50 {times[len(times) // 2] * 1e6:.0f} us, "
          f"p99 {times[len(times) * 99 // 100] * 1e6:.0f} us, max {times[-1] * 1e6:.0f} us, "
          f"{late} above 100 ms")
    return late


def ours(device, accel, seed, seconds, ring=False):
    machine = Machine(device, accel, seed, seconds, ring)
    try:
        time.sleep(0.5)
        idle = machine.probe.take()
        late_idle = report("idle", idle)
        machine.go()
        time.sleep(seconds / 2)
        rss = machine.rss()
        end = time.monotonic() + seconds + 20
        while not {"honest"} & set(machine.lines()):
            failure = [line for line in machine.lines() if line.startswith("failed")]
            if failure or machine.qemu.poll() is not None or time.monotonic() > end:
                raise Failed(f"{failure or 'no honest command'}, after "
                             f"{machine.lines()[-4:]}: {machine.errors()}")
            time.sleep(0.05)
        busy = machine.probe.take()
        late = report("busy", busy)
        grown = machine.rss() - rss
        commands, waited = machine.count("commands"), machine.count("sync-completions")
        starts = [line for line in machine.lines() if line in ("crb", "fifo")]
        print(f"# {', '.join(starts)}; {commands} commands, "
              f"{waited} within the write; memory grew by {grown >> 10} KiB")
        if commands < COMMANDS:
            raise Failed("no storm")
        if ring and waited < RINGS * seconds:
            raise Failed("no rings that QEMU waited for")
        if busy[-1] > STALL:
            raise Failed("QMP stalled")
        if late > EXCUSED + late_idle * len(busy) / len(idle):
            raise Failed("QMP was late")
        if busy[len(busy) * 99 // 100] > max(LATE, idle[len(idle) * 99 // 100]):
            raise Failed("QMP was late: p99")
        if grown > FLAT:
            raise Failed("memory grows")
    finally:
        machine.close()


def stock(device, seed, seconds):
    """The control group: the same guest stops a QEMU with a stock device."""
    machine = Machine(device, ["-accel", "tcg"], seed, seconds)
    try:
        machine.go()
        wait_for(lambda: machine.probe.waiting() > STOCK_STALL, seconds + 5, "a stall")
    finally:
        machine.close()


def kvm_missing():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm cannot be opened"
    probe = subprocess.run([QEMU, "-accel", "help"], capture_output=True, text=True,
                           check=False)
    return None if "kvm" in probe.stdout else "QEMU was built without KVM"


def main():
    # so that an end from outside runs what ends our processes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seed = int(os.environ.get("HOSTILE_SEED", random.getrandbits(31)))
    seconds = int(os.environ.get("HOSTILE_SECONDS", 4))
    kvm = ["-accel", "kvm", "-cpu", "host,-arch-capabilities"]
    cases = [(f"/hostile/rom/{name}/{device}",
              lambda device=device, accel=accel: ours(device, accel, seed, seconds), missing)
             for name, accel, missing in (("tcg", ["-accel", "tcg"], None),
                                          ("kvm", kvm, kvm_missing()))
             for device in ("tpm-tis-indexed", "tpm-crb-ext")]
    cases += [(f"/hostile/rom/rings/{name}/{device}",
               lambda device=device, accel=accel: ours(device, accel, seed, seconds, True),
               missing)
              for name, accel, missing in (("tcg", ["-accel", "tcg"], None),
                                           ("kvm", kvm, kvm_missing()))
              for device in ("tpm-tis-indexed", "tpm-crb-ext,sync-us=10000")]
    cases += [(f"/hostile/rom/stock-stalls/{device}",
               lambda device=device: stock(device, seed, 10), None)
              for device in ("tpm-tis", "tpm-crb")]
    failed = 0
    print(f"# HOSTILE_SEED={seed}")
    print(f"1..{len(cases)}", flush=True)
    build()
    for n, (name, case, missing) in enumerate(cases, 1):
        if missing:
            print(f"ok {n} {name} # SKIP {missing}", flush=True)
            continue
        try:
            case()
            print(f"ok {n} {name}", flush=True)
        except Failed as error:
            failed += 1
            print(f"not ok {n} {name}\n# {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
