/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpm-crb-ext: CRB with the replay-safe indexed door, and FIFO behind
 * InterfaceSelector; see the header.
 */

#include "qemu/osdep.h"
#include "tpm_crb_ext.h"

void tpm_crb_ext_init(TPMIXDevice *d, Object *obj)
{
    tpmix_device_init(d, obj);
    d->hid = TPM_CRB_EXT_HID;
    d->crb = true;
}
