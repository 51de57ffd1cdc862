#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Absolute paths of what is built, KEY=value a line; what is not built yet has
# no line. eval "$(./run env)" works.

. "$(dirname "$0")/lib.sh"

show() { [ -e "$2" ] && printf '%s=%s\n' "$1" "$2"; return 0; }

show QEMU "$BUILD/qemu/obj/qemu-system-x86_64"
show QEMU_SRC "$BUILD/qemu/src"
show QEMU_BIOS /usr/share/seabios
show KERNEL_6_1 "$BUILD/guest/vmlinuz-6.1"
show KERNEL_6_12 "$BUILD/guest/vmlinuz-6.12"
show INITRD "$BUILD/guest/initrd-6.1.cpio.gz"
show INITRD_6_1 "$BUILD/guest/initrd-6.1.cpio.gz"
show INITRD_6_12 "$BUILD/guest/initrd-6.12.cpio.gz"
show DRIVER_6_1 "$BUILD/driver/6.1/tpmix.ko"
show DRIVER_6_12 "$BUILD/driver/6.12/tpmix.ko"
show PLUGIN "$BUILD/plugin/system.so"
show TCTI "$BUILD/tcti/tcti/libtss2-tcti-indexed.so.0"
show TOOL "$BUILD/tcti/tools/tpmix"
