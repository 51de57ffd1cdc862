#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""engine/VERSION is the version of all that has one: files that have to repeat it, and what
is built, agree with it. TAP on stdout."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/tcti"))
from tap import main, test  # noqa: E402

HOST = ROOT / "build/host"
VERSION = (ROOT / "engine/VERSION").read_text().strip()
MAJOR = VERSION.partition(".")[0]


def first(pattern, path):
    """What the pattern's group is, where it is met first."""
    found = re.search(pattern, (ROOT / path).read_text(), re.M)
    assert found, f"{path} names no version"
    return found[1]


@test
def pages_and_packages():
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION), VERSION
    newest = first(r"^## \[?(\d[\d.]*)", "CHANGELOG.md")
    assert newest == VERSION, f"CHANGELOG.md: {newest}"
    package = first(r"^tpmix \((.*?)\)", "packaging/debian/changelog")
    assert package == VERSION, f"packaging/debian/changelog: {package}"


@test
def interface_and_library_have_its_major_number():
    page = first(r"^# .*, version (\d+)\.", "docs/specification.md")
    header = first(r"^#define TPMIX_VERSION_(\d+)_\d+\b", "engine/tpmix_regs.h")
    soname = first(r"^ *soversion: '(\d+)'", "engine/meson.build")
    symbols = first(r"^libtpmix\.so\.(\d+) ", "packaging/debian/libtpmix1.symbols")
    assert {page, header, soname, symbols} == {MAJOR}, (page, header, soname, symbols)


@test
def meson_and_the_tool():
    said = json.loads(subprocess.run(["meson", "introspect", "--projectinfo", HOST], check=True,
                                     capture_output=True, text=True).stdout)
    found = {said["version"]} | {project["version"] for project in said["subprojects"]}
    assert found == {VERSION}, found
    tool = subprocess.run([HOST / "tools/tpmix", "--version"], check=True, capture_output=True,
                          text=True).stdout
    assert tool == f"tpmix {VERSION}\n", tool


if __name__ == "__main__":
    sys.exit(main())
