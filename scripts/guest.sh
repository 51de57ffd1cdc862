#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The guest: Debian kernels and an initramfs for each, in build/guest.
# Usage: scripts/guest.sh [kernel|initrd|virt]   (initrd builds the kernels first; virt:
# kernels and initramfs for the "virt" machines of Arm and RISC-V)
#
# Nothing here needs root, beyond apt for cpio and kmod where those are missing.
# Debian packages are kept in build/downloads/debs; build/downloads/debs/*.sha256
# says which were chosen, so that a second run asks the network for nothing.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

GUEST=$BUILD/guest
DEBS=$DOWNLOADS/debs
# The driver's, and the oldest that can be had, for the stock drivers.
KERNELS=(5.10:bullseye "${KERNELS[@]}")
WORK=
# depmod and modinfo: not on an ordinary user's path in Debian.
PATH=$PATH:/usr/sbin:/sbin

# debs NAME: the packages chosen for NAME, one path a line.
debs() { sed "s|^[0-9a-f]*  |$DEBS/|" "$DEBS/$1.sha256"; }

# have NAME: all packages chosen for NAME are there and are what they were.
have() {
    [ -s "$DEBS/$1.sha256" ] &&
        (cd "$DEBS" && sha256sum --check --status "$1.sha256" 2>/dev/null)
}

# newer FILE INPUT...: FILE exists and is newer than each INPUT, which exists.
newer() {
    local file=$1 input
    shift
    for input; do
        [ -e "$input" ] && [ "$file" -nt "$input" ] || return 1
    done
}

# download NAME SUITE PACKAGE...: from SUITE to $DEBS, the choice to NAME.sha256.
download() {
    local name=$1 suite=$2 dir=$WORK/download
    shift 2
    rm -rf "$dir"
    mkdir -p "$dir" "$DEBS"
    if ! (cd "$dir" && quiet "fetch-$name" apt_root "$suite" apt-get download "$@"); then
        rm -f "$BUILD/apt/${suite/\//-}/ready" # its lists may be old; the next run fetches them
        exit 1
    fi
    (cd "$dir" && sha256sum -- *.deb) >"$WORK/$name.sha256"
    mv -f "$dir"/*.deb "$DEBS/"
    mv -f "$WORK/$name.sha256" "$DEBS/"
}

# The packages of a kernel with its image and its list of modules, behind the
# metapackage linux-image-ARCHITECTURE of SUITE. Since 7.x these are two; drivers that are
# modules are in a third, which no guest needs.
kernel_packages() {
    local package abi
    package=$(apt_root "$1" apt-cache depends "linux-image-$(arch_of "$1")" |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    abi=${package#linux-image-}
    if apt_root "$1" apt-cache show "linux-binary-$abi" >/dev/null 2>&1; then
        echo "linux-binary-$abi linux-base-$abi"
    else
        echo "$package"
    fi
}

fetch_kernel() {
    local version=$1 suite=$2 packages
    if have "kernel-$version"; then return; fi
    say "fetching Debian's kernel $version"
    packages=$(kernel_packages "$suite" 2>/dev/null) || true
    case $packages in
    linux-*-"${version#*-}".*)
        # shellcheck disable=SC2086
        download "kernel-$version" "$suite" $packages
        ;;
    *)
        rm -f "$BUILD/apt/${suite/\//-}/ready"
        die "no kernel $version in the package lists of $suite${packages:+ (but $packages)}: is the network up? try again"
        ;;
    esac
}

# Of a kernel: the image and the modules that a guest may want, no more. The
# release (uname -r), which headers for a module must match, stands in a file.
unpack_kernel() {
    local version=$1 tree=$GUEST/kernel-$1 new=$WORK/kernel-$1 deb
    mkdir -p "$new/lib"
    while read -r deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -tf - |
            grep -E '/(vmlinu[xz][^/]*|modules\.[a-z.]+)$|/kernel/(drivers/(virtio|char)|lib)/.*\.ko|/qemu_fw_cfg\.ko' \
                >"$WORK/members"
        dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C "$new" -T "$WORK/members"
    done < <(debs "kernel-$version")
    [ ! -d "$new/usr/lib/modules" ] || mv "$new/usr/lib/modules" "$new/lib/modules"
    find "$new" -name '*.ko.xz' -exec xz -d {} +
    (cd "$new/lib/modules" && echo *) >"$new/release"
    cp "$(find "$new" -name 'vmlinu[xz]*' -type f | head -n 1)" "$GUEST/vmlinuz-$version.new"
    # Those of Arm and RISC-V are not compressed.
    case $version in
    [0-9]*) "$ROOT/scripts/vmlinux.py" "$GUEST/vmlinuz-$version.new" "$GUEST/vmlinux-$version" ;;
    esac
    rm -rf "$tree"
    mv "$new" "$tree"
    mv "$GUEST/vmlinuz-$version.new" "$GUEST/vmlinuz-$version"
}

build_kernels() {
    local kernel version
    for kernel in "${KERNELS[@]}"; do
        version=${kernel%%:*}
        if newer "$GUEST/vmlinuz-$version" "${BASH_SOURCE[0]}" "$ROOT/scripts/vmlinux.py" \
            "$DEBS/kernel-$version.sha256"; then
            continue
        fi
        fetch_kernel "$version" "${kernel#*:}"
        need xz-utils zstd
        say "unpacking kernel $version"
        unpack_kernel "$version"
    done
}

# OpenSBI and edk2 for RISC-V: Debian 12 has no edk2 for it, and its OpenSBI starts no kernel
# on what "max" has.
unpack_firmware() {
    local name=firmware-riscv64 files
    newer "$GUEST/$name" "${BASH_SOURCE[0]}" "$DEBS/$name.sha256" && return
    have "$name" || download "$name" trixie opensbi qemu-efi-riscv64
    mapfile -t files < <(debs "$name")
    unpack "$GUEST/$name" "${files[@]}"
}

# The suite of an architecture's programs: Debian 12 has no riscv64.
tools_suite() {
    case $1 in
    amd64) echo bookworm ;;
    riscv64) echo trixie/riscv64 ;;
    *) echo "bookworm/$1" ;;
    esac
}

# named NAME ARCHITECTURE: NAME-ARCHITECTURE; of amd64 it is the name alone.
named() { case $2 in amd64) echo "$1" ;; *) echo "$1-$2" ;; esac; }

# tpm2-tools, busybox, udev and every library package they depend on. Packages of
# programs and data that Debian's dependencies name beside them stay out.
tool_packages() {
    apt_root "$(tools_suite "$1")" apt-cache depends --recurse --no-recommends --no-suggests \
        --no-conflicts --no-breaks --no-replaces --no-enhances \
        tpm2-tools busybox-static udev |
        grep -xE '(lib[a-z].*|zlib1g|tpm2-tools|busybox-static|udev)' |
        grep -vE '(pam-|semanage|sepol|newt|slang|textwrap|debian-installer)' | sort -u
}

# fetch_tools NAME ARCHITECTURE
fetch_tools() {
    local packages
    if have "$1"; then return; fi
    say "fetching the guest's programs"
    packages=$(tool_packages "$2")
    # shellcheck disable=SC2086
    download "$1" "$(tools_suite "$2")" $packages
}

# unpack_tools ARCHITECTURE
unpack_tools() {
    local tree new=$WORK/tools deb name link
    tree=$GUEST/$(named tools "$1")
    name=$(named guest-programs "$1")
    if newer "$tree/done" "${BASH_SOURCE[0]}" "$DEBS/$name.sha256"; then return; fi
    fetch_tools "$name" "$1"
    mkdir -p "$new"
    # One tree, where a package may have all below /usr and another may not.
    for link in bin lib sbin; do
        mkdir -p "$new/usr/$link"
        ln -s "usr/$link" "$new/$link"
    done
    while read -r deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -C "$new" --keep-directory-symlink -xf -
    done < <(debs "$name")
    touch "$new/done"
    rm -rf "$tree"
    mv "$new" "$tree"
}

# copy_elf TREE PATH ROOT: an ELF file and, walking DT_NEEDED, all its libraries,
# from the unpacked packages in TREE to /lib of ROOT (programs to /bin).
copy_elf() {
    local tree=$1 file=$2 root=$3 to=lib name found
    case $file in bin/* | usr/bin/*) to=bin ;; esac
    [ ! -e "$root/$to/${file##*/}" ] || return 0
    install -D -m 755 "$tree/$file" "$root/$to/${file##*/}"
    for name in $(readelf -d "$tree/$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        found=$(cd "$tree" && find lib usr/lib -name "$name" | head -n 1)
        [ -n "$found" ] || die "no package of the guest has $name: see fetch_tools in scripts/guest.sh"
        copy_elf "$tree" "$found" "$root"
    done
}

# copy_tools ROOT ARCHITECTURE
copy_tools() {
    local root=$1 tree name
    tree=$GUEST/$(named tools "$2")
    mkdir -p "$root"/{bin,lib,proc,sys,dev,tmp,root,etc}
    for name in usr bin:sbin lib:lib64; do
        ln -sfn "${name%:*}" "$root/${name#*:}"
    done
    rm "$root/usr"
    ln -s . "$root/usr"
    copy_elf "$tree" usr/bin/busybox "$root"
    # This machine runs its own alone, and the lists are the same.
    for name in $("$GUEST/tools/bin/busybox" --list); do
        [ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"
    done
    copy_elf "$tree" usr/bin/tpm2 "$root"
    for name in "$tree"/usr/bin/tpm2_*; do
        ln -s tpm2 "$root/bin/${name##*/}"
    done
    # Loaded by name at run time: the way to /dev/tpm0.
    copy_elf "$tree" "$(cd "$tree" && find usr/lib -name libtss2-tcti-device.so.0)" "$root"
    # A test's: by udev, modules are loaded and devices are named.
    copy_elf "$tree" usr/bin/udevadm "$root"
    install -D -m 644 "$tree/lib/udev/rules.d/80-drivers.rules" \
        "$ROOT"/linux-driver/*.rules -t "$root/lib/udev/rules.d"
    install -m 755 "$ROOT/guest/init" "$root/init"
    echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
    echo root:x:0: >"$root/etc/group"
}

# What a kernel has built in (5.10 few of these, 6.12 most) is no file and not missed.
MODULES=(virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
    virtio_console qemu_fw_cfg crc-ccitt rng-core tpm tpm_tis_core tpm_tis tpm_crb)

# own_modules VERSION: the project's, where scripts/driver.sh has built them.
own_modules() {
    local file
    for file in "$BUILD/driver/$1/tpmix.ko" "$BUILD/driver/large-$1/tpm_large.ko"; do
        [ ! -e "$file" ] || echo "$file"
    done
}

# copy_modules ROOT VERSION ARCHITECTURE
copy_modules() {
    local root=$1 version=$2 tree=$GUEST/kernel-$2 release name file strip=strip
    [ "$3" = amd64 ] || strip=$(triplet "$3")-linux-gnu-strip
    release=$(cat "$tree/release")
    mkdir -p "$root/lib/modules/$release/updates"
    cp "$tree/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$release/"
    for name in "${MODULES[@]}"; do
        file=$(cd "$tree" && find lib/modules -name "$name.ko")
        [ -z "$file" ] || install -D -m 644 "$tree/$file" "$root/$file"
    done
    while read -r file; do
        [ "$(modinfo -F vermagic "$file" | cut -d ' ' -f 1)" = "$release" ] ||
            die "$file is not for kernel $release: rm build/downloads/debs/kernel-$version.sha256 $file and build both again"
        # kbuild leaves debugging information in it, ten times the module.
        "$strip" --strip-debug -o "$root/lib/modules/$release/updates/${file##*/}" "$file"
    done < <(own_modules "$version")
    depmod -b "$root" "$release"
    # What neither busybox's modprobe reads, the text form, nor udev, the other.
    rm -f "$root/lib/modules/$release"/modules.{order,devname,builtin.modinfo}
}

pack() {
    local root=$1 to=$2
    find "$root" -exec touch -h -d @0 {} +
    (cd "$root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -R 0:0 -o -H newc) |
        gzip -n -1 >"$to.new"
    mv "$to.new" "$to"
}

build_initrds() {
    local kernel version arch root inputs
    for kernel in "${KERNELS[@]}"; do
        version=${kernel%%:*}
        arch=$(arch_of "$kernel")
        inputs=("${BASH_SOURCE[0]}" "$ROOT/guest/init" "$GUEST/vmlinuz-$version"
            "$ROOT"/linux-driver/*.rules)
        mapfile -t -O ${#inputs[@]} inputs < <(own_modules "$version")
        if newer "$GUEST/initrd-$version.cpio.gz" "${inputs[@]}"; then continue; fi
        need cpio kmod binutils
        say "building the initramfs for kernel $version"
        unpack_tools amd64
        unpack_tools "$arch"
        # Once for all kernels of an architecture.
        [ -e "$WORK/tools-$arch" ] || copy_tools "$WORK/tools-$arch" "$arch"
        root=$WORK/root-$version
        cp -a "$WORK/tools-$arch" "$root"
        copy_modules "$root" "$version" "$arch"
        pack "$root" "$GUEST/initrd-$version.cpio.gz"
    done
}

main() {
    case ${1:-initrd} in
    kernel | initrd) ;;
    virt) KERNELS=("${VIRT_KERNELS[@]}") ;;
    *) die "guest.sh builds 'kernel', 'initrd' or 'virt', not '$1'" ;;
    esac
    lock
    # What running it takes.
    need swtpm seabios ovmf qemu-system-data
    if [ "${1:-}" = virt ]; then
        need qemu-efi-aarch64 u-boot-qemu dt-schema device-tree-compiler \
            binutils-aarch64-linux-gnu binutils-riscv64-linux-gnu
    fi
    mkdir -p "$GUEST" "$DEBS"
    rm -rf "$GUEST"/work.* # of one that was killed
    WORK=$(mktemp -d "$GUEST/work.XXXXXX")
    trap 'rm -rf "$WORK"' EXIT
    [ "${1:-}" != virt ] || unpack_firmware
    build_kernels
    if [ "${1:-initrd}" != kernel ]; then build_initrds; fi
}

main "$@"
