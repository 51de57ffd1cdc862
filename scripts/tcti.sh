#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds libtss2-tcti-indexed.so.0 in build/tcti/tcti, without the sanitizers of
# build/host: other programs load it. "tests": also what the tests of it need, with
# tpm2-tss's headers of Debian 13 in build/tcti/headers/trixie.

. "$(dirname "$0")/lib.sh"

DIR=$BUILD/tcti

headers() {
    local suite=$1 dir=$DIR/headers/$1 deb
    if [ ! -e "$dir/usr/include/tss2/tss2_tcti.h" ]; then
        mkdir -p "$DIR/headers" "$DOWNLOADS"
        deb=$(apt_root "$suite" apt-get download --print-uris libtss2-dev | cut -d' ' -f2)
        [ -e "$DOWNLOADS/$deb" ] ||
            (cd "$DOWNLOADS" && apt_root "$suite" apt-get download -qq libtss2-dev >&2)
        unpack "$dir" "$DOWNLOADS/$deb"
    fi
}

lock
need build-essential ninja-build pkg-config meson libglib2.0-dev \
    libjson-glib-dev libtpms-dev libtss2-dev
meson_setup tcti-setup "$DIR" -Dwerror=true -Dtpmix:werror=true \
    -Dbuildtype=debugoptimized
quiet tcti-build ninja -C "$DIR" tcti/libtss2-tcti-indexed.so.0.0.0
if [ "${1:-}" = tests ]; then
    need tpm2-tools tshark swtpm man-db
    headers trixie
fi
