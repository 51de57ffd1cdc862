#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds QEMU with the project's devices: Debian's source, the patches of
# qemu/patches by git am, and our files laid over the tree.
# Result: build/qemu/obj/qemu-system-x86_64 and qemu-img beside it. A second run
# builds what changed.
#
# qemu.sh [newest] [source | tests | virt]: QEMU 10.0, of Debian stable, or the newest
# that Debian's archives had the source of when qemu/patches was last looked at, in
# build/qemu-newest. With "source", stop when the tree is ready; with "tests", build
# QEMU's own tests of its TPM devices, too; with "virt", also qemu-system-aarch64 and
# qemu-system-riscv64, each with the machine "virt" alone.

. "$(dirname "$0")/lib.sh"

TREE=qemu SUITE=trixie SERIES=10.0
if [ "${1:-}" = newest ]; then
    TREE=qemu-newest SUITE=sid SERIES=10.2
    shift
fi
SRC=$BUILD/$TREE/src
OBJ=$BUILD/$TREE/obj
export CCACHE_BASEDIR=$BUILD/$TREE

# of_suite SUITE PACKAGE: unpacked in build/tools/PACKAGE, not installed.
of_suite() {
    local suite=$1 package=$2 debs=$DOWNLOADS/$2 dir=$BUILD/tools/$2
    [ ! -e "$dir" ] || return 0
    if [ ! -e "$debs" ]; then
        rm -rf "$debs.new"
        mkdir -p "$debs.new"
        (cd "$debs.new" && quiet "$package-fetch" apt_root "$suite" apt-get download "$package")
        mv "$debs.new" "$debs"
    fi
    unpack "$dir" "$debs"/*.deb
}

# QEMU 10 wants meson 1.5; Debian 12 has it in backports only.
fetch_meson() {
    local have
    have=$(dpkg-query -W -f='${Version}' meson 2>/dev/null || true)
    MESON_DIR=
    if [ -n "$have" ] && dpkg --compare-versions "$have" ge 1.5; then
        return
    fi
    if [ "$(. /etc/os-release; echo "$VERSION_ID")" -ge 13 ]; then
        need meson
        return
    fi
    MESON_DIR=$BUILD/tools/meson
    of_suite bookworm-backports meson
}

# Of the patches those in the series' own folder take the place of their numbers.
patches() {
    local patch own
    for patch in "$ROOT"/qemu/patches/*.patch; do
        own=${patch##*/}
        own=("$ROOT/qemu/patches/$SERIES/${own%%-*}"-*.patch)
        [ -e "${own[0]}" ] && patch=${own[0]}
        echo "$patch"
    done
}

# The firmware is Debian stable's, as QEMU 10.0. Debian 12's SeaBIOS, 1.16.2, does not know how
# AHCI ends a command that fails since QEMU 8.2, and waits 30 s for each disk.
fetch_seabios() {
    SEABIOS=$BUILD/tools/seabios
    of_suite trixie seabios
}

# The stamp names the sources and the patches, so that either makes a new tree.
tree_id() {
    { cat "$DOWNLOADS/$TREE/SHA256SUMS"; cat "${PATCHES[@]}"; } | sha256sum | cut -d' ' -f1
}

make_tree() {
    local id
    id=$(tree_id)
    [ "$(cat "$BUILD/$TREE/tree-id" 2>/dev/null)" = "$id" ] && return
    say "unpacking QEMU $SERIES and applying the patches of qemu/patches"
    rm -rf "$SRC" "$BUILD/$TREE/tree-id"
    mkdir -p "$BUILD/$TREE"
    patched_source "$TREE" "$SRC" "${PATCHES[@]}"
    echo "$id" >"$BUILD/$TREE/tree-id"
}

# Our files, where they differ: ninja is to see no new time stamp for nothing. Of
# ours only the engine, a subproject there, has a meson.build.
overlay() {
    local from to
    while read -r from to; do
        mkdir -p "$SRC/$to"
        for f in "$ROOT/$from"/*.[ch] "$ROOT/$from"/{meson.build,meson_options.txt,VERSION}; do
            [ -e "$f" ] || continue
            cmp -s "$f" "$SRC/$to/${f##*/}" && continue
            rm -f "$OBJ"/built*
            cp "$f" "$SRC/$to/"
        done
    done <<MAP
engine subprojects/tpmix
hw/tpm hw/tpm
hw/misc hw/misc
MAP
}

# only_virt DIR...: of the boards that the folders of configs/devices/ have by default the
# first one's "virt.mak" leaves out all but "virt".
only_virt() {
    local dir=$SRC/configs/devices/$1 want
    want=$(cd "$SRC/configs/devices" &&
        sed -nE 's/^#? ?(CONFIG_\w+=n)$/\1/p' "${@/%//default.mak}" |
        grep -vE '_(VIRT|DEVICES)=')
    [ "$(cat "$dir/virt.mak" 2>/dev/null)" = "$want" ] || printf '%s\n' "$want" >"$dir/virt.mak"
}

# What an ordinary virtual machine uses, by name: QEMU's own defaults depend on
# what the machine has installed.
FEATURES=(tpm kvm tcg tools
    vhost-kernel vhost-net vhost-user slirp virtfs attr
    pixman png vnc curses iconv
    vmdk vdi vhdx vpc vvfat zstd linux-aio linux-io-uring
    seccomp malloc-trim)
# Later ones find out by themselves.
[ "$SERIES" != 10.0 ] || FEATURES+=(avx2)

configure() {
    local options id
    # GTK brings 70 packages with it: a window is for machines that have it.
    pkg-config --exists gtk+-3.0 && FEATURES+=(gtk)
    only_virt aarch64-softmmu arm-softmmu
    only_virt riscv64-softmmu
    # The targets share most objects; ninja makes those of the programs that are asked for.
    options=("--target-list=x86_64-softmmu,aarch64-softmmu,riscv64-softmmu"
        --with-devices-aarch64=virt --with-devices-riscv64=virt --without-default-features
        "${FEATURES[@]/#/--enable-}" --enable-fdt=system
        --firmwarepath=/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu
        --enable-trace-backends=log --disable-docs --disable-install-blobs --disable-debug-info
        --disable-download)
    id="$(tree_id) ${options[*]}"
    [ -e "$OBJ/build.ninja" ] && [ "$(cat "$OBJ/configured" 2>/dev/null)" = "$id" ] && return
    say "configuring QEMU $SERIES"
    rm -rf "$OBJ"
    mkdir -p "$OBJ"
    cd "$OBJ"
    quiet qemu-configure "$SRC/configure" --python="$PYTHON" --cc="ccache gcc" \
        "${options[@]}"
    echo "$id" >"$OBJ/configured"
}

# compile STAMP TARGET...: ninja itself always makes qemu-version.h anew, a stamp
# of ours says "nothing to do".
compile() {
    [ -e "$OBJ/$1" ] && return
    quiet qemu-build ninja -C "$OBJ" -j "$JOBS" "${@:2}"
    : >"$OBJ/$1"
}

plain_path QEMU
lock
need build-essential ninja-build pkg-config ccache dpkg-dev git flex bison \
    python3 python3-venv libglib2.0-dev libfdt-dev zlib1g-dev libslirp-dev \
    libpixman-1-dev libpng-dev libncurses-dev libaio-dev liburing-dev \
    libseccomp-dev libzstd-dev libattr1-dev
# What running it takes: firmware, also that of network cards, and a TPM.
need ipxe-qemu qemu-system-data swtpm
debian_source qemu "$SUITE" "$SERIES" "$TREE"
mapfile -t PATCHES < <(patches)
fetch_meson
fetch_seabios
if [ -n "$MESON_DIR" ]; then
    export PATH=$MESON_DIR/usr/bin:$PATH
    export PYTHONPATH=$MESON_DIR/usr/lib/python3/dist-packages
fi
make_tree
overlay
[ "${1:-}" = source ] && exit 0
configure
[ -e "$OBJ/built" ] || say "building QEMU $SERIES (the first time about 5 minutes on 2 cores)"
compile built qemu-system-x86_64 qemu-img
# Where it was built, QEMU looks for the --firmwarepath below qemu-bundle.
for dir in /usr/share/qemu "$SEABIOS/usr/share/seabios" /usr/lib/ipxe/qemu; do
    at=$OBJ/qemu-bundle${dir#"$SEABIOS"}
    mkdir -p "${at%/*}"
    ln -sfn "$dir" "$at"
done
if [ "${1:-}" = virt ]; then
    [ -e "$OBJ/built-virt" ] || say "building QEMU for Arm and RISC-V (the first time about 4 minutes on 2 cores)"
    compile built-virt qemu-system-aarch64 qemu-system-riscv64
fi
if [ "${1:-}" = tests ]; then
    compile built-tests tests/qtest/tpm-{crb,tis}-{,swtpm-}test tests/qtest/bios-tables-test
fi
