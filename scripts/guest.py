#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run guest: boots a Linux guest with a TPM and runs a command in it, or a shell on
this terminal. guest_machine.py has the guest, guest_peers.py what it talks to on the
host, guest_initrd.py what it boots with."""

import argparse
import os
import shlex
import shutil
import signal
import sys
import termios

import ending
from console import Parser, say, seconds
from guest_boards import BOARDS, KERNELS, OLDEST, judge
from guest_machine import QEMU, Guest
from guest_peers import TIMEOUT_S, GuestError
from guest_replay import replay_spec

EXAMPLES = """examples:
  ./run guest                                  a shell in a guest; exit ends it
  ./run guest -- tpm2_getrandom --hex 16
  ./run guest --driver indexed -- 'tpm2_pcrread sha256:0 && dmesg | tail'
  ./run guest --device tpm-crb-ext --firmware ovmf --kernel 7.3 -- tpm2_pcrread
  ./run guest --device tpm-crb-ext,interface=fifo -- tpm2_pcrread sha1:0
  ./run guest --machine virt-arm --firmware aavmf --device tpm-crb-ext
  ./run guest --driver indexed --replay rate=100000 -- tpm2_getrandom --hex 16
  echo 'tpm2_pcrread sha1:0' | ./run guest     a shell reads standard input

One word after -- is a line of shell, more are a program and its arguments.
COMMAND has this command's standard input, where that is no terminal, and its
exit status is this command's. The shell's guest ends with exit; Ctrl-a x ends
QEMU at once.

--replay SPEC is KEY=VALUE,... of the device mmio-replay: rate=N repeats N
accesses of a million, nth=N the Nth; reads=off and writes=off leave these out,
min-offset and max-offset registers; when=late,delay=N and when=completed
repeat later. man -l docs/mmio-replay.7 has them all. How many were repeated is
said at the end.

QEMU=PATH in the environment is used in place of the one built here."""


def words(text):
    """For add_argument(type=): split as a shell does."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}': {error}") from None


def parse(argv):
    parser = Parser("guest", epilog=EXAMPLES, usage="%(prog)s [options] [-- COMMAND...]",
                    description="Boots a Linux guest with a TPM and runs COMMAND in it, "
                    "or a shell.")
    parser.add_argument("--device", default="tpm-tis-indexed",
                        help="the TPM, with properties after commas: tpm-tis-indexed, "
                             "tpm-crb-ext, or QEMU's tpm-tis, tpm-crb "
                             "(default %(default)s)")
    parser.add_argument("--driver", choices=("stock", "indexed"), default="stock",
                        help="the guest's driver (default %(default)s)")
    parser.add_argument("--machine", choices=tuple(BOARDS), default="q35",
                        help="(default %(default)s)")
    parser.add_argument("--kernel", choices=(OLDEST, *KERNELS),
                        help="(default 6.1; of virt-arm and virt-riscv 6.12)")
    parser.add_argument("--firmware",
                        choices=tuple({name: 0 for b in BOARDS.values() for name in b.firmwares}),
                        help="(default seabios; of virt-arm and virt-riscv none: the kernel "
                             "is started with a device tree)")
    parser.add_argument("--accel", choices=("tcg", "kvm"), default="tcg",
                        help="(default %(default)s)")
    parser.add_argument("--qemu", choices=tuple(QEMU), default="own",
                        help="the project's, or Debian's with ./run plugin (default %(default)s)")
    parser.add_argument("--replay", metavar="SPEC",
                        help="repeat accesses to the TPM, see below")
    parser.add_argument("--qemu-args", metavar="=WORDS", type=words, default=[],
                        help="further arguments for QEMU: --qemu-args='-smp 2'")
    parser.add_argument("--timeout", type=seconds, default=TIMEOUT_S, metavar="SECONDS",
                        help="for boot and COMMAND (default %(default)s)")
    split = argv.index("--") if "--" in argv else len(argv)
    options = parser.parse_args(argv[:split])
    options.command = argv[split + 1:]
    board = judge(parser, options)
    if options.firmware and options.firmware not in board.firmwares:
        parser.error(f"--machine {options.machine} has --firmware "
                     f"{', '.join(board.firmwares)}")
    try:
        options.replay = options.replay and replay_spec(options.replay, board.tpm_base)
    except argparse.ArgumentTypeError as error:
        parser.error(f"argument --replay: {error}")
    if options.driver == "indexed" and options.kernel == OLDEST:
        parser.error(f"the driver is for --kernel {', '.join(KERNELS)}, not {OLDEST}")
    if options.driver == "indexed" and options.qemu == "system" and \
            options.device.startswith("tpm-crb-ext"):
        parser.error("tpm-crb-ext of the plug-in has no indexed door for the driver: use "
                     "--driver stock or --qemu own")
    return options


def shell_size():
    """The guest's serial console cannot know how large this terminal is."""
    size = shutil.get_terminal_size()
    return {"ROWS": size.lines, "COLS": size.columns, "TERM": os.environ.get("TERM", "vt100")}


def finish(guest):
    """Says what was repeated."""
    if guest.replayed:
        say(guest.replayed.summary())
        guest.replayed.check()


def linux(options):
    kernels = BOARDS[options["machine"]].kernels
    return f"Linux {options['kernel'] or next(k for k in kernels if k in KERNELS)}"


def interactive(options):
    saved = termios.tcgetattr(0)
    say(f"booting {linux(options)}; exit leaves the shell, Ctrl-a x ends QEMU")
    try:
        with Guest(env=shell_size(), **options) as guest:
            status = guest.wait_interactive()
            finish(guest)
            return status
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


def in_guest(command, options):
    say(f"booting {linux(options)} with {options['device']}")
    stdin = None if os.isatty(0) else 0
    with Guest(command=command, stdin=stdin, stdout=sys.stdout.buffer,
               stderr=sys.stderr.buffer, **options) as guest:
        status = guest.wait().status
        finish(guest)
        return status


def main(options):
    # Whoever is in it may suspend it.
    options = vars(options) | {"compressed": True}
    command = options.pop("command")
    try:
        if not command and os.isatty(0):
            return interactive(options)
        # Without a terminal, as a shell does: commands from standard input.
        command = command or ["sh"]
        return in_guest(command[0] if len(command) == 1 else command, options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except (GuestError, OSError) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(ending.guarded(lambda: main(parse(sys.argv[1:]))))
