#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run prove [NAME...] | mutants [NAME...]: proofs over the engine's sources.

Each proof (tests/proofs/NAME) is three tests: it holds; what it calls possible
is, so that it does not hold for want of cases; its twin, built with -DTWIN,
fails. "mutants" applies each of tests/mutants to a copy of the engine, and wants
a unit test or a proof to notice. docs/soundness.md says what all this shows."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENGINE = pathlib.Path(os.environ.get("ENGINE", ROOT / "engine"))
PROOFS = ROOT / "tests" / "proofs"
MUTANTS = ROOT / "tests" / "mutants"
BUILD = ROOT / "build" / "prove"
SECONDS = int(os.environ.get("PROVE_SECONDS", 300))
WIDE_ACCESS = bool(os.environ.get("PROVE_WIDE"))

OPTIONS = ("--function proof --unwinding-assertions --slice-formula "
           "--no-standard-checks").split()
SAFETY = ("--bounds-check --pointer-check --undefined-shift-check "
          "--signed-overflow-check").split()
# The loops of accesses, by width: within an aligned word; aligned 8 bytes; any.
LOOPS = ["tpmix_write.0", "tpmix_read.0", "tpmix_mmio_read.0", "tpmix_is_fifo.0"]
WORD, LONG, WIDE = (2, 5, 5, 5), (3, 9, 9, 9), (4, 9, 9, 9)
WIDTH = {"r4_readable": LONG, "r7_rollback": LONG}
# The loops of the real buffer.c and of its harnesses.
UNWIND = {"buffer_bytes": 26, "buffer_crc": 34}


def unwinding(name, wide):
    if name in UNWIND:
        return ["--unwind", str(UNWIND[name])]
    counts = WIDE if wide else WIDTH.get(name, WORD)
    pairs = [f"{loop}:{n}" for loop, n in zip(LOOPS, counts)]
    return ["--unwind", "11", "--unwindset", ",".join([*pairs, "write_word.0:5", "write_word.1:5"])]


def fail(message):
    print(f"run: {message}", file=sys.stderr)
    sys.exit(1)


def cbmc_path():
    result = subprocess.run([ROOT / "scripts/cbmc.sh"], stdout=subprocess.PIPE,
                            text=True)
    if result.returncode:
        fail("no CBMC")
    return result.stdout.strip()


def sources(name, engine):
    if name.startswith("buffer_"):
        return [engine / "buffer.c"]
    return [engine / f"{n}.c" for n in
            ("fifo", "indexed", "locality", "mmio", "transaction", "valid")]


def run_cbmc(cbmc, name, engine, define, extra, log):
    """'proved', 'refuted' or 'no answer'; and what cbmc said."""
    args = [cbmc, "-I", engine, *sources(name, engine),
            PROOFS / name / f"{name}.c", *OPTIONS, *unwinding(name, WIDE_ACCESS), *extra]
    if name.startswith(("valid_", "buffer_")) and define != "POSSIBLE":
        args += SAFETY
    if define:
        args.append(f"-D{define}")
    if WIDE_ACCESS:
        args.append("-DWIDE")
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as out:
        try:
            subprocess.run([str(a) for a in args], stdout=out, stderr=out,
                           timeout=SECONDS)
        except subprocess.TimeoutExpired:
            out.write(f"\nno end after {SECONDS} s\n")
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


def holds(cbmc, name, engine, log):
    answer, text = run_cbmc(cbmc, name, engine, None, ["--stop-on-fail"], log)
    return answer == "proved", violated(text) or answer


def twin_fails(cbmc, name, engine, log):
    answer, text = run_cbmc(cbmc, name, engine, "TWIN", ["--stop-on-fail"], log)
    # An unwinding assertion is not the failure that is meant; an access outside
    # a buffer (model.h) is, where the theorem is that there is none.
    where = violated(text)
    meant = (f"{name}.c", "model.h") if name.startswith("valid_") else f"{name}.c"
    ok = answer == "refuted" and "unwinding" not in where and \
        where.startswith(meant)
    return ok, where or answer


def has_cases(cbmc, name, engine, log):
    if "possible(" not in (PROOFS / name / f"{name}.c").read_text():
        return None, ""
    _, text = run_cbmc(cbmc, name, engine, "POSSIBLE", [], log)
    verdicts = re.findall(r"impossible: (.*): (SUCCESS|FAILURE)$", text, re.M)
    never = [what for what, verdict in verdicts if verdict == "SUCCESS"]
    return bool(verdicts) and not never, "; ".join(never) or "no answer"


def prove(names):
    known = sorted(p.name for p in PROOFS.iterdir() if p.is_dir())
    for name in names:
        if name not in known:
            fail(f"no proof '{name}': {', '.join(known)}")
    cbmc = cbmc_path()
    if not (ENGINE / "buffer.c").exists():
        fail(f"no {ENGINE}/buffer.c")
    passed = failed = 0
    for name in names or known:
        for kind, test in (("", holds), (" has cases", has_cases),
                           (" twin fails", twin_fails)):
            begin = time.monotonic()
            log = BUILD / "log" / f"{name}{kind.replace(' ', '-')}.log"
            ok, why = test(cbmc, name, ENGINE, log)
            if ok is None:
                continue
            passed, failed = passed + ok, failed + (not ok)
            word = "ok" if ok else f"FAILED ({why}), see {log.relative_to(ROOT)}"
            if ok and kind == " twin fails":
                word += f" ({why})"
            print(f"{name + kind:28} {time.monotonic() - begin:6.1f} s  {word}",
                  flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def unit_killer(work):
    """The unit test that fails with the engine in work/engine, or None."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "glib-2.0"],
                           stdout=subprocess.PIPE, text=True).stdout.split()
    objects = []
    for source in sorted((work / "engine").glob("*.c")):
        objects.append(work / f"{source.stem}.o")
        if subprocess.run(["gcc", "-O1", "-w", "-c", source, "-o", objects[-1]],
                          stderr=subprocess.DEVNULL).returncode:
            return "compiler"
    for test in sorted((ROOT / "tests/unit").glob("test_*.c")):
        program = work / test.stem
        subprocess.run(["gcc", "-O1", "-w", "-I", work / "engine", "-I",
                        ROOT / "tests/unit", test, *objects, "-o", program,
                        *flags], check=True)
        try:
            result = subprocess.run([program], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True,
                                    timeout=60, cwd=work)
        except subprocess.TimeoutExpired:
            return f"{test.stem} (no end)"
        if result.returncode:
            first = re.search(r"^not ok \S+ (\S+)", result.stdout, re.M)
            return f"unit {first[1] if first else test.stem}"
    return None


def mutant_killer(cbmc, patch):
    work = BUILD / "mutants" / patch.stem
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(ENGINE, work / "engine")
    if subprocess.run(["patch", "-p1", "-s", "-d", work, "-i", patch]).returncode:
        return None, "does not apply"
    header = re.search(r"^Proof: (\S+)$", patch.read_text(), re.M)
    killer = unit_killer(work)
    if killer or not header:
        return killer, "survives"
    answer, text = run_cbmc(cbmc, header[1], work / "engine", None,
                            ["--stop-on-fail"], work / "proof.log")
    if answer == "refuted":
        return f"proof {header[1]} ({violated(text)})", ""
    return None, f"survives ({header[1]}: {answer})"


def mutants(names):
    patches = sorted(MUTANTS.glob("*.patch"))
    if names:
        patches = [p for p in patches if p.stem in names]
    cbmc = cbmc_path()
    passed = failed = 0
    if subprocess.run(["pkg-config", "--exists", "glib-2.0"]).returncode:
        fail("mutants need libglib2.0-dev: ./run build engine installs it")
    baseline = BUILD / "mutants" / "none"
    shutil.rmtree(baseline, ignore_errors=True)
    shutil.copytree(ENGINE, baseline / "engine")
    if unit_killer(baseline):
        fail("the unit tests fail without any mutant")
    with concurrent.futures.ThreadPoolExecutor(
            int(os.environ.get("PROVE_JOBS", 1))) as pool:
        for patch, (killer, why) in zip(patches, pool.map(
                lambda p: mutant_killer(cbmc, p), patches)):
            passed, failed = passed + bool(killer), failed + (not killer)
            print(f"{patch.stem:28} {'killed by ' + killer if killer else 'FAILED: ' + why}",
                  flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main(args):
    if args[:1] == ["mutants"]:
        return mutants(args[1:])
    return prove(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
