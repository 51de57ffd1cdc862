/* SPDX-License-Identifier: BSD-2-Clause */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus.h"
#include "log.h"
#include "turn_lock.h"

/* A file is: these 8 bytes, the SHA-256 of the rest, the rest. */
#define FILE_MAGIC      "TPIXst01"
#define MAGIC_SIZE      8u
#define HASH_SIZE       32u
#define FILE_HEAD       (MAGIC_SIZE + HASH_SIZE)
#define FILE_MAX        (1u << 20)

#define VOLATILE_PREFIX "volatile."
#define NAME_DIGITS     16

/*
 * A volatile state is written after every command, so in place, alternating between
 * two slots: a rename costs a millisecond on ext4. A slot is: magic, number (8 bytes,
 * big endian), length (4), SHA-256 of the slot without this field, the state.
 */
#define SLOT_MAGIC      "TPIXvo01"
#define SLOT_HASH       20u
#define SLOT_HEAD       (SLOT_HASH + HASH_SIZE)
#define SLOT_SIZE       (256u << 10)

struct tpmix_store {
	char *dir;
	int dir_fd;
	struct tpmix_turn_lock lock;
	bool loaded;            /* what follows is as on disk, in a turn */
	GBytes *permanent;
	GBytes *vol;
	int vol_fd;             /* file of vol; -1: none */
	uint64_t vol_number;    /* of the slot written last */
};

static void hash(const uint8_t *data, size_t len, uint8_t to[HASH_SIZE])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize size = HASH_SIZE;

	g_checksum_update(sum, data, (gssize)len);
	g_checksum_get_digest(sum, to, &size);
}

/* Name of the volatile state that belongs to a permanent one; g_free(). */
static char *volatile_name(GBytes *permanent)
{
	g_autofree char *hex =
		g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, permanent);

	hex[NAME_DIGITS] = '\0';
	return g_strconcat(VOLATILE_PREFIX, hex, NULL);
}

static void set_error(GError **error, const struct tpmix_store *s,
		      const char *name, int err)
{
	enum tpmix_error code = TPMIX_ERROR_IO;
	const char *mend = "";

	switch (err) {
	case EACCES:
	case EPERM:
	case EROFS:
		code = TPMIX_ERROR_CONFIG;
		mend = ": give a directory of your own by state=DIR";
		break;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		mend = ": make room, then try again";
		break;
	}
	g_set_error(error, TPMIX_ERROR, (int)code, "state directory %s: %s%s%s%s", s->dir,
		    name, *name ? ": " : "", g_strerror(err), mend);
}

static bool write_all(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	while (len) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Replaces file @name, on the medium too, or leaves it as it was. */
static bool write_file(const struct tpmix_store *s, const char *name,
		       GBytes *content, GError **error)
{
	g_autofree char *temp = g_strconcat(name, ".new", NULL);
	uint8_t head[FILE_HEAD] = FILE_MAGIC;
	size_t len;
	const uint8_t *data = g_bytes_get_data(content, &len);
	int fd, err;

	hash(data, len, head + MAGIC_SIZE);
	fd = openat(s->dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = errno;
	} else {
		err = write_all(fd, head, sizeof(head)) && write_all(fd, data, len) &&
		      fsync(fd) == 0 ? 0 : errno;
		if (close(fd) < 0 && !err)
			err = errno;
	}
	if (!err && renameat(s->dir_fd, temp, s->dir_fd, name) < 0)
		err = errno;
	if (err)
		unlinkat(s->dir_fd, temp, 0);
	else if (fsync(s->dir_fd) < 0)
		err = errno;
	if (err)
		set_error(error, s, name, err);
	return !err;
}

/* NULL without an error: there is no such file. */
static GBytes *read_file(const struct tpmix_store *s, const char *name,
			 GError **error)
{
	g_autofree char *path = g_build_filename(s->dir, name, NULL);
	g_autoptr(GError) why = NULL;
	g_autofree char *text = NULL;
	uint8_t sum[HASH_SIZE];
	struct stat st;
	gsize len;

	if (fstatat(s->dir_fd, name, &st, 0) < 0) {
		if (errno != ENOENT)
			set_error(error, s, name, errno);
		return NULL;
	}
	if (st.st_size > FILE_MAX || st.st_size <= (off_t)FILE_HEAD)
		goto damaged;
	if (!g_file_get_contents(path, &text, &len, &why)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
			    "state directory %s: %s", s->dir, why->message);
		return NULL;
	}
	if (len <= FILE_HEAD || memcmp(text, FILE_MAGIC, MAGIC_SIZE))
		goto damaged;
	hash((uint8_t *)text + FILE_HEAD, len - FILE_HEAD, sum);
	if (memcmp(text + MAGIC_SIZE, sum, HASH_SIZE))
		goto damaged;
	return g_bytes_new(text + FILE_HEAD, len - FILE_HEAD);
damaged:
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
		    "state directory %s: file '%s' is damaged, or not of this program: put it back from a backup, or move it away to begin with a new TPM",
		    s->dir, name);
	return NULL;
}

static void slot_hash(const uint8_t *slot, size_t len, uint8_t to[HASH_SIZE])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize size = HASH_SIZE;

	g_checksum_update(sum, slot, SLOT_HASH);
	g_checksum_update(sum, slot + SLOT_HEAD, (gssize)len);
	g_checksum_get_digest(sum, to, &size);
}

/* Errors are left in errno. */
static bool write_slot(int fd, uint64_t number, GBytes *vol)
{
	size_t len, done = 0;
	const void *data = g_bytes_get_data(vol, &len);
	g_autofree uint8_t *slot = g_malloc(SLOT_HEAD + len);
	uint64_t be_number = GUINT64_TO_BE(number);
	uint32_t be_len = GUINT32_TO_BE((uint32_t)len);
	off_t at = number % 2 ? SLOT_SIZE : 0;
	ssize_t n;

	if (len > SLOT_SIZE - SLOT_HEAD) {
		errno = EFBIG;
		return false;
	}
	memcpy(slot, SLOT_MAGIC, MAGIC_SIZE);
	memcpy(slot + MAGIC_SIZE, &be_number, 8);
	memcpy(slot + MAGIC_SIZE + 8, &be_len, 4);
	memcpy(slot + SLOT_HEAD, data, len);
	slot_hash(slot, len, slot + SLOT_HASH);
	while (done < SLOT_HEAD + len) {
		n = pwrite(fd, slot + done, SLOT_HEAD + len - done,
			   at + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Takes the slot over where it is whole and newer. */
static void read_slot(struct tpmix_store *s, off_t at)
{
	g_autofree uint8_t *slot = g_malloc(SLOT_SIZE);
	ssize_t got = pread(s->vol_fd, slot, SLOT_SIZE, at);
	uint8_t sum[HASH_SIZE];
	uint64_t number;
	uint32_t len;

	if (got < (ssize_t)SLOT_HEAD || memcmp(slot, SLOT_MAGIC, MAGIC_SIZE))
		return;
	memcpy(&number, slot + MAGIC_SIZE, 8);
	memcpy(&len, slot + MAGIC_SIZE + 8, 4);
	number = GUINT64_FROM_BE(number);
	len = GUINT32_FROM_BE(len);
	if (len > (size_t)got - SLOT_HEAD || (s->vol && number < s->vol_number))
		return;
	slot_hash(slot, len, sum);
	if (memcmp(sum, slot + SLOT_HASH, HASH_SIZE))
		return;
	if (s->vol)
		g_bytes_unref(s->vol);
	s->vol = g_bytes_new(slot + SLOT_HEAD, len);
	s->vol_number = number;
}

static void read_volatile(struct tpmix_store *s, const char *name)
{
	s->vol_fd = openat(s->dir_fd, name, O_RDWR | O_CLOEXEC);
	if (s->vol_fd < 0)
		return;
	read_slot(s, 0);
	read_slot(s, SLOT_SIZE);
	if (s->vol)
		return;
	/* What the TPM had in RAM is lost, as by a loss of power. */
	tpmix_log(TPMIX_LOG_WARNING,
		  "state directory %s: file '%s' is damaged: the TPM starts as after a loss of power",
		  s->dir, name);
	close(s->vol_fd);
	s->vol_fd = -1;
}

static void close_volatile(struct tpmix_store *s)
{
	if (s->vol_fd >= 0)
		close(s->vol_fd);
	s->vol_fd = -1;
}

/* A file of its own for the first slot; -1 and errno where that fails. */
static int create_volatile(const struct tpmix_store *s, const char *name,
			   uint64_t number, GBytes *vol)
{
	int fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err;

	if (fd >= 0 && !write_slot(fd, number, vol)) {
		err = errno;
		close(fd);
		unlinkat(s->dir_fd, name, 0);
		errno = err;
		fd = -1;
	}
	return fd;
}

/* Removes volatile states but the one named @keep, and what a kill left half. */
static void remove_stale(const struct tpmix_store *s, const char *keep)
{
	g_autoptr(GDir) dir = g_dir_open(s->dir, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		bool mine = g_str_has_prefix(name, VOLATILE_PREFIX) ||
			    !strcmp(name, "permanent.new");

		if (mine && (!keep || strcmp(name, keep)))
			unlinkat(s->dir_fd, name, 0);
	}
}

/* What is on disk, instead of what is in memory. */
static bool load(struct tpmix_store *s, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *name = NULL;

	close_volatile(s);
	g_clear_pointer(&s->permanent, g_bytes_unref);
	g_clear_pointer(&s->vol, g_bytes_unref);
	s->permanent = read_file(s, "permanent", &why);
	if (why) {
		g_propagate_error(error, g_steal_pointer(&why));
		return false;
	}
	if (s->permanent) {
		name = volatile_name(s->permanent);
		read_volatile(s, name);
	}
	remove_stale(s, s->vol ? name : NULL);
	return true;
}

static void set_turn_error(GError **error, const struct tpmix_store *s, int err,
			   unsigned int wait_s)
{
	g_autofree char *holder = NULL;

	switch (err) {
	case ECANCELED:
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_CANCELED,
			    "state directory %s: cancelled while another process has it",
			    s->dir);
		break;
	case EBUSY:
		holder = tpmix_turn_lock_holder(&s->lock);
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY,
			    "state directory %s is in use by process %s, for %u s and longer: wait until its command ends (wait=SECONDS), or give another by state=DIR",
			    s->dir, holder, wait_s);
		break;
	default:
		set_error(error, s, "lock", err);
	}
}

bool tpmix_store_begin(struct tpmix_store *s, unsigned int wait_s, gint *stop,
		       bool *changed, GError **error)
{
	int err = tpmix_turn_lock_begin(&s->lock, wait_s, stop);

	if (err) {
		set_turn_error(error, s, err, wait_s);
		return false;
	}
	err = tpmix_turn_lock_sign(&s->lock, changed);
	if (err)
		set_error(error, s, "lock", err);
	/* What failed once is read again. */
	*changed = *changed || !s->loaded;
	if (*changed)
		s->loaded = !err && load(s, error);
	if (s->loaded)
		return true;
	tpmix_store_end(s);
	return false;
}

void tpmix_store_end(struct tpmix_store *s)
{
	tpmix_turn_lock_end(&s->lock);
}

bool tpmix_store_is_alone(struct tpmix_store *s)
{
	return tpmix_turn_lock_is_alone(&s->lock);
}

/* What a kill between mkdir() and chmod() leaves: ours, empty, not to be entered. */
static bool is_half_made(const char *path)
{
	g_autoptr(GDir) dir = NULL;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 0111))
		return false;
	dir = g_dir_open(path, 0, NULL);
	return dir && !g_dir_read_name(dir);
}

/*
 * As g_mkdir_with_parents(), but with 0700 whatever the umask: tpm2-tools has one
 * under which a directory cannot be entered.
 */
static bool make_dirs(const char *dir)
{
	g_autofree char *path = g_strdup(dir);
	char *slash = path;
	bool last;
	int err;

	do {
		slash = strchr(slash + 1, '/');
		last = !slash;
		if (!last)
			*slash = '\0';
		err = mkdir(path, 0700) < 0 ? errno : 0;
		if (!err || (err == EEXIST && is_half_made(path))) {
			if (chmod(path, 0700) < 0)
				return false;
		} else if (last && err != EEXIST) {
			errno = err;
			return false;
		}
		if (!last)
			*slash = '/';
	} while (!last);
	return true;
}

struct tpmix_store *tpmix_store_open(const char *dir, unsigned int wait_s,
				     GError **error)
{
	struct tpmix_store *s = g_new0(struct tpmix_store, 1);
	bool changed;

	s->dir = g_strdup(dir);
	s->dir_fd = s->lock.fd = s->vol_fd = -1;
	if (!make_dirs(dir))
		goto fail_errno;
	s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		goto fail_errno;
	if (!tpmix_turn_lock_open(&s->lock, s->dir_fd)) {
		set_error(error, s, "lock", errno);
		goto fail;
	}
	if (!tpmix_store_begin(s, wait_s, NULL, &changed, error))
		goto fail;
	return s;
fail_errno:
	set_error(error, s, "", errno);
fail:
	tpmix_store_close(s);
	return NULL;
}

void tpmix_store_close(struct tpmix_store *s)
{
	if (s->permanent)
		g_bytes_unref(s->permanent);
	if (s->vol)
		g_bytes_unref(s->vol);
	close_volatile(s);
	tpmix_turn_lock_close(&s->lock);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	g_free(s->dir);
	g_free(s);
}

const char *tpmix_store_dir(const struct tpmix_store *s)
{
	return s->dir;
}

bool tpmix_store_is(const struct tpmix_store *s, const char *dir)
{
	struct stat own, other;

	return fstat(s->dir_fd, &own) == 0 && stat(dir, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

GBytes *tpmix_store_permanent(const struct tpmix_store *s)
{
	return s->permanent;
}

GBytes *tpmix_store_volatile(const struct tpmix_store *s)
{
	return s->vol;
}

static void replace(GBytes **to, GBytes *bytes)
{
	if (bytes)
		g_bytes_ref(bytes);
	if (*to)
		g_bytes_unref(*to);
	*to = bytes;
}

bool tpmix_store_commit(struct tpmix_store *s, GBytes *permanent, GBytes *vol,
			GError **error)
{
	g_autofree char *name = volatile_name(permanent);
	g_autofree char *old = s->permanent ? volatile_name(s->permanent) : NULL;
	bool other = !old || strcmp(old, name);
	int fd;

	/* The same permanent state again: nothing to be made durable. */
	if (!other)
		return tpmix_store_volatile_set(s, vol, error);
	fd = create_volatile(s, name, s->vol_number + 1, vol);
	if (fd < 0) {
		set_error(error, s, name, errno);
		return false;
	}
	if (!write_file(s, "permanent", permanent, error)) {
		close(fd);
		unlinkat(s->dir_fd, name, 0);
		return false;
	}
	close_volatile(s);
	s->vol_fd = fd;
	s->vol_number++;
	if (old)
		unlinkat(s->dir_fd, old, 0);
	replace(&s->permanent, permanent);
	replace(&s->vol, vol);
	return true;
}

bool tpmix_store_volatile_set(struct tpmix_store *s, GBytes *vol, GError **error)
{
	g_autofree char *name = volatile_name(s->permanent);
	bool ok = true;

	if (vol) {
		s->vol_number++;
		if (s->vol_fd >= 0)
			ok = write_slot(s->vol_fd, s->vol_number, vol);
		else
			ok = (s->vol_fd = create_volatile(s, name, s->vol_number, vol)) >= 0;
		if (!ok)
			set_error(error, s, name, errno);
	}
	/* One that is older than what was answered would roll the TPM back. */
	if (!vol || !ok) {
		close_volatile(s);
		unlinkat(s->dir_fd, name, 0);
	}
	replace(&s->vol, vol);
	return ok;
}
