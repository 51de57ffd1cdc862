#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages in a clean tree of a release: installed together, each used as its
page says, the driver built by DKMS and loaded in a guest, upgraded, removed. TAP on stdout.

test_tree.py SUITE"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from clean_tree import CleanTree, enter  # noqa: E402
from installed import BUILD, ROOT, VERSION, run  # noqa: E402
sys.path.insert(0, str(ROOT / "tests/cli"))
from guest_machine import Guest  # noqa: E402
from tap import main, test  # noqa: E402
from test_docs import man_blocks  # noqa: E402

enter(sys.argv[1])
SUITE = sys.argv.pop(1)
RELEASE = {"bookworm": "deb12", "trixie": "deb13"}[SUITE]
# Of the guest's kernels, those that this release's compiler is for.
KERNELS = {"bookworm": ("6.1", "6.12"), "trixie": ("7.3",)}[SUITE]
NEXT = VERSION + ".1"
TREE = CleanTree(SUITE)
BEFORE = {}
# What dpkg, apt, the linker and depmod keep for themselves.
OTHERS = re.compile(r"/var/(lib/(dpkg|apt)|log|cache)(/.*)?|/etc/ld\.so\.cache|/etc/apt(/.*)?|"
                    r"/(usr/)?lib/modules/[^/]*/modules\.[\w.]+|/var/lib/dkms(/mok\..*)?|/tmp|/root|/run|"
                    r"/run/lock|/usr/share/dkms|/usr/src|/etc|/usr/lib/modules/[^/]*(/updates)?")


def headers(kernel):
    """(release, packages): of what scripts/driver.sh builds with."""
    abi, version, _ = (BUILD / f"driver/headers-{kernel}/ready").read_text().split()
    common = f"linux-headers-{abi.removesuffix('-amd64')}-common"
    debs = BUILD / "downloads/debs"
    found = [next(debs.glob(f"{name}_{version}_*.deb")) for name in (f"linux-headers-{abi}", common)]
    depends = run("dpkg-deb", "-f", found[0], "Depends")
    kbuild = re.search(r"linux-kbuild-[^\s,]*", depends)[0]
    return abi, [*found, next(debs.glob(f"{kbuild}_{version}_*.deb"))]


def module(kernel):
    """The file that DKMS has made."""
    abi, _ = headers(kernel)
    found = list((TREE.root / f"lib/modules/{abi}/updates/dkms").glob("tpmix.ko*"))
    assert len(found) == 1, found
    return found[0]


def plugin():
    """(its package, the QEMU that it is for, how that is started)"""
    (deb,) = (BUILD / "packages").glob(f"tpmix-qemu-plugin_*{RELEASE}*.deb")
    qemu = run("dpkg-deb", "-f", deb, "Depends").partition(",")[0]
    name, version = re.fullmatch(r"(\S+) \(= (\S+)\)", qemu).groups()
    start = BUILD / f"plugin/{SUITE}/run"
    return deb, name, version, start if start.exists() else "/usr/bin/qemu-system-x86_64"


@test
def installed_together():
    TREE.mount()
    for kernel in KERNELS:
        abi, debs = headers(kernel)
        for deb in debs:
            TREE.unpack(deb)
        # Of it BTF would be made, by a pahole as new as the kernel.
        (TREE.root / f"usr/src/linux-headers-{abi}/vmlinux").unlink(missing_ok=True)
    deb, name, version, _ = plugin()
    # The QEMU itself is started outside: the suite "plugin" has it whole.
    TREE.pretend(f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n"
                 "Architecture: amd64\nMaintainer: x <x@x>\nDescription: x\n")
    BEFORE.update(TREE.files())
    for package in (*(BUILD / "packages").glob(f"*_{VERSION}*_a*.deb"),):
        if not package.name.startswith("tpmix-qemu-plugin") or package == deb:
            shutil.copy(package, TREE.work / "debs")
    said = TREE.shell("apt-get install -y /debs/*.deb 2>&1", timeout=300)
    names = {path.name.partition("_")[0] for path in (TREE.work / "debs").iterdir()}
    assert len(names) == 6, names
    states = TREE.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names)
    assert all(f"{name} installed\n" in states for name in names), states + said
    assert not TREE.run("dpkg", "--audit", *names)
    assert not TREE.run("dpkg", "--verify", *names)


@test
def random_numbers_with_no_variable_set():
    said = TREE.run("tpm2_getrandom", "-T", "indexed", "--hex", "8")
    assert re.fullmatch(r"[0-9a-f]{16}", said.strip()), said


@test
def pages_examples():
    """Of the two man pages, as test_docs types them."""
    count = 0
    for page in ("man1/tpmix.1", "man7/tss2-tcti-indexed.7"):
        text = TREE.run("zcat", f"/usr/share/man/{page}.gz")
        for _, runs, command in man_blocks(text):
            if runs:
                count += 1
                TREE.shell(command.replace("/tmp/", "/run/"))
    assert count >= 2, count


@test
def tool_and_completion():
    info = TREE.run("tpmix", "info")
    assert "ACCESS" in info and "activeLocality" in info, info
    table = TREE.run("tpmix", "replay", timeout=300)
    assert re.search(r" 0 wrong and accepted, 0 failed", table), table
    said = TREE.run("bash", "-c", ". /usr/share/bash-completion/completions/tpmix; "
                    "complete -p tpmix")
    assert said.startswith("complete "), said


@test
def library_for_a_program():
    """Built by this machine's compiler from the tree's own example, header and library."""
    env = {"PKG_CONFIG_SYSROOT_DIR": str(TREE.root), "PATH": "/usr/bin:/bin",
           "PKG_CONFIG_LIBDIR": str(TREE.root / "usr/lib/x86_64-linux-gnu/pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "tpmix", env=env).split()
    source = TREE.root / "usr/share/doc/libtpmix-dev/examples/frontend.c"
    run("cc", "-o", TREE.root / "tmp/frontend", source, *flags)
    said = TREE.run("/tmp/frontend")
    (TREE.root / "tmp/frontend").unlink()
    assert "commands run: 2" in said, said


@test
def plugin_in_its_qemu():
    so = TREE.root / "usr/lib/x86_64-linux-gnu/qemu/tpmix.so"
    start = subprocess.run(
        [plugin()[3], "-plugin", f"file={so}", "-display", "none", "-nic", "none", "-L",
         "/usr/share/seabios", "-device", "tpm-tis-indexed"], capture_output=True, text=True,
        timeout=60, check=False)
    assert "'tpmdev' property is required" in start.stderr, start.stderr


def only_version(version):
    status = TREE.run("dkms", "status", "tpmix")
    lines = {f"tpmix/{version}, {headers(kernel)[0]}, x86_64: installed" for kernel in KERNELS}
    assert set(status.splitlines()) == lines, status


@test
def driver_by_dkms():
    """The package's script has built for each kernel with headers."""
    only_version(VERSION)


@test
def driver_loaded_in_a_guest():
    """Each kernel loads what DKMS has made, and the TPM answers by its windows."""
    for kernel in KERNELS:
        abi, _ = headers(kernel)
        path = module(kernel)
        if path.suffix != ".ko":
            run("unxz" if path.suffix == ".xz" else "unzstd", "--keep", "--force", path)
            path = path.with_suffix("")
        data = path.read_bytes()
        # Debugging information, ten times the module.
        small = TREE.work / "tpmix.ko"
        run("strip", "--strip-debug", "-o", small, path)
        assert small.stat().st_size < len(data)
        with Guest(qemu="system", driver="indexed", kernel=kernel,
                   files={f"/lib/modules/{abi}/updates/tpmix.ko": small},
                   command="tpm2_getrandom --hex 8 && echo && "
                   "cat /sys/class/tpm/tpm*/device/door && "
                   "md5sum /lib/modules/*/updates/tpmix.ko") as guest:
            result = guest.wait()
        out = result.out.decode().split("\n")
        assert result.status == 0 and out[1] == "window", (out, result.err)
        assert out[2].split()[0] == run("md5sum", small).split()[0], out
        small.unlink()


def driver_upgraded():
    """By a package of a later version, repacked: the old module goes, the new one is built."""
    (deb,) = (TREE.work / "debs").glob("tpmix-dkms_*.deb")
    new = TREE.work / "new"
    run("dpkg-deb", "-R", deb, new)
    (new / f"usr/src/tpmix-{VERSION}").rename(new / f"usr/src/tpmix-{NEXT}")
    for file in (new / "DEBIAN/control", new / f"usr/src/tpmix-{NEXT}/dkms.conf",
                 new / "DEBIAN/postinst", new / "DEBIAN/prerm", new / "DEBIAN/md5sums"):
        file.write_text(file.read_text().replace(VERSION, NEXT))
    run("dpkg-deb", "--root-owner-group", "-b", new, TREE.work / f"debs/tpmix-dkms_{NEXT}.deb")
    shutil.rmtree(new)
    TREE.run("apt-get", "install", "-y", f"/debs/tpmix-dkms_{NEXT}.deb", timeout=300)
    only_version(NEXT)
    assert not (TREE.root / f"usr/src/tpmix-{VERSION}").exists()


# One kernel to build for, and so the quicker tree.
if SUITE == "trixie":
    test(driver_upgraded)


@test
def removed_without_a_trace():
    names = {path.name.partition("_")[0] for path in (TREE.work / "debs").iterdir()}
    TREE.run("apt-get", "purge", "-y", *sorted(names), timeout=300)
    assert not TREE.shell("dpkg-query -W 'tpmix*' 'libtpmix*' 2>/dev/null || true")
    # What a user wrote: the TPM's state, and a trace.
    TREE.shell("rm -rf /root/.local /run/t /run/t.pcap")
    after = TREE.files()
    changed = {path for path in BEFORE.keys() | after.keys()
               if BEFORE.get(path) != after.get(path) and not OTHERS.fullmatch(path)}
    named = {path for path in after if re.search(r"tpmix|tcti-indexed", path)}
    assert not changed and not named, sorted(changed | named)[:20]


if __name__ == "__main__":
    sys.exit(main())
