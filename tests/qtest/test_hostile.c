/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest over qtest: everything wrong at full speed, from every
 * locality, while QMP is timed. QEMU answers, its memory stays flat, the TPM
 * gets no command that is none, and an honest command works afterwards.
 *
 * --seed=R02S... (printed as "random seed") repeats a run as far as the TPM's
 * timing allows. In the environment: HOSTILE_SECONDS, the length of each storm;
 * HOSTILE_FLAT_MIB, how far memory may grow (a QEMU with AddressSanitizer keeps
 * what is freed).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "misdeed.h"
#include "qmp_probe.h"
#include "swtpm.h"
#include "tpm_guest.h"
#include "tpmix.h"

#define BASE      TPM_GUEST_BASE
#define STALL_MS  20000 /* then a test ends instead of waiting for ever */
#define STOCK_STALL_MS 1500
#define STOCK_STALLED  "no answer from QMP\n"
#define FLAT_MIB  4

static void stalled(void)
{
	g_error("QEMU does not answer QMP");
}

/* QEMU dies with this process, swtpm too. */
static void stock_stalled(void)
{
	if (write(STDOUT_FILENO, STOCK_STALLED, strlen(STOCK_STALLED)) > 0) {
		_exit(1);
	}
}

static double setting(const char *name, double standard)
{
	const char *text = g_getenv(name);

	return text ? g_ascii_strtod(text, NULL) : standard;
}

static double seconds(double standard)
{
	return setting("HOSTILE_SECONDS", standard);
}

static void storm(struct hostile *h, double s, bool slow)
{
	gint64 now = g_get_monotonic_time();
	gint64 end = now + (gint64)(s * 1e6), reset = now + 1500000;

	while ((now = g_get_monotonic_time()) < end) {
		hostile_misdeed(h, slow);
		if (!slow && now > reset) {
			qtest_reset(h->q);
			h->resets++;
			reset = now + 1500000;
		}
		if (h->stub && !hostile_pick(h, 100)) {
			tpm_stub_set_delay(h->stub, hostile_pick(h, 30));
		}
	}
}

/* The same with the TPM's own answers, at times ones that are none. */
static size_t bad_answer(void *opaque, const uint8_t *cmd, size_t size,
			 unsigned int nth, uint8_t *rsp, size_t max)
{
	size_t n = tpm_stub_answer_default(opaque, cmd, size, nth, rsp, max);

	if (nth % 7 == 0) {
		memset(rsp + 6, 0xA5, n - 6);
	}
	return n;
}

static void hostile_start(struct hostile *h, bool stub, const char *device,
			  unsigned int stall_ms, void (*on_stall)(void))
{
	g_autofree char *qmp = NULL;

	h->tpm = swtpm_new(NULL);
	if (stub) {
		h->stub = tpm_stub_new(TPM_STUB_2_0);
		tpm_stub_set_answer(h->stub, bad_answer, NULL);
	} else {
		swtpm_run(h->tpm);
	}
	h->crb = strcmp(device, "tpm-crb-ext") == 0;
	h->ram = h->crb || strcmp(device, "tpm-tis-indexed") == 0;
	h->indexed = h->crb ? TPMIX_EXT : 0;
	h->q = swtpm_qemu(h->tpm, stub ? tpm_stub_connect(h->stub) : -1, device,
			  "", "");
	h->random = (uint64_t)(uint32_t)g_test_rand_int() << 32 |
		    (uint32_t)g_test_rand_int() | 1;
	g_test_message("xorshift starts at 0x%016" G_GINT64_MODIFIER "x",
		       h->random);
	qmp = swtpm_qmp_path(h->tpm);
	h->probe = qmp_probe_start(qmp, (GPid[]) { qtest_pid(h->q), 0 },
				   stall_ms, on_stall);
}

static void hostile_end(struct hostile *h)
{
	qmp_probe_stop(h->probe);
	qtest_stop(h->q);
	if (h->stub) {
		tpm_stub_free(h->stub);
	}
	swtpm_free(h->tpm);
}

static void stub_honest(struct hostile *h)
{
	uint8_t rsp[TPM_GUEST_MAX];
	uint32_t ticket;

	tpm_stub_set_delay(h->stub, 0);
	tpm_stub_set_answer(h->stub, tpm_stub_answer_default, NULL);
	tpm_guest_take(h->q);
	ticket = tpm_guest_ring(h->q, &tpm_get_cap);
	g_assert_true(tpm_guest_completes(h->q, ticket, 10000));
	g_assert_cmpuint(tpm_guest_response(h->q, rsp), ==, 30);
	g_assert_cmpmem(rsp + 18, 12, tpm_get_cap.bytes + 10, 12);
	/* Every command that reached the TPM was one. */
	g_assert_cmpuint(tpm_stub_malformed(h->stub), ==, 0);
}

static void run(const char *device, bool stub, bool slow, double s)
{
	struct hostile h = { 0 };
	struct qmp_latency idle, busy;
	size_t rss, grown;

	hostile_start(&h, stub, device, STALL_MS, stalled);
	g_usleep(500000);
	idle = qmp_probe_take(h.probe);
	qmp_latency_report("idle", &idle);

	storm(&h, s / 4, slow);
	rss = process_rss(qtest_pid(h.q));
	storm(&h, s * 3 / 4, slow);
	grown = process_rss(qtest_pid(h.q));
	grown = grown > rss ? grown - rss : 0;
	busy = qmp_probe_take(h.probe);
	qmp_latency_report("busy", &busy);
	g_test_message("%u resets, %u cancels, %" G_GUINT64_FORMAT " reads, %"
		       G_GUINT64_FORMAT " writes, %" G_GUINT64_FORMAT
		       " commands; memory grew by %zu KiB", h.resets, h.cancels,
		       qtest_qom_get_uint(h.q, "tpm", "mmio-reads"),
		       qtest_qom_get_uint(h.q, "tpm", "mmio-writes"),
		       qtest_qom_get_uint(h.q, "tpm", "commands"), grown >> 10);

	if (stub) {
		stub_honest(&h);
	} else {
		tpm_guest_honest(h.q);
	}
	g_assert_cmpfloat((double)(grown >> 20), <=,
			  setting("HOSTILE_FLAT_MIB", FLAT_MIB));
	qmp_latency_check(&idle, &busy);
	hostile_end(&h);
}

static void storm_swtpm(gconstpointer device)
{
	run(device, false, false, seconds(4));
}

/* Commands that take swtpm 30 to 500 ms, cancelled and aborted meanwhile. */
static void storm_slow(gconstpointer device)
{
	run(device, false, true, seconds(4));
}

static gint compare(gconstpointer a, gconstpointer b)
{
	gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

	return x < y ? -1 : x > y;
}

/* The same by design: each write that cancels returns while the key is made. */
static void cancel_slow(gconstpointer device)
{
	struct hostile h = { 0 };
	gint64 took[9];
	uint64_t page;
	unsigned int i;

	hostile_start(&h, false, device, STALL_MS, stalled);
	tpm_guest_honest(h.q);
	page = tpm_guest_indexed(h.q);
	for (i = 0; i < G_N_ELEMENTS(took); i++) {
		struct tpm_command c = tpm_create_rsa(3072, hostile_any32(&h));
		const struct tpm_command flush = tpm_flush(0);
		uint32_t ticket = tpm_guest_ring(h.q, &c);

		g_usleep(5000); /* swtpm is to be at it */
		took[i] = g_get_monotonic_time();
		qtest_writel(h.q, page + TPMIX_REG_CANCEL, ticket);
		took[i] = g_get_monotonic_time() - took[i];
		g_assert_true(tpm_guest_completes(h.q, ticket, 20000));
		tpm_guest_command(h.q, &flush, NULL);
	}
	qsort(took, i, sizeof(took[0]), compare);
	g_test_message("a cancel took %" G_GINT64_FORMAT " us, at most %"
		       G_GINT64_FORMAT " us", took[i / 2], took[i - 1]);
	/* The median: a key takes 50 ms at least, and one the machine may delay. */
	g_assert_cmpint(took[i / 2], <, 20000);
	hostile_end(&h);
}

static void storm_stub(gconstpointer device)
{
	run(device, true, false, seconds(3));
}

/*
 * The control group: stock tpm-tis stops answering. In subprocesses, which the
 * probe ends. The six bytes hang QEMU where the guest aborts or cancels them;
 * with a tpm_emulator that cancels without waiting they do so at the reset.
 */
static void stock(void (*misdeeds)(struct hostile *h))
{
	struct hostile h = { 0 };

	hostile_start(&h, false, "tpm-tis", STOCK_STALL_MS, stock_stalled);
	misdeeds(&h);
	qtest_reset(h.q);
	g_usleep(2 * STOCK_STALL_MS * 1000);
	hostile_end(&h);
}

static void six_bytes_then(struct hostile *h, uint32_t sts)
{
	hostile_six_bytes(h, BASE);
	/* swtpm is to have them, and to wait for the rest */
	g_usleep(300000);
	qtest_writel(h->q, BASE + TPM_REG_STS, sts);
}

static void six_bytes_abort(struct hostile *h)
{
	six_bytes_then(h, TPM_STS_COMMAND_READY);
}

static void six_bytes_cancel(struct hostile *h)
{
	six_bytes_then(h, TPM_STS_COMMAND_CANCEL);
}

static void stock_storm(struct hostile *h)
{
	storm(h, 5, false);
}

static void stock_abort(void)
{
	stock(six_bytes_abort);
}

static void stock_cancel(void)
{
	stock(six_bytes_cancel);
}

static void stock_any(void)
{
	stock(stock_storm);
}

static void stock_stalls(gconstpointer path)
{
	g_test_trap_subprocess(path, 20 * G_USEC_PER_SEC, 0);
	g_test_trap_assert_failed();
	g_test_trap_assert_stdout("*" STOCK_STALLED "*");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(test, func) \
	g_test_add_data_func("/hostile/" test, "tpm-tis-indexed", func); \
	g_test_add_data_func("/hostile/crb/" test, "tpm-crb-ext", func)
	ADD("swtpm", storm_swtpm);
	ADD("slow-commands", storm_slow);
	ADD("cancel-slow-command", cancel_slow);
	ADD("stub", storm_stub);
	g_test_add_func("/hostile/subprocess/abort", stock_abort);
	g_test_add_func("/hostile/subprocess/cancel", stock_cancel);
	g_test_add_func("/hostile/subprocess/storm", stock_any);
	g_test_add_data_func("/hostile/stock-abort-stalls",
			     "/hostile/subprocess/abort", stock_stalls);
	g_test_add_data_func("/hostile/stock-cancel-stalls",
			     "/hostile/subprocess/cancel", stock_stalls);
	g_test_add_data_func("/hostile/stock-storm-stalls",
			     "/hostile/subprocess/storm", stock_stalls);
	return g_test_run();
}
