#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages as files: lintian finds nothing, and a second build elsewhere has the
same bytes. TAP on stdout."""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from installed import BUILD, ROOT, debs, main_in, plain, run  # noqa: E402
from tap import test  # noqa: E402

WORK = Path(tempfile.mkdtemp(prefix="tpmix-debs-"))
PACKAGES = BUILD / "packages"


@test
def lintian_finds_nothing():
    """But in a package without its copyright file, which it is given beside them."""
    plugins = list(PACKAGES.glob("tpmix-qemu-plugin_*.deb"))
    assert plugins
    (deb,) = PACKAGES.glob("libtpmix1_*.deb")
    run("dpkg-deb", "-R", deb, WORK / "bad")
    (WORK / "bad/usr/share/doc/libtpmix1/copyright").unlink()
    control = WORK / "bad/DEBIAN/control"
    control.write_text(control.read_text().replace("Package: libtpmix1", "Package: libtpmix-bad1"))
    run("dpkg-deb", "--root-owner-group", "-b", WORK / "bad", WORK / "bad.deb")
    result = subprocess.run(["lintian", "--allow-root", *debs(), *plugins, WORK / "bad.deb"],
                            capture_output=True, text=True, timeout=300, check=False)
    good = [line for line in result.stdout.splitlines() if ": libtpmix-bad1: " not in line]
    assert not good, good
    assert "E: libtpmix-bad1: no-copyright-file" in result.stdout, result


@test
def a_second_build_has_the_same_bytes():
    """Another path, umask, time zone, language and user's wishes; later, of course."""
    env = plain(TZ="Pacific/Kiritimati", LC_ALL="C", CFLAGS="-O0", HOME="/nonexistent")
    out = WORK / "second"
    run("bash", "-c", 'umask 077; exec "$@"', "bash", ROOT / "scripts/package.sh", "main", out,
        WORK / "a-place/of-another-name", env=env, timeout=400)
    for deb in debs():
        assert (out / deb.name).read_bytes() == deb.read_bytes(), deb.name
    assert len(list(out.iterdir())) == len(debs())


if __name__ == "__main__":
    sys.exit(main_in(WORK))
