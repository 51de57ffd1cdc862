# SPDX-License-Identifier: BSD-2-Clause
"""The tree that is measured: its files, what they are hashed to, the registers of its
specification, its theorems; and the machine that measures."""

import hashlib
import os
import platform
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
HOST = BUILD / "host/tests"
QEMU = Path(os.environ.get("QEMU") or BUILD / "qemu/obj/qemu-system-x86_64")


def tracked():
    """Files of the tree, also where it is no checkout of git's."""
    result = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                            check=False)
    if result.returncode == 0:
        return result.stdout.split("\n")[:-1]
    return [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
            if path.is_file() and path.relative_to(ROOT).parts[0] not in ("build", ".git")]


def files(*patterns):
    """Those of the tree that match: a folder's name with a slash, or a glob."""
    found = [name for name in tracked() for pattern in patterns
             if (name.startswith(pattern) if pattern.endswith("/") else
                 name.count("/") == pattern.count("/") and Path(name).match(pattern))]
    return sorted(set(found))


def key(*patterns, more=""):
    """Of what is in these files: it changes with any of them."""
    digest = hashlib.sha256(more.encode())
    for name in files(*patterns):
        path = ROOT / name
        if path.is_file():
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def commit():
    """(its short name or "", whether files differ from it)"""
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True,
                              check=False).stdout.strip()
    return git("rev-parse", "--short=10", "HEAD"), bool(git("status", "--porcelain"))


def now():
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


def day(seconds):
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def machine():
    """The one that measures, in words."""
    model = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.M)
    system = re.search(r'^PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text(), re.M)
    return {"processor": model[1] if model else platform.machine(),
            "processors": os.cpu_count(),
            "system": system[1] if system else platform.system(),
            "kernel": platform.release(), "load": round(os.getloadavg()[0], 1),
            "kvm": os.access("/dev/kvm", os.R_OK | os.W_OK)}


def specified():
    """[(door, offset, name, width, access, reset)] of docs/specification.md."""
    found, door = [], None
    for line in (ROOT / "docs/specification.md").read_text().splitlines():
        if title := re.match(r"## (FIFO|CRB|Indexed) door", line):
            door = title[1]
        elif line.startswith("## "):
            door = None
        row = re.match(r"\| (0x[0-9A-F]+) \| ((?:TPM|TPMIX)_\w+) \| ([^|]*) \| ([^|]*) \| "
                       r"([^|]*) \|", line)
        if door and row:
            found.append((door, int(row[1], 0), row[2], row[3].strip(), row[4].strip(),
                          row[5].strip()))
    return found


def register_name(door, offset):
    """Of an access at an offset in a page; a buffer's bytes have its name."""
    name = None
    for of, at, called, *_ in specified():
        if of == door and at <= offset:
            name, begin = called, at
    if name is None:
        return f"{offset:#x}"
    short = name.removeprefix("TPM_REG_").removeprefix("TPMIX_REG_").removeprefix("TPMIX_")
    return short if offset - begin < 4 or "BUFFER" in short or "WINDOW" in short or \
        "FIFO" in short else f"{short}+{offset - begin}"


def theorems():
    """{folder: what docs/soundness.md says of it}, of those that are there."""
    text = (ROOT / "docs/soundness.md").read_text()
    said = dict(re.findall(r"^\| `(\w+)` \| (.*?) \| \d+ \|$", text, re.M))
    folders = sorted(path.parent.name for path in (ROOT / "tests/proofs").glob("*/*.c")
                     if path.stem == path.parent.name)
    return {name: said.get(name, "") for name in folders}


def not_covered():
    """The bullets of docs/soundness.md's section of that name."""
    text = (ROOT / "docs/soundness.md").read_text().partition("\n## Not covered\n")[2]
    bullets = re.split(r"\n- ", text.partition("\n## ")[0])
    return [" ".join(bullet.split()) for bullet in bullets[1:]]


def json_lines(path):
    import json
    return [json.loads(line) for line in Path(path).read_text().splitlines() if line]
