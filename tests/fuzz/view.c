/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest and a backend see: the engine's against the model's. */
#include "game.h"

#include <inttypes.h>
#include <string.h>

static void compare(const struct game *g, uint32_t addr, unsigned int size)
{
	uint64_t engine = tpmix_read(&g->main->e, addr, size);
	uint64_t model = model_read(g->model, addr, size, false);

	if (engine != model) {
		game_fail(g, "0x%05x/%u reads 0x%" PRIx64 ", the model says 0x%" PRIx64,
			  addr, size, engine, model);
	}
}

struct place {
	uint16_t off;
	uint8_t size;
};

#define COMPARE(g, page, places) \
	compare_places(g, page, places, sizeof(places) / sizeof(places[0]))

static void compare_places(const struct game *g, uint32_t page,
			   const struct place *places, size_t num)
{
	size_t i;

	for (i = 0; i < num; i++) {
		compare(g, page + places[i].off, places[i].size);
	}
}

/* A page of registers, and its window's end of the response. */
static void compare_page(const struct game *g, uint32_t page)
{
	static const struct place fifo[] = {
		{ 0x000, 1 }, { 0x008, 4 }, { 0x010, 4 }, { 0x018, 4 },
		{ 0x019, 1 }, { 0x030, 4 }, { 0x100, 8 },
	};
	static const struct place crb[] = {
		{ 0x00, 4 }, { 0x08, 8 }, { 0x30, 8 }, { 0x40, 8 }, { 0x48, 8 },
		{ 0x50, 8 }, { 0x58, 8 }, { 0x60, 8 }, { 0x68, 8 }, { 0x78, 8 },
		{ 0x80, 8 }, { 0xFC0, 8 },
	};
	static const struct place block[] = {
		{ 0xF98, 8 }, { 0xFC0, 8 }, { 0xFC8, 8 }, { 0xFD0, 8 },
		{ 0xFD8, 8 }, { 0xFE0, 8 }, { 0xFE8, 8 }, { 0xFF8, 8 },
	};
	static const struct place discovery[] = {
		{ 0xF90, 8 }, { 0xFA0, 8 }, { 0xFA8, 8 }, { 0xFB0, 8 }, { 0xFB8, 8 },
	};
	bool is_crb = page < TPMIX_MMIO_SIZE &&
		      g->main->e.s.interface == TPMIX_INTERFACE_CRB;
	uint32_t end = g->main->e.s.rsp_len, window = is_crb ? 0x80 : 0x100;

	if (is_crb) {
		COMPARE(g, page, crb);
	} else {
		COMPARE(g, page, fifo);
		COMPARE(g, page, block);
		if (g->now.kind == ACTION_RESET) {
			COMPARE(g, page, discovery); /* constant until the next */
		}
	}
	if (end > 4 && end < 0xF00 - 4 - window) {
		compare(g, page + window + end - 4, 8);
	}
}

/* The start, the end and what is beyond it. */
static void compare_window(const struct game *g, uint32_t base)
{
	uint32_t end = base + g->main->capacity;

	compare(g, base, 8);
	compare(g, base + g->model->bufsize - 4, 8);
	compare(g, end - 8, 8);
	compare(g, end - 4, 8);
}

/* Two buffers: the window is locality 0's. What the guest has not written is 0. */
static void compare_command(const struct game *g)
{
	static const uint8_t zeros[TPMIX_BUFFER_MAX];
	const struct host *h = g->main;
	uint32_t size = g->model->bufsize;

	if (memcmp(h->ram_cmd, g->model->window, h->capacity)) {
		game_fail(g, "the command window differs");
	}
	if (memcmp(h->cmd, g->model->command, size)) {
		game_fail(g, "the command of localities 1 to 4 differs");
	}
	if (memcmp(h->cmd + size, zeros, h->capacity - size)) {
		game_fail(g, "a command byte beyond BUFSIZE was written");
	}
}

/* Memory that the response and then zeros have to fill; ones if 0 is not active. */
static void compare_memory(const struct game *g, const char *what,
			   const uint8_t *memory, uint32_t size)
{
	const struct model_response *r = g->model->response;
	static uint8_t blank[2][TPMIX_BUFFER_MAX];
	bool hidden = g->model->active != 0 && !g->model->none;
	uint32_t len = 0;

	if (!blank[1][0]) {
		memset(blank[1], 0xFF, sizeof(blank[1]));
	}
	if (r && r->owner == 0 && g->model->active == 0) {
		len = r->len < size ? r->len : size;
		if (memcmp(memory, r->bytes, len)) {
			game_fail(g, "the %s has not the response", what);
		}
	}
	if (memcmp(memory + len, blank[hidden], size - len)) {
		game_fail(g, "the %s is not blank beyond %u", what, len);
	}
}

/* All that a guest can see, but for the middle of a response. */
void view_compare(const struct game *g)
{
	static const struct place header[] = {
		{ 0x000, 8 }, { 0xF88, 8 }, { 0xF90, 8 }, { 0xF98, 8 },
		{ 0xFA0, 8 }, { 0xFA8, 8 }, { 0xFB0, 8 }, { 0xFB8, 8 },
		{ 0xFC0, 8 }, { 0xFC8, 8 }, { 0xFD0, 8 }, { 0xFD8, 8 },
		{ 0xFE0, 8 }, { 0xFF8, 8 },
	};
	uint32_t page;

	for (page = 0; page < TPMIX_MMIO_SIZE; page += TPMIX_LOCALITY_SIZE) {
		compare_page(g, page);
		if (g->main->e.cfg.crb) {
			compare_page(g, TPMIX_EXT + page);
		}
	}
	compare(g, TPMIX_EXT + 0xFD0, 8);
	COMPARE(g, TPMIX_HEADER, header);
	if (g->model->cfg.ram) {
		compare_window(g, TPMIX_CMD_WINDOW);
		compare_window(g, TPMIX_RSP_WINDOW);
	}
	compare_command(g);
	if (!g->main->no_ram) {
		compare_memory(g, "response window", g->main->ram_rsp,
			       g->main->capacity);
	}
	if (g->main->e.s.interface == TPMIX_INTERFACE_CRB && g->main->e.cfg.ram.crb_regs) {
		compare_memory(g, "CRB page", g->main->crb_buffer,
			       TPMIX_DATA_BUFFER_SIZE);
	}
	if (tpmix_irq(&g->main->e) != model_irq(g->model)) {
		game_fail(g, "the interrupt line is %d", tpmix_irq(&g->main->e));
	}
	if (g->main->e.edges != g->model->edges) {
		game_fail(g, "%" PRIu64 " edges of the line, the model says %u",
			  g->main->e.edges, g->model->edges);
	}
}

/* "what stands in that memory is what tpmix_read() returns" */
static void same_words(const struct game *g, uint32_t addr, const uint32_t *memory,
		       uint32_t size)
{
	uint32_t i;

	for (i = 0; i < size; i += 4) {
		uint32_t want = (uint32_t)tpmix_read(&g->main->e, addr + i, 4);

		if (memory[i / 4] != want) {
			game_fail(g, "memory at 0x%05x is 0x%x, not 0x%x", addr + i,
				  memory[i / 4], want);
		}
	}
}

static void same_bytes(const struct game *g, uint32_t addr, const uint8_t *memory,
		       uint32_t size)
{
	uint32_t end = g->main->e.s.rsp_len, step = size / 32, i;
	uint32_t at;

	for (i = 0; i < 32 + 4; i++) {
		at = i < 32 ? i * step + g->nth % step : end + i - 34;
		if (at < size && memory[at] != tpmix_read(&g->main->e, addr + at, 1)) {
			game_fail(g, "memory at 0x%05x is 0x%x, not what is read",
				  addr + at, memory[at]);
		}
	}
}

void view_check_memory(const struct game *g)
{
	const struct host *h = g->main;

	if (h->no_ram) {
		return;
	}
	same_words(g, TPMIX_HEADER + TPMIX_BLOCK, h->block, TPMIX_BLOCK_SIZE);
	/* A guest can write this one also where there is no TPM. */
	if (h->e.s.family != TPMIX_FAMILY_NONE) {
		same_bytes(g, TPMIX_CMD_WINDOW, h->ram_cmd, h->capacity);
	}
	same_bytes(g, TPMIX_RSP_WINDOW, h->ram_rsp, h->capacity);
	if (h->e.s.interface == TPMIX_INTERFACE_CRB && !h->crb_traps) {
		same_words(g, 0, h->crb_regs, TPM_REG_DATA_BUFFER);
		same_bytes(g, TPM_REG_DATA_BUFFER, h->crb_buffer,
			   TPMIX_DATA_BUFFER_SIZE);
	}
}

/* The active locality reads all over: a sanitizer sees what bounds let through. */
void view_look(const struct game *g)
{
	uint32_t page = (uint32_t)g->main->e.s.active << TPMIX_LOCALITY_SHIFT;
	uint32_t off;

	for (off = 0; off < TPMIX_LOCALITY_SIZE; off += 248) {
		tpmix_read(&g->main->e, page + off, 8);
		tpmix_read(&g->main->e, TPMIX_EXT + page + off, 8);
		tpmix_read(&g->main->e, TPMIX_HEADER + off, 8);
	}
}

void view_compare_backend(const struct game *g)
{
	const struct host *h = g->main;
	const struct model *m = g->model;

	if (h->starts != m->starts || h->cancels != m->cancels ||
	    h->established_resets != m->established_resets) {
		game_fail(g, "starts %u cancels %u resets of established %u, "
		     "the model has %u %u %u", h->starts, h->cancels,
		     h->established_resets, m->starts, m->cancels,
		     m->established_resets);
	}
	if (model_answers_another(m)) {
		game_fail(g, "a START or tpmGo has an earlier command's response");
	}
	if (m->started && (h->ticket != m->started->ticket ||
			   (int)h->locality != m->started->owner ||
			   h->len != m->started->len ||
			   (m->running && memcmp(h->run, m->started->bytes,
						 h->len)))) {
		game_fail(g, "the backend was given another command");
	}
}
