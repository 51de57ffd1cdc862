#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds the programs of ./run bench: the engine as a host would have it (-O2, no
# sanitizers), and the one that sends commands, static, to run in any guest.

. "$(dirname "$0")/lib.sh"

lock
need build-essential
mkdir -p "$BUILD/bench"
mapfile -t sources < <(engine_sources)
flags=(-std=gnu11 -O2 -Wall -Wextra -Werror -I "$ROOT/engine")
gcc "${flags[@]}" -o "$BUILD/bench/bench_engine" "$ROOT/tests/bench/bench_engine.c" \
    "${sources[@]}"
gcc "${flags[@]}" -static -o "$BUILD/bench/bench_tpm" "$ROOT/tests/bench/bench_tpm.c"
