# SPDX-License-Identifier: BSD-2-Clause
"""Repetitions of a guest's accesses: the words of --replay, judged before QEMU sees them,
and what QEMU's device mmio-replay counted."""

import argparse
import dataclasses

from guest_peers import GuestError

# Where a PC has the TPM's registers: five localities, and the extension's pages.
DOOR, DOOR_SIZE = 0xfed40000, 0x40000
DEFAULT_SIZE = 0x5000       # the localities
SWITCHES = ("enabled", "reads", "writes")
WHEN = ("now", "late", "completed")
# property: its largest value
NUMBERS = {"addr": 2**64 - 1, "size": 2**64 - 1, "min-offset": 2**64 - 1,
           "max-offset": 2**64 - 1, "nth": 2**64 - 1, "rate": 1000000, "seed": 2**64 - 1,
           "delay": 2**32 - 1, "done-addr": 2**64 - 1, "done-mask": 2**32 - 1,
           "done-value": 2**32 - 1}


def refuse(text):
    raise argparse.ArgumentTypeError(text)


def value_of(key, text):
    if key in SWITCHES:
        return text if text in ("on", "off") else refuse(f"{key}={text}: on or off")
    if key == "when":
        return text if text in WHEN else refuse(f"when={text}: {', '.join(WHEN)}")
    if key not in NUMBERS:
        refuse(f"no '{key}' ({', '.join([*NUMBERS, *SWITCHES, 'when'])})")
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= NUMBERS[key]:
        refuse(f"{key}={text}: a number from 0 to {NUMBERS[key]}")
    return value


def replay_spec(spec, door=DOOR):
    """Properties of mmio-replay that can repeat something; ArgumentTypeError where they
    cannot. door: where the machine has its TPM."""
    found = {}
    for word in spec.split(","):
        key, equals, text = word.partition("=")
        if not equals:
            refuse(f"'{word}' is no KEY=VALUE, as in rate=1000")
        found[key] = value_of(key, text)
    begin = found.get("addr", door)
    end = begin + found.get("size", DEFAULT_SIZE)
    low = max(begin + found.get("min-offset", 0), door)
    high = min(end, begin + found.get("max-offset", 2**64) + 1, door + DOOR_SIZE)
    if low >= high:
        refuse(f"the range does not meet the TPM's registers, {door:#x} to "
               f"{door + DOOR_SIZE - 1:#x}")
    if not found.get("rate") and not found.get("nth"):
        refuse("neither rate=N nor nth=N: nothing would be repeated")
    if "addr" not in found:
        spec = f"addr={door:#x},{spec}"
    return spec if "size" in found else f"size={DEFAULT_SIZE:#x},{spec}"


@dataclasses.dataclass
class Replayed:
    """Counters of mmio-replay."""
    accesses: int
    selected: int
    reads: int
    writes: int

    @classmethod
    def of(cls, qmp):
        return cls(*(qmp.execute("qom-get", path="/machine/peripheral/replay", property=name)
                     for name in ("accesses", "selected", "replayed-reads",
                                  "replayed-writes")))

    def summary(self):
        return (f"{self.reads + self.writes} of {self.accesses} accesses repeated "
                f"({self.reads} reads, {self.writes} writes)")

    def check(self):
        if not self.selected:
            raise GuestError("--replay: no access of the guest fell into that range, and "
                             "nothing was shown")
