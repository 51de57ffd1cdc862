# SPDX-License-Identifier: BSD-2-Clause
"""TAP for programs of functions marked @test. Names on the command line choose."""

import subprocess
import sys
import time
import traceback

TESTS = []


class Skip(Exception):
    """Not here: why, and where it runs."""


def test(function):
    TESTS.append(function)
    return function


def main():
    chosen = [t for t in TESTS if not sys.argv[1:] or t.__name__ in sys.argv[1:]]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, function in enumerate(chosen, 1):
        title = f"{number} - {function.__name__}"
        begin = time.monotonic()
        try:
            function()
            print(f"ok {title} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Skip as why:
            print(f"ok {title} # skip {why}", flush=True)
        except Exception as error:  # whatever it is, it is this test's
            failed += 1
            traceback.print_exc()
            if isinstance(error, subprocess.CalledProcessError):
                print(error.stderr, file=sys.stderr)
            print(f"not ok {title}")
            print(f"# {type(error).__name__}: {' '.join(str(error).split())}", flush=True)
    return 1 if failed else 0
