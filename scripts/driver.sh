#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds linux-driver/ against kernels of Debian 12, its backports and those of
# Debian 13, from their header packages, unpacked and not installed.
#
#   scripts/driver.sh         build/driver/{6.1,6.12,7.3}/tpmix.ko, and the test
#                             module of tests/guest/large in build/driver/large-*
#   scripts/driver.sh virt    build/driver/{arm64-6.12,arm64-7.3,riscv64-6.12}/tpmix.ko
#   scripts/driver.sh lint    gcc W=1, sparse, checkpatch, private prototypes

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SRC=$ROOT/linux-driver
LARGE=$ROOT/tests/guest/large
OUT=$BUILD/driver
DEBS=$DOWNLOADS/debs

# field SUITE PACKAGE FIELD: of the newest version.
field() {
    apt_root "$1" apt-cache show --no-all-versions "$2" | sed -n "s/^$3: //p"
}

# image SUITE: "ABI VERSION" of the kernel that linux-image-ARCHITECTURE stands for.
image() {
    field "$1" "linux-image-$(arch_of "$1")" Depends |
        sed -n 's/.*linux-image-\([^ ,]*\) (= \([^)]*\)).*/\1 \2/p'
}

# headers KERNEL SUITE: build/driver/headers-KERNEL, for `make -C .../build`.
headers() {
    local kernel=$1 suite=$2 dir=$OUT/headers-$1 abi version common kbuild p
    local missing=() debs=() from

    read -r abi version <<<"$(image "$suite")" || true
    [ -n "${version:-}" ] || die "no linux-image in $suite: run again after rm -r build/apt/${suite/\//-}"
    [ "$(cat "$dir/ready" 2>/dev/null)" != "$abi $version $dir" ] || return 0

    common=linux-headers-${abi%-"$(arch_of "$suite")"}-common
    kbuild=$(field "$suite" "linux-headers-$abi" Depends |
        grep -o 'linux-kbuild-[^ ,]*' | head -n 1)
    mkdir -p "$DEBS"
    for p in "linux-headers-$abi" "$common" "$kbuild"; do
        compgen -G "$DEBS/${p}_${version}_*.deb" >/dev/null || missing+=("$p=$version")
    done
    [ ${#missing[@]} = 0 ] || say "fetching the headers of Linux $abi"
    for p in "${missing[@]}"; do
        # What kbuild runs, it runs on this machine.
        from=$suite
        case $p in linux-kbuild-*) from=${suite%/*} ;; esac
        (cd "$DEBS" && quiet "headers-$kernel-fetch" apt_root "$from" apt-get download "$p")
    done
    for p in "linux-headers-$abi" "$common" "$kbuild"; do
        debs+=("$(compgen -G "$DEBS/${p}_${version}_*.deb" | head -n 1)")
    done

    unpack "$dir" "${debs[@]}"
    # The one absolute path in the packages; their symbolic links are relative.
    sed -i 's,/usr/src/,../,' "$dir/usr/src/linux-headers-$abi/Makefile"
    # Only there to make BTF from, which needs a pahole as new as the kernel.
    rm -f "$dir/usr/src/linux-headers-$abi/vmlinux"
    ln -s "usr/src/linux-headers-$abi" "$dir/build"
    # The programs that kbuild runs may want the C library of a newer Debian.
    case $suite in
    trixie*)
        compiler "$kernel" >/dev/null
        "$ROOT/scripts/trixie-tool.sh" wrap "$dir/usr/lib/${kbuild%%=*}"
        ;;
    esac
    printf '%s %s %s\n' "$abi" "$version" "$dir" >"$dir/ready"
}

# compiler KERNEL: of the version that the kernel was built with.
compiler() {
    case $1 in
    arm64-*) "$ROOT/scripts/trixie-tool.sh" gcc-14-aarch64 ;;
    riscv64-*) "$ROOT/scripts/trixie-tool.sh" gcc-14-riscv64 ;;
    6.*) echo gcc-12 ;;
    *) "$ROOT/scripts/trixie-tool.sh" gcc-14 ;;
    esac
}

# kmake KERNEL SOURCE DIR MAKE-ARGUMENT...: kbuild of SOURCE's files in DIR.
kmake() {
    local kernel=$1 source=$2 dir=$3 f
    shift 3
    mkdir -p "$dir"
    # Links: kbuild puts what it makes beside its sources.
    for f in "$source"/*.[ch] "$source/Kbuild"; do
        [ -e "$f" ] || continue
        [ "$(readlink "$dir/${f##*/}")" = "$f" ] || ln -sfn "$f" "$dir/${f##*/}"
    done
    make -C "$OUT/headers-$kernel/build" M="$dir" CC="$(compiler "$kernel")" \
        TPMIX_REGS_DIR="$ROOT/engine" -j"$JOBS" "$@" modules
    # make leaves a module alone whose README has changed; fresh() is to see that.
    find "$dir" -maxdepth 1 -name '*.ko' -exec touch {} +
}

# fresh KERNEL SOURCE MODULE: it is newer than all that it is made of.
fresh() {
    [ -e "$3" ] && [ -z "$(find "$2" "$ROOT/engine/tpmix_regs.h" \
        "$OUT/headers-$1/ready" -newer "$3" -print -quit)" ]
}

tools() {
    # libelf-dev: for the library of objtool, whose package's name differs
    # between Debian 12 and 13.
    need gcc-12 make libelf-dev
}

# What make is told of another architecture than the machine's.
cross() {
    case $1 in
    arm64-*) echo ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- ;;
    riscv64-*) echo ARCH=riscv CROSS_COMPILE=riscv64-linux-gnu- ;;
    esac
}

build_virt() {
    local k kernel
    tools
    need binutils-aarch64-linux-gnu binutils-riscv64-linux-gnu
    for k in "${VIRT_KERNELS[@]}"; do
        kernel=${k%%:*}
        headers "$kernel" "${k#*:}"
        fresh "$kernel" "$SRC" "$OUT/$kernel/tpmix.ko" && continue
        say "building the driver for Linux $kernel"
        # Debian 12's assembler does not know what the compiler has for a debugger.
        # shellcheck disable=SC2046 # words
        quiet "driver-$kernel" kmake "$kernel" "$SRC" "$OUT/$kernel" KCFLAGS=-g0 $(cross "$kernel")
    done
}

build() {
    local k kernel
    tools
    for k in "${KERNELS[@]}"; do
        kernel=${k%%:*}
        headers "$kernel" "${k#*:}"
        if ! fresh "$kernel" "$SRC" "$OUT/$kernel/tpmix.ko"; then
            say "building the driver for Linux $kernel"
            quiet "driver-$kernel" kmake "$kernel" "$SRC" "$OUT/$kernel"
        fi
        if ! fresh "$kernel" "$LARGE" "$OUT/large-$kernel/tpm_large.ko"; then
            quiet "large-$kernel" kmake "$kernel" "$LARGE" "$OUT/large-$kernel"
        fi
    done
}

# source_files KERNEL SUITE: tpm.h and checkpatch, which no header package has, in
# build/driver/source-KERNEL.
source_files() {
    local kernel=$1 dir=$OUT/source-$1 package=linux-source-$1 version
    version=$(field "$2" "$package" Version)
    [ "$(cat "$dir/ready" 2>/dev/null)" != "$version" ] || return 0
    if ! compgen -G "$DEBS/${package}_${version}_*.deb" >/dev/null; then
        say "fetching the source of Linux $kernel, for its tpm.h and checkpatch"
        mkdir -p "$DEBS"
        (cd "$DEBS" && quiet "source-$kernel-fetch" apt_root "$2" apt-get download "$package=$version")
    fi
    rm -rf "$dir"
    mkdir -p "$dir"
    dpkg-deb --fsys-tarfile "$(compgen -G "$DEBS/${package}_${version}_*.deb" | head -n 1)" |
        tar -xOf - "./usr/src/$package.tar.xz" |
        tar -C "$dir" --strip-components=1 --wildcards -xJf - \
            '*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
            '*/scripts/const_structs.checkpatch' '*/drivers/char/tpm/tpm.h'
    printf '%s\n' "$version" >"$dir/ready"
}

# The private prototypes beside the kernel's own: a difference is an error.
prototypes() {
    local kernel=$1 dir=$OUT/lint-prototypes-$1
    rm -rf "$dir"
    mkdir -p "$dir"
    cp "$SRC/tpmix_driver.h" "$OUT/source-$kernel/drivers/char/tpm/tpm.h" "$dir/"
    printf '#include "tpm.h"\n#include "tpmix_driver.h"\n' >"$dir/prototypes.c"
    printf 'obj-m := prototypes.o\nccflags-y := -I%s\n' "$ROOT/engine" >"$dir/Kbuild"
    quiet "driver-lint-prototypes-$kernel" make -C "$OUT/headers-$kernel/build" M="$dir" \
        CC="$(compiler "$kernel")" prototypes.o
}

# exported KERNEL: every function declared in the private header is exported.
exported() {
    local symbol found=0
    for symbol in $(grep -oE '\btpm[0-9m]*_[a-z_]+\(' "$SRC/tpmix_driver.h" |
        tr -d '(' | grep -v _try_get_ops | sort -u); do
        grep -qP "\t$symbol\t\S+\tEXPORT_SYMBOL_GPL" "$OUT/headers-$1/build/Module.symvers" ||
            { echo "Linux $1 does not export $symbol"; found=1; }
    done
    return $found
}

lint() {
    local k kernel dir source failed=0
    tools
    need sparse perl xz-utils
    for k in "${KERNELS[@]}"; do
        kernel=${k%%:*}
        headers "$kernel" "${k#*:}"
        exported "$kernel" || failed=1
        source_files "$kernel" "${k#*:}"
        prototypes "$kernel"
        for source in "$SRC" "$LARGE"; do
            dir=$OUT/lint-${source##*/}-$kernel
            # From nothing: warnings come only where something is compiled.
            rm -rf "$dir"
            quiet "driver-lint-$kernel" kmake "$kernel" "$source" "$dir" W=1 C=1
            # No BTF is made here, and so the version of pahole does not matter.
            if grep -E '(warning|error):' "$BUILD/log/driver-lint-$kernel.log" |
                grep -v 'pahole version differs'; then
                failed=1
            fi
        done
    done

    # Lines of code only: the maintainers' list is not this tree's.
    # TRACE_EVENT() has a layout of its own.
    perl "$OUT/source-7.3/scripts/checkpatch.pl" --no-tree --terse --no-summary \
        -f "$SRC/tpmix_trace.h" || failed=1
    find "$SRC" "$LARGE" -maxdepth 1 \( -name '*.[ch]' -o -name Kbuild -o -name Makefile \
        -o -name Kconfig \) ! -name tpmix_trace.h -print0 |
        xargs -0 perl "$OUT/source-7.3/scripts/checkpatch.pl" --no-tree --strict --terse \
            --no-summary -f || failed=1
    [ $failed = 0 ] || die "findings in linux-driver or tests/guest/large, above"
    say "linux-driver: no findings"
}

case ${1:-build} in
build | virt | lint)
    plain_path "the Linux driver"
    lock
    case ${1:-build} in virt) build_virt ;; *) "${1:-build}" ;; esac
    ;;
*) die "scripts/driver.sh [build|virt|lint]" ;;
esac
