# SPDX-License-Identifier: BSD-2-Clause
"""A domain's life by virsh, from define to undefine, and what libvirt does for its TPM."""

import re
import time

from domain import Domain

PCR = "cat /sys/class/tpm/tpm0/pcr-sha256/23"
DEFINE = "tpm2_nvdefine -Q 0x1500016 -C o -s 6"
# TPM2_PCR_Extend, TPM2_NV_Write, TPM2_NV_Read
EXTEND = "00000182", "00000017", "00000001 000b" + "5a" * 32
OWNER_AND_INDEX = "40000001 01500016"
READ = "0000014e", OWNER_AND_INDEX, "0006 0000"
DRIVER = "basename $(readlink /sys/class/tpm/tpm0/device/driver)"
# The firmware measures what it does.
MEASURED = "head -c 1 /sys/kernel/security/tpm0/binary_bios_measurements | grep -q ."
OFF_S = 30


def write(word):
    return "00000137", OWNER_AND_INDEX, f"0006 {word.hex()} 0000"


class Life:
    """It begins on a and ends on b. .done: what libvirt did for the TPM, in which the device
    makes no difference: step -> command lines of swtpm and files, the domain's names out."""

    def __init__(self, work, name, a, b, model, device, way, driver, bound, more=None):
        """driver: the guest's, bound: as what it is there; more: a further step, a method's
        name."""
        self.name, self.a, self.b, self.more = name, a, b, more
        self.kind, self.bound = device or model, bound
        self.work = work / name
        self.domain = Domain(self.work, name, model, device, way, driver)
        self.done, self.seconds, self.uuid, self.pcr = {}, [], None, None

    def run(self):
        try:
            for step in ("starts", "snapshot", "save", "migrate", "shuts_off", "starts_again",
                         "undefine"):
                if step in ("snapshot", "starts_again") and step != self.more:
                    continue
                begin = time.monotonic()
                getattr(self, step)()
                self.seconds.append(f"{step} {time.monotonic() - begin:.1f}")
        finally:
            self.domain.disconnect()
        return ", ".join(self.seconds)

    def note(self, step, host):
        """What there is of it now. How many swtpms."""
        swtpms = [line for line in host.swtpms() if self.uuid in line]
        # A folder for snapshots stays where there was one.
        files = [name for name in host.files() if (self.uuid in name or self.name in name) and
                 "/qemu/snapshot/" not in name]
        # PID, and the domain's number before its name
        self.done[step] = sorted(
            re.sub(r"^\d+ |(?<=[/-])\d+(?=-NAME)", "", line.replace(self.uuid, "UUID")
                   .replace(self.name, "NAME")) for line in swtpms + files)
        return len(swtpms)

    def same(self, step):
        """As the guest wrote it."""
        got = self.domain.tell(PCR), self.nv()
        assert got == (self.pcr, b"first."), f"{step}: {got}, before: {self.pcr}"

    def nv(self):
        return self.domain.tpm(*READ)[2:]

    def starts(self):
        a, domain = self.a, self.domain
        a.virsh("define", domain.file)
        self.uuid = a.virsh("domuuid", self.name)
        a.virsh("start", self.name)
        domain.connect(a)
        assert self.note("running", a) == 1, a.swtpms()
        assert domain.device() == self.kind, domain.device()
        self.guest_begins()

    def guest_begins(self):
        domain = self.domain
        domain.wait_ready()
        assert domain.tell(DRIVER) == self.bound, domain.tell(DRIVER)
        domain.tell(MEASURED)
        domain.tell(DEFINE)
        domain.tpm(*write(b"first."))
        domain.tpm(*EXTEND)
        self.pcr = domain.tell(PCR)
        self.same("as written")

    def snapshot(self):
        a, domain = self.a, self.domain
        a.virsh("snapshot-create-as", self.name, "before")
        domain.tpm(*EXTEND)
        domain.tpm(*write(b"second"))
        assert domain.tell(PCR) != self.pcr and self.nv() == b"second"
        a.virsh("snapshot-revert", self.name, "before")
        domain.connect(a)
        self.same("at the snapshot")
        # libvirt migrates no domain that has one
        a.virsh("snapshot-delete", self.name, "before")

    def save(self):
        self.a.virsh("save", self.name, self.work / "saved")
        assert not self.note("saved", self.a), "swtpm outlives its QEMU"
        self.a.virsh("restore", self.work / "saved")
        self.domain.connect(self.a)
        self.same("restored")
        assert self.note("restored", self.a) == 1, self.a.swtpms()

    def migrate(self):
        self.a.virsh("migrate", "--live", "--p2p", "--persistent", "--undefinesource",
                     # both hosts have the disk, though by no network
                     "--unsafe", self.name, self.b.uri(),
                     "--migrateuri", f"unix://{self.work}/migration")
        assert not self.note("migrated, source", self.a), "swtpm is left at the source"
        assert self.note("migrated, target", self.b) == 1, self.b.swtpms()
        self.domain.connect(self.b)
        assert self.domain.device() == self.kind, self.domain.device()
        self.same("migrated")

    def shuts_off(self):
        self.power_off()
        deadline = time.monotonic() + OFF_S
        while self.b.virsh("domstate", self.name) != "shut off":
            assert time.monotonic() < deadline, "the domain does not shut off"
            time.sleep(0.1)
        assert not self.note("shut off", self.b), "swtpm outlives its QEMU"

    def power_off(self):
        self.domain.control.write_line("poweroff -f")

    def starts_again(self):
        """NV as it was, PCRs as after any reset."""
        b, domain = self.b, self.domain
        b.virsh("start", self.name)
        domain.connect(b)
        domain.wait_ready()
        assert self.nv() == b"first.", self.nv()
        assert not domain.tell(PCR).strip("0"), domain.tell(PCR)
        b.virsh("destroy", self.name)

    def undefine(self):
        self.b.virsh("undefine", self.name)
        assert not self.note("undefined", self.b), "swtpm is left"
        left = [name for name in self.done["undefined"] if not name.startswith("/var/log/")]
        assert not left, left


class HostsOnly(Life):
    """The same without a guest, for what is to be compared: a domain's swtpms and files."""

    def guest_begins(self):
        pass

    def same(self, step):
        pass

    def power_off(self):
        self.b.virsh("destroy", self.name)
