#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tree.py DEBS TREE: unpacks Debian packages into a tree, in which dpkg finds them as
installed. None of their scripts runs; what those would do and the test needs is done here:
accounts, alternatives, the linker's cache."""

import concurrent.futures
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Debian has merged these with what is below /usr.
MERGED = ("bin", "lib", "lib64", "sbin")
ALTERNATIVES = {"awk": "mawk", "which": "which.debianutils"}


def output(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def unpack(deb, tree):
    """Returns its paragraph for dpkg's status, and writes its list of files."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
        # Trees of several packages meet in folders, which may be links.
        names = subprocess.run(["tar", "-xvf", "-", "--keep-directory-symlink", "-C", tree],
                               stdin=tar.stdout, check=True, capture_output=True,
                               text=True).stdout
    control = output("dpkg-deb", "-f", deb)
    fields = dict(line.split(": ", 1) for line in control.splitlines() if ": " in line and
                  line[0] != " ")
    name = fields["Package"] + (":" + fields["Architecture"]
                                if fields.get("Multi-Arch") == "same" else "")
    files = ["/." if path == "./" else path[1:].rstrip("/") for path in names.splitlines()]
    (tree / f"var/lib/dpkg/info/{name}.list").write_text("\n".join(files) + "\n")
    return control.replace("\n", "\nStatus: install ok installed\n", 1) + "\n"


def main(debs, tree):
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers",
                   *(f"usr/{name}" for name in MERGED)):
        (tree / folder).mkdir(parents=True)
    for name in MERGED:
        (tree / name).symlink_to(f"usr/{name}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        status = list(pool.map(lambda deb: unpack(deb, tree), sorted(debs.glob("*.deb"))))
    (tree / "var/lib/dpkg/status").write_text("\n".join(status))
    (tree / "var/lib/dpkg/info/format").write_text("1\n")
    for name in ("passwd", "group"):
        shutil.copy(tree / f"usr/share/base-passwd/{name}.master", tree / f"etc/{name}")
    for name, program in ALTERNATIVES.items():
        if not (tree / "usr/bin" / name).is_symlink():
            (tree / "usr/bin" / name).symlink_to(program)
    subprocess.run(["/sbin/ldconfig", "-r", tree], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
