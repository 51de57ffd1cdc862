/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts: the configuration string, the fault specification, names, levels, the
 * splitting of accesses; the transports mem and qtest against doubles.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "device.h"
#include "log.h"
#include "regname.h"

static void bad(const char *config, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct tpmix_options o;

	g_assert_false(tpmix_options_parse(&o, config, &error));
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_CONFIG);
	g_test_message("%s: %s", config, error->message);
	g_assert_nonnull(strstr(error->message, text));
	g_assert_null(strchr(error->message, '\n'));
	tpmix_options_clear(&o);
}

static void good(struct tpmix_options *o, const char *config)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(tpmix_options_parse(o, config, &error));
	g_assert_no_error(error);
}

static void test_options(void)
{
	struct tpmix_options o;

	g_setenv("XDG_STATE_HOME", "/some/where", TRUE);
	good(&o, NULL);
	g_assert_cmpint(o.transport, ==, TPMIX_TRANSPORT_INPROC);
	g_assert_cmpint(o.door, ==, TPMIX_DOOR_INDEXED);
	g_assert_cmpstr(o.state, ==, "/some/where/tpmix");
	g_assert_false(o.has_replay);
	tpmix_options_clear(&o);
	good(&o, "transport=qtest,path=/a,,b,address=0xfed50000,door=crb,locality=4");
	g_assert_cmpstr(o.path, ==, "/a,b");
	g_assert_cmphex(o.address, ==, 0xfed50000);
	g_assert_cmpuint(o.locality, ==, 4);
	tpmix_options_clear(&o);
	good(&o, "transport=mem");
	g_assert_cmpstr(o.path, ==, "/dev/mem");
	g_assert_cmphex(o.address, ==, 0xfed40000);
	tpmix_options_clear(&o);
	good(&o, "replay=rate=1000,when=late,delay=3,door=fifo,state=/x");
	g_assert_true(o.has_replay);
	g_assert_cmpuint(o.replay.rate, ==, 1000);
	g_assert_cmpint(o.replay.when, ==, TPMIX_REPLAY_LATE);
	g_assert_cmpuint(o.replay.delay, ==, 3);
	g_assert_cmphex(o.replay.done_addr, ==, 0x18);
	g_assert_cmphex(o.replay.done_mask, ==, 0xb0);
	g_assert_cmphex(o.replay.done_value, ==, 0x90);
	g_assert_cmpint(o.door, ==, TPMIX_DOOR_FIFO);
	tpmix_options_clear(&o);
	good(&o, "replay=nth=5,reads=off,done-value=0,door=crb,min-offset=0x80");
	g_assert_cmpuint(o.replay.nth, ==, 5);
	g_assert_false(o.replay.reads);
	g_assert_cmphex(o.replay.done_addr, ==, 0x4c);
	g_assert_cmphex(o.replay.done_mask, ==, 1);
	g_assert_cmphex(o.replay.min_offset, ==, 0x80);
	tpmix_options_clear(&o);
}

static void test_bad_options(void)
{
	bad("transport=usb", "inproc, qtest or mem");
	bad("transport=qtest", "needs path=");
	bad("path=/x", "transport=qtest");
	bad("transport=mem,state=/x", "transport=inproc");
	bad("foo=1", "no key 'foo'");
	bad("rate=1", "no key 'rate'");
	bad("door", "no key=value");
	bad("door=back", "indexed, window, fifo or crb");
	bad("locality=5", "0 to 4");
	bad("locality=x", "0 to 4");
	bad("door=window,locality=1", "locality 0");
	bad("address=12", "a page");
	bad("transport=qtest,path=/x,address=0xfed40001", "a page");
	bad("trace=", "a path");
	bad("replay=on", "mmio-replay");
	bad("replay=rate=1000001", "at most 1000000");
	bad("replay=rate=-1", "a number");
	bad("replay=when=never", "now, late or completed");
	bad("replay=when=late,delay=0", "at least 1");
	bad("replay=reads=yes", "on or off");
	bad("replay=min-offset=5,max-offset=4", "min-offset");
	bad("replay=rate=1,foo=2", "no property 'foo'");
}

static void test_levels(void)
{
	g_assert_cmpint(tpmix_log_parse(NULL), ==, TPMIX_LOG_WARNING);
	g_assert_cmpint(tpmix_log_parse("all+ERROR"), ==, TPMIX_LOG_ERROR);
	g_assert_cmpint(tpmix_log_parse("tcti+trace"), ==, TPMIX_LOG_TRACE);
	g_assert_cmpint(tpmix_log_parse("all+none,tcti+info"), ==, TPMIX_LOG_INFO);
	g_assert_cmpint(tpmix_log_parse("esys+debug"), ==, TPMIX_LOG_WARNING);
	g_assert_cmpint(tpmix_log_parse("nonsense"), ==, TPMIX_LOG_WARNING);
}

static void test_names(void)
{
	static const struct {
		uint32_t off;
		enum tpmix_interface interface;
		const char *name;
		uint32_t first;
		unsigned int locality;
	} want[] = {
		{ 0x00000, TPMIX_INTERFACE_FIFO, "ACCESS", 0x00000, 0 },
		{ 0x03019, TPMIX_INTERFACE_FIFO, "STS", 0x03018, 3 },
		{ 0x00008, TPMIX_INTERFACE_CRB, "LOC_CTRL", 0x00008, 0 },
		{ 0x00108, TPMIX_INTERFACE_FIFO, "window", 0x00100, 0 },
		{ 0x00108, TPMIX_INTERFACE_CRB, "DATA_BUFFER", 0x00080, 0 },
		{ 0x07fcc, TPMIX_INTERFACE_CRB, "DOORBELL", 0x07fcc, 1 },
		{ 0x30fd8, TPMIX_INTERFACE_FIFO, "COMPLETED", 0x30fd8, 0 },
		{ 0x10010, TPMIX_INTERFACE_FIFO, "command window", 0x10000, 0 },
		{ 0x2ffff, TPMIX_INTERFACE_FIFO, "response window", 0x20000, 0 },
		{ 0x05000, TPMIX_INTERFACE_FIFO, "?", 0x05000, 0 },
	};
	unsigned int i, locality;
	uint32_t first;

	for (i = 0; i < G_N_ELEMENTS(want); i++) {
		g_assert_cmpstr(tpmix_reg_name(want[i].off, want[i].interface, &first,
					       &locality), ==, want[i].name);
		g_assert_cmphex(first, ==, want[i].first);
		g_assert_cmpuint(locality, ==, want[i].locality);
	}
}

/* A file in place of a device: each width lands where it should, as it should. */
static void test_mem(void)
{
	const char *text = "transport=mem,path=%s,address=0x1000";
	uint8_t page[16], *file;
	g_autofree char *path = NULL, *config = NULL;
	g_autoptr(GError) error = NULL;
	struct tpmix_options o;
	struct tpmix_device dev;
	int fd = g_file_open_tmp("tpmix-mem-XXXXXX", &path, NULL);

	g_assert_cmpint(ftruncate(fd, 0x1000 + TPMIX_SPACE_SIZE), ==, 0);
	file = mmap(NULL, 0x1000 + TPMIX_SPACE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	g_assert_true(file != MAP_FAILED);
	config = g_strdup_printf(text, path);
	good(&o, config);
	g_assert_true(tpmix_device_open_bus(&dev, &o, &error));
	g_assert_no_error(error);
	tpmix_bus_write(dev.bus, 0x00, 0x1122334455667788, 8);
	tpmix_bus_write(dev.bus, 0x08, 0xAABBCCDD, 4);
	tpmix_bus_write(dev.bus, 0x0C, 0xEEFF, 2);
	tpmix_bus_write(dev.bus, 0x0E, 0x99, 1);
	memcpy(page, file + 0x1000, sizeof(page));
	g_assert_cmpmem(page, 16, "\x88\x77\x66\x55\x44\x33\x22\x11"
			"\xDD\xCC\xBB\xAA\xFF\xEE\x99\0", 16);
	g_assert_cmphex(tpmix_bus_read(dev.bus, 0x01, 7), ==, 0x11223344556677);
	g_assert_cmphex(tpmix_bus_read(dev.bus, 0x08, 8), ==, 0x0099EEFFAABBCCDD);
	file[0x1000 + TPMIX_SPACE_SIZE - 1] = 0x42;
	g_assert_cmphex(tpmix_bus_read(dev.bus, TPMIX_SPACE_SIZE - 1, 1), ==, 0x42);
	g_assert_no_error(tpmix_bus_error(dev.bus));
	tpmix_bus_read(dev.bus, TPMIX_SPACE_SIZE - 2, 4);
	g_assert_error(tpmix_bus_error(dev.bus), TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE);
	tpmix_device_close(&dev);
	/* Nothing there that is a TPM. */
	memset(file + 0x1000, 0xFF, 0x5000);
	g_assert_false(tpmix_device_open(&dev, &o, &error));
	g_assert_nonnull(strstr(error->message, "no TPM at 0x1000"));
	g_clear_error(&error);
	/* A file that ends before the registers do: an error, not SIGBUS. */
	g_assert_cmpint(ftruncate(fd, 0x1800), ==, 0);
	g_assert_false(tpmix_device_open_bus(&dev, &o, &error));
	g_assert_nonnull(strstr(error->message, "too short"));
	tpmix_options_clear(&o);
	munmap(file, 0x1000 + TPMIX_SPACE_SIZE);
	close(fd);
	g_unlink(path);
}

/* What is wrong with the path, and the mend. */
static void test_mem_path(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(tpmix_mem_open("/nonexistent/mem", 0, 4096, &error));
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE);
	g_assert_nonnull(strstr(error->message, "give the path of"));
	g_clear_error(&error);
	if (g_file_test("/dev/mem", G_FILE_TEST_EXISTS))
		return;
	/* Root is not told to be root. */
	g_assert_null(tpmix_mem_open("/dev/mem", 0, 4096, &error));
	g_assert_nonnull(strstr(error->message, "has no /dev/mem"));
	g_assert_null(strstr(error->message, "needs root"));
}

struct qemu {
	int fd;                 /* listening */
	const char *const *script; /* expected line, answer, ... */
};

static gpointer be_qemu(gpointer opaque)
{
	struct qemu *q = opaque;
	int fd = accept(q->fd, NULL, NULL);
	FILE *in = fdopen(fd, "r");
	char line[100];

	for (; q->script[0]; q->script += 2) {
		g_assert_nonnull(fgets(line, sizeof(line), in));
		g_assert_cmpstr(line, ==, q->script[0]);
		g_assert_cmpint(write(fd, q->script[1], strlen(q->script[1])), >, 0);
	}
	fclose(in);
	return NULL;
}

static void test_qtest(void)
{
	static const char *const greeting[] = { "endianness\n", "OK little\n", NULL };
	static const char *const script[] = {
		"endianness\n", "OK little\n",
		"readb 0xfed40000\n", "OK 0x0000000000000081\n",
		"readq 0xfed40fd8\n", "IRQ raise 5\nIRQ lower 5\nOK 0xffffffff00000007\n",
		"writel 0xfed40fc0 0x12345678\n", "OK\n",
		"writeb 0xfed40001 0x11\n", "OK\n",
		"writew 0xfed40002 0x3322\n", "OK\n",
		"readl 0xfed40018\n", "FAIL Unknown command\n",
		NULL
	};
	g_autofree char *dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "s", NULL);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	g_autoptr(GError) error = NULL;
	struct qemu q = { .script = script };
	struct tpmix_bus *bus;
	GThread *thread;

	g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
	q.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	g_assert_cmpint(bind(q.fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	g_assert_cmpint(listen(q.fd, 1), ==, 0);
	thread = g_thread_new("qemu", be_qemu, &q);
	bus = tpmix_qtest_open(path, TPMIX_BASE, 5, &error);
	g_assert_no_error(error);
	g_assert_cmphex(tpmix_bus_read(bus, 0, 1), ==, 0x81);
	g_assert_cmphex(tpmix_bus_read(bus, 0xFD8, 8), ==, 0xFFFFFFFF00000007);
	tpmix_bus_write(bus, 0xFC0, 0x12345678, 4);
	tpmix_bus_write(bus, 1, 0x332211, 3);
	g_assert_no_error(tpmix_bus_error(bus));
	g_assert_cmphex(tpmix_bus_read(bus, 0x18, 4), ==, UINT32_MAX);
	g_assert_nonnull(strstr(tpmix_bus_error(bus)->message, "-qtest"));
	/* Broken once is broken: nothing is sent any more. */
	g_assert_cmphex(tpmix_bus_read(bus, 0, 1), ==, 0xFF);
	tpmix_bus_close(bus);
	g_thread_join(thread);

	/* It dies between two commands. */
	q.script = greeting;
	thread = g_thread_new("qemu", be_qemu, &q);
	bus = tpmix_qtest_open(path, TPMIX_BASE, 5, &error);
	g_assert_no_error(error);
	g_thread_join(thread);
	tpmix_bus_write(bus, 0, 2, 1);
	tpmix_bus_read(bus, 0, 1);
	g_assert_error(tpmix_bus_error(bus), TPMIX_ERROR, TPMIX_ERROR_IO);
	g_assert_nonnull(strstr(tpmix_bus_error(bus)->message, "QEMU ended"));
	tpmix_bus_close(bus);

	/* Nobody accepts: it has another client. Told, in the time that was given. */
	g_assert_null(tpmix_qtest_open(path, TPMIX_BASE, 1, &error));
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "another program has it"));
	close(q.fd);
	g_unlink(path);
	g_rmdir(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/parts/options", test_options);
	g_test_add_func("/parts/bad-options", test_bad_options);
	g_test_add_func("/parts/levels", test_levels);
	g_test_add_func("/parts/names", test_names);
	g_test_add_func("/parts/mem", test_mem);
	g_test_add_func("/parts/mem-path", test_mem_path);
	g_test_add_func("/parts/qtest", test_qtest);
	return g_test_run();
}
