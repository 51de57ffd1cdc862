#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The code blocks of README, docs and the other pages, and the examples of the man pages,
as they are typed: a page's blocks one after the other in one shell, in a directory where
the tree's files are. What cannot run says why, in a comment above. TAP on stdout.

test_docs.py [PAGE...]: only these; "rest": all that boot no guest."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import ending  # noqa: E402

# These boot guests.
SLOW = ("README.md", "docs/plugin.md", "docs/mmio-replay.7")
# Wants a libvirtd: the suite libvirt has one, and runs this program beside it.
ELSEWHERE = ("docs/libvirt.md",)
NOT_RUN = 28    # blocks and examples; a new one is a decision
TIMEOUT_S = 560
# Above a block, with an empty line between.
MARK = re.compile(r"<!-- not run: \S.* -->")
MAN_MARK = re.compile(r'\.\\" not run: \S.*')


def page_blocks(text):
    """(line, whether it runs, commands) of each block of a page."""
    lines, found, number = text.split("\n"), [], 0
    while number < len(lines):
        begin = number
        fenced = lines[number].startswith("```")
        if fenced:
            number += 1
            while not lines[number].startswith("```"):
                number += 1
            block = lines[begin + 1:number]
            number += 1
        elif lines[number].startswith("    ") and not lines[number - 1].strip():
            while number < len(lines) and (lines[number].startswith("    ") or
                                           not lines[number].strip()):
                number += 1
            block = [line[4:] for line in lines[begin:number]]
        else:
            number += 1
            continue
        above = [line for line in lines[:begin] if line.strip()][-1:]
        found.append((begin + 1, not (above and MARK.fullmatch(above[0])), "\n".join(block)))
    return found


def man_blocks(text):
    """The same of a man page's section EXAMPLES: its titles."""
    before, _, examples = text.partition("\n.SH EXAMPLES\n")
    lines, first = examples.partition("\n.SH ")[0].split("\n"), before.count("\n") + 3
    return [(first + number, not MAN_MARK.fullmatch(lines[number - 2]),
             line[3:].replace("\\-", "-").strip('"'))
            for number, line in enumerate(lines)
            if line.startswith(".B ") and lines[number - 1] == ".TP"]


def blocks(path):
    text = path.read_text(encoding="utf-8")
    return man_blocks(text) if path.suffix in (".1", ".7") else page_blocks(text)


def pages():
    names = subprocess.run(["git", "ls-files", "*.md", "*.1", "*.7"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.split()
    found = (ROOT / name for name in names if not (ROOT / name).is_symlink())
    return {str(path.relative_to(ROOT)): blocks(path) for path in found
            if "subprojects" not in path.parts}


def bye(pipe, done):
    """A shell in a guest, which has what the page's reader types, is left."""
    try:
        while not done.wait(2):
            pipe.write(b"exit\n")
            pipe.flush()
    except OSError:
        pass  # it does not read any more


def run(commands):
    """Types them; commands: of (line, text)."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for path in ROOT.iterdir():
            (work / path.name).symlink_to(path)
        # What a page has in /tmp is this run's.
        (work / "tmp").mkdir()
        script = "set -e\n" + "".join(
            f"echo '# line {line}:' >&2\n{text.replace('/tmp/', f'{work}/tmp/')}\n"
            for line, text in commands)
        # As where it is installed, for the man pages.
        env = os.environ | {"HOME": name, "LD_LIBRARY_PATH": str(ROOT / "build/tcti/tcti"),
                            "PATH": f"{ROOT}/build/tcti/tools:{os.environ['PATH']}"}
        env.pop("XDG_STATE_HOME", None)
        done = threading.Event()
        with open(work / "tmp/said", "w+b") as said:
            process = subprocess.Popen(["bash", "-c", script], cwd=work, env=env,
                                       stdin=subprocess.PIPE, stdout=said, stderr=said)
            threading.Thread(target=bye, args=[process.stdin, done], daemon=True).start()
            try:
                status = process.wait(TIMEOUT_S)
            finally:
                done.set()
                ending.end_descendants()
                said.seek(0)
                text = said.read().decode(errors="replace")
                print("".join(f"# {line}\n" for line in text.split("\n")), file=sys.stderr)
    last = text.rpartition("# line ")[2].strip().split("\n")
    assert status == 0, f"status {status}, line {last[0]} {' '.join(last[-3:])}"


def main(words):
    found = pages()
    tests = [(f"{name}: {len(runs)} blocks", lambda runs=runs: run(runs))
             for name in found if name in words or name not in ELSEWHERE and
             (not words or "rest" in words and name not in SLOW)
             if (runs := [(line, text) for line, runs, text in found[name] if runs])]
    if "rest" in words or not words:
        tests.append((f"{NOT_RUN} blocks say why they are not run", counted))
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (title, function) in enumerate(tests, 1):
        begin, why = time.monotonic(), ""
        try:
            function()
        except subprocess.TimeoutExpired:
            failed, why = failed + 1, f"# no end within {TIMEOUT_S} s"
        except AssertionError as error:
            failed, why = failed + 1, f"# {str(error)[-600:]}".replace("\n", " ")
        print(f"{'not ok' if why else 'ok'} {number} - {title} "
              f"({time.monotonic() - begin:.0f} s)")
        if why:
            print(why, flush=True)
    return 1 if failed or not tests else 0


def counted():
    left = [f"{name}:{line}" for name, found in pages().items()
            for line, runs, _ in found if not runs]
    assert len(left) == NOT_RUN, f"{len(left)}: {' '.join(left)}"


if __name__ == "__main__":
    # What a page starts ends with it, daemons too.
    sys.exit(ending.guarded(main, sys.argv[1:]))
