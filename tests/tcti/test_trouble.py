#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a user does to a TPM in process: programs at once, kill -9 at any instant, a
disk that fills. What was acknowledged is there, once; nothing is left locked; what
did not work says so in a line. TAP on stdout."""

import json
import os
import random
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stage import ROOT, environment, error_line, tool, workdir  # noqa: E402
from tap import Skip, main, test  # noqa: E402

TPMIX = os.environ.get("TPMIX", str(ROOT / "build/host/tools/tpmix"))
INDEX, COUNTER = "0x1500030", "0x1500031"
NV = "ownerread|ownerwrite"
KILLS = 120
SIZE = 64


def seed():
    """Told, so that a failure can be looked at again: SEED=N in the environment."""
    number = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"# SEED={number}", flush=True)
    return random.Random(number)


def define(config, cwd):
    tool(config, "nvdefine", "-Q", INDEX, "-C", "o", "-s", str(SIZE), "-a", NV)
    tool(config, "nvdefine", "-Q", COUNTER, "-C", "o", "-s", "8", "-a", f"{NV}|nt=counter")
    tool(config, "nvincrement", "-C", "o", COUNTER)
    write(config, cwd, 0)


def content(number):
    return f"{number:8}".encode() * (SIZE // 8)


def write(config, cwd, number, **more):
    (cwd / "in").write_bytes(content(number))
    return tool(config, "nvwrite", "-Q", INDEX, "-C", "o", "-i", "in", cwd=cwd, **more)


def read(config, cwd):
    tool(config, "nvread", INDEX, "-C", "o", "-s", str(SIZE), "-o", "out", cwd=cwd)
    return (cwd / "out").read_bytes()


def counter(config, cwd):
    tool(config, "nvread", COUNTER, "-C", "o", "-s", "8", "-o", "out", cwd=cwd)
    return int.from_bytes((cwd / "out").read_bytes(), "big")


def start(config, cwd, *args):
    return subprocess.Popen([f"tpm2_{args[0]}", *args[1:]], cwd=cwd,
                            env=environment(TPM2TOOLS_TCTI=f"indexed:{config}"),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def cut(process, chance, longest):
    """kill -9 after a while of its choice. True: it had ended well before."""
    time.sleep(chance.uniform(longest / 4, longest))
    process.kill()
    _, err = process.communicate()
    assert process.returncode in (0, -9), (process.returncode, err)
    return process.returncode == 0


def usual_time(config, cwd):
    begin = time.monotonic()
    for _ in range(5):
        write(config, cwd, 0)
    return (time.monotonic() - begin) / 5


@test
def kill_while_writing():
    """The last acknowledged write is there, or the one that was cut off, whole."""
    chance = seed()
    with workdir() as work:
        config = f"state={work}/state"
        define(config, work)
        longest = 1.5 * usual_time(config, work)
        last = cut_off = seen = 0
        for number in range(1, KILLS + 1):
            (work / "in").write_bytes(content(number))
            process = start(config, work, "nvwrite", "-Q", INDEX, "-C", "o", "-i", "in")
            if cut(process, chance, longest):
                last = number
                want = [content(number)]
            else:
                cut_off += 1
                want = [content(last), content(number)]
            got = read(config, work)
            assert got in want, (number, last, got)
            # It was done, but not told: what a next reader sees stays so.
            if got == content(number) and last != number:
                seen += 1
                last = number
        print(f"# {cut_off} of {KILLS} cut off, {seen} of them after the write")
        assert cut_off > KILLS // 4, cut_off
        left = sorted(p.name for p in (work / "state").iterdir())
        assert left[0] == "lock" and len(left) <= 4, left


@test
def kill_while_counting():
    """Each acknowledged increment counted, and none that was not tried."""
    chance = seed()
    with workdir() as work:
        config = f"state={work}/state"
        define(config, work)
        longest = 1.5 * usual_time(config, work)
        value = counter(config, work)
        cut_off = 0
        for _ in range(KILLS // 3):
            done = cut(start(config, work, "nvincrement", "-C", "o", COUNTER), chance, longest)
            now = counter(config, work)
            assert now == value + 1 or (not done and now == value), (value, now, done)
            value = now
            cut_off += not done
        assert cut_off > KILLS // 12, cut_off


@test
def kill_while_made():
    """The first start of a new TPM, cut off anywhere: the next one makes it or has it."""
    chance = seed()
    with workdir() as work:
        begin = time.monotonic()
        tool(f"state={work}/first", "getrandom", "8")
        longest = time.monotonic() - begin
        for number in range(20):
            config = f"state={work}/s{number}"
            cut(start(config, work, "getrandom", "8"), chance, longest)
            define(config, work)
            assert read(config, work) == content(0)


@test
def programs_at_once():
    """Three loops of one counter: each increment that worked is counted, each that would
    not wait for the others says who has the TPM."""
    with workdir() as work:
        config = f"state={work}/state"
        define(config, work)
        before = counter(config, work)
        good = busy = 0
        running = []
        for number in range(90):
            wait = ",wait=0" if number % 3 == 0 else ""
            running.append(start(config + wait, work, "nvincrement", "-C", "o", COUNTER))
            if len(running) < 3:
                continue
            process = running.pop(0)
            _, err = process.communicate(timeout=60)
            if process.returncode == 0:
                good += 1
                continue
            assert number % 3 == 2, err
            lines = [li for li in err.splitlines() if li.startswith("ERROR:tcti:indexed")]
            assert len(lines) == 1 and "is in use by process" in lines[0], err
            assert "give another by state=DIR" in lines[0], lines
            busy += 1
        for process in running:
            _, err = process.communicate(timeout=60)
            good += process.returncode == 0
        print(f"# {good} went through, {busy} were told to wait")
        assert good >= 60, (good, busy)
        assert counter(config, work) == before + good


@test
def tpmix_at_once():
    """The tool is a program as any other one, and shares the TPM with others."""
    with workdir() as work:
        config = f"state={work}/state"
        define(config, work)
        # The FIFO's takes a second or two.
        sweep = subprocess.Popen([TPMIX, "replay", "--json", f"{config},door=fifo"], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lock = work / "state/lock"
        while sweep.poll() is None and lock.read_text().split()[:1] != [str(sweep.pid)]:
            time.sleep(0.001)
        before = counter(config, work)
        for _ in range(5):
            tool(config, "nvincrement", "-C", "o", COUNTER)
        out, err = sweep.communicate(timeout=60)
        assert sweep.returncode == 3, err
        assert json.loads(out)["right"] > 20, out
        assert counter(config, work) == before + 5


def small_disk(work):
    """A file system of 64 KiB, in a namespace that ends with the program in it."""
    own = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    way = ["unshare", *own, "--mount", "sh", "-ec"]
    mount = f"mount -t tmpfs -o size=64k tmpfs {work}/disk"
    (work / "disk").mkdir()
    tried = subprocess.run([*way, mount], capture_output=True, text=True)
    if tried.returncode:
        raise Skip("no right to mount a file system here: run as root")
    return way, mount


@test
def full_disk():
    """A disk that is really full: an error that says so, what was there stays there,
    and with room again it goes on."""
    with workdir() as work:
        way, mount = small_disk(work)
        (work / "one").write_bytes(content(1))
        (work / "two").write_bytes(content(2))
        script = f"""{mount}
export TPM2TOOLS_TCTI=indexed:state={work}/disk/state
tpm2_nvdefine -Q {INDEX} -C o -s {SIZE} -a '{NV}'
tpm2_nvwrite -Q {INDEX} -C o -i one
cat /dev/zero >disk/fill 2>/dev/null || :
if tpm2_nvdefine -Q {COUNTER} -C o -s 2000 -a '{NV}' 2>err; then echo it went through; fi
grep ERROR:tcti err
ls disk/state >names
tpm2_nvread {INDEX} -C o -s {SIZE} -o got
cmp got one
rm disk/fill
tpm2_nvdefine -Q {COUNTER} -C o -s 2000 -a '{NV}'
tpm2_nvwrite -Q {INDEX} -C o -i two
tpm2_nvread {INDEX} -C o -s {SIZE} -o got
cmp got two
echo good
"""
        result = subprocess.run([*way, script], cwd=work, env=environment(), text=True,
                                capture_output=True, timeout=60)
        assert result.stdout.splitlines()[-1:] == ["good"], result
        errors = result.stdout.splitlines()[:-1]
        assert any("make room" in li for li in errors), result
        assert not any("went through" in li for li in errors), result
        assert ".new" not in (work / "names").read_text()


@test
def no_directory_of_ones_own():
    """Each program in a line: what, where, and the mend."""
    with workdir() as work:
        if os.getuid() != 0 and shutil.which("sudo") is None:
            raise Skip("needs another user: run as root")
        (work / "file").write_text("")
        for config in (f"state={work}/file", f"state={work}/file/below"):
            line = error_line(tool(config, "getrandom", "8", check=False))
            assert f"{work}/file" in line, line
            got = subprocess.run([TPMIX, "info", config], capture_output=True, text=True)
            assert got.returncode == 1 and len(got.stderr.splitlines()) == 1, got
            assert f"{work}/file" in got.stderr, got


if __name__ == "__main__":
    sys.exit(main())
