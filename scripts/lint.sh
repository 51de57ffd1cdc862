#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Every linter and style check: warnings of two compilers, cppcheck, checkpatch.pl
# of QEMU and of Linux, sparse, shellcheck, pyflakes, reuse.

. "$(dirname "$0")/lib.sh"

lock
need build-essential clang cppcheck shellcheck pyflakes3 reuse libglib2.0-dev \
    libtpms-dev libtss2-dev libjson-glib-dev
cd "$ROOT"
failed=0

# check NAME COMMAND...: a line for each check, its output where it fails.
check() {
    local name=$1 log=$BUILD/log/lint-${1// /-}.log
    shift
    mkdir -p "$BUILD/log"
    if "$@" >"$log" 2>&1; then
        printf '%-28s ok\n' "$name"
    else
        printf '%-28s FAILED\n' "$name"
        cat "$log"
        failed=1
    fi
}

# meson, the plug-in and QEMU's subproject build what engine/meson.build lists.
engine_list() { diff <(engine_sources | sort) <(ls "$ROOT"/engine/*.c); }

engine_warnings() {
    local f
    for f in engine/*.c; do
        "$1" -std=c11 -O2 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion \
            -Wshadow -Wcast-qual -Werror "$f" || return 1
    done
}

# A subproject of QEMU has a style of its own, and QEMU's checkpatch no say. The
# engine's is the kernel's, but that it is C11 and no kernel code, has braces always,
# and names no function by chance.
engine_checkpatch() {
    local own=SPDX_LICENSE_TAG,PREFER_KERNEL_TYPES,ARRAY_SIZE,VOLATILE,BRACES
    own+=,UNNECESSARY_ELSE,EMBEDDED_FUNCTION_NAME
    perl "$BUILD/driver/source-7.3/scripts/checkpatch.pl" --no-tree --terse --no-summary \
        --ignore $own -f engine/*.[ch] examples/*.c examples/kvm/*.[ch]
}

# QEMU's own style check, on QEMU's front-ends and on the patches to its files.
qemu_checkpatch() {
    local f rc=0
    # --no-tree is not known there; -f judges a file as a whole. Our header
    # lines name no maintainer, and a new file is not in MAINTAINERS.
    for f in hw/*/*.[ch] plugin/*.[ch] plugin/include/*.h; do
        "$BUILD/qemu/src/scripts/checkpatch.pl" --no-signoff -f "$f" || rc=1
    done
    for f in qemu/patches/*.patch qemu/patches/*/*.patch; do
        (cd "$BUILD/qemu/src" && ./scripts/checkpatch.pl --strict "$ROOT/$f") || rc=1
    done
    return $rc
}

# Compiled with -Werror by meson; here the other compiler and what meson leaves out.
tcti_warnings() {
    local f flags
    read -ra flags < <(pkg-config --cflags glib-2.0 tss2-sys json-glib-1.0)
    for f in tcti/*.c tests/tcti/*.c tools/*.c; do
        clang -std=gnu11 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wshadow -Wvla \
            -Wstrict-prototypes -Wcast-qual -Werror -I engine -I tcti -I tests/tcti \
            -DTPMIX_PROJECT_VERSION='"0"' \
            "${flags[@]}" "$f" || return 1
    done
}

pure_engine() {
    ! grep -nE '#[[:space:]]*include[[:space:]]*[<"](glib|qemu/|hw/|qapi/|std(io|lib)|linux/)' engine/*.[ch]
}

spdx() {
    local f rc=0
    while read -r f; do
        head -n 3 "$f" | grep -q SPDX-License-Identifier ||
            { echo "$f: no SPDX line"; rc=1; }
    done < <(git ls-files '*.c' '*.h' '*.py' '*.sh' '*.bash' 'run' '.ci/run' 'guest/init' '*meson.build' '*.rst' \
        'docs/site/*' '.clusterfuzzlite/*')
    return $rc
}

"$ROOT/scripts/qemu.sh" source
check "engine, gcc" engine_warnings gcc
check "engine, clang" engine_warnings clang
check "engine is pure" pure_engine
check "engine, list of files" engine_list
check "tcti, clang" tcti_warnings
check "cppcheck" cppcheck --quiet --std=c11 --enable=warning,portability,performance \
    --error-exitcode=1 --inline-suppr -I engine engine tcti tools
check "qemu checkpatch" qemu_checkpatch
check "driver (W=1, sparse, checkpatch)" "$ROOT/scripts/driver.sh" lint
check "engine checkpatch (Linux)" engine_checkpatch
check "shellcheck" shellcheck -x -P scripts run .ci/run scripts/*.sh .clusterfuzzlite/build.sh \
    tools/tpmix.bash tests/tidy.sh
check "pyflakes" pyflakes3 scripts/*.py scripts/eval/*.py docs/site/*.py tests/*.py tests/*/*.py
check "SPDX" spdx
check "licences (reuse)" reuse lint --quiet
[ $failed = 0 ] || die "lint found something"
say "lint: nothing found"
