# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the TCTI with real programs share: tpm2-tools over it, a TPM
inside QEMU behind a qtest socket, and a day's work with known results."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIB = Path(os.environ.get("TCTI", ROOT / "build/tcti/tcti/libtss2-tcti-indexed.so.0"))
QEMU = os.environ.get("QEMU", str(ROOT / "build/qemu/obj/qemu-system-x86_64"))
DEVICES = {"tis": "tpm-tis-indexed", "crb": "tpm-crb-ext"}
PCR = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
SECRET = "what only this PCR opens"


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TSS2", "TPM2"))}
    env["LD_LIBRARY_PATH"] = str(LIB.parent)
    # Not the sanitizers' options of the programs of build/host.
    return env | {k: str(v) for k, v in more.items()}


def tool(config, *args, cwd=None, check=True, log=None, user=None, timeout=60, **more):
    """Runs tpm2_ARGS[0] over the TCTI; a CompletedProcess with text."""
    env = environment(TPM2TOOLS_TCTI=f"indexed:{config}", **more)
    if log:
        env["TSS2_LOG"] = log
    result = subprocess.run([f"tpm2_{args[0]}", *args[1:]], env=env, cwd=cwd, user=user,
                            capture_output=True, text=True, errors="replace",
                            timeout=timeout, stdin=subprocess.DEVNULL)
    if check and result.returncode:
        raise AssertionError(f"tpm2_{' '.join(args)} over {config}: "
                             f"{result.returncode}: {result.stderr.strip()[-600:]}")
    return result


def error_line(result):
    """What the library says: one line."""
    lines = [li for li in result.stderr.splitlines() if li.startswith("ERROR:tcti:indexed")]
    assert len(lines) == 1, f"one line of the library expected: {result.stderr}"
    return lines[0]


@contextlib.contextmanager
def workdir():
    with tempfile.TemporaryDirectory(prefix="tpmix-") as path:
        yield Path(path)


class Process:
    """A child that dies with its block, and by its process id only."""

    def __init__(self, args, **more):
        self.popen = subprocess.Popen(args, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, **more)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()

    def kill(self):
        self.popen.kill()
        self.popen.wait()


def wait_for(path, process):
    end = time.monotonic() + 30
    while not path.exists():
        assert process.popen.poll() is None, f"ended early: {process.popen.args}"
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.02)


@contextlib.contextmanager
def machine(model):
    """A QEMU with swtpm: (configuration for the TCTI, QEMU's Process, swtpm's)."""
    with workdir() as work:
        state = work / "state"
        state.mkdir()
        with Process(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--ctrl",
                      f"type=unixio,path={work}/ctrl"], stderr=subprocess.DEVNULL) as swtpm:
            wait_for(work / "ctrl", swtpm)
            with Process([QEMU, "-machine", "q35,accel=qtest", "-nodefaults", "-display",
                          "none", "-L", "/usr/share/seabios", "-L", "/usr/share/qemu",
                          "-qtest", f"unix:{work}/qtest,server=on,wait=off",
                          "-qtest-log", "/dev/null",
                          "-chardev", f"socket,id=c,path={work}/ctrl",
                          "-tpmdev", "emulator,id=t,chardev=c",
                          "-device", f"{DEVICES[model]},tpmdev=t"],
                         stderr=subprocess.DEVNULL) as qemu:
                wait_for(work / "qtest", qemu)
                config = f"transport=qtest,path={work}/qtest"
                tool(f"{config},door=indexed", "startup", "-c")
                yield config, qemu, swtpm


def day(config, cwd, **more):
    """A day's work; raises where anything is not as it must be."""
    def run(*args):
        out = tool(config, *args, cwd=cwd, **more).stdout
        # A TPM without a resource manager has room for three objects.
        if args[0] in ("createprimary", "create", "load", "sign", "verifysignature"):
            tool(config, "flushcontext", "-t", cwd=cwd, **more)
        return out

    (cwd / "secret").write_text(SECRET)
    (cwd / "data").write_text("0123456789abcdef" * 4)
    assert len(run("getrandom", "--hex", "32")) == 64
    run("createprimary", "-Q", "-c", "primary.ctx", "-G", "ecc")
    run("create", "-Q", "-C", "primary.ctx", "-u", "k.pub", "-r", "k.priv", "-G", "ecc")
    run("load", "-Q", "-C", "primary.ctx", "-u", "k.pub", "-r", "k.priv", "-c", "k.ctx")
    run("sign", "-Q", "-c", "k.ctx", "-g", "sha256", "-o", "sig", "data")
    run("verifysignature", "-Q", "-c", "k.ctx", "-g", "sha256", "-m", "data", "-s", "sig")
    run("pcrreset", "16")
    run("pcrextend", f"16:sha256={PCR}")
    pcr = run("pcrread", "sha256:16")
    assert "0X0B8F4C5B6ADC4C087AB9F43AAEB6007084C264ADCAA3CB07176B792342850412" in pcr.upper()
    run("nvdefine", "-Q", "0x1500001", "-s", "64", "-a", "ownerread|ownerwrite")
    run("nvwrite", "-Q", "0x1500001", "-C", "o", "-i", "data")
    assert run("nvread", "0x1500001", "-C", "o", "-s", "64") == "0123456789abcdef" * 4
    run("nvundefine", "-Q", "0x1500001")
    for use in ("seal", "unseal"):
        run("startauthsession", "-S", "s.ctx", "--policy-session")
        run("policypcr", "-Q", "-S", "s.ctx", "-l", "sha256:16", "-L", "policy")
        if use == "seal":
            run("flushcontext", "s.ctx")
            run("create", "-Q", "-C", "primary.ctx", "-i", "secret", "-L", "policy",
                "-u", "s.pub", "-r", "s.priv")
            run("load", "-Q", "-C", "primary.ctx", "-u", "s.pub", "-r", "s.priv", "-c",
                "sealed.ctx")
    assert run("unseal", "-c", "sealed.ctx", "-p", "session:s.ctx") == SECRET
    run("flushcontext", "s.ctx")
    run("flushcontext", "-t")
