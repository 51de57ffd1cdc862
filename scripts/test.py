#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run test [SUITE...]: runs the suites, prints what fails, counts.

A suite is a list of programs that speak TAP. What is skipped says why and is
counted as skipped; a program that ends without its plan counts as failed."""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import ending
from console import Parser, one_of
from parts import build

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
HOST = BUILD / "host" / "tests"
CROSS = BUILD / "cross"
NEWEST = BUILD / "qemu-newest/obj/qemu-system-x86_64"
TIMES = BUILD / "log" / "test-times.json"   # seconds of each program's last run
RESULTS = BUILD / "log" / "test-results.json"   # and what its tests said

UNIT = ["registers", "locality", "fifo", "indexed", "crb", "crb_transaction",
        "crb_start", "crb_locality", "crb_interrupts", "selector", "extension",
        "windows", "copy", "order", "sizes", "guests", "late_start", "replay",
        "replay_crb", "edge", "valid", "corner", "absent"]
QTEST = [f"test_{n}" for n in (
    "mmio_replay", "replay_fault", "replay_matrix", "replay_stock", "device",
    "interrupt", "acpi", "crb_device", "crb_door", "crb_access", "crb_stock",
    "stock_compare", "migration", "stream", "large", "backend", "hostile", "faults",
    "faults_state", "answers", "control", "sync")]
# A second time with commands that end after the write that begins them.
NO_SYNC = ["replay_matrix", "replay_fault", "migration", "faults"]
TCTI = ["parts", "doors", "store", "context", "several", "left", "signals"]
# With real programs; the last one boots guests.
TCTI_PROGRAMS = ["tools", "tpmix", "day", "stack", "trouble", "guest_tcti"]

DEVICES = ["tis", "crb"]

# Whose engine is tested too: one that stores the most significant byte first, one of 32 bits.
PROCESSORS = ["s390x", "armhf"]

# Programs that boot guests, and their groups of tests.
GUEST = {
    "driver": [["doors"], ["binding"], ["owner"], ["costs"], ["interrupts"],
               ["large"], ["replays"]],
    "unmodified": [["firmware_and_kernels"], ["resets"], ["accesses"]],
    "slow": [[]],
}
# These want QEMU's monitor to answer in time.
ALONE = ["qtest/hostile", "hostile/rom", "kvm/vmm", "kvm/qemu_kvm"]
# This one wants nothing but processors, and its limits are of their time, not of the clock:
# it gets what all others, and what is built before them, leave of the processors.
BESIDE = ["prove/prove"]

# suite: (what it needs built, programs, seconds a program may take)
SUITES = {
    "unit": (["engine"], [[HOST / "unit" / f"test_{n}"] for n in UNIT], 120),
    "cross": (["cross"],
              [["/usr/bin/env", f"ARCH={arch}", CROSS / arch / "run",
                CROSS / arch / "obj/tests/unit" / f"test_{n}"]
               for arch in PROCESSORS for n in UNIT], 300),
    "spec": (["engine"], [["/usr/bin/python3", ROOT / f"tests/check_{n}.py"]
                          for n in ("spec", "floors", "coverage", "tour", "page",
                                    "mutants", "version", "evaluation")] +
             [[HOST / "page" / f"test_{n}"] for n in ("page", "page_walk", "page_driver")], 300),
    "driver": (["engine"], [[HOST / f"driver/test_faults{kernel}", device]
                            for kernel in ("", "-sync") for device in DEVICES] +
               [[HOST / f"driver/test_{n}"] for n in ("life", "life-sync", "wait")], 120),
    "prove": (["cbmc"], [["/usr/bin/python3", ROOT / "tests/proofs/test_prove.py"]], 5400),
    "fuzz": (["engine"],
             [[HOST / "fuzz" / f"test_fuzz_{n}"] for n in ("engine", "load")], 60),
    "qtest": (["qemu-tests", "engine"], [[HOST / "qtest" / n] for n in QTEST] +
              [["/usr/bin/env", "TPM_SYNC_US=0", HOST / f"qtest/test_{n}"] for n in NO_SYNC] +
              [[HOST / "fuzz/test_fuzz_device"],
               ["/usr/bin/python3", ROOT / "tests/qtest/test_upstream.py"]], 900),
    "hostile": (["qemu"],
                [["/usr/bin/python3", ROOT / "tests/hostile/test_rom.py"]], 180),
    "kvm": (["qemu", "engine"],
            [[HOST / "kvm/test_vmm"], [HOST / "kvm/test_vmm_memory"],
             ["/usr/bin/python3", ROOT / "tests/kvm/test_qemu_kvm.py"]], 300),
    "guest": (["qemu", "engine", "driver", "guest"],
              [["/usr/bin/python3", ROOT / f"tests/guest/test_{n}.py", *group]
               for n, groups in GUEST.items() for group in groups], 1200),
    "virt": (["virt"], [["/usr/bin/python3", ROOT / "tests/guest/test_virt.py", group]
                        for group in ("arm", "firmware", "riscv")], 1200),
    "plugin": (["qemu", "engine", "driver", "guest", "plugin-tests", "packages"],
               [["/usr/bin/python3", ROOT / "tests/plugin/test_plugin.py"]], 900),
    "libvirt": (["qemu", "driver", "guest", "plugin", "libvirt-tests"],
                [["/usr/bin/python3", ROOT / "tests/libvirt/test_libvirt.py"]], 600),
    "tcti": (["qemu", "engine", "tcti-tests", "tool-tests", "driver", "guest"],
             [[HOST / "tcti" / f"test_tcti_{n}"] for n in TCTI] +
             [["/usr/bin/python3", ROOT / f"tests/tcti/test_{n}.py"]
              for n in TCTI_PROGRAMS], 480),
    "demo": (["qemu", "driver", "guest"],
             [["/usr/bin/python3", ROOT / "tests/guest/test_demo.py"]], 900),
    "packages": (["driver", "guest", "plugin-tests", "packages", "trees", "docs"],
                 [["/usr/bin/python3", ROOT / "tests/packages/test_tree.py", suite]
                  for suite in ("bookworm", "trixie")] +
                 [["/usr/bin/python3", ROOT / f"tests/packages/test_{n}.py"]
                  for n in ("library", "debs", "install", "site", "clusterfuzzlite")], 600),
    "cli": (["qemu", "engine", "driver", "guest", "plugin", "tool-tests"],
            [["/usr/bin/python3", ROOT / "tests/cli/test_cli.py"],
             ["/usr/bin/python3", ROOT / "tests/cli/test_bench.py"],
             ["/usr/bin/python3", ROOT / "tests/cli/test_eval.py"],
             *(["/usr/bin/python3", ROOT / "tests/cli/test_docs.py", page]
               for page in ("README.md", "docs/plugin.md", "docs/mmio-replay.7", "rest"))],
            600),
}
# Only where they are named: what they need takes minutes to build, and nothing else wants it.
NAMED = {
    # On the newest QEMU, and with each state saved by one QEMU and loaded by the other.
    "newest": (["newest", "qemu", "engine"],
               [["/usr/bin/env", f"QEMU={NEWEST}", HOST / "qtest" / n] for n in QTEST] +
               [["/usr/bin/env", f"QEMU={BUILD}/qemu/obj/qemu-system-x86_64",
                 f"QEMU_OTHER={NEWEST}", "QEMU_MACHINE=pc-q35-10.0",
                 HOST / "qtest/test_migration"]], 900),
    "libvirt-model": (["qemu", "driver", "guest", "plugin", "libvirt-tests", "libvirt"],
                      [["/usr/bin/python3", ROOT / "tests/libvirt/test_model.py"]], 600),
}


def environment(work):
    """work: for the program's temporary files."""
    asan = "detect_leaks=1:abort_on_error=0:halt_on_error=1"
    return os.environ | {
        "QEMU": os.environ.get("QEMU") or str(BUILD / "qemu/obj/qemu-system-x86_64"),
        "TCTI": str(BUILD / "tcti/tcti/libtss2-tcti-indexed.so.0"),
        "ASAN_OPTIONS": asan,
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": work,
    }


def tests_of(output):
    """[(title, "passed", "failed" or "skipped", why)] of what a program says in TAP."""
    found = []
    for ok, title, notes in re.findall(r"^(ok|not ok)\b\s*(.*)((?:\n#.*)*)", output, re.M):
        title, skip, why = re.match(r"(?:\d+ )?(?:- )?(.*?)(?:# *(skip) *(.*))?$", title,
                                    re.I).groups()
        if ok == "not ok":
            # A traceback ends with the error; other notes begin with it.
            lines = [note.lstrip("# ") for note in notes.split("\n")[1:]]
            why = lines[-1 if "Traceback" in notes else 0] if lines else ""
        found.append((title.strip(), "failed" if ok == "not ok" else
                      "skipped" if skip else "passed", why or ""))
    return found


def tree_id():
    """What was tested: a commit, and whether files differ from it."""
    result = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    return result.stdout.strip()


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.reasons = collections.Counter()

    def tap(self, name, output, status):
        plan = re.search(r"^1\.\.(\d+)", output, re.M)
        tests, failed = tests_of(output), 0
        for title, result, why in tests:
            if result == "failed":
                failed += 1
                self.failures.append(f"{name}: {title}{why and ': ' + why}")
            elif result == "skipped":
                self.skipped += 1
                self.reasons[f"{name}: skip {why}"] += 1
            else:
                self.passed += 1
        if not plan or len(tests) != int(plan[1]) or (status and not failed):
            failed += 1
            why = re.search(r"^Bail out! (.*)", output, re.M)
            self.failures.append(f"{name}: ended early (status {status})"
                                 f"{f': {why[1]}' if why else ''}")
        self.failed += failed
        return failed


class Program:
    """One TAP program: its name, what it is started with, what it needs built, how long it
    may take, and how far it is."""

    def __init__(self, name, args, suite):
        path = next(a for a in args if "test_" in str(a) or "check_" in str(a))
        at = args.index(path)
        words = [pathlib.Path(path).stem.removeprefix("test_"),
                 *(a for a in map(str, args[:at]) if "=" in a and "/" not in a),
                 *(pathlib.Path(a).stem for a in args[at + 1:])]
        self.title = f"{name}/{'-'.join(words)}"
        self.args, self.needs, self.seconds = args, suite[0], suite[2]
        self.log_path = BUILD / "log" / f"test-{self.title.replace('/', '-')}.log"
        self.started = self.process = None
        self.begun = threading.Event()
        self.processor_s = 0.0
        self.tests, self.plan = 0, None

    def run(self):
        """In a session and with a folder for temporary files of its own. Returns its output
        and its status."""
        self.started = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work, \
                open(self.log_path, "w+") as log:
            process = self.process = subprocess.Popen(
                [str(a) for a in self.args], env=environment(work), stdout=subprocess.PIPE,
                stderr=log, text=True, errors="replace", stdin=subprocess.DEVNULL,
                start_new_session=True)
            if self.title in BESIDE:
                self._step_back()
            self.begun.set()
            late = threading.Event()
            timer = threading.Timer(self.seconds, self._kill, [process, late])
            timer.start()
            try:
                output = "".join(map(self._look, process.stdout))
                _, status, usage = os.wait4(process.pid, 0)
                status = process.returncode = os.waitstatus_to_exitcode(status)
                self.processor_s = usage.ru_utime + usage.ru_stime
            finally:
                timer.cancel()
            log.write("\n" + output)
        return output, f"no end after {self.seconds} s" if late.is_set() else status

    def _step_back(self):
        """It runs where nothing else wants to. Within its session that is the policy, among
        sessions the autogroup's nice value, where there is one: sched(7)."""
        os.sched_setscheduler(self.process.pid, os.SCHED_IDLE, os.sched_param(0))
        group = pathlib.Path(f"/proc/{self.process.pid}/autogroup")
        if group.exists():
            group.write_text("19")

    def send(self, number):
        """A signal to all that it is, once it has begun."""
        self.begun.wait()
        if self.process.returncode is None:
            os.killpg(self.process.pid, number)

    @staticmethod
    def _kill(process, late):
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    def _look(self, line):
        self.tests += line.startswith(("ok", "not ok"))
        if plan := re.match(r"1\.\.(\d+)", line):
            self.plan = int(plan[1])
        return line

    def far(self):
        """How far it is, in words."""
        of = f" of {self.plan}" if self.plan else ""
        return f"{self.title} ({self.tests}{of} tests, {clock(time.monotonic() - self.started)})"


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Progress:
    """Says what runs, how far it is, and how long the rest takes, as far as earlier runs
    in this checkout tell."""

    EVERY_S = 30

    def __init__(self, programs):
        self.programs, self.ended, self.tree = programs, set(), tree_id()
        self.took, self.results = {}, {}
        for kept, path in (self.took, TIMES), (self.results, RESULTS):
            try:
                kept.update(json.loads(path.read_text()))
            except (OSError, ValueError):
                pass

    def report(self, program, result, count):
        self.ended.add(program.title)
        took = self.took[program.title] = round(time.monotonic() - program.started, 1)
        failed = count.tap(program.title, *result)
        word = f"{failed} failed, see {program.log_path.relative_to(ROOT)}" if failed else "ok"
        print(f"==> {program.title} {word} ({took} s)", flush=True)
        TIMES.write_text(json.dumps(self.took, indent=1))
        output, status = result
        self.results[program.title] = {
            "date": int(time.time()), "tree": self.tree, "seconds": took,
            "processor_seconds": round(program.processor_s, 1), "status": status,
            "tests": tests_of(output)}
        RESULTS.write_text(json.dumps(self.results, indent=1))

    def left(self):
        """Seconds; None where a program has not been measured yet."""
        alone = shared = 0
        for p in self.programs:
            if p.title in self.ended:
                continue
            if p.title not in self.took:
                return None
            spent = time.monotonic() - p.started if p.started else 0
            left = max(0, self.took[p.title] - spent)
            if p.title in ALONE:
                alone += left
            else:
                shared += left
        return alone + shared / os.cpu_count()

    def say(self):
        running = [p.far() for p in self.programs
                   if p.started and p.title not in self.ended]
        waiting = sum(not p.started for p in self.programs)
        left = self.left()
        rest = f"about {clock(left)} left" if left is not None else \
            "how long is not known before a first whole run"
        print(f"    running: {', '.join(running)}; {waiting} to come; {rest}", flush=True)


def take_in(waiting, beside, progress, count):
    """Waits for the former and reports them; of the latter what ends meanwhile. Both:
    {future: program}."""
    while waiting:
        done, _ = concurrent.futures.wait(waiting | beside, timeout=progress.EVERY_S,
                                          return_when=concurrent.futures.FIRST_COMPLETED)
        for future in done:
            program = (waiting if future in waiting else beside).pop(future)
            progress.report(program, future.result(), count)
        if not done:
            progress.say()


def run_all(programs, count):
    """Builds what they need, and runs them: as many at a time as there are processors, the
    longest first; those that look at time by themselves."""
    progress = Progress(programs)
    alone = [p for p in programs if p.title in ALONE]
    beside = [p for p in programs if p.title in BESIDE]
    shared = sorted((p for p in programs if p.title not in ALONE + BESIDE),
                    key=lambda p: -p.seconds)
    with ending.Pool(len(beside) or 1) as background:
        build(part for p in beside for part in p.needs)
        running = {background.submit(p.run): p for p in beside}
        build(part for p in alone + shared for part in p.needs)
        for group, workers, word in ((alone, 1, signal.SIGSTOP),
                                     (shared, os.cpu_count(), signal.SIGCONT)):
            for p in beside:
                p.send(word)
            with ending.Pool(workers) as pool:
                take_in({pool.submit(p.run): p for p in group}, running, progress, count)
        take_in(running, {}, progress, count)


def main(argv):
    suites = SUITES | NAMED
    p = Parser("test", description="Runs the suites, or all of them, and counts. "
               "QEMU=PATH in the environment is used in place of the one built here.")
    p.add_argument("suite", nargs="*", metavar="SUITE", type=one_of("suite", suites),
                   help=f"{', '.join(SUITES)}; only where it is named: {', '.join(NAMED)}")
    names = p.parse_args(argv).suite or list(SUITES)
    (BUILD / "log").mkdir(parents=True, exist_ok=True)
    count = Count()
    run_all([Program(name, args, suites[name]) for name in names
             for args in suites[name][1]], count)
    for reason, times in count.reasons.items():
        print(f"skipped {times} of {reason}")
    for failure in count.failures:
        print(f"FAILED {failure}")
    line = f"{count.passed} passed, {count.failed} failed"
    print(line + (f", {count.skipped} skipped" if count.skipped else ""))
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(ending.guarded(main, sys.argv[1:]))
