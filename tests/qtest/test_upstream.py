#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""QEMU's own tests of its TPM devices, from the fetched source and unmodified, on the
project's devices: a wrapper exchanges the device's name on QEMU's command line. The
stock names are the control. TAP.

    test_upstream.py [TEXT...]: those with such a text in their name"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from guest_machine import firmware_args  # noqa: E402

QEMU = Path(os.environ.get("QEMU") or ROOT / "build/qemu/obj/qemu-system-x86_64")
PROGRAMS = QEMU.parent / "tests/qtest"
TABLES = QEMU.parent / "tests/data/acpi"
SECONDS = 180

CRB = "tpm-crb-ext,fifo=off,localities=1"  # what QEMU's tests know of CRB
# program: the device it names, those that are put in its place
RUNS = {
    "tpm-tis-test": ("tpm-tis", ["tpm-tis", "tpm-tis-indexed"]),
    "tpm-tis-swtpm-test": ("tpm-tis", ["tpm-tis", "tpm-tis-indexed",
                                       "tpm-crb-ext,interface=fifo"]),
    "tpm-crb-test": ("tpm-crb", ["tpm-crb", CRB]),
    "tpm-crb-swtpm-test": ("tpm-crb", ["tpm-crb", CRB, "tpm-crb-ext"]),
}
ACPI = "/x86_64/acpi/q35/"
ACPI_TESTS = ["tpm2-tis", "tpm12-tis"]

WRAPPER = """#!/bin/sh
for arg; do
    shift
    case $arg in
    {named},*)
        arg="{device},${{arg#*,}}"
        echo "$arg" >>{used}
        ;;
    esac
    set -- "$@" "$arg"
done
exec {qemu} {firmware} "$@"
"""


class Failure(Exception):
    """What a test found."""


class Room:
    """A directory with a QEMU in which one device stands for another."""

    def __init__(self, path, named, device):
        self.path = Path(path)
        self.used = self.path / "used"
        self.qemu = self.path / "qemu-system-x86_64"  # QEMU's tests want this name
        self.qemu.write_text(WRAPPER.format(named=named, device=device, used=self.used,
                                            qemu=QEMU,
                                            firmware=" ".join(firmware_args(QEMU))))
        self.qemu.chmod(0o755)

    def run(self, program, *args, **environment):
        """Its output. Fails where a test of it failed, was left out, or saw no device."""
        done = subprocess.run(
            [PROGRAMS / program, "--tap", "-k", *args], cwd=self.path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS,
            check=False, stdin=subprocess.DEVNULL,
            env=os.environ | {"QTEST_QEMU_BINARY": str(self.qemu),
                              "TMPDIR": str(self.path)} | environment)
        print(done.stdout, file=sys.stderr)
        passed = re.findall(r"^ok \d+ (\S+)(?!.*# SKIP)", done.stdout, re.M)
        other = re.findall(r"^(?:not ok|Bail out!).*|^ok.*# SKIP.*|^.*ERROR:.*",
                           done.stdout, re.M)
        if done.returncode or other or not passed:
            raise Failure(f"status {done.returncode}: {' | '.join(other) or 'no test ran'}")
        if not self.used.exists():
            raise Failure("no QEMU was started with the device")
        return passed


def program_on(program, named, device):
    """All tests of a program of QEMU's."""
    with tempfile.TemporaryDirectory(prefix="tpmix-") as path:
        passed = Room(path, named, device).run(program)
    print(f"# {len(passed)} tests of {program} pass on {device}", flush=True)


def acpi_stock():
    """The control: QEMU's expected tables are those of tpm-tis."""
    with tempfile.TemporaryDirectory(prefix="tpmix-") as path:
        room = Room(path, "tpm-tis", "tpm-tis")
        (room.path / "tests/data").mkdir(parents=True)
        (room.path / "tests/data/acpi").symlink_to(TABLES)
        for name in ACPI_TESTS:
            room.run("bios-tables-test", "-p", ACPI + name)


def tables(directory):
    return {file.name: file.read_bytes() for file in Path(directory).iterdir()}


def tables_of(device, names):
    """The ACPI tables of machines with the device. QEMU's test writes those that differ
    from the expected ones of tpm-tis over them, in a copy."""
    with tempfile.TemporaryDirectory(prefix="tpmix-") as path:
        room = Room(path, "tpm-tis", device)
        copy = room.path / "tests/data/acpi/x86/q35"
        shutil.copytree(TABLES / "x86/q35", copy)
        for name in names:
            room.run("bios-tables-test", "-p", ACPI + name, TEST_ACPI_REBUILD_AML="y")
        return tables(copy)


def acpi_differ(device, names, stock):
    """There are no expected tables for ours. None but the DSDT, which describes the
    device itself, differs from those of the stock device."""
    ours = tables_of(device, names)
    theirs = tables_of(stock, names) if stock != "tpm-tis" else tables(TABLES / "x86/q35")
    differ = sorted(name for name in ours.keys() | theirs.keys()
                    if ours.get(name) != theirs.get(name))
    print(f"# {device} beside {stock}: {', '.join(differ)} differ", flush=True)
    allowed = [f"DSDT.tis.{name.removesuffix('-tis')}" for name in names]
    if differ != sorted(allowed):
        raise Failure(f"{', '.join(differ)} differ, not {', '.join(allowed)}")


def all_tests():
    for program, (named, devices) in RUNS.items():
        for device in devices:
            yield f"{program} on {device}", program_on, (program, named, device)
    yield "bios-tables-test on tpm-tis", acpi_stock, ()
    yield "bios-tables-test on tpm-tis-indexed", acpi_differ, \
        ("tpm-tis-indexed", ACPI_TESTS, "tpm-tis")
    # CRB is of TPM 2.0 alone.
    yield f"bios-tables-test on {CRB}", acpi_differ, (CRB, ACPI_TESTS[:1], "tpm-crb")


def main(words):
    tests = [t for t in all_tests() if not words or any(w in t[0] for w in words)]
    missing = [p for p in [*RUNS, "bios-tables-test"] if not (PROGRAMS / p).exists()]
    if missing:
        print(f"Bail out! no {', '.join(missing)} beside {QEMU}: ./run build qemu-tests")
        return 1
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (title, function, args) in enumerate(tests, 1):
        begin = time.monotonic()
        try:
            function(*args)
            print(f"ok {number} - {title} ({time.monotonic() - begin:.1f} s)", flush=True)
        except (Failure, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"not ok {number} - {title}\n# {' '.join(str(error).split())}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
