/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page as code, "Transaction" and below: see page_model.h. Addresses and registers
 * are page_map.c, page_fifo.c, page_crb.c and page_indexed.c.
 */
#include <string.h>

#include "page_parts.h"

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* "CRC-16/KERMIT as in PTP's TPM_DATA_CSUM (the CCITT polynomial reflected, start 0" */
uint16_t page_crc(const uint8_t *data, uint32_t len)
{
	unsigned int crc = 0, bit;
	uint32_t i;

	for (i = 0; i < len; i++) {
		crc ^= data[i];
		for (bit = 0; bit < 8; bit++) {
			crc = crc >> 1 ^ (crc & 1 ? 0x8408 : 0);
		}
	}
	return (uint16_t)crc;
}

uint8_t *page_command_of(struct page *p, unsigned int l)
{
	return l ? p->cmd : p->cmd0;
}

uint32_t page_command_size(const struct page *p, unsigned int l)
{
	return be32((l ? p->cmd : p->cmd0) + 2);
}

/* "The checksum is of as many bytes as the command's header says, BUFSIZE at most." */
uint16_t page_command_csum(const struct page *p, unsigned int l)
{
	uint32_t size = page_command_size(p, l);

	return page_crc(l ? p->cmd : p->cmd0, size < p->bufsize ? size : p->bufsize);
}

/* "Where CAP has bit 4 the indexed door has interrupts of its own." */
static void page_edge(struct page *p)
{
	if (p->cfg.irq) {
		p->edges++;
	}
}

/*
 * "What happens sets the bit of the locality that it happens to, where INT_ENABLE has"
 */
void page_interrupt(struct page *p, unsigned int l, uint32_t bits, uint32_t any_of)
{
	if (p->loc[l].int_enable >> 31 && p->loc[l].int_enable & any_of) {
		/* "What sets a bit while the line is high" */
		if (page_line(p)) {
			page_edge(p);
		}
		p->loc[l].int_status |= bits;
	}
}

/* "one line, high while any locality has an INT_STATUS bit" */
bool page_line(const struct page *p)
{
	unsigned int l;

	for (l = 0; l < PAGE_LOCALITIES; l++) {
		if (p->loc[l].int_status) {
			return true;
		}
	}
	return false;
}

bool page_other_requests(const struct page *p, unsigned int l)
{
	unsigned int other;

	for (other = 0; other < PAGE_LOCALITIES; other++) {
		if (other != l && p->loc[other].pending) {
			return true;
		}
	}
	return false;
}

/* What ends at acceptance, and only there. */
static void response_ends(struct page *p)
{
	/*
	 * "acceptance of a command clears dataAvail and stsValid of the response that it
	 * ends"; "Acceptance clears start of the response that it ends."
	 */
	if (p->rsp_owner != PAGE_NOBODY) {
		p->loc[p->rsp_owner].int_status &= p->is_crb ? ~1u : ~3u;
	}
	/* "a locality in Completion is Idle with it" */
	if (p->rsp_owner != PAGE_NOBODY && p->loc[p->rsp_owner].state == PAGE_COMPLETION) {
		p->loc[p->rsp_owner].state = PAGE_IDLE;
	}
	p->rsp_owner = PAGE_NOBODY;
	p->rsp_len = 0;
	p->rsp_pos = 0;
	p->rsp_csum = 0;
}

/* "until another command is accepted, or refused for its checksum" */
void page_early_ends(struct page *p)
{
	unsigned int l;

	for (l = 0; l < PAGE_LOCALITIES; l++) {
		if (p->loc[l].armed == PAGE_ARMED_EARLY) {
			p->loc[l].armed = PAGE_ARMED;
		}
	}
}

static void completion(struct page *p, unsigned int l, const uint8_t *rsp, uint32_t len)
{
	p->running = PAGE_NOBODY;
	if (p->notify) {
		page_edge(p);
	}
	p->notify = false;
	memcpy(p->rsp, rsp, len);
	p->rsp_len = len;
	p->rsp_pos = 0;
	p->rsp_owner = (uint8_t)l;
	p->rsp_csum = page_crc(rsp, len);
	if (p->abort) {
		/* "a command that was aborted by commandReady raises commandReady" */
		p->loc[l].state = PAGE_READY;
		page_interrupt(p, l, 0x80, 0x80);
	} else {
		p->loc[l].state = PAGE_COMPLETION;
		if (p->is_crb) {
			/* "bit 0 start (START went to 0)" */
			page_interrupt(p, l, 1, 1);
		} else {
			/* "A completion sets dataAvail and stsValid together if one" */
			page_interrupt(p, l, 3, 3);
		}
	}
	p->abort = false;
}

static void error_response(struct page *p, unsigned int l, uint32_t rc_1_2, uint32_t rc_2_0)
{
	const uint32_t rc = p->tpm == PAGE_TPM_1_2 ? rc_1_2 : rc_2_0;
	uint8_t rsp[10] = { 0x80, 0x01, 0, 0, 0, 10 };

	if (p->tpm == PAGE_TPM_1_2) {
		rsp[0] = 0x00;
		rsp[1] = 0xC4;
	}
	rsp[6] = (uint8_t)(rc >> 24);
	rsp[7] = (uint8_t)(rc >> 16);
	rsp[8] = (uint8_t)(rc >> 8);
	rsp[9] = (uint8_t)rc;
	completion(p, l, rsp, sizeof(rsp));
}

static void acceptance(struct page *p, unsigned int l)
{
	/* "At acceptance, and only there, the previous response ends" */
	response_ends(p);
	p->accepted++;
	/* "cleared by acceptance of its next command" */
	p->loc[l].refused = 0;
	p->abort = false;
	p->cmd_csum = 0;
	page_early_ends(p);
	/* "Acceptance of a command of this locality, through any door, disarms" */
	p->loc[l].armed = PAGE_DISARMED;
}

/* "A command begins by *acceptance*: tpmGo, START or a doorbell." */
void page_accept(struct page *p, unsigned int l, bool by_fifo)
{
	uint32_t size = page_command_size(p, l);
	/* "command size below 10 or above BUFSIZE"; "FIFO: size field differs from" */
	bool fits = size >= 10 && size <= p->bufsize && (!by_fifo || size == p->fifo_bytes);

	acceptance(p, l);
	/* "It counts no bytes of a command that came by a doorbell" */
	if (!by_fifo) {
		p->fifo_bytes = 0;
	}
	p->run.ticket = p->accepted;
	p->run.locality = (uint8_t)l;
	/* "15:0 is 0 for a command whose size did not fit" */
	p->run.len = fits ? size : 0;
	memcpy(p->run.bytes, page_command_of(p, l), p->run.len);
	p->cmd_csum = page_crc(p->run.bytes, p->run.len);
	if (!fits) {
		error_response(p, l, 0x19, 0x142);
		return;
	}
	p->running = (uint8_t)l;
	p->loc[l].state = PAGE_EXECUTION;
	p->starts++;
	if (p->start) {
		p->start(p, p->opaque);
	}
}

bool page_complete(struct page *p, const uint8_t *rsp, uint32_t len, bool selftest_done)
{
	unsigned int l = p->running;

	if (l == PAGE_NOBODY) {
		return false;
	}
	p->selftest_done |= selftest_done;
	/* "response size differs from its bytes, above BUFSIZE, below 10" */
	if (!rsp || len < 10 || len > p->bufsize || be32(rsp + 2) != len) {
		error_response(p, l, 9, 0x101);
	} else {
		completion(p, l, rsp, len);
	}
	/* "When that command ends, the START that waits gets the next ticket" */
	if (p->waiting != PAGE_NOBODY) {
		l = p->waiting;
		p->waiting = PAGE_NOBODY;
		acceptance(p, l);
		error_response(p, l, 0x800, 0x922);
	}
	return true;
}

/* "A new START that finds a command running, of this or of another locality, *waits*" */
void page_go(struct page *p, unsigned int l, bool by_fifo)
{
	if (p->running != PAGE_NOBODY) {
		/*
		 * "Of several that wait the last one is answered, but for a START of the
		 * locality whose command runs: none takes its place."
		 */
		if (p->waiting != p->running) {
			p->waiting = (uint8_t)l;
		}
	} else {
		page_accept(p, l, by_fifo);
	}
}

/* "commandReady, cmdReady and goIdle of its locality withdraw it, where they" */
void page_withdraw(struct page *p, unsigned int l)
{
	if (p->waiting == l) {
		p->waiting = PAGE_NOBODY;
	}
}

void page_arm(struct page *p, unsigned int l)
{
	/* "Where START was armed *while a command of this locality ran*" */
	p->loc[l].armed = p->running == l ? PAGE_ARMED_EARLY : PAGE_ARMED;
}

/* Access control: l becomes active. */
static void becomes_active(struct page *p, unsigned int l)
{
	unsigned int other;

	p->active = (uint8_t)l;
	p->loc[l].pending = false;
	/* "The window is wiped at TPM_INIT, where the first locality after it becomes" */
	if (p->before != l) {
		memset(p->cmd0, 0, sizeof(p->cmd0));
		memset(p->cmd, 0, sizeof(p->cmd));
		p->fifo_bytes = 0;
	}
	p->before = (uint8_t)l;
	for (other = 0; other < PAGE_LOCALITIES; other++) {
		/* "a command that the other had in Reception is gone, its state is Idle" */
		if (other != l && p->loc[other].state == PAGE_RECEPTION) {
			p->loc[other].state = PAGE_IDLE;
		}
	}
	/* "when another locality becomes active while it runs, the backend is asked" */
	if (p->running != PAGE_NOBODY && p->running != l) {
		p->cancels++;
	}
	/* "becoming active sets localityChange" */
	page_interrupt(p, l, p->is_crb ? 8 : 4, p->is_crb ? 8 : 4);
}

/* "requestUse: active at once if no locality is, pending otherwise." */
void page_request(struct page *p, unsigned int l)
{
	if (p->active == PAGE_NOBODY) {
		becomes_active(p, l);
	} else if (p->active != l) {
		/* "asks for an edge when another one begins to request" */
		if (!p->loc[l].pending && p->loc[p->active].csum_expect & 1u << 18) {
			page_edge(p);
		}
		p->loc[l].pending = true;
	}
}

/* "activeLocality (bit 5): relinquish; the highest pending locality is active, or none." */
void page_relinquish(struct page *p, unsigned int l)
{
	unsigned int next;

	/* "A locality that is not active withdraws its request by it." */
	p->loc[l].pending = false;
	if (p->active != l) {
		return;
	}
	p->active = PAGE_NOBODY;
	for (next = PAGE_LOCALITIES; next-- > 0;) {
		if (p->loc[next].pending) {
			becomes_active(p, next);
			return;
		}
	}
}

/* "seize (bit 3): active at once, from a lower locality, which gets beenSeized" */
void page_seize(struct page *p, unsigned int l)
{
	if (p->active == PAGE_NOBODY) {
		becomes_active(p, l);
	} else if (p->active < l) {
		p->loc[p->active].been_seized = true;
		becomes_active(p, l);
	}
}

void page_init(struct page *p, const struct page_config *cfg)
{
	memset(p, 0, sizeof(*p));
	p->cfg = *cfg;
	p->selector = cfg->starts_as_crb;
	p->active = p->before = p->running = p->waiting = p->rsp_owner = PAGE_NOBODY;
}

/* "TPM_INIT: the selected interface becomes the active one" */
void page_reset(struct page *p, enum page_tpm tpm, uint32_t bufsize)
{
	p->tpm = tpm;
	/* "the smaller of the device's buffer and what the backend takes" */
	p->bufsize = bufsize < p->cfg.buffer_size ? bufsize : p->cfg.buffer_size;
	p->is_crb = p->selector == 1 && tpm != PAGE_TPM_1_2;
	memset(p->loc, 0, sizeof(p->loc));
	if (!p->is_crb) {
		for (unsigned int l = 0; l < PAGE_LOCALITIES; l++) {
			p->loc[l].int_enable = 8;
		}
	}
	p->active = p->before = p->running = p->waiting = p->rsp_owner = PAGE_NOBODY;
	p->abort = p->notify = p->locked = p->selftest_done = false;
	p->rsp_len = p->rsp_pos = p->fifo_bytes = 0;
	p->cmd_csum = p->rsp_csum = 0;
	p->last.is = false;
	memset(p->cmd0, 0, sizeof(p->cmd0));
	memset(p->cmd, 0, sizeof(p->cmd));
	/* "Tickets go on counting, so that a doorbell that was delayed" : accepted stays */
}
