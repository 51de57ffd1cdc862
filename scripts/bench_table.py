# SPDX-License-Identifier: BSD-2-Clause
"""Percentiles and tables of ./run bench."""

import textwrap

PERCENTILES = (0, 50, 90, 99)
HEADS = ("min", "p50", "p90", "p99")


def percentile(times, percent):
    """Of samples in any order; 0 is the least, 100 the most."""
    ranked = sorted(times)
    return ranked[(len(ranked) - 1) * percent // 100]


def four(times):
    return [percentile(times, percent) for percent in PERCENTILES]


def part_of(time, base):
    """As 1/N, and as it is where it is not less."""
    return f"1/{base / time:.1f}" if time < base else f"{time / base:.2f}"


def table(title, head, rows, gap="  "):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    print("\n" + textwrap.fill(title, 80))
    for row in [head, *rows]:
        cells = (str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths)))
        print(gap.join(cells).rstrip())
