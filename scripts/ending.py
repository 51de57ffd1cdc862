# SPDX-License-Identifier: BSD-2-Clause
"""How a command of ./run ends before its time. Ctrl-C, SIGTERM and the terminal's end
become one exception, Ended; whatever ends the command, no process that it started and no
temporary file is left.

    sys.exit(ending.guarded(main, sys.argv[1:]))

main() runs in the process's first thread. What it starts finds a directory in TMPDIR that
is removed at the end."""

import concurrent.futures
import ctypes
import os
import signal
import sys
import tempfile
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_S = 4          # from SIGTERM to SIGKILL
PACKAGES_S = 120    # for a dpkg
PR_SET_CHILD_SUBREAPER = 36


class Ended(BaseException):
    """By a signal: its number."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Pool(concurrent.futures.ThreadPoolExecutor):
    """Where an exception leaves the block, what has not begun does not begin."""

    def __exit__(self, kind, *_):
        self.shutdown(wait=kind is None, cancel_futures=kind is not None)


def _raise(number, _):
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Ended(number)


def descendants():
    """Processes below this one, parents first, without those that have ended."""
    children, found, dead = {}, [os.getpid()], set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        children.setdefault(int(parent), []).append(int(name))
        if state == b"Z":
            dead.add(int(name))
    for pid in found:
        found += children.get(pid, [])
    return [pid for pid in found[1:] if pid not in dead]


def installs(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read() == "dpkg\n"
    except OSError:
        return False


def end_descendants():
    """SIGTERM, and SIGKILL for what does not heed it."""
    start = begin = time.monotonic()
    told = set()
    while left := descendants():
        if time.monotonic() - start < PACKAGES_S and any(map(installs, left)):
            # As apt does: a package that is installed by half is left to the machine.
            time.sleep(0.1)
            begin = time.monotonic()
            continue
        late = time.monotonic() - begin
        if late > STOP_S + 2:
            return  # not ours to end: a process of root's
        for pid in left:
            if late > STOP_S or pid not in told:
                told.add(pid)
                try:
                    os.kill(pid, signal.SIGKILL if late > STOP_S else signal.SIGTERM)
                except OSError:
                    pass
        time.sleep(0.02)


def reap():
    """Takes note of what has ended, so that nothing is left for whoever is above."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _say(number):
    word = "interrupted" if number == signal.SIGINT else \
        f"ended by {signal.Signals(number).name}"
    try:
        # A line of progress may stand there, which has no end.
        sys.stderr.write(f"\r{'':78}\r" if sys.stderr.isatty() else "")
        sys.stderr.write(f"run: {word}\n")
        sys.stderr.flush()
    except OSError:
        pass  # the terminal is gone


def guarded(main, *args):
    """Returns what main(*args) does. Ended by a signal, does not return."""
    # What is below has no other parent than this process, even where it looks for one.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in SIGNALS:
        # A nohup is to stay one.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _raise)
    with tempfile.TemporaryDirectory(prefix="tpmix-run-", ignore_cleanup_errors=True) as work:
        os.environ["TMPDIR"] = tempfile.tempdir = work
        try:
            return main(*args)
        except Ended as ended:
            number = ended.number
        finally:
            end_descendants()
            reap()
    _say(number)
    # As whoever waits for this process is used to be told, and no thread is waited for.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number
