# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of this folder share: the project installed by meson in a folder, and
programs that are run for their output."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
VERSION = (ROOT / "engine/VERSION").read_text().strip()
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests/tcti")]
from tap import main  # noqa: E402

LIBDIR = "usr/lib/x86_64-linux-gnu"
# The packages of packaging/debian.
MAIN = ("libtpmix1", "libtpmix-dev", "libtss2-tcti-indexed0", "tpmix", "tpmix-dkms")


def run(*args, **options):
    """Its standard output; an AssertionError with what it said where it fails."""
    options = {"timeout": 120, "stdin": subprocess.DEVNULL, "errors": "replace"} | options
    result = subprocess.run([str(a) for a in args], capture_output=True, text=True,
                            check=False, **options)
    assert result.returncode == 0, \
        f"{Path(args[0]).name}: {result.returncode}: {(result.stderr or result.stdout)[-700:]}"
    return result.stdout


def plain(**more):
    """An environment without what a developer's shell may have set."""
    drop = ("LD_LIBRARY_PATH", "PKG_CONFIG", "TSS2", "TPM2", "CFLAGS", "LDFLAGS")
    return {k: v for k, v in os.environ.items() if not k.startswith(drop)} | \
        {k: str(v) for k, v in more.items()}


def install(work, prefix="/usr"):
    """Builds as a distribution does, and installs below work/root; that folder."""
    build, root = work / "build", work / "root"
    run("meson", "setup", f"--prefix={prefix}", "-Dtests=false", "-Dbuildtype=release",
        "-Dwerror=true", build, ROOT, env=plain())
    run("ninja", "-C", build, env=plain(), timeout=300)
    run("meson", "install", "--no-rebuild", "-C", build, env=plain(DESTDIR=root))
    return root


def files(root):
    return {str(path.relative_to(root)) for path in root.rglob("*")
            if path.is_symlink() or not path.is_dir()}


def use(root):
    """For programs that are built against what is installed below root."""
    return plain(PKG_CONFIG_PATH=root / LIBDIR / "pkgconfig", PKG_CONFIG_SYSROOT_DIR=root,
                 LD_LIBRARY_PATH=root / LIBDIR)


def debs():
    found = [path for name in MAIN for path in (BUILD / "packages").glob(f"{name}_*.deb")]
    assert len(found) == len(MAIN), found
    return found


def main_in(work):
    """The tests of a program with a folder of its own, which goes; the exit status."""
    try:
        return main()
    finally:
        shutil.rmtree(work, ignore_errors=True)
