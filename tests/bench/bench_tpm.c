/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long TPM commands take, seen by the program that sends them: bench_tpm PATH, where
 * PATH is a TPM's node (in a guest), swtpm's data socket (on the host: the TPM alone), or
 * /dev/mem (in a guest whose TPM has no driver: tpm-tis-indexed, from the doorbell until
 * COMPLETED shows its ticket).
 *
 * It reads requests, lines of numbers, until its input ends:
 *
 *	COMMANDS ROUNDS WARM CONTENDERS
 *
 * COMMANDS has a bit for each of commands.h; they are sent in turn, each once a round, so
 * that whatever else the machine does meets all of them. WARM rounds before that are not
 * counted. CONTENDERS: 0, or so many processes at once on the node's resource manager.
 *
 * The answer is a line of JSON for each command with every time in microseconds, and a
 * line with a full stop. A command that the TPM does not answer with rc 0 ends the program.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "tpmix_regs.h"

#define MAX_ROUNDS     1000u
#define MAX_CONTENDERS 8u

struct tpm {
	int fd;
	volatile uint8_t *space; /* with /dev/mem: the device's; else NULL */
	uint32_t ticket;         /* the last one that completed */
	double took;             /* the last command, in microseconds */
	uint8_t command[MAX_BUFFER], response[MAX_BUFFER];
};

/* What came of a command; in memory that contenders share with their parent. */
struct result {
	double times[MAX_ROUNDS];
	double processor;
	size_t num, bytes;
};

struct request {
	unsigned int commands, rounds, warm, contenders;
};

static double clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double now(void)
{
	return clock_us(CLOCK_MONOTONIC);
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

/* 8 bytes at a time, as a driver copies; sizes are rounded up, the windows are larger. */
static void copy(volatile uint64_t *to, const volatile uint64_t *from, size_t size)
{
	size_t i;

	for (i = 0; i < (size + 7) / 8; i++)
		to[i] = from[i];
}

/*
 * By the windows in RAM. Of a transfer all is timed, else the TPM's part: from the
 * doorbell until the completion shows.
 */
static size_t ring(struct tpm *t, size_t size, bool transfer)
{
	double begin = now(), rang, seen;
	size_t got;

	copy((volatile uint64_t *)(t->space + TPMIX_CMD_WINDOW), (uint64_t *)t->command, size);
	rang = now();
	*word(t, TPMIX_REG_DOORBELL) = ++t->ticket;
	while (*word(t, TPMIX_HEADER + TPMIX_REG_COMPLETED) != t->ticket)
		;
	seen = now();
	got = *word(t, TPMIX_HEADER + TPMIX_REG_RSP_SIZE);
	if (got > MAX_BUFFER)
		errx(1, "a response of %zu bytes", got);
	copy((uint64_t *)t->response, (volatile uint64_t *)(t->space + TPMIX_RSP_WINDOW), got);
	t->took = transfer ? now() - begin : seen - rang;
	return got;
}

/* All of the response, of a socket in as many pieces as it comes. */
static size_t receive(struct tpm *t)
{
	size_t have = 0;

	do {
		ssize_t n = read(t->fd, t->response + have, MAX_BUFFER - have);

		if (n <= 0)
			err(1, "no response");
		have += (size_t)n;
	} while (have < 10 || have < get32(t->response + 2));
	return have;
}

static size_t transact(struct tpm *t, size_t size, bool transfer)
{
	double begin = now();
	size_t got;

	if (t->space) {
		got = ring(t, size, transfer);
	} else {
		if (write(t->fd, t->command, size) != (ssize_t)size)
			err(1, "the TPM takes no command of %zu bytes", size);
		got = receive(t);
		t->took = now() - begin;
	}
	if (get32(t->response + 6))
		errx(1, "the TPM answers 0x%x", get32(t->response + 6));
	return got;
}

static void flush_context(struct tpm *t)
{
	static const uint8_t bytes[10] = { 0x80, 1, 0, 0, 0, 14, 0, 0, 1, 0x65 };

	memcpy(t->command, bytes, sizeof(bytes));
	memcpy(t->command + 10, t->response + 10, 4);
	transact(t, 14, false);
}

/* The double inverts what it was sent from byte 14 on: nothing was lost on the way. */
static void check_transfer(const struct tpm *t, size_t size)
{
	size_t i;

	for (i = 14; i < size; i++)
		if (t->response[i] + t->command[i] != 0xFF)
			errx(1, "byte %zu of a transfer is wrong", i);
}

static void send_command(struct tpm *t, const struct command *c, struct result *r)
{
	double processor;
	size_t i, got;

	memcpy(t->command, c->bytes, c->size < sizeof(c->bytes) ? c->size : sizeof(c->bytes));
	for (i = 10; c->transfer && i < c->size; i++)
		t->command[i] = (uint8_t)(i * 7);
	processor = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	got = transact(t, c->size, c->transfer);
	processor = clock_us(CLOCK_PROCESS_CPUTIME_ID) - processor;
	if (r) {
		r->times[r->num++] = t->took;
		r->processor += processor;
		r->bytes = got;
	}
	if (c->transfer)
		check_transfer(t, c->size);
	if (c->creates)
		flush_context(t);
}

static void run_rounds(struct tpm *t, const struct request *q, struct result *results)
{
	unsigned int round, i;

	for (i = 0; i < COMMANDS; i++)
		memset(&results[i], 0, sizeof(results[i]));
	for (round = 0; round < q->warm + q->rounds; round++)
		for (i = 0; i < COMMANDS; i++)
			if (q->commands & 1u << i)
				send_command(t, &commands[i], round < q->warm ? NULL : &results[i]);
}

static void report(const struct command *c, const struct result *r, unsigned int of)
{
	const size_t stride = COMMANDS;
	const char *comma = "";
	double processor = 0;
	unsigned int who;
	size_t i;

	printf("{\"command\": \"%s\", \"bytes\": %zu, \"times\": [", c->name, r->bytes);
	for (who = 0; who < of; who++, r += stride) {
		processor += r->processor;
		for (i = 0; i < r->num; i++, comma = ", ")
			printf("%s%.1f", comma, r->times[i]);
	}
	printf("], \"processor\": %.1f}\n", processor);
}

/* /dev/tpm1: /dev/tpmrm1. */
static void contend(const char *path, const struct request *q, struct result *results)
{
	const char *number = path + strlen("/dev/tpm");
	char manager[64];
	unsigned int i;

	snprintf(manager, sizeof(manager), "/dev/tpmrm%s", number);
	fflush(stdout);
	for (i = 0; i < q->contenders; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			static struct tpm t;

			open_tpm(&t, manager);
			run_rounds(&t, q, results + i * COMMANDS);
			_exit(0);
		}
	}
	for (i = 0; i < q->contenders; i++) {
		int status;

		if (wait(&status) < 0 || status)
			errx(1, "a contender has failed");
	}
}

static void answer(struct tpm *t, const char *path, const struct request *q,
		   struct result *results)
{
	unsigned int i;

	if (q->contenders)
		contend(path, q, results);
	else
		run_rounds(t, q, results);
	for (i = 0; i < COMMANDS; i++)
		if (q->commands & 1u << i)
			report(&commands[i], &results[i], q->contenders ? q->contenders : 1);
	printf(".\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct result *results;
	static struct tpm t;
	struct request q;
	char line[128];

	if (argc != 2)
		errx(2, "usage: bench_tpm PATH");
	results = mmap(NULL, sizeof(*results) * COMMANDS * MAX_CONTENDERS,
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		err(1, "memory");
	open_tpm(&t, argv[1]);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%u %u %u %u", &q.commands, &q.rounds, &q.warm,
			   &q.contenders) != 4 ||
		    q.rounds > MAX_ROUNDS || q.contenders > MAX_CONTENDERS)
			errx(2, "no such request: %s", line);
		answer(&t, argv[1], &q, results);
	}
	return 0;
}
