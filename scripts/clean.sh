#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# clean.sh: removes what was built. clean.sh all: also what was downloaded.

. "$(dirname "$0")/lib.sh"

[ -e "$BUILD" ] || exit 0
lock
if [ "${1:-}" = all ]; then
    rm -rf "$BUILD"
else
    # Downloads are kept by name and checksum, so are apt's package lists.
    find "$BUILD" -mindepth 1 -maxdepth 1 ! -name downloads ! -name apt ! -name lock \
        -exec rm -rf {} +
fi
