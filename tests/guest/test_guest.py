#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Linux guest on the project's device: stock driver and our driver, both kernels,
SeaBIOS. TAP on stdout."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from guest import Guest, GuestError  # noqa: E402

DEVICE = "tpm-tis-indexed"
NO_COMPAT = "tpm-tis-indexed,compat=off"

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

STOCK = TOOLS + DRIVER_OF

INDEXED = TOOLS + DRIVER_OF + r"""
cat /sys/class/tpm/tpm*/device/door
dmesg | grep -i "replay-safe" | tail -n 1
"""

# tpm_tis is built in and binds first, through _CID; loading ours takes over.
TAKEOVER = r"""
driver() { basename "$(readlink /sys/bus/*/devices/QEMU0021:00/driver)"; }
tools() {
    node=$(ls /dev/tpmrm* | tail -n 1)
    TPM2TOOLS_TCTI="device:$node" tpm2_getrandom --hex 8 | wc -c
}
driver; tools
modprobe tpm_indexed && driver && tools
rmmod tpm_indexed && driver && tools
modprobe tpm_indexed && driver && tools
"""

# A TPM without the vendor block, given to our driver: it has to use the FIFO.
FALLBACK = r"""
set -e
cd /sys/bus/platform
modprobe tpm_indexed
echo tpm_tis_indexed > devices/MSFT0101:00/driver_override
echo MSFT0101:00 > drivers/tpm_tis/unbind
echo MSFT0101:00 > drivers/tpm_tis_indexed/bind
cat devices/MSFT0101:00/door
export TPM2TOOLS_TCTI=device:$(ls /dev/tpmrm* | tail -n 1)
""" + TOOLS

DOOR_FIFO = "rmmod tpm_indexed; modprobe tpm_indexed door=fifo || exit 1\n" + \
    "cat /sys/class/tpm/tpm*/device/door\n" + \
    "export TPM2TOOLS_TCTI=device:$(ls /dev/tpmrm* | tail -n 1)\n" + TOOLS

# Larger than the window: INDEX moves. 3000 bytes of NV data and a 4 KiB answer.
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

# S3: the kernel saves the TPM's state, QEMU resets the device, firmware resumes.
SUSPEND = r"""
exec 5<>"$TPMIX_CONTROL"
before=$(tpm2_pcrread sha256:23)
echo ready >&5
echo mem > /sys/power/state || exit 1
[ "$(tpm2_pcrread sha256:23)" = "$before" ] && """ + TOOLS


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, name, function):
        self.count += 1
        try:
            problem = function()
        except GuestError as error:
            problem = str(error)
        self.failed += problem is not None
        print(f"{'ok' if problem is None else 'not ok'} {self.count} - {name}", flush=True)
        if problem is not None:
            print("# " + problem.strip().replace("\n", "\n# "), flush=True)


def run(command, **options):
    with Guest(command=command, **options) as guest:
        return guest.wait()


def expect(command, want, **options):
    """Runs it; None where it ends with 0 and its output matches, else what came."""
    result = run(command, **options)
    out = result.out.decode(errors="replace")
    if result.status == 0 and re.search(want, out, re.S):
        return None
    return f"status {result.status}, output:\n{out}\n{result.err.decode(errors='replace')}"


def status_and_bytes():
    data = bytes(range(256)) * 64
    result = run("cat /data; echo -n E >&2; exit 7", files={"data": data})
    if (result.status, result.out, result.err) != (7, data, b"E"):
        return f"status {result.status}, {len(result.out)} bytes, {result.err!r}"
    return None


def suspend():
    with Guest(command=SUSPEND, device=NO_COMPAT, driver="indexed") as guest:
        guest.control.read_line(120)
        guest.qmp.wait_event("SUSPEND", 60)
        guest.qmp.execute("system_wakeup")
        result = guest.wait()
    if result.status:
        return f"status {result.status}: {result.err.decode(errors='replace')}"
    return None


def accesses():
    """Per command fewer trapped accesses than the stock driver: the count, not time."""
    script = ("exec 5<>\"$TPMIX_CONTROL\"\n"
              "tpm2_getrandom --hex 8 >/dev/null; echo a >&5; read -r _ <&5\n"
              "for i in 1 2 3 4 5 6 7 8 9 10; do tpm2_pcrread sha256:0 >/dev/null; done\n"
              "echo b >&5; read -r _ <&5\n")
    cost = {}
    for driver, device in (("stock", DEVICE), ("indexed", NO_COMPAT)):
        with Guest(command=script, device=f"{device},id=tpm",
                   driver=driver) as guest:
            def counters():
                return [guest.qmp.execute("qom-get", property=name,
                                          path="/machine/peripheral/tpm")
                        for name in ("mmio-reads", "mmio-writes", "commands")]
            guest.control.read_line(120)
            before = counters()
            guest.control.write_line("go")
            guest.control.read_line(120)
            reads, writes, commands = (b - a for a, b in zip(before, counters()))
            guest.control.write_line("go")
            guest.wait()
            cost[driver] = (reads + writes) / commands
    print(f"# trapped accesses per command: stock {cost['stock']:.1f}, "
          f"indexed {cost['indexed']:.1f}")
    if cost["indexed"] * 2 > cost["stock"]:
        return f"stock {cost['stock']:.1f}, indexed {cost['indexed']:.1f}"
    return None


def main():
    tap = Tap()
    tap.check("exit status and bytes", status_and_bytes)
    for kernel in ("6.1", "6.12"):
        tap.check(f"{kernel}: stock driver, FIFO",
                  lambda k=kernel: expect(STOCK, r"^tpm_tis\n$", device=DEVICE, kernel=k))
        tap.check(f"{kernel}: our driver, indexed door",
                  lambda k=kernel: expect(
                      INDEXED, r"^tpm_tis_indexed\nindexed\n.*replay-safe",
                      device=NO_COMPAT, driver="indexed", kernel=k))
        tap.check(f"{kernel}: takeover from tpm_tis and back",
                  lambda k=kernel: expect(
                      TAKEOVER, r"^tpm_tis\n16\ntpm_tis_indexed\n16\n"
                                r"tpm_tis\n16\ntpm_tis_indexed\n16\n$",
                      device=DEVICE, kernel=k))
    tap.check("our driver on pc", lambda: expect(
        INDEXED, r"^tpm_tis_indexed\nindexed\n", device=NO_COMPAT, driver="indexed",
        machine="pc"))
    tap.check("our driver, door=fifo", lambda: expect(
        DOOR_FIFO, r"^fifo\n$", device=NO_COMPAT, driver="indexed"))
    tap.check("our driver on stock tpm-tis: FIFO", lambda: expect(
        FALLBACK, r"^fifo\n$", device="tpm-tis"))
    tap.check("commands larger than the window", lambda: expect(
        LARGE, r"^80010000000a0000[0-9a-f]{4}\n$", device=NO_COMPAT, driver="indexed"))
    tap.check("SeaBIOS measures, its log gives the PCRs", lambda: expect(
        MEASURED, r"^8\n$", device=DEVICE))
    tap.check("suspend to RAM and resume", suspend)
    tap.check("fewer trapped accesses than the stock driver", accesses)
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
