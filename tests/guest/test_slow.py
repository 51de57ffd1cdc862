#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A TPM slower than Linux waits (drivers/char/tpm/tpm2-cmd.c): GetRandom takes 3 s. What
is asked next gets its own answer, or an error, and never that to GetRandom. TAP on
stdout."""

import re
import sys
from pathlib import Path

from tap import ROOT, Guest, GuestError, run_groups, told

SLOW_MS = 3000
DOUBLE = [ROOT / "build/host/tests/guest/tpm_double", "4096", str(SLOW_MS)]
# tpm-crb without this project's patches.
DEBIAN_QEMU = Path("/usr/bin/qemu-system-x86_64")

INVERT = 0x20000001  # tpm_double.c
QUESTIONS = 3

ASK = r"""
exec 6<>/dev/$(ls /sys/class/tpm | tail -n 1)
ask() { printf "$1" 2>/dev/null >&6 && dd bs=4096 count=1 <&6 2>/dev/null | xxd -p -c 64; }
echo "random $(ask '\200\1\0\0\0\14\0\0\1\173\0\20')"
"""


def question(number):
    """Header, place for the hash, and bytes that no other question has."""
    return b"\x80\x01" + (26).to_bytes(4, "big") + INVERT.to_bytes(4, "big") + \
        bytes(4) + bytes([number] * 12)


def right_answer(command):
    value = 2166136261
    for byte in command:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return command[:6] + bytes(4) + value.to_bytes(4, "big") + bytes(b ^ 0xFF for b in command[14:])


def script():
    lines = [ASK]
    for number in range(1, QUESTIONS + 1):
        octal = "".join(f"\\{byte:03o}" for byte in question(number))
        lines.append(f"echo \"answer $(ask '{octal}')\"")
    return "\n".join(lines)


def answers(**options):
    """What Linux had for each question, in hexadecimal; "" for an error. GuestError where
    it waited for GetRandom, as then nothing was tried."""
    with Guest(command=script(), tpm=DOUBLE, **options) as guest:
        result = guest.wait()
    lines = result.out.decode(errors="replace").splitlines()
    said = [line.partition(" ")[2] for line in lines if line.startswith("answer")]
    if result.status or "random " not in lines or len(said) != QUESTIONS:
        raise GuestError(told(result))
    return said


def own_answers(**options):
    """Right answers or errors, and in the end right ones."""
    said = answers(**options)
    wanted = [right_answer(question(number + 1)).hex() for number in range(QUESTIONS)]
    print(f"# {sum(a == w for a, w in zip(said, wanted))} right, {said.count('')} errors")
    if said[-1] != wanted[-1] or any(a not in ("", w) for a, w in zip(said, wanted)):
        return f"answers {said}"
    return None


def old_answer(**options):
    """The control group: the first question is answered by that to GetRandom."""
    said = answers(**options)
    if re.fullmatch("80010000000c0{8}0000", said[0]):
        return None
    return f"answers {said}, of which the first was to be that to GetRandom"


def stock_drivers(tap):
    for kernel in ("6.1", "6.12", "7.3"):
        tap.check(f"{kernel}: tpm_crb on tpm-crb-ext", lambda k=kernel: own_answers(
            device="tpm-crb-ext", kernel=k))
    tap.check("tpm_tis on tpm-tis-indexed", lambda: own_answers(device="tpm-tis-indexed"))
    name = "the control group: tpm_crb on tpm-crb of Debian's QEMU"
    if DEBIAN_QEMU.exists():
        tap.check(name, lambda: old_answer(device="tpm-crb", qemu=DEBIAN_QEMU))
    else:
        tap.skip(name, "no qemu-system-x86 of Debian")


def own_driver(tap):
    for door in ("window", "indexed", "fifo"):
        device = "tpm-tis-indexed" if door == "fifo" else "tpm-crb-ext"
        tap.check(f"tpmix on {device}, {door}", lambda d=door, t=device: own_answers(
            device=t + ",compat=off", driver="indexed", append=f"tpmix.door={d}"))


if __name__ == "__main__":
    sys.exit(run_groups((stock_drivers, own_driver), sys.argv[1:]))
