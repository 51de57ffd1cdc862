#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# need.sh PACKAGE...: installs those that are missing.

. "$(dirname "$0")/lib.sh"

lock
need "$@"
