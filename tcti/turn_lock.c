/* SPDX-License-Identifier: BSD-2-Clause */
#include "turn_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"

/* Of the file's bytes two are locked: one by who has the turn, one, shared, by all. */
#define TURN_BYTE       0
#define USER_BYTE       1

/* How often a lock that another process has is tried, at last. */
#define STEP_US         10000u

bool tpmix_turn_lock_open(struct tpmix_turn_lock *l, int dir_fd)
{
	l->fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_snprintf(l->line, sizeof(l->line), "%-10d %08x%08x\n", (int)getpid(),
		   g_random_int(), g_random_int());
	return l->fd >= 0;
}

void tpmix_turn_lock_close(struct tpmix_turn_lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/*
 * A lock of the open file: the kernel ends it with the process, however that ends.
 * False and errno where another has it.
 */
static bool set_lock(const struct tpmix_turn_lock *l, short type, off_t byte)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte,
			      .l_len = 1 };

	return fcntl(l->fd, F_OFD_SETLK, &lock) == 0;
}

int tpmix_turn_lock_begin(struct tpmix_turn_lock *l, unsigned int wait_s, gint *stop)
{
	gint64 end = g_get_monotonic_time() + (gint64)wait_s * G_USEC_PER_SEC;
	gulong step = STEP_US / 16;
	int err;

	/* Again and again: a wait in the kernel has no limit, and hears nobody. */
	while (!set_lock(l, F_WRLCK, TURN_BYTE)) {
		err = errno;
		if (err != EAGAIN && err != EACCES)
			return err;
		if (stop && g_atomic_int_get(stop))
			return ECANCELED;
		if (g_get_monotonic_time() >= end)
			return EBUSY;
		g_usleep(step);
		step = MIN(2 * step, STEP_US);
	}
	return 0;
}

void tpmix_turn_lock_end(struct tpmix_turn_lock *l)
{
	set_lock(l, F_UNLCK, TURN_BYTE);
}

int tpmix_turn_lock_sign(struct tpmix_turn_lock *l, bool *other)
{
	char text[TPMIX_TURN_LINE];
	ssize_t n = pread(l->fd, text, sizeof(text), 0);

	*other = n != sizeof(text) || memcmp(text, l->line, sizeof(text));
	if (!*other)
		return 0;
	/* In place: it needs no room but at the first time. */
	n = pwrite(l->fd, l->line, sizeof(text), 0);
	return n < 0 ? errno : n == sizeof(text) ? 0 : ENOSPC;
}

bool tpmix_turn_lock_is_alone(struct tpmix_turn_lock *l)
{
	bool alone = set_lock(l, F_WRLCK, USER_BYTE);

	set_lock(l, F_RDLCK, USER_BYTE);
	return alone;
}

char *tpmix_turn_lock_holder(const struct tpmix_turn_lock *l)
{
	char text[TPMIX_TURN_LINE + 1] = "";
	g_autofree char *path = NULL, *name = NULL;

	if (pread(l->fd, text, TPMIX_TURN_LINE, 0) <= 0)
		return g_strdup("?");
	text[strcspn(text, " \n")] = '\0';
	path = g_strdup_printf("/proc/%s/comm", text);
	if (!g_file_get_contents(path, &name, NULL, NULL))
		return g_strdup(text);
	return g_strdup_printf("%s (%s)", text, g_strstrip(name));
}
