# SPDX-License-Identifier: BSD-2-Clause
"""A machine with a libvirtd of its own, as qemu:///system: in namespaces in which /etc/libvirt,
/run and /var are not the machine's, and in which nothing outlives the test. Two of them are
two hosts for virsh migrate."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from guest_peers import end_process, spawn  # noqa: E402

MODULES = Path("/usr/lib/x86_64-linux-gnu/qemu")
START_S = 60

# The daemon's sockets are where the other host sees them, too. A daemon that ends begins
# again, as by systemd. This shell reaps what has lost its parent.
SCRIPT = r"""
set -e
cd "$1"
mount --bind /var/lib lib
for dir in /run /var/lib /var/log /var/cache; do mount -t tmpfs tmpfs $dir; done
mkdir -p /run/libvirt /var/lib/libvirt /var/lib/dpkg
mount --bind lib/dpkg /var/lib/dpkg
install -d -o tss -m 750 /var/lib/swtpm-localca
install -d -m 1777 /run/tmp
export TMPDIR=/run/tmp
mount --bind sockets /run/libvirt
mount --bind etc /etc/libvirt
mount --bind passwd /etc/passwd
mount --bind group /etc/group
mount --bind modules /usr/lib/x86_64-linux-gnu/qemu
while :; do
    "$2" >>libvirtd.out 2>&1 || :
done
"""

# Containers have no cgroups, no security driver, no labels. swtpm has its own user.
CONF = """user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
security_driver = "none"
namespaces = []
cgroup_controllers = []
"""

DAEMON_CONF = """auth_unix_rw = "none"
auth_unix_ro = "none"
host_uuid = "{uuid}"
log_outputs = "3:file:{work}/libvirtd.log"
"""

# libvirt-daemon-system, which is not wanted here, makes it; libvirt looks for it before it
# reads its configuration.
USER, NUMBER = "libvirt-qemu", 64055


class Skip(Exception):
    """Why nothing runs here."""


def check_possible():
    if os.geteuid():
        raise Skip("needs root for namespaces of its own")
    if subprocess.run(["unshare", "-m", "-p", "-f", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                      capture_output=True, check=False).returncode:
        raise Skip("no namespaces here")


class Host:
    def __init__(self, work, plugin, daemon="libvirtd"):
        """plugin: is there where its package puts it."""
        self.work, self.pid = work, None
        self._prepare(plugin)
        self.process = spawn(
            ["unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child",
             "bash", "-c", SCRIPT, "bash", work, daemon], work / "host.out")

    def __enter__(self):
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        end_process(self.process)

    def _prepare(self, plugin):
        for folder in ("etc", "lib", "modules", "sockets"):
            (self.work / folder).mkdir(parents=True)
        for module in MODULES.glob("*.so"):
            shutil.copy(module, self.work / "modules")
        shutil.copy(plugin, self.work / "modules/tpmix.so")
        (self.work / "etc/qemu.conf").write_text(CONF)
        (self.work / "etc/libvirtd.conf").write_text(
            DAEMON_CONF.format(uuid=uuid.uuid4(), work=self.work))
        for name, line in (("passwd", f"{USER}:x:{NUMBER}:{NUMBER}::/:/usr/sbin/nologin\n"),
                           ("group", f"{USER}:x:{NUMBER}:\n")):
            text = (Path("/etc") / name).read_text()
            (self.work / name).write_text(text + ("" if f"\n{USER}:" in text else line))

    def wait(self):
        """Until its daemon answers."""
        deadline = time.monotonic() + START_S
        while True:
            self.pid = self.pid or self._first()
            if self.pid and self.try_virsh("list").returncode == 0:
                return
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def _first(self):
        """The process that is 1 in the namespace."""
        at = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = at.read_text().split()
        return found[0] if found else None

    # What one does there

    def path(self, path):
        """What it has there, as this side sees it."""
        return Path(f"/proc/{self.pid}/root{path}")

    def run(self, *args, timeout=START_S):
        return subprocess.run(
            ["nsenter", "-t", self.pid, "-m", "-p", "--", *map(str, args)],
            capture_output=True, text=True, timeout=timeout, check=False,
            stdin=subprocess.DEVNULL)

    def try_virsh(self, *args):
        return self.run("virsh", "-q", "-c", "qemu:///system", *args)

    def virsh(self, *args):
        result = self.try_virsh(*args)
        assert result.returncode == 0, \
            f"virsh {' '.join(map(str, args))}: {result.stderr}{self.said()}"
        return result.stdout.strip()

    def uri(self):
        """For the other host."""
        return f"qemu+unix:///system?socket={self.work}/sockets/libvirt-sock"

    def swtpms(self):
        """Command lines of those that run."""
        return self.run("pgrep", "-a", "-x", "swtpm").stdout.splitlines()

    def files(self):
        """What libvirt and swtpm have there."""
        return self.run("find", "/var/lib/libvirt", "/run/libvirt", "/etc/libvirt",
                        "/var/log/swtpm").stdout.splitlines()

    def restart_daemon(self):
        file = self.path("/run/libvirtd.pid")
        before = file.read_text()
        self.run("kill", before.strip())
        deadline = time.monotonic() + START_S
        while not file.exists() or file.read_text() in ("", before):
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        self.wait()

    def said(self):
        """The last of the logs, for whoever reads why a test failed."""
        logs = [self.work / name for name in ("libvirtd.out", "host.out", "libvirtd.log")]
        if self.pid:
            logs += sorted(self.path("/var/log").glob("*/**/*.log"),
                           key=lambda log: log.stat().st_mtime)[-2:]
        return "".join(f"\n{log.name}: {log.read_text(errors='replace')[-500:]}"
                       for log in logs if log.is_file())
