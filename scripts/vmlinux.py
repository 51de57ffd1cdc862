#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""vmlinux.py BZIMAGE VMLINUX: the kernel that a bzImage of x86 holds, as the ELF file that
it decompresses itself to at each boot.

QEMU starts that by its PVH entry. Under TCG it saves a boot 2 (zstd) to 4 (xz) of 8 seconds.
The payload's place: Documentation/arch/x86/boot.rst, protocol 2.08."""

import lzma
import struct
import subprocess
import sys
from pathlib import Path

SETUP_SECTS, PAYLOAD = 0x1f1, 0x248
SECTOR = 512
SIZE_BYTES = 4  # of the kernel, behind what is compressed


def payload(image):
    setup = (1 + (image[SETUP_SECTS] or 4)) * SECTOR
    offset, length = struct.unpack_from("<II", image, PAYLOAD)
    return image[setup + offset:setup + offset + length - SIZE_BYTES]


def decompressed(data):
    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    sys.exit("vmlinux.py: a kernel that is compressed neither by xz nor by zstd: add its "
             "compression to decompressed()")


def main(source, target):
    kernel = decompressed(payload(Path(source).read_bytes()))
    if not kernel.startswith(b"\x7fELF"):
        sys.exit(f"vmlinux.py: {source} holds no ELF file")
    Path(target).write_bytes(kernel)


if __name__ == "__main__":
    main(*sys.argv[1:])
