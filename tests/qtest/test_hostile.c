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

#include "qmp_probe.h"
#include "swtpm.h"
#include "tpm_guest.h"
#include "tpm_stub.h"
#include "tpmix.h"

#define BASE      TPM_GUEST_BASE
#define DEVICE    "tpm-tis-indexed"
#define STALL_MS  20000 /* then a test ends instead of waiting for ever */
#define STOCK_STALL_MS 1500
#define STOCK_STALLED  "no answer from QMP\n"
#define FLAT_MIB  4

struct hostile {
	struct swtpm *tpm;
	TpmStub *stub;
	QtestClient *q;
	struct qmp_probe *probe;
	uint64_t random;
	unsigned int resets;
	unsigned int cancels;
};

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

/* xorshift64*: @n > 0, the answer is below it */
static uint32_t pick(struct hostile *h, uint32_t n)
{
	h->random ^= h->random >> 12;
	h->random ^= h->random << 25;
	h->random ^= h->random >> 27;
	return (uint32_t)((h->random * 0x2545F4914F6CDD1Dull) >> 32) % n;
}

static uint32_t any32(struct hostile *h)
{
	return pick(h, 0x10000) << 16 | pick(h, 0x10000);
}

static uint64_t any64(struct hostile *h)
{
	return (uint64_t)any32(h) << 32 | any32(h);
}

static unsigned int width(struct hostile *h)
{
	return 1u << pick(h, 4);
}

static uint32_t page(struct hostile *h)
{
	return BASE + (pick(h, 5) << 12);
}

static void put(struct hostile *h, uint32_t at, uint64_t val, unsigned int n)
{
	qtest_write_width(h->q, at, n < 8 ? val & ((1ull << n * 8) - 1) : val, n);
}

/* Commands: honest ones, some bytes of which are changed now and then. */
static uint32_t any_command(struct hostile *h, uint8_t *cmd, bool slow)
{
	static const struct tpm_command *const plain[] = {
		&tpm_startup, &tpm_get_random, &tpm_get_cap, &tpm_nv_read,
	};
	struct tpm_command c;
	uint32_t i;

	if (slow && pick(h, 2)) {
		c = pick(h, 2) ? tpm_flush(pick(h, 3)) :
		    tpm_create_rsa(pick(h, 2) ? 2048 : 3072, any32(h));
	} else {
		c = *plain[pick(h, G_N_ELEMENTS(plain))];
	}
	memcpy(cmd, c.bytes, c.size);
	for (i = pick(h, 8) ? 0 : pick(h, 4); i > 0; i--) {
		cmd[pick(h, c.size)] = (uint8_t)any32(h);
	}
	switch (pick(h, 12)) {
	case 0: /* a size that is none */
		cmd[2] = (uint8_t)any32(h);
		break;
	case 1:
		cmd[5] = (uint8_t)pick(h, 10);
		break;
	default:
		break;
	}
	return c.size;
}

static void send_fifo(struct hostile *h, uint32_t at, bool slow)
{
	uint8_t cmd[128];
	uint32_t n = any_command(h, cmd, slow), i;

	put(h, at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	put(h, at + TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	if (!pick(h, 4)) {
		n = pick(h, n); /* torn */
	}
	for (i = 0; i < n; i++) {
		put(h, at + TPM_REG_DATA_FIFO, cmd[i], 1);
	}
	put(h, at + TPM_REG_STS, TPM_STS_GO, 1);
}

static void send_indexed(struct hostile *h, uint32_t at, bool slow)
{
	uint8_t cmd[128] = { 0 };
	uint32_t n = any_command(h, cmd, slow), i, ticket;

	put(h, at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	put(h, at + TPMIX_REG_INDEX, 0, 4);
	if (!pick(h, 8)) {
		n = pick(h, n);
	}
	for (i = 0; i < n; i += 8) {
		uint64_t val;

		memcpy(&val, cmd + i, 8);
		put(h, at + TPMIX_WINDOW + i, val, 8);
	}
	ticket = qtest_readl(h->q, at + TPMIX_REG_ACCEPTED) + 1;
	put(h, at + TPMIX_REG_CSUM_EXPECT, (uint64_t)ticket << 32 |
	    (pick(h, 4) ? 0 : TPMIX_CSUM_EXPECT_ON) | pick(h, 0x10000), 8);
}

/* 80 01 00 00 00 06, then tpmGo. */
static void send_six_bytes(struct hostile *h, uint32_t at)
{
	static const uint8_t cmd[] = { 0x80, 0x01, 0, 0, 0, 6 };
	unsigned int i;

	put(h, at + TPM_REG_ACCESS, TPM_ACCESS_REQUEST_USE, 1);
	put(h, at + TPM_REG_STS, TPM_STS_COMMAND_READY, 1);
	for (i = 0; i < sizeof(cmd); i++) {
		put(h, at + TPM_REG_DATA_FIFO, cmd[i], 1);
	}
	put(h, at + TPM_REG_STS, TPM_STS_GO, 1);
}

static void any_doorbell(struct hostile *h, uint32_t at)
{
	uint32_t ticket = qtest_readl(h->q, at + TPMIX_REG_ACCEPTED);

	switch (pick(h, 6)) {
	case 0: ticket += pick(h, 4) - 1; break;
	case 1: ticket = any32(h); break;
	case 2: ticket = 0; break;
	default: ticket++; break;
	}
	if (pick(h, 3)) {
		put(h, at + TPMIX_REG_DOORBELL, ticket, 4);
	} else {
		put(h, at + TPMIX_REG_DOORBELL - 7 + pick(h, 14), any64(h) << 32 |
		    ticket, width(h));
	}
}

static void any_access_write(struct hostile *h, uint32_t at)
{
	static const uint8_t bits[] = {
		TPM_ACCESS_REQUEST_USE, TPM_ACCESS_ACTIVE_LOCALITY,
		TPM_ACCESS_SEIZE, TPM_ACCESS_BEEN_SEIZED,
	};
	unsigned int i;

	/* a storm of them */
	for (i = 1 + pick(h, 20); i > 0; i--) {
		put(h, BASE + (pick(h, 5) << 12), pick(h, 8) ?
		    bits[pick(h, G_N_ELEMENTS(bits))] : any32(h), 1);
	}
	put(h, at, TPM_ACCESS_SEIZE, 1);
}

static void any_stop(struct hostile *h, uint32_t at)
{
	static const uint32_t bits[] = {
		TPM_STS_COMMAND_READY, TPM_STS_COMMAND_CANCEL,
		TPM_STS_RESPONSE_RETRY, TPM_STS_RESET_ESTABLISHMENT,
	};
	uint32_t val = pick(h, 8) ? bits[pick(h, G_N_ELEMENTS(bits))] : any32(h);

	if (pick(h, 4)) {
		put(h, at + TPM_REG_STS, val, 4);
	} else {
		put(h, at + TPMIX_REG_CANCEL,
		    qtest_readl(h->q, at + TPMIX_REG_ACCEPTED), 4);
	}
	h->cancels++;
}

static void any_window(struct hostile *h, uint32_t at)
{
	static const uint32_t index[] = {
		0, 10, 3583, 3584, 4087, 4095, 4096, 16383, 0x7FFFFFFF, ~0u,
	};
	uint8_t data[64];
	unsigned int i;

	put(h, at + TPMIX_REG_INDEX, pick(h, 4) ?
	    index[pick(h, G_N_ELEMENTS(index))] : any32(h), width(h));
	for (i = pick(h, 16); i > 0; i--) {
		put(h, at + TPMIX_WINDOW + pick(h, TPMIX_WINDOW_SIZE), any64(h),
		    width(h));
	}
	for (i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)any32(h);
	}
	qtest_write(h->q, at + TPMIX_WINDOW + pick(h, TPMIX_WINDOW_SIZE), data,
		    1 + pick(h, sizeof(data)));
	qtest_read(h->q, at + pick(h, 0x1000 - sizeof(data)), data,
		   1 + pick(h, sizeof(data)));
}

static void any_fifo(struct hostile *h, uint32_t at)
{
	uint32_t port = at + (pick(h, 2) ? TPM_REG_DATA_FIFO :
			      TPM_REG_XDATA_FIFO);
	unsigned int i;

	for (i = pick(h, 100); i > 0; i--) {
		if (pick(h, 2)) {
			put(h, port, any64(h), 1u << pick(h, 3));
		} else {
			qtest_read_width(h->q, port, 1u << pick(h, 3));
		}
	}
}

static void any_register(struct hostile *h, uint32_t at)
{
	static const uint16_t regs[] = {
		TPM_REG_INTERFACE_ID, TPM_REG_INT_ENABLE, TPM_REG_INT_STATUS,
		TPM_REG_INT_VECTOR, TPM_REG_INTF_CAPABILITY, TPM_REG_DID_VID,
		TPMIX_REG_INT_ACK, TPMIX_REG_CSUM_EXPECT, TPMIX_REG_CANCEL,
		TPMIX_REG_MAGIC, TPMIX_REG_BUFSIZE,
	};
	uint32_t off = pick(h, 3) ? regs[pick(h, G_N_ELEMENTS(regs))] :
				    pick(h, 0x1000);

	put(h, at + off, pick(h, 3) ? any64(h) : ~0ull, width(h));
	qtest_read_width(h->q, at + pick(h, 0x1000), width(h));
}

/* One misdeed. @slow: RSA keys, which no reset may have to wait for. */
static void misdeed(struct hostile *h, bool slow)
{
	uint32_t at = page(h);

	switch (pick(h, 12)) {
	case 0: send_fifo(h, at, slow); break;
	case 1:
	case 2: send_indexed(h, at, slow); break;
	case 3: send_six_bytes(h, at); break;
	case 4: any_doorbell(h, at); break;
	case 5: any_access_write(h, at); break;
	case 6:
	case 7: any_stop(h, at); break;
	case 8: any_window(h, at); break;
	case 9: any_fifo(h, at); break;
	default: any_register(h, at); break;
	}
}

static void storm(struct hostile *h, double s, bool slow)
{
	gint64 now = g_get_monotonic_time();
	gint64 end = now + (gint64)(s * 1e6), reset = now + 1500000;

	while ((now = g_get_monotonic_time()) < end) {
		misdeed(h, slow);
		if (!slow && now > reset) {
			qtest_reset(h->q);
			h->resets++;
			reset = now + 1500000;
		}
		if (h->stub && !pick(h, 100)) {
			tpm_stub_set_delay(h->stub, pick(h, 30));
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

static void run(bool stub, bool slow, double s)
{
	struct hostile h = { 0 };
	struct qmp_latency idle, busy;
	size_t rss, grown;

	hostile_start(&h, stub, DEVICE, STALL_MS, stalled);
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

static void storm_swtpm(void)
{
	run(false, false, seconds(4));
}

/* Commands that take swtpm 30 to 500 ms, cancelled and aborted meanwhile. */
static void storm_slow(void)
{
	run(false, true, seconds(4));
}

static gint compare(gconstpointer a, gconstpointer b)
{
	gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

	return x < y ? -1 : x > y;
}

/* The same by design: each write that cancels returns while the key is made. */
static void cancel_slow(void)
{
	struct hostile h = { 0 };
	gint64 took[9];
	unsigned int i;

	hostile_start(&h, false, DEVICE, STALL_MS, stalled);
	tpm_guest_honest(h.q);
	for (i = 0; i < G_N_ELEMENTS(took); i++) {
		struct tpm_command c = tpm_create_rsa(3072, any32(&h));
		const struct tpm_command flush = tpm_flush(0);
		uint32_t ticket = tpm_guest_ring(h.q, &c);

		g_usleep(5000); /* swtpm is to be at it */
		took[i] = g_get_monotonic_time();
		qtest_writel(h.q, BASE + TPMIX_REG_CANCEL, ticket);
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

static void storm_stub(void)
{
	run(true, false, seconds(3));
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
	send_six_bytes(h, BASE);
	/* swtpm is to have them, and to wait for the rest */
	g_usleep(300000);
	put(h, BASE + TPM_REG_STS, sts, 4);
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
	g_test_add_func("/hostile/swtpm", storm_swtpm);
	g_test_add_func("/hostile/slow-commands", storm_slow);
	g_test_add_func("/hostile/cancel-slow-command", cancel_slow);
	g_test_add_func("/hostile/stub", storm_stub);
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
