#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""All proofs, as TAP: ./run test prove."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

os.execv("/usr/bin/python3",
         ["/usr/bin/python3", str(ROOT / "scripts/prove.py"), "--tap"])
