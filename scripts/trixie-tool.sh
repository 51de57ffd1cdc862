#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# trixie-tool.sh cbmc|z3|gcc-14|gcc-14-aarch64|gcc-14-riscv64 prints the path of such a
# program, beside cbmc is goto-cc; it is fetched where needed. The first two are what the
# proofs run, the others are what kernels of trixie and its backports want for their
# modules. Debian 12 has no CBMC 6, no gcc-14, and a Z3 that is much slower: there they are
# unpacked from trixie into build/tools, with the C library that they need, and installed
# nowhere.
#
# trixie-tool.sh wrap DIR: the programs below DIR, of an unpacked package of trixie,
# run with that C library from now on. gcc-14 is to be there, and neither may move.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

TOOL=$1
GCC=$BUILD/tools/gcc-14
[ "$TOOL" != wrap ] || TOOL=gcc-14
case $TOOL in
cbmc) PACKAGES=(cbmc minisat) ;;
z3) PACKAGES=(z3 libz3-4) ;;
gcc-14) PACKAGES=({gcc,cpp}-14-x86-64-linux-gnu libgcc-14-dev libgmp10 libisl23
    libmpc3 libmpfr6 libzstd1 zlib1g libelf1t64) TRIPLET=x86_64-linux-gnu ;;
gcc-14-aarch64 | gcc-14-riscv64)
    TRIPLET=${TOOL#gcc-14-}-linux-gnu
    PACKAGES=({gcc,cpp}-14-"$TRIPLET" libgmp10 libisl23 libmpc3 libmpfr6 libzstd1 zlib1g) ;;
*) die "no tool '$TOOL': cbmc, z3, gcc-14, gcc-14-aarch64, gcc-14-riscv64" ;;
esac
TREE=$BUILD/tools/$TOOL
WRAPPER=$TREE/bin/$TOOL

# wrap DIR TREE: each program in it is to be a script that starts it through the tree's own
# loader, and by the name that it was called by: some look for others beside them.
wrap() {
    local lib=$2/usr/lib/x86_64-linux-gnu file
    while read -r file; do
        [ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
        mv "$file" "$file.elf"
        cat >"$file" <<WRAP
#!/bin/sh
exec "$lib/ld-linux-x86-64.so.2" --argv0 "\$0" --library-path "$lib" "$file.elf" "\$@"
WRAP
        chmod +x "$file"
    done < <(find "$1" -type f -perm -100 ! -name '*.elf' ! -name '*.so*')
}

lock
. /etc/os-release
if [ "${VERSION_ID:-13}" -ge 13 ]; then
    [ "$1" != wrap ] || exit 0
    case $TOOL in gcc-14-*) need "$TOOL-linux-gnu"; command -v "$TRIPLET-gcc-14" ;;
    *) need "$TOOL"; command -v "$TOOL" ;; esac
    exit
fi

if [ "$1" = wrap ]; then
    wrap "$2" "$GCC"
    exit
fi

case $TOOL in
gcc-14*) [ "$(cat "$TREE/at" 2>/dev/null)" = "$TREE" ] || rm -rf "$TREE" ;; # it has moved
cbmc) [ -x "$TREE/bin/goto-cc" ] || rm -rf "$TREE" ;; # unpacked by an older one of these
esac
if [ ! -x "$WRAPPER" ]; then
    debs=$DOWNLOADS/debs
    mkdir -p "$debs"
    # A tree without its list of checksums is fetched anew; the list makes a
    # second run after ./run clean ask the network for nothing.
    if ! (cd "$debs" && sha256sum --quiet -c "$TOOL.sha256") >/dev/null 2>&1; then
        say "fetching $TOOL from trixie"
        part=$debs/$TOOL.part
        rm -rf "$part"
        mkdir -p "$part"
        if ! (cd "$part" && quiet "$TOOL-download" apt_root trixie apt-get download \
            "${PACKAGES[@]}" libc6 libgcc-s1 libstdc++6); then
            rm -f "$BUILD/apt/trixie/ready" # its lists may be old; the next run fetches them
            exit 1
        fi
        (cd "$part" && sha256sum -- *.deb >"$TOOL.sha256")
        mv -f "$part"/*.deb "$part/$TOOL.sha256" "$debs"
        rmdir "$part"
    fi
    mapfile -t files < <(awk '{ print $2 }' "$debs/$TOOL.sha256")
    unpack "$TREE" "${files[@]/#/$debs/}"
    mkdir -p "$TREE/bin"
    if [ -n "${TRIPLET:-}" ]; then
        # No linking but by the machine's ld, which has plug-ins of its own.
        rm -f "$TREE"/usr/libexec/gcc*/"$TRIPLET"/14/{lto*,collect2,*.so*,g++-mapper-server}
        wrap "$TREE/usr/bin" "$TREE"
        wrap "$TREE/usr/libexec" "$TREE"
        printf '%s\n' "$TREE" >"$TREE/at"
        if [ "$TRIPLET" = x86_64-linux-gnu ]; then
            ln -s "../usr/bin/$TRIPLET-gcc-14" "$WRAPPER"
        else
            # Where it has been moved to it would find the machine's own as first.
            printf '#!/bin/sh\nexec "%s" -B/usr/%s/bin/ "$@"\n' \
                "$TREE/usr/bin/$TRIPLET-gcc-14" "$TRIPLET" >"$WRAPPER"
            chmod +x "$WRAPPER"
        fi
        echo "$WRAPPER"
        exit
    fi
    # Through the tree's own loader, and not by LD_LIBRARY_PATH: cbmc calls the
    # machine's gcc, which must keep the machine's libraries.
    cat >"$WRAPPER.part" <<'WRAP'
#!/bin/sh
self=$(readlink -f "$0")
tool=${self##*/}
tree=${self%/bin/*}
lib=$tree/usr/lib/x86_64-linux-gnu
exec "$lib/ld-linux-x86-64.so.2" --argv0 "$tool" \
    --library-path "$lib:$tree/usr/lib" "$tree/usr/bin/$tool" "$@"
WRAP
    chmod +x "$WRAPPER.part"
    [ "$TOOL" != cbmc ] || cp "$WRAPPER.part" "$TREE/bin/goto-cc"
    mv "$WRAPPER.part" "$WRAPPER"
fi
echo "$WRAPPER"
