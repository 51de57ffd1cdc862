#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run COMMAND: the words of the command line are judged first, then what the command
needs is built, then it runs."""

import os
import re
import sys

import ending
from console import Parser, number, one_of, say
from parts import DEFAULT, PARTS, TEST_PARTS, build, script

FUZZ_TARGETS = ("engine", "load", "device")
QEMU_NOTE = "QEMU=PATH in the environment is used in place of the one built here."


def build_parts(argv):
    p = Parser("build", description="Builds parts of the project, in build/; without "
               f"PART {', '.join(DEFAULT)}.")
    p.add_argument("part", nargs="*", metavar="PART",
                   type=one_of("part", PARTS, TEST_PARTS), help=", ".join(PARTS))
    parts = p.parse_args(argv).part or DEFAULT
    build(parts)
    say(f"built: {' '.join(parts)}")


def for_machine(options):
    """What a guest needs."""
    from guest_boards import BOARDS
    if BOARDS[options.machine].build == "virt":
        return ["virt"]
    return ["driver", "guest", "plugin" if options.qemu == "system" else "qemu"]


def demo(argv):
    import demo as command
    options = command.parse(argv)
    build(for_machine(options))
    return command.main(options)


def guest(argv):
    import guest as command
    options = command.parse(argv)
    build(for_machine(options))
    return command.main(options)


def bench(argv):
    import bench as command
    return command.main(command.parse(argv))


def evaluate(argv):
    from eval import command
    return command.main(command.parse(argv))


def test(argv):
    import test as command
    return command.main(argv)


def prove(argv):
    import prove as command
    command.parse(argv)
    script("need.sh", "libglib2.0-dev", "build-essential")
    return command.main(argv)


def fuzz(argv):
    p = Parser("fuzz", description="Coverage-guided fuzzing with libFuzzer; what fails is "
               "kept in build/fuzz/crashes. " + QEMU_NOTE)
    p.add_argument("seconds", metavar="SECONDS", type=number(1),
                   help="for that long, shared by the targets where none is named")
    p.add_argument("target", nargs="?", metavar="TARGET", type=one_of("target", FUZZ_TARGETS),
                   help=", ".join(FUZZ_TARGETS))
    options = p.parse_args(argv)
    script("fuzz.sh", options.seconds, *filter(None, [options.target]))


def plugin(argv):
    p = Parser("plugin", description="Builds the devices as a plug-in for an unmodified "
               "QEMU of Debian, for evaluation (docs/plugin.md); prints how to use it.")
    p.add_argument("qemu", nargs="?", metavar="QEMU",
                   help="default: /usr/bin/qemu-system-x86_64")
    qemu = p.parse_args(argv).qemu
    if qemu is not None:
        try:
            with open(qemu, "rb") as file:
                program = file.read(4) == b"\x7fELF"
        except OSError as error:
            p.error(f"{qemu}: {error.strerror}")
        if not program:
            p.error(f"{qemu} is no program of QEMU")
    script("plugin.sh", *filter(None, [qemu]))


def clean(argv):
    p = Parser("clean", description="Removes what was built; downloads, which are kept by "
               "name and checksum, stay.")
    p.add_argument("what", nargs="?", metavar="all", type=one_of("word", ["all"]),
                   help="removes downloads, too")
    script("clean.sh", *filter(None, [p.parse_args(argv).what]))


def prefix(p, argv):
    """The PREFIX of ./run install, or None for the default: an absolute path, as it stands
    in what is installed."""
    p.add_argument("prefix", nargs="?", metavar="PREFIX", help="default: /usr/local")
    word = p.parse_args(argv).prefix
    if word is None:
        return []
    if not re.fullmatch(r"/[A-Za-z0-9_./+,@~-]*", word) or not word.strip("/"):
        p.error(f"'{word}' is no absolute path without spaces, colons and quotes, below /")
    path = os.path.normpath(word)
    if os.path.exists(path) and not os.path.isdir(path):
        p.error(f"{path} is no folder")
    return [path]


def install(argv):
    p = Parser("install", description="Installs the library, the TCTI, the tool, man pages "
               "and completion in PREFIX, and for the whole machine the driver, by DKMS, where "
               "the running kernel's headers are. Prints what it installed.\n\nWhere a package "
               "manager is to know of it: ./run build packages. Into a folder: meson setup, "
               "DESTDIR=FOLDER meson install.")
    script("install.sh", *prefix(p, argv))


def uninstall(argv):
    p = Parser("uninstall", description="Removes exactly what ./run install put in PREFIX; "
               "PREFIX/share/tpmix/installed is the list.")
    script("install.sh", "uninstall", *prefix(p, argv))


def plain(name, text, file):
    """A command that takes no words."""
    def run(argv):
        Parser(name, description=text).parse_args(argv)
        script(file)
    return run


COMMANDS = {
    "build": build_parts, "demo": demo, "test": test, "guest": guest, "prove": prove,
    "fuzz": fuzz, "plugin": plugin, "clean": clean,
    "bench": bench, "eval": evaluate, "install": install, "uninstall": uninstall,
    "coverage": plain("coverage", "Lines and branches of the engine that the unit tests "
                      "reach; fails below all of them.", "coverage.sh"),
    "env": plain("env", "Where what is built lies, KEY=value a line, for a shell's eval; "
                 "what is not built is a comment.", "env.sh"),
    "lint": plain("lint", "Every linter and style check.", "lint.sh"),
}


def main(argv):
    name, *words = argv
    if name not in COMMANDS:
        print(f"run: no command '{name}': ./run help lists them", file=sys.stderr)
        return 2
    return COMMANDS[name](words) or 0


if __name__ == "__main__":
    sys.exit(ending.guarded(main, sys.argv[1:]))
