# SPDX-License-Identifier: BSD-2-Clause
"""The fault: every access of a transaction made twice, at once, late or after the completion,
and a guest rolled back to it. On QEMU's devices and ours by a guest of qtest
(tests/qtest/test_replay_matrix.c), as Linux' and edk2's drivers do it, and by the Linux driver's
own sources over the engine (tests/driver/test_faults.c). And QEMU 11.1's CRB in chunks."""

import collections
import json
import os
import tempfile
from pathlib import Path

from . import figures, run, tree
from .model import Figure, Missing, Section, Table, Text, number, plural

NAME = "fault"
TITLE = "The fault"
SECONDS = (120, 120)
NEEDS = ["qemu", "engine"]
FILES = ("engine/", "hw/", "qemu/", "tests/qtest/*.[ch]", "tests/driver/", "linux-driver/",
         "tests/eval/chunks.c", "scripts/eval/run.py", "scripts/eval.sh")

WHEN = {"now": "once more, at once", "late-3": "once more, 3 accesses later",
        "completed": "once more, after the completion", "rolled-back": "rolled back to here"}
# The guests of txn_doors.c: (title, what the guest's accesses are as)
DOORS = {
    "stock": ("tpm-tis, FIFO", "Linux tpm_tis"),
    "stock-crb": ("tpm-crb", "edk2"),
    "stock-crb-linux": ("tpm-crb", "Linux tpm_crb"),
    "fifo": ("tpm-tis-indexed, FIFO", "Linux tpm_tis"),
    "indexed": ("tpm-tis-indexed, trapped window", "the specification's steps"),
    "ram": ("tpm-tis-indexed, RAM windows", "the specification's steps"),
    "crb": ("tpm-crb-ext, CRB", "edk2"),
    "crb-linux": ("tpm-crb-ext, CRB", "Linux tpm_crb"),
    "crb-indexed": ("tpm-crb-ext, trapped window", "the specification's steps"),
    "crb-ram": ("tpm-crb-ext, RAM windows", "the specification's steps"),
    "crb-fifo-indexed": ("tpm-crb-ext as FIFO, trapped window", "the specification's steps"),
}
CONTROL = ("stock", "stock-crb", "stock-crb-linux", "fifo")
# CRB for a guest that knows nothing of tickets; and the indexed door.
PLAIN = ("crb", "crb-linux")
INDEXED = ("indexed", "ram", "crb-indexed", "crb-ram", "crb-fifo-indexed")
KINDS = {"repeated": "once more, at once", "repeated-late": "once more, 1 to 40 accesses later",
         "late": "only later (writes)", "lost": "lost", "corrupted": "corrupted",
         "corrupted-twice": "corrupted twice", "relinquished": "locality relinquished before it",
         "seized": "locality seized before it", "seized-for-a-command":
         "seized, and a command run there", "rolled-back": "rolled back to here",
         "another-turn": "rolled back, another command"}
CHUNK_SIZE, PIECE_SIZE = 8192, 16384
CHUNKED = tree.BUILD / "eval/qemu-chunked/run"


def wrapper_of(qemu, work):
    """A QEMU without -accel qtest, for the programs of tests/qtest."""
    import sys
    sys.path.insert(0, str(tree.ROOT / "tests/plugin"))
    from test_plugin import Qemu, write_wrapper
    path = Path(work) / "qemu"
    write_wrapper(path, Qemu(qemu, plugin=False))
    return path


def chunks():
    """The two ways to more than 4 KiB, each access made twice."""
    program = tree.HOST / "eval/chunks"
    found = {"piece": run.json_of([program, "tpm-crb-ext", PIECE_SIZE]),
             "stock": run.json_of([program, "tpm-crb", CHUNK_SIZE])}
    if not CHUNKED.exists():
        why = CHUNKED.with_name("missing")
        found["missing"] = why.read_text().strip() if why.exists() else "not fetched"
        return found
    found["version"] = run.output([CHUNKED, "--version"]).split("\n")[0]
    with tempfile.TemporaryDirectory() as work:
        found["chunked"] = run.json_of([program, "tpm-crb", CHUNK_SIZE],
                                       QEMU=wrapper_of(CHUNKED, work))
    return found


def depends():
    """The QEMU that was fetched, if any."""
    sums = tree.BUILD / "eval/qemu-chunked/SHA256SUMS"
    yield sums.read_text() if sums.exists() else "none"


def measure(_quick):
    driver = tree.HOST / "driver"
    calls = [lambda: run.cells_of([tree.HOST / "qtest/test_replay_matrix"], QEMU=tree.QEMU),
             *(lambda kernel=kernel, device=device:
               [{"kernel": kernel, **line} for line in
                run.cells_of([driver / f"test_faults{kernel}", device])]
               for kernel in ("", "-sync") for device in ("tis", "crb")),
             chunks]
    matrix, *drivers, large = run.in_parallel(calls)
    return {"matrix": matrix, "driver": [line for lines in drivers for line in lines],
            "chunks": large, "environment": {"QEMU": os.environ.get("QEMU", "")}}


def letters(text):
    return collections.Counter(text.replace("-", ""))


def matrix_of(data):
    """{door: {when: cells}}"""
    found = {}
    for line in data["matrix"]:
        found.setdefault(line["door"], {})[line["when"]] = line["cells"]
    return {door: found[door] for door in DOORS if door in found}


def bad(count):
    return sum(num for letter, num in count.items() if letter != "R")


def of_group(data, names, rolled_back=None):
    """Letters of all cells of these doors; of repetitions or roll-backs only."""
    total = collections.Counter()
    for door, rows in matrix_of(data).items():
        for when, cells in rows.items():
            if door in names and rolled_back in (None, when == "rolled-back"):
                total += letters(cells)
    return total


def said(count):
    words = [(count["R"], "right"), (count["E"], "errors"),
             (count["W"], "wrong and accepted"), (count["2"], "run twice")]
    return ", ".join(f"{number(num)} {word}" for num, word in words if num or word == "right")


def begins(data, door):
    """Of its transaction: how many accesses, and which one starts the command."""
    one = next(line for line in data["matrix"] if line["door"] == door)
    return (f"{one['accesses']} accesses, {one['trapped']} of them exits; number "
            f"{one['start']} starts the command")


def heat(data):
    rows = matrix_of(data)
    groups = [(f"{DOORS[door][0]}, as {DOORS[door][1]}: {begins(data, door)}",
               [(WHEN[when], cells) for when, cells in rows[door].items()]) for door in rows]
    table = Table("The same as text: R right, E an error, W wrong and accepted, 2 run twice",
                  ["device and door", "guest", "which", "accesses, first to last"],
                  [[DOORS[door][0], DOORS[door][1], WHEN[when], f"`{cells}`"]
                   for door in rows for when, cells in rows[door].items()],
                  "./run eval fault", long=True)
    return Figure("heat", "One access of a transaction, made once more", "For every device and "
                  "door a strip of cells for each kind of repetition, one cell an access: those "
                  "of the stock devices and the FIFO have errors and wrong answers, ours none",
                  "./run eval fault", figures.heat("heat", groups), table)


def summary(data):
    rows = []
    for door, found in matrix_of(data).items():
        for when, cells in found.items():
            count = letters(cells)
            rows.append([DOORS[door][0], DOORS[door][1], WHEN[when], str(len(cells)),
                         *(str(count[letter]) for letter in "REW2")])
    return Table("What became of each, counted", ["device and door", "guest", "which",
                                                  "accesses", "right", "error", "wrong",
                                                  "run twice"], rows, "./run eval fault",
                 long=True)


def driver_groups(data):
    """{(device, door, kernel): {kind: line with the sums of its ways}}"""
    found = {}
    for line in data["driver"]:
        key = (line["device"], line["door"], "7.x" if line["kernel"] else "6.x")
        kinds = found.setdefault(key, {})
        into = kinds.setdefault(line["kind"], collections.Counter())
        into.update({word: line[word] for word in ("cases", "harmed", "right", "wrong",
                                                   "failed", "twice")})
    return found


def driver_sum(data, doors, kinds=None):
    total = collections.Counter()
    for (_, door, _), found in driver_groups(data).items():
        if door in doors:
            for kind, count in found.items():
                if kinds is None or kind in kinds:
                    total += count
    return total


def driver_table(data):
    rows = []
    for (device, door, kernel), kinds in sorted(driver_groups(data).items()):
        if kernel != "6.x":
            continue
        for kind, count in kinds.items():
            rows.append([f"{'tpm-tis-indexed' if device == 'tis' else 'tpm-crb-ext'}, {door}",
                         KINDS.get(kind, kind), number(count["cases"]), number(count["wrong"]),
                         number(count["failed"]), number(count["twice"])])
    return Table("The Linux driver, every access of two commands, in every way it waits",
                 ["device, door", "what became of the access", "cases", "wrong answers",
                  "errors", "commands run twice"], rows, "./run eval fault",
                 f"{number(sum(count['cases'] for kinds in driver_groups(data).values() for count in kinds.values()))} "
                 "cases with those of the second program, whose rows are in the JSON: the first "
                 "is as Linux 6.x takes the response, by recv(), the second as 7.x, in send(). "
                 "Where the locality is seized and a command run there an error is what has to "
                 "come: it took the response's place.", long=True)


def driver_heat(data):
    """Of one way of each door: the worst that came of each access."""
    shown, groups = {}, []
    for line in data["driver"]:
        if line["kernel"] or line["kind"] not in KINDS:
            continue
        shown.setdefault((line["device"], line["door"], line["way"]), []).append(line)
    first = {}
    for (device, door, way), lines in shown.items():
        first.setdefault((device, door), lines)
    for (device, door), lines in sorted(first.items()):
        rows = [(KINDS[line["kind"]], line["cells"]) for line in lines if line.get("cells")]
        if rows:
            groups.append((f"{'tpm-tis-indexed' if device == 'tis' else 'tpm-crb-ext'}, our "
                           f"driver, {door}", rows))
    return Figure("driver-heat", "Our driver: the worst that came of each access", "A strip for "
                  "each kind of fault, a cell for each access: the FIFO's cells are errors and "
                  "wrong answers, those of the windows are right", "./run eval fault",
                  figures.heat("driver-heat", groups))


def case_row(case, size, window):
    """Of chunks.c, in words."""
    ok = case["ended"] and case["ran"] == 1 and case["given_right"] == case["given"] == size \
        and case["got_right"] == size
    if ok:
        what = "right"
    else:
        parts = []
        if case["ran"] != 1:
            parts.append(f"the TPM runs {plural(case['ran'], 'command')}")
        elif case["given_right"] < size or case["given"] != size:
            parts.append(f"the TPM runs another command, other bytes from byte "
                         f"{case['given_right']} on")
        if not case["ended"]:
            parts.append("the guest waits in vain, or sees an error")
        elif case["got_right"] < size:
            parts.append(f"the guest gets another response, from byte {case['got_right']} on"
                         + f": {number(window)} bytes are skipped" * case["skipped"])
        what = "; ".join(parts) or "right"
    name = case["what"] + (f" {case['part']}" if "nextChunk" in case["what"] or
                           "bytes" in case["what"] else "")
    return [name or "none", what]


def of_chunks(found):
    if "missing" in found:
        yield Missing("QEMU 11.1's tpm-crb in chunks", found["missing"])
    for which, title in (("chunked", "in chunks"), ("piece", "in one piece")):
        one = found.get(which)
        if not one or not one["cases"]:
            if which == "chunked" and one:
                yield Missing("QEMU 11.1's tpm-crb in chunks",
                              f"{found['version']} does not offer CapCRBChunk")
            continue
        rows = [case_row(case, one["size"], one["window"]) for case in one["cases"]]
        wrong = sum(row[1] != "right" for row in rows)
        yield Table(f"{one['size']} bytes there and back {title}: `{one['device']}`"
                    f"{' of ' + found['version'] if which == 'chunked' else ''}: "
                    f"{wrong} of {len(rows) - 1} accesses do harm when made twice",
                    ["made once more", "what came of it"], rows, "./run eval fault",
                    f"One window has {number(one['window'])} bytes.")


def section(data):
    control, indexed = of_group(data, CONTROL), of_group(data, INDEXED)
    plain, back = of_group(data, PLAIN, False), of_group(data, PLAIN, True)
    with_driver = driver_sum(data, ("window", "indexed"))
    taken = driver_sum(data, ("window", "indexed"), ("seized-for-a-command",))
    blocks = [
        Text(f"One transaction, again and again, each time with another one of its accesses "
             f"made once more, or with the guest rolled back to it while the TPM is not. By "
             f"the stock devices and the FIFO: {said(control)}. By the indexed door: "
             f"{said(indexed)}. By the CRB of `tpm-crb-ext`, for a guest that knows nothing of "
             f"tickets: {said(plain)}; and rolled back {said(back)}, as its START names no "
             "command."),
        heat(data), summary(data),
        Text(f"The guest of these strips does not repair anything. The Linux driver does: of "
             f"{number(with_driver['cases'])} cases of {len({kind for kinds in driver_groups(data).values() for kind in kinds})} kinds, on both devices by both "
             f"ways of the indexed door, {number(with_driver['wrong'])} gave a wrong answer, "
             f"{number(with_driver['twice'])} ran a command twice, and "
             f"{number(with_driver['failed'])} were an error to the caller, "
             f"{number(taken['failed'])} of them where another locality's command took the "
             "response's place."),
        driver_heat(data), driver_table(data),
        Text("Larger commands: post-quantum keys want 8 KiB. QEMU 11.1's tpm-crb takes them in "
             "chunks, and each CTRL_START.nextChunk moves an offset that is hidden in the device, "
             "as each read of DATA_FIFO does. A guest that repeats one skips or doubles a whole "
             "window, and no register shows it."),
        *of_chunks(data["chunks"]),
    ]
    return Section(NAME, TITLE, blocks)


def of_kept(names):
    """The same of what was measured last, for other parts; None where it was not."""
    for how in ("full", "quick"):
        try:
            data = json.loads((tree.BUILD / f"eval/parts/fault-{how}.json").read_text())["data"]
            return of_group(data, names)
        except (OSError, ValueError, KeyError):
            continue
    return None
