# SPDX-License-Identifier: BSD-2-Clause
"""A domain of packaging/libvirt with a guest that does what it is told, line by line, before
and after whatever virsh does with it."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from guest_initrd import as_script, cpio_archive, padded  # noqa: E402
from guest_machine import BUILD, QEMU  # noqa: E402
from guest_peers import Lines  # noqa: E402

DOMAINS = ROOT / "packaging/libvirt"
KVM_TYPE, EMULATOR = "<domain type='kvm'", "/opt/tpmix/qemu-system-x86_64"
ANSWER_S = 90

# While nobody is connected to the port, a read of it ends at once.
LISTEN = r"""
exec 3<>"$TPMIX_CONTROL"
echo ready >&3
while :; do
    read -r line <&3 || { usleep 20000; continue; }
    eval "$line" >/tmp/said 2>&1
    echo "$? $(base64 </tmp/said | tr -d '\n')" >&3
done
"""


def port(name, source=""):
    kind = "file" if source else "unix"
    return (f"<channel type='{kind}'>{source}"
            f"<target type='virtio' name='org.tpmix.{name}'/></channel>")


class Domain:
    """model: libvirt's name, "tpm-tis" or "tpm-crb". device: what it is to be, or None
    where that is it. way: "plugin", "patched" or "model", a file of packaging/libvirt."""

    def __init__(self, work, name, model, device, way, driver):
        self.work, self.name = work, name
        self.host = self.control = None
        work.mkdir()
        subprocess.run([BUILD / "qemu/obj/qemu-img", "create", "-q", "-f", "qcow2",
                        work / "disk", "1M"], check=True)
        append = self._write_initrd(driver)
        self.file = work / "domain.xml"
        self.file.write_text(self._text(model, device, way, append))

    def _write_initrd(self, driver):
        """Returns the kernel's words for it."""
        base = (BUILD / "guest/initrd-6.1.cpio.gz").read_bytes()
        (self.work / "initrd").write_bytes(padded(base) + cpio_archive(
            {"/env": (0o644, f"DRIVER={driver}\n".encode()),
             "/cmd.sh": (0o755, as_script(LISTEN))}))
        return "console=ttyS0 quiet panic=-1 no_timer_check" + (
            " initcall_blacklist=init_tis,crb_acpi_driver_init" if driver == "indexed" else "")

    def _text(self, model, device, way, append):
        """The packaged domain with a kernel, our guest's ports, a disk for snapshots and, for
        TCG, its type. libvirt's own model goes without what is ours."""
        text = (DOMAINS / f"tpmix-{way}.xml").read_text()
        ports = "".join(port(name, f"<source path='{self.work}/{name}' append='on'/>")
                        for name in ("stdout", "stderr"))
        ports += port("status") + port("control")
        changes = [
            (KVM_TYPE, "<domain type='qemu'"),
            ("<name>tpmix</name>", f"<name>{self.name}</name>"),
            ("'MiB'>1024<", "'MiB'>256<"),
            ("hvm</type>", f"hvm</type><kernel>{BUILD}/guest/vmlinuz-6.1</kernel>"
             f"<initrd>{self.work}/initrd</initrd><cmdline>{append}</cmdline>"),
            ("<serial type='pty'/>",
             f"<serial type='file'><source path='{self.work}/console' append='on'/></serial>"
             f"{ports}<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
             f"<source file='{self.work}/disk'/><target dev='vda' bus='virtio'/></disk>")]
        if way != "plugin":
            changes.append((EMULATOR, str(QEMU["own"])))
        if way == "model":
            changes.append(("model='tpm-tis-indexed'", f"model='{model}'"))
        else:
            changes += [("model='tpm-tis'", f"model='{model}'"),
                        ("value='tpm-tis-indexed'", f"value='{device}'")]
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        if not device:
            text = re.sub(r"<qemu:(commandline|override)>.*?</qemu:\1>", "", text, flags=re.S)
        return text

    def device(self):
        """What QEMU has made of it."""
        command = {"execute": "qom-get",
                   "arguments": {"path": "/machine/peripheral/ua-tpm", "property": "type"}}
        return json.loads(self.host.virsh("qemu-monitor-command", self.name,
                                          json.dumps(command)))["return"]

    # The guest

    def connect(self, host):
        """To the guest's port, on the host where it runs now."""
        self.host = host
        tree = ElementTree.fromstring(host.virsh("dumpxml", self.name))
        (path,) = (channel.find("source").get("path") for channel in tree.iter("channel")
                   if channel.find("target").get("name") == "org.tpmix.control")
        self.disconnect()
        sock = socket.socket(socket.AF_UNIX)
        # The path is longer than an address may be.
        folder = os.open(host.path(path).parent, os.O_PATH)
        try:
            sock.connect(f"/proc/self/fd/{folder}/{Path(path).name}")
        finally:
            os.close(folder)
        self.control = Lines(sock, f"the guest {self.name}")

    def disconnect(self):
        if self.control:
            self.control.sock.close()
            self.control = None

    def wait_ready(self):
        said = self.control.read_line(ANSWER_S)
        assert said == "ready", said

    def tell_bytes(self, command):
        """A line of shell in the guest; what it said, where it ended with 0."""
        self.control.write_line(command)
        status, _, said = self.control.read_line(ANSWER_S).partition(" ")
        said = base64.b64decode(said)
        assert status == "0", f"{command}: status {status}: {said}"
        return said

    def tell(self, command):
        return self.tell_bytes(command).decode(errors="replace").strip()

    def tpm(self, code, handles, parameters):
        """A command of one session, an empty password, in hexadecimal: the parameters of its
        response. Without tpm2-tools, which take a second to load in a QEMU that has just begun."""
        rest = bytes.fromhex(f"{code} {handles} 00000009 40000009 0000 00 0000 {parameters}")
        command = b"\x80\x02" + (len(rest) + 6).to_bytes(4, "big") + rest
        octal = "".join(f"\\{byte:03o}" for byte in command)
        response = self.tell_bytes(f"exec 6<>/dev/tpmrm0; printf '{octal}' >&6; "
                                   "dd bs=4096 count=1 <&6 2>/dev/null; exec 6>&-")
        assert response[6:10] == bytes(4), response.hex()
        size = int.from_bytes(response[10:14], "big")
        return response[14:14 + size]
