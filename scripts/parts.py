# SPDX-License-Identifier: BSD-2-Clause
"""The parts that ./run builds, and the scripts that build them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from ending import SIGNALS, Ended

SCRIPTS = Path(__file__).resolve().parent

# part: scripts with their arguments, one after the other
PARTS = {
    "qemu": [["qemu.sh"]],
    "engine": [["host.sh"]],
    "driver": [["driver.sh"]],
    "guest": [["driver.sh"], ["guest.sh"]],
    "virt": [["qemu.sh", "virt"], ["driver.sh", "virt"], ["guest.sh", "virt"]],
    "newest": [["qemu.sh", "newest"]],
    "plugin": [["plugin.sh"]],
    "packages": [["package.sh"]],
    "tcti": [["tcti.sh"]],
    "tool": [["tool.sh"]],
    "docs": [["docs.sh"]],
    "libvirt": [["libvirt.sh"]],
}
# What only the suites want.
TEST_PARTS = {
    "qemu-tests": [["qemu.sh", "tests"]],
    "plugin-tests": [["plugin.sh", "tests"]],
    "tcti-tests": [["tcti.sh", "tests"]],
    "tool-tests": [["tool.sh", "tests"]],
    "trees": [["trees.sh"]],
    "cbmc": [["trixie-tool.sh", "cbmc"]],
    "cross": [["cross.sh"]],
    "libvirt-tests": [["need.sh", "libvirt-daemon", "libvirt-daemon-driver-qemu",
                       "libvirt-clients", "swtpm-tools"]],
}
DEFAULT = ("qemu", "engine", "driver", "guest")


def script(name, *args, **options):
    """Runs one of this folder; ends this command, with its status, where it fails. It
    has said why."""
    status = subprocess.run([SCRIPTS / name, *map(str, args)], check=False,
                            **options).returncode
    if -status in map(int, SIGNALS):
        raise Ended(signal.Signals(-status))
    if status:
        sys.exit(status if status > 0 else 128 - status)


def build(parts):
    """Each once. QEMU=PATH in the environment is a QEMU that is built already."""
    done = []
    for part in parts:
        if part in ("qemu", "qemu-tests") and os.environ.get("QEMU"):
            continue
        for line in (PARTS | TEST_PARTS)[part]:
            if line not in done:
                done.append(line)
                # What these print is for who asks for the path.
                quiet = part in ("plugin", "cbmc")
                script(*line, stdout=subprocess.DEVNULL if quiet else None)
