# SPDX-License-Identifier: BSD-2-Clause
"""What the tests with a Linux guest share: TAP, one command in one guest, counters."""

import re
import sys
from pathlib import Path

from stalls import Stalls

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from guest_machine import Guest  # noqa: E402
from guest_peers import GuestError  # noqa: E402

# What a user does first; the last line shows that it was reached.
TOOLS = r"""
set -e
[ "$(tpm2_getrandom --hex 32 | wc -c)" = 64 ]
tpm2_pcrread sha256:0,23 >/dev/null
tpm2_getcap properties-fixed | grep -q TPM2_PT_MANUFACTURER
tpm2_createprimary -Q -C o -c /tmp/p.ctx
echo secret | tpm2_create -Q -C /tmp/p.ctx -i - -u /tmp/k.pub -r /tmp/k.priv
tpm2_flushcontext -t
tpm2_load -Q -C /tmp/p.ctx -u /tmp/k.pub -r /tmp/k.priv -c /tmp/k.ctx
[ "$(tpm2_unseal -c /tmp/k.ctx)" = secret ]
"""

DRIVER_OF = 'basename "$(readlink /sys/class/tpm/tpm*/device/driver)"'


TRIES = 3  # of what fails while the machine stands still; else one


def attempt(function):
    try:
        return function()
    except GuestError as error:
        return str(error)


class Tap:
    def __init__(self):
        self.count = self.failed = 0
        self.stalls = Stalls()

    def check(self, name, function):
        """function returns None, or what is wrong."""
        self.count += 1
        for _ in range(TRIES):
            self.stalls.longest()
            problem = attempt(function)
            stall = self.stalls.longest()
            if problem is None or not stall:
                break
            print(f"# the machine stood still for {stall:.1f} s: {name}: "
                  f"{problem.strip().splitlines()[-1]}", flush=True)
        self.failed += problem is not None
        print(f"{'ok' if problem is None else 'not ok'} {self.count} - {name}", flush=True)
        if problem is not None:
            print("# " + problem.strip().replace("\n", "\n# "), flush=True)

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # skip {why}", flush=True)

    def end(self):
        """The plan; the exit status."""
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def run_groups(groups, names):
    """The named groups of tests, functions that take a Tap, or all; the exit status."""
    tap = Tap()
    for group in groups:
        if not names or group.__name__ in names:
            group(tap)
    return tap.end()


def run(command, **options):
    with Guest(command=command, **options) as guest:
        return guest.wait()


def told(result):
    return (f"status {result.status}, output:\n{result.out.decode(errors='replace')}\n"
            f"{result.err.decode(errors='replace')}")


def expect(command, want, **options):
    """Runs it; None where it ends with 0 and its output matches, else what came."""
    result = run(command, **options)
    out = result.out.decode(errors="replace")
    if result.status == 0 and re.search(want, out, re.S):
        return None
    return told(result)


# S3: the kernel saves the TPM's state, QEMU resets the device, firmware resumes.
SUSPEND = r"""
exec 5<>"$TPMIX_CONTROL"
before=$(tpm2_pcrread sha256:23)
echo ready >&5
echo mem > /sys/power/state || exit 1
[ "$(tpm2_pcrread sha256:23)" = "$before" ] && """ + TOOLS


def suspend(command, wanted, **options):
    """Suspends and wakes the guest; None where the TPM works after that and the command
    says what is wanted."""
    with Guest(command=SUSPEND + command, compressed=True, **options) as guest:
        guest.control.read_line(120)
        guest.qmp.wait_event("SUSPEND", 60)
        guest.qmp.execute("system_wakeup")
        result = guest.wait()
    return None if result.status == 0 and result.out.decode() == f"{wanted}\n" else told(result)


# Between the two lines to the host only what is counted happens: COUNT commands
# PCR_Read, 20 bytes, response 62 bytes, without a resource manager.
COUNT = 50
COUNTED = rf"""
node=/dev/$(ls /sys/class/tpm | tail -n 1)
exec 5<>"$TPMIX_CONTROL" 6<>$node
echo before >&5; read -r _ <&5
for i in $(seq {COUNT}); do
    printf '\200\001\0\0\0\24\0\0\1\176\0\0\0\1\0\13\3\1\0\0' >&6
    dd bs=4096 count=1 <&6 2>/dev/null
done | wc -c
echo after >&5; read -r _ <&5
"""
COUNTED_BYTES = 62 * COUNT


def counters(guest):
    return [guest.qmp.execute("qom-get", path="/machine/peripheral/tpm", property=name)
            for name in ("mmio-reads", "mmio-writes", "commands")]


def count(command, counters=counters, **options):
    """Runs a command that writes two lines to the host, and waits for a line after
    each. Returns its Result, and what was counted between the two, by the device
    unless told otherwise: reads, writes, commands."""
    with Guest(command=command, **options) as guest:
        guest.control.read_line()
        before = counters(guest)
        guest.control.write_line("go")
        guest.control.read_line()
        after = counters(guest)
        guest.control.write_line("go")
        return guest.wait(), *(b - a for a, b in zip(before, after))
