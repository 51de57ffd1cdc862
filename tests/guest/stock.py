# SPDX-License-Identifier: BSD-2-Clause
"""A guest that nobody here wrote, asked line by line; what it says of its TPM.

The host sends lines of shell through the control port and the guest runs them, so that
one guest is asked before and after a reset or a suspend."""

import re

from tap import TOOLS, Guest, GuestError

BOOT_S = 120

# Signatures, a forged one too, and NV. TOOLS are the other half.
MORE_TOOLS = r"""
cd /tmp
echo text > text; echo other > other
tpm2_createprimary -Q -C o -G ecc256:ecdsa-sha256 \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' -c s.ctx
tpm2_sign -Q -c s.ctx -g sha256 -o sig text
tpm2_verifysignature -Q -c s.ctx -g sha256 -m text -s sig
if tpm2_verifysignature -Q -c s.ctx -g sha256 -m other -s sig 2>/dev/null; then
    echo a forged signature is good
    exit 1
fi
head -c 1024 /dev/urandom > nv
tpm2_nvdefine -Q -C o -s 1024 0x1500001
tpm2_nvwrite -Q -C o -i nv 0x1500001
tpm2_nvread -C o -s 1024 0x1500001 | cmp - nv
tpm2_nvundefine -Q -C o 0x1500001
tpm2_flushcontext -t
echo tools work
"""

# dmesg -r begins a line with its priority; 0 to 4 are warnings and worse.
REPORT = r"""
echo "driver $(basename "$(readlink /sys/class/tpm/tpm0/device/driver)")"
echo "method $(od -An -tu1 -j 48 -N 1 /sys/firmware/acpi/tables/TPM2)"
dmesg -r | sed 's/^/dmesg /'
echo log
tpm2_eventlog /sys/kernel/security/tpm0/binary_bios_measurements | sed -n '/^pcrs:/,$p'
echo pcrs
tpm2_pcrread
echo tools
sh /tools.sh 2>&1
"""

LOOP = r"""
exec 5<>"$TPMIX_CONTROL"
echo ready >&5
while read -r line <&5; do
    [ "$line" != end ] || exit 0
    eval "$line" >/tmp/said 2>&1
    sed 's/^/ /' /tmp/said >&5
    echo . >&5
done
"""

# Of any priority: a driver that gave up, in the words of drivers/char/tpm.
COMPLAINTS = re.compile("field failure mode|timed out|a tpm error|firmware bug|tpm.* error -|"
                        "too many memory resources|invalid command count", re.I)
# Start methods of the TPM2 table: MMIO, CRB. tpm_crb's name has changed with Linux 7.
METHODS = {"tpm_tis": "6", "tpm_crb": "7", "tpm_crb_acpi": "7"}


def stock_guest(**options):
    """A Guest to be asked, started as Debian's kernel is. -no-reboot is taken back."""
    files = {"tools.sh": (TOOLS + MORE_TOOLS).encode(), "report.sh": REPORT.encode()}
    return Guest(command=LOOP, driver="stock", files=files, timeout=600, compressed=True,
                 qemu_args=["-action", "reboot=reset"], **options)


def booted(guest):
    """Waits for the guest's first word."""
    said = guest.control.read_line(BOOT_S)
    if said != "ready":
        raise GuestError(f"a booting guest says {said!r}: see {guest.log}")


def hear(guest):
    """What the line printed that was sent last, as lines."""
    said = []
    while (text := guest.control.read_line()) != ".":
        said.append(text[1:])
    return said


def ask(guest, line):
    """Runs a line of shell in the guest, returns what it prints, as lines."""
    guest.control.write_line(line)
    return hear(guest)


def reset(guest):
    guest.qmp.execute("system_reset")
    guest.qmp.wait_event("RESET")
    booted(guest)


def end(guest):
    guest.control.write_line("end")
    guest.wait()


def pcrs_of(lines):
    """{bank: {number: value}} of what tpm2_pcrread and tpm2_eventlog print."""
    banks = {}
    for line in lines:
        if bank := re.fullmatch(r"\s+(sha\w+):", line):
            values = banks[bank[1]] = {}
        elif pcr := re.fullmatch(r"\s+(\d+)\s*:\s*0x([0-9A-Fa-f]+)", line):
            values[int(pcr[1])] = pcr[2].lower()
    return banks


def measured(log, pcrs):
    """What is wrong, a list: in each bank PCRs 0 to 7 are extended, and they and all
    others of the log are what the log gives."""
    found = []
    if not pcrs or log.keys() != pcrs.keys():
        found.append(f"banks: the log has {list(log)}, the TPM {list(pcrs)}")
    for bank, values in pcrs.items():
        logged = log.get(bank, {})
        for number in sorted({*range(8), *logged}):
            if not values[number].strip("0"):
                found.append(f"{bank}: PCR {number} is not extended")
            if logged.get(number) != values[number]:
                found.append(f"{bank}: PCR {number} is {values[number]}, the log gives "
                             f"{logged.get(number)}")
    return found


def complaints(messages):
    """Of the lines of dmesg -r: about the TPM, as a warning or worse, or as above."""
    return [text for text in messages
            if COMPLAINTS.search(text) or re.match("<[0-4]>.*tpm", text, re.I)]


class Report:
    """What a guest says of its TPM, now."""

    def __init__(self, guest):
        lines = ask(guest, "sh /report.sh")
        try:
            log, pcrs, tools = (lines.index(name) for name in ("log", "pcrs", "tools"))
        except ValueError:
            raise GuestError(f"a guest reports only {lines}: see {guest.log}") from None
        head = [line.partition(" ") for line in lines[:log]]
        said = {word: text.strip() for word, _, text in head}
        self.driver, self.method = said["driver"], said["method"]
        self.messages = [text for word, _, text in head if word == "dmesg"]
        self.log, self.pcrs = pcrs_of(lines[log:pcrs]), pcrs_of(lines[pcrs:tools])
        self.tools = lines[tools + 1:]

    def problem(self, driver):
        """None where the stock driver of that name is bound and all is well."""
        found = ["the kernel complains: " + text for text in complaints(self.messages)]
        if (self.driver, self.method) != (driver, METHODS[driver]):
            found.append(f"driver {self.driver} by start method {self.method}, not {driver}")
        if self.tools != ["tools work"]:
            found += ["tools: " + text for text in self.tools or ["say nothing"]]
        return "\n".join(found + measured(self.log, self.pcrs)) or None
