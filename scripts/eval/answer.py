# SPDX-License-Identifier: BSD-2-Clause
"""The answer, in ten lines and a figure, of what the parts found; and what is uncertain."""

from . import ablation, deviation, fault, figures, price, speed
from .model import Figure, List, Missing, Section, Text, number, plural

NONE = "not run here"


def lines(found):
    """(what, line) each; a part that was not run says so."""
    data = {name: one and one["data"] for name, one in found.items()}
    yield "What it is", (
        "An index register, tickets on the doorbell, checksums, and buffers that are memory, "
        "beside the FIFO and CRB of the TCG's texts, which stay: a guest that knows nothing of "
        "them finds a standard TPM.")
    if of := data["deviation"]:
        regs, equal, reads, writes = deviation.counts(of)
        yield "Where it deviates", (
            f"{equal} of {regs} registers are equal to stock's in {number(reads)} reads and "
            f"{number(writes)} writes; {plural(len(of['new']), 'register is', 'registers are')} "
            "new, in the vendor's range or behind the device. Each difference is named.")
    else:
        yield "Where it deviates", NONE
    if of := data["fault"]:
        control = fault.of_group(of, fault.CONTROL)
        ours = fault.of_group(of, fault.INDEXED)
        plain = fault.of_group(of, fault.PLAIN, False)
        yield "What it buys", (
            f"Each access of a transaction once more, or rolled back to: the stock doors give "
            f"{number(control['W'])} wrong answers that nobody notices, {number(control['2'])} "
            f"commands run twice, {number(control['E'])} errors, of "
            f"{number(sum(control.values()))}; the indexed door {number(ours['W'])}, "
            f"{number(ours['2'])} and {number(ours['E'])} of {number(sum(ours.values()))}. An "
            f"unmodified CRB guest, repetitions: {number(fault.bad(plain))} of "
            f"{number(sum(plain.values()))}.")
        driver = fault.driver_sum(of, ("window", "indexed"))
        yield "With its driver", (
            f"{number(driver['cases'])} cases of lost, late, repeated and corrupted accesses and "
            f"roll-backs: {number(driver['wrong'])} wrong answers, {number(driver['twice'])} "
            "commands run twice.")
    else:
        yield "What it buys", NONE
    if of := data["ablation"]:
        yield "What is needed of it", ablation.verdict(of).partition(" Of all faults")[0]
    else:
        yield "What is needed of it", NONE
    if of := data["speed"]:
        pairs = speed.ours_and_stock(of)
        quicker = sum(one[5] < 1 for one in pairs)
        fewer = sum(one[3] < one[4] - 0.5 for one in pairs)
        yield "What it costs at run time", (
            f"A PCR_Read takes less time than on stock in {quicker} of {len(pairs)} pairs of "
            f"device and driver, and fewer exits in {fewer}: " + "; ".join(
                f"{title} {part} of the time, {plural(round(mine), 'exit')} for {theirs:.0f}"
                for title, _, part, mine, theirs, _ in pairs) + ".")
    else:
        yield "What it costs at run time", NONE
    if of := data["price"]:
        total = price.carried(of)
        state = of["state"]
        yield "What it costs to carry", (
            f"{number(total['QEMU'])} lines in QEMU, {number(total['Linux'])} in Linux; "
            f"{number(state['tpm-tis-indexed']['fields'])} bytes of fields migrate where "
            f"tpm-tis has {number(state['tpm-tis']['fields'])}.")
    else:
        yield "What it costs to carry", NONE
    if of := data["assurance"]:
        proved = of["proofs"].values()
        yield "Why to believe it", (
            f"{plural(len(proved), 'theorem')}, "
            f"{sum(one['holds'] == 'passed' for one in proved)} of them proved when last run; "
            f"{of['coverage']['lines'][0]} of {of['coverage']['lines'][1]} lines reached; "
            f"{len(of['mutants'])} mutants.")
    else:
        yield "Why to believe it", NONE
    if of := data["cures"]:
        cases = {(case["runs_again"], case["decrement"]): case["outcomes"].count("right")
                 for case in of["decrement"]["cases"]}
        yield "Other cures", (
            f"The decrement of 2011 mends {cases[True, True]} of "
            f"{of['decrement']['response']} repeated reads and spoils "
            f"{of['decrement']['response'] - cases[False, True]} completed ones; a drain before "
            "the stop has to be right in every monitor; chunks bring the fault back.")
    else:
        yield "Other cures", NONE
    yield "What remains", (
        "DATA_FIFO loses bytes as on every TPM; a CTRL_START that is delayed behind the next "
        "command's preparation starts it; a monitor that writes registers back while a read is "
        "pending corrupts the register, which a checksum shows and RAM windows avoid.")


def picture(found):
    """The stock devices beside ours: what became of each access once more."""
    of = found["fault"] and found["fault"]["data"]
    if not of:
        return Missing("The figure", "the fault was not measured here: `./run eval fault`")
    doors = [door for door in fault.DOORS if door in fault.matrix_of(of)]
    counts = []
    for door in doors:
        total = fault.of_group(of, (door,))
        counts.append(total)
    labels = [f"{fault.DOORS[door][0]}, as {fault.DOORS[door][1]}"
              .replace(", as the specification's steps", "") for door in doors]
    return Figure("answer", "One access of a transaction made once more, or rolled back to: what "
                  "the guest gets, in %", "Bars of shares: the stock devices and the FIFO have "
                  "wrong answers, errors and commands run twice, the project's doors less or none",
                  "./run eval fault",
                  figures.stacked("answer", labels, figures.share_rows(counts),
                                  "% of the accesses, of all kinds of repetition"))


def section(found):
    return Section("answer", "The answer", [
        List([f"**{what}.** {line}" for what, line in lines(found)]), picture(found),
        Text("Whether it is worth it depends on who runs the guest: a monitor that completes "
             "each access before it stops, never rolls a guest back alone and never retries "
             "has no fault to mend, and gains the speed only.")])


def uncertain(found):
    """What limits the numbers; those that come from the run are computed."""
    items = []
    missing = [name for name, one in found.items() if not one]
    if missing:
        items.append(f"Not run here: {', '.join(missing)}.")
    if any(one and one["quick"] for one in found.values()):
        items.append("Parts of the quick form have fewer rounds, so that their 99th "
                     "percentiles are of few samples.")
    kvm = any(one and one["conditions"]["kvm"] for one in found.values())
    items.append("Guests ran under " + ("KVM where it is said." if kvm else "TCG: an exit of "
                 "TCG's costs less than one of KVM's, so that what fewer exits buy is "
                 "understated, and the fault of 2011 is injected, not provoked by KVM."))
    items += [
        "The guest of the strips makes each access as the driver it is named after, but it is "
        "not that driver; what the drivers do with errors is in the experiment, and for ours "
        "over the engine.",
        "Times are of one machine that may do other things; least and median say what is "
        "possible, the 99th percentile what a user meets.",
        "An access made once more is one fault at a time, but where a row says otherwise.",
        "Of a register that is written bit by bit, combinations of bits are the tests' "
        "(`test_stock_compare`, `test_crb_stock`), not this page's.",
        "What is said of other VMMs was read in their sources, and may have changed.",
        "Lines of code say how much there is to read, not how hard it is.",
    ]
    return items
