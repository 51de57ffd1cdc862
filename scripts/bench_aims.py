# SPDX-License-Identifier: BSD-2-Clause
"""What the figures of one run have to show, a line each: what was measured, and whether
that is what it was to be. Nothing is rounded in its favour. Without a number the aim is 1:
the worst of all commands is not above the stock pair, or the unmodified driver there. That
two are alike, the twin tells, a second machine with the unmodified driver: its ratio to the
first is behind ours, 1.10/1.20. Of many comparisons some are above by chance: where drawing
the run's blocks anew makes up for it, it is called level, neither met nor missed. So is one
late RSA key among a machine's eight: the host stood still, or else there were more."""

import dataclasses
import itertools
import math
import random
import statistics

from bench_guest import COMMANDS, FULL
from bench_machine import ECC, RSA
from bench_report import rsa_share, stock_of
from bench_table import HEADS, PERCENTILES, part_of, percentile

SMALL = "PCR_Read"  # its response has 62 bytes
PARTS = {"tpm-crb-ext": 15, "tpm-tis-indexed": 8}
OURS = 18
HOST = 1.5
LATE_US = 100
EXITS = 1  # with the interrupt; the kernel's own commands may be among those counted
DRAWS = 200
SURE = 3.5  # standard deviations; of a thousand comparisons a quarter of one is beyond
PERCENT = dict(zip(HEADS, PERCENTILES))
MET, LEVEL, MISSED = "met", "level", "NOT MET"


class Aim:
    """state: met, missed or level. JSON has met, too."""

    def __init__(self, text, measured, met, level=False):
        self.text, self.measured, self.met = text, measured, bool(met)
        self.state = MET if met else LEVEL if level else MISSED

    def line(self):
        return f"{self.state:8}{self.text}: {self.measured}"

    def as_json(self):
        return vars(self)


def p50(result, name=SMALL, condition="idle"):
    return percentile(result.samples[condition][name]["times"], 50)


def blocks_of(sample):
    times = iter(sample["times"])
    return [list(itertools.islice(times, size)) for size in sample["blocks"]]


@dataclasses.dataclass
class Comparison:
    """Of two samples of a command that were taken in turn, at a percentile."""
    command: str
    head: str
    mine: dict
    theirs: dict

    def _ratio(self, mine, theirs):
        return percentile(mine, PERCENT[self.head]) / percentile(theirs, PERCENT[self.head])

    @property
    def ratio(self):
        return self._ratio(self.mine["times"], self.theirs["times"])

    def least(self):
        """What the ratio surely is. How far it is by chance, the run's own blocks tell,
        drawn anew for both alike."""
        blocks, base = blocks_of(self.mine), blocks_of(self.theirs)
        draw = random.Random(0)
        logs = []
        for _ in range(DRAWS):
            drawn = draw.choices(range(len(blocks)), k=len(blocks))
            logs.append(math.log(self._ratio(
                itertools.chain(*(blocks[i] for i in drawn)),
                itertools.chain(*(base[i] for i in drawn)))))
        return self.ratio / math.exp(SURE * statistics.pstdev(logs))


def compared(result, bases, which, condition):
    """A Comparison of each command at each percentile that is named. Of several bases, each
    command's is the quicker one."""
    for name in COMMANDS:
        theirs = min((base.samples[condition][name] for base in bases),
                     key=lambda sample: percentile(sample["times"], 50))
        for head in which:
            yield Comparison(name, head, result.samples[condition][name], theirs)


def alike_of(twin, plain, condition):
    """How far two machines of a kind are apart, either way: percentile: ratio."""
    return {head: max(both.ratio for one, other in ((twin, plain), (plain, twin))
                      for both in compared(one, [other], (head,), condition))
            for head in HEADS}


def limit(text, result, bases, which, condition, alike=None):
    """alike: the ratio that is none, by percentile. Said is the one that is most above it, of
    those that surely are, if any."""
    none = alike or dict.fromkeys(which, 1)

    def over(one):
        return one.ratio / none[one.head]

    found = list(compared(result, bases, which, condition))
    sure = [one for one in found if over(one) > 1 and one.least() > none[one.head]]
    worst = max(sure or found, key=over)
    where = "" if condition == "idle" else f", {condition}"
    said = worst.command.split()[-1] + f" {worst.head}" * (len(which) > 1)
    ratios = "/".join(f"{x:.{2 if x < 100 else 0}f}"
                      for x in (worst.ratio, *([alike[worst.head]] if alike else [])))
    return Aim(f"{text}{where}", f"{ratios} ({said})", over(worst) <= 1, level=not sure)


def unmodified(result, results):
    stock, device = stock_of(result, results), result.row.device
    kernel, aim = result.row.kernel, PARTS[device]
    yield Aim(f"{kernel} {result.row.title()}: p50 / {stock.row.device}, aim 1/{aim}",
              part_of(p50(result), p50(stock)), p50(result) * aim <= p50(stock))
    for condition in ("idle", "busy"):
        if condition in result.samples:
            yield limit(f"{kernel} {result.row.title()}: p99 / stock", result, [stock],
                        ("p99",), condition)


def twin_of(kernel, results):
    """The twin, and whose."""
    both = [one for one in results if one.row.kernel == kernel]
    twin = next(one for one in both if one.row.twin)
    return twin, next(one for one in both
                      if one.row == dataclasses.replace(twin.row, twin=False))


def ours(result, results):
    kernel, device = result.row.kernel, result.row.device
    name = f"{kernel} {result.row.title()}"
    stock = [one for one in results if one.row.kernel == kernel
             and one.row.stock() and not one.row.sync]
    plain = next(one for one in results if one.row.kernel == kernel and one.row.sync
                 and one.row.device == device and one.row.driver == "stock"
                 and not one.row.twin)
    twin, of = twin_of(kernel, results)
    best = min(map(p50, stock))
    yield Aim(f"{name}: p50 / best stock, aim 1/{OURS}",
              part_of(p50(result), best), p50(result) * OURS <= best)
    for condition in ("idle", "busy"):
        if condition in result.samples:
            yield limit(f"{name}: p99 / stock", result, stock, ("p99",), condition)
            yield limit(f"{name}: / unmodified", result, [plain], HEADS, condition,
                        alike_of(twin, of, condition))
    yield Aim(f"{name}: CPU of RSA's wait, aim 2 %",
              f"{rsa_share(result):.1f} %", rsa_share(result) <= 2)
    times = result.samples["idle"][RSA]["times"]
    over = [late - 0.05 * (took - late) for late, took in zip(result.late, times)]
    missed = sum(one > LATE_US for one in over)
    yield Aim(f"{name}: RSA late - 5 %, aim {LATE_US} us", f"{max(over):.0f} us",
              not missed, level=missed == 1 and len(over) >= FULL.rsa)
    cost = result.counts[SMALL]
    exits = cost["mmio-reads"] + cost["mmio-writes"]
    yield Aim(f"{name}: trapped accesses, aim {EXITS}", f"{exits:.2f}", exits < EXITS + 0.1)


def of_guest(results):
    for result in results:
        if result.row.sync and not result.row.stock() and not result.row.twin:
            yield from (unmodified if result.row.driver == "stock" else ours)(result, results)
    for result in results:
        row = result.row
        if row.sync and not row.twin and (row.device, row.driver) == ("tpm-crb-ext", "stock"):
            reads, writes = (result.counts[SMALL][name] for name in ("mmio-reads",
                                                                     "mmio-writes"))
            yield Aim(f"{result.row.kernel} {result.row.title()}: traps, aim 0 + 6",
                      f"{reads:.1f} + {writes:.1f}", (reads, writes) == (0, 6))


def of_host(found):
    """p50 of the doorbell beside that of swtpm alone, between the same blocks."""
    alone, bell = found["swtpm alone"], found["doorbell"]
    for name in COMMANDS:
        if name == "PCR_Extend" or name == ECC:
            continue
        ratio = percentile(bell[name]["times"], 50) / percentile(alone[name]["times"], 50)
        yield Aim(f"{name}: doorbell to COMPLETED / swtpm alone, aim {HOST}", f"{ratio:.2f}",
                  ratio <= HOST)
