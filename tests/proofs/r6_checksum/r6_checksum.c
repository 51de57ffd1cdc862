/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R6: where a checksum is expected, a doorbell on a command with another one takes
 * no ticket and starts nothing. Twin: tpmGo, which knows no checksum.
 */
#include "../proof.h"

void proof(void)
{
	struct snapshot before;
	unsigned int l = any_u8();
	uint32_t size;
	uint16_t crc;

	any_valid_machine();
	assume(l < TPMIX_NUM_LOCALITIES);
	size = tpmix_get_be32(&cmd_mem, 2);
	crc = tpmix_crc16(&cmd_mem, size < e.s.bufsize ? size : e.s.bufsize);
	before = snapshot();
	assume((e.s.loc[l].csum_expect & TPMIX_CSUM_EXPECT_ON) &&
	       (e.s.loc[l].csum_expect & TPMIX_CSUM_EXPECT_MASK) != crc);
#ifdef TWIN
	write((struct access) { l << 12 | TPM_REG_STS, TPM_STS_GO, 1 });
#else
	write((struct access) { l << 12 | TPMIX_REG_DOORBELL, any_u32(), 4 });
#endif
	assert(!seen.starts && e.s.accepted == before.s.accepted);
	assert(cmd.at_k == before.cmd_k && rsp.at_k == before.rsp_k);
	possible(e.s.loc[l].refused == TPMIX_REFUSED_CSUM);
}
