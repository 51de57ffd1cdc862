#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each of tests/mutants still applies, so that ./run prove mutants, which takes long and
is no suite, finds what it is to try; a proof that it names is there. So do the patches with
which ./run eval switches parts off. The driver's tests are compiled as for its mutants, and
find nothing in the driver as it is. TAP on stdout."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import prove  # noqa: E402


def problem(patch):
    result = subprocess.run(["patch", "-p1", "-f", "--dry-run", "-d", ROOT, "-i", patch],
                            stdout=subprocess.PIPE, text=True)
    if result.returncode:
        return result.stdout.strip()
    proof = re.search(r"^Proof: (\S+)$", patch.read_text(), re.M)
    if proof and not (ROOT / "tests/proofs" / proof[1]).is_dir():
        return f"no proof {proof[1]}"
    return None


def driver_as_it_is():
    prove.find_glib()
    try:
        return prove.driver_killer(prove.mutable_copy(ROOT / "build/mutants/driver"))
    except subprocess.CalledProcessError as error:
        return str(error)


def main():
    patches = [*sorted((ROOT / "tests/mutants").glob("*.patch")),
               *sorted((ROOT / "tests/eval/ablation").glob("*.patch"))]
    failed = 0
    print(f"1..{len(patches) + 1}")
    checks = [*((patch.stem, problem, [patch]) for patch in patches),
              ("driver as it is", driver_as_it_is, [])]
    for number, (name, check, args) in enumerate(checks, 1):
        why = check(*args)
        failed += why is not None
        print(f"{'not ok' if why else 'ok'} {number} - {name}")
        if why:
            print("# " + why.replace("\n", "\n# "))
    return 1 if failed or not patches else 0


if __name__ == "__main__":
    sys.exit(main())
