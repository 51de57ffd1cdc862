# SPDX-License-Identifier: BSD-2-Clause
"""Programs of the tree that measure: run, and asked for what they found."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import test as suites


def environment(work, **more):
    """As ./run test gives it to a program."""
    return suites.environment(str(work)) | {name: str(value) for name, value in more.items()}


def output(args, timeout=600, **more):
    """What it prints; an error of its own is this command's."""
    with tempfile.TemporaryDirectory() as work:
        result = subprocess.run([str(a) for a in args], env=environment(work, **more),
                                capture_output=True, text=True, errors="replace", check=False,
                                timeout=timeout, stdin=subprocess.DEVNULL)
    if result.returncode:
        last = (result.stderr or result.stdout).strip().rpartition("\n")[2]
        raise OSError(f"{Path(str(args[0])).name} ended with {result.returncode}: {last}")
    return result.stdout


def json_of(args, **more):
    return json.loads(output(args, **more))


def cells_of(args, **more):
    """What a test writes into the file that TPM_CELLS names, a JSON value a line."""
    with tempfile.NamedTemporaryFile() as file:
        output(args, TPM_CELLS=file.name, **more)
        return [json.loads(line) for line in Path(file.name).read_text().splitlines()]


def in_parallel(calls):
    """Results of functions without arguments, as many at a time as there are processors."""
    import ending
    with ending.Pool(os.cpu_count()) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
