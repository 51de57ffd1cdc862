#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds libvirt with the models of packaging/libvirt/*.patch: Debian 12's source, of it
# libvirtd with the driver for QEMU. Nothing of the machine's libvirt is touched. Result:
# build/libvirt/obj/src/libvirtd, which runs from there. For the suite libvirt-model, which
# is run where it is named only.

. "$(dirname "$0")/lib.sh"

SRC=$BUILD/libvirt/src
OBJ=$BUILD/libvirt/obj
SUITE=bookworm
SERIES=9.0
export CCACHE_BASEDIR=$BUILD/libvirt
OPTIONS=(-Dbuildtype=plain -Dauto_features=disabled -Ddriver_qemu=enabled
    -Ddriver_libvirtd=enabled -Ddriver_remote=enabled -Dyajl=enabled -Dtests=disabled
    -Ddocs=disabled -Dno_git=true -Dgit_werror=disabled -Dsystem=true)

# The stamp names all that the result is made of.
made_of() {
    { cat "$DOWNLOADS/libvirt/SHA256SUMS" "$ROOT"/packaging/libvirt/*.patch; echo "${OPTIONS[@]}"; } \
        | sha256sum | cut -d' ' -f1
}

plain_path libvirt
lock
need build-essential ninja-build meson ccache pkg-config dpkg-dev git python3 libglib2.0-dev \
    libgnutls28-dev libxml2-dev libxml2-utils libtirpc-dev rpcsvc-proto libyajl-dev xsltproc \
    gettext
debian_source libvirt "$SUITE" "$SERIES"
id=$(made_of)
[ "$(cat "$BUILD/libvirt/built" 2>/dev/null)" != "$id" ] || exit 0
say "building libvirt with our models (the first time about 3 minutes on 2 cores)"
rm -rf "$BUILD/libvirt"
mkdir -p "$BUILD/libvirt"
patched_source libvirt "$SRC" "$ROOT"/packaging/libvirt/*.patch
quiet libvirt-configure env CC="ccache gcc" meson setup "${OPTIONS[@]}" "$OBJ" "$SRC"
quiet libvirt-build ninja -C "$OBJ" -j "$JOBS" src/libvirtd src/libvirt_driver_qemu.so \
    src/libvirt_iohelper
echo "$id" >"$BUILD/libvirt/built"
