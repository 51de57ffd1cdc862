#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds linux-driver/ against the kernels of Debian 12 and its backports, from
# their header packages, unpacked and not installed.
#
#   scripts/driver.sh         build/driver/{6.1,6.12}/tpmix.ko, and the test
#                             module of tests/guest/large in build/driver/large-*
#   scripts/driver.sh lint    gcc W=1, sparse, checkpatch, private prototypes

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SRC=$ROOT/linux-driver
LARGE=$ROOT/tests/guest/large
OUT=$BUILD/driver
DEBS=$DOWNLOADS/debs
KERNELS=(6.1:bookworm 6.12:bookworm-backports)

# field SUITE PACKAGE FIELD: of the newest version.
field() {
    apt_root "$1" apt-cache show --no-all-versions "$2" | sed -n "s/^$3: //p"
}

# image SUITE: "ABI VERSION" of the kernel that linux-image-amd64 stands for.
image() {
    field "$1" linux-image-amd64 Depends |
        sed -n 's/.*linux-image-\([^ ,]*\) (= \([^)]*\)).*/\1 \2/p'
}

# headers KERNEL SUITE: build/driver/headers-KERNEL, for `make -C .../build`.
headers() {
    local kernel=$1 suite=$2 dir=$OUT/headers-$1 abi version common kbuild p
    local missing=() debs=()

    read -r abi version <<<"$(image "$suite")" || true
    [ -n "${version:-}" ] || die "no linux-image-amd64 in $suite: run again after rm -r build/apt/$suite"
    [ "$(cat "$dir/ready" 2>/dev/null)" != "$abi $version" ] || return 0

    common=linux-headers-${abi%-amd64}-common
    kbuild=$(field "$suite" "linux-headers-$abi" Depends |
        grep -o 'linux-kbuild-[^ ,]*' | head -n 1)
    mkdir -p "$DEBS"
    for p in "linux-headers-$abi" "$common" "$kbuild"; do
        compgen -G "$DEBS/${p}_${version}_*.deb" >/dev/null || missing+=("$p=$version")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        say "fetching the headers of Linux $abi"
        (cd "$DEBS" && quiet "headers-$kernel-fetch" \
            apt_root "$suite" apt-get download "${missing[@]}")
    fi
    for p in "linux-headers-$abi" "$common" "$kbuild"; do
        debs+=("$(compgen -G "$DEBS/${p}_${version}_*.deb" | head -n 1)")
    done

    rm -rf "$dir"
    mkdir -p "$dir"
    for p in "${debs[@]}"; do
        dpkg-deb -x "$p" "$dir"
    done
    # The one absolute path in the packages; their symbolic links are relative.
    sed -i 's,/usr/src/,../,' "$dir/usr/src/linux-headers-$abi/Makefile"
    # Only there to make BTF from, which needs a pahole as new as the kernel.
    rm -f "$dir/usr/src/linux-headers-$abi/vmlinux"
    ln -s "usr/src/linux-headers-$abi" "$dir/build"
    printf '%s %s\n' "$abi" "$version" >"$dir/ready"
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
    make -C "$OUT/headers-$kernel/build" M="$dir" CC=gcc-12 \
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

# kernel_source: checkpatch and tpm.h, which no header package has, in
# build/driver/source.
kernel_source() {
    local suite=bookworm-backports dir=$OUT/source version tar
    version=$(image "$suite")
    version=${version#* }
    [ "$(cat "$dir/ready" 2>/dev/null)" != "$version" ] || return 0
    tar=$DOWNLOADS/linux/linux_${version%-*}.orig.tar.xz
    if [ ! -e "$tar" ]; then
        say "fetching the source of Linux ${version%-*} for checkpatch"
        mkdir -p "${tar%/*}"
        (cd "${tar%/*}" && quiet linux-source-fetch apt_root "$suite" \
            apt-get source --download-only --tar-only "linux=$version")
    fi
    rm -rf "$dir"
    mkdir -p "$dir"
    quiet linux-source-unpack tar -C "$dir" --strip-components=1 --wildcards -xf "$tar" \
        '*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
        '*/scripts/const_structs.checkpatch' '*/drivers/char/tpm/tpm.h'
    printf '%s\n' "$version" >"$dir/ready"
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
        for source in "$SRC" "$LARGE"; do
            dir=$OUT/lint-${source##*/}-$kernel
            # From nothing: warnings come only where something is compiled.
            rm -rf "$dir"
            quiet "driver-lint-$kernel" kmake "$kernel" "$source" "$dir" W=1 C=1
            if grep -E '(warning|error):' "$BUILD/log/driver-lint-$kernel.log"; then
                failed=1
            fi
        done
    done

    kernel_source
    # The private prototypes beside the kernel's own: a difference is an error.
    dir=$OUT/lint-prototypes
    mkdir -p "$dir"
    cp "$SRC/tpmix_driver.h" "$OUT/source/drivers/char/tpm/tpm.h" "$dir/"
    printf '#include "tpm.h"\n#include "tpmix_driver.h"\n' >"$dir/prototypes.c"
    printf 'obj-m := prototypes.o\nccflags-y := -I%s\n' "$ROOT/engine" >"$dir/Kbuild"
    quiet driver-lint-prototypes make -C "$OUT/headers-6.12/build" M="$dir" \
        CC=gcc-12 prototypes.o

    # Lines of code only: the maintainers' list is not this tree's.
    perl "$OUT/source/scripts/checkpatch.pl" --no-tree --strict --terse --no-summary \
        -f "$SRC"/*.[ch] "$SRC/Kbuild" "$SRC/Makefile" "$SRC/Kconfig" \
        "$LARGE"/*.c "$LARGE/Kbuild" || failed=1
    [ $failed = 0 ] || die "findings in linux-driver or tests/guest/large, above"
    say "linux-driver: no findings"
}

case ${1:-build} in
build) build ;;
lint) lint ;;
*) die "scripts/driver.sh [build|lint]" ;;
esac
