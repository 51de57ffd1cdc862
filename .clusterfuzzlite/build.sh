#!/bin/bash -eu
# SPDX-License-Identifier: BSD-2-Clause
#
# OSS-Fuzz's contract: CC, CXX, CFLAGS, CXXFLAGS and LIB_FUZZING_ENGINE are given,
# a target NAME goes to $OUT/NAME, its inputs to $OUT/NAME_seed_corpus.zip. The
# device target is left out: it needs a QEMU beside it.

cd "$SRC/tpmix"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile SOURCE: prints the object.
compile() {
    local object
    object=$work/$(basename "$1" .c).o
    # shellcheck disable=SC2086 # lists of flags
    $CC $CFLAGS -std=gnu11 -Iengine -Itests/fuzz -c "$1" -o "$object"
    echo "$object"
}

shared=()
for source in engine/*.c tests/fuzz/{actions*,game,host,view,model*}.c; do
    object=$(compile "$source")
    shared+=("$object")
done
for target in engine load; do
    object=$(compile "tests/fuzz/fuzz_$target.c")
    # shellcheck disable=SC2086 # lists of flags
    $CXX $CXXFLAGS "$object" "${shared[@]}" $LIB_FUZZING_ENGINE -o "$OUT/fuzz_$target"
    inputs=(tests/fuzz/corpus/"$target"/*)
    [ ! -d "tests/fuzz/regress/$target" ] || inputs+=(tests/fuzz/regress/"$target"/*)
    zip -q -j "$OUT/fuzz_${target}_seed_corpus.zip" "${inputs[@]}"
    printf '[libfuzzer]\nmax_len = 512\n' >"$OUT/fuzz_$target.options"
done
