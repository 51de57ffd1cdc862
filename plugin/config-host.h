/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What configure would find out, as far as the headers that the plug-in
 * includes ask for it: Debian's amd64 build of QEMU. Each line here either
 * decides about the layout of a struct or about which declarations there are;
 * loader.c compares the sizes with those of the running QEMU.
 *
 * QEMU_VERSION_MAJOR and QEMU_VERSION_MINOR come from the source's VERSION by
 * way of scripts/plugin.sh.
 */
#ifndef PLUGIN_CONFIG_HOST_H
#define PLUGIN_CONFIG_HOST_H

#define HOST_X86_64 1
#define CONFIG_LINUX 1
#define CONFIG_POSIX 1
#define CONFIG_INT128 1
#define CONFIG_INT128_TYPE 1
#define CONFIG_ATOMIC64 1
#define CONFIG_IOVEC 1
#define CONFIG_MADVISE 1
#define CONFIG_TPM 1
#define CONFIG_PLUGIN 1
#define CONFIG_TCG 1

#endif /* PLUGIN_CONFIG_HOST_H */
