# SPDX-License-Identifier: BSD-2-Clause
"""The machines of ./run guest: for each QEMU, kernels, firmware, console, and where the
TPM is."""

import dataclasses
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
OBJ = BUILD / "qemu/obj"
KERNELS = ("6.1", "6.12", "7.3")  # the driver's
OLDEST = "5.10"  # for the stock drivers only
OVMF = Path("/usr/share/OVMF")
AAVMF = Path("/usr/share/AAVMF")
RISCV = BUILD / "guest/firmware-riscv64/usr"
OPENSBI = RISCV / "lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"


@dataclasses.dataclass(frozen=True)
class Board:
    """A machine type, as far as a guest with a TPM needs to know it."""
    machine: str            # for -machine
    qemu: Path
    kernels: tuple
    prefix: str = ""        # of the kernel's files: an architecture
    firmwares: dict = dataclasses.field(default_factory=dict)  # name: (code, variables)
    console: str = "ttyS0"
    tpm_suffix: str = ""    # of the device types on its bus
    tpm_base: int = 0xfed40000
    build: str = "qemu guest"
    append: str = ""
    pvh: bool = False       # QEMU can start the kernel decompressed
    cpu: str = "max"
    arguments: tuple = ()

    def device(self, text):
        """-device, with the name that a TPM has on this machine's bus."""
        name, comma, rest = text.partition(",")
        suffix = "" if name.endswith(self.tpm_suffix) else self.tpm_suffix
        return f"{name}{suffix}{comma}{rest}"

    def file(self, kind, kernel):
        """vmlinuz, vmlinux or initrd of build/guest."""
        return BUILD / "guest" / f"{kind}-{self.prefix}{kernel}" \
            f"{'.cpio.gz' if kind == 'initrd' else ''}"


PC = {
    "qemu": Path(os.environ.get("QEMU") or OBJ / "qemu-system-x86_64"),
    "kernels": (OLDEST, *KERNELS),
    "firmwares": {"seabios": None,
                  "ovmf": (OVMF / "OVMF_CODE_4M.fd", OVMF / "OVMF_VARS_4M.fd")},
    # That the timer ticks the kernel decides within a time that QEMU may have to wait for
    # a processor, and panics. Its tests of its own ciphers take a second.
    "append": "no_timer_check cryptomgr.notests",
    "pvh": True,
}
BOARDS = {
    "q35": Board("q35", **PC),
    "pc": Board("pc", **PC),
    "virt-arm": Board(
        "virt", OBJ / "qemu-system-aarch64", KERNELS[1:], "arm64-",
        {"none": None, "aavmf": (AAVMF / "AAVMF_CODE.fd", AAVMF / "AAVMF_VARS.fd")},
        console="ttyAMA0", tpm_suffix="-device", tpm_base=0xc000000, build="virt"),
    "virt-riscv": Board(
        "virt", OBJ / "qemu-system-riscv64", KERNELS[1:2], "riscv64-",
        {"none": None, "edk2": (RISCV / "share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd",
                                RISCV / "share/qemu-efi-riscv64/RISCV_VIRT_VARS.fd")},
        tpm_suffix="-device", tpm_base=0x4000000, build="virt", arguments=("-bios", OPENSBI)),
}


def judge(parser, options):
    """Ends the command where the words for a kernel, QEMU or accelerator are not for the
    machine. Returns its board."""
    found = BOARDS[options.machine]
    if options.kernel and options.kernel not in found.kernels:
        parser.error(f"--machine {options.machine} has --kernel {', '.join(found.kernels)}")
    if found.prefix and (options.qemu, options.accel) != ("own", "tcg"):
        parser.error(f"--machine {options.machine} is --qemu own, --accel tcg")
    return found


def board(name):
    """The board of a name, or of any other machine type of a PC."""
    return BOARDS.get(name) or Board(name, **PC)
