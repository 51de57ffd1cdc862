#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The devices on the "virt" machines of Arm and RISC-V: Debian's kernels with the stock
drivers and ours, by device tree and by ACPI, firmware that nobody here wrote, accesses
repeated, a machine saved and loaded. TAP on stdout."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tap import DRIVER_OF, ROOT, TOOLS, Guest, expect, run, run_groups, told
from ours import cost, door, held_cost, in_use, replayed, window_cost
from stock import Report, booted, end, stock_guest
from guest_boards import BOARDS
from guest_peers import Swtpm
from uboot import UBoot

BINDINGS = ROOT / "linux-driver/bindings"

TIS, CRB = "tpm-tis-indexed", "tpm-crb-ext"
FIFO = "tpm-crb-ext,interface=fifo"
ARM, RISCV = "virt-arm", "virt-riscv"
FOUND = "[ -e /sys/firmware/devicetree/base ] && echo tree || echo acpi\n"


def nobodys(device, found="tree", **options):
    """Debian's kernels of these processors have no driver for TIS in memory."""
    return expect("ls /sys/class/tpm | wc -l\nmodinfo tpm_tis 2>/dev/null | wc -l\n" + FOUND,
                  f"^0\n0\n{found}\n$", device=device, **options)


def measured_boot(device, driver, kernel):
    """AAVMF: by ACPI, every PCR as its log has it, the kernel content."""
    with stock_guest(device=device, machine=ARM, firmware="aavmf", kernel=kernel,
                     memory=1024) as guest:
        booted(guest)
        report = Report(guest)
        end(guest)
    return report.problem(driver)


def in_acpi(device, ids, method):
    """The tables as firmware finds them; the start method is at byte 48 of TPM2."""
    result = run("modprobe qemu_fw_cfg && "
                 "cat /sys/firmware/qemu_fw_cfg/by_name/etc/acpi/tables/raw",
                 device=device, machine=RISCV)
    found = re.findall(rb"QEMU002[12]|MSFT0101", result.out)
    table = result.out.find(b"TPM2")
    if result.status or found != ids or table < 0 or result.out[table + 48] != method:
        return f"status {result.status}, {len(result.out)} bytes, {found}, TPM2 at {table}"
    return None


def judged(tree):
    """What dt-validate says of the node, by the binding."""
    done = subprocess.run(["dt-validate", "-s", BINDINGS, tree], capture_output=True, text=True,
                          check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if "tpm@0" in line]


def bound(machine, device, wanted):
    """The node is as the binding has it; one with a second range is not."""
    board = BOARDS[machine]
    done = subprocess.run(["dt-doc-validate", "."], cwd=BINDINGS, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        return done.stderr
    with tempfile.TemporaryDirectory() as work:
        tree, bad = Path(work, "tree.dtb"), Path(work, "bad.dtb")
        swtpm = Swtpm(Path(work), None, "2.0")
        try:
            subprocess.run([board.qemu, "-machine", f"virt,dumpdtb={tree}", "-display", "none",
                            "-nodefaults", "-chardev", f"socket,id=c,path={swtpm.path}",
                            "-tpmdev", "emulator,id=t,chardev=c", "-device",
                            f"{board.device(device)},tpmdev=t"],
                           capture_output=True, check=True, timeout=60)
        finally:
            swtpm.stop()
        node = f"/platform-bus@{board.tpm_base:x}/tpm@0"
        has = subprocess.run(["fdtget", "-t", "s", tree, node, "compatible"], text=True,
                             capture_output=True, check=False).stdout.split()
        shutil.copy(tree, bad)
        subprocess.run(["fdtput", bad, node, "reg", "0", "1", "2", "3"], check=True)
        said, missed = judged(tree), not judged(bad)
    if has != wanted or said or missed:
        return f"compatible {has}; {said}" + "; a second range is not seen" * missed
    return None


# Saved between the two, loaded after the second: PCR 16 is again what it was.
SAVED = r"""
exec 5<>"$TPMIX_CONTROL"
tpm2_pcrreset 16
tpm2_pcrextend 16:sha256=$(echo one | sha256sum | cut -d' ' -f1)
tpm2_pcrread sha256:16 >/tmp/one
echo save >&5; read -r said <&5
tpm2_pcrread sha256:16 | cmp - /tmp/one || exit 1
[ "$said" = saved ] || exit 0
tpm2_pcrextend 16:sha256=$(echo two | sha256sum | cut -d' ' -f1)
tpm2_pcrread sha256:16 | cmp -s - /tmp/one && exit 1
echo load >&5; read -r _ <&5
exit 1
"""


def saved_and_loaded(machine, device):
    """The stream of the machine, with its TPM's: a snapshot is one, to a file and back."""
    with tempfile.TemporaryDirectory() as work:
        disk = Path(work, "state.qcow2")
        subprocess.run([BOARDS["q35"].qemu.parent / "qemu-img", "create", "-q", "-f", "qcow2",
                        disk, "64M"], check=True)
        with Guest(command=SAVED, device=device, driver="indexed", machine=machine,
                   qemu_args=["-drive", f"if=none,format=qcow2,file={disk}"]) as guest:
            monitor = lambda line: guest.qmp.execute("human-monitor-command",
                                                     **{"command-line": line})
            guest.control.read_line(240)
            said = monitor("savevm one")
            guest.control.write_line("saved")
            if guest.control.read_line() == "load":
                said += monitor("loadvm one")
                guest.control.write_line("loaded")
            result = guest.wait()
    return None if not said and not result.status else said + told(result)


def uboot(machine, device):
    """U-Boot's own driver and commands."""
    with UBoot(machine, device) as console:
        said = console.command("tpm2 init") + console.command("tpm2 startup TPM2_SU_CLEAR")
        said += console.command("tpm2 self_test full")
        said += console.command("tpm2 pcr_read 0 0x48000000")
        what = console.command("tpm2 info")
    wrong = re.search(r"error|unknown|fail|timeout", said + what, re.I)
    if wrong or not re.search(r"PCR #0 .*:\n(\s*[0-9a-f]{2}){32}", said):
        return f"U-Boot says:\n{said}{what}"
    return None


def arm(tap):
    for device, wanted in ((CRB, ["qemu,tpm-crb-ext", "tcg,tpm-tis-mmio"]),
                           (TIS + ",compat=off", ["qemu,tpm-tis-indexed"])):
        for machine in (ARM, RISCV):
            tap.check(f"{machine}: {device}: the device tree's node",
                      lambda m=machine, d=device, w=wanted: bound(m, d, w))
    tap.check(f"{ARM}: tpm-tis: a device without a driver",
              lambda: nobodys("tpm-tis", machine=ARM))
    for device, kernel in ((TIS, "7.3"), (CRB, "6.12"), (CRB, "7.3")):
        tap.check(f"{ARM}: {device}: tpmix by the device tree, Linux {kernel}",
                  lambda d=device, k=kernel: in_use("window", d + ",compat=off", k, machine=ARM))
    tap.check(f"{ARM}: {CRB}: the same, trapped", lambda: in_use(
        "indexed", CRB + ",compat=off", "6.12", door("indexed"), machine=ARM))
    tap.check(f"{ARM}: {CRB}: one trapped access for a command", lambda: cost(
        held_cost, CRB + ",compat=off", machine=ARM))
    tap.check(f"{ARM}: {CRB}: three without an interrupt", lambda: cost(
        window_cost, CRB + ",compat=off,irq=0", machine=ARM))
    tap.check(f"{ARM}: {CRB}: accesses repeated late", lambda: replayed(
        CRB + ",compat=off", "late", machine=ARM, rounds=1))
    tap.check(f"{ARM}: {CRB}: saved and loaded", lambda: saved_and_loaded(
        ARM, CRB + ",compat=off"))


def firmware(tap):
    for driver, kernel in (("tpm_crb", "6.12"), ("tpm_crb_acpi", "7.3")):
        tap.check(f"{ARM}: {CRB}: AAVMF, {driver} by ACPI, Linux {kernel}",
                  lambda s=driver, k=kernel: measured_boot(CRB, s, k))
    for device in (CRB, TIS):
        tap.check(f"{ARM}: {device}: AAVMF, tpmix by ACPI", lambda d=device: in_use(
            "window", d + ",compat=off", "6.12", machine=ARM, firmware="aavmf",
            memory=1024))
    for device in ("tpm-tis", TIS, FIFO):
        tap.check(f"{ARM}: {device}: U-Boot", lambda d=device: uboot(ARM, d))


def riscv_by_acpi(tap):
    """edk2 describes the machine by ACPI, as its kernel's own driver wants it."""
    edk2 = {"machine": RISCV, "firmware": "edk2", "memory": 1024}
    tap.check(f"{RISCV}: {CRB}: edk2, stock tpm_crb by ACPI", lambda: expect(
        TOOLS + DRIVER_OF + "\n" + FOUND, "^tpm_crb(_acpi)?\nacpi\n$", device=CRB, **edk2))
    tap.check(f"{RISCV}: tpm-tis: edk2, a device without a driver",
              lambda: nobodys("tpm-tis", "acpi", **edk2))
    tap.check(f"{RISCV}: {CRB}: edk2, tpmix by ACPI", lambda: in_use(
        "window", CRB + ",compat=off", None, **edk2))


def riscv(tap):
    tap.check(f"{RISCV}: tpm-tis: a device without a driver",
              lambda: nobodys("tpm-tis", machine=RISCV))
    tap.check(f"{RISCV}: {CRB}: tpmix by the device tree", lambda: in_use(
        "window", CRB + ",compat=off", None, machine=RISCV))
    tap.check(f"{RISCV}: {TIS}: one trapped access for a command", lambda: cost(
        held_cost, TIS + ",compat=off", machine=RISCV))
    tap.check(f"{RISCV}: {TIS}: accesses repeated at once", lambda: replayed(
        TIS + ",compat=off", "now", machine=RISCV, rounds=1))
    tap.check(f"{RISCV}: {CRB}: saved and loaded", lambda: saved_and_loaded(
        RISCV, CRB + ",compat=off"))
    for device, ids, method in ((CRB, [b"QEMU0022", b"MSFT0101"], 7),
                                (TIS + ",compat=off", [b"QEMU0021"], 6),
                                ("tpm-tis", [b"MSFT0101"], 6)):
        tap.check(f"{RISCV}: {device}: ACPI has it", lambda d=device, i=ids, m=method:
                  in_acpi(d, i, m))
    riscv_by_acpi(tap)


GROUPS = (arm, firmware, riscv)


if __name__ == "__main__":
    sys.exit(run_groups(GROUPS, sys.argv[1:]))
