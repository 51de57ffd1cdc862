#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The performance tables. So far one: engine, what the engine costs its host, built
# as a host would build it (-O2, no sanitizers).
#
# bench.sh [--quick] [engine]

. "$(dirname "$0")/lib.sh"

rounds=10000
for word in "$@"; do
    case $word in
    -h | --help)
        echo "./run bench [--quick] [engine]: ns for one access, doorbell or completion"
        exit
        ;;
    --quick) rounds=500 ;;
    engine) ;;
    *) die "bench takes --quick and engine, not '$word'" ;;
    esac
done

need build-essential
mkdir -p "$BUILD/bench"
mapfile -t sources < <(engine_sources)
gcc -std=gnu11 -O2 -Wall -Wextra -Werror -I "$ROOT/engine" \
    -o "$BUILD/bench/bench_engine" "$ROOT/tests/bench/bench_engine.c" "${sources[@]}"
exec "$BUILD/bench/bench_engine" "$rounds"
