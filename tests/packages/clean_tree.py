# SPDX-License-Identifier: BSD-2-Clause
"""A clean Debian in which packages are installed: build/trees/SUITE below, what is written
above it, both gone at the end. In namespaces of its own, without a network."""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from installed import BUILD, run

INSIDE = "TPMIX_TREE_INSIDE"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive"}
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def skip(title, why):
    print(f"1..1\nok 1 - {title} # skip {why}")
    sys.exit(0)


def enter(suite):
    """Begins this program again in its namespaces, and returns there. Where they cannot be
    had it ends here, skipped."""
    if os.environ.get(INSIDE):
        return
    if suite == "bookworm" and platform.freedesktop_os_release().get("VERSION_ID") != "12":
        skip(suite, "packages that are made on a later Debian are not for Debian 12")
    if os.geteuid():
        skip(suite, "needs root, for namespaces of its own")
    if subprocess.run(["unshare", "-m", "-n", "-p", "-f", "true"], check=False,
                      capture_output=True).returncode:
        skip(suite, "needs namespaces of its own, which this machine does not give")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child",
                          sys.executable, *sys.argv])


class CleanTree:
    def __init__(self, suite):
        self.suite = suite
        self.work = Path(tempfile.mkdtemp(prefix="tpmix-tree-"))
        self.root = self.work / "root"

    def mount(self):
        run("mount", "-t", "tmpfs", "tmpfs", self.work)
        for folder in ("root", "upper", "work", "debs"):
            (self.work / folder).mkdir()
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={BUILD}/trees/{self.suite},upperdir={self.work}/upper,"
            f"workdir={self.work}/work", self.root)
        for folder in ("proc", "dev", "tmp", "debs", "root", "run"):
            (self.root / folder).mkdir(exist_ok=True)
        run("mount", "-t", "proc", "proc", self.root / "proc")
        run("mount", "--bind", self.work / "debs", self.root / "debs")
        run("mount", "-t", "tmpfs", "tmpfs", self.root / "dev")
        for name in DEVICES:
            (self.root / "dev" / name).touch()
            run("mount", "--bind", f"/dev/{name}", self.root / "dev" / name)
        (self.root / "dev/fd").symlink_to("/proc/self/fd")
        (self.root / "tmp").chmod(0o1777)

    def run(self, *args, **options):
        """A program in the tree, with nothing in its environment that a login has not."""
        return run("chroot", self.root, *args, **({"env": ENVIRONMENT} | options))

    def shell(self, script, **options):
        return self.run("sh", "-ec", script, **options)

    def unpack(self, deb):
        """Its files, of which dpkg does not know."""
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb],
                              stdout=subprocess.PIPE) as tar:
            run("tar", "-xf", "-", "--keep-directory-symlink", "-C", self.root,
                stdin=tar.stdout)

    def pretend(self, paragraph):
        """A package of which dpkg only knows."""
        with (self.root / "var/lib/dpkg/status").open("a", encoding="utf-8") as status:
            status.write(f"\n{paragraph}\n")

    def files(self):
        """Path -> what is there, of all files but the kernel's own."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            at = Path(folder)
            if at == self.root:
                folders[:] = [n for n in folders if n not in ("proc", "dev", "debs")]
            for name in names + folders:
                path = at / name
                info = path.lstat()
                kind = "folder" if path.is_dir() and not path.is_symlink() else \
                    (info.st_size, info.st_mtime_ns)
                found["/" + str(path.relative_to(self.root))] = kind
        return found
