#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The engine and its unit tests for a processor that stores the most significant byte
# first (s390x), and for one of 32 bits (armhf): build/cross/ARCHITECTURE. Each test
# there is run by qemu-user: build/cross/ARCHITECTURE/run PROGRAM.
#
# Compiler and C library are Debian's for cross builds; glib is that architecture's
# own package, unpacked and not installed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

CODENAME=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

# sysroot ARCHITECTURE: build/cross/sysroot-ARCHITECTURE, of the suite that is installed.
sysroot() {
    local arch=$1 dir=$BUILD/cross/sysroot-$1 debs=$DOWNLOADS/cross-$1 packages
    [ ! -e "$dir" ] || return 0
    if ! (cd "$debs" 2>/dev/null && sha256sum --check --status SHA256SUMS 2>/dev/null); then
        say "fetching glib for $arch"
        rm -rf "$debs"
        mkdir -p "$debs"
        packages=$(apt_root "$CODENAME/$arch" apt-cache depends --recurse --no-recommends \
            --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
            libglib2.0-dev | grep -xE '(lib(glib2.0-|ffi|pcre2-|mount|blkid|selinux|sepol|sysprof).*|zlib1g.*)' |
            grep -vE -- '-(bin|doc|tests|utils|data)' | sort -u)
        # shellcheck disable=SC2086
        (cd "$debs" && quiet "cross-$arch-fetch" apt_root "$CODENAME/$arch" apt-get download $packages)
        (cd "$debs" && sha256sum -- *.deb >SHA256SUMS)
    fi
    unpack "$dir" "$debs"/*.deb
}

# cross ARCHITECTURE TRIPLET CPU ENDIAN QEMU
cross() {
    local arch=$1 triplet=$2 cpu=$3 endian=$4 qemu=$5 dir=$BUILD/cross/$1
    local root=$BUILD/cross/sysroot-$arch lib
    sysroot "$arch"
    lib=$root/usr/lib/$triplet
    mkdir -p "$dir"
    cat >"$dir/run" <<RUN
#!/bin/sh
exec $qemu -L /usr/$triplet -E LD_LIBRARY_PATH="$lib:$root/lib/$triplet" "\$@"
RUN
    chmod +x "$dir/run"
    cat >"$dir/cross.ini" <<INI
[binaries]
c = '$triplet-gcc'
ar = '$triplet-ar'
strip = '$triplet-strip'
pkgconfig = 'pkg-config'
exe_wrapper = '$dir/run'
[properties]
sys_root = '$root'
pkg_config_libdir = '$lib/pkgconfig'
[built-in options]
c_link_args = ['-L$lib', '-Wl,-rpath-link,$lib:$root/lib/$triplet']
[host_machine]
system = 'linux'
cpu_family = '$cpu'
cpu = '$cpu'
endian = '$endian'
INI
    # Optimized: an emulated processor is slow.
    meson_setup "cross-$arch-setup" "$dir/obj" --cross-file "$dir/cross.ini" -Doptimization=2 \
        -Dengine_only=true -Dwerror=true -Dtpmix:werror=true
    quiet "cross-$arch-build" ninja -C "$dir/obj"
}

plain_path "the engine for other processors"
lock
need build-essential ninja-build pkg-config meson qemu-user \
    gcc-s390x-linux-gnu libc6-dev-s390x-cross \
    gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
cross s390x s390x-linux-gnu s390x big qemu-s390x
cross armhf arm-linux-gnueabihf arm little qemu-arm
