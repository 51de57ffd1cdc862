# SPDX-License-Identifier: BSD-2-Clause
"""Who has the TPM in a guest where udev loads the driver and IMA measures, and whether
PCR 10 is what IMA's list of measurements gives."""

import hashlib
import struct

from tap import Guest, GuestError

# Functions for the guest. udev loads modules by modalias, and names devices.
SETUP = r"""
mkdir -p /run /tmp/measured
export TPM2TOOLS_TCTI=device:/dev/tpmrm0
start_udev() {
    ln -sf /bin/udevadm /run/systemd-udevd
    /run/systemd-udevd --daemon 2>/dev/null
    udevadm trigger --action=add --subsystem-match=platform --subsystem-match=acpi \
        --subsystem-match=pnp --subsystem-match=tpm --subsystem-match=tpmrm
    udevadm settle -t 60
}
policy() { echo 'measure func=BPRM_CHECK' > /sys/kernel/security/ima/policy; }
# Programs that were not run before: a measurement for each.
measure() {
    for i in 1 2 3; do
        cp /bin/busybox /tmp/measured/$1$i
        /tmp/measured/$1$i 2>/dev/null >&2
    done
}
list() { xxd -p /sys/kernel/security/ima/binary_runtime_measurements | tr -d '\n'; }
pcr() { tpm2_pcrread sha256:10 | sed -n 's/.*: 0x//p'; }
# The programs that ask are measured too, so all is asked twice.
report() {
    list >/dev/null; pcr >/dev/null
    udevadm settle -t 60
    echo "driver $(readlink /sys/bus/*/devices/QEMU002*:00/driver | sed 's,.*/,,' | xargs)"
    echo "loaded $(grep -c '^tpmix ' /proc/modules)"
    echo "node $(test -c /dev/tpm0 && readlink -f /dev/tpm0)" \
        "$(test -c /dev/tpmrm0 && readlink -f /dev/tpmrm0)"
    echo "pcr $(pcr)"
    echo "list $(list)"
    echo "bypass $(dmesg | grep -c 'activating TPM-bypass')"
    echo "said $(dmesg -c | grep -oE 'tpm_[a-z_]+ (has|keeps) this TPM.*' | tail -n 1)"
}
"""


def entries(data):
    """The template data of each measurement in IMA's binary list. Every bank of the TPM
    is extended with its own hash of that; all ones stand for a violation, whose hash in
    the list is zero."""
    found = []
    while data:
        _, digest, length = struct.unpack_from("<I20sI", data)
        data = data[28 + length:]  # the template's name
        (length,) = struct.unpack_from("<I", data)
        found.append(data[4:4 + length] if any(digest) else None)
        data = data[4 + length:]
    return found


def pcr_of(measurements):
    """PCR 10 of the sha256 bank after these measurements, in hexadecimal."""
    pcr = bytes(32)
    for data in measurements:
        digest = b"\xff" * 32 if data is None else hashlib.sha256(data).digest()
        pcr = hashlib.sha256(pcr + digest).digest()
    return pcr.hex()


class State:
    """What one report() of a guest says."""

    def __init__(self, lines):
        said = {}
        for line in lines:
            word, _, text = line.partition(" ")
            said[word] = text
        try:
            self.driver, self.node, self.said = said["driver"], said["node"], said["said"]
            self.loaded, self.bypass = said["loaded"] == "1", said["bypass"] != "0"
            self.pcr = said["pcr"].lower()
            self.list = entries(bytes.fromhex(said["list"]))
        except (KeyError, ValueError, struct.error):
            raise GuestError(f"a guest reports only {lines}") from None

    def problem(self, **wanted):
        """None, or what is not as wanted: driver, node, said (a part of it), loaded."""
        for name, value in wanted.items():
            mine = getattr(self, name)
            if value not in mine if name == "said" else value != mine:
                return f"{name}: {mine!r}, not {value!r}"
        return None

    def measured(self, least):
        """None where PCR 10 is what a list of at least so many measurements gives."""
        if len(self.list) < least:
            return f"IMA has only {len(self.list)} measurements, not {least}"
        wanted = pcr_of(self.list)
        if self.pcr != wanted:
            return f"PCR 10 is {self.pcr}, {len(self.list)} measurements give {wanted}"
        return None


def states(steps, **options):
    """Runs lines of shell in one guest, with SETUP's functions, and reports after each.
    Returns a State for each."""
    script = SETUP + "".join(f"{step}\nreport; echo\n" for step in steps)
    with Guest(command=script, **options) as guest:
        result = guest.wait()
    parts = result.out.decode(errors="replace").split("\n\n")[:-1]
    if result.status or len(parts) != len(steps):
        raise GuestError(f"status {result.status}, {len(parts)} of {len(steps)} reports: "
                         f"{result.err.decode(errors='replace')}")
    return [State(part.splitlines()) for part in parts]
