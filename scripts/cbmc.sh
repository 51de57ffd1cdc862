#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The model checker: prints the path of a cbmc, which it fetches where needed.
# CBMC 6 is in Debian 13 and later; on Debian 12 it is unpacked from trixie into
# build/tools/cbmc, with the C library that it needs, and installed nowhere.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

PACKAGES=(cbmc libc6 libgcc-s1 libstdc++6 minisat)
TREE=$BUILD/tools/cbmc
WRAPPER=$TREE/run-cbmc

. /etc/os-release
if [ "${VERSION_ID:-13}" -ge 13 ]; then
    need cbmc
    command -v cbmc
    exit
fi

if [ ! -x "$WRAPPER" ]; then
    debs=$DOWNLOADS/debs
    mkdir -p "$debs"
    # A tree without its list of checksums is fetched anew; the list makes a
    # second run after ./run clean ask the network for nothing.
    if ! (cd "$debs" && sha256sum --quiet -c cbmc.sha256) >/dev/null 2>&1; then
        say "fetching CBMC from trixie"
        part=$debs/cbmc.part
        rm -rf "$part"
        mkdir -p "$part"
        if ! (cd "$part" && quiet cbmc-download apt_root trixie \
            apt-get download "${PACKAGES[@]}"); then
            rm -f "$BUILD/apt/trixie/ready"
            die "no network, or trixie has changed since its package lists were fetched: try again"
        fi
        (cd "$part" && sha256sum -- *.deb >cbmc.sha256)
        mv -f "$part"/*.deb "$part/cbmc.sha256" "$debs"
        rmdir "$part"
    fi
    rm -rf "$TREE"
    mkdir -p "$TREE"
    while read -r _ deb; do
        dpkg-deb -x "$debs/$deb" "$TREE"
    done <"$debs/cbmc.sha256"
    # Through the tree's own loader, and not by LD_LIBRARY_PATH: cbmc calls the
    # machine's gcc, which must keep the machine's libraries.
    cat >"$WRAPPER.part" <<'WRAP'
#!/bin/sh
tree=$(dirname "$(readlink -f "$0")")
lib=$tree/usr/lib/x86_64-linux-gnu
exec "$lib/ld-linux-x86-64.so.2" --argv0 cbmc \
    --library-path "$lib:$tree/usr/lib" "$tree/usr/bin/cbmc" "$@"
WRAP
    chmod +x "$WRAPPER.part"
    mv "$WRAPPER.part" "$WRAPPER"
fi
echo "$WRAPPER"
