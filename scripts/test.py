#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run test [SUITE...]: runs the suites, prints what fails, counts.

A suite is a list of programs that speak TAP. What is skipped says why and is
counted as skipped; a program that ends without its plan counts as failed."""

import collections
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
HOST = BUILD / "host" / "tests"

UNIT = ["registers", "locality", "fifo", "indexed", "crb", "crb_transaction",
        "crb_start", "crb_locality", "crb_interrupts", "selector", "extension",
        "windows", "copy", "order", "sizes", "guests", "replay", "replay_crb", "valid",
        "corner", "absent"]
QTEST = [f"test_{n}" for n in (
    "mmio_replay", "replay_fault", "replay_matrix", "replay_stock", "device",
    "interrupt", "acpi", "crb_device", "crb_door", "crb_access", "crb_stock",
    "stock_compare", "migration", "stream", "large", "backend", "hostile", "faults",
    "faults_state", "answers", "control")]
TCTI = ["parts", "doors", "store", "context", "several", "left", "signals"]
# With real programs; the last one boots guests.
TCTI_PROGRAMS = ["tools", "tpmix", "day", "stack", "trouble", "guest_tcti"]

DEVICES = ["tis", "crb"]

# Programs that boot guests, and their groups of tests.
GUEST = {
    "driver": [["doors"], ["binding"], ["owner"], ["costs"], ["large"], ["replays"]],
    "unmodified": [["firmware_and_kernels"], ["resets"], ["accesses"]],
}
# These use all cores themselves, want QEMU's monitor to answer in time, or stop a machine
# at random moments.
ALONE = ["prove/prove", "qtest/hostile", "hostile/rom", "kvm/vmm", "kvm/qemu_kvm",
         "plugin/plugin", "demo/demo"]

# suite: (what it needs built, programs, seconds a program may take)
SUITES = {
    "unit": (["engine"], [[HOST / "unit" / f"test_{n}"] for n in UNIT], 120),
    "spec": (["engine"], [["/usr/bin/python3", ROOT / f"tests/check_{n}.py"]
                          for n in ("spec", "floors", "tour", "page")] +
             [[HOST / "page" / f"test_{n}"] for n in ("page", "page_walk", "page_driver")], 300),
    "driver": (["engine"], [[HOST / "driver/test_faults", device] for device in DEVICES] +
               [[HOST / "driver/test_life"]], 120),
    "prove": ([], [["/usr/bin/python3", ROOT / "tests/proofs/test_prove.py"]], 2400),
    "fuzz": (["engine"],
             [[HOST / "fuzz" / f"test_fuzz_{n}"] for n in ("engine", "load")], 60),
    "qtest": (["qemu-tests", "engine"], [[HOST / "qtest" / n] for n in QTEST] +
              [[HOST / "fuzz/test_fuzz_device"],
               ["/usr/bin/python3", ROOT / "tests/qtest/test_upstream.py"]], 600),
    "hostile": (["qemu"],
                [["/usr/bin/python3", ROOT / "tests/hostile/test_rom.py"]], 180),
    "kvm": (["qemu", "engine"],
            [[HOST / "kvm/test_vmm"], [HOST / "kvm/test_vmm_memory"],
             ["/usr/bin/python3", ROOT / "tests/kvm/test_qemu_kvm.py"]], 300),
    "guest": (["qemu", "engine", "driver", "guest"],
              [["/usr/bin/python3", ROOT / f"tests/guest/test_{n}.py", *group]
               for n, groups in GUEST.items() for group in groups], 1200),
    "plugin": (["qemu", "engine", "driver", "guest", "plugin-tests", "packages"],
               [["/usr/bin/python3", ROOT / "tests/plugin/test_plugin.py"]], 900),
    "tcti": (["qemu", "engine", "tcti-tests", "tool-tests", "driver", "guest"],
             [[HOST / "tcti" / f"test_tcti_{n}"] for n in TCTI] +
             [["/usr/bin/python3", ROOT / f"tests/tcti/test_{n}.py"]
              for n in TCTI_PROGRAMS], 480),
    "demo": (["qemu", "driver", "guest"],
             [["/usr/bin/python3", ROOT / "tests/guest/test_demo.py"]], 900),
}


def fail(message):
    print(f"run: {message}", file=sys.stderr)
    sys.exit(1)


def build(parts):
    if parts and subprocess.run([ROOT / "run", "build", *parts]).returncode:
        fail("the build failed")


def environment():
    asan = "detect_leaks=1:abort_on_error=0:halt_on_error=1"
    return os.environ | {
        "QEMU": os.environ.get("QEMU") or str(BUILD / "qemu/obj/qemu-system-x86_64"),
        "TCTI": str(BUILD / "tcti/tcti/libtss2-tcti-indexed.so.0"),
        "ASAN_OPTIONS": asan,
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run_program(args, seconds, log):
    """Runs one TAP program in a session of its own; returns its output, status."""
    process = subprocess.Popen([str(a) for a in args], env=environment(),
                               stdout=subprocess.PIPE, stderr=log, text=True,
                               errors="replace", stdin=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        return process.communicate(timeout=seconds)[0], process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0], f"no end after {seconds} s"


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.reasons = collections.Counter()

    def tap(self, name, output, status):
        plan = re.search(r"^1\.\.(\d+)", output, re.M)
        seen = failed = 0
        for ok, title, notes in re.findall(r"^(ok|not ok)\b\s*(.*)((?:\n#.*)*)", output, re.M):
            seen += 1
            if ok == "not ok":
                failed += 1
                # A traceback ends with the error; other notes begin with it.
                lines = [note.lstrip("# ") for note in notes.split("\n")[1:]]
                why = lines[-1 if "Traceback" in notes else 0] if lines else ""
                self.failures.append(f"{name}: {title}{why and ': ' + why}")
            elif re.search(r"# *skip", title, re.I):
                self.skipped += 1
                self.reasons[f"{name}: {title.partition('#')[2].strip()}"] += 1
            else:
                self.passed += 1
        if not plan or seen != int(plan[1]) or (status and not failed):
            failed += 1
            why = re.search(r"^Bail out! (.*)", output, re.M)
            self.failures.append(f"{name}: ended early (status {status})"
                                 f"{f': {why[1]}' if why else ''}")
        self.failed += failed
        return failed


class Program:
    """One TAP program: its name, what it is started with, how long it may take."""

    def __init__(self, suite, args, seconds):
        path = next(a for a in args if "test_" in str(a) or "check_" in str(a))
        words = [pathlib.Path(path).stem.removeprefix("test_"),
                 *map(str, args[args.index(path) + 1:])]
        self.title = f"{suite}/{'-'.join(words)}"
        self.args, self.seconds = args, seconds
        self.log_path = BUILD / "log" / f"test-{self.title.replace('/', '-')}.log"
        self.started = None

    def run(self):
        self.started = time.monotonic()
        with open(self.log_path, "w+") as log:
            output, status = run_program(self.args, self.seconds, log)
            log.write("\n" + output)
        return output, status


def report(program, result, count):
    took = time.monotonic() - program.started
    failed = count.tap(program.title, *result)
    word = f"{failed} failed, see {program.log_path.relative_to(ROOT)}" if failed else "ok"
    print(f"==> {program.title} {word} ({took:.1f} s)", flush=True)


def run_all(programs, count):
    """Two at a time, the longest first; those that look at time by themselves."""
    alone = [p for p in programs if p.title in ALONE]
    shared = [p for p in programs if p.title not in ALONE]
    for program in alone:
        report(program, program.run(), count)
    shared.sort(key=lambda p: -p.seconds)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {pool.submit(p.run): p for p in shared}
        while waiting:
            done, _ = concurrent.futures.wait(
                waiting, timeout=60, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                report(waiting.pop(future), future.result(), count)
            if not done:
                running = [p.title for f, p in waiting.items() if f.running()]
                print(f"    running: {', '.join(running)}; {len(waiting) - len(running)} "
                      "to come", flush=True)


def main(names):
    for name in names:
        if name not in SUITES:
            fail(f"no suite '{name}': {', '.join(SUITES)}")
    names = names or list(SUITES)
    parts = [part for name in names for part in SUITES[name][0]
             # QEMU=PATH in the environment: that one, already built.
             if part not in ("qemu", "qemu-tests") or "QEMU" not in os.environ]
    build(list(dict.fromkeys(parts)))
    (BUILD / "log").mkdir(parents=True, exist_ok=True)
    count = Count()
    run_all([Program(name, args, SUITES[name][2]) for name in names
             for args in SUITES[name][1]], count)
    for reason, times in count.reasons.items():
        print(f"skipped {times} of {reason}")
    for failure in count.failures:
        print(f"FAILED {failure}")
    line = f"{count.passed} passed, {count.failed} failed"
    print(line + (f", {count.skipped} skipped" if count.skipped else ""))
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
