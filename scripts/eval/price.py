# SPDX-License-Identifier: BSD-2-Clause
"""What it is to carry: lines of each layer beside QEMU's and Linux' own, the state that
migrates, what a reviewer reads."""

import contextlib
import json
import re
import socket
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

from guest_machine import firmware_args
from guest_peers import GuestError, Qmp, Swtpm, end_process, spawn

from . import figures, tree
from .model import Figure, Missing, Section, Table, Text, number, plural

NAME = "price"
TITLE = "Price"
SECONDS = (40, 40)
NEEDS = ["qemu"]
FILES = ("engine/", "hw/", "qemu/", "linux-driver/", "tcti/", "tools/", "plugin/", "examples/",
         "tests/", "scripts/", "docs/specification.md")
# (layer, what, patterns of files)
LAYERS = [
    ("engine", "the rules, for every host", ("engine/*.[ch]",)),
    ("QEMU devices", "both devices' front-ends", ("hw/tpm/*.[ch]",)),
    ("Linux driver", "", ("linux-driver/*.[ch]",)),
    ("TCTI and tool", "tpm2-tss without a kernel", ("tcti/*.[ch]", "tools/*.[ch]")),
    ("plug-in", "for an unmodified QEMU", ("plugin/*.[ch]",)),
    ("mmio-replay", "the test device", ("hw/misc/*.c",)),
    ("tests", "all suites, in C", ("tests/*/*.[chS]", "tests/*/*/*.[ch]", "tests/*/*/*/*.[ch]")),
    ("scripts and tests", "in Python and shell", ("scripts/*.py", "scripts/*.sh",
                                                  "scripts/eval/*.py", "tests/*.py",
                                                  "tests/*/*.py")),
]
# QEMU's own of the same kind, in its source.
STOCK = {"tpm-tis": ("hw/tpm/tpm_tis_common.c", "hw/tpm/tpm_tis_isa.c", "hw/tpm/tpm_tis.h"),
         "tpm-crb": ("hw/tpm/tpm_crb.c",), "tpm-spapr": ("hw/tpm/tpm_spapr.c",),
         "the emulator backend": ("backends/tpm/tpm_emulator.c", "backends/tpm/tpm_backend.c",
                                  "backends/tpm/tpm_util.c")}
LINUX = {"tpm_tis": ("tpm_tis_core.c", "tpm_tis_core.h", "tpm_tis.c"), "tpm_crb": ("tpm_crb.c",),
         "the TPM core": ("tpm-interface.c", "tpm-chip.c", "tpm2-cmd.c", "tpm.h")}
DEVICES = ("tpm-tis", "tpm-crb", "tpm-tis-indexed", "tpm-crb-ext")


def code(text):
    """Lines that are neither empty nor comment only, of C; of others not empty, no #."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return sum(bool(line.strip()) and not line.lstrip().startswith(("//", "# "))
               for line in text.splitlines())


def lines_of(patterns):
    names = [name for name in tree.files(*patterns) if (tree.ROOT / name).is_file() and
             not (tree.ROOT / name).is_symlink()]
    return {"files": len(names), "lines": sum(code((tree.ROOT / name).read_text())
                                              for name in names)}


def of_qemu():
    """QEMU's own, as Debian has the source, without our patches."""
    archive = next((tree.BUILD / "downloads/qemu").glob("qemu_*.orig.tar.*"), None)
    if not archive:
        return None
    wanted = {name for names in STOCK.values() for name in names}
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.partition("/")[2]
            if name in wanted:
                found[name] = code(tar.extractfile(member).read().decode())
                if len(found) == len(wanted):
                    break
    return {"version": re.search(r"qemu_(.*)\.orig", archive.name)[1],
            "lines": {what: sum(found.get(name, 0) for name in names)
                      for what, names in STOCK.items()}}


def of_linux():
    """Linux' own, where Debian's package of its source is here, as ./run lint has it."""
    packages = sorted((tree.BUILD / "downloads/debs").glob("linux-source-7*.deb"))
    if not packages:
        return None
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["bash", "-c", "set -o pipefail; dpkg-deb --fsys-tarfile \"$1\" | "
                        "tar -xO --wildcards './usr/src/*.tar.xz' | tar -xJ -C \"$2\" "
                        "--strip-components=4 --wildcards '*/drivers/char/tpm/*.[ch]'", "bash",
                        packages[-1], work], check=True)
        return {"version": packages[-1].name.split("_")[1],
                "lines": {what: sum(code((Path(work) / name).read_text()) for name in names)
                          for what, names in LINUX.items()}}


def patches():
    found = []
    for name in tree.files("qemu/patches/*.patch"):
        text = (tree.ROOT / name).read_text()
        subject = re.search(r"^Subject: (?:\[PATCH[^\]]*\] )?(.*(?:\n .*)*)", text, re.M)[1]
        found.append({"name": Path(name).name.partition("-")[0],
                      "subject": " ".join(subject.split()),
                      "files": len(set(re.findall(r"^\+\+\+ b/(\S+)", text, re.M))),
                      "added": len(re.findall(r"^\+(?!\+\+)", text, re.M)),
                      "removed": len(re.findall(r"^-(?!--|- ?$)", text, re.M))})
    return found


def fields_size(fields):
    total = 0
    for field in fields:
        one = field["size"]
        if "struct" in field and not one:
            one = fields_size(field["struct"].get("fields", []))
        total += one * field.get("array_len", 1)
    return total


def state_of(device):
    """What of a machine with this device migrates for it, in bytes: its fields, by the
    description at the end of a stream; and its memory."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        swtpm, process = Swtpm(work), None
        ours, theirs = socket.socketpair()
        try:
            process = spawn(
                [tree.QEMU, *firmware_args(tree.QEMU), "-machine", "q35", "-accel", "tcg", "-S", "-nodefaults",
                 "-no-user-config", "-display", "none", "-m", "16M",
                 "-chardev", f"socket,id=chrtpm,path={swtpm.path}",
                 "-tpmdev", "emulator,id=tpm0,chardev=chrtpm",
                 "-device", f"{device},tpmdev=tpm0,id=tpm",
                 "-chardev", f"socket,id=qmp,fd={theirs.fileno()}",
                 "-mon", "chardev=qmp,mode=control"], work / "log", fds=[theirs.fileno()])
            theirs.close()
            qmp = Qmp(ours)
            qmp.handshake()
            blocks = {}
            for line in qmp.hmp("info ramblock").splitlines():
                words = line.split()
                if "tpm" in line and len(words) > 4:
                    at = next(i for i, word in enumerate(words) if word.startswith("0x"))
                    blocks[" ".join(words[:at - 2])] = int(words[at + 1], 16)
            qmp.execute("migrate", uri=f"file:{work}/state")
            end = time.monotonic() + 60
            while qmp.execute("query-migrate").get("status") not in ("completed", "failed"):
                if time.monotonic() > end:
                    raise GuestError(f"{device}: no end of a migration")
                time.sleep(0.05)
            stream = (work / "state").read_bytes()
        finally:
            end_process(process)
            swtpm.stop()
            ours.close()
    # QEMU_VM_VMDESCRIPTION, its length, and the description in JSON
    for found in re.finditer(rb"\x06(?=(....)\{\")", stream, re.S):
        length = int.from_bytes(found[1], "big")
        with contextlib.suppress(ValueError):
            said = json.loads(stream[found.end() + 4:found.end() + 4 + length])
            break
    else:
        raise GuestError(f"{device}: a stream without a description")
    sections = [one for one in said["devices"] if one.get("vmsd_name", one["name"])
                .startswith("tpm") and "emulator" not in one.get("vmsd_name", "")]
    size = 0
    for one in sections:
        size += fields_size(one["fields"])
        size += sum(fields_size(sub["fields"]) for sub in one.get("subsections", []))
    return {"fields": size, "sections": [one.get("vmsd_name", one["name"]) for one in sections],
            "ram": blocks}


def measure(_quick):
    exported = re.findall(r"\btpmix_\w+;", (tree.ROOT / "engine/tpmix.map").read_text())
    new = [(name, access) for door, _, name, _, access, _ in tree.specified()
           if door == "Indexed"]
    return {"layers": [{"layer": layer, "what": what, **lines_of(patterns)}
                       for layer, what, patterns in LAYERS],
            "qemu": of_qemu(), "linux": of_linux(), "patches": patches(),
            "state": {device: state_of(device) for device in DEVICES},
            "exported": len(exported), "new": len(new),
            "writable": sum("W" in access for _, access in new)}


def layer(data, name):
    return next(one["lines"] for one in data["layers"] if one["layer"] == name)


def carried(data):
    """Lines that QEMU and Linux would take."""
    added = sum(patch["added"] for patch in data["patches"][1:])
    return {"QEMU": layer(data, "engine") + layer(data, "QEMU devices") + added,
            "Linux": layer(data, "Linux driver")}


def section(data):
    rows = [[one["layer"], one["what"], str(one["files"]), number(one["lines"])]
            for one in data["layers"]]
    added, removed = (sum(patch[word] for patch in data["patches"])
                      for word in ("added", "removed"))
    rows.append(["patches to QEMU's own files", f"{len(data['patches'])} of them",
                 str(sum(patch["files"] for patch in data["patches"])),
                 f"+{number(added)} -{number(removed)}"])
    labels, values = ["engine", "our QEMU devices", "our Linux driver"], \
        [layer(data, name) for name in ("engine", "QEMU devices", "Linux driver")]
    blocks = []
    for what, of in (("QEMU", data["qemu"]), ("Linux", data["linux"])):
        if of:
            labels += [f"{what} {of['version']}: {name}" for name in of["lines"]]
            values += list(of["lines"].values())
        else:
            blocks.append(Missing(f"Lines of {what}'s own code",
                                  "its source is not here, and they are not typed in"))
    states = [[device, number(one["fields"]), "; ".join(
        f"{name.rpartition('/')[2]} {number(size)}" for name, size in one["ram"].items()) or "-"]
        for device, one in data["state"].items()]
    total = carried(data)
    blocks = [
        Text(f"QEMU would take {number(total['QEMU'])} lines: the engine, both devices and the "
             f"patches; Linux {number(total['Linux'])}. Neither has to take the other's. "
             f"{plural(data['new'], 'new register')}, {data['writable']} of which a guest "
             f"writes, are what the guest's side of the interface grows by; the engine exports "
             f"{plural(data['exported'], 'function')}."),
        Figure("price", "Lines of code, beside QEMU's and Linux' own of the same kind",
               "Bars of lines", "./run eval price",
               figures.bars("price", labels, [("lines", values)], "lines of code")),
        Table("Each layer", ["layer", "", "files", "lines of code"], rows, "./run eval price",
              "Lines that are neither empty nor comment."),
        Table("State that migrates, bytes", ["device", "fields of its section",
                                             "memory beside the guest's"], states,
              "./run eval price", "Sections " + ", ".join(sorted({
                  name for one in data["state"].values() for name in one["sections"]})) +
              ", as a stream describes them; the TPM's own state is swtpm's and the same for "
              "all."),
        Table("What QEMU's own files would change", ["patch", "subject", "files", "+", "-"],
              [[patch["name"], patch["subject"], str(patch["files"]), str(patch["added"]),
                str(patch["removed"])] for patch in data["patches"]], "./run eval price",
              "0014 to 0020 and 0024 to 0027 mend what is there for every device.", long=True),
        *blocks,
        Text("What a maintainer carries: a second register block and its document; a "
             "migration format that is versioned from the first release; the rule that a read "
             "is const and a write names a goal, which the proofs check at every change; the "
             "FIFO and CRB doors, which have to stay as stock's, and which the comparison "
             "above checks."),
    ]
    return Section(NAME, TITLE, blocks)
