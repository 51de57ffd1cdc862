#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""libtpmix as its user meets it: what it exports, from which languages its headers can be
used, the examples against the installed library. TAP on stdout."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from installed import (BUILD, LIBDIR, ROOT, debs, files, install, main_in, run,  # noqa: E402
                       use)
from guest_machine import Guest  # noqa: E402
from tap import Skip, test  # noqa: E402

WORK = Path(tempfile.mkdtemp(prefix="tpmix-library-"))
INSTALLED = install(WORK)
INCLUDE = INSTALLED / "usr/include/tpmix"
SHARED = INSTALLED / LIBDIR / "libtpmix.so.1"
STATIC = INSTALLED / LIBDIR / "libtpmix.a"
HEADER = (INCLUDE / "tpmix.h").read_text()
# CRC-16/KERMIT of "123456789", the check value of every list of such checksums.
CHECK = 0x2189
# packaging/debian/not-installed says why.
LEFT_OUT = {"usr/include/tss2/tss2_tcti_indexed.h", "usr/share/doc/tpmix/BSD-2-Clause.txt",
            f"{LIBDIR}/libtss2-tcti-indexed.so", f"{LIBDIR}/pkgconfig/tss2-tcti-indexed.pc"}
SKIPPED = 77    # tpm_vm's exit status without KVM


def declared():
    """The functions of the header."""
    found = set(re.findall(r"^[a-z][\w ]*[ *](tpmix_\w+)\(", HEADER, re.M))
    assert len(found) > 10, found
    return found


@test
def exported_is_what_the_header_declares():
    lines = run("nm", "-D", "--defined-only", SHARED).splitlines()
    names = {line.split()[-1] for line in lines if line.split()[-2] != "A"}
    assert names == {f"{name}@@TPMIX_1" for name in declared()}, names
    in_map = re.findall(r"(tpmix_\w+);", (ROOT / "engine/tpmix.map").read_text())
    assert sorted(in_map) == sorted(declared()), in_map


@test
def the_archive_shows_nothing_else():
    """To who links the archive into a library of his own nothing is exported by chance."""
    table = run("readelf", "-sW", STATIC)
    names = {line.split()[-1] for line in table.splitlines()
             if " GLOBAL DEFAULT " in line and " UND " not in line}
    assert not names, names
    assert " HIDDEN " in table and "tpmix_write" in table


@test
def soname_and_dependencies():
    dynamic = run("readelf", "-d", SHARED)
    assert "[libtpmix.so.1]" in dynamic, dynamic
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    assert needed <= {"libc.so.6"}, needed


@test
def packages_hold_what_meson_installs():
    """meson install with DESTDIR does the same without packages."""
    have = set()
    for deb in debs():
        for line in run("dpkg-deb", "-c", deb).splitlines():
            path = line.split(maxsplit=5)[5].partition(" -> ")[0].removeprefix("./")
            if path and not path.endswith("/"):
                have.add(path.removesuffix(".gz") if "/man/" in path else path)
    own = {path for path in have if path.startswith(("usr/share/doc/", "usr/src/",
                                                     "usr/lib/udev/"))}
    assert have - own == files(INSTALLED) - LEFT_OUT, (have - own) ^ (files(INSTALLED) - LEFT_OUT)


@test
def headers_in_c_and_cplusplus():
    options = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", INCLUDE]
    for header in ("tpmix.h", "tpmix_regs.h"):
        source = WORK / "a.c"
        source.write_text(f"#include <{header}>\n#include <{header}>\n")
        for compiler in ("gcc", "clang"):
            run(compiler, "-std=c11", *options, source)
        for compiler in ("g++", "clang++"):
            run(compiler, "-std=c++17", *options, "-x", "c++", source)


@test
def a_cplusplus_program_links():
    source = WORK / "a.cc"
    source.write_text('#include <cstdio>\n#include <tpmix.h>\nint main()\n{\n'
                      '    std::printf("%x\\n", tpmix_crc16(reinterpret_cast<const uint8_t *>'
                      '("123456789"), 9));\n}\n')
    env = use(INSTALLED)
    flags = run("pkg-config", "--cflags", "--libs", "tpmix", env=env).split()
    run("g++", "-std=c++17", "-Wall", "-Werror", "-o", WORK / "cc", source, *flags, env=env)
    assert int(run(WORK / "cc", env=env), 16) == CHECK


@test
def rust_by_bindgen():
    """Debian's bindgen and rustc: the binding compiles, and a program with it runs."""
    binding = WORK / "tpmix.rs"
    run("bindgen", INCLUDE / "tpmix.h", "-o", binding, "--allowlist-file", ".*tpmix.*",
        "--", "-std=c11")
    names = set(re.findall(r"pub fn (tpmix_\w+)", binding.read_text()))
    assert names == declared(), names
    source = WORK / "main.rs"
    source.write_text('#[allow(dead_code, non_camel_case_types, non_upper_case_globals)]\n'
                      'mod tpmix;\nfn main() {\n    let text = b"123456789";\n'
                      '    println!("{:x}", unsafe { tpmix::tpmix_crc16(text.as_ptr(), 9) });\n'
                      '    println!("{}", std::mem::size_of::<tpmix::tpmix>());\n}\n')
    run("rustc", "--edition", "2018", "-D", "warnings", "-o", WORK / "rs", source,
        "-L", INSTALLED / LIBDIR, "-l", "tpmix", timeout=180)
    check, size = run(WORK / "rs", env=use(INSTALLED)).split()
    assert int(check, 16) == CHECK
    (WORK / "s.c").write_text('#include <stdio.h>\n#include <tpmix.h>\n'
                              'int main(void) { printf("%zu", sizeof(struct tpmix)); }\n')
    run("cc", "-I", INCLUDE, "-o", WORK / "s", WORK / "s.c")
    assert run(WORK / "s") == size, size


def make_examples():
    out = WORK / "examples"
    if not out.exists():
        out.mkdir()
        env = use(INSTALLED)
        # The sysroot is this library's alone.
        flags = run("pkg-config", "--cflags", "glib-2.0").strip()
        run("make", "-C", ROOT / "examples", f"OUT={out}", f"CFLAGS=-O2 -Werror {flags}",
            env=env)
    return out


@test
def example_front_end():
    said = run(make_examples() / "frontend", env=use(INSTALLED))
    # The second doorbell with the same ticket was no command.
    assert said.count("backend: ") == 2 and "commands run: 2" in said, said
    assert "80 01 00 00 00 0e 00 00 00 00 00 00 01 7b" in said, said
    assert "80 01 00 00 00 0e 00 00 00 00 00 00 01 43" in said, said


@test
def example_with_the_archive():
    run("cc", "-std=c11", "-I", INCLUDE, "-o", WORK / "static", ROOT / "examples/frontend.c",
        STATIC)
    assert "commands run: 2" in run(WORK / "static")


def one_exit_each(said):
    assert re.search(r"TPM2_Startup x 1: 1 exits; first response: 80 01 00 00 00 0a 00 00 00 00",
                     said), said
    assert re.search(r"TPM2_GetRandom x 100: 100 exits; first response: 80 01 00 00 00 14 "
                     r"00 00 00 00 00 08( [0-9a-f]{2}){8}\n", said), said


@test
def example_vm():
    result = subprocess.run([make_examples() / "tpm_vm"], env=use(INSTALLED), text=True,
                            capture_output=True, timeout=60, check=False)
    if result.returncode == SKIPPED:
        raise Skip(result.stderr.strip())
    assert result.returncode == 0, result.stderr
    one_exit_each(result.stdout)


def kvm_modules():
    """Of Debian's 6.1, for a processor that QEMU emulates: path in the guest -> bytes."""
    release = (BUILD / "guest/kernel-6.1/release").read_text().strip()
    (deb,) = (BUILD / "downloads/debs").glob(f"linux-image-{release}_*_amd64.deb")
    names = {"irqbypass": "virt/lib", "ccp": "drivers/crypto/ccp", "kvm": "arch/x86/kvm",
             "kvm-amd": "arch/x86/kvm"}
    members = [f"./lib/modules/{release}/kernel/{folder}/{name}.ko"
               for name, folder in names.items()]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-xf", "-", "-C", WORK, *members], stdin=tar.stdout, check=True)
    return {f"/vm/{name}.ko": WORK / member for name, member in zip(names, members)}


@test
def example_vm_in_a_guest():
    """QEMU emulates AMD's virtualization: KVM runs in a guest without any of the host's."""
    program = make_examples() / "tpm_vm"
    env = use(INSTALLED)
    libraries = re.findall(r"=> (/\S+)", run("ldd", program, env=env))
    loader = re.search(r"(/lib64/ld-linux\S+)", run("ldd", program, env=env))[1]
    data = kvm_modules() | {f"/vm/{Path(path).name}": Path(path)
                            for path in [*libraries, loader, program]}
    with Guest(device=None, qemu="/usr/bin/qemu-system-x86_64", qemu_args=["-cpu", "max"],
               command="for m in irqbypass ccp kvm kvm-amd; do insmod /vm/$m.ko || exit 1; done; "
               f"/vm/{Path(loader).name} --library-path /vm /vm/tpm_vm", files=data) as guest:
        result = guest.wait()
    assert result.status == 0, result.err.decode(errors="replace")[-600:]
    one_exit_each(result.out.decode())


if __name__ == "__main__":
    sys.exit(main_in(WORK))
