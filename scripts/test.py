#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run test [SUITE...]: runs the suites, prints what fails, counts.

A suite is a list of programs that speak TAP. What is skipped says why and is
counted as skipped; a program that ends without its plan counts as failed."""

import collections
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
        "corner"]
QTEST = [f"test_{n}" for n in (
    "mmio_replay", "replay_fault", "replay_matrix", "replay_stock", "device",
    "crb_device", "crb_door", "crb_access", "crb_stock", "stock_compare", "migration",
    "stream", "large", "backend", "hostile", "faults")]
TCTI = ["parts", "doors", "store", "context"]
# With real programs; the last one boots guests.
TCTI_PROGRAMS = ["tools", "tpmix", "day", "stack", "trouble", "guest_tcti"]

# suite: (what it needs built, programs, seconds a program may take)
SUITES = {
    "unit": (["engine"], [[HOST / "unit" / f"test_{n}"] for n in UNIT], 120),
    "spec": ([], [["/usr/bin/python3", ROOT / "tests/check_spec.py"]], 30),
    "fuzz": (["engine"],
             [[HOST / "fuzz" / f"test_fuzz_{n}"] for n in ("engine", "load")], 60),
    "qtest": (["qemu", "engine"], [[HOST / "qtest" / n] for n in QTEST], 600),
    "hostile": (["qemu"],
                [["/usr/bin/python3", ROOT / "tests/hostile/test_rom.py"]], 180),
    "kvm": (["qemu", "engine"],
            [[HOST / "kvm/test_vmm"],
             ["/usr/bin/python3", ROOT / "tests/kvm/test_qemu_kvm.py"]], 300),
    "guest": (["qemu", "engine", "driver", "guest"],
              [["/usr/bin/python3", ROOT / f"tests/guest/test_{n}.py"]
               for n in ("guest", "driver")], 2400),
    "plugin": (["qemu", "engine", "driver", "guest", "plugin-tests", "packages"],
               [["/usr/bin/python3", ROOT / "tests/plugin/test_plugin.py"]], 600),
    "tcti": (["qemu", "engine", "tcti-tests", "tool-tests", "driver", "guest"],
             [[HOST / "tcti" / f"test_tcti_{n}"] for n in TCTI] +
             [["/usr/bin/python3", ROOT / f"tests/tcti/test_{n}.py"]
              for n in TCTI_PROGRAMS], 240),
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
        for ok, title in re.findall(r"^(ok|not ok)\b\s*(.*)", output, re.M):
            seen += 1
            if ok == "not ok":
                failed += 1
                self.failures.append(f"{name}: {title}")
            elif re.search(r"# *skip", title, re.I):
                self.skipped += 1
                self.reasons[f"{name}: {title.partition('#')[2].strip()}"] += 1
            else:
                self.passed += 1
        if not plan or seen != int(plan[1]) or (status and not failed):
            failed += 1
            self.failures.append(f"{name}: ended early (status {status})")
        self.failed += failed
        return failed


def run_suite(name, count):
    parts, programs, seconds = SUITES[name]
    # QEMU=PATH in the environment: that one, already built.
    build([p for p in parts if p != "qemu" or "QEMU" not in os.environ])
    (BUILD / "log").mkdir(parents=True, exist_ok=True)
    for args in programs:
        title = f"{name}/{pathlib.Path(args[-1]).stem.removeprefix('test_')}"
        log_path = BUILD / "log" / f"test-{title.replace('/', '-')}.log"
        begin = time.monotonic()
        print(f"==> {title} ", end="", flush=True)
        with open(log_path, "w+") as log:
            output, status = run_program(args, seconds, log)
            log.write("\n" + output)
        failed = count.tap(title, output, status)
        word = f"{failed} failed, see {log_path.relative_to(ROOT)}" if failed else "ok"
        print(f"{word} ({time.monotonic() - begin:.1f} s)", flush=True)


def main(names):
    for name in names:
        if name not in SUITES:
            fail(f"no suite '{name}': {', '.join(SUITES)}")
    count = Count()
    for name in names or SUITES:
        run_suite(name, count)
    for reason, times in count.reasons.items():
        print(f"skipped {times} of {reason}")
    for failure in count.failures:
        print(f"FAILED {failure}")
    line = f"{count.passed} passed, {count.failed} failed"
    print(line + (f", {count.skipped} skipped" if count.skipped else ""))
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
