#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What ./run eval needs beside what it measures: the libraries of the page, and Debian's QEMU of
# trixie-backports, whose tpm-crb has chunks (cap-chunk): a binary that is unpacked with its
# libraries in build/eval/qemu-chunked and installed nowhere. Where Debian has it no more, or
# there is no network, "missing" there says so, and so does the page.

. "$(dirname "$0")/lib.sh"

SUITE=trixie-backports
DEBS=$DOWNLOADS/qemu-system-$SUITE
TREE=$BUILD/eval/qemu-chunked

have() { (cd "$DEBS" && sha256sum --quiet -c SHA256SUMS) >/dev/null 2>&1; }

fetch() {
    rm -rf "$DEBS"
    mkdir -p "$DEBS/partial"
    # apt's own state says that nothing is installed: it fetches all of it.
    quiet eval-qemu-fetch apt_root "trixie+$SUITE" apt-get install -y --download-only \
        --no-install-recommends -t "$SUITE" -o Dir::Cache::archives="$DEBS" qemu-system-x86
    (cd "$DEBS" && sha256sum ./*.deb >SHA256SUMS)
}

unpack_all() {
    unpack "$TREE" "$DEBS"/*.deb
    own_loader "$TREE" usr/bin/qemu-system-x86_64
    cp "$DEBS/SHA256SUMS" "$TREE/"
}

lock
need python3-jinja2 python3-matplotlib build-essential pkg-config libglib2.0-dev
mkdir -p "$BUILD/eval"
if ! have; then
    say "fetching the QEMU of $SUITE with its libraries"
    if ! (fetch); then
        rm -rf "$DEBS"
        mkdir -p "$TREE"
        rm -f "$TREE/run"
        echo "Debian's QEMU of $SUITE could not be fetched (build/log/eval-qemu-fetch.log)" \
            >"$TREE/missing"
        exit 0
    fi
fi
# Absolute paths are in it.
if [ "$(cat "$TREE/at" 2>/dev/null)" != "$TREE" ] ||
    ! cmp -s "$DEBS/SHA256SUMS" "$TREE/SHA256SUMS"; then
    say "unpacking the QEMU of $SUITE"
    unpack_all
    printf '%s\n' "$TREE" >"$TREE/at"
fi
