/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-tis-indexed: TIS FIFO with the replay-safe indexed door; see the header.
 */

#include "qemu/osdep.h"
#include "tpm_tis_indexed.h"

void tpm_tis_indexed_init(TPMIXDevice *d, Object *obj)
{
    tpmix_device_init(d, obj);
    d->hid = TPM_TIS_INDEXED_HID;
}
