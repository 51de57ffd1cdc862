#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run guest: boots a Linux guest with a TPM and runs a command in it, or a shell on
this terminal. guest_machine.py has the guest, guest_peers.py what it talks to on the
host, guest_initrd.py what it boots with."""

import argparse
import os
import shutil
import signal
import sys
import termios

from guest_machine import KERNELS, OLDEST, QEMU, Guest, run
from guest_peers import TIMEOUT_S, GuestError


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise GuestError(f"{message}: see ./run guest --help")


EXAMPLES = """examples:
  ./run guest                                  a shell in a guest; exit ends it
  ./run guest -- tpm2_getrandom --hex 16
  ./run guest --driver indexed -- 'tpm2_pcrread sha256:0 && dmesg | grep -i tpm'
  ./run guest --device tpm-crb-ext --firmware ovmf --kernel 7.3 -- tpm2_pcrread
  ./run guest --device tpm-crb-ext,interface=fifo -- tpm2_getcap properties-fixed
  ./run guest --driver indexed --replay rate=100000 -- tpm2_getrandom --hex 16

One word after -- is a line of shell, more are a program and its arguments. In the
shell, Ctrl-a x ends QEMU at once."""


def parse(argv):
    parser = Parser(prog="./run guest", epilog=EXAMPLES, allow_abbrev=False,
                    usage="%(prog)s [options] [-- COMMAND...]",
                    description="Boots a Linux guest with a TPM and runs COMMAND in it.",
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="tpm-tis-indexed",
                        help="the TPM, with properties after commas: tpm-tis-indexed, "
                             "tpm-crb-ext, or QEMU's tpm-tis, tpm-crb "
                             "(default %(default)s)")
    parser.add_argument("--driver", choices=("stock", "indexed"), default="stock",
                        help="the guest's driver (default %(default)s)")
    parser.add_argument("--kernel", choices=(OLDEST, *KERNELS), default="6.1", help="(default %(default)s)")
    parser.add_argument("--firmware", choices=("seabios", "ovmf"), default="seabios",
                        help="(default %(default)s)")
    parser.add_argument("--accel", choices=("tcg", "kvm"), default="tcg",
                        help="(default %(default)s)")
    parser.add_argument("--qemu", choices=tuple(QEMU), default="own",
                        help="the project's, or Debian's with ./run plugin (default %(default)s)")
    parser.add_argument("--replay", metavar="SPEC",
                        help="repeat accesses to the TPM: properties of mmio-replay, "
                             "such as rate (of a million) and writes=off")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS",
                        help="for boot and COMMAND (default %(default)s)")
    split = argv.index("--") if "--" in argv else len(argv)
    return parser.parse_args(argv[:split]), argv[split + 1:]


def shell_size():
    """The guest's serial console cannot know how large this terminal is."""
    size = shutil.get_terminal_size()
    return {"ROWS": size.lines, "COLS": size.columns, "TERM": os.environ.get("TERM", "vt100")}


def interactive(options):
    saved = termios.tcgetattr(0) if os.isatty(0) else None
    try:
        with Guest(env=shell_size(), **options) as guest:
            return guest.wait_interactive()
    finally:
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)


def main(argv):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        options, command = parse(argv)
        options = vars(options)
        if not command:
            return interactive(options)
        command = command[0] if len(command) == 1 else command
        return run(command, stdout=sys.stdout.buffer, stderr=sys.stderr.buffer,
                   **options).status
    except GuestError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except OSError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
