#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
""".clusterfuzzlite/build.sh by OSS-Fuzz's contract, with this machine's clang in place of
their container: each target is built, has its inputs, and runs; a fault in the engine is
found. TAP on stdout."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from installed import ROOT, main_in, plain  # noqa: E402
from tap import test  # noqa: E402

WORK = Path(tempfile.mkdtemp(prefix="tpmix-cflite-"))
# "device" wants a QEMU, which their container has not.
TARGETS = {"engine", "load"}
# By clang's own names.
SANITIZERS = {"address": "-fsanitize=address", "undefined": "-fsanitize=undefined "
              "-fno-sanitize-recover=undefined", "memory": "-fsanitize=memory"}


def project():
    """The lists of project.yaml, which has no other nesting."""
    found, name = {}, None
    for line in (ROOT / ".clusterfuzzlite/project.yaml").read_text().splitlines():
        if line.startswith("  - "):
            found[name].append(line[4:])
        elif line.endswith(":"):
            name = line[:-1]
            found[name] = []
    return found


def build(sanitizer, tree=ROOT):
    """As the base image does it: the project in SRC, its build.sh beside it; OUT."""
    out, src = Path(tempfile.mkdtemp(dir=WORK)), Path(tempfile.mkdtemp(dir=WORK))
    (src / "tpmix").symlink_to(tree)
    shutil.copy(ROOT / ".clusterfuzzlite/build.sh", src)
    flags = f"-O1 -fno-omit-frame-pointer {SANITIZERS[sanitizer]} -fsanitize=fuzzer-no-link"
    env = plain(SRC=src, OUT=out, WORK=WORK, CC="clang", CXX="clang++", CFLAGS=flags,
                CXXFLAGS=flags, LIB_FUZZING_ENGINE="-fsanitize=fuzzer", SANITIZER=sanitizer,
                FUZZING_ENGINE="libfuzzer", ARCHITECTURE="x86_64")
    result = subprocess.run(["bash", "-eu", src / "build.sh"], env=env, text=True,
                            capture_output=True, timeout=500, check=False)
    assert result.returncode == 0, result.stderr[-900:]
    return out


def fuzz(out, target, *options):
    """Runs it on its inputs, as OSS-Fuzz unpacks them."""
    inputs = Path(tempfile.mkdtemp(dir=WORK))
    with zipfile.ZipFile(out / f"fuzz_{target}_seed_corpus.zip") as file:
        file.extractall(inputs)
    return len(list(inputs.iterdir())), subprocess.run(
        [out / f"fuzz_{target}", "-print_final_stats=1", *options, inputs], cwd=WORK,
        text=True, errors="replace", capture_output=True, timeout=200, check=False)


def runs(sanitizer):
    out = build(sanitizer)
    programs = {path.name for path in out.iterdir() if os.access(path, os.X_OK)}
    assert programs == {f"fuzz_{target}" for target in TARGETS}, programs
    for target in TARGETS:
        options = (out / f"fuzz_{target}.options").read_text()
        assert options.startswith("[libfuzzer]\n"), options
        count, result = fuzz(out, target, "-max_total_time=1")
        assert result.returncode == 0, result.stderr[-900:]
        done = re.search(r"number_of_executed_units: *(\d+)", result.stderr)
        assert done and int(done[1]) > count > 50, (count, result.stderr[-300:])


@test
def address():
    runs("address")


@test
def what_the_project_says():
    """Its sanitizers are ours, and the sources of every target but one are in it."""
    said = project()
    assert set(said["sanitizers"]) == set(SANITIZERS), said
    assert "libfuzzer" in said["fuzzing_engines"], said
    sources = {path.stem.removeprefix("fuzz_") for path in (ROOT / "tests/fuzz").glob("fuzz_*.c")}
    assert sources == TARGETS | {"device"}, sources


@test
def a_fault_is_found():
    """The locality's bytes are not wiped: an input of the corpus shows it."""
    tree = WORK / "fault"
    for name in ("engine", "tests/fuzz"):
        shutil.copytree(ROOT / name, tree / name)
    subprocess.run(["patch", "-s", "-p1", "-d", tree, "-i", ROOT / "tests/mutants/no-wipe.patch"],
                   check=True, stdin=subprocess.DEVNULL)
    _, result = fuzz(build("undefined", tree), "engine", "-runs=0")
    assert result.returncode and "fuzz: " in result.stderr, result.stderr[-900:]


if __name__ == "__main__":
    sys.exit(main_in(WORK))
