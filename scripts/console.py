# SPDX-License-Identifier: BSD-2-Clause
"""How ./run speaks: a wrong word on the command line is one line and exit status 2;
progress is on standard error, bold on a terminal only."""

import argparse
import os
import sys
import textwrap


def say(text):
    bold = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    print("\033[1m==>\033[0m" if bold else "==>", text, file=sys.stderr, flush=True)


class Parser(argparse.ArgumentParser):
    """Of "./run NAME"."""

    def __init__(self, name, description, **options):
        super().__init__(prog=f"./run {name}", allow_abbrev=False,
                         description="\n\n".join(textwrap.fill(part, 79) for part in
                                                 description.split("\n\n")),
                         # For an epilog of lines.
                         formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message):
        print(f"run: {message}: see {self.prog} --help", file=sys.stderr)
        sys.exit(2)


def one_of(what, names, others=()):
    """For add_argument(type=): one of the names, which the message lists, or of others."""
    def known(word):
        if word not in names and word not in others:
            raise argparse.ArgumentTypeError(f"no {what} '{word}' ({', '.join(names)})")
        return word
    return known


def number(least, most=None):
    """For add_argument(type=): a whole number in least..most."""
    def known(word):
        value = int(word) if word.isdecimal() else least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(
                f"'{word}' is no whole number from {least} to {most}" if most is not None
                else f"'{word}' is no whole number from {least} on")
        return value
    return known


def seconds(word):
    """For add_argument(type=): a time, more than 0."""
    try:
        value = float(word)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{word}' is no number of seconds")
    return value
