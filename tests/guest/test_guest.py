#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Linux guest on the project's device, nothing of it ours: both kernels, SeaBIOS.
TAP on stdout."""

import sys

from tap import DRIVER_OF, TOOLS, Tap, expect, run

DEVICE = "tpm-tis-indexed"

# PCRs 0 to 7 have been extended by the firmware, as its event log says.
MEASURED = r"""
set -e
log=$(ls /sys/kernel/security/tpm*/binary_bios_measurements)
tpm2_eventlog $log > /tmp/events
sed -n '/^pcrs:/,$p' /tmp/events | awk '/sha/ { on = /sha256:/ } on' | \
    sed -n 's/^ *\([0-9]\) *: *0x\([0-9a-f]*\)$/\1 \2/p' | sort > /tmp/log-pcrs
tpm2_pcrread sha256:0,1,2,3,4,5,6,7 | \
    sed -n 's/^ *\([0-9]\) *: *0x\([0-9A-F]*\)$/\1 \2/p' | tr A-F a-f | sort > /tmp/tpm-pcrs
[ "$(wc -l < /tmp/tpm-pcrs)" = 8 ]
cat /tmp/log-pcrs | while read -r n value; do
    grep -q "^$n $value$" /tmp/tpm-pcrs || echo "PCR $n differs"
done
wc -l < /tmp/log-pcrs
"""


def status_and_bytes():
    data = bytes(range(256)) * 64
    result = run("cat /data; echo -n E >&2; exit 7", files={"data": data})
    if (result.status, result.out, result.err) != (7, data, b"E"):
        return f"status {result.status}, {len(result.out)} bytes, {result.err!r}"
    return None


def main():
    tap = Tap()
    tap.check("exit status and bytes", status_and_bytes)
    for kernel in ("6.1", "6.12"):
        tap.check(f"{kernel}: stock driver, FIFO", lambda k=kernel: expect(
            TOOLS + DRIVER_OF, r"^tpm_tis\n$", device=DEVICE, kernel=k))
    tap.check("SeaBIOS measures, its log gives the PCRs", lambda: expect(
        MEASURED, r"^8\n$", device=DEVICE))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
