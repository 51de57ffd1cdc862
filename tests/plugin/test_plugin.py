#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The devices as a plug-in in two unmodified QEMUs of Debian: this machine's and
that of the other release, from its packages in build/plugin (./run build
plugin-tests). What a guest sees must be what it sees with the patched QEMU.

Debian's QEMU has no -accel qtest. Its qtest protocol works with TCG as well; the
guest's processor then halts at its first instruction (halting_bios). TAP on
stdout."""

import base64
import concurrent.futures
import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import guest_machine  # noqa: E402
import guest_peers  # noqa: E402

BUILD = ROOT / "build"
PLUGINS = BUILD / "plugin"
QTESTS = BUILD / "host/tests/qtest"
SYSTEM = Path("/usr/bin/qemu-system-x86_64")
BASE = 0xFED40000


class Model:
    """A device: how its locality 0 is requested, where its indexed door begins."""

    def __init__(self, name, request, active, indexed, pages):
        self.name, self.request, self.active = name, request, active
        self.indexed, self.pages = indexed, pages


TIS = Model("tpm-tis-indexed", (0x00, 0x02, "b"), (0x00, "b", 0xA1), 0, (0x0000, 0x5000))
# The plug-in's has no FIFO: QEMU's ACPI code knows a child of tpm-crb as CRB only.
CRB = Model("tpm-crb-ext", (0x08, 0x01, "l"), (0x0C, "l", 0x01), 0x6000, (0x0000, 0x10000))

# Programs of the suite qtest, and what of them is not for an unmodified QEMU.
QTEST_SKIPS = {
    "test_device": [
        "/device/models",            # QAPI's list of models is QEMU's own
        "/device/backend-lies/max",  # qemu/patches/0014 is a mend to QEMU
        "/device/ppi/clear-stock",   # and so is 0018
    ],
    # the plug-in's tpm-crb-ext has no FIFO
    "test_replay_matrix": ["/replay/crb-fifo-indexed"],
    "test_migration": [f"/migration/{test}/{door}" for test in ("every", "running")
                       for door in ("crb-fifo", "crb-fifo-indexed")] +
                      # minutes, and the same device's code
                      ["/migration/hand-over", "/migration/after-first-pass",
                       "/migration/ram-off"],
    "test_mmio_replay": [
        "/overlay/trace",            # trace events are QEMU's own
    ],
    "test_stock_compare": ["/compare/walk"],  # a minute each, and nothing new
}
QTEST_SKIPS_7_2 = {
    "test_device": [],
    "test_replay_matrix": [],
    "test_mmio_replay": [
        "/client/save",
        "/overlay/whole-access",     # its HPET takes at most 4 bytes
        "/overlay/errors",           # QEMU words an error in another way
    ],
    # and its own tpm-tis ignores INT_ENABLE while the locality is not active
    "test_stock_compare": [],
}

DUMP = r"""
set -e
tpm2_getrandom --hex 8 >/dev/null
cat /sys/class/tpm/tpm*/device/door
cd /sys/firmware/acpi/tables
for f in *; do [ -d "$f" ] || echo "$f $(base64 "$f" | tr -d '\n')"; done
"""


def build_id(binary):
    out = subprocess.run(["readelf", "-n", binary], capture_output=True, text=True,
                         check=True).stdout
    return re.search(r"Build ID: (\w+)", out)[1]


class Qemu:
    """A QEMU to be tested: how it is started, with what plug-in."""

    def __init__(self, run, binary=None, plugin=True):
        self.run, self.binary = Path(run), Path(binary or run)
        self.plugin = PLUGINS / f"{build_id(self.binary)}.so" if plugin else None
        out = subprocess.run([self.run, "--version"], capture_output=True, text=True,
                             check=True).stdout
        self.version = re.search(r"version ([\d.]+)", out)[1]
        self.name = f"{self.version} {'plug-in' if plugin else 'patched'}"
        self.is_7_2 = self.version.startswith("7.2")

    def args(self):
        plugin = ["-plugin", f"file={self.plugin}"] if self.plugin else []
        return [self.run, *plugin]

    def source(self):
        package = Path(self.plugin).with_suffix(".package").read_text().split()
        return PLUGINS / "source" / package[2].partition(":")[2]


def halting_bios(directory):
    """64 KiB whose first instruction, 16 bytes below its end, is cli; hlt."""
    path = directory / "halt.bin"
    path.write_bytes(b"\xff" * 0xfff0 + b"\xfa\xf4\xeb\xfd".ljust(16, b"\xff"))
    return path


class Machine:
    """A QEMU with a swtpm, its processor halted: registers by qtest, and QMP."""

    def __init__(self, qemu, directory, *args, accel="tcg", model=TIS):
        self.model = model
        device = f"{model.name},id=tpm,tpmdev=tpm0"
        if model is CRB and not qemu.plugin:
            device += ",fifo=off"
        self.dir = Path(tempfile.mkdtemp(dir=directory))
        self.swtpm = guest_peers.Swtpm(self.dir)
        self.qtest, theirs = socket.socketpair()
        qmp, theirs_qmp = socket.socketpair()
        fds = [theirs.fileno(), theirs_qmp.fileno()]
        self.log = self.dir / "log"
        self.process = guest_peers.spawn(
            [*qemu.args(), "-bios", halting_bios(self.dir), "-L", "/usr/share/seabios",
             "-L", "/usr/share/qemu", "-machine", "q35", "-accel", accel, "-nodefaults",
             "-display", "none", "-global", "apic-common.vapic=off",
             "-chardev", f"socket,id=qtest,fd={fds[0]}", "-qtest", "chardev:qtest",
             "-qtest-log", "none", "-chardev", f"socket,id=qmp,fd={fds[1]}",
             "-mon", "chardev=qmp,mode=control",
             "-chardev", f"socket,id=chrtpm,path={self.swtpm.path}",
             "-tpmdev", "emulator,id=tpm0,chardev=chrtpm",
             "-device", device, *args], self.log, fds)
        theirs.close()
        theirs_qmp.close()
        self.lines = guest_peers.Lines(self.qtest, "QEMU")
        self.qmp = guest_peers.Qmp(qmp)
        self.qmp.handshake()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        guest_peers.end_process(self.process)
        self.swtpm.stop()
        self.qtest.close()
        self.qmp.lines.sock.close()

    def ask(self, lines):
        """Sends lines of the qtest protocol, returns the values of the answers."""
        self.qtest.sendall("".join(f"{line}\n" for line in lines).encode())
        answers = [self.lines.read_line(30).split() for _ in lines]
        assert all(answer[0] == "OK" for answer in answers), answers
        return [int(answer[1], 0) if len(answer) > 1 else None for answer in answers]

    def read(self, offset, width="l"):
        return self.ask([f"read{width} {BASE + offset:#x}"])[0]

    def write(self, offset, value, width="l"):
        self.ask([f"write{width} {BASE + offset:#x} {value:#x}"])

    def registers(self):
        return [value for page in range(*self.model.pages, 0x400) for value in
                self.ask([f"readl {BASE + page + n:#x}" for n in range(0, 0x400, 4)])]

    def request(self):
        self.write(*self.model.request)

    def is_active(self):
        offset, width, value = self.model.active
        return self.read(offset, width) == value

    def indexed_write(self, offset, value):
        self.write(self.model.indexed + offset, value)

    def indexed_read(self, offset):
        return self.read(self.model.indexed + offset)

    def send_words(self, command, begin, end):
        for at in range(begin, end, 4):
            self.indexed_write(0x100 + at, int.from_bytes(command[at:at + 4], "little"))

    def finish(self, ticket):
        """The doorbell; the response when the ticket is completed."""
        self.indexed_write(0xFCC, ticket)
        deadline = time.monotonic() + 20
        while self.indexed_read(0xFD8) != ticket:
            assert time.monotonic() < deadline, "no completion"
            time.sleep(0.01)
        size = self.indexed_read(0xFDC)
        self.indexed_write(0xFC0, 0)
        words = [self.indexed_read(0x100 + at) for at in range(0, size, 4)]
        return b"".join(word.to_bytes(4, "little") for word in words)[:size]

    def migrate_to(self, uri):
        self.qmp.execute("migrate", uri=uri)
        deadline = time.monotonic() + 60
        while True:
            status = self.qmp.execute("query-migrate").get("status")
            if status == "completed":
                return
            assert status != "failed" and time.monotonic() < deadline, status
            time.sleep(0.02)


STARTUP = bytes.fromhex("80010000000c000001440000")
RANDOM = bytes.fromhex("80010000000c0000017b0010")
ANSWER = bytes.fromhex("80010000001c000000000010")  # then 16 random bytes


# Each check raises where it fails, and may return a line to be shown.


def use_tis(machine):
    machine.write(0x08, 0x80000087)
    machine.write(0x18, 0x40, "b")
    machine.write(0x24, 0x80, "b")
    machine.write(0x3000, 0x02, "b")


def use_crb(machine):
    machine.write(0x50, 0x8000000B)
    machine.write(0x40, 0x01)
    machine.write(0x80, 0x80, "b")
    machine.write(0x3008, 0x01)


def same_registers(qemu, patched, work, model=TIS):
    """Every register of every locality, after reset and while a locality uses it."""
    def look(which):
        with Machine(which, work, model=model) as machine:
            first = machine.registers()
            machine.request()
            machine.indexed_write(0xFC0, 0x40)
            (use_crb if model is CRB else use_tis)(machine)
            return first, machine.registers()

    mine, theirs = look(qemu), look(patched)
    for before, (a, b) in zip(("after reset", "in use"), zip(mine, theirs)):
        different = [f"{4 * i:#x}: {x:#x}, patched {y:#x}"
                     for i, (x, y) in enumerate(zip(a, b)) if x != y]
        assert not different, f"{before}: {different[:5]}"
    return f"{2 * len(mine[0])} registers"


def migrates(source, target, work, model=TIS):
    """In the middle of a command, with a real TPM's state."""
    uri = f"unix:{tempfile.mktemp(dir=work)}"
    with Machine(source, work, model=model) as a:
        a.request()
        a.indexed_write(0xFC0, 0)
        a.send_words(STARTUP, 0, 12)
        assert a.finish(1)[6:10] == bytes(4), "TPM2_Startup"
        a.indexed_write(0xFC0, 0)
        a.send_words(RANDOM, 0, 8)
        with Machine(target, work, "-incoming", uri, model=model) as b:
            a.migrate_to(uri)
            b.qmp.wait_event("RESUME")
            assert b.is_active(), "the locality is active"
            b.send_words(RANDOM, 8, 12)
            response = b.finish(2)
    # Only a TPM that was started answers with random bytes.
    assert response[:12] == ANSWER, response.hex()


def answers_with_kvm(qemu, work):
    """The plug-in in a QEMU that does not translate code; its processor halts."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        skip("no access to /dev/kvm")
    with Machine(qemu, work, accel="kvm") as machine:
        assert machine.qmp.execute("query-kvm")["enabled"]
        machine.request()
        for ticket, command in enumerate((STARTUP, RANDOM), 1):
            machine.indexed_write(0xFC0, 0)
            machine.send_words(command, 0, 12)
            response = machine.finish(ticket)
    assert response[:12] == ANSWER, response.hex()


def write_wrapper(path, qemu, target=None):
    """A QEMU for the suite qtest; target is the one that a migration comes to."""
    starts = [" ".join(map(str, q.args())) for q in (qemu, target or qemu)]
    path.write_text(f"""#!/bin/sh
start='{starts[0]}'
for a do
    shift
    case $a in
    qtest) a=tcg ;;
    socket,id=qtest-client,*) a=socket,id=qtest,${{a#*,*,}} ;;
    chardev:qtest-client) a=chardev:qtest ;;
    -incoming) start='{starts[1]}' ;;
    esac
    set -- "$@" "$a"
done
exec $start -bios {halting_bios(path.parent)} "$@"
""", encoding="utf-8")
    path.chmod(0o755)


def run_program(program, wrapper, *args):
    """The number of its tests that passed; all have to."""
    result = subprocess.run([QTESTS / program, *args], capture_output=True, text=True,
                            env=os.environ | {"QEMU": str(wrapper)}, timeout=480, check=False)
    passed = [line for line in result.stdout.splitlines()
              if line.startswith("ok ") and "# SKIP" not in line]
    assert result.returncode == 0 and passed, (result.stdout + result.stderr)[-600:]
    return len(passed)


def runs_qtest(qemu, program, work):
    wrapper = Path(tempfile.mkdtemp(dir=work)) / "qemu"
    write_wrapper(wrapper, qemu)
    skips = list(QTEST_SKIPS[program])
    if qemu.is_7_2:
        skips += QTEST_SKIPS_7_2[program]
    listed = subprocess.run([QTESTS / program, "-l"], capture_output=True, text=True,
                            check=True).stdout
    # glib 2.84 lists them as TAP comments
    paths = [path for path in re.findall(r"^(?:# )?(/\S+)$", listed, re.M)
             if not any(f"{path}/".startswith(f"{skip}/") for skip in skips)]
    assert paths, listed
    count = run_program(program, wrapper, *[word for path in paths for word in ("-p", path)])
    assert count == len(paths), f"{count} of {len(paths)}"
    return f"{count} tests; not for this QEMU: {', '.join(skips) or 'none'}"


def migrates_everywhere(source, target, work):
    """At every access of a transaction, and while the TPM executes."""
    wrapper = Path(tempfile.mkdtemp(dir=work)) / "qemu"
    write_wrapper(wrapper, source, target)
    run_program("test_migration", wrapper, "-p", "/migration/every/indexed",
                "-p", "/migration/running/fifo", "-p", "/migration/running/indexed")


def boot(qemu):
    """The indexed driver answers; the ACPI tables: name -> bytes."""
    result = guest_machine.run(DUMP, qemu=qemu.run, plugin=qemu.plugin, driver="indexed")
    assert result.status == 0, result.err.decode(errors="replace")
    door, *tables = result.out.decode().split("\n")
    assert door == "window", door
    return {name: base64.b64decode(data)
            for name, data in (line.split(" ") for line in tables if line)}


def boot_crb(qemu):
    """Linux' own tpm_crb on the plug-in's tpm-crb-ext; what it found in RAM."""
    result = guest_machine.run("tpm2_getrandom --hex 8 >/dev/null && "
                               "basename $(readlink /sys/class/tpm/tpm0/device/driver) && "
                               "dmesg | grep -c 'tpm.*\\(failure\\|error\\|Timed out\\)'",
                               qemu=qemu.run, plugin=qemu.plugin, device=CRB.name)
    assert result.out.split() == [b"tpm_crb", b"0"], (result.out, result.err[-500:])


def tpm_device(dsdt):
    """The AML of Device (TPM): from its name on, as long as its package says."""
    at = dsdt.index(b"\x5b\x82", dsdt.index(b"QEMU0021") - 32)
    lead = dsdt[at + 2]
    more = lead >> 6
    length = lead & (0x0f if more else 0x3f)
    for i in range(more):
        length |= dsdt[at + 3 + i] << (4 + 8 * i)
    return dsdt[at:at + 2 + length]


def with_tis_range(aml):
    """QEMU's own code gives PCI0 the range of tpm-tis, 0x5000 bytes, and so does the TPM
    with it; the patched one all of the space."""
    fixed = bytes.fromhex("860900010000d4fe")
    assert fixed + (0x40000).to_bytes(4, "little") in aml
    return aml.replace(fixed + (0x40000).to_bytes(4, "little"),
                       fixed + (0x5000).to_bytes(4, "little"))


def boot_tis(qemu):
    """Linux' own tpm_tis on the plug-in's tpm-tis-indexed."""
    result = guest_machine.run("tpm2_getrandom --hex 8 >/dev/null && "
                               "basename $(readlink /sys/class/tpm/tpm0/device/driver)",
                               qemu=qemu.run, plugin=qemu.plugin, device=TIS.name)
    assert result.out.split() == [b"tpm_tis"], (result.out, result.err[-500:])


def compare_acpi(mine, theirs, same_version):
    """Of another version of QEMU only what concerns the TPM can be the same."""
    assert tpm_device(mine["DSDT"]) == with_tis_range(tpm_device(theirs["DSDT"])), \
        "Device (TPM)"
    # Without the checksum and where the firmware put the log.
    assert mine["TPM2"][10:-8] == theirs["TPM2"][10:-8], "TPM2"
    if not same_version:
        return "Device (TPM), TPM2"
    same = with_tis_range(theirs["DSDT"])
    # The checksum is at byte 9.
    theirs = theirs | {"DSDT": same[:9] + mine["DSDT"][9:10] + same[10:]}
    different = [name for name in sorted(mine.keys() | theirs.keys())
                 if mine.get(name) != theirs.get(name)]
    assert not different, f"tables differ: {different}"
    return f"identical: {', '.join(sorted(mine))}"


def refused(qemu, plugin, *words):
    result = subprocess.run(
        [qemu.run, "-plugin", f"file={plugin}", "-machine", "none", "-display", "none"],
        capture_output=True, text=True, timeout=30, check=False)
    # Started in a tree, QEMU finds the machine's modules and says that they are not its.
    lines = [line for line in result.stderr.splitlines()
             if "failed to initialize module" not in line and "same build" not in line]
    assert result.returncode == 1 and len(lines) == 1, (result.returncode, result.stderr)
    for word in ("tpmix plug-in: ", "./run plugin", *words):
        assert word in lines[0], lines[0]
    return lines[0]


def refuses_other(qemu, other, _):
    return refused(qemu, other.plugin, build_id(qemu.binary), build_id(other.binary))


def refuses_build_id(qemu, work):
    """Its own plug-in, in which one digit of the build-id was changed."""
    ident = build_id(qemu.binary)
    wrong = ident[:-1] + ("0" if ident[-1] != "0" else "1")
    plugin = work / f"wrong-{qemu.version}.so"
    plugin.write_bytes(qemu.plugin.read_bytes().replace(ident.encode(), wrong.encode()))
    return refused(qemu, plugin, wrong)


def refuses_padded(qemu, work):
    """Built with a DeviceState that is 16 bytes longer than QEMU's."""
    overlay = Path(tempfile.mkdtemp(dir=work))
    (overlay / "hw").mkdir()
    header = (qemu.source() / "include/hw/qdev-core.h").read_text()
    padded = re.sub(r"(\nstruct DeviceState \{\n)", r"\1    char padding[16];\n", header)
    assert padded != header
    (overlay / "hw/qdev-core.h").write_text(padded)
    subprocess.run([ROOT / "scripts/plugin.sh", qemu.binary], check=True,
                   env=os.environ | {"PLUGIN_TEST_INCLUDE": str(overlay)},
                   capture_output=True, timeout=100)
    return refused(qemu, overlay / "plugin.so", "an instance of device")


def refuses_to_build(path, *words):
    """At once and in one line, also while another ./run builds in this checkout."""
    with open(BUILD / "lock", "a", encoding="utf-8") as lock:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        result = subprocess.run(["env", "-u", "RUN_LOCK", ROOT / "scripts/plugin.sh", path],
                                capture_output=True, text=True, timeout=60, check=False)
    lines = result.stderr.splitlines()
    assert result.returncode == 1 and len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]


def install_package(qemu, work):
    """In an empty tree that has this QEMU: yes. That has another one: no."""
    package, version, _ = qemu.plugin.with_suffix(".package").read_text().split()
    (deb,) = (BUILD / "packages").glob(f"*+qemu{version.partition(':')[2]}_amd64.deb")
    for installed, good in ((version, True), (version + ".1", False)):
        tree = Path(tempfile.mkdtemp(dir=work))
        for folder in ("info", "updates", "triggers"):
            (tree / "var/lib/dpkg" / folder).mkdir(parents=True)
        # Beside it the libraries that are QEMU's, too.
        (tree / "var/lib/dpkg/status").write_text("".join(
            f"Package: {name}\nStatus: install ok installed\nVersion: {number}\n"
            "Architecture: amd64\nMaintainer: x <x@x>\nDescription: x\n\n"
            for name, number in ((package, installed), ("libc6", "9"), ("libglib2.0-0", "9"))))
        result = subprocess.run(
            ["dpkg", f"--root={tree}", "--force-not-root", "--force-script-chrootless",
             "--log=/dev/null", "-i", deb], capture_output=True, text=True, check=False,
            # dpkg wants to see ldconfig, which is not on an ordinary user's path
            env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        assert (result.returncode == 0) == good, result.stderr
        if not good:
            assert f"depends on {package} (= {version})" in result.stderr, result.stderr
            continue
        plugin = tree / "usr/lib/x86_64-linux-gnu/qemu/tpmix.so"
        start = subprocess.run(
            [qemu.run, "-plugin", f"file={plugin}", "-display", "none", "-nic",
             "none", "-L", "/usr/share/seabios", "-device", "tpm-tis-indexed"],
            capture_output=True, text=True, timeout=30, check=False)
        assert "'tpmdev' property is required" in start.stderr, start.stderr
    return deb.name


def small_demo():
    result = subprocess.run(
        [sys.executable, ROOT / "scripts/demo.py", "--qemu", "system", "--rounds", "3",
         "--repetitions", "40"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip().rpartition("\n")[2]


def checks(system, other, patched, work):
    """name -> function; the long ones first, two run at a time."""
    same = next((q for q in (system, other) if q.version == patched.version), None)
    todo = {"the demo with this machine's QEMU": small_demo}
    with_guest = {}
    pool = concurrent.futures.ThreadPoolExecutor(1)
    for qemu in (patched, system, other):
        with_guest[qemu] = pool.submit(boot, qemu)
    for program in ("test_replay_matrix", "test_migration", "test_stock_compare",
                    "test_mmio_replay", "test_device"):
        for qemu in (other, system):
            if program == "test_migration" and qemu.is_7_2:
                continue  # its migration knows no file: URI, which the client uses
            todo[f"{qemu.name}: {program}"] = \
                lambda q=qemu, p=program: runs_qtest(q, p, work)
    for qemu, not_it in ((system, other), (other, system)):
        todo |= {
            f"{qemu.name}: a guest with the indexed driver": lambda q=qemu:
                ", ".join(sorted(with_guest[q].result())),
            f"{qemu.name}: ACPI as patched": lambda q=qemu: compare_acpi(
                with_guest[q].result(), with_guest[patched].result(), q is same),
            f"{qemu.name}: registers as patched": lambda q=qemu:
                same_registers(q, patched, work),
            f"{qemu.name}: migrates to itself, real TPM": lambda q=qemu: migrates(q, q, work),
            f"{qemu.name}: tpm-crb-ext: registers as patched": lambda q=qemu:
                same_registers(q, patched, work, CRB),
            f"{qemu.name}: tpm-crb-ext: migrates to itself, real TPM": lambda q=qemu:
                migrates(q, q, work, CRB),
            f"{qemu.name}: a guest with tpm_tis": lambda q=qemu: boot_tis(q),
            f"{qemu.name}: tpm-crb-ext: a guest with tpm_crb": lambda q=qemu: boot_crb(q),
            f"{qemu.name}: loads and answers with KVM": lambda q=qemu:
                answers_with_kvm(q, work),
            f"{qemu.name}: refuses the plug-in of {not_it.version}": lambda q=qemu, o=not_it:
                refuses_other(q, o, work),
            f"{qemu.name}: refuses a wrong build-id": lambda q=qemu: refuses_build_id(q, work),
            f"{qemu.name}: refuses a padded struct": lambda q=qemu: refuses_padded(q, work),
            f"{qemu.name}: the package": lambda q=qemu: install_package(q, work),
        }
    for name, pair in (("to patched", (same, patched)), ("from patched", (patched, same))):
        todo |= {
            f"{patched.version} plug-in: migrates {name}, real TPM": lambda pair=pair:
                migrates(*pair, work) if same else skip("no Debian QEMU of this version"),
            f"{patched.version} plug-in: tpm-crb-ext: migrates {name}, real TPM": lambda pair=pair:
                migrates(*pair, work, CRB) if same else skip("no Debian QEMU of this version"),
            f"{patched.version} plug-in: migrates {name}, every access": lambda pair=pair:
                migrates_everywhere(*pair, work) if same
                else skip("no Debian QEMU of this version"),
        }
    todo["no plug-in for a QEMU of no package"] = lambda: \
        refuses_to_build(patched.binary, "belongs to no Debian package")
    todo["no plug-in for another program"] = lambda: \
        refuses_to_build("/bin/ls", "7.2 and 10.0")
    return todo


class Skip(Exception):
    """Why a check does not run here."""


def skip(why):
    raise Skip(why)


def attempt(check):
    begin = time.monotonic()
    try:
        text, good = check(), True
    except Skip as why:
        return True, f" # SKIP {why}", None
    except Exception:
        text, good = traceback.format_exc(), False
    return good, "", f"{time.monotonic() - begin:.1f} s {text or ''}"


def other_qemu():
    trees = [path for path in PLUGINS.glob("*/run")]
    if not trees:
        raise SystemExit("no other QEMU in build/plugin: ./run build plugin-tests")
    return Qemu(trees[0], trees[0].parent / str(SYSTEM)[1:])


def main():
    system, other = Qemu(SYSTEM), other_qemu()
    patched = Qemu(guest_machine.QEMU["own"], plugin=False)
    work = Path(tempfile.mkdtemp(prefix="tpmix-plugin-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        todo = checks(system, other, patched, work)
        only = sys.argv[1:]
        todo = {name: check for name, check in todo.items()
                if not only or any(word in name for word in only)}
        print(f"1..{len(todo)}", flush=True)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(3))
        results = [pool.submit(attempt, check) for check in todo.values()]
        failed = 0
        for number, (name, result) in enumerate(zip(todo, results), 1):
            good, directive, text = result.result()
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {name}{directive}")
            for line in (text or "").splitlines():
                print(f"# {line}")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
