# SPDX-License-Identifier: BSD-2-Clause
"""U-Boot of Debian on a "virt" machine with a TPM, by its console."""

import re
import socket
import tempfile
import time
from pathlib import Path

from tap import GuestError
from guest_boards import BOARDS
from guest_peers import Swtpm, end_process, spawn

# Debian's; those for RISC-V have no TPM commands.
BINARIES = {"virt-arm": Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")}
BOOT_S, COMMAND_S = 60, 30


class UBoot:
    """with UBoot(machine, device) as console: console.command(line) is what it printed."""

    def __init__(self, machine, device):
        self.board, self.machine, self.device = BOARDS[machine], machine, device
        self.process = self.swtpm = self.sock = None
        self.text = ""

    def __enter__(self):
        self.work = tempfile.TemporaryDirectory()
        work = Path(self.work.name)
        self.log = work / "log"
        self.log.write_bytes(b"")
        self.swtpm = Swtpm(work, None, "2.0")
        self.sock, theirs = socket.socketpair()
        self.process = spawn(
            [self.board.qemu, "-machine", self.board.machine, "-accel", "tcg", "-cpu", self.board.cpu,
             "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
             "-bios", BINARIES[self.machine],
             "-chardev", f"socket,id=console,fd={theirs.fileno()}", "-serial", "chardev:console",
             "-chardev", f"socket,id=chrtpm,path={self.swtpm.path}",
             "-tpmdev", "emulator,id=tpm0,chardev=chrtpm",
             "-device", f"{self.board.device(self.device)},tpmdev=tpm0"],
            self.log, fds=[theirs.fileno()])
        theirs.close()
        try:
            self._until("autoboot", BOOT_S)
            self.sock.sendall(b"\r")
            self._until(r"=> $", BOOT_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end_process(self.process)
        self.swtpm.stop()
        self.sock.close()
        self.work.cleanup()

    def _until(self, pattern, seconds):
        ends = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            left = ends - time.monotonic()
            self.sock.settimeout(max(left, 0.001))
            try:
                data = self.sock.recv(4096) if left > 0 else b""
            except (TimeoutError, OSError):
                data = b""
            if not data:
                raise GuestError(f"U-Boot shows no {pattern!r}: {self.text[-300:]!r} "
                                 f"{self.log.read_text(errors='replace')[-300:]}")
            self.text += data.decode(errors="replace").replace("\r", "")
        said, self.text = self.text, ""
        return said

    def command(self, line):
        """Without the line itself and the prompt."""
        self.sock.sendall(line.encode() + b"\r")
        said = self._until(r"\n=> $", COMMAND_S)
        return said.partition("\n")[2].rpartition("=> ")[0]
