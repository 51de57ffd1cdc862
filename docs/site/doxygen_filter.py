#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""doxygen_filter.py HEADER: the header with its comments as Doxygen wants them. They stand
there as the kernel has them: above what they are about, or behind it on its line, with
@name for a parameter."""

import re
import sys


def translate(text):
    # The first comment behind the licence is the file's.
    text = re.sub(r"\n/\*\n", "\n/** @file\n", text, count=1)
    text = re.sub(r"^(\s*)/\*(?=\s)(?!\*)", r"\1/**", text, flags=re.M)
    text = re.sub(r"(?<=\S)([ \t]+)/\*(?=\s)", r"\1/**<", text)
    # A comment of the file's own structure is none of the next declaration.
    text = re.sub(r"^/\*\*( What libtpmix\.so exports;)", r"/*\1", text, flags=re.M)
    return re.sub(r"@(?!file\b)(\w+)", r"`\1`", text)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(translate(file.read()))
