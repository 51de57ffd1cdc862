#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots a Linux guest with a TPM, runs a command in it, hands back what it said.

As a library:

    with Guest(device="tpm-tis-indexed", command="tpm2_getrandom --hex 16") as guest:
        result = guest.wait()          # result.status, .out, .err

Everything is private to one Guest: swtpm with fresh state, a directory, sockets.
All of it is ended, by process id, when the with block is left, however it is left.
guest/init is the other side.
"""

import argparse
import collections
import itertools
import json
import os
import selectors
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "log"
QEMU = {
    "own": BUILD / "qemu/obj/qemu-system-x86_64",
    "system": Path("/usr/bin/qemu-system-x86_64"),
}
PLUGIN = BUILD / "plugin/system.so"  # the project's devices, for "system"
FIRMWARE_DIRS = ("/usr/share/seabios", "/usr/share/qemu")
OVMF = Path("/usr/share/OVMF")
KERNELS = ("6.1", "6.12")
PORTS = ("stdout", "stderr", "status", "control")
TIMEOUT_S = 180
START_S = 20  # for swtpm's socket and QEMU's first answer
STOP_S = 5    # from SIGTERM to SIGKILL

Result = collections.namedtuple("Result", "status out err seconds")


class GuestError(Exception):
    """One line: what is wrong and where to look or what to do."""


class Lines:
    """Text lines over a socket, both ways, with a limit to every wait."""

    def __init__(self, sock, what):
        self.sock = sock
        self.what = what
        self.buffer = b""

    def read_line(self, timeout=TIMEOUT_S):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                raise GuestError(f"{self.what} said nothing within {timeout} s") from None
            except ConnectionError:
                data = b""
            if not data:
                raise GuestError(f"{self.what} is gone")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def write_line(self, text):
        self.sock.settimeout(START_S)
        try:
            self.sock.sendall(text.encode() + b"\n")
        except OSError as error:
            raise GuestError(f"{self.what} takes nothing: {error}") from None


class Qmp:
    """QEMU's monitor. One caller at a time; events wait in .events."""

    def __init__(self, sock):
        self.lines = Lines(sock, "QEMU's monitor")
        self.events = collections.deque()

    def handshake(self):
        self.lines.read_line(START_S)
        self.execute("qmp_capabilities")

    def execute(self, command, timeout=60, **arguments):
        """Runs a command; job_id=1 is sent as "job-id": 1. Returns its value."""
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.lines.write_line(json.dumps({"execute": command, "arguments": named}))
        while True:
            message = json.loads(self.lines.read_line(timeout))
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise GuestError(f"QEMU refuses {command}: {message['error']['desc']}")
            self.events.append(message)

    def hmp(self, line):
        """Runs a line of the human monitor, returns what it prints."""
        return self.execute("human-monitor-command", command_line=line)

    def wait_event(self, name, timeout=60):
        """The next event of that name; those before it are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            while self.events:
                event = self.events.popleft()
                if event["event"] == name:
                    return event
            left = max(0.001, deadline - time.monotonic())
            self.events.append(json.loads(self.lines.read_line(left)))


class Swtpm:
    """A private swtpm; .path is its control socket, for -chardev socket."""

    _count = itertools.count()

    def __init__(self, directory, log_level=None, tpm="2.0"):
        """log_level: 20 has every command and response in swtpm.log there.
        tpm: "2.0", "1.2", or the program to run in its place, a list: it is given the
        socket's path and then what follows in the list."""
        state = directory / "tpm"
        state.mkdir(exist_ok=True)
        self.path = directory / f"swtpm{next(self._count)}.sock"
        self.log_path = directory / "swtpm.log"
        args = ["swtpm", "socket", "--tpmstate", f"dir={state}",
                "--ctrl", f"type=unixio,path={self.path}"]
        if tpm == "2.0":
            args += ["--tpm2"]
        if log_level is not None:
            args += ["--log", f"level={log_level},file={self.log_path}"]
        if isinstance(tpm, list):
            args = [tpm[0], self.path, *tpm[1:]]
        self.messages = directory / "swtpm.messages"
        self.process = spawn(args, self.messages)
        self._wait_socket()

    def _wait_socket(self):
        deadline = time.monotonic() + START_S
        while not self.path.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                end_process(self.process)
                raise GuestError(f"the TPM does not start: {last_line(self.messages)}")
            time.sleep(0.01)

    def stop(self):
        end_process(self.process)


def spawn(args, log, fds=(), stdin=subprocess.DEVNULL, stdout=None):
    """Starts a process that dies with this one, even where this one is killed."""
    try:
        with open(log, "ab") as err:
            return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *map(str, args)],
                                    stdin=stdin, stdout=stdout or err, stderr=err,
                                    pass_fds=fds)
    except OSError as error:
        raise GuestError(f"cannot start {args[0]}: {error.strerror}") from None


def last_line(path):
    return path.read_text(errors="replace").strip().rpartition("\n")[2]


def end_process(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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


class Output:
    """Collects what the guest writes, in a thread of its own: the two streams to
    their files (or to memory), and the one status line."""

    def __init__(self, socks, streams):
        self.socks = socks
        self.streams = streams
        self.data = {"stdout": bytearray(), "stderr": bytearray()}
        self.count = {"stdout": 0, "stderr": 0}
        self.status = b""
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self._pump()
        except Exception as error:  # handed to the waiting thread
            self.error = error
        self.ended.set()

    def _pump(self):
        with selectors.DefaultSelector() as selector:
            for name in ("stdout", "stderr", "status"):
                selector.register(self.socks[name], selectors.EVENT_READ, name)
            while selector.get_map() and not self._complete():
                for key, _ in selector.select():
                    if not self._take(key.data):
                        selector.unregister(key.fileobj)

    def _take(self, name):
        try:
            data = self.socks[name].recv(65536)
        except ConnectionError:
            data = b""
        if name == "status":
            self.status += data
        else:
            self._store(name, data)
        return bool(data)

    def _store(self, name, data):
        self.count[name] += len(data)
        stream = self.streams[name]
        if stream is None:
            self.data[name] += data
        else:
            stream.write(data)
            stream.flush()

    def _complete(self):
        """The status line is there, and as many bytes as it promises."""
        words = self.status.partition(b"\n")
        if not words[1]:
            return False
        words = words[0].split()
        return words[0] != b"exit" or (self.count["stdout"] >= int(words[2])
                                       and self.count["stderr"] >= int(words[3]))


class Guest:
    """One guest. Keyword arguments, all with defaults:

    device      -device of the TPM, with properties ("tpm-tis-indexed,ppi=off");
                None: no TPM and no swtpm
    driver      "stock" or "indexed": who drives the TPM in the guest
    kernel      "6.1" or "6.12"         firmware   "seabios" or "ovmf"
    accel       "tcg" or "kvm"          machine    "q35", or any with PCI
    qemu        "own", "system" or a path
    plugin      for QEMU's -plugin; default: with "system" the one of ./run plugin
    replay      properties of -device mmio-replay, or None
    command     str: a shell line; list: program and arguments; None: no command,
                a shell on the serial console, which is this terminal
    env         dict, environment of the command
    files       dict, path in the guest -> bytes, or Path of a file to copy there
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
    """

    _count = itertools.count()

    def __init__(self, *, device="tpm-tis-indexed", driver="stock", kernel="6.1",
                 firmware="seabios", accel="tcg", machine="q35", qemu="own",
                 plugin=None, replay=None, command=None, env=None, files=None, stdout=None,
                 stderr=None, qemu_args=(), append="", memory=512, tpm="2.0",
                 swtpm_log=None, timeout=TIMEOUT_S):
        self.device, self.driver, self.kernel = device, driver, kernel
        self.firmware, self.accel, self.machine = firmware, accel, machine
        self.qemu = Path(QEMU.get(qemu, qemu))
        self.plugin = plugin or (PLUGIN if qemu == "system" else None)
        self.replay, self.command, self.env = replay, command, dict(env or {})
        self.files, self.qemu_args, self.append = files or {}, list(qemu_args), append
        self.memory, self.timeout = memory, timeout
        self.tpm, self.swtpm_log = tpm, swtpm_log
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
            self.process = spawn(self.command_line({}), self.log, stdin=None,
                                 stdout=sys.stdout)
        else:
            self._start_with_ports()

    def _start_with_ports(self):
        theirs = {}
        for name in (*PORTS, "qmp"):
            self.socks[name], theirs[name] = socket.socketpair()
        fds = {name: sock.fileno() for name, sock in theirs.items()}
        try:
            self.process = spawn(self.command_line(fds), self.log, fds=list(fds.values()))
        finally:
            for sock in theirs.values():
                sock.close()
        self.control = Lines(self.socks["control"], "the guest's command")
        self.qmp = Qmp(self.socks["qmp"])
        try:
            self.qmp.handshake()
        except GuestError:
            raise GuestError(self._start_error()) from None
        self.output = Output(self.socks, self.streams)

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
            raise GuestError(f"the guest's command did not end within {timeout} s: see {self.log}")
        if self.output.error:
            raise self.output.error
        status = self._status()
        seconds = time.monotonic() - self.started
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

    def wait_interactive(self):
        """Until the shell on this terminal has been left."""
        status = self.process.wait()
        self.good = status == 0
        if status:
            raise GuestError(self._start_error())
        return status

    # What QEMU gets

    def _check(self):
        needed = [
            (self.qemu, "install qemu-system-x86" if self.qemu == QEMU["system"]
             else "./run build qemu"),
            (BUILD / f"guest/vmlinuz-{self.kernel}", "./run build guest"),
            (BUILD / f"guest/initrd-{self.kernel}.cpio.gz", "./run build guest"),
        ]
        if self.plugin:
            needed.append((Path(self.plugin), "./run plugin"))
        if self.firmware == "ovmf":
            needed.append((OVMF / "OVMF_CODE_4M.fd", "install ovmf"))
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
        if name in ("tpm-tis-indexed", "tpm-crb-ext", "mmio-replay"):
            return "./run build qemu"
        return "use tpm-tis-indexed, tpm-crb-ext, tpm-tis or tpm-crb"

    def _write_initrd(self):
        env = {"DRIVER": self.driver, **self.env}
        text = "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in env.items())
        files = {"/env": (0o644, text.encode())}
        if self.command is not None:
            files["/cmd.sh"] = (0o755, as_script(self.command))
        for name, source in self.files.items():
            data = source if isinstance(source, bytes) else Path(source).read_bytes()
            files[name] = (0o755, data)
        base = (BUILD / f"guest/initrd-{self.kernel}.cpio.gz").read_bytes()
        # An archive that is not compressed must begin at a multiple of 4.
        (self.dir / "initrd").write_bytes(padded(base) + cpio_archive(files))

    def command_line(self, fds):
        """QEMU's; fds: port name (and "qmp") -> file descriptor."""
        append = f"console=ttyS0 quiet panic=-1 {self.append}"
        if self.driver == "indexed":
            # Taken over later, the TPM would be tpm1: IMA holds on to the first
            # chip that it saw, and to its number.
            append += " initcall_blacklist=init_tis,crb_acpi_driver_init"
        if self.command is None:
            append += " loglevel=3"  # IMA's complaints are not for this terminal
        # A nested KVM may offer MSR_IA32_ARCH_CAPABILITIES and refuse its value.
        cpu = "max,arch-capabilities=off" if self.accel == "kvm" else "max"
        args = [self.qemu, "-machine", self.machine, "-accel", self.accel, "-cpu", cpu,
                "-m", self.memory, "-nodefaults", "-no-user-config", "-display", "none",
                "-nic", "none", "-no-reboot"]
        if self.plugin:
            args += ["-plugin", f"file={self.plugin}"]
        for path in FIRMWARE_DIRS:
            args += ["-L", path]
        args += ["-kernel", BUILD / f"guest/vmlinuz-{self.kernel}",
                 "-initrd", self.dir / "initrd", "-append", append]
        args += self._firmware_args() + self._tpm_args() + self._port_args(fds)
        return args + self.qemu_args

    def _firmware_args(self):
        if self.firmware == "seabios":
            return []
        variables = self.dir / "OVMF_VARS.fd"
        shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
        code = OVMF / "OVMF_CODE_4M.fd"
        return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,unit=1,format=raw,file={variables}"]

    def _tpm_args(self):
        args = []
        if self.device:
            args += ["-chardev", f"socket,id=chrtpm,path={self.swtpm.path}",
                     "-tpmdev", "emulator,id=tpm0,chardev=chrtpm",
                     "-device", f"{self.device},tpmdev=tpm0"]
        if self.replay:
            named = self.replay.startswith("addr=") or ",addr=" in self.replay
            where = "" if named else "addr=0xfed40000,size=0x5000,"
            args += ["-device", f"mmio-replay,id=replay,{where}{self.replay}"]
        return args

    def _port_args(self, fds):
        if not fds:
            return ["-serial", "mon:stdio"]
        args = ["-chardev", f"file,id=console,path={self.log},append=on",
                "-serial", "chardev:console",
                "-chardev", f"socket,id=qmp,fd={fds['qmp']}",
                "-mon", "chardev=qmp,mode=control",
                "-device", "virtio-serial-pci,id=ports"]
        for name in PORTS:
            args += ["-chardev", f"socket,id={name},fd={fds[name]}", "-device",
                     f"virtserialport,bus=ports.0,chardev={name},name=org.tpmix.{name}"]
        return args


def run(command, **options):
    """Boots a Guest for one command. Returns its Result."""
    with Guest(command=command, **options) as guest:
        return guest.wait()


# The command line


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise GuestError(f"{message}: see ./run guest --help")


EXAMPLES = """examples:
  ./run guest                                  a shell in a guest; exit ends it
  ./run guest -- tpm2_getrandom --hex 16
  ./run guest --driver indexed -- 'tpm2_pcrread sha256:0 && dmesg | grep -i tpm'
  ./run guest --device tpm-crb-ext --firmware ovmf --kernel 6.12 -- tpm2_pcrread
  ./run guest --device tpm-crb-ext,interface=fifo -- tpm2_getcap properties-fixed
  ./run guest --driver indexed --replay rate=100000 -- tpm2_getrandom --hex 16

One word after -- is a line of shell, more are a program and its arguments. In the
shell, Ctrl-a x ends QEMU at once."""


def parse(argv):
    parser = Parser(prog="./run guest", epilog=EXAMPLES, allow_abbrev=False,
                    usage="%(prog)s [options] [-- COMMAND...]",
                    description="Boots a Linux guest with a TPM and runs COMMAND in it.",
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="tpm-tis-indexed",
                        help="the TPM, with properties after commas: tpm-tis-indexed, "
                             "tpm-crb-ext, or QEMU's tpm-tis, tpm-crb "
                             "(default %(default)s)")
    parser.add_argument("--driver", choices=("stock", "indexed"), default="stock",
                        help="the guest's driver (default %(default)s)")
    parser.add_argument("--kernel", choices=KERNELS, default="6.1", help="(default %(default)s)")
    parser.add_argument("--firmware", choices=("seabios", "ovmf"), default="seabios",
                        help="(default %(default)s)")
    parser.add_argument("--accel", choices=("tcg", "kvm"), default="tcg",
                        help="(default %(default)s)")
    parser.add_argument("--qemu", choices=tuple(QEMU), default="own",
                        help="the project's, or Debian's with ./run plugin (default %(default)s)")
    parser.add_argument("--replay", metavar="SPEC",
                        help="repeat accesses to the TPM: properties of mmio-replay, "
                             "such as rate (of a million) and writes=off")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS",
                        help="for boot and COMMAND (default %(default)s)")
    split = argv.index("--") if "--" in argv else len(argv)
    return parser.parse_args(argv[:split]), argv[split + 1:]


def shell_size():
    """The guest's serial console cannot know how large this terminal is."""
    size = shutil.get_terminal_size()
    return {"ROWS": size.lines, "COLS": size.columns, "TERM": os.environ.get("TERM", "vt100")}


def interactive(options):
    saved = termios.tcgetattr(0) if os.isatty(0) else None
    try:
        with Guest(env=shell_size(), **options) as guest:
            return guest.wait_interactive()
    finally:
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)


def main(argv):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        options, command = parse(argv)
        options = vars(options)
        if not command:
            return interactive(options)
        command = command[0] if len(command) == 1 else command
        return run(command, stdout=sys.stdout.buffer, stderr=sys.stderr.buffer,
                   **options).status
    except GuestError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except OSError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
