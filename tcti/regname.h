/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of registers, as the specification has them, for traces and messages. */
#ifndef TPMIX_REGNAME_H
#define TPMIX_REGNAME_H

#include <stdint.h>

#include "tpmix_regs.h"

/*
 * The register that has the byte at @off (from TPMIX_BASE): "STS", "COMPLETED",
 * "window"; "?" where none has. In *first the offset of its first byte, in
 * *locality the locality, 0 for RAM.
 */
const char *tpmix_reg_name(uint32_t off, enum tpmix_interface interface,
			   uint32_t *first, unsigned int *locality);

#endif /* TPMIX_REGNAME_H */
