#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run prove [--tap|--z3] [NAME...] | mutants [NAME...]: proofs over the engine's
sources.

Each proof (tests/proofs/NAME) is three tests: it holds; what it calls possible
is, so that it does not hold for want of cases; its twin, built with -DTWIN,
fails. "--z3": whether it holds, asked of Z3 instead of CBMC's own encoding and
solver. "mutants" applies each of tests/mutants to a copy of the engine or the Linux driver,
and wants a unit test, a proof or a test of the driver to notice; "--proofs": the
proof, where one is named.
docs/soundness.md says what all this shows."""

import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

import ending
from console import Parser, one_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENGINE = pathlib.Path(os.environ.get("ENGINE", ROOT / "engine"))
PROOFS = ROOT / "tests" / "proofs"
MUTANTS = ROOT / "tests" / "mutants"
BUILD = ROOT / "build" / "prove"
KEPT = ROOT / "build" / "log" / "mutants.json"  # of the last whole run of "mutants"
SPENT = threading.local()  # what the last run of cbmc of this thread took
SECONDS = int(os.environ.get("PROVE_SECONDS", 300))
JOBS = int(os.environ.get("PROVE_JOBS") or min(2, os.cpu_count()))

# The last one is about speed: a pointer that is followed again is looked up once.
OPTIONS = ("--function proof --unwinding-assertions --slice-formula "
           "--no-standard-checks --unwind 40 --symex-cache-dereferences").split()
SAFETY = ("--bounds-check --pointer-check --undefined-shift-check "
          "--signed-overflow-check --unsigned-overflow-check").split()
# The loops of accesses: over the aligned words that one reaches, a word where it is
# not said here; and over the bytes of a word.
WORDS = ["tpmix_write.0", "tpmix_read.0", "tpmix_mmio_read.0", "tpmix_is_fifo.0",
         "write_ram.0"]
BYTES = ["read_word.0", "pop_word.0", "write_word.0", "tpmix_cmd_put.0"]
REACH = {"r7_rollback": 2, "r4_readable": 3, "lift_write": 3, "r2_repeat": 3}
# Proofs that are made for several ways to the same thing.
WAYS = {"r4_readable": 11, "r7_rollback": 3, "view_show": 4}
# Engine files that a proof takes as they are: split/ has transaction.c.
FILES = ("tpmix", "fifo", "crb", "indexed", "mmio", "valid", "intf", "locality")
# A proof over places (place.h) is one of each of these for each locality, so that
# none takes long: the registers that change the active locality, and the others.
LOCALITIES = range(5)
PLACES = [(0, 1), (2, 19)]
PLACES_OF = {"access_write": [(2, 19)], "r2_twice": [(0, 0), (1, 1), (2, 18)],
             "r6_checksum": [(7, 7)],
             "r2_several": [(0, 8)], "r2_bytes": [(17, 18)], "r4_index": [(9, 9)],
             "start_waits": [(2, 2), (5, 5)], "dead_write": [(0, 0), (1, 1), (2, 2)]}


GLIB = []  # how to compile and link with it
BINARIES = {}  # source: what goto-cc made of it

# Not soon answered by Z3, so asked only by name.
NOT_FOR_Z3 = ("r4_readable", "r7_rollback")


KNOWN = sorted(p.name for p in PROOFS.iterdir() if (p / f"{p.name}.c").exists())


def fail(message):
    print(f"run: {message}", file=sys.stderr)
    sys.exit(1)


def tool(name):
    result = subprocess.run([ROOT / "scripts/trixie-tool.sh", name],
                            stdout=subprocess.PIPE, text=True)
    if result.returncode:
        fail(f"no {name}")
    return result.stdout.strip()


def unwinding(name):
    words = REACH.get(name, 1) + 1
    return ["--unwindset", ",".join([*(f"{loop}:{words}" for loop in WORDS),
                                     *(f"{loop}:5" for loop in BYTES)])]


def harness(name):
    return (PROOFS / name / f"{name}.c").read_text()


def sources(name, engine):
    """The engine, with what the harness has in place of parts of it."""
    if name.startswith("buffer_"):
        return [engine / "buffer.c"]
    if '"lift.h"' in harness(name):
        return [engine / f"{n}.c" for n in ("mmio", "valid", "intf")]
    return [*sorted((PROOFS / "split").glob("*.c")),
            *(engine / f"{n}.c" for n in FILES)]


def compile_sources(cbmc):
    """The hundreds of runs of cbmc have the same engine: it is compiled once."""
    folder = BUILD / "goto"
    folder.mkdir(parents=True, exist_ok=True)
    for source in (*ENGINE.glob("*.c"), *(PROOFS / "split").glob("*.c")):
        binary = folder / f"{source.parent.name}-{source.stem}.gb"
        result = subprocess.run(
            [pathlib.Path(cbmc).with_name("goto-cc"), "-I", ENGINE, "-I", PROOFS / "split",
             "-c", source, "-o", binary], capture_output=True, text=True, check=False)
        if result.returncode:
            fail(f"goto-cc: {result.stderr.strip() or result.stdout.strip()}")
        BINARIES[source] = binary


def parts(name):
    """What splits the proof: one list of options for each run of cbmc."""
    if name in WAYS:
        return [[f"-DWAY={way}"] for way in range(WAYS[name])]
    if '"place.h"' not in harness(name):
        return [[]]
    return [[f"-DLOCALITY={l}", f"-DFIRST={first}", f"-DLAST={last}"]
            for first, last in PLACES_OF.get(name, PLACES) for l in LOCALITIES]


def run_cbmc(cbmc, name, engine, define, extra, log):
    """'proved', 'refuted' or 'no answer'; and what cbmc said."""
    args = [cbmc, "-I", engine, "-I", PROOFS, "-I", PROOFS / "split",
            *(BINARIES.get(s, s) for s in sources(name, engine)), PROOFS / name / f"{name}.c", *OPTIONS,
            *unwinding(name), *extra]
    if name.startswith(("valid_", "buffer_", "lift_", "view_")) and define != "POSSIBLE":
        args += SAFETY
    if define:
        args.append(f"-D{define}")
    log.parent.mkdir(parents=True, exist_ok=True)
    # Time of the processor, not of the wall: others may have the machine too.
    with open(log, "w") as out:
        process = subprocess.Popen(
            [str(a) for a in args], stdout=out, stderr=out,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU,
                                                  (SECONDS, SECONDS)))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    SPENT.seconds = usage.ru_utime + usage.ru_stime
    if process.returncode < 0:
        log.write_text(log.read_text(errors="replace") +
                       f"\nno end after {SPENT.seconds:.0f} s\n")
    text = log.read_text(errors="replace")
    if re.search(r"^VERIFICATION SUCCESSFUL$", text, re.M):
        return "proved", text
    if re.search(r"^VERIFICATION FAILED$", text, re.M):
        return "refuted", text
    return "no answer", text


def violated(text):
    """The first assertion that fails in a counterexample."""
    found = re.search(r"^Violated property:\n\s*file (\S+) .*?line (\d+).*\n\s*(.*)",
                      text, re.M)
    if not found:
        return ""
    return f"{pathlib.Path(found[1]).name}:{found[2]}: {found[3]}"


def holds(cbmc, name, engine, part, log):
    answer, text = run_cbmc(cbmc, name, engine, None, ["--stop-on-fail", *part], log)
    return answer == "proved", violated(text) or answer


def holds_by_z3(cbmc, name, engine, part, log):
    return holds(cbmc, name, engine, ["--z3", *part], log)


def twin_fails(cbmc, name, engine, _part, log):
    answer, text = run_cbmc(cbmc, name, engine, "TWIN", ["--stop-on-fail"], log)
    # An unwinding assertion is not the failure that is meant; an access outside
    # a buffer (model.h) or an array of the engine, or accepting where that may not
    # be (cases.c) is, where the theorem is that there is none; so is what view.h
    # says of view_*.
    where = violated(text)
    meant = (f"{name}.c", "view.h")
    if name.startswith("valid_"):
        meant += ("model.h", "cases.c")
    ok = answer == "refuted" and "unwinding" not in where and \
        (where.startswith(meant) or name.startswith("valid_") and " bound in " in where)
    return ok, where or answer


def has_cases(cbmc, name, engine, _part, log):
    _, text = run_cbmc(cbmc, name, engine, "POSSIBLE", [], log)
    verdicts = re.findall(r"impossible: (.*): (SUCCESS|FAILURE)$", text, re.M)
    never = [what for what, verdict in verdicts if verdict == "SUCCESS"]
    return bool(verdicts) and not never, "; ".join(never) or "no answer"


def jobs_of(name, z3):
    """The runs that each test of a proof takes."""
    if z3:
        return [(name, " by Z3", holds_by_z3, part, i)
                for i, part in enumerate(parts(name))]
    tests = [("", holds, parts(name))]
    if "possible(" in harness(name):
        tests.append((" has cases", has_cases, [[]]))
    tests.append((" twin fails", twin_fails, [[]]))
    return [(name, kind, test, part, i) for kind, test, split in tests
            for i, part in enumerate(split)]


def run_job(cbmc, job):
    name, kind, test, part, i = job
    log = BUILD / "log" / f"{name}{kind.replace(' ', '-')}-{i}.log"
    ok, why = test(cbmc, name, ENGINE, part, log)
    return name + kind, ok, f"{why}, see {log.relative_to(ROOT)}", \
        SPENT.seconds


def prove(names, tap, z3):
    global SECONDS
    known = KNOWN
    cbmc = tool("cbmc")
    if not (ENGINE / "buffer.c").exists():
        fail(f"no {ENGINE}/buffer.c")
    if z3:
        # cbmc looks for it on the path
        os.environ["PATH"] = f"{pathlib.Path(tool('z3')).parent}:{os.environ['PATH']}"
        SECONDS *= 2
    passed = failed = 0
    if z3 and not names:
        print(f"not asked, but by name: {', '.join(NOT_FOR_Z3)}")
        known = [name for name in known if name not in NOT_FOR_Z3]
    compile_sources(cbmc)
    jobs = [job for name in names or known for job in jobs_of(name, z3)]
    with ending.Pool(JOBS) as pool:
        # Groups: the parts of a proof are next to each other.
        for title, group in itertools.groupby(pool.map(
                lambda job: run_job(cbmc, job), jobs), lambda result: result[0]):
            results = list(group)
            seconds = sum(r[3] for r in results)
            why = [r[2] for r in results if not r[1]]
            passed, failed = passed + (not why), failed + bool(why)
            if tap:
                print(f"{'not ok' if why else 'ok'} {passed + failed} {title}"
                      f" ({'; '.join(why) or f'{seconds:.0f} s'})", flush=True)
            else:
                word = f"FAILED ({'; '.join(why)})" if why else "ok"
                print(f"{title:28} {seconds:6.1f} s  {word}", flush=True)
    if tap:
        print(f"1..{passed + failed}")
    else:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def compiled(work, sources, includes):
    """Their objects, or None where the compiler refuses one."""
    objects = []
    for source in sources:
        objects.append(work / f"{source.stem}.o")
        if subprocess.run(["gcc", "-O1", "-w", "-D_GNU_SOURCE", *GLIB, "-c", source,
                           "-o", objects[-1], *(f"-I{i}" for i in includes)],
                          stderr=subprocess.DEVNULL).returncode:
            return None
    return objects


def linked(work, test, objects, includes):
    program = work / test.stem
    subprocess.run(["gcc", "-O1", "-w", "-D_GNU_SOURCE", *(f"-I{i}" for i in includes),
                    test, *objects, "-o", program, *GLIB], check=True)
    return program


def failing(work, program, *args):
    """The first of the program's tests that fails, or None."""
    try:
        result = subprocess.run([program, *args], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True, timeout=60, cwd=work)
    except subprocess.TimeoutExpired:
        return f"{program.stem} (no end)"
    if not result.returncode:
        return None
    first = re.search(r"^not ok \S+ (\S+)|^Bail out! .*:(\d+: *\w+):", result.stdout, re.M)
    return f"{program.stem}, {first[1] or first[2]}" if first else program.stem


def unit_killer(work):
    """The unit test that fails with the engine in work/engine, or None."""
    includes = [work / "engine", ROOT / "tests/unit"]
    objects = compiled(work, sorted((work / "engine").glob("*.c")), includes)
    if objects is None:
        return "compiler"
    for test in sorted((ROOT / "tests/unit").glob("test_*.c")):
        if found := failing(work, linked(work, test, objects, includes)):
            return found
    return None


def driver_killer(work):
    """The test of the suite "driver" that fails with work/linux-driver, or None."""
    tests = ROOT / "tests/driver"
    includes = [tests / "shim", work / "linux-driver", work / "engine", tests]
    # Whose place the harness's guest_core.c takes.
    takeover = work / "linux-driver/tpmix_takeover.c"
    objects = compiled(work, [*(work / "engine").glob("*.c"), *tests.glob("guest*.c"),
                              tests / "machine.c",
                              *({*(work / "linux-driver").glob("*.c")} - {takeover})],
                       includes)
    if objects is None:
        return "compiler"
    for name, *args in (("wait",), ("life",), ("faults", "tis"), ("faults", "crb")):
        program = linked(work, tests / f"test_{name}.c", objects, includes)
        if found := failing(work, program, *args):
            return f"driver's {found}"
    return None


def mutable_copy(work):
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(ENGINE, work / "engine")
    shutil.copytree(ROOT / "linux-driver", work / "linux-driver")
    return work


def mutant_killer(cbmc, patch, proofs_only):
    work = mutable_copy(BUILD / "mutants" / patch.stem)
    if subprocess.run(["patch", "-p1", "-s", "-d", work, "-i", patch]).returncode:
        return None, "does not apply"
    text = patch.read_text()
    if "\n+++ b/linux-driver/" in text:
        return driver_killer(work), "survives"
    header = re.search(r"^Proof: (\S+)$", text, re.M)
    killer = None if proofs_only and header else unit_killer(work)
    if killer or not header:
        return killer, "survives"
    for part in parts(header[1]):
        answer, text = run_cbmc(cbmc, header[1], work / "engine", None,
                                ["--stop-on-fail", *part], work / "proof.log")
        if answer == "refuted":
            return f"proof {header[1]} ({violated(text)})", ""
    return None, f"survives ({header[1]}: {answer})"


def find_glib():
    GLIB.extend(subprocess.run(["pkg-config", "--cflags", "--libs", "glib-2.0"],
                               stdout=subprocess.PIPE, text=True).stdout.split())
    if not GLIB:
        fail("mutants need libglib2.0-dev: ./run build engine installs it")


def mutants(names, proofs_only):
    patches = sorted(MUTANTS.glob("*.patch"))
    if names:
        patches = [p for p in patches if p.stem in names]
    cbmc = tool("cbmc")
    passed = failed = 0
    find_glib()
    baseline = mutable_copy(BUILD / "mutants" / "none")
    if found := unit_killer(baseline) or driver_killer(baseline):
        fail(f"without any mutant {found} fails")
    with ending.Pool(JOBS) as pool:
        for patch, (killer, why) in zip(patches, pool.map(
                lambda p: mutant_killer(cbmc, p, proofs_only), patches)):
            passed, failed = passed + bool(killer), failed + (not killer)
            print(f"{patch.stem:28} {'killed by ' + killer if killer else 'FAILED: ' + why}",
                  flush=True)
    if not names:
        # For ./run eval.
        KEPT.write_text(json.dumps({"date": time.time(), "mutants": passed + failed,
                                    "killed": passed}) + "\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def parse(argv):
    """The words of one of the two commands."""
    if argv[:1] == ["mutants"]:
        p = Parser("prove mutants", description="Puts each fault of tests/mutants into a "
                   "copy of the engine or the driver; a test or a proof has to notice.")
        p.add_argument("--proofs", action="store_true",
                       help="the proof has to, where the fault names one")
        p.add_argument("names", nargs="*", metavar="NAME", type=one_of(
            "mutant", sorted(path.stem for path in MUTANTS.glob("*.patch"))))
        return p.parse_args(argv[1:])
    p = Parser("prove", description="The proofs, with CBMC: each holds, is not empty, and its "
               "twin fails. \"prove mutants\" has a --help of its own.")
    p.add_argument("--z3", action="store_true", help="asked of Z3 instead")
    p.add_argument("--tap", action="store_true", help="as TAP")
    p.add_argument("names", nargs="*", metavar="NAME", type=one_of("proof", KNOWN),
                   help="of tests/proofs; without one, all")
    return p.parse_args(argv)


def main(argv):
    options = parse(argv)
    if "proofs" in options:
        return mutants(options.names, options.proofs)
    return prove(options.names, options.tap, options.z3)


if __name__ == "__main__":
    sys.exit(ending.guarded(main, sys.argv[1:]))
