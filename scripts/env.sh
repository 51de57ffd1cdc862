#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Absolute paths of what is built, KEY=value a line; what is not built yet has
# no line. eval "$(./run env)" works.

. "$(dirname "$0")/lib.sh"

show() { [ -e "$2" ] && printf '%s=%s\n' "$1" "$2"; return 0; }

show QEMU "$BUILD/qemu/obj/qemu-system-x86_64"
show QEMU_IMG "$BUILD/qemu/obj/qemu-img"
show QEMU_SRC "$BUILD/qemu/src"
show QEMU_BIOS /usr/share/seabios
show INITRD "$BUILD/guest/initrd-6.1.cpio.gz"
for kernel in "${KERNELS[@]%%:*}"; do
    show "KERNEL_${kernel//./_}" "$BUILD/guest/vmlinuz-$kernel"
    show "INITRD_${kernel//./_}" "$BUILD/guest/initrd-$kernel.cpio.gz"
    show "DRIVER_${kernel//./_}" "$BUILD/driver/$kernel/tpmix.ko"
done
show PLUGIN "$BUILD/plugin/system.so"
show TCTI "$BUILD/tcti/tcti/libtss2-tcti-indexed.so.0"
show TOOL "$BUILD/tcti/tools/tpmix"
