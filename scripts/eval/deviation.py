# SPDX-License-Identifier: BSD-2-Clause
"""Where the devices deviate from the stock ones, and from the TCG's texts: every register of
the specification, read in every state of a transaction and written bit by bit, on both
devices of a pair (tests/eval/compare.c)."""

from . import run, tree
from .model import List, Section, Table, Text, number, plural

NAME = "deviation"
TITLE = "Where it deviates"
SECONDS = (60, 60)
NEEDS = ["qemu", "engine"]
FILES = ("engine/", "hw/", "qemu/", "tests/eval/compare.c", "tests/qtest/*.[ch]",
         "docs/specification.md", "scripts/eval/run.py")
PAIRS = {"tis": "FIFO", "crb": "CRB", "crb-as-stock": "CRB"}

# Why, of each register that is found to differ, by what the specification says of it, and
# what a guest that knows the standard only notices. A register that differs and is not here
# is on the page as one that nobody has explained, and fails tests/check_evaluation.py.
WHY = {
    "TPM_REG_ACCESS": ("several bits in one write have an order, so that the write made twice "
                       "is the write made once", "nothing: guests write one bit"),
    "TPM_REG_STS": ("room is counted anew after an unfinished command; the response stays "
                    "after commandReady", "nothing: it reads burstCount and writes what that "
                    "says"),
    "TPM_REG_INT_STATUS": ("acceptance ends the old response's interrupts", "an interrupt "
                           "less that it would have found stale"),
    "TPM_REG_INT_ENABLE": ("interrupts are enabled by the active locality, as TIS has it",
                           "nothing"),
    "TPM_REG_INT_VECTOR": ("property irq: the line that ACPI may name", "nothing: firmware "
                           "names the line"),
    "TPM_REG_DATA_FIFO": ("a last word writes no bytes too many", "nothing"),
    "TPM_REG_LOC_STATE": ("localities 1 to 4 and seize are there", "with locality 0 alone "
                          "nothing"),
    "TPM_REG_LOC_CTRL": ("bits act one by one, in an order; seize is there", "nothing: guests "
                         "write one bit"),
    "TPM_REG_LOC_STS": ("beenSeized is there", "with locality 0 alone nothing"),
    "TPM_REG_INTF_ID": ("CapFIFO and CapLocality, InterfaceSelector and its lock",
                        "that it may select FIFO, as on a TPM of a PC"),
    "TPM_REG_INTF_ID2": ("as the register before", "nothing"),
    "TPM_REG_CTRL_REQ": ("bits act one by one", "nothing: guests write one bit"),
    "TPM_REG_CTRL_STS": ("tpmIdle of a locality that is not active is 1", "nothing: it reads "
                         "tpmIdle of the locality that it has"),
    "TPM_REG_CTRL_CANCEL": ("writing 0 prepares the next command", "nothing"),
    "TPM_REG_CTRL_START": ("a START that nothing prepared is a repetition, and starts nothing; "
                           "one of an empty buffer is answered and not sent to the TPM",
                           "a START without cmdReady, CTRL_CANCEL = 0, a request or a byte in "
                           "the trapped buffer before it starts nothing; no known guest sends "
                           "one"),
    "TPM_REG_CRB_INT_ENABLE": ("interrupts are there", "that it could use them"),
    "TPM_REG_CRB_INT_STS": ("interrupts are there", "that it could use them"),
    "TPM_REG_CTRL_CMD_SIZE": ("the window is larger than 3968 bytes", "a larger buffer"),
    "TPM_REG_CTRL_CMD_LADDR": ("command and response do not share storage, each is whole "
                               "pages of memory", "two buffers elsewhere, as PTP allows"),
    "TPM_REG_CTRL_CMD_HADDR": ("as the register before", "nothing"),
    "TPM_REG_CTRL_RSP_SIZE": ("as CTRL_CMD_SIZE", "a larger buffer"),
    "TPM_REG_CTRL_RSP_ADDR": ("as CTRL_CMD_LADDR", "two buffers elsewhere, as PTP allows"),
    "TPM_REG_CTRL_RSP_HADDR": ("as the register before", "nothing"),
    "TPM_REG_DATA_BUFFER": ("reads are of the response only, for the active locality",
                            "that its own command bytes do not read back"),
}

# What each text of the TCG says of the place, and what is done there.
TEXTS = [
    ("TIS 1.3, table 9", "0xF90 to 0xFFF of each page are the vendor's that DID_VID names",
     "the indexed door's registers: allowed"),
    ("TIS 1.3, table 9", "0x100 to 0xEFF are reserved", "the trapped window: a deviation; "
     "stock reads ones there"),
    ("TIS 1.3, 5.6.6", "a read of DATA_FIFO moves on", "kept as it is: the fallback, and the "
     "control group here"),
    ("TIS 1.3, 5.6.12", "commandReady in Completion ends the response", "the response stays "
     "readable until the next command, by the window: an addition"),
    ("PTP 1.05, 6.5.3", "CTRL_START starts what is in the buffer", "only once for each time "
     "that it was prepared: a deviation that no known guest notices"),
    ("PTP 1.05, table 24", "command and response buffer may share storage", "they never do: "
     "allowed"),
    ("PTP 1.05, 6.3", "nothing behind the five pages", "extension pages, header page and "
     "windows there: a deviation; ACPI gives the range to the device"),
    ("PTP 1.07 (review)", "larger commands in chunks, each announced by "
     "CTRL_START.nextChunk", "not done, CapCRBChunk is 0: the windows hold 64 KiB"),
]


def access_width(width):
    """Of an access to the register: its own, or a word."""
    first = width.split("-")[0].split(",")[0]
    return int(first) if first.isdecimal() else 4


def registers(door):
    found = {}
    for of, offset, name, width, access, _ in tree.specified():
        if of == door:
            found[name] = {"name": name, "offset": offset, "width": access_width(width),
                           "access": access}
    # The upper half of an address is a register of its own; what overlaps is told once.
    return list(found.values())


def compared(pair, door):
    known = registers(door)
    words = [f"{reg['offset']:#x}:{min(reg['width'], 8)}" for reg in known]
    said = run.json_of([tree.HOST / "eval/compare", pair, *words])
    for reg, found in zip(known, said["registers"]):
        reg |= found
        reg["verdict"] = "differs" if found["read_differs"] or found["write_differs"] \
            else "equal"
    return {"pair": pair, "stock": said["stock"], "ours": said["ours"], "rest": said["rest"],
            "registers": known}


def measure(_quick):
    pairs = run.in_parallel([lambda pair=pair, door=door: compared(pair, door)
                             for pair, door in PAIRS.items()])
    new = [{"name": name, "offset": offset, "width": width, "access": access, "reset": reset}
           for door, offset, name, width, access, reset in tree.specified()
           if door == "Indexed"]
    return {"pairs": pairs, "new": new,
            "unexplained": sorted({reg["name"] for pair in pairs for reg in pair["registers"]
                                   if reg["verdict"] == "differs" and reg["name"] not in WHY})}


def what_differs(reg):
    said = []
    if reg["read_differs"]:
        one = reg["read"]
        said.append(f"{reg['read_differs']} of {reg['reads']} reads, first {one['state']}: "
                    f"`{one['stock']:#x}`, ours `{one['ours']:#x}`")
    if reg["write_differs"]:
        one = reg["write"]
        after = (f"the TPM runs {plural(one['stock'], 'command')}, ours {one['ours']}"
                 if one["ran"] else
                 f"at `{one['at']:#x}` `{one['stock']:#x}`, ours `{one['ours']:#x}`")
        said.append(f"{reg['write_differs']} of {reg['writes']} writes, first `"
                    f"{one['value']:#x}` {one['state']}: {after}")
    return "; ".join(said)


def short(name):
    return f"`{name.removeprefix('TPM_REG_').removeprefix('TPMIX_REG_').removeprefix('TPMIX_')}`"


def of_pair(pair):
    rows = []
    for reg in pair["registers"]:
        why, seen = WHY.get(reg["name"], ("not explained", "not explained")) \
            if reg["verdict"] == "differs" else ("", "nothing")
        rows.append([short(reg["name"]), f"`{reg['offset']:#05x}`", reg["verdict"],
                     what_differs(reg), why, seen])
    equal = sum(reg["verdict"] == "equal" for reg in pair["registers"])
    return Table(f"`{pair['ours']}` beside `{pair['stock']}`: {equal} of "
                 f"{len(rows)} registers equal in every state and after every write",
                 ["register", "offset", "", "what differs", "why", "a standard guest notices"],
                 rows, "./run eval deviation", rest_of(pair))


def rest_of(pair):
    words = max(rest["words"] for rest in pair["rest"])
    differ = [rest for rest in pair["rest"] if rest["differ"]]
    if not differ:
        return f"The other {number(words)} words of the page read alike in every state."
    most = max(differ, key=lambda rest: rest["differ"])
    return (f"Of the other {number(words)} words of the page {number(most['differ'])} differ "
            f"in state \"{most['state']}\", {most['from']:#x} to {most['to'] - 1:#x}: the "
            "new registers and the window.")


def counts(data):
    """(registers compared, of them equal, reads, writes), of all pairs."""
    all_regs = [reg for pair in data["pairs"] for reg in pair["registers"]]
    return (len(all_regs), sum(reg["verdict"] == "equal" for reg in all_regs),
            sum(reg["reads"] for reg in all_regs), sum(reg["writes"] for reg in all_regs))


def section(data):
    compared_num, equal, reads, writes = counts(data)
    blocks = [
        Text(f"Each register of the [specification](docs/specification.md) was read in five "
             f"states of a transaction, in every width, and written with 0, ones and each "
             f"single bit in three of them, on both devices of a pair: {number(reads)} reads and "
             f"{number(writes)} writes. {equal} of {compared_num} registers are equal in all of "
             f"it; {len(data['new'])} are new."),
        *map(of_pair, data["pairs"]),
        Table("New: the indexed door",
              ["register", "offset", "width", "access", "reset"],
              [[short(reg["name"]), f"`{reg['offset']:#05x}`", reg["width"], reg["access"],
                reg["reset"]] for reg in data["new"]], "./run eval deviation", long=True),
        Text("What takes several accesses to see is in the specification, with the register, and "
             "is a test of its own: `/compare/*/deviations` of `test_stock_compare`, "
             "`/crb-stock/deviation/*` of `test_crb_stock`."),
        Table("Against the TCG's texts", ["text", "says", "here"],
              [list(row) for row in TEXTS], "docs/specification.md",
              "Read in the texts, not measured."),
    ]
    if data["unexplained"]:
        blocks.append(List([f"{short(name)} differs, and nobody has said why"
                            for name in data["unexplained"]]))
    return Section(NAME, TITLE, blocks)
