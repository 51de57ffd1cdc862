#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Guests that nobody here wrote, unmodified, on every interface of the two devices:
SeaBIOS, OVMF, Linux' tpm_tis and tpm_crb. TAP on stdout."""

import argparse
import re
import subprocess
import sys
import tempfile

from stock import Report, ask, booted, complaints, end, measured, reset, stock_guest
from tap import (COUNT, COUNTED, COUNTED_BYTES, DRIVER_OF, GuestError, count, run_groups,
                 run, suspend, told)
from demo import Row, count_commands, run_row
from guest_boards import OLDEST
from guest_machine import QEMU, firmware_args

TIS = "tpm-tis-indexed"
CRB = "tpm-crb-ext"
FIFO = "tpm-crb-ext,interface=fifo"
LIKE_STOCK = "tpm-crb-ext,fifo=off,localities=1"

# One register at a time: cmdReady and START, both again after the completion, are a new
# command to any CRB, and a relinquish takes the locality from the next one.
REQ = "reads=off,min-offset=0x40,max-offset=0x43"
START = "reads=off,min-offset=0x4c,max-offset=0x4f"
ALL = 1000000

# INTERFACE_ID: InterfaceSelector and IntfSelLock, which root may write.
SELECTOR = "devmem 0xFED40030 32"
MAY_WRITE = "iomem=relaxed"
LOCK = 1 << 19
TO_FIFO, TO_CRB = 0 << 17, 1 << 17


def guards():
    """What boots() and the others judge by can fail: bad PCRs and bad messages are seen."""
    good = {"sha256": {n: "5a" for n in range(8)}}
    cases = {
        "a PCR differs": ({"sha256": {**good["sha256"], 7: "5b"}}, good),
        "a PCR is not in the log": ({"sha256": {n: "5a" for n in range(7)}}, good),
        "a PCR is zero": 2 * [{"sha256": {**good["sha256"], 3: "00"}}],
        "a bank is not in the log": (good, {**good, "sha1": good["sha256"]}),
        "no banks": ({}, {}),
    }
    missed = [name for name, (log, pcrs) in cases.items() if not measured(log, pcrs)]
    missed += [text for text in (
        "<3>[    1.0] tpm tpm0: [Firmware Bug]: TPM interrupt not working, polling instead",
        "<6>[    0.0] [Firmware Bug]: TPM Final Events table missing or invalid",
        "<4>[    1.0] tpm_tis MSFT0101:00: can't request region for resource",
        "<6>[    1.0] tpm tpm0: Operation Timed out",
        "<6>[    1.0] tpm tpm0: A TPM error (256) occurred attempting the self test",
        "<6>[    1.0] tpm tpm0: TPM in field failure mode, requires firmware upgrade",
        "<3>[    1.0] tpm tpm0: tpm_transmit: tpm_recv: error -5") if not complaints([text])]
    if missed:
        return f"not seen: {missed}"
    mild = ["<6>[    3.6] tpm_crb QEMU0022:00: Disabling hwrng", "<4>[    1.0] pci: quirk"]
    wrong = measured(good, good) + complaints(mild)
    return f"seen where nothing is: {wrong}" if wrong else None


def status_and_bytes():
    """What the other tests learn of a guest comes by these."""
    data = bytes(range(256)) * 64
    result = run("cat /data; echo -n E >&2; exit 7", files={"data": data})
    if (result.status, result.out, result.err) != (7, data, b"E"):
        return f"status {result.status}, {len(result.out)} bytes, {result.err!r}"
    return None


def refused():
    """QEMU's reason and its hint, in one line."""
    try:
        boots(CRB, "tpm_crb", tpm="1.2")
    except GuestError as error:
        wanted = "CRB is for TPM 2.0, .*: Start swtpm with --tpm2, .* \\(see .*\\.log\\)$"
        return None if re.search(wanted, str(error)) else f"it says {error}"
    return "a TPM 1.2 has booted"


def boots(device, driver, **options):
    with stock_guest(device=device, **options) as guest:
        booted(guest)
        problem = Report(guest).problem(driver)
        end(guest)
    return problem


def resets_well(device, driver, write=None, **options):
    """A reset finds the same interface, whatever a guest wrote to the locked selector, and
    the second boot measures what the first one did."""
    with stock_guest(device=device, append=MAY_WRITE, **options) as guest:
        booted(guest)
        first = Report(guest)
        if write is not None:
            if not int(ask(guest, SELECTOR)[0], 16) & LOCK:
                return "SeaBIOS has not locked the selector"
            ask(guest, f"{SELECTOR} {write:#x}")
        reset(guest)
        second = Report(guest)
        end(guest)
    problem = first.problem(driver) or second.problem(driver)
    same = all(second.pcrs[bank][n] == values[n]
               for bank, values in first.pcrs.items() for n in range(8))
    return problem or (None if same else "the second boot measured something else")


def selects():
    """The selector, which OVMF does not lock: nothing changes until a reset, after which
    firmware, ACPI and kernel go by the other interface. There, and back."""
    with stock_guest(device=CRB, firmware="ovmf", append=MAY_WRITE) as guest:
        booted(guest)
        for value, before, after in ((TO_FIFO, "tpm_crb", "tpm_tis"),
                                     (TO_CRB, "tpm_tis", "tpm_crb")):
            if int(ask(guest, SELECTOR)[0], 16) & LOCK:
                return "OVMF has locked the selector: this test needs another firmware"
            ask(guest, f"{SELECTOR} {value:#x}")
            said = ask(guest, DRIVER_OF + "; tpm2_getrandom --hex 8 | wc -c")
            if said != [before, "16"]:
                return f"selector {value:#x}, before the reset: {said}"
            reset(guest)
            if problem := Report(guest).problem(after):
                return f"selector {value:#x}, after the reset: {problem}"
        end(guest)
    return None


def ata_disk():
    """Firmware and QEMU belong together: where they do not, SeaBIOS waits 30 s for a disk."""
    sector = bytes.fromhex("b001e6f4f4").ljust(510, b"\0") + b"\x55\xaa"  # out 0xf4, 1; hlt
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.write(sector.ljust(1 << 20, b"\0"))
        disk.flush()
        try:
            done = subprocess.run(
                [QEMU["own"], *firmware_args(QEMU["own"]), "-machine", "q35", "-accel", "tcg",
                 "-display", "none", "-nic", "none", "-hda", disk.name,
                 "-device", "isa-debug-exit,iobase=0xf4,iosize=1"],
                capture_output=True, text=True, timeout=20, check=False)
        except subprocess.TimeoutExpired:
            return "not started from after 20 s"
    return None if done.returncode == 3 else f"status {done.returncode}: {done.stderr}"


def crb_cost(kernel):
    """requestAccess, cmdReady, CANCEL = 0, START, goIdle, relinquish: reads are of
    memory."""
    result, reads, writes, commands = count(COUNTED, device=CRB, kernel=kernel)
    print(f"# stock tpm_crb, {kernel}: {reads / commands:.2f} reads and "
          f"{writes / commands:.2f} writes per PCR_Read")
    if result.status or int(result.out) != COUNTED_BYTES or commands - COUNT not in range(5):
        return f"{commands} commands, " + told(result)
    return None if (reads, writes) == (0, 6 * commands) else f"{reads} reads, {writes} writes"


SUBPAGE = "memory_region_subpage_"


def subpage_counters(guest):
    """As tap.counters(), of stock tpm-crb: its buffer is RAM in the page of its registers,
    so that all accesses to either trap. QEMU tells of them as accesses to a part of a
    page; the page is the one where a command was started. swtpm counts the commands."""
    log = guest.log.read_text(errors="replace")
    for kind in ("read", "write"):
        guest.qmp.execute("trace-event-set-state", name=SUBPAGE + kind, enable=True)
    seen = re.findall(SUBPAGE + r"(\w+) .*mr (\w+) offset (\w+) ", log)
    pages = {page for kind, page, offset in seen if (kind, offset) == ("write", "0x4c")}
    kinds = [kind for kind, page, _ in seen if page in pages]
    return (kinds.count("read"), kinds.count("write"),
            count_commands(guest.swtpm.log_path.read_text()))


def stock_crb_cost(kernel):
    """At least four times what tpm-crb-ext takes, for the same commands."""
    result, reads, writes, commands = count(
        COUNTED, subpage_counters, device="tpm-crb", kernel=kernel, swtpm_log=20)
    print(f"# tpm-crb, stock tpm_crb, {kernel}: {reads / commands:.2f} reads and "
          f"{writes / commands:.2f} writes per PCR_Read")
    if result.status or int(result.out) != COUNTED_BYTES or commands - COUNT not in range(5):
        return f"{commands} commands, " + told(result)
    if writes < 6 * commands or reads + writes <= 4 * 6 * commands:
        return f"only {reads} reads, {writes} writes"
    return None


def replayed(device, which, rate):
    """tpm_crb's accesses again: which, of mmio-replay's properties, and how many of
    1000000."""
    options = argparse.Namespace(rounds=2, rate=rate, repetitions=None, seed=2011,
                                 kernel="6.1", accel="tcg", qemu="own", machine="q35")
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
    """Each interface with each firmware and each kernel; each device on pc as well."""
    tap.check("exit status and bytes", status_and_bytes)
    tap.check("an ATA disk is started from at once", ata_disk)
    tap.check("bad PCRs and bad messages are seen", guards)
    tap.check(f"{CRB}: a TPM 1.2 is refused, with the mend", refused)
    for device, driver, kernel, firmware, machine in (
            (TIS, "tpm_tis", "6.1", "seabios", "q35"),
            (TIS, "tpm_tis", "6.12", "ovmf", "pc"),
            (CRB, "tpm_crb", "6.1", "seabios", "pc"),
            (CRB, "tpm_crb", "6.12", "ovmf", "q35"),
            (TIS, "tpm_tis", OLDEST, "seabios", "pc"),
            (TIS, "tpm_tis", "7.3", "ovmf", "q35"),
            (CRB, "tpm_crb", OLDEST, "seabios", "q35"),
            (CRB, "tpm_crb_acpi", "7.3", "ovmf", "q35"),
            (FIFO, "tpm_tis", "7.3", "seabios", "q35"),
            (FIFO, "tpm_tis", "6.1", "ovmf", "q35"),
            (LIKE_STOCK, "tpm_crb_acpi", "7.3", "seabios", "q35"),
            (LIKE_STOCK, "tpm_crb", "6.1", "ovmf", "pc")):
        tap.check(f"{device}: {firmware}, Linux {kernel}, {machine}: {driver}",
                  lambda d=device, s=driver, k=kernel, f=firmware, m=machine:
                  boots(d, s, kernel=k, firmware=f, machine=m))


def resets(tap):
    # SeaBIOS selects the interface that it found, and locks it.
    tap.check(f"{TIS}: SeaBIOS, a reset", lambda: resets_well(TIS, "tpm_tis", kernel="6.12"))
    tap.check(f"{CRB}: SeaBIOS locks the selector, a reset",
              lambda: resets_well(CRB, "tpm_crb", TO_FIFO))
    tap.check(f"{FIFO}: SeaBIOS, a reset", lambda: resets_well(FIFO, "tpm_tis", TO_CRB))
    tap.check(f"{CRB}: OVMF, selector to FIFO and back", selects)
    for device, driver in ((CRB, "tpm_crb"), (FIFO, "tpm_tis")):
        tap.check(f"{device}: suspend to RAM and resume",
                  lambda d=device, s=driver: suspend(DRIVER_OF, s, device=d))


def accesses(tap):
    for kernel in ("6.1", "7.3"):
        tap.check(f"{CRB}: 6 trapped accesses per command, Linux {kernel}",
                  lambda k=kernel: crb_cost(k))
        tap.check(f"tpm-crb: more than four times as many, Linux {kernel}",
                  lambda k=kernel: stock_crb_cost(k))
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
