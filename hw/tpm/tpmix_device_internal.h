/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tpmix_device.c has for tpmix_device_map.c; not for models.
 */
#ifndef TPM_TPMIX_DEVICE_INTERNAL_H
#define TPM_TPMIX_DEVICE_INTERNAL_H

#include "tpmix_device.h"

/* Offsets from TPMIX_BASE, and from TPMIX_EXT; opaque is the TPMIXDevice. */
extern const MemoryRegionOps tpmix_device_ops;
extern const MemoryRegionOps tpmix_device_ext_ops;
/* The backend of the engine; opaque is the TPMIXDevice. */
extern const struct tpmix_backend tpmix_device_backend;

#endif /* TPM_TPMIX_DEVICE_INTERNAL_H */
