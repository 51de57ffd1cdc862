/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long TPM commands take, seen by the program that sends them: bench_tpm ROUNDS
 * PATH, where PATH is a TPM's node (in a guest), swtpm's data socket (on the host: the
 * TPM alone), or /dev/mem (in a guest whose TPM has no driver: tpm-tis-indexed, from
 * the doorbell until COMPLETED shows its ticket).
 *
 * The commands are sent in turn, each once a round, so that whatever else the machine
 * does meets all of them. One line of JSON for each; times in microseconds. A command
 * that the TPM does not answer with rc 0 ends the program.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tpmix_regs.h"

#define NO_SESSION 0x40, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00
#define BUFFER     4096

struct command {
	const char *name;
	unsigned int every; /* so many rounds */
	bool creates;       /* a handle, to be flushed */
	size_t size;
	uint8_t bytes[128];
};

#define COMMAND(name, every, creates, ...) \
	{ name, every, creates, sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } }

static const struct command commands[] = {
	COMMAND("GetRandom", 1, false, 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7B, 0, 16),
	COMMAND("PCR_Read", 1, false, 0x80, 1, 0, 0, 0, 20, 0, 0, 1, 0x7E, 0, 0, 0, 1, 0,
		0x0B, 3, 1, 0, 0),
	COMMAND("PCR_Extend", 1, false, 0x80, 2, 0, 0, 0, 65, 0, 0, 1, 0x82, 0, 0, 0, 16,
		0, 0, 0, 9, NO_SESSION, 0, 0, 0, 1, 0, 0x0B, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
		30, 31, 32),
	COMMAND("GetCap handles", 1, false, 0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7A, 0, 0, 0, 1,
		0x80, 0, 0, 0, 0, 0, 0, 254),
	COMMAND("GetCap properties", 1, false, 0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7A, 0, 0,
		0, 6, 0, 0, 1, 0, 0, 0, 0, 254),
	COMMAND("GetCap commands", 1, false, 0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7A, 0, 0, 0,
		2, 0, 0, 1, 0x1F, 0, 0, 0, 254),
	COMMAND("CreatePrimary P-256", 4, true, 0x80, 2, 0, 0, 0, 67, 0, 0, 1, 0x31, 0x40,
		0, 0, 1, 0, 0, 0, 9, NO_SESSION, 0, 4, 0, 0, 0, 0, 0, 26, 0, 0x23, 0, 0x0B,
		0, 3, 0, 0x72, 0, 0, 0, 6, 0, 0x80, 0, 0x43, 0, 0x10, 0, 3, 0, 0x10, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0),
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct tpm {
	int fd;
	volatile uint8_t *space; /* with /dev/mem: the device's; else NULL */
	uint32_t ticket;         /* the last one that completed */
	double took;             /* the last command, in microseconds */
	uint8_t response[BUFFER];
};

static double now(void) /* microseconds */
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static int open_socket(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(to.sun_path, path, sizeof(to.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "%s", path);
	return fd;
}

static volatile uint32_t *word(const struct tpm *t, uint32_t offset)
{
	return (volatile uint32_t *)(t->space + offset);
}

static void open_memory(struct tpm *t)
{
	t->space = mmap(NULL, TPMIX_SPACE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd,
			TPMIX_BASE);
	if (t->space == MAP_FAILED)
		err(1, "/dev/mem");
	if (*word(t, TPMIX_REG_MAGIC) != TPMIX_MAGIC)
		errx(1, "no tpm-tis-indexed at 0x%x", TPMIX_BASE);
	t->space[TPM_REG_ACCESS] = TPM_ACCESS_REQUEST_USE;
	t->ticket = *word(t, TPMIX_REG_ACCEPTED);
	*word(t, TPMIX_REG_CSUM_EXPECT) = 0;
}

static void open_tpm(struct tpm *t, const char *path)
{
	t->fd = open(path, O_RDWR);
	if (t->fd < 0)
		t->fd = open_socket(path);
	if (!strcmp(path, "/dev/mem"))
		open_memory(t);
}

/* The command and the response are in RAM: what is timed is the TPM's part. */
static size_t ring(struct tpm *t, const uint8_t *bytes, size_t size)
{
	size_t i, got;
	double start;

	for (i = 0; i < size; i++)
		t->space[TPMIX_CMD_WINDOW + i] = bytes[i];
	start = now();
	*word(t, TPMIX_REG_DOORBELL) = ++t->ticket;
	while (*word(t, TPMIX_HEADER + TPMIX_REG_COMPLETED) != t->ticket)
		;
	t->took = now() - start;
	got = *word(t, TPMIX_HEADER + TPMIX_REG_RSP_SIZE);
	for (i = 0; i < got && i < BUFFER; i++)
		t->response[i] = t->space[TPMIX_RSP_WINDOW + i];
	return got;
}

/* All of the response, of a socket in as many pieces as it comes. */
static size_t receive(struct tpm *t)
{
	size_t have = 0;

	do {
		ssize_t n = read(t->fd, t->response + have, BUFFER - have);

		if (n <= 0)
			err(1, "no response");
		have += (size_t)n;
	} while (have < 10 || have < get32(t->response + 2));
	return have;
}

static size_t transact(struct tpm *t, const uint8_t *bytes, size_t size)
{
	double start = now();
	size_t got;

	if (t->space) {
		got = ring(t, bytes, size);
	} else {
		if (write(t->fd, bytes, size) != (ssize_t)size)
			err(1, "the TPM takes no command");
		got = receive(t);
		t->took = now() - start;
	}
	if (get32(t->response + 6))
		errx(1, "the TPM answers 0x%x", get32(t->response + 6));
	return got;
}

static void flush_context(struct tpm *t)
{
	uint8_t bytes[14] = { 0x80, 1, 0, 0, 0, 14, 0, 0, 1, 0x65 };

	memcpy(bytes + 10, t->response + 10, 4);
	transact(t, bytes, sizeof(bytes));
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(const double *sorted, size_t n, unsigned int percent)
{
	return sorted[(n - 1) * percent / 100];
}

static double processor_time(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

/* What came of a command. */
struct result {
	double *times;
	double processor;
	size_t num, bytes;
};

static void run_round(struct tpm *t, size_t round, struct result *results)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];
		struct result *r = &results[i];
		double processor = processor_time();

		if (round % c->every)
			continue;
		r->bytes = transact(t, c->bytes, c->size);
		r->processor += processor_time() - processor;
		r->times[r->num++] = t->took;
		if (c->creates)
			flush_context(t);
	}
}

static void report(const struct command *c, struct result *r)
{
	qsort(r->times, r->num, sizeof(double), compare);
	printf("{\"command\": \"%s\", \"bytes\": %zu, \"rounds\": %zu, \"min\": %.1f, "
	       "\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"processor\": %.1f}\n",
	       c->name, r->bytes, r->num, r->times[0], percentile(r->times, r->num, 50),
	       percentile(r->times, r->num, 90), percentile(r->times, r->num, 99),
	       r->processor / r->num);
}

int main(int argc, char **argv)
{
	size_t rounds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, i;
	struct result results[COMMANDS] = { 0 };
	struct tpm t = { 0 };

	if (!rounds)
		errx(2, "usage: bench_tpm ROUNDS PATH");
	open_tpm(&t, argv[2]);
	for (i = 0; i < COMMANDS; i++) {
		results[i].times = calloc(rounds, sizeof(double));
		if (!results[i].times)
			err(1, "memory");
	}
	for (i = 0; i < rounds; i++)
		run_round(&t, i, results);
	for (i = 0; i < COMMANDS; i++)
		report(&commands[i], &results[i]);
	return 0;
}
