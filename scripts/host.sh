#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds what meson.build describes: the engine and the host's tests, in
# build/host. A second run builds what changed.

. "$(dirname "$0")/lib.sh"

lock
need build-essential ninja-build pkg-config meson libglib2.0-dev \
    libjson-glib-dev libtpms-dev libtss2-dev
meson_setup host-setup "$BUILD/host" -Dwerror=true -Dtpmix:werror=true \
    -Db_sanitize=address,undefined -Db_lundef=false
quiet host-build ninja -C "$BUILD/host"
