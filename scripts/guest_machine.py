# SPDX-License-Identifier: BSD-2-Clause
"""A Linux guest with a TPM that runs a command and hands back what it said.

    with Guest(device="tpm-tis-indexed", command="tpm2_getrandom --hex 16") as guest:
        result = guest.wait()          # result.status, .out, .err

Everything is private to one Guest: swtpm with fresh state, a directory, sockets.
All of it is ended, by process id, when the with block is left, however it is left.
guest/init is the other side.
"""

import collections
import itertools
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guest_boards import BOARDS, KERNELS, board
from guest_initrd import as_script, cpio_archive, padded
from guest_peers import (STOP_S, TIMEOUT_S, GuestError, Lines, Output, Qmp, Swtpm,
                         end_process, feed, spawn)
from guest_replay import Replayed

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "log"
QEMU = {
    "own": BOARDS["q35"].qemu,
    "system": Path("/usr/bin/qemu-system-x86_64"),
}
PLUGIN = BUILD / "plugin/system.so"  # the project's devices, for "system"
DEVICES = ("tpm-tis-indexed", "tpm-crb-ext")  # the project's
PORTS = ("stdout", "stderr", "status", "control")

Result = collections.namedtuple("Result", "status out err seconds")


def firmware_args(qemu):
    """-L for a QEMU that has no SeaBIOS where it looks: scripts/qemu.sh's have."""
    if (Path(qemu).parent / "qemu-bundle/usr/share/seabios").exists():
        return []
    return ["-L", "/usr/share/seabios", "-L", "/usr/share/qemu", "-L", "/usr/lib/ipxe/qemu"]


class Guest:
    """One guest. Keyword arguments, all with defaults:

    device      -device of the TPM, with properties ("tpm-tis-indexed,ppi=off");
                None: no TPM and no swtpm
    driver      "stock" or "indexed": who drives the TPM in the guest
    machine     of BOARDS, or any PC with PCI
    kernel      of KERNELS, or OLDEST; None: the machine's first of KERNELS
    firmware    "seabios" or "ovmf", "aavmf", "edk2"; None: the machine's first
    compressed  the kernel is Debian's file, which decompresses itself; else, where SeaBIOS
                starts it, what that holds, which is up in half the time. A guest that
                suspends must be: QEMU writes what it loaded again at each reset
    accel       "tcg" or "kvm"
    qemu        "own", "system" or a path
    plugin      for QEMU's -plugin; default: with "system" the one of ./run plugin
    replay      properties of -device mmio-replay, or None
    command     str: a shell line; list: program and arguments; None: no command,
                a shell on the serial console, which is this terminal
    env         dict, environment of the command
    files       dict, path in the guest -> bytes, or Path of a file to copy there
    stdin       a file descriptor, read to its end for the command; None: it reads nothing
    stdout, stderr   binary files to stream to; None: kept, in Result.out and .err
    qemu_args   further arguments for QEMU, after all others
    append      further words for the kernel's command line
    memory      MiB
    tpm         "2.0", "1.2", or a program in the place of swtpm, a list: it is given the
                socket's path and then what follows in the list
    swtpm_log   level for swtpm's log (20: all traffic), read it at guest.swtpm.log_path
    timeout     seconds that wait() gives the command, boot included

    While it runs: .qmp (Qmp), .control (Lines, to $TPMIX_CONTROL in the guest),
    .log (Path: console and QEMU's messages), .dir (Path, private), .swtpm, .process.
    When it has ended: .replayed (Replayed, where replay was given).
    """

    _count = itertools.count()

    def __init__(self, *, device="tpm-tis-indexed", driver="stock", kernel=None,
                 firmware=None, compressed=False, accel="tcg", machine="q35", qemu="own",
                 plugin=None, replay=None, command=None, env=None, files=None, stdin=None,
                 stdout=None, stderr=None, qemu_args=(), append="", memory=512, tpm="2.0",
                 swtpm_log=None, timeout=TIMEOUT_S):
        self.board = board(machine)
        self.device, self.driver = device and self.board.device(device), driver
        self.kernel = kernel or next(k for k in self.board.kernels if k in KERNELS)
        self.firmware, self.accel = firmware or next(iter(self.board.firmwares)), accel
        self.compressed = compressed or not (self.board.pvh and self.firmware == "seabios")
        self.qemu = self.board.qemu if qemu == "own" else Path(QEMU.get(qemu, qemu))
        self.plugin = plugin or (PLUGIN if qemu == "system" else None)
        self.replay, self.command, self.env = replay, command, dict(env or {})
        self.files, self.qemu_args, self.append = files or {}, list(qemu_args), append
        self.memory, self.timeout = memory, timeout
        self.tpm, self.swtpm_log = tpm, swtpm_log
        self.stdin, self.replayed = stdin, None
        self.streams = {"stdout": stdout, "stderr": stderr}
        self.process = self.swtpm = self.qmp = self.control = self.output = None
        self.dir = self.log = None
        self.socks = {}
        self.good = False

    # Life and death

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        self.good = self.good or kind is None
        self.stop()

    def start(self):
        self._check()
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"guest-{os.getpid()}-{next(self._count)}.log"
        self.log.write_bytes(b"")
        self.dir = Path(tempfile.mkdtemp(prefix="tpmix-"))
        self.started = time.monotonic()
        if self.device:
            self.swtpm = Swtpm(self.dir, self.swtpm_log, self.tpm)
        self._write_initrd()
        if self.command is None:
            self._start_qemu(("qmp",), stdin=None, stdout=sys.stdout)
            return
        self._start_qemu((*PORTS, "qmp") + (("stdin",) if self.stdin is not None else ()))
        self.control = Lines(self.socks["control"], "the guest's command")
        self.output = Output(self.socks, self.streams)
        if self.stdin is not None:
            feed(self.stdin, self.socks["stdin"])

    def _start_qemu(self, names, **streams):
        theirs = {}
        for name in names:
            self.socks[name], theirs[name] = socket.socketpair()
        fds = {name: sock.fileno() for name, sock in theirs.items()}
        try:
            self.process = spawn(self.command_line(fds), self.log, fds=list(fds.values()),
                                 **streams)
        finally:
            for sock in theirs.values():
                sock.close()
        self.qmp = Qmp(self.socks["qmp"])
        try:
            self.qmp.handshake()
        except GuestError:
            raise GuestError(self._start_error()) from None

    def stop(self):
        """Ends all that is left. The log stays where something went wrong."""
        end_process(self.process)
        if self.swtpm:
            self.swtpm.stop()
        if self.output:
            self.output.thread.join(STOP_S)
        for sock in self.socks.values():
            sock.close()
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        if self.log and self.good:
            self.log.unlink(missing_ok=True)

    # The command's end

    def wait(self, timeout=None):
        """Result of the command. GuestError where it did not end by itself."""
        timeout = timeout or self.timeout
        left = self.started + timeout - time.monotonic()
        if not self.output.ended.wait(max(0, left)):
            self._note_where(timeout)
            raise GuestError(f"the guest's command did not end within {timeout:g} s: see {self.log}")
        if self.output.error:
            raise self.output.error
        status = self._status()
        seconds = time.monotonic() - self.started
        if self.replay:
            self.replayed = Replayed.of(self.qmp)
        self._power_off()
        self.good = True
        data = self.output.data
        return Result(status, bytes(data["stdout"]), bytes(data["stderr"]), seconds)

    def _status(self):
        line = self.output.status.partition(b"\n")
        words = line[0].decode(errors="replace").split(" ")
        if not line[1]:
            raise GuestError(f"the guest ended without an exit status: see {self.log}")
        if words[0] != "exit":
            raise GuestError(f"the guest says: {' '.join(words[1:])}: see {self.log}")
        wanted = {"stdout": int(words[2]), "stderr": int(words[3])}
        if self.output.count != wanted:
            raise GuestError(f"output of the guest was lost: see {self.log}")
        return int(words[1])

    def _power_off(self):
        """The guest shuts its TPM down in order, then itself."""
        try:
            Lines(self.socks["status"], "the guest").write_line("off")
            self.process.wait(STOP_S * 4)
        except (GuestError, subprocess.TimeoutExpired):
            pass  # stop() ends it

    def _note_where(self, timeout):
        """For the log of a guest that does not come to an end."""
        try:
            status = self.qmp.execute("query-status", timeout=STOP_S)["status"]
        except GuestError as error:
            status = str(error)
        opened = {event["data"]["id"] for event in self.qmp.events
                  if event["event"] == "VSERPORT_CHANGE" and event["data"]["open"]}
        begun = "the command had begun" if "stdout" in opened else \
            "the command had not begun: the kernel or /init did not come so far"
        said = "".join(f"\n{name}, {self.output.count[name]} bytes, the last:\n"
                       f"{self.output.last[name].decode(errors='replace')}"
                       for name in ("stdout", "stderr"))
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"\nrun: after {timeout:g} s: QEMU is {status}; {begun}{said}\n")

    def wait_interactive(self):
        """Until the shell on this terminal has been left."""
        while self.replay and self.process.poll() is None:
            try:
                self.replayed = Replayed.of(self.qmp)
                if any(event["event"] == "SHUTDOWN" for event in self.qmp.events):
                    self.qmp.execute("quit")
                    break
            except GuestError:
                break  # by Ctrl-a x: what was seen last has to do
            time.sleep(0.2)
        status = self.process.wait()
        self.good = status == 0
        if status:
            raise GuestError(self._start_error())
        return status

    # What QEMU gets

    def _check(self):
        needed = [
            (self.qemu, "install qemu-system-x86" if self.qemu == QEMU["system"]
             else f"./run build {self.board.build}"),
            *((self.board.file(kind, self.kernel), f"./run build {self.board.build}")
              for kind in ("vmlinuz" if self.compressed else "vmlinux", "initrd")),
        ]
        if self.driver == "indexed" and self.kernel not in KERNELS:
            raise GuestError(f"the driver is not built for Linux {self.kernel}: use "
                             f"--kernel {' or '.join(KERNELS)}")
        if self.plugin:
            needed.append((Path(self.plugin), "./run plugin"))
        if self.board.firmwares[self.firmware]:
            needed.append((self.board.firmwares[self.firmware][0],
                           f"./run build {self.board.build}"))
        for path, mend in needed:
            if not path.exists():
                raise GuestError(f"no {path}: {mend}")
        if self.accel == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise GuestError("no access to /dev/kvm: use --accel tcg")

    def _start_error(self):
        end_process(self.process)
        last = self._last_words()
        for name in ("mmio-replay", (self.device or "").partition(",")[0]):
            if f"'{name}' is not a valid device" in last:
                return f"{self.qemu} has no device {name}: {self._device_mend(name)}"
        return f"QEMU: {last or 'ended at once'} (see {self.log})"

    def _last_words(self):
        """QEMU's last message in one line, with the hint that may follow it."""
        text = self.log.read_text(errors="replace")
        message = ("\n" + text).rpartition(f"\n{self.qemu.name}: ")[2]
        return ": ".join(line.strip() for line in message.splitlines() if line.strip())

    def _device_mend(self, name):
        if self.qemu == QEMU["system"]:
            return "use tpm-tis-indexed, tpm-crb-ext, tpm-tis or tpm-crb"
        if name in (*DEVICES, "mmio-replay"):
            return "./run build qemu"
        return "use tpm-tis-indexed, tpm-crb-ext, tpm-tis or tpm-crb"

    def _write_initrd(self):
        env = {"DRIVER": self.driver, **self.env}
        if self.stdin is not None:
            env["TPMIX_STDIN"] = "yes"
        text = "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in env.items())
        files = {"/env": (0o644, text.encode())}
        if self.command is not None:
            files["/cmd.sh"] = (0o755, as_script(self.command))
        for name, source in self.files.items():
            data = source if isinstance(source, bytes) else Path(source).read_bytes()
            files[name] = (0o755, data)
        base = self.board.file("initrd", self.kernel).read_bytes()
        # An archive that is not compressed must begin at a multiple of 4.
        (self.dir / "initrd").write_bytes(padded(base) + cpio_archive(files))

    def command_line(self, fds):
        """QEMU's; fds: port name (and "qmp") -> file descriptor."""
        append = f"console={self.board.console} quiet panic=-1 {self.board.append} {self.append}"
        if self.driver == "indexed":
            # Taken over later, the TPM would be tpm1: IMA holds on to the first
            # chip that it saw, and to its number.
            append += " initcall_blacklist=init_tis,crb_acpi_driver_init"
        if self.command is None:
            append += " loglevel=3"  # IMA's complaints are not for this terminal
        # A nested KVM may offer MSR_IA32_ARCH_CAPABILITIES and refuse its value.
        cpu = "max,arch-capabilities=off" if self.accel == "kvm" else self.board.cpu
        args = [self.qemu, "-machine", self.board.machine, "-accel", self.accel, "-cpu", cpu,
                "-m", self.memory, "-nodefaults", "-no-user-config", "-display", "none",
                "-nic", "none", "-no-reboot"]
        if self.plugin:
            args += ["-plugin", f"file={self.plugin}"]
        args += firmware_args(self.qemu)
        args += [*self.board.arguments, *self._kernel_args(append)]
        args += self._firmware_args() + self._tpm_args() + self._port_args(fds)
        return args + self.qemu_args

    def _kernel_args(self, append):
        initrd = self.dir / "initrd"
        if self.compressed:
            return ["-kernel", self.board.file("vmlinuz", self.kernel), "-initrd", initrd,
                    "-append", append]
        # QEMU's pvh.bin puts an -initrd over the ACPI tables where these are as large as
        # SeaBIOS makes them with a TPM. The middle of the RAM is nobody's that early.
        where = self.memory // 2 << 20
        return ["-kernel", self.board.file("vmlinux", self.kernel),
                "-device", f"loader,file={initrd},addr={where:#x},force-raw=on",
                "-append", f"{append} initrdmem={where:#x},{initrd.stat().st_size:#x}"]

    def _firmware_args(self):
        if not self.board.firmwares[self.firmware]:
            return []
        code, initial = self.board.firmwares[self.firmware]
        variables = self.dir / "VARS.fd"
        shutil.copy(initial, variables)
        return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,unit=1,format=raw,file={variables}"]

    def _tpm_args(self):
        args = []
        if self.device:
            args += ["-chardev", f"socket,id=chrtpm,path={self.swtpm.path}",
                     "-tpmdev", "emulator,id=tpm0,chardev=chrtpm",
                     "-device", f"{self.device},tpmdev=tpm0,id=tpm"]
        if self.replay:
            named = self.replay.startswith("addr=") or ",addr=" in self.replay
            where = "" if named else f"addr={self.board.tpm_base:#x},size=0x5000,"
            # these count their completions, the stock devices do not
            done = ",done-device=tpm" if self.device.startswith(DEVICES) else ""
            args += ["-device", f"mmio-replay,id=replay,{where}{self.replay}{done}"]
            if self.command is None:
                args += ["-action", "shutdown=pause"]  # the counters are read first
        return args

    def _port_args(self, fds):
        args = []
        if "qmp" in fds:
            args += ["-chardev", f"socket,id=qmp,fd={fds['qmp']}",
                     "-mon", "chardev=qmp,mode=control"]
        if self.command is None:
            return args + ["-serial", "mon:stdio"]
        args += ["-chardev", f"file,id=console,path={self.log},append=on",
                 "-serial", "chardev:console", "-device", "virtio-serial-pci,id=ports"]
        for name in (name for name in fds if name != "qmp"):
            args += ["-chardev", f"socket,id={name},fd={fds[name]}", "-device",
                     f"virtserialport,bus=ports.0,chardev={name},id={name},"
                     f"name=org.tpmix.{name}"]
        return args


def run(command, **options):
    """Boots a Guest for one command. Returns its Result."""
    with Guest(command=command, **options) as guest:
        return guest.wait()
