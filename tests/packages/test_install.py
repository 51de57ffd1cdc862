#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run install and ./run uninstall: what is put in a PREFIX works, twice is once, and what
is removed is that and nothing else. TAP on stdout."""

import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from installed import ROOT, VERSION, files, plain, run  # noqa: E402
from stage import workdir  # noqa: E402
from tap import Skip, main, test  # noqa: E402

LIBDIR = "lib/x86_64-linux-gnu"


def command(*words, **options):
    return subprocess.run([ROOT / "run", *words], capture_output=True, text=True, check=False,
                          timeout=500, stdin=subprocess.DEVNULL, **({"env": plain()} | options))


@test
def install_use_uninstall():
    with workdir() as work:
        prefix = work / "new/prefix"
        # Whatever kernel this machine has: its driver is another test's.
        here = {"env": plain(TPMIX_TEST_ROOT=work / "none")}
        first = command("install", prefix, **here)
        assert first.returncode == 0, first.stderr
        # What it prints is what is there.
        assert set(first.stdout.splitlines()) == {f"{prefix}/{name}" for name in files(prefix)}
        assert f"export LD_LIBRARY_PATH={prefix}/{LIBDIR}" in first.stderr, first.stderr
        assert "the driver is" in first.stderr, first.stderr
        env = plain(LD_LIBRARY_PATH=prefix / LIBDIR, HOME=work,
                    PKG_CONFIG_PATH=prefix / LIBDIR / "pkgconfig")
        said = run("tpm2_getrandom", "-T", "indexed", "--hex", "8", env=env)
        assert re.fullmatch("[0-9a-f]{16}", said), said
        assert "ACCESS" in run(prefix / "bin/tpmix", "info", env=env)
        flags = run("pkg-config", "--cflags", "--libs", "tpmix", env=env).split()
        run("cc", "-o", work / "frontend", ROOT / "examples/frontend.c", *flags, env=env)
        assert "commands run: 2" in run(work / "frontend", env=env)
        for page in ("man1/tpmix.1", "man7/tss2-tcti-indexed.7"):
            assert ".SH NAME" in (prefix / "share/man" / page).read_text()
        # Another time, with something of another's among it.
        (prefix / "bin/other").write_text("other")
        second = command("install", prefix, **here)
        assert second.returncode == 0 and second.stdout == first.stdout, second.stderr
        gone = command("uninstall", prefix, **here)
        assert gone.returncode == 0, gone.stderr
        assert files(prefix) == {"bin/other"}, files(prefix)
        assert [path.name for path in prefix.iterdir()] == ["bin"]


@test
def what_cannot_be_is_one_line():
    with workdir() as work:
        (work / "file").write_text("")
        for words, complaint, status in (
                (("uninstall", work), "nothing of this project is installed", 1),
                (("install", work / "file"), "is no folder", 2),
                (("install", "here"), "no absolute path", 2),
                (("install", f"{work}/a b"), "without spaces", 2),
                (("uninstall", "/"), "below /", 2)):
            result = command(*words)
            assert result.returncode == status, (words, result)
            assert re.fullmatch(rf"run: .*{complaint}.*\n", result.stderr), result.stderr
            assert not result.stdout


@test
def driver_where_headers_are():
    """DKMS is a stand-in; the real one builds in test_tree.py."""
    if os.geteuid():
        raise Skip("needs root: a driver is the machine's")
    with workdir() as work:
        root, programs, log = work / "root", work / "programs", work / "log"
        (root / f"lib/modules/{os.uname().release}/build").mkdir(parents=True)
        programs.mkdir()
        (programs / "dkms").write_text(f'#!/bin/sh\necho "$@" >>{log}\n')
        (programs / "dkms").chmod(0o755)
        env = plain(TPMIX_TEST_ROOT=root, PATH=f"{programs}:{os.environ['PATH']}")
        prefix = work / "there/new/prefix"
        (work / "there").mkdir()
        result = command("install", prefix, env=env)
        assert f"the driver is installed, by DKMS: tpmix/{VERSION}" in result.stderr, result.stderr
        source = root / f"usr/src/tpmix-{VERSION}"
        assert {"Kbuild", "dkms.conf", "tpmix_regs.h", "tpmix_door.c"} <= files(source)
        assert f'PACKAGE_VERSION="{VERSION}"' in (source / "dkms.conf").read_text()
        rules = root / "usr/lib/udev/rules.d/60-tpmix.rules"
        assert rules.exists()
        assert command("uninstall", prefix, env=env).returncode == 0
        assert not rules.exists()
        assert log.read_text() == f"install tpmix/{VERSION}\nremove tpmix/{VERSION} --all\n"
        # Folders that were made go, the one that was there stays.
        assert not source.exists() and not list((work / "there").iterdir())
        # One that fails is removed like any other, and what its list names elsewhere stays.
        (programs / "dkms").write_text("#!/bin/sh\nexit 1\n")
        assert command("install", prefix, env=env).returncode != 0
        assert source.exists()
        (work / "other").write_text("")
        with (prefix / "share/tpmix/installed").open("a") as installed:
            installed.write(f"{work}/other\n")
        assert command("uninstall", prefix, env=env).returncode == 0
        assert not source.exists() and not list((work / "there").iterdir())
        assert (work / "other").exists()


if __name__ == "__main__":
    sys.exit(main())
