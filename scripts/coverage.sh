#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Lines and branches of the engine that the unit tests reach, a file a line.
# Fails below 100 % of either, but for what tests/coverage-exceptions.txt names:
# file, tab, the source line's text, tab, the reason.

. "$(dirname "$0")/lib.sh"

lock
need build-essential pkg-config libglib2.0-dev
engine=${ENGINE:-$ROOT/engine}
out=$BUILD/coverage
rm -rf "$out"
mkdir -p "$out"
cd "$out"
read -ra glib < <(pkg-config --cflags --libs glib-2.0)
for f in "$engine"/*.c; do
    gcc -std=c11 -O0 --coverage -c "$f"
done
for t in "$ROOT"/tests/unit/test_*.c; do
    name=$(basename "$t" .c)
    gcc -std=gnu11 -w -I "$engine" -I "$ROOT/tests/unit" "$t" ./*.o --coverage \
        "${glib[@]}" -o "$name"
    "./$name" >"$name.log" 2>&1 || die "$name failed: see build/coverage/$name.log"
done
for f in "$engine"/*.c; do
    gcov --json-format --stdout --branch-probabilities "$(basename "$f" .c).gcda"
done >gcov.json
"$PYTHON" - "$engine" "$ROOT/tests/coverage-exceptions.txt" <<'PY'
import json
import pathlib
import sys

engine, listed = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
exceptions = {}
for line in listed.read_text().splitlines() if listed.exists() else []:
    if line and not line.startswith("#"):
        name, text, reason = line.split("\t")
        exceptions[name, text] = reason
used, missed, total = set(), [], [0, 0, 0, 0]
print(f"{'file':20}{'lines':>14}{'branches':>14}")
for report in map(json.loads, open("gcov.json")):
    for unit in report["files"]:
        path = pathlib.Path(unit["file"])
        if path.parent != engine or path.suffix != ".c":
            continue
        source = path.read_text().splitlines()
        count = [0, 0, 0, 0]
        for line in unit["lines"]:
            text = source[line["line_number"] - 1].strip()
            arms = [b for b in line["branches"] if not b["throw"]]
            taken = sum(b["count"] > 0 for b in arms)
            key = path.name, text
            gap = line["count"] == 0 or taken < len(arms)
            if gap and key in exceptions:
                used.add(key)
                continue
            if gap:
                missed.append(f"{path.name}:{line['line_number']}: {text}"
                              f"  ({taken} of {len(arms)} branches)")
            for i, n in enumerate((line["count"] > 0, 1, taken, len(arms))):
                count[i] += n
        total = [a + b for a, b in zip(total, count)]
        print(f"{path.name:20}{count[0]:7} of {count[1]:3}{count[2]:7} of {count[3]:3}")
print(f"{'total':20}{total[0]:7} of {total[1]:3}{total[2]:7} of {total[3]:3}")
for key in sorted(used):
    print(f"exception {key[0]}: {key[1]}: {exceptions[key]}")
for line in missed:
    print(f"missed {line}")
for key in sorted(set(exceptions) - used):
    print(f"exception not needed: {key[0]}: {key[1]}")
sys.exit(bool(missed or set(exceptions) - used or not total[1]))
PY
