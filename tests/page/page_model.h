/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/specification.md as code: what a reader of that page alone expects the device to
 * do. A second implementation, beside the engine and the fuzzers' model; its parts follow
 * the page's sections, and each rule quotes the beginning of its sentence
 * (tests/check_page.py looks the quotations up).
 *
 * The numbers of registers are those of the page's tables, written here once more.
 */
#ifndef PAGE_MODEL_H
#define PAGE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { PAGE_NOBODY = 0xFF, PAGE_LOCALITIES = 5, PAGE_BUFFER = 65536 };
enum page_state { PAGE_IDLE, PAGE_READY, PAGE_RECEPTION, PAGE_EXECUTION, PAGE_COMPLETION };
enum page_arm { PAGE_DISARMED, PAGE_ARMED, PAGE_ARMED_EARLY };
enum page_tpm { PAGE_NO_TPM, PAGE_TPM_1_2, PAGE_TPM_2_0 };

/* What a machine's owner chooses. */
struct page_config {
	bool fifo, crb;          /* doors that the device has */
	bool starts_as_crb;
	bool ram;                /* header page and windows in memory */
	bool locality4;          /* false: the guest's writes to it are dropped */
	uint8_t localities;      /* 1 or 5 */
	uint8_t irq;
	uint32_t buffer_size;
	uint64_t base;
};

struct page_locality {
	enum page_state state;
	enum page_arm armed;
	bool pending, been_seized;
	uint8_t refused;
	uint32_t int_enable, int_status;
	uint32_t index, csum_expect;
};

struct page_command {
	uint8_t bytes[PAGE_BUFFER];
	uint32_t len;
	uint32_t ticket;
	uint8_t locality;
};

struct page {
	struct page_config cfg;
	enum page_tpm tpm;
	uint32_t bufsize;
	bool is_crb, locked, established, selftest_done;
	uint8_t selector;
	struct page_locality loc[PAGE_LOCALITIES];
	uint8_t active;
	uint8_t before;          /* the locality that was active last since TPM_INIT */
	uint32_t accepted;

	uint8_t cmd0[PAGE_BUFFER];  /* locality 0's: the command window */
	uint8_t cmd[PAGE_BUFFER];   /* that of the locality 1 to 4 that is active */
	uint32_t fifo_bytes;     /* of the command in Reception or Execution */

	uint8_t running;         /* locality whose command runs, or nobody */
	uint8_t waiting;         /* locality whose START or tpmGo waits, or nobody */
	bool abort;
	bool notify;             /* an edge at the completion */
	struct page_command run; /* the copy of the last command accepted */
	uint16_t cmd_csum, rsp_csum;

	uint8_t rsp[PAGE_BUFFER];
	uint32_t rsp_len, rsp_pos;
	uint8_t rsp_owner;

	struct { bool is; uint32_t addr; unsigned int size; uint64_t val; } last;

	/* What the backend saw. */
	uint32_t starts, cancels, resets_of_established;
	uint32_t edges;          /* of the interrupt line */
	/* Called where a command starts; it may call page_complete(). */
	void (*start)(struct page *p, void *opaque);
	void *opaque;
};

void page_init(struct page *p, const struct page_config *cfg);

/* TPM_INIT with a backend that takes @bufsize bytes, or none. */
void page_reset(struct page *p, enum page_tpm tpm, uint32_t bufsize);

/*
 * A guest's access of 1, 2, 4 or 8 bytes, trapped or in memory; where both parts are
 * possible the caller splits it, as the processor does.
 */
uint64_t page_read(struct page *p, uint32_t addr, unsigned int size);
void page_write(struct page *p, uint32_t addr, uint64_t val, unsigned int size);

/* True where the byte at @addr is memory for a write, or for a read. */
bool page_is_ram(const struct page *p, uint32_t addr, bool write);

/* The backend's answer; NULL where it failed. False where nothing runs. */
bool page_complete(struct page *p, const uint8_t *rsp, uint32_t len, bool selftest_done);

bool page_line(const struct page *p);
uint16_t page_crc(const uint8_t *data, uint32_t len);
/* The checksum that a doorbell now would be checked against. */
uint16_t page_command_csum(const struct page *p, unsigned int l);

#endif /* PAGE_MODEL_H */
