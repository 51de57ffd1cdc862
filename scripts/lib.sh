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

# Debian's kernels that the driver is built for, and their suites.
# shellcheck disable=SC2034 # used where this is sourced
KERNELS=(6.1:bookworm 6.12:bookworm-backports 7.3:trixie-backports)
# The engine's files, of the one list that there is.
engine_sources() { sed -n "s|^ *'\([a-z0-9_]*\.c\)',\$|$ROOT/engine/\1|p" "$ROOT/engine/meson.build"; }

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'run: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need PACKAGE...: install those that are missing, once, from the system's apt.
need() {
    local missing=() p
    for p in "$@"; do
        dpkg-query -W -f='${Status}\n' "$p" 2>/dev/null \
            | grep -q 'install ok installed' || missing+=("$p")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    mkdir -p "$BUILD/log"
    {
        # One archive of the machine that does not answer is not our matter.
        as_root apt-get update -qq || true
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends \
            -o DPkg::Lock::Timeout=300 "${missing[@]}"
    } >"$BUILD/log/apt.log" 2>&1 ||
        die "apt could not install ${missing[*]}: see build/log/apt.log"
}

# quiet NAME COMMAND...: run a long command with its output in build/log/NAME.log,
# a progress line meanwhile, and the end of the log where it fails.
quiet() {
    local name=$1 log=$BUILD/log/$1.log start=$SECONDS pid
    shift
    mkdir -p "$BUILD/log"
    "$@" >"$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if [ -t 2 ]; then
            printf '\r    %s: %ds %-60.60s' "$name" $((SECONDS - start)) \
                "$(tail -c 200 "$log" | tr -d '\r' | tail -n 1)" >&2
        elif [ $(((SECONDS - start) % 60)) = 59 ]; then
            printf '    %s: %ds\n' "$name" $((SECONDS - start)) >&2
        fi
        sleep 1
    done
    [ -t 2 ] && printf '\r%-100s\r' '' >&2
    wait "$pid" && return 0
    tail -n 20 "$log" >&2
    die "$name failed: see build/log/$name.log"
}

# A private apt root: other suites than the machine's, without touching its
# configuration. apt itself checks the archive's signature with Debian's keyring.
# apt_root SUITE COMMAND...: run an apt command against SUITE of the machine's mirror.
apt_root() {
    local suite=$1 dir=$BUILD/apt/$1 site lock
    shift
    mkdir -p "$BUILD/apt"
    exec {lock}>"$BUILD/apt/$suite.lock"
    flock "$lock"
    if [ ! -e "$dir/ready" ]; then
        # Of the machine's archives, the one that is Debian's main archive.
        # shellcheck disable=SC2016 # apt's own variables
        site=$(apt-get indextargets --format '$(REPO_URI)' \
            | grep -E '/debian/?$' | sort -u | head -n 1)
        [ -n "$site" ] || die "no Debian archive in apt's configuration: add one to /etc/apt/sources.list.d"
        rm -rf "$dir"
        mkdir -p "$dir"/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial}
        : >"$dir/state/status"
        printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
            deb "$site" "$suite" deb-src "$site" "$suite" >"$dir/etc/sources.list"
        cat >"$dir/apt.conf" <<CONF
Dir::Etc "$dir/etc";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::State "$dir/state";
Dir::State::status "$dir/state/status";
Dir::Cache "$dir/cache";
APT::Architecture "amd64";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
        quiet "apt-update-$suite" env APT_CONFIG="$dir/apt.conf" apt-get update --error-on=any
        : >"$dir/ready"
    fi
    flock -u "$lock"
    exec {lock}>&-
    APT_CONFIG=$dir/apt.conf "$@"
}
