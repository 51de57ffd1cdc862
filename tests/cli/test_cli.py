#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run as a newcomer meets it: words, signals, odd places, and what it says when it cannot
go on. In copies of the tree, with stand-ins for apt, meson and others, so that nothing is
installed, fetched or built. TAP on stdout."""

import contextlib
import fcntl
import io
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests/tcti")]
import guest_replay  # noqa: E402
import test as suites  # noqa: E402
from guest_machine import BUILD, QEMU  # noqa: E402
from tap import Skip, main, test  # noqa: E402

COMMANDS = ("demo", "test", "build", "plugin", "guest", "prove", "prove mutants", "fuzz",
            "install", "uninstall", "bench", "eval", "coverage", "env", "lint", "clean")
WRONG = ("nonsense", "build tool nonsense", "build --nonsense", "guest --nonsense",
         "guest --replay nonsense", "guest --replay rate=1,nonsense=1",
         "guest --replay rate=1000001", "guest --replay reads=off",
         "guest --replay rate=5,addr=0x1000", "guest --replay rate=5,when=never",
         "guest --timeout 0", "guest --qemu-args='", "guest --driver indexed --kernel 5.10",
         "guest --qemu system --driver indexed --device tpm-crb-ext", "demo --rounds 0",
         "demo nonsense", "test nonsense", "prove nonsense", "prove mutants nonsense",
         "fuzz", "fuzz x", "fuzz 5 nonsense", "fuzz 5 engine x", "plugin /etc/passwd",
         "plugin /nonsense", "plugin --nonsense", "coverage x", "env x", "lint x",
          "install here", "install /", "install /x y", "uninstall x", "clean all x",
          "clean nonsense", "bench nonsense", "bench --json /nonsense/file", "eval nonsense",
         "eval --out /etc/passwd")


@contextlib.contextmanager
def checkout(name="tree"):
    """A copy without build/, and a directory of stand-ins in front of PATH."""
    with tempfile.TemporaryDirectory(prefix="tpmix-cli-") as work:
        tree, programs = Path(work, name), Path(work, "bin")
        shutil.copytree(ROOT, tree, symlinks=True,
                        ignore=lambda at, _: ["build", ".git"] if Path(at) == ROOT else [])
        programs.mkdir()
        yield tree, programs


def stand_in(programs, name, script):
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)


def environment(programs, **more):
    env = {k: v for k, v in os.environ.items() if k not in ("QEMU", "NO_COLOR")}
    return env | {"PATH": f"{programs}:{env['PATH']}", "TMPDIR": str(programs.parent)} | more


def run(tree, programs, *words, **more):
    return subprocess.run([tree / "run", *words], env=environment(programs, **more), cwd=tree,
                          capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)


def shell(tree, programs, script, **more):
    return subprocess.run(["bash", "-c", f". ./scripts/lib.sh; {script}"], cwd=tree,
                          env=environment(programs) | more, capture_output=True, text=True,
                          timeout=60, check=False, stdin=subprocess.DEVNULL)


@test
def every_command_has_help():
    with checkout() as (tree, programs):
        for words in ["help", "--help", "", *(f"{c} --help" for c in COMMANDS)]:
            result = run(tree, programs, *words.split(), COLUMNS="80")
            assert result.returncode == 0 and not result.stderr, (words, result)
            long = [line for line in result.stdout.splitlines() if len(line) > 80]
            assert result.stdout and not long, (words, long)
        assert not (tree / "build").exists()


@test
def wrong_words_are_one_line_before_anything_is_done():
    with checkout() as (tree, programs):
        for words in WRONG:
            result = run(tree, programs, *words.split(" "))
            assert result.returncode == 2, (words, result)
            assert re.fullmatch(r"run: .*\n", result.stderr) and not result.stdout, \
                (words, result)
        assert not (tree / "build").exists()


@test
def replay_knows_the_devices_properties():
    text = (ROOT / "hw/misc/mmio_replay.c").read_text().partition("Results:")[0]
    wanted = set(re.findall(r'"([a-z-]+)" \((?:bool|uint)', text)) | {"when"}
    ours = {*guest_replay.NUMBERS, *guest_replay.SWITCHES, "when"}
    assert ours == wanted - {"reset-counters"}, ours ^ wanted


def below(path):
    """Processes that have the path on their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            line = Path("/proc", name, "cmdline").read_bytes()
            if str(path).encode() in line:
                found.append(line.replace(b"\0", b" ").decode())
    return found


def ended(tree, programs, end):
    """Begins a build on a terminal of its own, ends it by end(pid, terminal). Returns the
    status, the seconds it took and what was said after."""
    pid, terminal = pty.fork()
    if pid == 0:
        # Below a nohup, or in a script's background, these are ignored.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(tree)
        os.execve(tree / "run", ["./run", "build", "tcti"], environment(programs))
    begun, deadline = programs / "begun", time.monotonic() + 30
    while not begun.exists():
        assert time.monotonic() < deadline, "meson was not started"
        time.sleep(0.05)
    time.sleep(0.3)
    os.read(terminal, 65536)
    at, said = time.monotonic(), b""
    closed = end(pid, terminal)
    while not closed and select.select([terminal], [], [], 15)[0]:
        try:
            said += os.read(terminal, 65536)
        except OSError:
            break
    status = os.waitpid(pid, 0)[1]
    if not closed:
        os.close(terminal)
    return status, time.monotonic() - at, said.decode()


def close(_, terminal):
    os.close(terminal)
    return True


@test
def a_signal_ends_all_of_it():
    ways = ((signal.SIGINT, "interrupted", lambda _, terminal: os.write(terminal, b"\x03") and 0),
            (signal.SIGTERM, "ended by SIGTERM", lambda pid, _: os.kill(pid, signal.SIGTERM)),
            (signal.SIGHUP, None, close))
    with checkout() as (tree, programs):
        # As configure: what it begins outlives it, in a session of its own.
        stand_in(programs, "meson", f"""
            for last; do :; done
            touch '{programs}/begun'
            setsid sleep 301 '{tree}' 2>/dev/null & setsid tail -f '{tree}/run' &
            mkdir -p '{tree}/build/tcti'
            sleep 300""")
        before = set(os.listdir(programs.parent))
        for number, word, end in ways:
            (programs / "begun").unlink(missing_ok=True)
            status, took, said = ended(tree, programs, end)
            assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number, (number, status)
            assert took < 8, took
            if word:
                lines = [line.split("\r")[-1] for line in said.split("\r\n") if line.strip()]
                assert [line for line in lines if line.startswith("run: ")] == \
                    [f"run: {word}"], said
                assert "Traceback" not in said, said
            assert not below(tree), below(tree)
            assert set(os.listdir(programs.parent)) == before
            assert not (tree / "build/tcti/made").exists()


@test
def dpkg_may_finish():
    """A machine whose dpkg was killed cannot install anything before it is mended."""
    with checkout() as (tree, programs):
        stand_in(programs, "dpkg-query", "exit 1")
        stand_in(programs, "sudo", 'exec "$@"')
        stand_in(programs, "apt-get", "dpkg")
        stand_in(programs, "dpkg", f"touch '{programs}/begun'; sleep 3; "
                 f"touch '{programs}/finished'")
        status, _, said = ended(tree, programs, lambda pid, _: os.kill(pid, signal.SIGTERM))
        assert os.WTERMSIG(status) == signal.SIGTERM and "ended by SIGTERM" in said, said
        assert (programs / "finished").exists() and not below(tree)


@test
def two_at_once_take_turns():
    with checkout() as (tree, programs):
        (tree / "build").mkdir()
        with open(tree / "build/lock", "w", encoding="utf-8") as lock:
            lock.write("4711\n")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            other = subprocess.Popen([tree / "scripts/need.sh"], stderr=subprocess.PIPE,
                                     text=True, env=environment(programs))
            assert other.stderr.readline() == \
                "==> waiting for another ./run that builds here, process 4711\n"
            assert other.poll() is None
        assert other.wait(30) == 0
        other.stderr.close()


@test
def a_moved_checkout_builds_anew_what_holds_its_path():
    with checkout() as (tree, programs):
        assert shell(tree, programs, "lock").returncode == 0
        for name in ("host", "downloads", "tcti", "ccache"):
            (tree / "build" / name).mkdir()
        assert shell(tree, programs, "lock").returncode == 0
        assert (tree / "build/host").exists()
        moved = tree.with_name("moved")
        tree.rename(moved)
        result = shell(moved, programs, "lock; apt_files $BUILD/apt/x; cat $BUILD/apt/x/apt.conf")
        assert "has moved" in result.stderr and str(moved) in result.stdout, result
        assert str(tree) + "/" not in result.stdout
        left = set(os.listdir(moved / "build"))
        assert left >= {"downloads", "ccache"} and not left & {"host", "tcti"}, left


@test
def a_path_with_a_space_and_a_quote():
    with checkout("a b'c") as (tree, programs):
        for part in ("qemu", "driver", "guest"):
            result = run(tree, programs, "build", part)
            assert result.returncode == 1 and result.stderr.count("\n") == 1, result
            assert "move the checkout" in result.stderr, result
        assert not (tree / "build").exists()
        (tree / "build/tcti/tools").mkdir(parents=True)
        (tree / "build/tcti/tools/tpmix").touch()
        result = subprocess.run(["bash", "-c", 'eval "$(./run env)"; test -e "$TOOL"'],
                                cwd=tree, check=False, capture_output=True)
        assert result.returncode == 0 and not result.stderr, result
        result = run(tree, programs, "env")
        assert "# QEMU is not built: ./run build qemu\n" in result.stdout, result


@test
def what_cannot_be_written_to():
    with checkout() as (tree, programs):
        (tree / "build").touch()    # root may write anywhere, but not below a file
        for words in ("build tool", "guest -- true", "coverage", "prove", "fuzz 5", "lint"):
            result = run(tree, programs, *words.split())
            assert result.returncode == 1, result
            assert re.fullmatch(r"run: cannot write to .*\n", result.stderr), (words, result)
        assert run(tree, programs, "env").returncode == 0


@test
def why_packages_cannot_be_had_is_said_last():
    with checkout() as (tree, programs):
        stand_in(programs, "dpkg-query", "exit 1")
        stand_in(programs, "sudo", 'exec "$@"')
        stand_in(programs, "apt-get", "echo \"E: Failed to fetch x  Temporary failure "
                 "resolving 'y'\" >&2; echo more; exit 100")
        result = shell(tree, programs, "lock; need hello")
        assert result.returncode == 1, result
        assert re.search(r"^run: apt could not install hello: no network: E: .* \(.*log\)\n\Z",
                         result.stderr, re.M), result
        result = shell(tree, programs, "lock; quiet x sh -c 'echo a: fatal error: why; exit 1'")
        assert re.search(r"^run: x failed: .*why \(build/log/x.log\)\n\Z", result.stderr, re.M)
        for name in ("bash", "dirname", "nproc", "cat"):
            (programs / name).symlink_to(shutil.which(name))
        (programs / "dpkg-query").unlink()
        result = shell(tree, programs, "need hello", PATH=str(programs))
        assert re.fullmatch(r"run: this is no Debian: .*hello\n", result.stderr), result


@test
def clean_removes_what_it_says():
    with checkout() as (tree, programs):
        for name in ("downloads", "host"):
            (tree / "build" / name).mkdir(parents=True)
        assert run(tree, programs, "clean").returncode == 0
        assert set(os.listdir(tree / "build")) == {"downloads", "lock"}
        assert run(tree, programs, "clean", "all").returncode == 0
        assert not (tree / "build").exists()


@test
def bold_on_a_terminal_only():
    for more, bold in (({}, True), ({"NO_COLOR": "1"}, False)):
        for line in ("bash -c '. scripts/lib.sh; say x'",
                     "python3 -c 'import sys; sys.path[:0] = [\"scripts\"]; import console; "
                     "console.say(\"x\")'"):
            env = environment(Path("/nonexistent/bin")) | {"TMPDIR": "/tmp"} | more
            result = subprocess.run(["script", "-qec", line, "/dev/null"], cwd=ROOT, env=env,
                                    capture_output=True, check=True, timeout=30,
                                    stdin=subprocess.DEVNULL)
            assert (b"\x1b[1m" in result.stdout) == bold, (line, result)
            plain = subprocess.run(line, shell=True, cwd=ROOT, env=env, capture_output=True,
                                   check=True, timeout=30)
            assert plain.stderr == b"==> x\n", plain


@test
def a_suite_says_how_far_it_is():
    with tempfile.TemporaryDirectory(prefix="tpmix-cli-") as work:
        path = Path(work, "test_x.sh")
        path.write_text("echo 1..2; echo ok 1; sleep 1; echo ok 2\n")
        (BUILD / "log").mkdir(parents=True, exist_ok=True)
        suites.TIMES, suites.RESULTS = Path(work, "times"), Path(work, "results")
        suites.Progress.EVERY_S = 0.3
        said = []
        for _ in range(2):
            out, count = io.StringIO(), suites.Count()
            with contextlib.redirect_stdout(out):
                suites.run_all([suites.Program("cli", ["sh", path], ([], [], 20))], count)
            assert (count.passed, count.failed) == (2, 0), out.getvalue()
            said.append(out.getvalue())
        (BUILD / "log/test-cli-x.log").unlink()
        assert "running: cli/x (1 of 2 tests, 0:00); 0 to come; how long is not" in said[0], said
        assert re.search(r"0 to come; about 0:0\d left\n", said[1]), said


@test
def what_runs_beside_takes_only_what_is_left():
    """And nothing while one runs that looks at time."""
    with tempfile.TemporaryDirectory(prefix="tpmix-cli-") as work:
        beside, alone = Path(work, "test_b.sh"), Path(work, "test_a.sh")
        beside.write_text(f"echo 1..1; sleep 0.3; chrt -p $$ >{work}/policy; "
                          f"cat /proc/$$/autogroup >>{work}/policy; while [ ! -e {work}/end ]; "
                          f"do date +%s.%N >>{work}/at; sleep 0.05; done; echo ok 1\n")
        alone.write_text(f"echo 1..1; sleep 0.3; date +%s.%N >{work}/begin; sleep 1; "
                         f"date +%s.%N >{work}/end.new; mv {work}/end.new {work}/end; "
                         "echo ok 1\n")
        suites.TIMES, suites.RESULTS = Path(work, "times"), Path(work, "results")
        suites.ALONE, suites.BESIDE = ["cli/a"], ["cli/b"]
        out, count = io.StringIO(), suites.Count()
        with contextlib.redirect_stdout(out):
            suites.run_all([suites.Program("cli", ["sh", path], ([], [], 20))
                            for path in (alone, beside)], count)
        assert (count.passed, count.failed) == (2, 0), out.getvalue()
        policy = Path(work, "policy").read_text()
        assert "SCHED_IDLE" in policy, policy
        assert "autogroup" not in policy or "nice 19" in policy, policy
        begin, end = (float(Path(work, name).read_text()) for name in ("begin", "end"))
        stamps = Path(work, "at")
        at = map(float, stamps.read_text().split()) if stamps.exists() else []
        assert not [t for t in at if begin < t < end], (begin, end, at)
        for name in "ab":
            (BUILD / f"log/test-cli-{name}.log").unlink()


def guest(*words, typed=""):
    for path in (QEMU["own"], BUILD / "guest/initrd-6.1.cpio.gz"):
        if not path.exists():
            raise Skip(f"no {path}: ./run build")
    return subprocess.run([sys.executable, ROOT / "scripts/guest.py", *words], input=typed,
                          capture_output=True, text=True, timeout=110, check=False)


@test
def guest_has_standard_input_and_an_exit_status():
    result = guest(typed="echo hello there\nexit 7\n")
    assert (result.returncode, result.stdout) == (7, "hello there\n"), result
    assert result.stderr == "==> booting Linux 6.1 with tpm-tis-indexed\n", result


@test
def guest_says_what_was_repeated():
    result = guest("--replay", "rate=50000", "--", "cat", typed="a\nb\n")
    assert (result.returncode, result.stdout) == (0, "a\nb\n"), result
    assert re.search(r"^==> [1-9]\d* of [1-9]\d* accesses repeated", result.stderr, re.M), result
    # Of locality 4, which no driver uses.
    result = guest("--replay", "rate=50000,min-offset=0x4ff0", "--", "true")
    assert result.returncode == 1 and "no access of the guest" in result.stderr, result


if __name__ == "__main__":
    sys.exit(main())
