/* SPDX-License-Identifier: BSD-2-Clause */
#include "swtpm.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct swtpm *swtpm_new(const char *state)
{
	struct swtpm *s = g_new0(struct swtpm, 1);

	s->dir = g_dir_make_tmp("tpmix-XXXXXX", NULL);
	g_assert_nonnull(s->dir);
	s->state = g_strdup(state ? state : s->dir);
	return s;
}

/* In the child, between fork and exec: it shall not outlive the test. */
static void die_with_parent(gpointer unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void swtpm_run(struct swtpm *s)
{
	g_autofree char *socket = g_build_filename(s->dir, "tpm", NULL);
	g_autofree char *state = g_strdup_printf("dir=%s", s->state);
	g_autofree char *ctrl = g_strdup_printf("type=unixio,path=%s", socket);
	const char *argv[] = { "swtpm", "socket", "--tpm2", "--tpmstate", state,
			       "--ctrl", ctrl, NULL };
	unsigned int i;

	g_unlink(socket);
	g_assert_true(g_spawn_async(NULL, (char **)argv, NULL,
		G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
		G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
		die_with_parent, NULL, &s->pid, NULL));
	for (i = 0; i < 1000 && !g_file_test(socket, G_FILE_TEST_EXISTS); i++) {
		g_usleep(5000);
	}
}

void swtpm_kill(struct swtpm *s)
{
	if (s->pid) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
		s->pid = 0;
	}
}

void swtpm_pause(struct swtpm *s)
{
	int status;

	g_assert_no_errno(kill(s->pid, SIGSTOP));
	g_assert_cmpint(waitpid(s->pid, &status, WUNTRACED), ==, s->pid);
	g_assert_true(WIFSTOPPED(status));
}

void swtpm_continue(struct swtpm *s)
{
	g_assert_no_errno(kill(s->pid, SIGCONT));
}

static void remove_dir(const char *path)
{
	g_autoptr(GDir) d = g_dir_open(path, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		g_unlink(file);
	}
	g_rmdir(path);
}

void swtpm_free(struct swtpm *s)
{
	swtpm_kill(s);
	remove_dir(s->dir);
	g_free(s->dir);
	g_free(s->state);
	g_free(s);
}

char *swtpm_qmp_path(const struct swtpm *s)
{
	return g_build_filename(s->dir, "qmp", NULL);
}

QtestClient *swtpm_qemu(const struct swtpm *s, int tpm_fd, const char *device,
			const char *chardev, const char *extra)
{
	g_autofree char *qmp = swtpm_qmp_path(s);
	g_autofree char *tpm = NULL;

	if (tpm_fd == -1) {
		tpm = g_strdup_printf("-chardev socket,id=tpm-chr,path=%s/tpm%s "
				      "-tpmdev emulator,id=tpm0,chardev=tpm-chr",
				      s->dir, chardev);
	}
	/* debug-threads: a test may look for a thread by its name. */
	return qtest_start(tpm_fd, "-name debug-threads=on -machine q35 %s -device %s,id=tpm,tpmdev=tpm0 "
			   "-chardev socket,id=probe,path=%s,server=on,wait=off "
			   "-mon chardev=probe,mode=control %s",
			   tpm ? tpm : "", device, qmp, extra);
}

size_t process_rss(GPid pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/statm", pid);
	g_autofree char *text = NULL;
	char *rest;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_ascii_strtoull(text, &rest, 10);
	return (size_t)g_ascii_strtoull(rest, NULL, 10) *
	       (size_t)sysconf(_SC_PAGESIZE);
}
