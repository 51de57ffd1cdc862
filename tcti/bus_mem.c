/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers in mapped memory: /dev/mem, a UIO device, or a file that another
 * process maps too.
 */
#include "bus.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct mem {
	struct tpmix_bus bus;
	char *path;
	uint8_t *map;
	size_t map_size;
	uint8_t *regs;          /* of offset 0, in map */
	uint32_t size;          /* bytes from regs on */
};

/* A sysfs file of a UIO device's first map, as 0x-number; false: no UIO device. */
static bool uio_attr(const struct stat *st, const char *name, uint64_t *value)
{
	g_autofree char *path = NULL, *text = NULL;

	if (!S_ISCHR(st->st_mode))
		return false;
	path = g_strdup_printf("/sys/dev/char/%u:%u/maps/map0/%s",
			       major(st->st_rdev), minor(st->st_rdev), name);
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	*value = g_ascii_strtoull(text, NULL, 0);
	return true;
}

static volatile void *locate(struct mem *m, uint32_t off, unsigned int size)
{
	if (off >= m->size || size > m->size - off) {
		tpmix_bus_fail(&m->bus, TPMIX_ERROR_NO_DEVICE,
			       "%s has no registers at 0x%x: only 0x%x bytes are mapped",
			       m->path, off, m->size);
		return NULL;
	}
	return m->regs + off;
}

/* One access of exactly this width: what a device sees is what was meant. */
static uint64_t mem_read_part(struct tpmix_bus *bus, uint32_t off,
			      unsigned int size)
{
	volatile void *at = locate((struct mem *)bus, off, size);

	if (!at)
		return UINT64_MAX;
	switch (size) {
	case 1:
		return *(volatile uint8_t *)at;
	case 2:
		return GUINT16_FROM_LE(*(volatile uint16_t *)at);
	case 4:
		return GUINT32_FROM_LE(*(volatile uint32_t *)at);
	default:
		return GUINT64_FROM_LE(*(volatile uint64_t *)at);
	}
}

static void mem_write_part(struct tpmix_bus *bus, uint32_t off, uint64_t val,
			   unsigned int size)
{
	volatile void *at = locate((struct mem *)bus, off, size);

	if (!at)
		return;
	switch (size) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)val;
		break;
	case 2:
		*(volatile uint16_t *)at = GUINT16_TO_LE((uint16_t)val);
		break;
	case 4:
		*(volatile uint32_t *)at = GUINT32_TO_LE((uint32_t)val);
		break;
	default:
		*(volatile uint64_t *)at = GUINT64_TO_LE(val);
	}
}

/*
 * The doorbell must not overtake the command, nor the response the completion:
 * device memory is mapped uncached on x86, on others a fence is what orders it.
 */
static uint64_t mem_read(struct tpmix_bus *bus, uint32_t off, unsigned int size)
{
	uint64_t val = tpmix_bus_split_read(bus, off, size, mem_read_part);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return val;
}

static void mem_write(struct tpmix_bus *bus, uint32_t off, uint64_t val,
		      unsigned int size)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	tpmix_bus_split_write(bus, off, val, size, mem_write_part);
}

static void mem_close(struct tpmix_bus *bus)
{
	struct mem *m = (struct mem *)bus;

	tpmix_turn_put(m->bus.turn);
	munmap(m->map, m->map_size);
	g_free(m->path);
	g_free(m);
}

static const struct tpmix_bus_ops mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.close = mem_close,
};

/* One for all who map the same device or file at the same address. */
static struct tpmix_turn *get_turn(const struct stat *st, uint64_t address)
{
	g_autofree char *name =
		g_strdup_printf("mem %" G_GINT64_MODIFIER "x %" G_GINT64_MODIFIER "x %"
				G_GINT64_MODIFIER "x", (uint64_t)st->st_dev,
				(uint64_t)st->st_ino, address);

	return tpmix_turn_get(name);
}

static bool map(struct mem *m, int fd, GError **error)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t at = m->bus.base, uio_size, in_page = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		goto fail;
	if (uio_attr(&st, "size", &uio_size)) {
		/* Map N of a UIO device is at N pages, whatever its address. */
		m->size = (uint32_t)MIN(uio_size, m->size);
		uio_attr(&st, "offset", &in_page);
		uio_attr(&st, "addr", &m->bus.base);
		at = in_page;
	} else if (S_ISREG(st.st_mode)) {
		/* Beyond its end a mapped file kills with SIGBUS. */
		if (at >= (uint64_t)st.st_size)
			m->size = 0;
		else
			m->size = (uint32_t)MIN((uint64_t)st.st_size - at, m->size);
		if (m->size < TPMIX_LOCALITY_SIZE) {
			g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
				    "path=%s: %s: the registers need %u bytes",
				    m->path, at ? "too short for this address" :
				    "too short", TPMIX_LOCALITY_SIZE);
			return false;
		}
	}
	m->map_size = m->size + at % page;
	m->map = mmap(NULL, m->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      (off_t)(at - at % page));
	if (m->map == MAP_FAILED)
		goto fail;
	m->regs = m->map + at % page;
	m->bus.turn = get_turn(&st, m->bus.base);
	return true;
fail:
	g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
		    "path=%s,address=0x%" G_GINT64_MODIFIER "x: %s: does a driver have it, or is the kernel locked down?",
		    m->path, at, g_strerror(errno));
	return false;
}

/* What to do about @err of an attempt to open @path. */
static const char *open_hint(const char *path, int err)
{
	bool dev_mem = !strcmp(path, "/dev/mem");

	if (err == ENOENT && dev_mem)
		return "this kernel, or container, has no /dev/mem: give a UIO device by path=/dev/uio0";
	if (err == ENOENT)
		return "give the path of /dev/mem, a UIO device or a file";
	if ((err == EACCES || err == EPERM) && geteuid() == 0)
		return "the kernel allows it not even to root: a lockdown, or no CAP_SYS_RAWIO";
	if (err == EACCES || err == EPERM)
		return dev_mem ? "/dev/mem needs root" : "you have no right to read and write it";
	return "it cannot be mapped";
}

struct tpmix_bus *tpmix_mem_open(const char *path, uint64_t address,
				 uint32_t size, GError **error)
{
	int fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	struct mem *m;

	if (fd < 0) {
		int err = errno;

		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE, "path=%s: %s: %s",
			    path, g_strerror(err), open_hint(path, err));
		return NULL;
	}
	m = g_new0(struct mem, 1);
	m->bus.ops = &mem_ops;
	m->bus.base = address;
	m->path = g_strdup(path);
	m->size = size;
	if (!map(m, fd, error)) {
		g_free(m->path);
		g_free(m);
		m = NULL;
	}
	close(fd);
	return m ? &m->bus : NULL;
}
