#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the suite "packages" needs: compilers for the library's headers, Sphinx, lintian,
# and clean trees of Debian 12 and 13 in build/trees/SUITE, into which the test installs.
#
# A tree is Debian's essential packages, and what ours depend on, unpacked: dpkg finds
# them as installed, but no maintainer script of theirs has run. That takes seconds,
# where debootstrap takes minutes. The packages are kept in build/downloads/tree-SUITE.

. "$(dirname "$0")/lib.sh"

# The headers are those that scripts/driver.sh has fetched, of the guest's kernels.
declare -A COMPILER=([bookworm]="gcc-12 linux-compiler-gcc-12-x86" [trixie]="gcc-14 make")

fetch() {
    local suite=$1 debs=$DOWNLOADS/tree-$1
    ! (cd "$debs" 2>/dev/null && sha256sum --quiet -c SHA256SUMS >/dev/null 2>&1) || return 0
    say "fetching a tree of $suite"
    rm -rf "$debs"
    mkdir -p "$debs/partial"
    # apt's own state says that nothing is installed: it fetches all of it.
    # shellcheck disable=SC2086
    quiet "tree-$suite-fetch" apt_root "$suite" apt-get install -y --download-only \
        --no-install-recommends -o Dir::Cache::archives="$debs" \
        '?and(?essential, ?architecture(amd64))' apt dkms tpm2-tools libtpms0 libglib2.0-0 \
        libjson-glib-1.0-0 libtss2-rc0 libelf1 ${COMPILER[$suite]}
    (cd "$debs" && sha256sum ./*.deb >SHA256SUMS)
}

lock
need lintian dkms clang g++ bindgen rustc pkg-config meson ninja-build libtpms-dev \
    libglib2.0-dev tpm2-tools qemu-system-x86
# For .clusterfuzzlite/build.sh; the runtime has the compiler's major version in its name.
need zip patch "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
for suite in bookworm trixie; do
    fetch "$suite"
    if [ "$(cat "$BUILD/trees/$suite.ready" 2>/dev/null)" != \
        "$(sha256sum <"$DOWNLOADS/tree-$suite/SHA256SUMS")" ]; then
        say "unpacking the tree of $suite"
        rm -f "$BUILD/trees/$suite.ready"
        quiet "tree-$suite" "$PYTHON" "$ROOT/scripts/tree.py" "$DOWNLOADS/tree-$suite" \
            "$BUILD/trees/$suite"
        sha256sum <"$DOWNLOADS/tree-$suite/SHA256SUMS" >"$BUILD/trees/$suite.ready"
    fi
done
