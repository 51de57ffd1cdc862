# SPDX-License-Identifier: BSD-2-Clause
"""What is appended to a guest's initramfs: a cpio archive of a few files, the command's
script among them."""

import shlex
import stat
from pathlib import Path


def padded(block):
    return block + b"\0" * (-len(block) % 4)


def cpio_entry(name, mode, data, number):
    """One file of a "newc" archive."""
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return padded(head) + padded(data)


def cpio_archive(files):
    """files: path in the guest -> (permissions, bytes). Folders are made, except
    under /usr, /sbin and /lib64: those are links, which a folder would replace."""
    entries = {}
    for name, (mode, data) in files.items():
        path = Path(name.lstrip("/"))
        for folder in reversed(path.parents[:-1]):
            if folder.parts[0] not in ("usr", "sbin", "lib64"):
                entries.setdefault(str(folder), (stat.S_IFDIR | 0o755, b""))
        entries[str(path)] = (stat.S_IFREG | mode, data)
    blocks = [cpio_entry(name, mode, data, number)
              for number, (name, (mode, data)) in enumerate(entries.items(), 1)]
    return b"".join(blocks) + cpio_entry("TRAILER!!!", 0, b"", 0)


def as_script(command):
    """A string is a line of shell; a list is a program with its arguments."""
    line = command if isinstance(command, str) else shlex.join(map(str, command))
    return f"{line}\n".encode()
