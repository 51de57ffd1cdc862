#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# ./run fuzz SECONDS [TARGET]: libFuzzer over tests/fuzz for that long, shared by
# the targets where none is named. What is learnt stays in build/fuzz/corpus, what
# fails in build/fuzz/crashes. See tests/fuzz/README.md.

. "$(dirname "$0")/lib.sh"

TARGETS=(engine load device)
FUZZ=$ROOT/tests/fuzz
BIN=$BUILD/fuzz/bin

install_tools() {
    need clang llvm
    # The runtime's package has the compiler's major version in its name.
    need "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
}

# sources_of TARGET: sets sources and flags.
sources_of() {
    flags=(-std=gnu11 -g -O2 -fno-omit-frame-pointer -I"$ROOT/engine" -I"$FUZZ"
        "-fsanitize=fuzzer,address,undefined" -fno-sanitize-recover=all)
    sources=("$ROOT"/engine/*.c "$FUZZ"/{actions*,host}.c "$FUZZ/fuzz_$1.c")
    libraries=()
    case $1 in
    engine)
        sources+=("$FUZZ"/{game,view,model*}.c)
        # Actions are structured: what comparisons tell costs more than it finds.
        flags+=(-fno-sanitize-coverage=trace-cmp)
        ;;
    load) sources+=("$FUZZ"/{game,view,model*}.c) ;;
    device)
        need pkg-config libglib2.0-dev libjson-glib-dev
        # A QEMU of another engine would differ, and rightly so.
        [ -n "${QEMU:-}" ] || "$ROOT/scripts/qemu.sh"
        export QEMU=${QEMU:-$BUILD/qemu/obj/qemu-system-x86_64}
        sources+=("$ROOT"/tests/qtest/{qtest_client,tpm_stub}*.c)
        read -ra libraries <<<"$(pkg-config --cflags --libs glib-2.0 json-glib-1.0)"
        flags+=(-D_GNU_SOURCE -I"$ROOT/tests/qtest" -fno-sanitize-coverage=trace-cmp)
        libraries+=(-lpthread)
        ;;
    esac
}

compile() {
    local sources flags libraries
    sources_of "$1"
    if [ -x "$BIN/$1" ] && [ -z "$(find "$ROOT/engine" "$FUZZ" "$ROOT/tests/qtest" \
        "$ROOT/scripts/fuzz.sh" -name '*.[chs]*' -newer "$BIN/$1" -print -quit)" ]; then
        return
    fi
    mkdir -p "$BIN"
    quiet "fuzz-build-$1" clang "${flags[@]}" -o "$BIN/$1" "${sources[@]}" "${libraries[@]}"
}

# Says what was found, in one line, and returns 1.
report_crash() {
    local target=$1 log=$2 file what
    file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    what=$(grep -a -m 1 -o -E 'fuzz: .*|fuzz device: .*|runtime error: .*|(Address|Leak)Sanitizer: .*|libFuzzer: [a-z].*' \
        "$log" | sed 's/^fuzz[^:]*: //' | cut -c 1-160)
    printf 'run: fuzz %s: %s; see each action: FUZZ_TRACE=1 %s %s; mend it, then keep the file in tests/fuzz/regress/%s/\n' \
        "$target" "${what:-ended early, see build/log/fuzz-$target.log}" \
        "build/fuzz/bin/$target" "${file#"$ROOT"/}" "$target" >&2
    return 1
}

fuzz() {
    local target=$1 seconds=$2 log=$BUILD/log/fuzz-$1.log dirs start=$SECONDS status=0
    local running
    mkdir -p "$BUILD/log" "$BUILD/fuzz/corpus/$target" "$BUILD/fuzz/crashes/$target"
    dirs=("$BUILD/fuzz/corpus/$target")
    local dir
    for dir in "$FUZZ/corpus/$target" "$FUZZ/regress/$target"; do
        [ ! -d "$dir" ] || dirs+=("$dir")
    done
    say "fuzz $target: $seconds s"
    ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=4 \
        "$BIN/$target" -max_total_time="$seconds" -max_len=512 -reload=0 \
        -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$BUILD/fuzz/crashes/$target/" "${dirs[@]}" >"$log" 2>&1 &
    running=$!
    while kill -0 "$running" 2>/dev/null; do
        if [ -t 2 ]; then
            printf '\r    %4ds %-70.70s' $((SECONDS - start)) \
                "$(grep -a 'cov:' "$log" | tail -n 1)" >&2
        elif [ $(((SECONDS - start) % 30)) = 29 ]; then
            printf '    %ds %s\n' $((SECONDS - start)) \
                "$(grep -a 'cov:' "$log" | tail -n 1 | cut -c 1-70)" >&2
        fi
        sleep 1
    done
    [ -t 2 ] && printf '\r%-80s\r' '' >&2
    wait "$running" || status=$?
    [ $status = 0 ] || { report_crash "$target" "$log"; return 1; }
    local runs edges
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -a -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2)
    printf '%s: %s runs, %s edges, %s inputs, nothing found\n' "$target" "$runs" "$edges" \
        "$(find "$BUILD/fuzz/corpus/$target" -type f | wc -l)"
    keep "$target" "$seconds" "$runs" "$edges"
}

# keep TARGET SECONDS RUNS EDGES: for ./run eval.
keep() {
    "$PYTHON" - "$BUILD/log/fuzz.json" "$@" <<'PY'
import json
import pathlib
import sys
import time

path, target, *numbers = pathlib.Path(sys.argv[1]), *sys.argv[2:]
kept = json.loads(path.read_text()) if path.exists() else {}
kept[target] = dict(zip(("seconds", "runs", "edges"), map(int, numbers)), date=time.time())
path.write_text(json.dumps(kept) + "\n")
PY
}

case ${1:-} in
"" | *[!0-9]* | 0) die "fuzz takes SECONDS and, if wanted, one of: ${TARGETS[*]}" ;;
esac
seconds=$1
if [ $# -gt 1 ]; then
    case " ${TARGETS[*]} " in
    *" $2 "*) TARGETS=("$2") ;;
    *) die "no fuzz target '$2': ${TARGETS[*]}" ;;
    esac
fi
lock
install_tools
for target in "${TARGETS[@]}"; do
    compile "$target"
done
unlock
failed=0
share=$((seconds / ${#TARGETS[@]}))
for target in "${TARGETS[@]}"; do
    fuzz "$target" $((share > 0 ? share : 1)) || failed=1
done
exit $failed
