#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian packages, in build/packages: of each plug-in that is built
# (build/plugin/BUILD-ID.so; the one for this machine's QEMU is built here),
# depending on exactly the QEMU that it was built for.

. "$(dirname "$0")/lib.sh"

OUT=$BUILD/packages
VERSION=$(sed -n "s/^ *version: '\(.*\)',\?$/\1/p" "$ROOT/meson.build" | head -n 1)
NAME=tpmix-qemu-plugin

# Fields of the package file: QEMU's package, its version, its source's version.
package_plugin() {
    local so=$1 package version source full tree deb
    read -r package version source <"${so%.so}.package"
    full=${VERSION:-0.1.0}+qemu${version#*:}
    deb=$OUT/${NAME}_${full}_amd64.deb
    [ ! "$deb" -nt "$so" ] || [ ! "$deb" -nt "$0" ] || return 0
    tree=$OUT/tree
    rm -rf "$tree"
    mkdir -p "$tree"/{DEBIAN,usr/lib/x86_64-linux-gnu/qemu,usr/share/doc/$NAME/examples}
    sed "s|@VERSION@|$full|; s|@PACKAGE@|$package|; s|@QEMU_VERSION@|$version|" \
        "$ROOT/packaging/plugin/control.in" >"$tree/DEBIAN/control"
    install -m 644 -s "$so" "$tree/usr/lib/x86_64-linux-gnu/qemu/tpmix.so"
    install -m 644 "$ROOT/docs/plugin.md" "$tree/usr/share/doc/$NAME/README.md"
    install -m 644 "$ROOT/packaging/plugin/copyright" "$tree/usr/share/doc/$NAME/"
    install -m 644 "$ROOT/packaging/plugin/tpmix.xml" \
        "$ROOT/packaging/plugin/libvirt-hook" "$tree/usr/share/doc/$NAME/examples/"
    dpkg-deb --root-owner-group --build "$tree" "$deb" >/dev/null
    rm -rf "$tree"
    say "build/packages/${deb##*/}, for $package $version (source $source)"
}

lock
need dpkg-dev binutils
"$ROOT/scripts/plugin.sh" >/dev/null
mkdir -p "$OUT"
# Of those for other QEMUs, the ones that were built from the same sources.
for so in "$BUILD"/plugin/*.so; do
    [ -L "$so" ] || ! cmp -s "${so%.so}.inputs" \
        "$(readlink -e "$BUILD/plugin/system.so" | sed 's/so$/inputs/')" ||
        package_plugin "$so"
done
