#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the proofs run: trixie-tool.sh cbmc|z3 prints the path of a program of that name,
# which it fetches where needed. Debian 12 has no CBMC 6, and a Z3 that is much slower:
# there they are unpacked from trixie into build/tools, with the C library that they
# need, and installed nowhere.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

TOOL=$1
case $TOOL in
cbmc) PACKAGES=(cbmc minisat) ;;
z3) PACKAGES=(z3 libz3-4) ;;
*) die "no tool '$TOOL': cbmc, z3" ;;
esac
TREE=$BUILD/tools/$TOOL
WRAPPER=$TREE/bin/$TOOL

. /etc/os-release
if [ "${VERSION_ID:-13}" -ge 13 ]; then
    need "$TOOL"
    command -v "$TOOL"
    exit
fi

if [ ! -x "$WRAPPER" ]; then
    debs=$DOWNLOADS/debs
    mkdir -p "$debs"
    # A tree without its list of checksums is fetched anew; the list makes a
    # second run after ./run clean ask the network for nothing.
    if ! (cd "$debs" && sha256sum --quiet -c "$TOOL.sha256") >/dev/null 2>&1; then
        say "fetching $TOOL from trixie"
        part=$debs/$TOOL.part
        rm -rf "$part"
        mkdir -p "$part"
        if ! (cd "$part" && quiet "$TOOL-download" apt_root trixie apt-get download \
            "${PACKAGES[@]}" libc6 libgcc-s1 libstdc++6); then
            rm -f "$BUILD/apt/trixie/ready"
            die "no network, or trixie has changed since its package lists were fetched: try again"
        fi
        (cd "$part" && sha256sum -- *.deb >"$TOOL.sha256")
        mv -f "$part"/*.deb "$part/$TOOL.sha256" "$debs"
        rmdir "$part"
    fi
    rm -rf "$TREE"
    mkdir -p "$TREE/bin"
    while read -r _ deb; do
        dpkg-deb -x "$debs/$deb" "$TREE"
    done <"$debs/$TOOL.sha256"
    # Through the tree's own loader, and not by LD_LIBRARY_PATH: cbmc calls the
    # machine's gcc, which must keep the machine's libraries.
    cat >"$WRAPPER.part" <<'WRAP'
#!/bin/sh
self=$(readlink -f "$0")
tool=${self##*/}
tree=${self%/bin/*}
lib=$tree/usr/lib/x86_64-linux-gnu
exec "$lib/ld-linux-x86-64.so.2" --argv0 "$tool" \
    --library-path "$lib:$tree/usr/lib" "$tree/usr/bin/$tool" "$@"
WRAP
    chmod +x "$WRAPPER.part"
    mv "$WRAPPER.part" "$WRAPPER"
fi
echo "$WRAPPER"
