/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device sources of hw/ are written for QEMU 10.0. All that they need to be
 * built as a plug-in, and for QEMU 7.2, is here; the compiler includes it
 * before each of them.
 */
#ifndef PLUGIN_COMPAT_H
#define PLUGIN_COMPAT_H

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/acpi/tpm.h"
#include "system/tpm_backend.h"
#include "hw/qdev-properties.h"

/*
 * QEMU registers types from constructors. In a plug-in those would run before
 * its checks: loader.c calls the functions that are listed here instead.
 */
typedef void PluginTypeInit(void);
#undef type_init
#define type_init(function)                                             \
    static PluginTypeInit *const plugin_type_##function                 \
        __attribute__((used, section("plugin_types"))) = function;

/* The linker names the list's two ends. */
extern PluginTypeInit *const __start_plugin_types[];
extern PluginTypeInit *const __stop_plugin_types[];

/* QEMU's own code gives PCI0 the range of tpm-tis alone. */
#define TPMIX_ACPI_SIZE TPM_TIS_ADDR_SIZE

/*
 * What qemu/patches add to QEMU's TPM backend. Without it QEMU resets the
 * established flag before its call returns, and the device looks after each; a
 * command ends in the main loop, for which a vCPU that has the BQL cannot wait.
 */
#define TPM_BACKEND_OF_STOCK_QEMU
#define tpm_backend_begin_request tpm_backend_deliver_request
#define tpm_backend_wait_request(backend, timeout_ns) \
    ((void)(backend), (void)(timeout_ns), false)
#define tpm_backend_finish_sync(backend) \
    (tpm_backend_finish_sync(backend), true)

#if QEMU_VERSION_MAJOR < 9
#define bql_locked qemu_mutex_iothread_locked
#endif

#if QEMU_VERSION_MAJOR < 10

/* VMStateField lists were not const. QEMU only ever reads them. */
#pragma GCC diagnostic ignored "-Wdiscarded-qualifiers"

#define device_class_set_legacy_reset(dc, dev_reset) ((dc)->reset = (dev_reset))

/* Lists of properties ended with an empty one. The copy lives on. */
static inline void plugin_set_props(DeviceClass *dc, const Property *props,
                                    size_t num)
{
    Property *list = g_new0(Property, num + 1);

    memcpy(list, props, num * sizeof(*props));
    device_class_set_props(dc, list);
}
#define device_class_set_props(dc, props) \
    plugin_set_props(dc, props, ARRAY_SIZE(props))

#endif /* QEMU_VERSION_MAJOR < 10 */

#endif /* PLUGIN_COMPAT_H */
