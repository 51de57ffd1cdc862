#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bench_swtpm.sh SOCKET CLOCK RECORD STATE: swtpm in the place of swtpm, with
# tests/bench/tpm_clock.c in it, which records what each command takes.

LD_PRELOAD=$2 TPM_CLOCK=$3 exec swtpm socket --tpm2 --tpmstate "dir=$4" \
    --ctrl "type=unixio,path=$1"
