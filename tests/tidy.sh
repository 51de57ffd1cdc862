#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tidy.sh PROGRAM ARGUMENT...: a test of meson's. What it leaves in TMPDIR is removed.
# TPMIX_QEMU: it wants a QEMU, this one where QEMU is not in the environment.

if [ -n "$TPMIX_QEMU" ]; then
    export QEMU="${QEMU:-$TPMIX_QEMU}"
    if ! command -v "$QEMU" >/dev/null; then
        echo "1..0 # SKIP no $QEMU: ./run build qemu, or QEMU=PATH in the environment"
        exit 0
    fi
fi
TMPDIR=$(mktemp -d) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 143' INT TERM HUP
"$@" &
wait $!
