# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# What every script of this tree shares: where things are, how progress and
# errors look, how Debian packages are installed and fetched. Sourced, not run.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build
DOWNLOADS=$BUILD/downloads
JOBS=$(nproc)
export ROOT BUILD DOWNLOADS JOBS
# Debian's python3, not one that a version manager put first on PATH: apt
# installs the modules that QEMU's configure needs for the former only.
PYTHON=/usr/bin/python3
export PYTHON
export PYTHONDONTWRITEBYTECODE=1
# What is not in the cache yet is preprocessed once, not twice.
export CCACHE_DIR=$BUILD/ccache CCACHE_DEPEND=1

# Debian's kernels that the driver is built for, and their suites.
# shellcheck disable=SC2034 # used where this is sourced
KERNELS=(6.1:bookworm 6.12:bookworm-backports 7.3:trixie-backports)
# shellcheck disable=SC2034
VIRT_KERNELS=(arm64-6.12:trixie/arm64 arm64-7.3:trixie-backports/arm64
    riscv64-6.12:trixie/riscv64)

# arch_of SUITE[/ARCHITECTURE], triplet ARCHITECTURE: as Debian names them.
arch_of() { case $1 in */*) echo "${1#*/}" ;; *) echo amd64 ;; esac; }
triplet() { case $1 in amd64) echo x86_64 ;; arm64) echo aarch64 ;; *) echo "$1" ;; esac; }
# The engine's files, of the one list that there is.
engine_sources() { sed -n "s|^ *'\([a-z0-9_]*\.c\)',\$|$ROOT/engine/\1|p" "$ROOT/engine/meson.build"; }

# Bold on a terminal only, and not where NO_COLOR (no-color.org) is set.
say() {
    if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then printf '\033[1m==>\033[0m %s\n' "$*" >&2
    else printf '==> %s\n' "$*" >&2; fi
}
die() { printf 'run: %s\n' "$*" >&2; exit 1; }

# lock: who builds does so alone in this checkout; scripts that one starts are it, too.
# Ends with the process, or by unlock. Afterwards build/ can be written to, and has
# nothing that knows this checkout by another path.
lock() {
    [ -z "${RUN_LOCK:-}" ] || return 0
    { mkdir -p "$BUILD/log" && : >>"$BUILD/lock"; } 2>/dev/null ||
        die "cannot write to $BUILD: give this user a checkout of its own that can be written to"
    exec {RUN_LOCK}<>"$BUILD/lock"
    if ! flock -w 2 "$RUN_LOCK"; then
        say "waiting for another ./run that builds here, process $(cat "$BUILD/lock")"
        flock "$RUN_LOCK"
    fi
    echo $$ >"$BUILD/lock"
    export RUN_LOCK
    if [ -s "$BUILD/at" ] && [ "$(cat "$BUILD/at")" != "$ROOT" ]; then
        say "this checkout has moved: what holds its path is built anew"
        rm -rf "$BUILD"/{qemu/obj,host,tcti,driver,tools,plugin,prove}
    fi
    printf '%s\n' "$ROOT" >"$BUILD/at"
}

unlock() {
    exec {RUN_LOCK}>&-
    unset RUN_LOCK
}

# plain_path WHAT: for what cannot build where the path has such a character.
plain_path() {
    [[ $ROOT =~ ^[A-Za-z0-9_./+,@~-]*$ ]] ||
        die "$1 cannot be built under '$ROOT': move the checkout to a path without spaces, colons and quotes"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# reason LOG: its line that says best why a command failed.
reason() {
    local line
    line=$(grep -aE '^(E|fatal|sudo|ERROR|configure): |^ERROR|[^a-z]error: |: (ERROR|Error) |\*\*\* ' "$1" |
        head -n 1 || true)
    [ -n "$line" ] || line=$(grep -a '[^[:space:]]' "$1" | tail -n 1 || true)
    case $line in
    *"resolving "* | *"resolve "* | *"onnect to "* | *unreachable*) line="no network: $line" ;;
    esac
    printf '%.200s' "$line"
}

# need PACKAGE...: install those that are missing, once, from the system's apt.
need() {
    local missing=() p have
    command -v dpkg-query >/dev/null ||
        die "this is no Debian: install what these packages of Debian 12 have: $*"
    have=$(dpkg-query -W -f='${Package}:${Status}\n' "$@" 2>/dev/null || true)
    for p in "$@"; do
        [[ $'\n'$have$'\n' = *$'\n'"$p:install ok installed"$'\n'* ]] || missing+=("$p")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "missing here, and there is no sudo; as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    mkdir -p "$BUILD/log"
    {
        # One archive of the machine that does not answer is not our matter.
        as_root apt-get update -qq || true
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends \
            -o DPkg::Lock::Timeout=300 "${missing[@]}"
    } >"$BUILD/log/apt.log" 2>&1 ||
        die "apt could not install ${missing[*]}: $(reason "$BUILD/log/apt.log") (build/log/apt.log)"
}

# quiet NAME COMMAND...: run a long command with its output in build/log/NAME.log,
# a progress line meanwhile, and the end of the log where it fails.
quiet() {
    local name=$1 log=$BUILD/log/$1.log start=$SECONDS pid nap
    shift
    mkdir -p "$BUILD/log"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    # What has nothing to do ends at once.
    for nap in 0.05 0.1 0.2 0.3; do
        kill -0 "$pid" 2>/dev/null && sleep "$nap"
    done
    while kill -0 "$pid" 2>/dev/null; do
        if [ -t 2 ]; then
            printf '\r    %s: %ds %-50.50s' "$name" $((SECONDS - start)) \
                "$(tail -c 200 "$log" | tr -d '\r' | tail -n 1)" >&2
        elif [ $(((SECONDS - start) % 60)) = 59 ]; then
            printf '    %s: %ds\n' "$name" $((SECONDS - start)) >&2
        fi
        sleep 1
    done
    [ -t 2 ] && printf '\r%-78s\r' '' >&2
    wait "$pid" && return 0
    tail -n 20 "$log" >&2
    die "$name failed: $(reason "$log") (build/log/$name.log)"
}

# meson_setup NAME DIR OPTION...: anew where it was not to the end, elsewhere or
# otherwise.
meson_setup() {
    local name=$1 dir=$2 made
    shift 2
    made="$dir $*"
    [ "$(cat "$dir/made" 2>/dev/null)" != "$made" ] || return 0
    rm -rf "$dir"
    quiet "$name" env -u PYTHONPATH meson setup "$@" "$dir" "$ROOT"
    printf '%s\n' "$made" >"$dir/made"
}

# unpack DIR DEB...: into DIR, which is there afterwards only if all of them are, and is new.
unpack() {
    local dir=$1 deb
    shift
    rm -rf "$dir" "$dir.new"
    mkdir -p "$dir.new"
    for deb; do
        dpkg-deb -x "$deb" "$dir.new"
    done
    touch "$dir.new"
    mv "$dir.new" "$dir"
}

# debian_source PACKAGE SUITE SERIES [NAME]: SUITE's newest source package of the series, in
# build/downloads/NAME (PACKAGE); kept once it is here.
debian_source() {
    local package=$1 suite=$2 series=$3 dir=$DOWNLOADS/${4:-$1} version
    (cd "$dir" 2>/dev/null && sha256sum --quiet -c SHA256SUMS 2>/dev/null) && return
    rm -rf "$dir" && mkdir -p "$dir"
    version=$(apt_root "$suite" apt-cache showsrc --only-source "$package" \
        | sed -nE "s/^Version: (([0-9]+:)?$series\..*)/\1/p" | sort -V | tail -n 1)
    [ -n "$version" ] ||
        die "$suite has no $package $series: update SERIES in scripts/$package.sh"
    say "fetching the source of $package $version"
    cd "$dir"
    quiet "$package-fetch" apt_root "$suite" apt-get source --download-only \
        --only-source "$package=$version"
    sha256sum "${package}"_* >SHA256SUMS
}

# patched_source NAME DIR PATCH...: what debian_source() fetched, in DIR, a repository with
# the patches by git am.
patched_source() {
    local name=$1 dir=$2
    shift 2
    # apt has checked the signature of the index that names the files.
    quiet "$name-unpack" dpkg-source --no-check -x "$DOWNLOADS/$name"/*.dsc "$dir"
    cd "$dir"
    git init -q
    git config user.name "tpmix build"
    git config user.email "tpmix@localhost"
    git config gc.auto 0
    git add -A -f
    git commit -q -m "Debian's $name"
    quiet "$name-am" git am "$@"
}

# own_loader ROOT PROGRAM: ROOT/run starts a program of an unpacked tree with the tree's own
# loader and libraries.
own_loader() {
    local libs=usr/lib/x86_64-linux-gnu lib
    lib=$1/$libs
    [ -e "$lib/ld-linux-x86-64.so.2" ] || lib=$1/${libs#usr/}
    cat >"$1/run" <<RUN
#!/bin/sh
QEMU_MODULE_DIR=$1/$libs/qemu exec $lib/ld-linux-x86-64.so.2 \\
    --library-path $1/$libs:$1/${libs#usr/} $1/$2 "\$@"
RUN
    chmod +x "$1/run"
}

# debian_site WORD: of the machine's archives, the address of the one that is Debian's
# archive WORD.
debian_site() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(REPO_URI)' | grep -E "/$1/?\$" | sort -u | head -n 1 ||
        true
}

# apt_files DIR [ARCHITECTURE]: what apt wants there beside sources.list.
apt_files() {
    mkdir -p "$1"/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial}
    : >"$1/state/status"
    # Each time: the paths are absolute, and the checkout may have moved.
    cat >"$1/apt.conf" <<CONF
Dir::Etc "$1/etc";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::State "$1/state";
Dir::State::status "$1/state/status";
Dir::Cache "$1/cache";
APT::Architecture "${2:-amd64}";
APT::Architectures { "${2:-amd64}"; };
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
}

# A private apt root: other suites than the machine's, without touching its
# configuration. apt itself checks the archive's signature with Debian's keyring.
# apt_root SUITE[/ARCHITECTURE] COMMAND...: run an apt command against SUITE of the
# machine's mirror. Wants the lock.
apt_root() {
    local suite=${1%/*} dir=$BUILD/apt/${1/\//-} arch='' site one options
    [ "$suite" = "$1" ] || arch=${1#*/}
    shift
    apt_files "$dir" "$arch"
    if [ ! -e "$dir/ready" ]; then
        site=$(debian_site debian)
        [ -n "$site" ] || die "no Debian archive in apt's configuration: add one to /etc/apt/sources.list.d"
        # One, or several with + between them.
        for one in ${suite//+/ }; do
            options=signed-by=/usr/share/keyrings/debian-archive-keyring.gpg
            # A mirror's index of sid may be weeks old, and says that it is good for one.
            [ "$one" = sid ] && options+=' check-valid-until=no'
            printf "%s [$options] %s %s main\n" deb "$site" "$one" deb-src "$site" "$one"
        done >"$dir/etc/sources.list"
        quiet "apt-update-${dir##*/}" env APT_CONFIG="$dir/apt.conf" apt-get update --error-on=any
        : >"$dir/ready"
    fi
    APT_CONFIG=$dir/apt.conf "$@"
}
