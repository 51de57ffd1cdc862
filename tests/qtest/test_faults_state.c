/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swtpm without room for its state: a full directory, a read-only one. Nothing
 * that the TPM acknowledged is lost, whatever the machine does meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fault_rig.h"

static const uint8_t data[] = { 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4 };
static const uint8_t other[] = { 9, 9, 9, 9, 9, 9, 9, 9 };

struct room {
	const char *name;
	void (*take)(const char *dir);
	void (*give)(const char *dir);
};

static void fill(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "filler", NULL);
	static const char block[512];
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	g_assert_no_errno(fd);
	while (write(fd, block, sizeof(block)) > 0) {
	}
	g_assert_cmpint(errno, ==, ENOSPC);
	close(fd);
}

static void unfill(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "filler", NULL);

	g_assert_no_errno(g_unlink(path));
}

/*
 * A read-only mount over the first, which swtpm's lock file keeps writable: what
 * swtpm opens from now on it opens here.
 */
static void read_only(const char *dir)
{
	g_assert_no_errno(mount(dir, dir, NULL, MS_BIND, NULL));
	g_assert_no_errno(mount(NULL, dir, NULL,
				MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

static void writable(const char *dir)
{
	g_assert_no_errno(umount2(dir, MNT_DETACH));
}

static const struct room full = { "full", fill, unfill };
static const struct room rdonly = { "read-only", read_only, writable };

/* A TPM that has acknowledged data, its state in a small file system. */
static bool begin(struct fixture *f, const struct variant *v)
{
	const struct tpm_command write = tpm_nv_write(data);
	g_autofree char *dir = g_dir_make_tmp("tpmix-state-XXXXXX", NULL);

	/* In a namespace of our own, so that it ends with this process. */
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=64k")) {
		g_rmdir(dir);
		g_test_skip("mounting a small file system needs root");
		return false;
	}
	fault_begin_swtpm(f, v->device, dir, "");
	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_define, NULL), ==, 0);
	g_assert_cmphex(tpm_guest_command(f->q, &write, NULL), ==, 0);
	return true;
}

static void check_data(struct fixture *f, const uint8_t *want)
{
	uint8_t rsp[TPM_GUEST_MAX];

	g_assert_cmphex(tpm_guest_command(f->q, &tpm_nv_read, rsp), ==, 0);
	g_assert_cmpmem(rsp + 16, 8, want, 8);
}

/* Room again, the machine is reset: what was acknowledged is there. */
static void end(struct fixture *f)
{
	const struct tpm_command overwrite = tpm_nv_write(other);
	g_autofree char *dir = g_strdup(f->tpm->state);

	qtest_reset(f->q);
	tpm_guest_honest(f->q);
	check_data(f, data);
	g_assert_cmphex(tpm_guest_command(f->q, &overwrite, NULL), ==, 0);
	check_data(f, other);
	fault_teardown(f, NULL);
	g_assert_no_errno(umount2(dir, MNT_DETACH));
	g_rmdir(dir);
}

/* A TPM that has nothing but what a QEMU loads into it. */
static void restart_empty(struct swtpm *tpm)
{
	g_autofree char *file = g_build_filename(tpm->state, "tpm2-00.permall", NULL);

	swtpm_kill(tpm);
	g_assert_no_errno(g_unlink(file));
	swtpm_run(tpm);
}

static void no_room(gconstpointer opaque)
{
	const struct variant *v = opaque;
	const struct room *room = v->data;
	const struct tpm_command overwrite = tpm_nv_write(other);
	struct fixture f = { 0 };
	uint32_t rc;

	if (!begin(&f, v)) {
		return;
	}
	room->take(f.tpm->state);
	rc = tpm_guest_command(f.q, &overwrite, NULL);
	g_test_message("%s: NV_Write answers 0x%x", room->name, rc);
	g_assert_cmphex(rc, !=, 0);
	rc = tpm_guest_command(f.q, &tpm_get_random, NULL);
	g_test_message("%s: then GetRandom answers 0x%x", room->name, rc);
	fault_check_alive(&f);
	room->give(f.tpm->state);
	end(&f);
}

/*
 * The state is saved or not: swtpm may need room to give it. The machine goes on,
 * and what is saved holds what was acknowledged.
 */
static void no_room_migration(gconstpointer opaque)
{
	const struct variant *v = opaque;
	const struct room *room = v->data;
	const struct tpm_command overwrite = tpm_nv_write(other);
	uint8_t rsp[TPM_GUEST_MAX];
	struct fixture f = { 0 };
	uint32_t ticket;
	bool idle, executing;

	if (!begin(&f, v)) {
		return;
	}
	room->take(f.tpm->state);
	idle = fault_save(&f);
	check_data(&f, data);
	ticket = tpm_guest_ring(f.q, &overwrite);
	executing = fault_save(&f);
	g_assert_true(tpm_guest_completes(f.q, ticket, 0));
	tpm_guest_response(f.q, rsp);
	g_assert_cmphex(rsp[6] | rsp[7] | rsp[8] | rsp[9], !=, 0);
	g_test_message("%s: the state is %s, with NV_Write %s", room->name,
		       idle ? "saved" : "not saved",
		       executing ? "saved" : "not saved");
	fault_check_alive(&f);
	room->give(f.tpm->state);
	if (executing) {
		fault_end_qemu(&f);
		restart_empty(f.tpm);
		fault_load(&f);
		check_data(&f, data);
	}
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ROOM(path, room, func) BOTH(g_test_add_data_func, path, room, func)
	ROOM("state/full", &full, no_room);
	ROOM("state/read-only", &rdonly, no_room);
	ROOM("state/full-migration", &full, no_room_migration);
	ROOM("state/read-only-migration", &rdonly, no_room_migration);
	return g_test_run();
}
