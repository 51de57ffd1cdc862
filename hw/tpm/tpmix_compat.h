/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of hw/ are written for the newest QEMU. What older ones have at
 * other places or in other forms is here, and nothing else; what is sent to
 * QEMU goes without this file. plugin/compat.h is the plug-in's addition to it.
 */
#ifndef TPM_TPMIX_COMPAT_H
#define TPM_TPMIX_COMPAT_H

#define TPMIX_QEMU_SINCE(major, minor) \
    (QEMU_VERSION_MAJOR > (major) || \
     (QEMU_VERSION_MAJOR == (major) && QEMU_VERSION_MINOR >= (minor)))

#if TPMIX_QEMU_SINCE(10, 1)
#include "system/address-spaces.h"
#include "system/memory.h"
#else
#include "exec/address-spaces.h"
#include "exec/memory.h"
#endif

#if TPMIX_QEMU_SINCE(11, 0)
#include "hw/core/boards.h"
#include "hw/core/irq.h"
#include "hw/core/qdev.h"
#include "hw/core/qdev-properties.h"
#include "hw/core/sysbus.h"
#else
#include "hw/boards.h"
#include "hw/irq.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#endif

/* The data of class_init() became const. */
#if TPMIX_QEMU_SINCE(10, 1)
typedef const void TPMIXClassData;
#else
typedef void TPMIXClassData;
#endif

#endif /* TPM_TPMIX_COMPAT_H */
