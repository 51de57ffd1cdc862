/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tpm-tis-indexed in QEMU, over qtest, against an engine in this process that
 * is given the same accesses and the same answers.
 *
 * One QEMU serves all inputs; each begins with a reset, tickets go on counting.
 * Coverage is the engine's in this process: QEMU's own is not seen, but both run
 * the same state machine. Left out: save and load (tests/qtest has them), widths
 * that no bus has, accesses beyond the five pages, lying answers (the backend's
 * socket protocol has no way to lie).
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

static struct device {
	QtestClient *q;
	TpmStub *stub;
	struct host engine;
	uint32_t bufsize;
	unsigned int inputs;
	unsigned int nth;
	struct action now;
} dev;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fail(...) \
	do { \
		action_print(dev.nth, &dev.now); \
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
	return dev.engine.e.s.running != TPMIX_NO_LOCALITY;
}

static uint64_t in(uint32_t addr, unsigned int size)
{
	return qtest_read_width(dev.q, TPMIX_BASE + addr, size);
}

/* g_error() traps; a fuzzer keeps the input of what aborts. */
static void trapped(int sig)
{
	(void)sig;
	abort();
}

static void start_up(void)
{
	signal(SIGTRAP, trapped);
	dev.stub = tpm_stub_new(TPM_STUB_2_0);
	tpm_stub_set_answer(dev.stub, answer, NULL);
	dev.q = qtest_start(tpm_stub_connect(dev.stub),
			    "-machine q35 -device tpm-tis-indexed,id=tpm,tpmdev=tpm0");
	dev.bufsize = (uint32_t)in(TPMIX_REG_BUFSIZE, 4);
	host_new(&dev.engine, CAPACITY, false);
	tpm_stub_hold(dev.stub);
}

static const struct {
	uint16_t off;
	uint8_t size;
} view[] = {
	{ 0x000, 1 }, { 0x008, 4 }, { 0x010, 4 }, { 0x018, 4 }, { 0x100, 8 },
	{ 0xFC0, 8 }, { 0xFC8, 8 }, { 0xFD0, 8 }, { 0xFD8, 8 }, { 0xFE0, 8 },
};

/* False where the two differ: then *where is the place. */
static bool same_view(uint32_t *where)
{
	uint32_t page;
	unsigned int i;

	for (page = 0; page < TPMIX_MMIO_SIZE; page += TPMIX_LOCALITY_SIZE) {
		/* An inactive locality's registers are all ones: two will do. */
		bool active = dev.engine.e.s.active == page >> 12;

		for (i = 0; i < G_N_ELEMENTS(view); i++) {
			*where = page + view[i].off;
			if ((active || i == 0 || i == 2 || i == 7) &&
			    in(*where, view[i].size) !=
			    tpmix_read(&dev.engine.e, *where, view[i].size)) {
				return false;
			}
		}
	}
	return true;
}

static void compare(void)
{
	uint32_t at;

	if (!same_view(&at)) {
		fail("0x%04x differs: QEMU 0x%" PRIx64 ", engine 0x%" PRIx64, at,
		     in(at, 8), tpmix_read(&dev.engine.e, at, 8));
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
	unsigned int starts = dev.engine.starts, cancels = dev.engine.cancels;

	tpmix_write(&dev.engine.e, addr, val, size);
	if (busy() && dev.engine.cancels != cancels && dev.engine.starts == starts) {
		/* The stub answers at once: QEMU may be done before it returns. */
		qtest_write_width(dev.q, TPMIX_BASE + addr, val, size);
		tpmix_complete(&dev.engine.e, dev.engine.e.s.accepted, cancelled,
			       sizeof(cancelled), false);
		settle();
		return;
	}
	qtest_write_width(dev.q, TPMIX_BASE + addr, val, size);
	if (dev.engine.starts != starts) {
		tpm_stub_wait_held(dev.stub);
	}
	compare();
}

static void complete(void)
{
	static uint8_t rsp[CAPACITY];
	const uint8_t *cmd = dev.engine.run;
	size_t len;

	if (!busy()) {
		return;
	}
	if (dev.engine.e.s.active == TPMIX_NO_LOCALITY) {
		/* Somebody has to see the end. */
		both_write(0x000, 0x02, 1);
	}
	len = answer(NULL, cmd, dev.engine.len, 0, rsp, sizeof(rsp));
	tpm_stub_release(dev.stub, true);
	/* TPM_ContinueSelfTest, of TPM 1.2: QEMU's backend looks at the code only. */
	tpmix_complete(&dev.engine.e, dev.engine.e.s.accepted, rsp, (uint32_t)len,
		       memcmp(cmd + 6, "\0\0\0\x53", 4) == 0);
	settle();
}

static void reset(void)
{
	complete();
	qtest_reset(dev.q);
	tpmix_reset(&dev.engine.e, TPMIX_FAMILY_2_0, dev.bufsize);
	compare();
}

static void both_read(uint32_t addr, unsigned int size)
{
	uint64_t qemu = in(addr, size);
	uint64_t engine = tpmix_mmio_read(&dev.engine.e, addr, size);

	if (qemu != engine) {
		fail("QEMU reads 0x%" PRIx64 ", the engine 0x%" PRIx64, qemu, engine);
	}
	if (tpmix_is_fifo(&dev.engine.e, addr, size)) {
		compare();
	}
}

static void play(const struct action *a)
{
	unsigned int size = a->size == 3 ? 4 : a->size > 4 ? 8 : a->size;

	switch (a->kind) {
	case ACTION_READ:
	case ACTION_WRITE:
		if (a->addr > TPMIX_MMIO_SIZE - size) {
			break;
		}
		if (a->kind == ACTION_READ) {
			both_read(a->addr, size);
		} else {
			both_write(a->addr, size < 8 ? a->val &
				   ((1ull << size * 8) - 1) : a->val, size);
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
	if (!tpmix_valid(&dev.engine.e)) {
		fail("the invariant is broken");
	}
}

static void check_qmp(void)
{
	const gint64 begin = g_get_monotonic_time();

	json_node_unref(qtest_qmp(dev.q, "query-tpm", NULL));
	if (g_get_monotonic_time() - begin > QMP_MS * 1000) {
		fail("QMP took more than %d ms", QMP_MS);
	}
	if (qtest_qom_get_uint(dev.q, "tpm", "commands") != dev.engine.e.starts) {
		fail("QEMU and the engine count other commands");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const bool trace = g_getenv("FUZZ_TRACE") != NULL;
	unsigned int resets = 0;
	struct actions actions;
	struct action_hints hints;

	if (!dev.q) {
		start_up();
	}
	actions_begin(&actions, data, size);
	dev.nth = 0;
	dev.now = (struct action) { .kind = ACTION_RESET, .tpm2 = true };
	do {
		if (trace) {
			action_print(dev.nth, &dev.now);
		}
		if (dev.now.kind != ACTION_RESET || resets++ < MAX_RESETS) {
			play(&dev.now);
		}
		hints = host_hints(&dev.engine);
	} while (dev.nth++ < MAX_ACTIONS && actions_next(&actions, &hints, &dev.now));
	complete();
	if (dev.inputs++ % QMP_EVERY == 0) {
		check_qmp();
	}
	return 0;
}
