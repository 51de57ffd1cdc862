#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The project's driver in a Linux guest: every door, both devices, both kernels, who
has the device, what a command costs, large commands, repeated accesses. TAP on stdout."""

import sys

from tap import ROOT, TOOLS, count, expect, run, run_groups, suspend, told
from ours import DOOR, cost, door, held_cost, in_use, replayed, window_cost
from owner import states

KERNELS = ("6.1", "6.12", "7.3")
TIS = "tpm-tis-indexed,compat=off"
CRB = "tpm-crb-ext,compat=off"
CRB_FIFO = "tpm-crb-ext,compat=off,interface=fifo"
DOUBLE = ROOT / "build/host/tests/guest/tpm_double"

# A stock driver is built in and binds first, through _CID; ours takes over. By force, as
# Debian's IMA measures the boot aggregate into every TPM that it finds.
TAKEOVER = r"""
driver() {
    readlink /sys/bus/*/devices/QEMU002*:00/driver | sed 's,.*/,,'
    node=$(ls /dev/tpmrm* | tail -n 1)
    TPM2TOOLS_TCTI="device:$node" tpm2_getrandom --hex 8 | wc -c
}
driver
modprobe tpmix takeover=force && driver
rmmod tpmix && driver
modprobe tpmix takeover=force && driver
"""

# A TPM that a stock driver has is left alone; by hand it changes hands.
BY_HAND = r"""
exec 2>&1
driver() { readlink /sys/bus/*/devices/QEMU002*:00/driver | sed 's,.*/,,'; }
modprobe tpmix; driver
echo QEMU0022:00 > /sys/bus/acpi/drivers/tpm_crb/unbind
echo QEMU0022:00 > /sys/bus/platform/drivers/tpmix/bind; driver
rmmod tpmix; driver
echo QEMU0022:00 > /sys/bus/acpi/drivers/tpm_crb/bind; driver
"""

# A probe that fails gives the device back: CRB has no FIFO.
FAILED_PROBE = r"""
modprobe tpmix door=fifo takeover=force
readlink /sys/bus/*/devices/QEMU002*:00/driver | sed 's,.*/,,'
dmesg | grep -o 'no FIFO: .*'
"""

# TPM 1.2 is a device of the PNP bus, and tpm2-tools know nothing of it. A
# TPM_GetRandom, 14 bytes, for 16 bytes: response of 30.
FAMILY_1_2 = DOOR + r"""
basename "$(readlink /sys/class/tpm/tpm0/device/driver)"
readlink /sys/class/tpm/tpm0/device/subsystem | sed 's,.*/,,'
exec 6<>/dev/tpm0
printf '\000\301\0\0\0\16\0\0\0\106\0\0\0\20' >&6
dd bs=4096 count=1 <&6 2>/dev/null | head -c 14 | xxd -p
"""

# A TPM without the vendor block, given to our driver: it has to use the FIFO.
FALLBACK = r"""
set -e
cd /sys/bus/platform
modprobe tpmix
echo tpmix > devices/MSFT0101:00/driver_override
echo MSFT0101:00 > drivers/tpm_tis/unbind
echo MSFT0101:00 > drivers/tpmix/bind
cat devices/MSFT0101:00/door
export TPM2TOOLS_TCTI=device:$(ls /dev/tpmrm* | tail -n 1)
""" + TOOLS

# Larger than the trapped window: INDEX moves. NV data and a 4 KiB command.
LARGE = r"""
set -e
head -c 1024 /dev/urandom > /tmp/in
for i in 1 2 3; do
    tpm2_nvdefine -Q -C o -s 1024 0x150000$i
    tpm2_nvwrite -Q -C o -i /tmp/in 0x150000$i
    tpm2_nvread -C o 0x150000$i | cmp - /tmp/in
done
# a command of 4000 bytes: more than the TPM takes, but not than the interface
node=/dev/$(ls /sys/class/tpm | tail -n 1)
{ printf '\200\001\000\000\017\240\000\000\001\173'; head -c 3990 /dev/zero; } > /tmp/cmd
exec 3<>$node
cat /tmp/cmd >&3
head -c 10 <&3 | xxd -p
"""

# Larger than anything that user space can send: tests/guest/large.
LARGER = DOOR + r"""
exec 5<>"$TPMIX_CONTROL"
echo before >&5; read -r _ <&5
modprobe tpm_large size=$SIZE count=20 || exit 1
echo after >&5; read -r _ <&5
dmesg | grep -o 'large: .*'
"""


def suspends(device, wanted, append=""):
    return suspend(DOOR, wanted, device=device, driver="indexed", append=append)


def trapped_cost(reads, writes):
    """Writes: beside those three INDEX, 8 + 8 + 4 bytes, INDEX. Reads: locality
    granted, completion at least once, checksum, 8 of the response. Where the TPM was late
    an interrupt is asked for, too."""
    return 7.9 < writes <= 8.5 and 10.9 <= reads < 50


def larger(device, size, wanted, right, **options):
    result, reads, writes, _ = count(LARGER, device=device, driver="indexed",
                                     env={"SIZE": size}, tpm=[DOUBLE, str(size)], **options)
    if result.status or result.out.decode() != f"{wanted}\nlarge: 20 commands of {size} bytes\n":
        return told(result)
    # Beside the 20 one that the driver refuses, for which it took the locality.
    if right and (reads, writes) != right:
        return f"{reads} reads, {writes} writes, not {right}"
    return None


def doors(tap):
    for name, device in (("tpm-tis-indexed", TIS), ("tpm-crb-ext", CRB),
                         ("tpm-crb-ext as FIFO", CRB_FIFO)):
        for kernel in KERNELS if device == CRB else ("6.1", "7.3"):
            tap.check(f"{kernel}: {name}, windows in RAM",
                      lambda d=device, k=kernel: in_use("window", d, k))
        tap.check(f"{name}, trapped window",
                  lambda d=device: in_use("indexed", d, "6.1", door("indexed")))
    tap.check("tpm-crb-ext with one locality", lambda: in_use(
        "window", CRB + ",localities=1", "6.1"))
    tap.check("on pc", lambda: expect(
        TOOLS + DOOR, "^window\n$", device=CRB, driver="indexed", machine="pc"))
    for wanted, append in (("window", ""), ("fifo", door("fifo"))):
        tap.check(f"TPM 1.2, {wanted}", lambda w=wanted, a=append: expect(
            FAMILY_1_2, f"^{w}\ntpmix\npnp\n00c40000001e0000000000000010\n$",
            device="tpm-tis-indexed", driver="indexed", tpm="1.2", append=a))
    for name, device in (("tpm-tis-indexed", TIS), ("tpm-crb-ext as FIFO", CRB_FIFO)):
        tap.check(f"{name}, door=fifo", lambda d=device: in_use("fifo", d, "6.1", door("fifo")))
    tap.check("stock tpm-tis: FIFO", lambda: expect(FALLBACK, "^fifo\n$", device="tpm-tis"))


def binding(tap):
    for kernel, crb in (("6.1", "tpm_crb"), ("6.12", "tpm_crb"), ("7.3", "tpm_crb_acpi")):
        for stock, device in (("tpm_tis", "tpm-tis-indexed"), (crb, "tpm-crb-ext"),
                              ("tpm_tis", "tpm-crb-ext,interface=fifo")):
            if kernel == "6.12" and stock == "tpm_tis":
                continue  # as 6.1
            tap.check(f"{kernel}: {device}: takeover from {stock} and back",
                      lambda d=device, s=stock, k=kernel: expect(
                          TAKEOVER, f"^{s}\n16\ntpmix\n16\n"
                                    f"{s}\n16\ntpmix\n16\n$", device=d, kernel=k))
    tap.check("tpm-crb-ext: takeover and back without an interrupt", lambda: expect(
        TAKEOVER, "^tpm_crb\n16\ntpmix\n16\ntpm_crb\n16\ntpmix\n16\n$",
        device="tpm-crb-ext,irq=0"))
    tap.check("tpm-crb-ext: no takeover, and by hand", lambda: expect(
        BY_HAND, "^tpm_crb\ntpmix\ntpm_crb\n$", device="tpm-crb-ext"))
    tap.check("tpm-crb-ext: a failed probe gives it back", lambda: expect(
        FAILED_PROBE, "^tpm_crb\nno FIFO: ", device="tpm-crb-ext"))
    for name, device in (("tpm-tis-indexed", TIS), ("tpm-crb-ext", CRB)):
        tap.check(f"{name}: suspend to RAM and resume", lambda d=device: suspends(d, "window"))
    tap.check("the same, trapped", lambda: suspends(CRB, "indexed", door("indexed")))
    tap.check("the same, without an interrupt", lambda: suspends(CRB + ",irq=0", "window"))


def kept(device, stock, kernel):
    """udev loads the driver; the stock driver keeps the TPM, as IMA measures into it, until
    it is forced. Then the default nodes are this TPM's, also after it was given back, and
    PCR 10 stays what it was."""
    loaded, refused, forced, back = states((
        "start_udev; policy; measure a",
        "rmmod tpmix; modprobe tpmix takeover=1 2>/dev/null && echo taken; measure b",
        "modprobe tpmix takeover=force; udevadm settle; measure c",
        "rmmod tpmix; udevadm settle"), device=device, kernel=kernel)
    nodes = "/dev/tpm0 /dev/tpmrm0"
    problem = (
        loaded.problem(driver=stock, loaded=True, node=nodes, bypass=False,
                       said=f"{stock} has this TPM and keeps it") or loaded.measured(4) or
        refused.problem(driver=stock, loaded=False, node=nodes,
                        said=f"{stock} keeps this TPM, as IMA measures into it") or
        refused.measured(7) or
        forced.problem(driver="tpmix", loaded=True, node="/dev/tpm1 /dev/tpmrm1", said="") or
        back.problem(driver=stock, loaded=False, node="/dev/tpm1 /dev/tpmrm1"))
    if problem:
        return problem
    if len(forced.list) < 10 or forced.pcr != refused.pcr:
        return f"after a takeover by force IMA goes on: {len(forced.list)} measurements, {vars(forced)}"
    return None


def not_offered(device, kernel, driver="stock"):
    """Where no stock driver had the TPM when IMA looked, IMA extends no PCR. What binds
    later, our driver or a stock one from which it is taken, has the number 0."""
    name = "QEMU0021:00" if "tis" in device else "QEMU0022:00"
    steps = ["start_udev; policy; measure a"]
    if driver == "stock":
        bus = "/sys/bus/platform/d"
        steps += [f"rmmod tpmix; echo tpm_tis > {bus}evices/{name}/driver_override; "
                  f"echo {name} > {bus}rivers/tpm_tis/bind",
                  f"echo > {bus}evices/{name}/driver_override; modprobe tpmix takeover=1"]
    said = states(steps, device=device, kernel=kernel, driver=driver)
    for state, owner in zip(said, ("tpmix", "tpm_tis", "tpmix")):
        if problem := state.problem(driver=owner, node="/dev/tpm0 /dev/tpmrm0"):
            return problem
        if len(state.list) < 4 or state.pcr.strip("0"):
            return f"IMA: {len(state.list)} measurements, PCR 10 is {state.pcr}"
    return said[0].problem(bypass=True)


def owner(tap):
    for device, stock, kernel in (("tpm-tis-indexed", "tpm_tis", "6.1"),
                                  ("tpm-crb-ext", "tpm_crb", "6.12"),
                                  ("tpm-crb-ext", "tpm_crb_acpi", "7.3")):
        tap.check(f"{kernel}: {device}: {stock} keeps the TPM, IMA measures, until forced",
                  lambda d=device, s=stock, k=kernel: kept(d, s, k))
    tap.check("compat=off: no TPM for IMA; takeover=1 of what IMA does not use",
              lambda: not_offered(TIS, "6.1"))
    tap.check("7.3: initcall_blacklist: no TPM for IMA",
              lambda: not_offered("tpm-crb-ext", "7.3", driver="indexed"))


def costs(tap):
    for kernel in ("6.1", "7.3"):
        for device in (TIS, CRB, CRB_FIFO):
            tap.check(f"{kernel}: {device}: 1 trapped access per command",
                      lambda d=device, k=kernel: cost(held_cost, d, kernel=k))
    for device in (TIS, CRB):
        tap.check(f"{device}: 3 without an interrupt", lambda d=device: cost(
            window_cost, d + ",irq=0"))
    tap.check("tpm-tis-indexed, trapped window", lambda: cost(
        trapped_cost, TIS, append=door("indexed")))
    tap.check("tpm-tis-indexed, door=fifo: as the stock driver", lambda: cost(
        lambda reads, writes: reads + writes >= 90, TIS, append=door("fifo")))
    tap.check("tpm-tis-indexed with stock tpm_tis: 30 times as many", lambda: cost(
        lambda reads, writes: reads + writes >= 90, "tpm-tis-indexed", driver="stock"))
    tap.check("tpm-crb-ext with stock tpm_crb: twice as many", lambda: cost(
        lambda reads, writes: reads + writes >= 6, "tpm-crb-ext", driver="stock"))


def large(tap):
    tap.check("commands larger than the trapped window", lambda: expect(
        LARGE, r"^80010000000a0000[0-9a-f]{4}\n$", device=TIS, driver="indexed",
        append=door("indexed")))
    # 20 doorbells, and the locality 21 times.
    for device in (TIS, CRB):
        tap.check(f"{device}: 8 KiB, windows in RAM", lambda d=device: larger(
            d + ",irq=0", 8192, "window", (0, 62)))
    tap.check("the same, trapped", lambda: larger(
        CRB, 8192, "indexed", None, append=door("indexed")))
    tap.check("64 KiB", lambda: larger(
        CRB + ",irq=0,buffer-size=64K", 65536, "window", (0, 62), kernel="7.3"))


def replays(tap):
    for when in ("now", "late"):
        for device in (TIS, CRB, CRB_FIFO):
            tap.check(f"{device}: accesses repeated {when}, windows in RAM",
                      lambda d=device, w=when: replayed(d, w))
        tap.check(f"{CRB}: accesses repeated {when}, trapped window",
                  lambda w=when: replayed(CRB, w, door("indexed")))
        tap.check(f"{CRB}: accesses repeated {when}, no interrupt",
                  lambda w=when: replayed(CRB + ",irq=0", w))


# A TIS driver may not bind where ACPI names a line (compat=on), so it is bound by hand.
BY_NAME = r"""
cd /sys/bus/platform
echo tpm_tis > devices/QEMU0021:00/driver_override
echo QEMU0021:00 > drivers/tpm_tis/bind
export TPM2TOOLS_TCTI=device:/dev/tpmrm0
"""

# Interrupts of the line that ACPI names, after RSA keys and short commands.
INTERRUPTS = r"""
for i in 1 2 3; do
    tpm2_createprimary -Q -G rsa2048 -c /tmp/key || echo failed
    for j in 1 2 3 4 5 6 7 8; do tpm2_getrandom --hex 8 | wc -c; done
done | sort | uniq -c | tr -s ' '
sed -n 's/^ *3: *\([0-9]*\).*/\1/p' /proc/interrupts
"""


def interrupts_come(least, before="", **options):
    """At least so many, and no more for it that went wrong."""
    result = run(before + INTERRUPTS, **options)
    answers, _, num = result.out.decode().strip().partition("\n")
    num = num or "0"  # nobody has the line
    if result.status or answers.strip() != "24 16" or not num.isdecimal():
        return told(result)
    print(f"# {options['device']}, {options['driver']} driver: {num} interrupts")
    return None if int(num) >= least else f"{num} interrupts"


def interrupts(tap):
    for machine, device, kernel in (("q35", TIS, "6.1"), ("q35", CRB, "6.12"),
                                    ("pc", CRB, "7.3")):
        tap.check(f"{kernel}: {device} on {machine}: an RSA key is slept for",
                  lambda m=machine, d=device, k=kernel: interrupts_come(
                      2, device=d, driver="indexed", kernel=k, machine=m))
    tap.check("the same, trapped", lambda: interrupts_come(
        2, device=CRB, driver="indexed", kernel="6.1", append=door("indexed")))
    # 6.1 finds that it gets none, as its test does not hold the locality; then it polls.
    for kernel, least in (("6.1", 0), ("6.12", 100), ("7.3", 100)):
        tap.check(f"{kernel}: stock tpm_tis with interrupts",
                  lambda k=kernel, n=least: interrupts_come(
                      n, BY_NAME, device=TIS, driver="stock", kernel=k,
                      append="tpm_tis.interrupts=1"))
    tap.check("7.3: stock tpm_crb with the line", lambda: interrupts_come(
        0, device="tpm-crb-ext", driver="stock", kernel="7.3"))


GROUPS = (doors, binding, owner, costs, interrupts, large, replays)


if __name__ == "__main__":
    sys.exit(run_groups(GROUPS, sys.argv[1:]))
