/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state directory: one user, whole states whatever happens, damage and a full
 * disk said and nothing lost.
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus.h"
#include "store.h"
#include "tpm.h"

struct fixture {
	char *dir;
};

static void setup(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	f->dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
}

static void teardown(struct fixture *f, gconstpointer unused)
{
	GDir *dir = g_dir_open(f->dir, 0, NULL);
	const char *name;

	(void)unused;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *file = g_build_filename(f->dir, name, NULL);

		g_unlink(file);
	}
	g_dir_close(dir);
	g_rmdir(f->dir);
	g_free(f->dir);
}

static struct tpmix_store *open_store(const struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	struct tpmix_store *s = tpmix_store_open(f->dir, 0, &error);

	g_assert_no_error(error);
	return s;
}

static void fails(const struct fixture *f, int code, const char *text)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(tpmix_store_open(f->dir, 0, &error));
	g_assert_error(error, TPMIX_ERROR, code);
	g_assert_nonnull(strstr(error->message, f->dir));
	g_assert_nonnull(strstr(error->message, text));
	g_assert_null(strchr(error->message, '\n'));
}

static GBytes *bytes(const char *text)
{
	return g_bytes_new(text, strlen(text));
}

static void commit(struct tpmix_store *s, const char *permanent, const char *vol)
{
	g_autoptr(GBytes) p = bytes(permanent);
	g_autoptr(GBytes) v = bytes(vol);
	g_autoptr(GError) error = NULL;

	g_assert_true(tpmix_store_commit(s, p, v, &error));
	g_assert_no_error(error);
}

static void assert_bytes(GBytes *got, const char *want)
{
	gsize len;
	const char *data;

	if (!want) {
		g_assert_null(got);
		return;
	}
	g_assert_nonnull(got);
	data = g_bytes_get_data(got, &len);
	g_assert_cmpmem(data, len, want, strlen(want));
}

static void assert_state(const struct fixture *f, const char *permanent,
			 const char *vol)
{
	struct tpmix_store *s = open_store(f);

	assert_bytes(tpmix_store_permanent(s), permanent);
	assert_bytes(tpmix_store_volatile(s), vol);
	tpmix_store_close(s);
}

static void test_keep(struct fixture *f, gconstpointer unused)
{
	struct tpmix_store *s = open_store(f);
	g_autoptr(GBytes) v = bytes("later");

	(void)unused;
	assert_bytes(tpmix_store_permanent(s), NULL);
	commit(s, "one", "v1");
	tpmix_store_close(s);
	assert_state(f, "one", "v1");
	s = open_store(f);
	commit(s, "two", "v2");
	g_assert_true(tpmix_store_volatile_set(s, v, NULL));
	tpmix_store_close(s);
	assert_state(f, "two", "later");
	s = open_store(f);
	g_assert_true(tpmix_store_volatile_set(s, NULL, NULL));
	tpmix_store_close(s);
	assert_state(f, "two", NULL);
}

/* A kill in the middle of writing a slot: the one before it counts. */
static void test_torn(struct fixture *f, gconstpointer unused)
{
	struct tpmix_store *s = open_store(f);
	g_autofree char *name = NULL, *path = NULL, *content = NULL;
	gsize len;
	int i;

	(void)unused;
	commit(s, "one", "v1");
	for (i = 2; i < 6; i++) {
		char text[] = { 'v', (char)('0' + i), '\0' };
		g_autoptr(GBytes) v = bytes(text);

		g_assert_true(tpmix_store_volatile_set(s, v, NULL));
	}
	tpmix_store_close(s);
	assert_state(f, "one", "v5");
	name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "one", -1);
	name[16] = '\0';
	path = g_strconcat(f->dir, "/volatile.", name, NULL);
	g_assert_true(g_file_get_contents(path, &content, &len, NULL));
	g_assert_cmpuint(len, ==, (256 << 10) + 54);
	content[(256 << 10) + 53] ^= 1;
	g_assert_true(g_file_set_contents(path, content, (gssize)len, NULL));
	assert_state(f, "one", "v4");
	content[53] ^= 1;
	g_assert_true(g_file_set_contents(path, content, (gssize)len, NULL));
	assert_state(f, "one", NULL);
}

static void test_second_user(struct fixture *f, gconstpointer unused)
{
	struct tpmix_store *s = open_store(f);

	(void)unused;
	fails(f, TPMIX_ERROR_BUSY, "in use by process");
	tpmix_store_close(s);
	assert_state(f, NULL, NULL);
}

static void write_file(const struct fixture *f, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(f->dir, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Each byte of the file damaged in turn: an error, and the file as it was. */
static void test_damaged(struct fixture *f, gconstpointer unused)
{
	g_autofree char *path = g_build_filename(f->dir, "permanent", NULL);
	g_autofree char *good = NULL;
	struct tpmix_store *s = open_store(f);
	gsize len, i;

	(void)unused;
	commit(s, "something to be kept", "v");
	tpmix_store_close(s);
	g_assert_true(g_file_get_contents(path, &good, &len, NULL));
	for (i = 0; i < len; i++) {
		g_autofree char *after = NULL;
		gsize after_len;

		good[i] ^= 0x20;
		g_assert_true(g_file_set_contents(path, good, (gssize)len, NULL));
		fails(f, TPMIX_ERROR_DATA, "is damaged");
		g_assert_true(g_file_get_contents(path, &after, &after_len, NULL));
		g_assert_cmpmem(after, after_len, good, len);
		good[i] ^= 0x20;
	}
	for (i = 0; i < len; i += 7) {
		g_assert_true(g_file_set_contents(path, good, (gssize)i, NULL));
		fails(f, TPMIX_ERROR_DATA, "is damaged");
	}
	g_assert_true(g_file_set_contents(path, good, (gssize)len, NULL));
	assert_state(f, "something to be kept", "v");
}

/* What a kill between two steps of a change leaves behind. */
static void test_half(struct fixture *f, gconstpointer unused)
{
	struct tpmix_store *s = open_store(f);
	g_autofree char *first = NULL, *old_vol = NULL, *name = NULL, *path = NULL;
	g_autofree char *permanent = g_build_filename(f->dir, "permanent", NULL);
	gsize len, vol_len;

	(void)unused;
	commit(s, "one", "v1");
	name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "one", -1);
	name[16] = '\0';
	path = g_strconcat(f->dir, "/volatile.", name, NULL);
	g_assert_true(g_file_get_contents(permanent, &first, &len, NULL));
	g_assert_true(g_file_get_contents(path, &old_vol, &vol_len, NULL));
	commit(s, "two", "v2");
	tpmix_store_close(s);
	/* After the rename, before the old one is removed: the new state. */
	g_assert_true(g_file_set_contents(path, old_vol, (gssize)vol_len, NULL));
	write_file(f, "permanent.new", "half");
	assert_state(f, "two", "v2");
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	/* Before it: the volatile one of a state that never came. */
	s = open_store(f);
	commit(s, "one", "v1");
	tpmix_store_close(s);
	write_file(f, "volatile.0123456789abcdef", "of a state that never came");
	assert_state(f, "one", "v1");
	/* Without one for the permanent state there is none. */
	g_unlink(path);
	assert_state(f, "one", NULL);
	write_file(f, strrchr(path, '/') + 1, "TPIXst01 garbage garbage garbage garbage garbage");
	assert_state(f, "one", NULL);
}

static int run_child(void (*body)(const struct fixture *), const struct fixture *f)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		body(f);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return status;
}

static void child_full(const struct fixture *f)
{
	struct rlimit limit = { 100, 100 };
	struct tpmix_store *s = open_store(f);
	g_autofree char *large = g_strnfill(500, 'x');
	g_autoptr(GBytes) p = bytes(large);
	g_autoptr(GBytes) v = bytes("v2");
	g_autoptr(GError) error = NULL;

	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	g_assert_false(tpmix_store_commit(s, p, v, &error));
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_IO);
	g_assert_nonnull(strstr(error->message, "make room"));
	/* As it was, in memory and on disk; and it goes on. */
	assert_bytes(tpmix_store_permanent(s), "one");
	assert_bytes(tpmix_store_volatile(s), "v1");
	tpmix_store_close(s);
	assert_state(f, "one", "v1");
	s = open_store(f);
	commit(s, "three", "v3");
	/* A volatile state that has no room takes an older one with it. */
	g_clear_error(&error);
	g_assert_false(tpmix_store_volatile_set(s, p, &error));
	g_assert_nonnull(error);
	tpmix_store_close(s);
	assert_state(f, "three", NULL);
}

static void test_full(struct fixture *f, gconstpointer unused)
{
	struct tpmix_store *s = open_store(f);

	(void)unused;
	commit(s, "one", "v1");
	tpmix_store_close(s);
	g_assert_cmpint(run_child(child_full, f), ==, 0);
}

static void child_nobody(const struct fixture *f)
{
	g_assert_cmpint(setuid(65534), ==, 0);
	fails(f, TPMIX_ERROR_CONFIG, "state=DIR");
}

static void test_unwritable(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	if (getuid() != 0) {
		g_assert_cmpint(g_chmod(f->dir, 0500), ==, 0);
		fails(f, TPMIX_ERROR_CONFIG, "state=DIR");
		g_assert_cmpint(g_chmod(f->dir, 0700), ==, 0);
		return;
	}
	g_assert_cmpint(g_chmod(f->dir, 0755), ==, 0);
	g_assert_cmpint(run_child(child_nobody, f), ==, 0);
}

static void child_holds(const struct fixture *f)
{
	struct tpmix_store *s = open_store(f);

	commit(s, "of the dead", "v");
	kill(getpid(), SIGKILL);
}

static void test_killed(struct fixture *f, gconstpointer unused)
{
	(void)unused;
	g_assert_cmpint(WTERMSIG(run_child(child_holds, f)), ==, SIGKILL);
	assert_state(f, "of the dead", "v");
}

/* A TPM whose NV cannot be written answers so, and is what it was. */
static uint32_t nv_define(struct tpmix_tpm *t, uint8_t index)
{
	const uint8_t cmd[] = {
		0x80, 0x02, 0, 0, 0, 45, 0, 0, 0x01, 0x2A, 0x40, 0, 0, 0x01,
		0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0,    /* password */
		0, 0, 0, 14, 0x01, 0x50, 0, index, 0, 0x0B,     /* sha256 */
		0, 0x02, 0, 0x02, 0, 0, 0, 8,                   /* owner, 8 bytes */
	};
	uint32_t len, rc;
	uint8_t *rsp = tpmix_tpm_process(t, 0, cmd, sizeof(cmd), &len);

	g_assert_nonnull(rsp);
	g_assert_cmpuint(len, >=, 10);
	rc = (uint32_t)rsp[6] << 24 | (uint32_t)rsp[7] << 16 | (uint32_t)rsp[8] << 8 |
	     rsp[9];
	g_free(rsp);
	return rc;
}

static void child_tpm_full(const struct fixture *f)
{
	g_autoptr(GError) error = NULL;
	struct tpmix_tpm *t = tpmix_tpm_open(f->dir, 0, &error);
	struct rlimit limit = { 200, RLIM_INFINITY };

	g_assert_no_error(error);
	g_assert_cmphex(nv_define(t, 1), ==, 0);
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	g_assert_cmphex(nv_define(t, 2), ==, 0x923);
	/* The first is there (NV_DEFINED), the second is not. */
	g_assert_cmphex(nv_define(t, 1), ==, 0x14C);
	g_assert_cmphex(nv_define(t, 2), ==, 0x923);
	limit.rlim_cur = RLIM_INFINITY;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	g_assert_cmphex(nv_define(t, 2), ==, 0);
	g_assert_cmphex(nv_define(t, 2), ==, 0x14C);
	/* No closing: what was acknowledged is on disk. */
	kill(getpid(), SIGKILL);
}

static void test_tpm_full(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	struct tpmix_tpm *t;

	(void)unused;
	g_assert_cmpint(WTERMSIG(run_child(child_tpm_full, f)), ==, SIGKILL);
	t = tpmix_tpm_open(f->dir, 0, &error);
	g_assert_no_error(error);
	g_assert_cmphex(nv_define(t, 1), ==, 0x14C);
	g_assert_cmphex(nv_define(t, 2), ==, 0x14C);
	g_assert_cmphex(nv_define(t, 3), ==, 0);
	tpmix_tpm_close(t);
}

static void wait_for_byte(int fd)
{
	char byte;

	g_assert_cmpint(read(fd, &byte, 1), ==, 1);
}

/* Two processes have one TPM open, and each sees what the other did in between. */
static void test_tpm_turns(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	struct tpmix_tpm *t;
	int to[2], from[2], status;
	pid_t pid;

	(void)unused;
	g_assert_no_errno(pipe(to));
	g_assert_no_errno(pipe(from));
	pid = fork();
	if (pid == 0) {
		t = tpmix_tpm_open(f->dir, 0, NULL);
		if (!t || nv_define(t, 1) != 0 || write(from[1], "1", 1) != 1)
			_exit(1);
		wait_for_byte(to[0]);
		if (nv_define(t, 2) != 0x14C || nv_define(t, 3) != 0)
			_exit(2);
		/* Killed with the TPM open; its turn was over. */
		kill(getpid(), SIGKILL);
	}
	wait_for_byte(from[0]);
	t = tpmix_tpm_open(f->dir, 0, &error);
	g_assert_no_error(error);
	g_assert_cmphex(nv_define(t, 1), ==, 0x14C);
	g_assert_cmphex(nv_define(t, 2), ==, 0);
	g_assert_cmpint(write(to[1], "2", 1), ==, 1);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
	g_assert_cmphex(nv_define(t, 3), ==, 0x14C);
	g_assert_cmphex(nv_define(t, 4), ==, 0);
	tpmix_tpm_close(t);
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

/* Whole files, but nothing that libtpms takes. */
static void test_tpm_garbage(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	struct tpmix_store *s = open_store(f);

	(void)unused;
	commit(s, "no state of libtpms", "nor this");
	tpmix_store_close(s);
	g_assert_null(tpmix_tpm_open(f->dir, 0, &error));
	g_assert_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA);
	g_assert_nonnull(strstr(error->message, f->dir));
	assert_state(f, "no state of libtpms", "nor this");
}

/* Another libtpms' volatile state: as after a loss of power, nothing else is lost. */
static void test_tpm_cold(struct fixture *f, gconstpointer unused)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) alien = bytes("of another libtpms");
	struct tpmix_tpm *t = tpmix_tpm_open(f->dir, 0, &error);
	struct tpmix_store *s;

	(void)unused;
	g_assert_no_error(error);
	g_assert_cmphex(nv_define(t, 1), ==, 0);
	tpmix_tpm_close(t);
	s = open_store(f);
	g_assert_true(tpmix_store_volatile_set(s, alien, NULL));
	tpmix_store_close(s);
	t = tpmix_tpm_open(f->dir, 0, &error);
	g_assert_no_error(error);
	g_assert_cmphex(nv_define(t, 1), ==, 0x14C);
	tpmix_tpm_close(t);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	g_assert_no_errno(stat(path, &st));
	return st.st_mode & 0777;
}

/*
 * Killed between mkdir(), under tpm2-tools' umask, and chmod(): a directory that
 * nobody can enter is mended where it is empty, and else left as somebody made it.
 */
static void test_unenterable(struct fixture *f, gconstpointer unused)
{
	g_autofree char *deep = g_build_filename(f->dir, "a", "b", NULL);
	g_autofree char *above = g_path_get_dirname(deep);
	g_autofree char *lock = g_build_filename(deep, "lock", NULL);
	g_autoptr(GError) error = NULL;
	struct tpmix_store *s;

	(void)unused;
	g_assert_no_errno(g_mkdir_with_parents(deep, 0700));
	g_assert_no_errno(chmod(deep, 0600));
	s = tpmix_store_open(deep, 0, &error);
	g_assert_no_error(error);
	tpmix_store_close(s);
	g_assert_cmphex(mode_of(deep), ==, 0700);

	g_assert_no_errno(chmod(above, 0600));
	s = tpmix_store_open(deep, 0, NULL); /* root may */
	if (s) {
		tpmix_store_close(s);
	}
	g_assert_cmphex(mode_of(above), ==, 0600);

	g_assert_no_errno(chmod(above, 0700));
	g_assert_no_errno(g_unlink(lock));
	g_assert_no_errno(g_rmdir(deep));
	g_assert_no_errno(g_rmdir(above));
}

static void add(const char *name, void (*test)(struct fixture *, gconstpointer))
{
	g_autofree char *path = g_strconcat("/store/", name, NULL);

	g_test_add(path, struct fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
	g_setenv("TSS2_LOG", "all+NONE", TRUE);
	g_test_init(&argc, &argv, NULL);
	add("keep", test_keep);
	add("torn", test_torn);
	add("second-user", test_second_user);
	add("damaged", test_damaged);
	add("half", test_half);
	add("full", test_full);
	add("unwritable", test_unwritable);
	add("unenterable", test_unenterable);
	add("killed", test_killed);
	add("tpm-full", test_tpm_full);
	add("tpm-turns", test_tpm_turns);
	add("tpm-garbage", test_tpm_garbage);
	add("tpm-cold", test_tpm_cold);
	return g_test_run();
}
