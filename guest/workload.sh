#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What the demo runs in the guest: real tpm2-tools, every answer compared.
#
#   workload.sh ROUNDS
#
# First, undisturbed, it learns what this TPM must say; then it writes "ready" to
# $TPMIX_CONTROL, waits for a line, and repeats the same questions. One line of
# output for each: KIND right|wrong|failed [TEXT]. Random bytes have no reference
# here: the host compares them with what its TPM has given out.

set -u
rounds=$1
ref=/tmp/ref
mkdir -p $ref

# The questions whose answers cannot change.
ask() {
    case $1 in
    pcrs) tpm2_pcrread sha256:0,1,7,16,23 ;;
    properties) tpm2_getcap properties-fixed ;;
    algorithms) tpm2_getcap algorithms ;;
    commands) tpm2_getcap commands ;;
    key) tpm2_createprimary -C o -g sha256 -G ecc256 ;;
    public) tpm2_readpublic -c 0x81000001 ;;
    esac
}
kinds="pcrs properties algorithms commands key public"

fail() {
    echo "workload: $1" >&2
    exit 1
}

digest() {
    echo "$1" | sha256sum | cut -d' ' -f1
}

# PCR 16 after one extend, computed here: the TPM is not the only witness.
expected_pcr() {
    { head -c 32 /dev/zero; echo "$1" | xxd -r -p; } | sha256sum | cut -d' ' -f1
}

learn() {
    local extended kind
    extended=$(digest "replay-safe")
    tpm2_pcrreset 16 || fail "cannot reset PCR 16"
    tpm2_pcrextend "16:sha256=$extended" || fail "cannot extend PCR 16"
    tpm2_createprimary -Q -C o -g sha256 -G ecc256 -c /tmp/key.ctx &&
        tpm2_evictcontrol -Q -C o -c /tmp/key.ctx 0x81000001 ||
        fail "cannot make a persistent key"
    for kind in $kinds; do
        ask "$kind" >"$ref/$kind" 2>/tmp/err || fail "$kind: $(cat /tmp/err)"
        ask "$kind" 2>/tmp/err | cmp -s - "$ref/$kind" || fail "$kind is not constant"
    done
    grep -qi "$(expected_pcr "$extended")" $ref/pcrs || fail "PCR 16 is not what it must be"
}

check() {
    if ! (ask "$1") >/tmp/out 2>/tmp/err; then
        echo "$1 failed $(grep -v WARNING /tmp/err | tail -n 1)"
    elif cmp -s /tmp/out "$ref/$1"; then
        echo "$1 right"
    else
        echo "$1 wrong"
    fi
}

random() {
    local bytes
    if bytes=$(tpm2_getrandom --hex 32 2>/tmp/err); then
        echo "random given $bytes"
    else
        echo "random failed $(tail -n 1 /tmp/err)"
    fi
}

learn
dmesg -c >/dev/null
exec 5<>"$TPMIX_CONTROL"
echo ready >&5
read -r _ <&5
round=0
while [ $round -lt "$rounds" ]; do
    for kind in $kinds; do
        random
        check "$kind"
    done
    round=$((round + 1))
done
# The host reads its counters before anything else happens.
echo finished >&5
read -r _ <&5
dmesg | grep -i 'tpm' | sed 's/^/message /'
echo done
