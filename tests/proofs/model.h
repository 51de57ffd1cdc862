/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of engine/buffer.c. Of a buffer of any capacity two things are kept:
 * the byte at the free index k, and the size field, on which the engine decides.
 * Any other byte is any value each time it is read, so that whatever holds here
 * holds for the real buffers; k is any index.
 *
 * The command window in RAM is the guest's: every byte of it is any value each time
 * it is read, and at_k is what the engine last put there. STEADY: nobody else
 * writes it meanwhile.
 */

struct bytes {
	uint8_t at_k;
	uint8_t size[4];      /* bytes 2 to 5 */
	unsigned int version; /* equal for equal contents */
};

static struct bytes cmd, ram_cmd, run, rsp, answer, ram_rsp, crb_buffer;
/* Their addresses; nothing is in there. */
static uint8_t cmd_mem, ram_cmd_mem, run_mem, rsp_mem, answer_mem, ram_rsp_mem,
	       crb_buffer_mem;
static uint32_t block_mem, crb_regs_mem;
static uint32_t answer_len;
static uint32_t k;
static unsigned int versions;
/* The last checksum of run. */
static struct {
	unsigned int version;
	uint32_t len;
	uint16_t crc;
} summed;
/* What tpmix_same() said last. */
static bool compared;
/* What stands in the word at the free index kw of block and crb_regs. */
static uint32_t kw, block_kw, crb_regs_kw;

static struct bytes *of(const uint8_t *buf)
{
	return buf == &cmd_mem ? &cmd : buf == &ram_cmd_mem ? &ram_cmd :
	       buf == &run_mem ? &run : buf == &rsp_mem ? &rsp :
	       buf == &ram_rsp_mem ? &ram_rsp :
	       buf == &crb_buffer_mem ? &crb_buffer : &answer;
}

static uint32_t length(const uint8_t *buf)
{
	return buf == &answer_mem ? answer_len :
	       buf == &crb_buffer_mem ? TPMIX_DATA_BUFFER_SIZE : e.cfg.capacity;
}

static void touched(uint8_t *buf)
{
#ifdef STEADY
	of(buf)->version = ++versions;
#else
	(void)buf;
#endif
}

static void any_bytes(struct bytes *b)
{
	b->at_k = any_u8();
	b->size[0] = any_u8();
	b->size[1] = any_u8();
	b->size[2] = any_u8();
	b->size[3] = any_u8();
	b->version = ++versions;
	assume(k < 2 || k > 5 || b->size[k - 2] == b->at_k);
}

uint8_t tpmix_get(const uint8_t *buf, uint32_t at)
{
	assert(at < length(buf));
#ifndef STEADY
	if (buf == &ram_cmd_mem) {
		return any_u8();
	}
#endif
	if (at == k) {
		return of(buf)->at_k;
	}
	return at >= 2 && at <= 5 ? of(buf)->size[at - 2] : any_u8();
}

void tpmix_put(uint8_t *buf, uint32_t at, uint8_t byte)
{
	assert(at < length(buf));
	if (at == k) {
		of(buf)->at_k = byte;
	}
	if (at >= 2 && at <= 5) {
		of(buf)->size[at - 2] = byte;
	}
	touched(buf);
}

void tpmix_fill(uint8_t *buf, uint8_t byte, uint32_t begin, uint32_t end)
{
	unsigned int i;

	assert(begin >= end || end <= length(buf));
	if (begin <= k && k < end) {
		of(buf)->at_k = byte;
	}
	for (i = 0; i < 4; i++) {
		if (begin <= i + 2 && i + 2 < end) {
			of(buf)->size[i] = byte;
		}
	}
	touched(buf);
}

/* Two copies that make one content make one version: accept copies header, rest. */
void tpmix_copy(uint8_t *to, const uint8_t *from, uint32_t begin, uint32_t end)
{
	bool same = of(to)->version == of(from)->version;
	unsigned int i;

	assert(begin >= end || (end <= length(to) && end <= length(from)));
#ifndef STEADY
	if (from == &ram_cmd_mem) {
		uint8_t at_k = any_u8();
		uint8_t size[4] = { any_u8(), any_u8(), any_u8(), any_u8() };

		assume(k < 2 || k > 5 || size[k - 2] == at_k);
		if (begin <= k && k < end) {
			of(to)->at_k = at_k;
		}
		for (i = 0; i < 4; i++) {
			if (begin <= i + 2 && i + 2 < end) {
				of(to)->size[i] = size[i];
			}
		}
		touched(to);
		return;
	}
#endif
	if (begin <= k && k < end) {
		of(to)->at_k = of(from)->at_k;
	}
	for (i = 0; i < 4; i++) {
		if (begin <= i + 2 && i + 2 < end) {
			of(to)->size[i] = of(from)->size[i];
		}
	}
	if (begin == 0 || same) {
		of(to)->version = of(from)->version;
	} else {
		touched(to);
	}
}

/*
 * Any answer that agrees with what is kept of both: "the same" says that the bytes at
 * k and the size fields are; equal versions are the same.
 */
bool tpmix_same(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	unsigned int i;

	assert(len <= length(a) && len <= length(b));
	compared = any_bool();
#ifndef STEADY
	if (a == &ram_cmd_mem || b == &ram_cmd_mem) {
		return compared;
	}
#else
	assume(compared || of(a)->version != of(b)->version);
#endif
	assume(!compared || k >= len || of(a)->at_k == of(b)->at_k);
	for (i = 0; i < 4; i++) {
		assume(!compared || i + 2 >= len ||
		       of(a)->size[i] == of(b)->size[i]);
	}
	return compared;
}

bool tpmix_put_word(uint32_t *words, uint32_t at, uint32_t val)
{
	uint32_t *kept = words == &block_mem ? &block_kw : &crb_regs_kw;
	uint32_t old = at == kw ? *kept : any_u32();

	assert(at < (words == &block_mem ? TPMIX_BLOCK_SIZE / 4 :
					   TPM_REG_DATA_BUFFER / 4));
	if (at == kw) {
		*kept = val;
	}
	return old != val;
}

void tpmix_fence(void)
{
}

/* Any function of the bytes of run; of other buffers any value. */
uint16_t tpmix_crc16(const uint8_t *data, uint32_t len)
{
	uint16_t crc = any_u16();

	assert(len <= length(data));
	if (data == &run_mem) {
		assume(summed.version != run.version || summed.len != len ||
		       summed.crc == crc);
		summed.version = run.version;
		summed.len = len;
		summed.crc = crc;
	}
	return crc;
}
