#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Guests that nobody here wrote, unmodified, on every interface of the two devices:
SeaBIOS, OVMF, Linux' tpm_tis and tpm_crb. TAP on stdout."""

import argparse
import re
import sys

from tap import (COUNT, COUNTED, COUNTED_BYTES, DRIVER_OF, TOOLS, Guest, count, run,
                 run_groups, suspend, told)
from demo import Row, run_row

TIS = "tpm-tis-indexed"
CRB = "tpm-crb-ext"
FIFO = "tpm-crb-ext,interface=fifo"
LIKE_STOCK = "tpm-crb-ext,fifo=off,localities=1"

# One register at a time: cmdReady and START, both again after the completion, are a new
# command to any CRB, and a relinquish takes the locality from the next one.
REQ = "reads=off,min-offset=0x40,max-offset=0x43"
START = "reads=off,min-offset=0x4c,max-offset=0x4f"
ALL = 1000000

# What a driver or the kernel says of a TPM that is not as it should be.
COMPLAINTS = ("field failure mode", "[Tt]imed out", "A TPM error", "TPM2? .*Bug",
              "too many memory resources", "invalid command count")

# Firmware's log, the TPM's PCRs, the kernel's messages: judged on the host.
SEEN = TOOLS + DRIVER_OF + r"""
tpm2_eventlog /sys/kernel/security/tpm0/binary_bios_measurements | sed -n '/^pcrs:/,$p'
echo registers:
tpm2_pcrread
echo messages:
dmesg | grep -i tpm
"""

# A boot is over when the host hears of the driver; then it says what comes next.
REBOOTED = "set -e\n" + DRIVER_OF + r""" > /tmp/driver
exec 5<>"$TPMIX_CONTROL"
cat /tmp/driver >&5
read -r next <&5
if [ "$next" != end ]; then
    busybox devmem 0xFED40030 32 "$next"
    echo selected >&5
    read -r _ <&5
fi
""" + SEEN


def banks(text):
    """{(algorithm, PCR): value}, as tpm2_eventlog and tpm2_pcrread print them."""
    values, bank = {}, None
    for line in text.splitlines():
        head = re.match(r"\s+(sha\d+):", line)
        value = re.match(r"\s+(\d+)\s*:\s*0x([0-9A-Fa-f]+)$", line)
        if head:
            bank = head[1]
        elif value:
            values[bank, int(value[1])] = value[2].lower()
    return values


def problem(out, driver):
    """None, or what is wrong with the output of SEEN."""
    head, _, rest = out.partition("pcrs:")
    logged, _, rest = rest.partition("registers:")
    registers, _, messages = rest.partition("messages:")
    log, tpm = banks(logged), banks(registers)
    active = {bank for bank, _ in tpm}
    measured = {key: value for key, value in log.items() if key[0] in active}
    if head.split() != [driver]:
        return f"driver {head!r}"
    for bank in active:
        missing = [n for n in range(8) if (bank, n) not in measured]
        if missing:
            return f"{bank}: nothing measured into PCR {missing}"
    for (bank, n), value in measured.items():
        if tpm[bank, n] != value:
            return f"PCR {n} of {bank}: {tpm[bank, n]}, the log gives {value}"
    if not active:
        return "no bank"
    for complaint in COMPLAINTS:
        if re.search(complaint, messages):
            return f"the kernel complains: {messages}"
    return None


def judge(result, driver):
    if result.status:
        return told(result)
    wrong = problem(result.out.decode(), driver)
    return wrong and f"{wrong}\n{told(result)}"


def boots(device, driver, **options):
    return judge(run(SEEN, device=device, **options), driver)


def reboots(device, steps, **options):
    """steps: the driver that a boot has, and what it writes into INTF_ID: None for
    nothing. The last boot is looked at whole."""
    with Guest(command=REBOOTED, device=device, timeout=300,
               qemu_args=["-action", "reboot=reset"], **options) as guest:
        for left, (driver, intf_id) in zip(range(len(steps))[::-1], steps):
            seen = guest.control.read_line(120)
            if seen != driver:
                return f"driver {seen}, not {driver}"
            if intf_id is not None:
                guest.control.write_line(intf_id)
                guest.control.read_line(60)
            if left:
                guest.qmp.execute("system_reset")
        guest.control.write_line("end")
        return judge(guest.wait(), steps[-1][0])


def crb_cost(kernel):
    """requestAccess, cmdReady, CANCEL = 0, START, goIdle, relinquish: reads are of
    memory."""
    result, reads, writes, commands = count(COUNTED, device=CRB, kernel=kernel)
    print(f"# stock tpm_crb, {kernel}: {reads / commands:.2f} reads and "
          f"{writes / commands:.2f} writes per PCR_Read")
    if result.status or int(result.out) != COUNTED_BYTES or commands - COUNT not in range(5):
        return f"{commands} commands, " + told(result)
    return None if (reads, writes) == (0, 6 * commands) else f"{reads} reads, {writes} writes"


def replayed(device, which, rate):
    """tpm_crb's accesses again: which, of mmio-replay's properties, and how many of
    1000000."""
    options = argparse.Namespace(rounds=2, rate=rate, seed=2011, kernel="6.1",
                                 accel="tcg", qemu="own")
    row = run_row(Row(f"{device}, {which}", device, "stock",
                      replay="addr=0xfed40000,size=0x1000,done-addr=0x4c,done-mask=1,"
                             f"done-value=0,{which}"), options)
    print(f"# {device}, {which}: {row.commands} commands, {row.accesses} accesses, "
          f"{row.replays} repeated: {row.right} right, {row.wrong} wrong, {row.failed} failed")
    return row


def ours_replayed(which, rate):
    row = replayed(CRB, which, rate)
    if row.wrong or row.failed or not row.right or row.replays < row.accesses / 40:
        return "\n".join([str(row)] + row.errors)
    return None


def stock_replayed(which):
    """The control group: tpm-crb runs its response as a command."""
    row = replayed("tpm-crb", which, ALL)
    return None if row.wrong + row.failed and row.replays else f"all right: {row}"


def firmware_and_kernels(tap):
    for device, driver, kernel, firmware in (
            (TIS, "tpm_tis", "6.1", "seabios"), (TIS, "tpm_tis", "6.12", "ovmf"),
            (CRB, "tpm_crb", "6.1", "seabios"), (CRB, "tpm_crb", "6.12", "ovmf"),
            (FIFO, "tpm_tis", "6.12", "seabios"), (FIFO, "tpm_tis", "6.1", "ovmf"),
            (LIKE_STOCK, "tpm_crb", "6.12", "seabios"),
            (LIKE_STOCK, "tpm_crb", "6.1", "ovmf")):
        tap.check(f"{device}: {firmware}, Linux {kernel}, {driver}",
                  lambda d=device, s=driver, k=kernel, f=firmware:
                  boots(d, s, kernel=k, firmware=f))
    tap.check(f"{CRB}: on pc", lambda: boots(CRB, "tpm_crb", machine="pc"))


def resets(tap):
    # SeaBIOS selects the interface that it found, and locks it.
    tap.check(f"{CRB}: SeaBIOS, a reset", lambda: reboots(
        CRB, [("tpm_crb", None), ("tpm_crb", None)]))
    tap.check(f"{CRB}: SeaBIOS locked the selector", lambda: reboots(
        CRB, [("tpm_crb", "0x00000"), ("tpm_crb", None)], append="iomem=relaxed"))
    tap.check(f"{CRB}: OVMF, selector to FIFO and back", lambda: reboots(
        CRB, [("tpm_crb", "0x00000"), ("tpm_tis", "0x20000"), ("tpm_crb", None)],
        firmware="ovmf", append="iomem=relaxed"))
    for device, driver in ((CRB, "tpm_crb"), (FIFO, "tpm_tis")):
        tap.check(f"{device}: suspend to RAM and resume",
                  lambda d=device, s=driver: suspend(DRIVER_OF, s, device=d))


def accesses(tap):
    for kernel in ("6.1", "6.12"):
        tap.check(f"{CRB}: 6 trapped accesses per command, Linux {kernel}",
                  lambda k=kernel: crb_cost(k))
    tap.check(f"{CRB}: a tenth of all accesses repeated at once",
              lambda: ours_replayed("when=now", ALL // 10))
    for name, register in (("CTRL_REQ", REQ), ("CTRL_START", START)):
        for when in ("late", "completed"):
            tap.check(f"{CRB}: every {name} repeated {when}",
                      lambda r=register, w=when: ours_replayed(f"{r},when={w}", ALL))
    tap.check("tpm-crb: every CTRL_START repeated completed, the response is lost",
              lambda: stock_replayed(f"{START},when=completed"))


GROUPS = (firmware_and_kernels, resets, accesses)


if __name__ == "__main__":
    sys.exit(run_groups(GROUPS, sys.argv[1:]))
