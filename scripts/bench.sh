#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds the programs of ./run bench: the engine as a host would have it (-O2, no
# sanitizers); the one that sends commands, static, to run in any guest; what stands in
# front of libtpms in swtpm; and a TPM with a large buffer.

. "$(dirname "$0")/lib.sh"

cd "$ROOT/tests"
lock
need build-essential pkg-config libglib2.0-dev swtpm
mkdir -p "$BUILD/bench"
mapfile -t sources < <(engine_sources)
mapfile -t double < <(ls "$ROOT"/tests/qtest/tpm_stub*.c)
read -ra glib < <(pkg-config --cflags --libs glib-2.0 gio-2.0)
flags=(-std=gnu11 -O2 -Wall -Wextra -Werror -I "$ROOT/engine")
id=$(cat "$ROOT/scripts/bench.sh" "$ROOT"/engine/*.[ch] bench/*.[ch] guest/tpm_double.c qtest/tpm_stub* | sha256sum)
[ "$(cat "$BUILD/bench/built" 2>/dev/null)" = "$id" ] && exit
gcc "${flags[@]}" -o "$BUILD/bench/bench_engine" bench/bench_engine.c "${sources[@]}"
gcc "${flags[@]}" -static -o "$BUILD/bench/bench_tpm" bench/bench_tpm.c
gcc "${flags[@]}" -D_GNU_SOURCE -shared -fPIC -o "$BUILD/bench/tpm_clock.so" bench/tpm_clock.c
gcc "${flags[@]}" -I qtest -o "$BUILD/bench/tpm_double" guest/tpm_double.c \
    "${double[@]}" "${glib[@]}"
echo "$id" >"$BUILD/bench/built"
