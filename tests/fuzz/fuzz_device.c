/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-tis-indexed and tpm-crb-ext in QEMU, over qtest, against an engine in this
 * process that is given the same accesses and the same answers.
 *
 * A machine serves all inputs that want it; each begins with a reset, tickets go
 * on counting, and InterfaceSelector is as the last one left it.
 * Coverage is the engine's in this process: QEMU's own is not seen, but both run
 * the same state machine. Left out: save and load (tests/qtest has them), widths
 * that no bus has, accesses across the border of a memory region or outside all,
 * lying answers (the backend's socket protocol has no way to lie), a TPM that a
 * reset does not find.
 *
 * QEMU is $QEMU. What is found ends the program by abort(), and QEMU with it.
 */
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "qtest_client.h"
#include "tpm_stub.h"

#define CAPACITY    16384u
#define MAX_ACTIONS 120u
#define MAX_RESETS  2u
#define QMP_EVERY   8u      /* inputs */
#define QMP_MS      1000
#define SETTLE_MS   5000

/* Third byte of the input, bits 2:0; see actions_begin(). */
static const char *const devices[8] = {
	"tpm-tis-indexed",
	"tpm-crb-ext,fifo=off",
	"tpm-crb-ext,interface=fifo",
	"tpm-crb-ext",
	"tpm-tis-indexed", /* has five localities always */
	"tpm-crb-ext,fifo=off,localities=1",
	"tpm-crb-ext,interface=fifo,localities=1",
	"tpm-crb-ext,localities=1",
};

static struct device {
	QtestClient *q;
	TpmStub *stub;
	struct host engine;
	uint32_t bufsize;
	unsigned int inputs;
	unsigned int nth;
	struct action now;
} machine[8], *dev;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fail(...) \
	do { \
		action_print(dev->nth, &dev->now); \
		g_error("fuzz device: " __VA_ARGS__); \
	} while (0)

/* A function of the command alone, so that both sides get the same. */
static size_t answer(void *opaque, const uint8_t *cmd, size_t size, unsigned nth,
		     uint8_t *rsp, size_t max)
{
	uint16_t crc = tpmix_crc16(cmd, (uint32_t)size);
	size_t len = MIN(10 + crc % 700u, max), i;

	(void)opaque;
	(void)nth;
	for (i = 0; i < len; i++) {
		rsp[i] = (uint8_t)(crc + i);
	}
	memcpy(rsp, (uint8_t[]) { 0x80, 0x01, 0, 0, (uint8_t)(len >> 8),
				  (uint8_t)len, 0, 0, 0, 0 }, 10);
	return len;
}

/* As the stub answers a command that was cancelled: TPM_RC_CANCELED. */
static const uint8_t cancelled[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x09 };

static bool busy(void)
{
	return dev->engine.e.s.running != TPMIX_NO_LOCALITY;
}

static uint64_t in(uint32_t addr, unsigned int size)
{
	return qtest_read_width(dev->q, TPMIX_BASE + addr, size);
}

/* g_error() traps; a fuzzer keeps the input of what aborts. */
static void trapped(int sig)
{
	(void)sig;
	abort();
}

static void start_up(unsigned int kind, const struct actions_config *config)
{
	struct actions_config c = *config;

	signal(SIGTRAP, trapped);
	dev->stub = tpm_stub_new(TPM_STUB_2_0);
	tpm_stub_set_answer(dev->stub, answer, NULL);
	dev->q = qtest_start(tpm_stub_connect(dev->stub),
			     "-machine q35 -device %s,id=tpm,tpmdev=tpm0",
			     devices[kind]);
	dev->bufsize = (uint32_t)in(TPMIX_HEADER + TPMIX_REG_BUFSIZE, 4);
	c.capacity = CAPACITY;
	c.locality4 = false;
	c.scribbles = false;
	c.crb_traps = false;
	c.no_ram = false;
	c.base = TPMIX_BASE;
	host_new(&dev->engine, &c);
	tpm_stub_hold(dev->stub);
}

/*
 * The memory region that @addr lies in, by its base; of CRB pages each by itself, as
 * an access across two CRB pages would end in two regions. NOWHERE: none.
 */
#define NOWHERE UINT32_MAX

static uint32_t region(uint32_t addr)
{
	const struct tpmix_config *cfg = &dev->engine.e.cfg;
	const uint32_t pages = cfg->localities * TPMIX_LOCALITY_SIZE;

	if (addr < pages) {
		return cfg->crb ? addr & ~(TPMIX_LOCALITY_SIZE - 1) : 0;
	}
	if (cfg->crb && addr >= TPMIX_EXT && addr - TPMIX_EXT < pages) {
		return TPMIX_EXT;
	}
	if (addr >= TPMIX_HEADER && addr < TPMIX_SPACE_SIZE) {
		return TPMIX_HEADER;
	}
	if (addr >= TPMIX_CMD_WINDOW && addr - TPMIX_CMD_WINDOW < CAPACITY) {
		return TPMIX_CMD_WINDOW;
	}
	if (addr >= TPMIX_RSP_WINDOW && addr - TPMIX_RSP_WINDOW < CAPACITY) {
		return TPMIX_RSP_WINDOW;
	}
	return NOWHERE;
}

static bool same(uint32_t addr, unsigned int size)
{
	return in(addr, size) == tpmix_read(&dev->engine.e, addr, size);
}

/* False where the two differ: then *where is the place. */
static bool same_words(uint32_t page, const uint16_t *offs, unsigned int num,
		       uint32_t *where)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		*where = page + offs[i];
		if (!same(*where, 8)) {
			return false;
		}
	}
	return true;
}

/* False where the two differ: then *where is the place. */
static bool same_view(uint32_t *where)
{
	/* the first ones also tell of a locality that is not active */
	static const uint16_t fifo[] = { 0x000, 0x010, 0xFD0, 0x008, 0x018, 0x100,
					 0xFC0, 0xFC8, 0xFD8, 0xFE0 };
	static const uint16_t crb[] = { 0x00, 0x0C, 0x50, 0x40, 0x48, 0x30, 0x58,
					0x80 };
	static const uint16_t ext[] = { 0xFD0, 0xF98, 0x100, 0xFC0, 0xFC8, 0xFD8,
					0xFE0 };
	static const uint16_t header[] = { 0xF90, 0xFC0, 0xFC8, 0xFD0, 0xFD8, 0xFE0 };
	const struct tpmix *e = &dev->engine.e;
	bool is_crb = e->s.interface == TPMIX_INTERFACE_CRB;
	uint32_t l, page;

	for (l = 0; l < e->cfg.localities; l++) {
		bool active = e->s.active == l;

		page = l * TPMIX_LOCALITY_SIZE;
		if (!same_words(page, is_crb ? crb : fifo, active ?
				(is_crb ? G_N_ELEMENTS(crb) : G_N_ELEMENTS(fifo)) : 3,
				where)) {
			return false;
		}
		if (e->cfg.crb && !same_words(TPMIX_EXT + page, ext, active ?
					      G_N_ELEMENTS(ext) : 1, where)) {
			return false;
		}
	}
	if (!same_words(TPMIX_HEADER, header, G_N_ELEMENTS(header), where)) {
		return false;
	}
	*where = TPMIX_CMD_WINDOW;
	if (!same(*where, 8)) {
		return false;
	}
	*where = TPMIX_RSP_WINDOW + (e->s.rsp_len > 4 ? e->s.rsp_len - 4 : 0);
	return same(*where, 8);
}

static void compare(void)
{
	uint32_t at;

	if (!same_view(&at)) {
		fail("0x%05x differs: QEMU 0x%" PRIx64 ", engine 0x%" PRIx64, at,
		     in(at, 8), tpmix_read(&dev->engine.e, at, 8));
	}
}

/* QEMU learns of an answer when its thread does: wait until both agree. */
static void settle(void)
{
	const gint64 end = g_get_monotonic_time() + SETTLE_MS * 1000;
	uint32_t at;

	while (!same_view(&at)) {
		if (g_get_monotonic_time() > end) {
			compare();
		}
		g_usleep(100);
	}
}

static void both_write(uint32_t addr, uint64_t val, unsigned int size)
{
	unsigned int starts = dev->engine.starts, cancels = dev->engine.cancels;

	tpmix_write(&dev->engine.e, addr, val, size);
	if (busy() && dev->engine.cancels != cancels && dev->engine.starts == starts) {
		/* The stub answers at once: QEMU may be done before it returns. */
		qtest_write_width(dev->q, TPMIX_BASE + addr, val, size);
		tpmix_complete(&dev->engine.e, dev->engine.e.s.accepted, cancelled,
			       sizeof(cancelled), false);
		settle();
		return;
	}
	qtest_write_width(dev->q, TPMIX_BASE + addr, val, size);
	if (dev->engine.starts != starts) {
		tpm_stub_wait_held(dev->stub);
	}
	compare();
}

static void complete(void)
{
	static uint8_t rsp[CAPACITY];
	const uint8_t *cmd = dev->engine.run;
	size_t len;

	if (!busy()) {
		return;
	}
	if (dev->engine.e.s.active == TPMIX_NO_LOCALITY) {
		/* Somebody has to see the end. */
		bool crb = dev->engine.e.s.interface == TPMIX_INTERFACE_CRB;

		both_write(crb ? 0x08 : 0x00, crb ? 0x01 : 0x02, crb ? 4 : 1);
	}
	len = answer(NULL, cmd, dev->engine.len, 0, rsp, sizeof(rsp));
	tpm_stub_release(dev->stub, true);
	/* TPM_ContinueSelfTest, of TPM 1.2: QEMU's backend looks at the code only. */
	tpmix_complete(&dev->engine.e, dev->engine.e.s.accepted, rsp, (uint32_t)len,
		       memcmp(cmd + 6, "\0\0\0\x53", 4) == 0);
	settle();
}

static void reset(void)
{
	complete();
	qtest_reset(dev->q);
	tpmix_reset(&dev->engine.e, TPMIX_FAMILY_2_0, dev->bufsize);
	compare();
}

static void both_read(uint32_t addr, unsigned int size)
{
	uint64_t qemu = in(addr, size);
	uint64_t engine = tpmix_mmio_read(&dev->engine.e, addr, size);

	if (qemu != engine) {
		fail("QEMU reads 0x%" PRIx64 ", the engine 0x%" PRIx64, qemu, engine);
	}
	if (tpmix_is_fifo(&dev->engine.e, addr, size)) {
		compare();
	}
}

/* Memory: no exit, and no engine in between. */
static void both_poke(uint32_t at, uint64_t val, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		host_poke(&dev->engine, at + i, (uint8_t)(val >> i * 8));
	}
	qtest_write(dev->q, TPMIX_BASE + TPMIX_CMD_WINDOW + at,
		    dev->engine.ram_cmd + at, size);
	compare();
}

static void play(const struct action *a)
{
	unsigned int size = a->size == 3 ? 4 : a->size > 4 ? 8 : a->size;

	switch (a->kind) {
	case ACTION_READ:
	case ACTION_WRITE:
		if (region(a->addr) == NOWHERE ||
		    region(a->addr) != region(a->addr + size - 1)) {
			break;
		}
		if (a->kind == ACTION_READ) {
			both_read(a->addr, size);
		} else {
			both_write(a->addr, size < 8 ? a->val &
				   ((1ull << size * 8) - 1) : a->val, size);
		}
		break;
	case ACTION_POKE:
		if (a->addr <= CAPACITY - size) {
			both_poke(a->addr, a->val, size);
		}
		break;
	case ACTION_COMPLETE:
		complete();
		break;
	case ACTION_RESET:
		reset();
		break;
	default:
		break;
	}
	if (!tpmix_valid(&dev->engine.e)) {
		fail("the invariant is broken");
	}
}

static void check_qmp(void)
{
	const gint64 begin = g_get_monotonic_time();

	json_node_unref(qtest_qmp(dev->q, "query-tpm", NULL));
	if (g_get_monotonic_time() - begin > QMP_MS * 1000) {
		fail("QMP took more than %d ms", QMP_MS);
	}
	if (qtest_qom_get_uint(dev->q, "tpm", "commands") != dev->engine.e.starts) {
		fail("QEMU and the engine count other commands");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const bool trace = g_getenv("FUZZ_TRACE") != NULL;
	unsigned int resets = 0;
	struct actions_config config;
	struct actions actions;
	struct action_hints hints;
	unsigned int kind;

	config = actions_begin(&actions, data, size);
	kind = config.localities == 1 ? 4 : 0;
	kind |= config.crb ? (config.fifo ? 2u | config.interface : 1u) : 0;
	dev = &machine[kind];
	if (!dev->q) {
		config.localities = config.crb ? config.localities : 5;
		start_up(kind, &config);
	}
	dev->nth = 0;
	dev->now = (struct action) { .kind = ACTION_RESET, .tpm2 = true };
	do {
		if (trace) {
			action_print(dev->nth, &dev->now);
		}
		if (dev->now.kind != ACTION_RESET || resets++ < MAX_RESETS) {
			play(&dev->now);
		}
		hints = host_hints(&dev->engine);
	} while (dev->nth++ < MAX_ACTIONS && actions_next(&actions, &hints, &dev->now));
	complete();
	if (dev->inputs++ % QMP_EVERY == 0) {
		check_qmp();
	}
	return 0;
}
