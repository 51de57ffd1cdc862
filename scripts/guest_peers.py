# SPDX-License-Identifier: BSD-2-Clause
"""The programs on the host's side of a guest and how one talks to them: processes that
die with this one, lines over a socket, QEMU's monitor, swtpm, the guest's output."""

import collections
import itertools
import json
import os
import selectors
import socket
import subprocess
import threading
import time

TIMEOUT_S = 180
START_S = 20  # for swtpm's socket and QEMU's first answer
STOP_S = 5    # from SIGTERM to SIGKILL


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


def feed(fd, sock):
    """What can be read from fd goes to the guest, by a thread, and then its end."""
    def run():
        try:
            while data := os.read(fd, 65536):
                sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the guest is gone, or takes no more
    threading.Thread(target=run, daemon=True).start()


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


class Output:
    """Collects what the guest writes, in a thread of its own: the two streams to
    their files (or to memory), and the one status line."""

    def __init__(self, socks, streams):
        self.socks = socks
        self.streams = streams
        self.data = {"stdout": bytearray(), "stderr": bytearray()}
        self.count = {"stdout": 0, "stderr": 0}
        self.last = {"stdout": b"", "stderr": b""}  # the last of each
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
        self.last[name] = (self.last[name] + data)[-2000:]
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
