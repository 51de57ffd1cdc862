/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hw/misc/mmio_replay.c over QEMU's own tpm-tis: that it repeats what it is told
 * to and nothing else; and the test's own tools.
 */
#include "replay_rig.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_selection(Fixture *f, gconstpointer unused)
{
	static const struct {
		bool enabled, reads, writes;
		uint64_t min, max;
		uint64_t selected, replayed_reads, replayed_writes;
	} cases[] = {
		{ true, true, true, 0, UINT64_MAX, 5, 3, 2 },
		{ false, true, true, 0, UINT64_MAX, 0, 0, 0 },
		{ true, true, false, 0, UINT64_MAX, 3, 3, 0 },
		{ true, false, true, 0, UINT64_MAX, 2, 0, 2 },
		{ true, true, true, 0xF00, 0xF04, 2, 2, 0 },
		{ true, true, true, 0xF01, 0xF04, 1, 1, 0 },
		{ true, true, true, 0xF00, 0xF03, 1, 1, 0 },
		{ true, true, true, 0x1000, 0x1FFF, 2, 1, 1 },
		{ true, true, true, 0x2000, UINT64_MAX, 0, 0, 0 },
	};
	size_t i;

	(void)unused;
	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		qtest_qom_set_bool(f->q, "replay", "enabled", cases[i].enabled);
		qtest_qom_set_bool(f->q, "replay", "reads", cases[i].reads);
		qtest_qom_set_bool(f->q, "replay", "writes", cases[i].writes);
		qtest_qom_set_uint(f->q, "replay", "min-offset", cases[i].min);
		qtest_qom_set_uint(f->q, "replay", "max-offset", cases[i].max);
		qtest_qom_set_uint(f->q, "replay", "rate", 1000000);
		qtest_qom_set_bool(f->q, "replay", "reset-counters", true);
		qtest_readl(f->q, REG(0xF00));
		qtest_readb(f->q, REG(0xF04));
		qtest_readb(f->q, REG(0x1000));
		qtest_writel(f->q, REG(0x8), 0);
		qtest_writel(f->q, REG(0x1008), 0);
		g_assert_cmpuint(qtest_qom_get_uint(f->q, "replay", "accesses"), ==, 5);
		g_assert_cmpuint(qtest_qom_get_uint(f->q, "replay", "selected"), ==,
				 cases[i].selected);
		assert_counters(f->q, cases[i].replayed_reads, cases[i].replayed_writes, 0);
	}
}

/* SplitMix64, here once more: the choice is documented, not only repeatable. */
static bool chosen(uint64_t *state, uint32_t rate)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	z ^= z >> 31;
	return ((z >> 32) * 1000000 >> 32) < rate;
}

static void test_rate(Fixture *f, gconstpointer unused)
{
	static const uint32_t rates[] = { 0, 1000, 250000, 500000, 999999, 1000000 };
	static const uint64_t seeds[] = { 0, 1, 0x123456789ABCDEF0 };
	char pattern[G_N_ELEMENTS(seeds)][101] = { { 0 } };
	size_t s, r;
	int i;

	(void)unused;
	for (s = 0; s < G_N_ELEMENTS(seeds); s++) {
		for (r = 0; r < G_N_ELEMENTS(rates); r++) {
			uint64_t state = seeds[s], expected = 0;

			qtest_qom_set_uint(f->q, "replay", "rate", rates[r]);
			qtest_qom_set_uint(f->q, "replay", "seed", seeds[s]);
			qtest_qom_set_bool(f->q, "replay", "reset-counters", true);
			for (i = 0; i < 100; i++) {
				bool hit = chosen(&state, rates[r]);

				qtest_readb(f->q, REG(TPM_REG_RID));
				expected += hit;
				g_assert_cmpuint(qtest_qom_get_uint(f->q, "replay",
								    "replayed-reads"),
						 ==, expected);
				if (rates[r] == 500000)
					pattern[s][i] = hit ? '#' : '.';
			}
			g_test_message("seed %" PRIx64 " rate %u: %" PRIu64, seeds[s], rates[r],
				       expected);
			if (rates[r] == 0)
				g_assert_cmpuint(expected, ==, 0);
			if (rates[r] == 1000000)
				g_assert_cmpuint(expected, ==, 100);
		}
	}
	g_assert_cmpstr(pattern[0], !=, pattern[1]);
	g_assert_cmpstr(pattern[1], !=, pattern[2]);
}

/* Options of the command line reach the same fields as qom-set. */
static void test_options(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     TPM_TIS REPLAY ",nth=3,writes=off,min-offset=0xf04,"
				     "max-offset=0xf04,when=late,delay=2");

	qtest_readb(q, REG(TPM_REG_RID));
	qtest_writeb(q, REG(TPM_REG_RID), 0);
	qtest_readb(q, REG(TPM_REG_RID));
	qtest_readl(q, REG(TPM_REG_DID_VID));
	assert_counters(q, 0, 0, 0);
	qtest_readb(q, REG(TPM_REG_RID));
	qtest_readl(q, REG(TPM_REG_DID_VID));
	assert_counters(q, 0, 0, 1);
	qtest_readl(q, REG(TPM_REG_DID_VID));
	assert_counters(q, 1, 0, 0);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 7);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "selected"), ==, 3);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/*
 * The overlay
 */

/*
 * Every width at every offset, aligned or not, reads and writes, in idle and in
 * the middle of a response: all values in the order of the accesses.
 */
static char *transcript(const char *machine, const char *overlay)
{
	static const unsigned widths[] = { 1, 2, 4, 8 };
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine %s -device tpm-tis,tpmdev=tpm0 %s", machine, overlay);
	GString *text = g_string_new(NULL);
	uint8_t command[COMMAND_SIZE], block[64];
	uint32_t locality, offset;
	size_t w, i;

	make_command(command);
	for (w = 0; w < G_N_ELEMENTS(widths); w++) {
		request_locality(q);
		g_assert_true(send_command(q, command, sizeof(command), false));
		wait_status(q, TPM_STS_VALID | TPM_STS_DATA_AVAIL);
		for (locality = 0; locality < 0x5000; locality += 0x1000)
			for (offset = 0; offset < 0x40; offset++)
				g_string_append_printf(text, "%x %x: %" PRIx64 "\n", widths[w],
						       locality + offset,
						       qtest_read_width(q, REG(locality + offset),
									widths[w]));
		for (offset = 0x80; offset < 0x88; offset++)
			g_string_append_printf(text, "%x\n",
					       (unsigned)qtest_read_width(q, REG(offset), widths[w]));
		for (offset = 0xF00; offset < 0xF08; offset++)
			qtest_write_width(q, REG(offset), offset, widths[w]);
		for (offset = 0; offset < 0x40; offset++) /* all but START */
			qtest_write_width(q, REG(0x1000 + offset), offset & 0x40, widths[w]);
		qtest_writeb(q, REG(TPM_REG_STS), TPM_STS_COMMAND_READY);
		relinquish_locality(q);
	}
	qtest_read(q, REG(0xF00), block, sizeof(block));
	for (i = 0; i < sizeof(block); i++)
		g_string_append_printf(text, "%02x", block[i]);
	qtest_read(q, REG(0x3), block, 7);
	for (i = 0; i < 7; i++)
		g_string_append_printf(text, "%02x", block[i]);
	if (*overlay)
		g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), >, 1000);
	qtest_stop(q);
	tpm_stub_free(stub);
	return g_string_free(text, FALSE);
}

static void test_widths(gconstpointer machine)
{
	char *without = transcript(machine, "");
	char *with = transcript(machine, REPLAY);

	g_assert_cmpstr(with, ==, without);
	g_free(without);
	g_free(with);
}

/* An 8-byte access that the device takes is one access, and repeated as one. */
static void test_whole_access(void)
{
	const uint64_t hpet = 0xFED00000;
	QtestClient *bare = qtest_start(-1, "-machine q35");
	QtestClient *q = qtest_start(-1, "-machine q35 -device mmio-replay,id=replay,"
				     "addr=0xfed00000,size=0x1000,rate=1000000");

	g_assert_cmphex(qtest_readq(q, hpet), ==, qtest_readq(bare, hpet));
	assert_counters(q, 1, 0, 0);
	g_assert_cmphex(qtest_readl(q, hpet + 4), ==, qtest_readl(bare, hpet + 4));
	assert_counters(q, 2, 0, 0);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 2);
	qtest_stop(bare);
	qtest_stop(q);
}

/* Two of them: the upper one's repeats are accesses to the lower one. */
static void test_stacked(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY ",rate=1000000 "
				     "-device mmio-replay,id=upper,addr=0xfed40000,size=0x1000,rate=1000000");

	qtest_readb(q, REG(TPM_REG_RID));
	g_assert_cmpuint(qtest_qom_get_uint(q, "upper", "accesses"), ==, 1);
	g_assert_cmpuint(qtest_qom_get_uint(q, "upper", "replayed-reads"), ==, 1);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 2);
	assert_counters(q, 2, 0, 0);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* A part of the device: offsets are those of the device below, and of addr here. */
static void test_part(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS
				     "-device mmio-replay,id=replay,addr=0xfed41000,size=0x1000,"
				     "min-offset=0,max-offset=0,rate=1000000");

	qtest_writeb(q, REG(0x1000), TPM_ACCESS_REQUEST_USE);
	assert_counters(q, 0, 1, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x1000)) & TPM_ACCESS_ACTIVE_LOCALITY, ==,
			TPM_ACCESS_ACTIVE_LOCALITY);
	assert_counters(q, 1, 1, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x0000)) & TPM_ACCESS_ACTIVE_LOCALITY, ==, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x2000)) & TPM_ACCESS_ACTIVE_LOCALITY, ==, 0);
	g_assert_cmphex(qtest_readb(q, REG(0x1F04)), ==, TPM_RID_QEMU);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 3);
	assert_counters(q, 1, 1, 0);
	qtest_stop(q);
	tpm_stub_free(stub);
}

/* tpm-crb's buffer is RAM: it works, and nothing of it is seen. */
static void test_ram(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	QtestClient *q = qtest_start(tpm_stub_connect(stub),
				     "-machine q35 -device tpm-crb,tpmdev=tpm0 "
				     "-device mmio-replay,id=replay,addr=0xfed40000,size=0x1000");

	qtest_writel(q, REG(0x80), 0x12345678);
	g_assert_cmphex(qtest_readl(q, REG(0x80)), ==, 0x12345678);
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 0);
	qtest_readl(q, REG(0x30));
	g_assert_cmpuint(qtest_qom_get_uint(q, "replay", "accesses"), ==, 1);
	qtest_stop(q);
	tpm_stub_free(stub);
}

static void test_trace(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	char *file = g_strdup_printf("%s/mmio-replay-%d.log", g_get_tmp_dir(), (int)getpid());
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY ",nth=1 "
				     "-trace mmio_replay_* -D %s", file);
	char *text;

	qtest_readb(q, REG(TPM_REG_RID));
	qtest_writeb(q, REG(TPM_REG_RID), 7);
	qtest_stop(q);
	g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "mmio_replay_read offset 0xf04 value 0x1 size 1 access 1"));
	g_assert_nonnull(strstr(text, "mmio_replay_repeat_read now: offset 0xf04 value 0x1 repeated 0x1 size 1"));
	g_assert_nonnull(strstr(text, "mmio_replay_write offset 0xf04 value 0x7 size 1 access 2"));
	g_assert_null(strstr(text, "repeat_write"));
	g_unlink(file);
	g_free(text);
	g_free(file);
	tpm_stub_free(stub);
}

static void test_errors(void)
{
	static const struct {
		const char *options, *message;
	} cases[] = {
		{ "addr=0xfed00000", "'size' property is required" },
		{ "addr=0xfed00000,size=12", "'addr' and 'size' must be multiples of 8" },
		{ "addr=0xfed00004,size=8", "'addr' and 'size' must be multiples of 8" },
		{ "addr=0xfffffffffffffff8,size=16", "'addr' and 'size' exceed the address space" },
		{ "addr=0xfed40000,size=0x1000", "no MMIO in 0xfed40000..0xfed40fff" },
		{ "addr=0xfed40000,size=0x1000", "Place -device mmio-replay after the device it covers" },
		{ "addr=0,size=0x1000", "no MMIO in 0x0..0xfff" }, /* RAM */
		{ "addr=0xfed00000,size=0x1000,rate=1000001", "'rate' must be at most 1000000" },
		{ "addr=0xfed00000,size=0x1000,min-offset=8,max-offset=4",
		  "'min-offset' must not exceed 'max-offset'" },
		{ "addr=0xfed00000,size=0x1000,when=late,delay=0",
		  "'when=late' needs a 'delay' of at least 1" },
		{ "addr=0xfed00000,size=0x1000,when=completed,done-addr=0x1000",
		  "'when=completed' needs a 'done-addr' in the MMIO covered, 0x1000 is not" },
		{ "addr=0xfed00000,size=0x1000,when=soon", "soon" },
		{ "addr=0xfed00000,size=0x1000,accesses=1", "accesses" },
		{ "addr=0xfed00000,size=0x1000,nth=-1x", "nth" },
	};
	QtestClient *q;
	char *text;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		text = qtest_start_fails(-1, "-machine q35 -device mmio-replay,%s", cases[i].options);
		g_test_message("%s: %s", cases[i].options, text);
		g_assert_nonnull(strstr(text, cases[i].message));
		g_free(text);
	}

	q = qtest_start(-1, "-machine q35 -device mmio-replay,id=replay,addr=0xfed00000,"
			"size=0x1000,done-addr=0x1000");
	text = qtest_qmp_fails(q, "qom-set", "{\"path\":\"replay\",\"property\":\"when\","
			       "\"value\":\"completed\"}");
	g_assert_nonnull(strstr(text, "'done-addr'"));
	g_free(text);
	text = qtest_qmp_fails(q, "qom-set", "{\"path\":\"replay\",\"property\":\"accesses\","
			       "\"value\":0}");
	g_free(text);
	text = qtest_qmp_fails(q, "device_add", "{\"driver\":\"mmio-replay\","
			       "\"addr\":4275044352,\"size\":4096}");
	g_assert_nonnull(strstr(text, "does not support hotplugging"));
	g_free(text);
	qtest_stop(q);
}

/*
 * The tools of these tests themselves
 */

/* Save in the middle of a response, and read the rest elsewhere. */
static void test_save(void)
{
	TpmStub *stub = tpm_stub_new(TPM_STUB_2_0);
	char *file = g_strdup_printf("%s/mmio-replay-%d.save", g_get_tmp_dir(), (int)getpid());
	QtestClient *q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY);
	uint8_t command[COMMAND_SIZE], expected[RESPONSE_SIZE];
	size_t i;

	make_command(command);
	make_response(1, expected);
	request_locality(q);
	g_assert_true(send_command(q, command, sizeof(command), false));
	wait_status(q, TPM_STS_VALID | TPM_STS_DATA_AVAIL);
	for (i = 0; i < 30; i++)
		g_assert_cmphex(qtest_readb(q, REG(TPM_REG_DATA_FIFO)), ==, expected[i]);
	qtest_save(q, file);
	qtest_stop(q);

	q = qtest_start(tpm_stub_connect(stub), TPM_TIS REPLAY " -incoming file:%s", file);
	qtest_wait_running(q);
	for (; i < RESPONSE_SIZE; i++)
		g_assert_cmphex(qtest_readb(q, REG(TPM_REG_DATA_FIFO)), ==, expected[i]);
	g_assert_cmpuint(tpm_stub_executed(stub), ==, 1);
	g_assert_cmpuint(tpm_stub_restored_blobs(stub), ==, 3);
	qtest_stop(q);
	g_unlink(file);
	g_free(file);
	tpm_stub_free(stub);
}

/* A cancel ends a command that is held. */
static void test_cancel(Fixture *f, gconstpointer unused)
{
	uint8_t command[COMMAND_SIZE];
	Result r;

	(void)unused;
	make_command(command);
	request_locality(f->q);
	tpm_stub_hold(f->stub);
	g_assert_true(send_command(f->q, command, sizeof(command), false));
	tpm_stub_wait_held(f->stub);
	qtest_writel(f->q, REG(TPM_REG_STS), TPM_STS_COMMAND_CANCEL);
	g_assert_true(receive_response(f->q, &r));
	assert_bytes(r.response, r.size, "\x80\x01\0\0\0\x0A\0\0\x09\x09", 10);
	g_assert_cmpuint(tpm_stub_cancels(f->stub), ==, 1);
}

/* Gone, or dead and not yet noticed by the process that it was left to. */
static bool has_ended(GPid pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	g_autofree char *stat = NULL;

	return !g_file_get_contents(path, &stat, NULL, NULL) || strstr(stat, ") Z ");
}

/* QEMU does not outlive a test that aborts. The child tells its id by a file. */
static void test_abort(void)
{
	char *file = g_strdup_printf("%s/mmio-replay-abort.%d", g_get_tmp_dir(),
				     (int)(g_test_subprocess() ? getppid() : getpid()));
	int i;

	if (g_test_subprocess()) {
		char *text = g_strdup_printf("%d", (int)qtest_pid(qtest_start(-1, "-machine q35")));

		g_assert_true(g_file_set_contents(file, text, -1, NULL));
		abort();
	} else {
		char *text;
		GPid pid;

		g_test_trap_subprocess(NULL, 0, 0);
		g_test_trap_assert_failed();
		g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
		pid = atoi(text);
		g_assert_cmpint(pid, >, 1);
		for (i = 0; i < 10000 && !has_ended(pid); i++)
			g_usleep(1000);
		g_assert_true(has_ended(pid));
		g_free(text);
	}
	g_unlink(file);
	g_free(file);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(path, data, function) \
	g_test_add(path, Fixture, data, fixture_start, function, fixture_stop)
	ADD("/which/selection", NULL, test_selection);
	ADD("/which/rate", NULL, test_rate);
	g_test_add_func("/which/options", test_options);
	g_test_add_data_func("/overlay/widths-pc", "pc", test_widths);
	g_test_add_data_func("/overlay/widths-q35", "q35", test_widths);
	g_test_add_func("/overlay/whole-access", test_whole_access);
	g_test_add_func("/overlay/stacked", test_stacked);
	g_test_add_func("/overlay/part", test_part);
	g_test_add_func("/overlay/ram", test_ram);
	g_test_add_func("/overlay/trace", test_trace);
	g_test_add_func("/overlay/errors", test_errors);
	g_test_add_func("/client/save", test_save);
	ADD("/client/cancel", NULL, test_cancel);
	g_test_add_func("/client/abort", test_abort);
	return g_test_run();
}
