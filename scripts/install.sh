#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# install.sh PREFIX: library, TCTI, tool, man pages and completion by meson, and, for the
# whole machine, the driver by DKMS where the running kernel's headers are.
# install.sh uninstall PREFIX: exactly what that put there, which PREFIX/share/tpmix/installed
# lists.

. "$(dirname "$0")/lib.sh"

DIR=$BUILD/install
# Folders of the machine that the driver's test replaces by its own.
SRC=${TPMIX_TEST_ROOT:-}/usr/src
HEADERS=${TPMIX_TEST_ROOT:-}/lib/modules/$(uname -r)/build
RULES=${TPMIX_TEST_ROOT:-}/usr/lib/udev/rules.d/60-tpmix.rules
VERSION=$(cat "$ROOT/engine/VERSION")

# owner COMMAND...: as root where this user may not write to PREFIX.
owner() {
    if [ "$AS_ROOT" = yes ]; then as_root "$@"; else "$@"; fi
}

# Sets AS_ROOT: PREFIX, or the nearest folder above that there is, is another's.
look_at_prefix() {
    local at=$PREFIX
    while [ ! -e "$at" ]; do at=$(dirname "$at"); done
    [ -d "$at" ] || die "$at is no folder: give another PREFIX"
    if [ -w "$at" ]; then AS_ROOT=no; else AS_ROOT=yes; fi
}

# Files, then the folders that were made for them, the innermost first. Of a list that was
# moved with its folder only what is below PREFIX counts, and PREFIX' own folders.
remove_installed() {
    local paths path
    mapfile -t paths < <(grep -v '^#' "$MANIFEST")
    for path in "${paths[@]}"; do
        if [[ $path == "$PREFIX"/* ]] && { [ -L "$path" ] || [ ! -d "$path" ]; }; then
            owner rm -f "$path"
        fi
    done
    for path in "${paths[@]}"; do
        if [ -d "$path" ] && [[ $path == "$PREFIX"/* || $PREFIX/ == "$path"/* ]]; then
            owner rmdir --ignore-fail-on-non-empty "$path"
        fi
    done
}

# is_packaged PATH: a Debian package has it.
is_packaged() {
    dpkg -S "$1" >/dev/null 2>&1
}

remove_driver() {
    local tree=$SRC/tpmix-$1
    if [ ! -e "$tree" ] || is_packaged "$tree"; then return; fi
    as_root rm -f "$RULES"
    as_root dkms remove "tpmix/$1" --all >/dev/null 2>&1 || true
    as_root rm -rf "$tree"
}

uninstall() {
    local version
    version=$(sed -n 's/^# driver //p' "$MANIFEST")
    [ -z "$version" ] || remove_driver "$version"
    remove_installed
    [ "${1:-}" = again ] || {
        refresh_linker
        say "removed from $PREFIX: library, TCTI, tool, man pages, completion${version:+, driver}"
    }
}

# Only root's linker has a cache, and only some folders are in it.
refresh_linker() {
    if [ "$(id -u)" = 0 ] || [ "$AS_ROOT" = yes ]; then
        as_root env PATH="$PATH:/usr/sbin:/sbin" ldconfig
    fi
}

# Prints why there is no driver, in one line; nothing where it is installed.
install_driver() {
    local tree=$SRC/tpmix-$VERSION
    if [ "$(id -u)" != 0 ] && [ "$AS_ROOT" = no ]; then
        echo "$PREFIX is this user's own, and a driver is the machine's"
        return
    fi
    if [ ! -e "$HEADERS" ]; then
        echo "no headers of Linux $(uname -r), the running kernel: apt-get install linux-headers-$(uname -r), and again"
        return
    fi
    if is_packaged "$tree"; then
        echo "$tree is there already, of the package tpmix-dkms"
        return
    fi
    if [ -e "$tree" ]; then
        echo "$tree is there already, of an installation in another PREFIX"
        return
    fi
    need dkms
    # First: what fails from here on, uninstall removes.
    echo "# driver $VERSION" | owner tee -a "$MANIFEST" >/dev/null
    as_root mkdir -p "$tree" "$(dirname "$RULES")"
    as_root cp "$ROOT/linux-driver/60-tpmix.rules" "$RULES"
    as_root cp "$ROOT"/linux-driver/*.[ch] "$ROOT"/linux-driver/{Kbuild,Makefile} \
        "$ROOT/engine/tpmix_regs.h" "$tree/"
    # Of a build in the checkout.
    as_root rm -f "$tree"/*.mod.c
    sed "s/#MODULE_VERSION#/$VERSION/" "$ROOT/packaging/debian/tpmix-dkms.dkms" |
        as_root tee "$tree/dkms.conf" >/dev/null
    quiet install-driver as_root dkms install "tpmix/$VERSION"
}

# missing FOLDER: it and those above that are not there, the innermost first.
missing() {
    local at=$1
    while [ ! -e "$at" ]; do
        echo "$at"
        at=$(dirname "$at")
    done
}

# write_list FOLDERS: the list of what is installed, from standard input, and of folders that
# were made for it, which go last.
write_list() {
    {
        echo "$MANIFEST"
        cat
        printf '%s' "${1:+$1$'\n'}"
    } | owner tee "$MANIFEST" >/dev/null
}

install_all() {
    local why made
    need build-essential ninja-build pkg-config meson libglib2.0-dev libjson-glib-dev \
        libtpms-dev libtss2-dev
    meson_setup install-setup "$DIR" "--prefix=$PREFIX" -Dtests=false -Dbuildtype=release
    quiet install-build ninja -C "$DIR"
    [ ! -e "$MANIFEST" ] || uninstall again
    # What is copied is listed before, for an installation that does not come to its end.
    made=$(missing "$PREFIX/share/tpmix")
    owner mkdir -p "$PREFIX/share/tpmix"
    meson introspect --installed "$DIR" |
        "$PYTHON" -c 'import json, sys; print(*json.load(sys.stdin).values(), sep="\n")' |
        write_list "$made"
    quiet install-files owner env -u DESTDIR meson install --no-rebuild -C "$DIR"
    write_list "$made" <"$DIR/meson-logs/install-log.txt"
    why=$(install_driver)
    refresh_linker
    LIBDIR=$(dirname "$(grep -F /libtpmix.so.1 "$MANIFEST" | head -n 1)")
    grep -v '^#' "$MANIFEST" | while read -r path; do
        [ -d "$path" ] || printf '%s\n' "$path"
    done
    if [ -n "$why" ]; then say "the driver is not installed: $why"
    else say "the driver is installed, by DKMS: tpmix/$VERSION"; fi
    say "installed in $PREFIX; ./run uninstall${1:+ $1} removes it"
    env PATH="$PATH:/usr/sbin:/sbin" ldconfig -p | grep -F "$LIBDIR/libtpmix.so.1" >/dev/null ||
        say "its libraries are found with: export LD_LIBRARY_PATH=$LIBDIR"
}

case ${1:-} in
uninstall) PREFIX=${2:-/usr/local} ;;
*) PREFIX=${1:-/usr/local} ;;
esac
MANIFEST=$PREFIX/share/tpmix/installed
[ "${1:-}" != uninstall ] || [ -e "$MANIFEST" ] ||
    die "nothing of this project is installed in $PREFIX: no $MANIFEST"
plain_path "an installation"
lock
look_at_prefix
if [ "${1:-}" = uninstall ]; then uninstall
else install_all "${1:-}"; fi
