#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds the devices as a plug-in for an unmodified QEMU of Debian, from exactly
# the source that this QEMU was built from. Result: build/plugin/BUILD-ID.so,
# named after the GNU build-id of the binary. docs/plugin.md says what it is.
#
# plugin.sh [QEMU_BINARY]: build, print the command line to use
# plugin.sh tests: what the suite "plugin" needs: a plug-in for the machine's QEMU
#     and one for the other Debian release's, which is unpacked with its libraries
#     in build/plugin/SUITE; "run" there starts it

. "$(dirname "$0")/lib.sh"

OUT=$BUILD/plugin
SYSTEM=/usr/bin/qemu-system-x86_64
# QEMU_BINARY belongs to a Debian package, or to an unpacked tree with this file
# at its root: package, its version, the version of its source
SIDE_FILE=.debian-package
VERSIONS="7.2 and 10.0"

build_id() { readelf -n "$1" 2>/dev/null | sed -n 's/^ *Build ID: //p'; }

# What the result is made of, but for the QEMU, which its name tells.
inputs() {
    cat "$ROOT"/plugin/*.[ch] "$ROOT"/plugin/include/*.h "$ROOT"/engine/*.[ch] \
        "$ROOT/engine/meson.build" "$ROOT"/hw/tpm/*.[ch] "$ROOT"/hw/misc/*.c "$ROOT/scripts/plugin.sh" \
        | sha256sum | cut -d' ' -f1
}

side_file() {
    local dir=$1
    while [ "$dir" != / ]; do
        dir=$(dirname "$dir")
        [ ! -e "$dir/$SIDE_FILE" ] || { echo "$dir/$SIDE_FILE"; return; }
    done
}

# Sets PACKAGE, VERSION, SOURCE.
identify() {
    local binary=$1 file
    # Of Debian 12's packages some still name /bin for what is in /usr/bin.
    PACKAGE=$({ dpkg-query -S "$binary" || dpkg-query -S "${binary#/usr}"; } 2>/dev/null \
        | sed -n '1s/:.*//p' || true)
    if [ -n "$PACKAGE" ]; then
        # shellcheck disable=SC2016 # dpkg's own variables
        read -r VERSION SOURCE < <(dpkg-query -W \
            -f '${Version} ${source:Version}\n' "$PACKAGE")
        ! dpkg --verify "$PACKAGE" | grep -qF " $binary" ||
            die "$binary is not the one of $PACKAGE $VERSION any more: apt install --reinstall $PACKAGE"
        return
    fi
    file=$(side_file "$binary")
    [ -n "$file" ] ||
        die "$binary belongs to no Debian package: the exact source is had for those only"
    read -r PACKAGE VERSION SOURCE <"$file"
}

# The security archive is another one than apt_root's.
security_root() {
    local suite=$1 dir=$BUILD/apt/$1 site
    [ ! -e "$dir/ready" ] || return 0
    site=$(debian_site debian-security)
    [ -n "$site" ] || return 1
    apt_files "$dir"
    printf 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$site" "$suite" >"$dir/etc/sources.list"
    quiet "apt-update-$suite" env APT_CONFIG="$dir/apt.conf" apt-get update --error-on=any
    : >"$dir/ready"
}

has_source() {
    case $1 in
    *-security) security_root "$1" || return 1 ;;
    esac
    # No -q: grep would leave early, and pipefail take apt-cache's broken pipe for a no.
    apt_root "$1" apt-cache showsrc --only-source qemu 2>/dev/null \
        | grep -Fx "Version: $SOURCE" >/dev/null
}

suites() {
    case $SOURCE in
    *~bpo12*) echo bookworm-backports ;;
    *deb12u*) echo bookworm bookworm-security bookworm-updates ;;
    *~bpo13*) echo trixie-backports ;;
    *) echo trixie trixie-security trixie-updates ;;
    esac
}

# Which suite has the source? Lists that were fetched long ago may not know it.
find_suite() {
    local suite
    for suite in $(suites); do
        has_source "$suite" && { echo "$suite"; return; }
    done
    say "fetching newer package lists for the source of qemu $SOURCE"
    for suite in $(suites); do
        apt_root "$suite" apt-get update -qq >&2 || true
        has_source "$suite" && { echo "$suite"; return; }
    done
    die "the source of qemu $SOURCE is not in $(suites): Debian keeps the newest only, upgrade $PACKAGE"
}

# Sets DSC.
fetch_source() {
    local name=${SOURCE#*:} dir suite
    for dir in "$DOWNLOADS/qemu" "$DOWNLOADS/qemu-$name"; do
        DSC=$dir/qemu_$name.dsc
        [ ! -e "$DSC" ] ||
            ! (cd "$dir" && sha256sum --quiet -c SHA256SUMS >/dev/null 2>&1) || return 0
    done
    suite=$(find_suite)
    rm -rf "$dir"
    mkdir -p "$dir"
    say "fetching the source of qemu $SOURCE from $suite"
    cd "$dir"
    quiet "plugin-fetch" apt_root "$suite" apt-get source --download-only \
        --only-source "qemu=$SOURCE"
    sha256sum qemu_* >SHA256SUMS
}

# Debian's patches are part of it: one of 7.2's changes the size of DeviceState.
# Sets SRC and INC.
unpack_source() {
    SRC=$OUT/source/${SOURCE#*:}
    INC=$SRC.include
    [ ! -e "$INC/ready" ] || return 0
    rm -rf "$SRC" "$INC"
    mkdir -p "$INC/qapi"
    # apt has checked the signature of the index that names the files.
    quiet plugin-unpack dpkg-source --no-check -x "$DSC" "$SRC"
    quiet plugin-qapi "$PYTHON" "$SRC/scripts/qapi-gen.py" -b -o "$INC/qapi" \
        "$SRC/qapi/qapi-schema.json"
    # QEMU 9.2 renamed the directory.
    [ -d "$SRC/include/system" ] || ln -s "$SRC/include/sysemu" "$INC/system"
    : >"$INC/ready"
}

# -O2 and -f as QEMU's own build. PLUGIN_TEST_INCLUDE: a directory of headers that
# go before QEMU's, for the test of a wrong layout; its plugin.so is the result.
compile_all() {
    local version flags f
    IFS=. read -r -a version <"$SRC/VERSION"
    read -r -a flags < <(pkg-config --cflags glib-2.0)
    flags+=(-std=gnu11 -O2 -g -Wall -Wno-missing-include-dirs -m64 -mcx16 -msse2
        -fPIC -fvisibility=hidden -fno-strict-aliasing -fno-common -fwrapv
        -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_LARGEFILE_SOURCE
        -DQEMU_VERSION_MAJOR="${version[0]}" -DQEMU_VERSION_MINOR="${version[1]}"
        -DPLUGIN_BUILD_ID="\"$ID\"" -DPLUGIN_QEMU="\"$PACKAGE $VERSION\""
        -iquote "$ROOT/plugin" -iquote "$ROOT/plugin/include" -I "$INC")
    [ -z "${PLUGIN_TEST_INCLUDE:-}" ] || flags+=(-iquote "$PLUGIN_TEST_INCLUDE")
    flags+=(-iquote "$SRC" -iquote "$SRC/include" -iquote "$SRC/hw/tpm"
        -iquote "$SRC/host/include/x86_64" -iquote "$SRC/host/include/generic"
        -iquote "$ROOT/hw/tpm" -iquote "$ROOT" -isystem "$SRC/linux-headers")
    for f in $(engine_sources); do
        gcc "${flags[@]}" -c -o "$OBJ/engine-$(basename "$f" .c).o" "$f"
    done
    for f in "$ROOT"/plugin/*.c "$ROOT"/hw/tpm/tpmix_{device,memory,qdev,isa}.c \
        "$ROOT/hw/misc/mmio_replay.c"; do
        gcc "${flags[@]}" -include "$ROOT/plugin/compat.h" -c \
            -o "$OBJ/$(basename "$f" .c).o" "$f"
    done
}

names() { awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u; }

# References to QEMU become weak: on another QEMU the plug-in is loaded far
# enough to say that it is the wrong one.
link_all() {
    local binary=$1
    nm -D --defined-only "$binary" | names >"$OBJ/exported"
    ld -r -o "$OBJ/all" "$OBJ"/*.o
    objcopy --weaken-symbols="$OBJ/exported" "$OBJ/all" "$OBJ/weak"
    gcc -shared -o "$OBJ/plugin.so" "$OBJ/weak" -Wl,-z,now \
        -Wl,--build-id -Wl,-soname,tpmix.so
}

# What is not QEMU's must be the C library's or glib's.
check_symbols() {
    local missing
    missing=$(nm -D --undefined-only "$OBJ/plugin.so" | grep -v ' [Uw] .*@' \
        | names | grep -vxFf "$OBJ/exported" | grep -vE '^(g_|_ITM_|__gmon_start__)' || true)
    [ -z "$missing" ] ||
        die "$1 does not export ${missing//$'\n'/, }: no plug-in can be built for it"
}

build() {
    local binary=$1 made_of
    made_of=$(inputs)
    need gcc libglib2.0-dev pkg-config python3 dpkg-dev binutils
    say "a plug-in for $PACKAGE $VERSION"
    fetch_source
    unpack_source
    OBJ=${PLUGIN_TEST_INCLUDE:-$OUT}/obj/$ID
    rm -rf "$OBJ"
    mkdir -p "$OBJ"
    quiet plugin-compile compile_all
    quiet plugin-link link_all "$binary"
    check_symbols "$binary"
    if [ -n "${PLUGIN_TEST_INCLUDE:-}" ]; then
        mv "$OBJ/plugin.so" "$PLUGIN_TEST_INCLUDE"
        return
    fi
    mv "$OBJ/plugin.so" "$SO"
    printf '%s %s %s\n' "$PACKAGE" "$VERSION" "$SOURCE" >"$OUT/$ID.package"
    echo "$made_of" >"$OUT/$ID.inputs"
}

# What is wrong with the file is said at once: the checkout is locked after that.
plugin() {
    local binary
    [ -n "${1:-}" ] || [ -e $SYSTEM ] || { lock; need qemu-system-x86; }
    binary=$(readlink -e "${1:-$SYSTEM}") || die "no file $1"
    command -v readelf >/dev/null || { lock; need binutils; }
    ID=$(build_id "$binary" || true)
    [ -n "$ID" ] || die "$binary has no GNU build-id, or is no program"
    identify "$binary"
    case ${SOURCE#*:} in
    7.2* | 10.0*) ;;
    *) die "the devices compile for QEMU $VERSIONS, $PACKAGE is $VERSION" ;;
    esac
    lock
    SO=$OUT/$ID.so
    mkdir -p "$OUT"
    if [ -n "${PLUGIN_TEST_INCLUDE:-}" ]; then
        build "$binary"
        return
    fi
    if [ ! -e "$SO" ] || [ "$(cat "$OUT/$ID.inputs" 2>/dev/null)" != "$(inputs)" ]; then
        build "$binary"
    fi
    [ "$binary" != "$(readlink -e $SYSTEM)" ] || ln -sfn "$ID.so" "$OUT/system.so"
    cat <<COMMAND
$(printf %q "$binary") -plugin file=$(printf %q "$SO") \\
    -chardev socket,id=chrtpm,path=SWTPM_SOCKET -tpmdev emulator,id=tpm0,chardev=chrtpm \\
    -device tpm-tis-indexed,tpmdev=tpm0     # or tpm-crb-ext
COMMAND
}

# The other release: a tree of its packages with its own C library.
tree() {
    local suite=trixie debs deb root
    [ "$(. /etc/os-release; echo "$VERSION_ID")" -lt 13 ] || suite=bookworm
    root=$OUT/$suite
    debs=$DOWNLOADS/qemu-system-$suite
    if ! (cd "$debs" 2>/dev/null && sha256sum --quiet -c SHA256SUMS >/dev/null 2>&1); then
        say "fetching the QEMU of $suite with its libraries"
        rm -rf "$debs"
        mkdir -p "$debs/partial"
        # apt's own state says that nothing is installed: it fetches all of it.
        quiet plugin-tree-fetch apt_root "$suite" apt-get install -y --download-only \
            --no-install-recommends -o Dir::Cache::archives="$debs" qemu-system-x86
        (cd "$debs" && sha256sum ./*.deb >SHA256SUMS)
    fi
    if [ ! -e "$root/run" ]; then
        unpack "$root" "$debs"/*.deb
        deb=$(echo "$debs"/qemu-system-x86_*.deb)
        # "Source: qemu (VERSION)" is there where the two versions differ.
        dpkg-deb -f "$deb" Package Version Source | awk '
            /^Package/ { p = $2 } /^Version/ { v = s = $2 }
            /^Source.*\(/ { s = $3; gsub(/[()]/, "", s) }
            END { print p, v, s }' >"$root/$SIDE_FILE"
        own_loader "$root" "${SYSTEM#/}"
    fi
    echo "$root$SYSTEM"
}

case ${1:-} in
-*) die "plugin takes the path of a QEMU, or nothing" ;;
esac
case ${1:-} in
tests)
    lock
    need swtpm seabios
    plugin >/dev/null
    plugin "$(tree)" >/dev/null
    ;;
*) plugin "${1:-}" ;;
esac
