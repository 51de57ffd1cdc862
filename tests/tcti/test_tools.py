#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""libtss2-tcti-indexed with real programs: how it is linked and found, tpm2-tools
through every door and transport with injected repetitions, and what goes wrong
outside: two users, kill -9, a full disk, damage, a QEMU that dies. TAP on stdout."""

import contextlib
import fcntl
import hashlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stage import (LIB, ROOT, day, environment, error_line,  # noqa: E402
                   machine, tool, workdir)
from tap import TESTS, main, test  # noqa: E402

SAFE = ["indexed", "window", "crb"]


def run(*args, **more):
    return subprocess.run(args, capture_output=True, text=True, check=True, **more).stdout


@test
def exports():
    """Two symbols, the SONAME that tctildr looks for, never unloaded."""
    names = {li.split()[-1] for li in run("nm", "-D", "--defined-only", LIB).splitlines()}
    assert names == {"Tss2_Tcti_Info", "Tss2_Tcti_Indexed_Init"}, names
    dynamic = run("readelf", "-d", LIB)
    assert "[libtss2-tcti-indexed.so.0]" in dynamic and "NODELETE" in dynamic, dynamic
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    assert all(re.match(r"lib(tpms|glib-2\.0|c)\.so", n) for n in needed), needed


@test
def pkg_config():
    """A program built by pkg-config's flags gets its random numbers."""
    source = r"""
#include <stdio.h>
#include <stdlib.h>
#include <tss2_tcti_indexed.h>
int main(int argc, char **argv)
{
	static const uint8_t cmd[] = { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 8 };
	uint8_t rsp[64];
	size_t size, n = sizeof(rsp);
	TSS2_TCTI_CONTEXT *c;
	(void)argc;
	if (Tss2_Tcti_Indexed_Init(NULL, &size, argv[1]) || !(c = malloc(size)) ||
	    Tss2_Tcti_Indexed_Init(c, &size, argv[1]) ||
	    Tss2_Tcti_Transmit(c, sizeof(cmd), cmd) ||
	    Tss2_Tcti_Receive(c, &n, rsp, TSS2_TCTI_TIMEOUT_BLOCK))
		return 1;
	Tss2_Tcti_Finalize(c);
	free(c);
	printf("%zu\n", n);
	return 0;
}
"""
    with workdir() as work:
        (work / "a.c").write_text(source)
        env = environment(PKG_CONFIG_PATH=ROOT / "build/tcti/meson-private")
        flags = run("pkg-config", f"--define-variable=libdir={LIB.parent}", "--cflags",
                    "--libs", "tss2-tcti-indexed", env=env).split()
        assert "-ltss2-tcti-indexed" in flags, flags
        run("cc", "-Wall", "-Werror", "-o", work / "a", work / "a.c", "-I", ROOT / "tcti",
            *flags)
        assert run(work / "a", f"state={work}/state", env=env) == "20\n"


@test
def headers_of_debian_13():
    """The sources compile with tpm2-tss 4.1's headers as with this machine's."""
    trixie = ROOT / "build/tcti/headers/trixie/usr/include"
    flags = run("pkg-config", "--cflags", "glib-2.0").split()
    for source in sorted((ROOT / "tcti").glob("*.c")):
        run("cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
            "-fsyntax-only", "-I", trixie, "-I", trixie / "tss2", "-I", ROOT / "engine",
            *flags, source)
    assert "TSS2_TCTI_CONTEXT_COMMON_V2" in (trixie / "tss2/tss2_tcti.h").read_text()


@test
def man_page():
    page = ROOT / "tcti/tss2-tcti-indexed.7"
    result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                            capture_output=True, text=True, check=True)
    assert not result.stderr, result.stderr
    text = page.read_text().replace("\\-", "-")
    for word in ("transport=", "state=", "path=", "address=", "door=", "locality=",
                 "replay=", "trace="):
        assert word in text, word


@test
def nothing_set_up():
    """The default: state under XDG_STATE_HOME, then under HOME."""
    with workdir() as work:
        for env, where in (({"XDG_STATE_HOME": work / "x"}, work / "x/tpmix"),
                           ({"XDG_STATE_HOME": "", "HOME": work / "h"},
                            work / "h/.local/state/tpmix")):
            values = {tool("", "getrandom", "--hex", "16", **env).stdout for _ in range(3)}
            assert len(values) == 3, values
            assert (where / "permanent").exists(), where
            assert where.stat().st_mode & 0o777 == 0o700


def replay(rate, seed):
    return f"replay=rate={rate},seed={seed}"


def add_day(name, door, transport):
    def body():
        with workdir() as work:
            if transport == "inproc":
                day(f"state={work}/state,door={door}", work)
                day(f"state={work}/state,door={door},{replay(100000, 7)}", work)
                day(f"state={work}/state,door={door},{replay(50000, 8)},when=late", work)
                # cmdReady and Start together, after the command, are another command of
                # the CRB (docs/decisions/015).
                start = ",min-offset=0x44" if door == "crb" else ""
                day(f"state={work}/state,door={door},{replay(50000, 5)},when=completed{start}",
                    work)
                return
            with machine(transport) as (config, *_):
                day(f"{config},door={door}", work)
                day(f"{config},door={door},{replay(100000, 9)}", work)
    body.__name__ = name
    body.__doc__ = f"a day by {door}, {transport}: no fault, then repetitions"
    TESTS.append(body)


for safe_door in SAFE:
    add_day(f"day_inproc_{safe_door}", safe_door, "inproc")
for safe_door in SAFE[:2]:
    add_day(f"day_tis_{safe_door}", safe_door, "tis")
for safe_door in SAFE:
    add_day(f"day_crb_{safe_door}", safe_door, "crb")


def outcomes(config, seeds, rate, more=""):
    """The same question under repetitions: right, wrong, failed; repetitions made."""
    reference = tool(config, "getcap", "properties-fixed").stdout
    count = {"right": 0, "wrong": 0, "failed": 0, "replayed": 0}
    for seed in seeds:
        r = tool(f"{config},{replay(rate, seed)}{more}", "getcap", "properties-fixed",
                 check=False, log="tcti+INFO")
        kind = "failed" if r.returncode else "right" if r.stdout == reference else "wrong"
        count[kind] += 1
        count["replayed"] += sum(map(int, re.findall(r"replayed-\w+=(\d+)", r.stderr)))
    print(f"# {config.split(',')[-1]}: {count}")
    return count


@test
def thousands_of_repetitions():
    """Where each second access is repeated: never wrong, never failed."""
    with workdir() as work:
        for door in SAFE:
            c = outcomes(f"state={work}/state,door={door}", range(40), 500000)
            assert c["right"] == 40 and c["replayed"] > 1000, c


@test
def fifo_is_wrong():
    """The control group: with few repetitions it believes wrong answers."""
    with workdir() as work:
        day(f"state={work}/state,door=fifo", work)
        only_data = ",min-offset=0x24,max-offset=0x24,writes=off"
        c = outcomes(f"state={work}/state,door=fifo", range(40), 5000, only_data)
        assert c["wrong"] >= 1, c


@test
def fifo_over_qtest():
    with machine("tis") as (config, *_), workdir() as work:
        day(f"{config},door=fifo", work)


@test
def localities():
    with workdir() as work:
        for door in ("indexed", "crb", "fifo"):
            for locality in range(5):
                config = f"state={work}/state,door={door},locality={locality}"
                result = tool(config, "pcrextend", f"17:sha256={'11' * 32}", check=False)
                assert (result.returncode == 0) == (locality in (2, 3, 4)), (config, result)


@contextlib.contextmanager
def turn(state):
    """The state's lock, as a process has it that runs a command."""
    with open(state / "lock", "r+") as lock:
        lock.write(f"{os.getpid():<10} test of the lock\n")
        lock.flush()
        what = struct.pack("@hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        fcntl.fcntl(lock, 37, what)     # F_OFD_SETLK
        yield


@test
def two_programs():
    """Both have the TPM open; a command is one's turn, and the other one waits for it,
    and is told for whom."""
    with workdir() as work:
        state = work / "state"
        config = f"state={state}"
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(LIB), config],
            stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=environment())
        assert holder.stdout.readline() == "0\n"
        assert tool(f"{config},wait=0", "getrandom", "--hex", "8").stdout
        with turn(state):
            for seconds in (0, 1):
                begin = time.monotonic()
                result = tool(f"{config},wait={seconds}", "getrandom", "8", check=False)
                took = time.monotonic() - begin
                assert result.returncode and seconds <= took < seconds + 5, took
                line = error_line(result)
                assert f"{state} is in use by process {os.getpid()} (python" in line, line
        # One that waits when the turn ends goes on.
        with ThreadPoolExecutor(1) as pool:
            with turn(state):
                waiting = pool.submit(tool, config, "getrandom", "--hex", "8")
                time.sleep(0.5)
                assert not waiting.done()
            assert len(waiting.result().stdout) == 16
        holder.kill()
        holder.wait()
        assert tool(config, "getrandom", "--hex", "8").stdout


@test
def pipes():
    """Two programs in a pipe have the TPM open at once, and the one that came first
    may be the one that waits for the other."""
    with workdir() as work:
        for first in [""] * 8 + ["sleep 0.7; "] * 2:
            script = (f"({first}tpm2_getrandom 32) | tee random | tpm2_hash -g sha256 --hex; "
                      "echo ${PIPESTATUS[@]}")
            got = subprocess.run(["bash", "-c", script], cwd=work, text=True, timeout=60,
                                 env=environment(TPM2TOOLS_TCTI=f"indexed:state={work}/s"),
                                 capture_output=True)
            want = hashlib.sha256((work / "random").read_bytes()).hexdigest()
            assert got.stdout == f"{want}0 0 0\n", (first, got)
            assert (work / "random").stat().st_size == 32


@test
def two_clients_of_qemu():
    """QEMU talks to one at a time: the second one waits, or is told; no silence."""
    with machine("tis") as (config, *_):
        path = config.partition("path=")[2]
        holder = socket.socket(socket.AF_UNIX)
        holder.connect(path)
        begin = time.monotonic()
        result = tool(f"{config},wait=1", "getrandom", "8", check=False)
        assert result.returncode and time.monotonic() - begin < 6
        line = error_line(result)
        assert "another program has it" in line and path in line, line
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(tool, config, "getrandom", "--hex", "8")
            time.sleep(0.5)
            assert not waiting.done()
            holder.close()
            assert len(waiting.result().stdout) == 16


# Opens a context and keeps it; with a command given, sends it first.
HOLDER = """
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1])
size = ctypes.c_size_t()
config = sys.argv[2].encode()
lib.Tss2_Tcti_Indexed_Init(None, ctypes.byref(size), config)
context = ctypes.create_string_buffer(size.value)
rc = lib.Tss2_Tcti_Indexed_Init(context, ctypes.byref(size), config)
if rc == 0 and len(sys.argv) > 3:
    command = bytes.fromhex(sys.argv[3])
    address = ctypes.c_void_p.from_buffer(context, 16).value
    transmit = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t,
                                ctypes.c_char_p)(address)
    rc = transmit(ctypes.addressof(context), len(command), command)
print(rc, flush=True)
sys.stdin.read()
"""

# CreatePrimary of an RSA key in the endorsement hierarchy: takes a while.
LONG_COMMAND = ("80020000004100000131" "4000000b" "00000009400000090000000000"
                "000400000000" "00180001000b00040072000000100014000b0800000000000000"
                "00000000" "0000")


@test
def killed_in_a_command():
    """kill -9 while the TPM works: what was acknowledged is there, and no lock."""
    with workdir() as work:
        config = f"state={work}/state"
        tool(config, "createprimary", "-Q", "-c", "p.ctx", "-G", "ecc", cwd=work)
        tool(config, "pcrextend", f"16:sha256={'22' * 32}")
        before = tool(config, "pcrread", "sha256:16").stdout
        lockout = tool(config, "getcap", "properties-variable").stdout
        for i in range(12):
            index = hex(0x1500000 + i)
            tool(config, "nvdefine", "-Q", index, "-s", "8", "-a", "ownerread|ownerwrite")
            victim = subprocess.Popen(
                [sys.executable, "-c", HOLDER, str(LIB), config, LONG_COMMAND],
                stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
                env=environment())
            assert victim.stdout.readline() == "0\n"
            time.sleep(i * 0.004)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            assert index in tool(config, "getcap", "handles-nv-index").stdout.lower()
        assert tool(config, "pcrread", "sha256:16").stdout == before
        tool(config, "create", "-Q", "-C", "p.ctx", "-u", "u", "-r", "r", cwd=work)
        after = tool(config, "getcap", "properties-variable").stdout
        counter = re.compile(r"TPM2_PT_LOCKOUT_COUNTER: .*")
        assert counter.search(after)[0] == counter.search(lockout)[0]


def limit_files():
    """The largest file is now 1 KiB: to the library a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


@test
def full_disk():
    with workdir() as work:
        config = f"state={work}/state"
        tool(config, "nvdefine", "-Q", "0x1500001", "-s", "8", "-a", "ownerread|ownerwrite")
        env = environment(TPM2TOOLS_TCTI=f"indexed:{config}")
        result = subprocess.run(
            ["tpm2_nvdefine", "-Q", "0x1500002", "-s", "8", "-a", "ownerread|ownerwrite"],
            env=env, capture_output=True, text=True, preexec_fn=limit_files,
            restore_signals=False)
        assert result.returncode
        assert f"{work}/state" in result.stderr and "make room" in result.stderr, result
        assert "0x923" in result.stderr, result.stderr
        handles = tool(config, "getcap", "handles-nv-index").stdout
        assert "0x1500001" in handles and "0x1500002" not in handles, handles
        # And where there never was room.
        result = subprocess.run(
            ["tpm2_getrandom", "8"], capture_output=True, text=True, preexec_fn=limit_files,
            restore_signals=False,
            env=environment(TPM2TOOLS_TCTI=f"indexed:state={work}/other"))
        assert result.returncode and "make room" in error_line(result)
        assert tool(f"state={work}/other", "getrandom", "--hex", "8").stdout


@test
def unwritable_directory():
    with workdir() as work:
        work.chmod(0o555)
        user = "nobody" if os.getuid() == 0 else None
        result = tool(f"state={work}/state", "getrandom", "8", check=False, user=user)
        work.chmod(0o700)
        assert result.returncode
        line = error_line(result)
        assert f"{work}/state" in line and "state=DIR" in line, line


@test
def garbage_state():
    with workdir() as work:
        config = f"state={work}/state"
        tool(config, "getrandom", "8")
        for content in (b"garbage", os.urandom(2000), b""):
            (work / "state/permanent").write_bytes(content)
            result = tool(config, "getrandom", "8", check=False)
            assert result.returncode and "damaged" in error_line(result)
            assert (work / "state/permanent").read_bytes() == content


@test
def qemu_dies():
    """A command ends with an error at once, and the next one says what to do."""
    with machine("tis") as (config, qemu, swtpm):
        # So that the command is still running, however fast the TPM is.
        swtpm.popen.send_signal(signal.SIGSTOP)
        victim = subprocess.Popen(
            ["tpm2_pcrextend", f"16:sha256={'33' * 32}"], stderr=subprocess.PIPE, text=True,
            env=environment(TPM2TOOLS_TCTI=f"indexed:{config}"))
        time.sleep(0.5)
        assert victim.poll() is None
        qemu.kill()
        _, err = victim.communicate(timeout=20)
        assert victim.returncode and "QEMU ended" in err, err
        begin = time.monotonic()
        result = tool(config, "getrandom", "8", check=False)
        assert result.returncode and "-qtest unix:" in error_line(result)
        assert time.monotonic() - begin < 5


@test
def configuration_errors():
    for config, text in (("transport=usb", "inproc, qtest or mem"), ("x=1", "no key 'x'"),
                         ("transport=qtest", "path=SOCKET"), ("door=z", "fifo or crb"),
                         ("replay=rate=2000000", "at most 1000000"),
                         ("transport=mem,path=/nonexistent", "/nonexistent")):
        result = tool(config, "getrandom", "8", check=False)
        assert result.returncode and text in error_line(result), result.stderr


@test
def traces():
    """Each access readable, and a pcap that Wireshark's dissector understands."""
    with workdir() as work:
        trace = work / "t"
        tool(f"state={work}/state,trace={trace},{replay(300000, 2)}", "pcrread", "sha256:0")
        lines = trace.read_text().splitlines()
        access = re.compile(r"\d+\.\d{6} [RWrw] 0x[0-9a-f]{5} [1248] 0x[0-9a-f]+ 0 [\w?+ ]+$")
        kinds = {"access": 0, "bytes": 0, "note": 0}
        for line in lines:
            kind = ("note" if line.startswith("# ") else
                    "bytes" if re.match(r"\d+\.\d{6} [<>] [0-9a-f]+$", line) else "access")
            assert kind != "access" or access.match(line), line
            kinds[kind] += 1
        assert kinds["access"] > 30 and kinds["bytes"] >= 4 and kinds["note"] == 2, kinds
        repeated = sum(" r " in li or " w " in li for li in lines)
        told = sum(map(int, re.findall(r"replayed-\w+=(\d+)", lines[-1])))
        assert repeated == told > 3, (repeated, lines[-1])
        frames = run("tshark", "-r", f"{trace}.pcap", "-T", "fields", "-e", "_ws.col.Protocol",
                     "-e", "_ws.col.Info", stderr=None, env=os.environ)
        assert frames.count("TPM") >= kinds["bytes"], frames
        detail = run("tshark", "-r", f"{trace}.pcap", "-O", "tpm", "-o",
                     "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-V")
        assert "TPM2_CC_PCR_Read" in detail and "TPM2 Success" in detail, detail
        assert "Bad" not in re.sub(r"\[Bad: False\]", "", detail), detail


if __name__ == "__main__":
    sys.exit(main())
