#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds tpmix(1), a tool for the same registers as the TCTI, beside it in
# build/tcti/tools. "tests": also what the tests of both need.

. "$(dirname "$0")/lib.sh"

lock
# What the README has people type beside the tool itself.
need tpm2-tools
"$ROOT/scripts/tcti.sh"
quiet tool-build ninja -C "$BUILD/tcti" tools/tpmix
if [ "${1:-}" = tests ]; then
    # Without sanitizers: it runs in the guest too.
    quiet tool-build ninja -C "$BUILD/tcti" tests/tcti/esys_day tests/tcti/esys_two
    need tpm2-tools swtpm man-db bash-completion libtss2-fapi1 libtpm2-pkcs11-1 \
        libtpm2-pkcs11-tools opensc tpm2-openssl openssl cryptsetup-bin
fi
