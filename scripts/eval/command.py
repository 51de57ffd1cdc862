#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whether the deviation from the TCG's interface is worth it: one page, of what is measured
here and now, of what the suites said when they ran last, and of what the tree itself tells.
Writes DIR/index.html, which needs no other file, with every figure as SVG and every part as
JSON beside it, and docs/evaluation.md, the same as text.

What a part was measured from is remembered: where none of it has changed since, the part is
not measured again."""

import concurrent.futures
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import ending
from console import Parser, one_of, say
from guest_peers import GuestError
from parts import build, script

from . import tree

# In the order of the page. Each is a module with NAME, TITLE, SECONDS (full, quick), NEEDS
# (of ./run build), FILES, measure(quick), which returns what is kept as JSON, and
# section(data). They are imported when what they import is installed.
PARTS = {
    "deviation": "registers beside stock tpm-tis and tpm-crb",
    "fault": "each access repeated, late, rolled back to; chunks",
    "experiment": "a guest that makes keys, suspended and resumed",
    "ablation": "driver and engine with parts switched off",
    "cures": "the decrement of 2011, CRB, chunks with an offset",
    "compatibility": "guests and machines, of the suites' last runs",
    "speed": "./run bench: stock devices beside ours, in turn",
    "assurance": "proofs, coverage, mutants, fuzzing, hostile guests",
    "price": "lines, state to migrate, what is to be carried",
}
KEPT = tree.BUILD / "eval/parts"
OUT = str(tree.BUILD / "eval/page")
EPILOG = """parts (all of them unless named; what is left out is on the page as not run,
unless it was measured before and nothing it depends on has changed):
""" + "\n".join(f"  {name:14} {what}" for name, what in PARTS.items()) + """

The page's suites' results are those of the last ./run test of each suite: run
that first. With --quick fewer machines, rounds and suspends."""


def module(name):
    return importlib.import_module(f".{name}", __package__)


def key_of(part, quick):
    """What the part's numbers depend on: the files, how much of it, and what they are
    run by."""
    here = tree.machine()
    more = [part.NAME, "" if not quick else "quick", str(here["kvm"]), here["processor"],
            *map(str, getattr(part, "depends", lambda: ())())]
    return tree.key(*part.FILES, "scripts/eval/model.py", f"scripts/eval/{part.NAME}.py",
                    more="\n".join(more))


def kept(part, quick):
    """What was measured before, of this tree; the whole form is good for the quick one."""
    for how in (False, True) if quick else (False,):
        try:
            found = json.loads((KEPT / f"{part.NAME}-{'quick' if how else 'full'}.json")
                               .read_text())
        except (OSError, ValueError):
            continue
        if found["key"] == key_of(part, how):
            return found
    return None


def measure(part, quick):
    begin, key = time.monotonic(), key_of(part, quick)
    found = {"part": part.NAME, "command": f"./run eval {'--quick ' * quick}{part.NAME}",
             "date": tree.now(), "quick": quick, "key": key,
             "commit": " ".join(filter(None, (tree.commit()[0],
                                              "and changes" * tree.commit()[1]))),
             "conditions": tree.machine(), "data": part.measure(quick)}
    found["seconds"] = round(time.monotonic() - begin, 1)
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{part.NAME}-{'quick' if quick else 'full'}.json"
    path.with_suffix(".new").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".new").rename(path)
    return found


def all_parts(names, quick):
    """{name: what was found, or None where it was not measured}, {name: why it failed}"""
    parts = {name: module(name) for name in PARTS}
    found, left, failed = {}, {}, {}
    for name, part in parts.items():
        found[name] = kept(part, quick) if not getattr(part, "ALWAYS", False) else None
        if found[name]:
            say(f"{name}: as measured {found[name]['date']}, nothing that it depends on has "
                "changed")
        elif name in names:
            left[name] = part.SECONDS[quick]
    build(list(dict.fromkeys(need for name in left for need in parts[name].NEEDS)))
    timed = [name for name in left if getattr(parts[name], "TIMED", False)]
    # What looks at the time has the machine to itself.
    for group, workers in ([name for name in left if name not in timed], os.cpu_count()), \
            (timed, 1):
        with ending.Pool(workers) as pool:
            begun = {pool.submit(measure, parts[name], quick): name for name in group}
            for name in group[:workers]:
                say(f"{name}: {PARTS[name]}")
            for future in concurrent.futures.as_completed(begun):
                name = begun[future]
                del left[name]
                try:
                    found[name] = future.result()
                except (GuestError, OSError, subprocess.SubprocessError) as error:
                    failed[name] = str(error)
                    say(f"{name}: not measured: {error}")
                    continue
                seconds = int(sum(left.values()) if group is timed else
                              sum(left[one] for one in left if one in timed) +
                              sum(left[one] for one in left if one not in timed) / workers)
                say(f"{name}: measured in {found[name]['seconds']:.0f} s" +
                    (f"; about {seconds // 60} min {seconds % 60:02} s left: "
                     f"{', '.join(left)}" if left else ""))
    return found, failed


def parse(argv):
    p = Parser("eval", description=__doc__, epilog=EPILOG)
    p.add_argument("--quick", action="store_true", help="a shorter form, under 6 minutes")
    p.add_argument("--out", metavar="DIR", default=OUT,
                   help="for the page (build/eval/page)")
    p.add_argument("part", nargs="*", metavar="PART", type=one_of("part", PARTS),
                   help="measure these only")
    options = p.parse_args(argv)
    if os.path.exists(options.out) and not os.path.isdir(options.out):
        p.error(f"--out {options.out} is no folder")
    return options


def main(options):
    script("eval.sh")
    begin = time.monotonic()
    found, failed = all_parts(options.part or list(PARTS), options.quick)
    out = Path(options.out)
    say("drawing the page")
    # The repository's text is that of a whole run, to the usual place.
    module("page").write(out, found, failed,
                         text=not options.part and not failed and options.out == OUT)
    say(f"in {time.monotonic() - begin:.0f} s")
    print(out / "index.html")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(ending.guarded(lambda: main(parse(sys.argv[1:]))))
