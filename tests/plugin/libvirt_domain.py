# SPDX-License-Identifier: BSD-2-Clause
"""libvirt's own daemon with the domain of packaging/plugin, the hook that starts
swtpm, and the plug-in where its package puts it: in namespaces of their own, in
which the machine's /etc/libvirt, /run and /var are not the machine's, and in
which nothing outlives the test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from guest_initrd import as_script, cpio_archive, padded  # noqa: E402
from guest_machine import BUILD, PORTS  # noqa: E402

MODULES = Path("/usr/lib/x86_64-linux-gnu/qemu")

# libvirt resolves its default user before it reads its configuration. No cgroups,
# no security driver, no labels: containers have none of them.
SCRIPT = r"""
set -e
cd "$1"
for dir in /run /var/lib /var/log /var/cache; do mount -t tmpfs tmpfs $dir; done
mount --bind etc /etc/libvirt
mount --bind passwd /etc/passwd
mount --bind group /etc/group
mount --bind modules /usr/lib/x86_64-linux-gnu/qemu
mkdir -p /run/libvirt /var/lib/libvirt
libvirtd >libvirtd.out 2>&1 &
for i in $(seq 100); do
    ! virsh -q -c qemu:///system list >/dev/null 2>&1 || break
    sleep 0.1
done
virsh -q -c qemu:///system create domain.xml || { cat libvirtd.out libvirtd.log /var/log/libvirt/qemu/*.log; exit 1; }
virsh -q -c qemu:///system qemu-monitor-command tpmix --hmp 'info qtree' | grep -A1 tpm-tis-indexed
for i in $(seq 600); do
    ! grep -q '^exit\|^fail' status || break
    sleep 0.1
done
pgrep -c swtpm >running
virsh -q -c qemu:///system destroy tpmix
# The swtpm ends with its QEMU.
for i in $(seq 100); do
    pgrep swtpm >/dev/null || { : >ended; break; }
    sleep 0.1
done
"""

CONF = """user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
security_driver = "none"
namespaces = []
cgroup_controllers = []
"""


class Skip(Exception):
    """Why a check does not run here."""


def check_possible():
    if os.geteuid():
        raise Skip("needs root for namespaces of its own")
    for program in ("libvirtd", "virsh", "swtpm", "unshare"):
        if not shutil.which(program):
            raise Skip(f"no {program}: ./run build plugin-tests installs it")
    if not Path("/etc/libvirt").is_dir():
        raise Skip("no /etc/libvirt")
    if subprocess.run(["unshare", "-m", "-p", "-f", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                      capture_output=True, check=False).returncode:
        raise Skip("no namespaces here")


def domain(work):
    """The packaged domain with a kernel, our guest's ports and, for TCG, its type."""
    text = (ROOT / "packaging/plugin/tpmix.xml").read_text()
    ports = "".join(
        f"<channel type='file'><source path='{work}/{name}'/>"
        f"<target type='virtio' name='org.tpmix.{name}'/></channel>"
        for name in PORTS)
    for old, new in (
            ("<domain type='kvm'", "<domain type='qemu'"),
            ("hvm</type>", f"hvm</type><kernel>{BUILD}/guest/vmlinuz-6.1</kernel>"
             f"<initrd>{work}/initrd</initrd>"
             "<cmdline>console=ttyS0 quiet initcall_blacklist=init_tis</cmdline>"),
            ("<serial type='pty'/>",
             f"<serial type='file'><source path='{work}/console'/></serial>{ports}")):
        assert old in text
        text = text.replace(old, new)
    return text


def prepare(plugin, work):
    for folder in ("etc/hooks", "modules"):
        (work / folder).mkdir(parents=True)
    for module in MODULES.glob("*.so"):
        shutil.copy(module, work / "modules")
    shutil.copy(plugin, work / "modules/tpmix.so")
    shutil.copy(ROOT / "packaging/plugin/libvirt-hook", work / "etc/hooks/qemu")
    (work / "etc/qemu.conf").write_text(CONF)
    (work / "etc/libvirtd.conf").write_text(
        f'auth_unix_rw = "none"\nauth_unix_ro = "none"\n'
        f'log_outputs = "3:file:{work}/libvirtd.log"\n')
    passwd, group = (Path("/etc") / name for name in ("passwd", "group"))
    (work / "passwd").write_text(
        passwd.read_text() + ("" if "libvirt-qemu:" in passwd.read_text() else
                              "libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin\n"))
    (work / "group").write_text(
        group.read_text() + ("" if "libvirt-qemu:" in group.read_text() else
                             "libvirt-qemu:x:64055:\n"))
    base = (BUILD / "guest/initrd-6.1.cpio.gz").read_bytes()
    command = as_script("tpm2_getrandom --hex 8 && cat /sys/class/tpm/tpm*/device/door")
    (work / "initrd").write_bytes(padded(base) + cpio_archive(
        {"/env": (0o644, b"DRIVER=indexed\n"), "/cmd.sh": (0o755, command)}))
    (work / "domain.xml").write_text(domain(work))
    (work / "status").write_bytes(b"")


def libvirt_domain(plugin, work):
    check_possible()
    work = work / "libvirt"
    prepare(plugin, work)
    result = subprocess.run(
        ["unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child",
         "bash", "-c", SCRIPT, "bash", work],
        capture_output=True, text=True, timeout=100, check=False)
    said = result.stdout + result.stderr
    assert result.returncode == 0, said[-800:]
    assert (work / "status").read_text().startswith("exit 0 "), said[-800:]
    assert (work / "stdout").read_text().endswith("window\n"), said[-800:]
    assert (work / "running").read_text().strip() == "1", "one swtpm, by the hook"
    assert (work / "ended").exists(), "the swtpm lives on"
    return subprocess.run(["libvirtd", "--version"], capture_output=True, text=True,
                          check=False).stdout.strip()
