/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of engine/buffer.c. Of a buffer of any capacity two things are kept:
 * the byte at the free index k, and the size field, on which the engine decides.
 * Any other byte is any value each time it is read, so that whatever holds here
 * holds for the real buffers; k is any index.
 */

struct bytes {
	uint8_t at_k;
	uint8_t size[4]; /* bytes 2 to 5 */
};

static struct bytes cmd, run, rsp, answer;
static uint8_t cmd_mem, run_mem, rsp_mem, answer_mem; /* their addresses */
static uint32_t answer_len;
static uint32_t k;
static unsigned int cmd_version; /* counts changes of cmd */

static struct bytes *of(const uint8_t *buf)
{
	return buf == &cmd_mem ? &cmd : buf == &run_mem ? &run :
	       buf == &rsp_mem ? &rsp : &answer;
}

static uint32_t length(const uint8_t *buf)
{
	return buf == &answer_mem ? answer_len : e.cfg.capacity;
}

static void changed(const uint8_t *buf)
{
	if (buf == &cmd_mem) {
		cmd_version++;
	}
}

static void any_bytes(struct bytes *b)
{
	b->at_k = any_u8();
	b->size[0] = any_u8();
	b->size[1] = any_u8();
	b->size[2] = any_u8();
	b->size[3] = any_u8();
	assume(k < 2 || k > 5 || b->size[k - 2] == b->at_k);
}

uint8_t tpmix_get(const uint8_t *buf, uint32_t at)
{
	assert(at < length(buf));
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
	changed(buf);
}

void tpmix_wipe(uint8_t *buf, uint32_t len)
{
	assert(len == length(buf));
	*of(buf) = (struct bytes) { 0 };
	changed(buf);
}

void tpmix_copy(uint8_t *to, const uint8_t *from, uint32_t begin, uint32_t end)
{
	unsigned int i;

	assert(end <= length(to) && end <= length(from));
	if (begin <= k && k < end) {
		of(to)->at_k = of(from)->at_k;
	}
	for (i = 0; i < 4; i++) {
		if (begin <= i + 2 && i + 2 < end) {
			of(to)->size[i] = of(from)->size[i];
		}
	}
	changed(to);
}

/* Any function of the bytes of the command; of other buffers any value. */
uint16_t tpmix_crc16(const uint8_t *data, uint32_t len)
{
	static bool summed;
	static unsigned int version;
	static uint32_t last_len;
	static uint16_t last_crc;
	uint16_t crc = any_u16();

	assert(len <= length(data));
	if (data == &cmd_mem) {
		assume(!summed || version != cmd_version || last_len != len ||
		       last_crc == crc);
		summed = true;
		version = cmd_version;
		last_len = len;
		last_crc = crc;
	}
	return crc;
}
