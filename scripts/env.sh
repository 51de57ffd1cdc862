#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Absolute paths of what is built, KEY=value a line, quoted for a shell; what is not
# built is a comment. eval "$(./run env)" works.

. "$(dirname "$0")/lib.sh"

# show KEY PATH PART: PART of ./run build makes it.
show() {
    if [ -e "$2" ]; then printf '%s=%q\n' "$1" "$2"
    else printf '# %s is not built: ./run build %s\n' "$1" "$3"; fi
}

show QEMU "$BUILD/qemu/obj/qemu-system-x86_64" qemu
show QEMU_IMG "$BUILD/qemu/obj/qemu-img" qemu
show QEMU_SRC "$BUILD/qemu/src" qemu
show QEMU_BIOS "$BUILD/tools/seabios/usr/share/seabios" qemu
show INITRD "$BUILD/guest/initrd-6.1.cpio.gz" guest
show QEMU_NEWEST "$BUILD/qemu-newest/obj/qemu-system-x86_64" newest
for kernel in "${KERNELS[@]%%:*}"; do
    show "KERNEL_${kernel//./_}" "$BUILD/guest/vmlinuz-$kernel" guest
    show "INITRD_${kernel//./_}" "$BUILD/guest/initrd-$kernel.cpio.gz" guest
    show "DRIVER_${kernel//./_}" "$BUILD/driver/$kernel/tpmix.ko" driver
done
for program in aarch64 riscv64; do
    show "QEMU_${program^^}" "$BUILD/qemu/obj/qemu-system-$program" virt
done
for kernel in "${VIRT_KERNELS[@]%%:*}"; do
    name=${kernel//[.-]/_}
    show "KERNEL_${name^^}" "$BUILD/guest/vmlinuz-$kernel" virt
    show "INITRD_${name^^}" "$BUILD/guest/initrd-$kernel.cpio.gz" virt
    show "DRIVER_${name^^}" "$BUILD/driver/$kernel/tpmix.ko" virt
done
show PLUGIN "$BUILD/plugin/system.so" plugin
show TCTI "$BUILD/tcti/tcti/libtss2-tcti-indexed.so.0" tcti
show TOOL "$BUILD/tcti/tools/tpmix" tool
