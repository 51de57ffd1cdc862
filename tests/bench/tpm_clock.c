/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the TPM itself takes, for each command, whoever sends it: a library that is loaded
 * into swtpm before libtpms (LD_PRELOAD) and stands in front of TPMLIB_Process(). The
 * record is the file that TPM_CLOCK names: an array of struct entry; @end, the last
 * member written, is 0 where a command has not ended. scripts/bench_machine.py reads it.
 *
 * The file is mapped once, so that a command costs two looks at the clock and no system
 * call, which swtpm's seccomp filter would have a say in.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ENTRIES 65536u

struct entry {
	uint32_t ordinal, size;
	uint64_t begin, end; /* CLOCK_MONOTONIC, nanoseconds */
};

typedef uint32_t process_fn(unsigned char **response, uint32_t *response_size,
			    uint32_t *response_buffer_size, unsigned char *command,
			    uint32_t command_size);

static struct entry *entries;
static unsigned int num;

__attribute__((constructor)) static void open_record(void)
{
	const char *path = getenv("TPM_CLOCK");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *map;

	if (fd < 0 || ftruncate(fd, ENTRIES * sizeof(struct entry)))
		abort(); /* a record that is missing would be taken for a TPM that rests */
	map = mmap(NULL, ENTRIES * sizeof(struct entry), PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	if (map == MAP_FAILED)
		abort();
	close(fd);
	entries = map;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint32_t TPMLIB_Process(unsigned char **response, uint32_t *response_size,
			uint32_t *response_buffer_size, unsigned char *command,
			uint32_t command_size)
{
	static process_fn *next;
	struct entry *e;
	uint32_t rc;

	if (!next)
		next = (process_fn *)dlsym(RTLD_NEXT, "TPMLIB_Process");
	if (!next || num == ENTRIES)
		abort();
	e = &entries[num++];
	e->ordinal = command_size >= 10 ? get32(command + 6) : 0;
	e->size = command_size;
	e->begin = now();
	rc = next(response, response_size, response_buffer_size, command, command_size);
	__atomic_store_n(&e->end, now(), __ATOMIC_RELEASE);
	return rc;
}
