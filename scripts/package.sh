#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian packages, in build/packages, by debhelper: library, TCTI, tool and driver of
# packaging/debian, and of each plug-in that is built (build/plugin/BUILD-ID.so; the one
# for this machine's QEMU is built here) one that depends on exactly the QEMU that it was
# built for, of packaging/plugin.
#
# package.sh main OUT WORK: only the former, in OUT, built below WORK, for the test that two
# builds are alike.

. "$(dirname "$0")/lib.sh"

OUT=$BUILD/packages
VERSION=$(cat "$ROOT/engine/VERSION")
NEEDS=(debhelper dh-dkms dpkg-dev fakeroot pkg-config meson ninja-build build-essential
    libglib2.0-dev libjson-glib-dev libtpms-dev libtss2-dev)
# What the packages of packaging/debian are made of.
SOURCES=(LICENSES docs/embedding.md engine examples linux-driver meson.build meson_options.txt
    subprojects tcti tools)

PLUGIN_DOCS=(docs/plugin.md docs/libvirt.md docs/mmio-replay.7 packaging/libvirt/tpmix-plugin.xml)

# buildpackage DIR: of the source there, which has its debian/; the result beside it.
buildpackage() {
    (
        cd "$1"
        # The packages of a Debian, not this machine's wishes.
        unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS MAKEFLAGS
        umask 022
        DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$JOBS" \
            dpkg-buildpackage --build=binary --no-sign --jobs="$JOBS"
    )
}

# source_tree DIR: what the packages of packaging/debian are made from.
source_tree() {
    mkdir -p "$1"
    (cd "$ROOT" && tar -cf - --exclude=__pycache__ "${SOURCES[@]}") | tar -xf - -C "$1"
    cp -r "$ROOT/packaging/debian" "$1/debian"
    # Of a checkout's files dpkg-deb takes only the newer times back to this one.
    find "$1" -exec touch -h -d "@$(dpkg-parsechangelog -l "$1/debian/changelog" -S Timestamp)" {} +
}

package_main() {
    local out=$1 work=$2
    rm -rf "$work"
    source_tree "$work/tpmix-$VERSION"
    quiet packages-build buildpackage "$work/tpmix-$VERSION"
    mkdir -p "$out"
    rm -f "$out"/{libtpmix,libtss2,tpmix_,tpmix-dkms}*.deb
    mv "$work"/*.deb "$out/"
    rm -rf "$work"
}

# Fields of the package file: QEMU's package, its version, its source's version.
package_plugin() {
    local so=$1 package version source full tree deb date inputs
    read -r package version source <"${so%.so}.package"
    full=$VERSION+qemu${version#*:}
    deb=tpmix-qemu-plugin_${full}_amd64.deb
    inputs="$(sha256sum "$so" | cut -d' ' -f1) $(inputs_of packaging/plugin "${PLUGIN_DOCS[@]}")"
    [ ! -e "$OUT/$deb" ] || [ "$(cat "$OUT/.$deb.inputs" 2>/dev/null)" != "$inputs" ] || return 0
    tree=$OUT/work/plugin
    rm -rf "$OUT/work"
    mkdir -p "$tree"
    cp -r "$ROOT/packaging/plugin/." "$tree"
    cp "$so" "$tree/tpmix.so"
    (cd "$ROOT" && cp "${PLUGIN_DOCS[@]}" "$tree/")
    printf '%s (= %s)\n' "$package" "$version" >"$tree/depends"
    date=$(sed -n 's/^ -- //p' "$ROOT/packaging/debian/changelog" | head -n 1)
    printf 'tpmix-qemu-plugin (%s) unstable; urgency=medium\n\n  * For %s %s.\n\n -- %s\n' \
        "$full" "$package" "$version" "$date" >"$tree/debian/changelog"
    quiet packages-plugin buildpackage "$tree"
    mv "$OUT/work/$deb" "$OUT/"
    rm -rf "$OUT/work"
    echo "$inputs" >"$OUT/.$deb.inputs"
    say "build/packages/$deb, for $package $version (source $source)"
}

# inputs_of PATH...: of the repository, one checksum.
inputs_of() {
    (cd "$ROOT" && find "$@" scripts/package.sh -type f ! -path '*__pycache__*' -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

main_all() {
    local inputs
    inputs=$(inputs_of "${SOURCES[@]}" packaging/debian)
    if [ "$(cat "$OUT/.inputs" 2>/dev/null)" != "$inputs" ] ||
        [ "$(compgen -G "$OUT/*.deb" | grep -vc plugin)" -lt 5 ]; then
        say "building the packages of the library, the TCTI, the tool and the driver"
        package_main "$OUT" "$OUT/work"
        echo "$inputs" >"$OUT/.inputs"
    fi
    for deb in "$OUT"/{libtpmix,libtss2,tpmix_,tpmix-dkms}*.deb; do
        say "build/packages/${deb##*/}"
    done
}

lock
plain_path "the packages"
need "${NEEDS[@]}"
mkdir -p "$OUT"
if [ "${1:-}" = main ]; then
    package_main "$2" "$3"
    exit
fi
main_all
"$ROOT/scripts/plugin.sh" >/dev/null
# Of another version of ours.
find "$OUT" -maxdepth 1 -name '*tpmix-qemu-plugin_*' ! -name "*_$VERSION+*" -delete
# Of those for other QEMUs, the ones that were built from the same sources.
for so in "$BUILD"/plugin/*.so; do
    [ -L "$so" ] || ! cmp -s "${so%.so}.inputs" \
        "$(readlink -e "$BUILD/plugin/system.so" | sed 's/so$/inputs/')" ||
        package_plugin "$so"
done
