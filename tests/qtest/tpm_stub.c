/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm_stub.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Control commands: 4 bytes, then a fixed request and response, big endian */
enum {
	CMD_GET_CAPABILITY = 1,
	CMD_INIT,
	CMD_SHUTDOWN,
	CMD_GET_TPMESTABLISHED,
	CMD_SET_LOCALITY,
	CMD_CANCEL_TPM_CMD = 9,
	CMD_STORE_VOLATILE,
	CMD_RESET_TPMESTABLISHED,
	CMD_GET_STATEBLOB,
	CMD_SET_STATEBLOB,
	CMD_STOP,
	CMD_GET_CONFIG,
	CMD_SET_DATAFD,
	CMD_SET_BUFFERSIZE,
	CMD_GET_INFO,
};

/* All of the above: bits 0 to 3 and 5 to 14; bit 4 is hashing. */
#define CAPABILITIES 0x7FEFu

#define HEADER_SIZE 10u
#define MIN_SIZE    128u
#define MAX_SIZE    (1u << 20)

#define TAG_TPM2     0x8001u
#define TAG_TPM12_RSP 0x00C4u
#define RC_COMMAND_SIZE 0x142u
#define RC_CANCELED  0x909u
#define RC12_BAD_PARAMETER 3u

#define WAIT_S 60

typedef struct {
	TpmStub *stub;
	GThread *control_thread;
	GThread *data_thread;
	int control;      /* our end */
	int data;         /* CMD_SET_DATAFD, or -1 */
	bool initialised; /* since CMD_INIT commands count */
} Connection;

struct TpmStub {
	enum tpm_stub_version version;

	GMutex lock; /* protects all below, and the connections' fields */
	GCond changed;
	GPtrArray *connections;

	TpmStubAnswer answer;
	void *opaque;
	uint32_t max_size;
	uint32_t size; /* negotiated */
	unsigned delay_ms;
	bool dead;

	bool hold;
	unsigned held;     /* commands in execution that wait */
	unsigned releases; /* counts tpm_stub_release() */

	bool established;
	uint8_t locality;
	GPtrArray *commands; /* of GBytes */
	unsigned malformed;
	unsigned cancels;
	unsigned inits;
	unsigned restored_blobs;
	unsigned established_resets;
};

static void put32(uint8_t *to, uint32_t value)
{
	value = GUINT32_TO_BE(value);
	memcpy(to, &value, 4);
}

static uint32_t get32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, 4);
	return GUINT32_FROM_BE(value);
}

/* Whole or not at all; false at the end of the connection. */
static bool receive(int fd, void *buffer, size_t size)
{
	uint8_t *to = buffer;

	while (size) {
		ssize_t n = recv(fd, to, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		size -= (size_t)n;
	}
	return true;
}

static bool transmit(int fd, const void *buffer, size_t size)
{
	const uint8_t *from = buffer;

	while (size) {
		ssize_t n = send(fd, from, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		size -= (size_t)n;
	}
	return true;
}

static size_t put_header(const TpmStub *t, uint8_t *response, size_t size, uint32_t rc)
{
	const uint32_t tag = t->version == TPM_STUB_2_0 ? TAG_TPM2 : TAG_TPM12_RSP;

	response[0] = (uint8_t)(tag >> 8);
	response[1] = (uint8_t)tag;
	put32(response + 2, (uint32_t)size);
	put32(response + 6, rc);
	return size;
}

static uint32_t fnv1a(const uint8_t *data, size_t size)
{
	uint32_t hash = 2166136261u;

	while (size--)
		hash = (hash ^ *data++) * 16777619u;
	return hash;
}

size_t tpm_stub_answer_default(void *opaque, const uint8_t *command, size_t size, unsigned nth,
			       uint8_t *response, size_t max)
{
	const size_t echo = MIN(size - HEADER_SIZE, max - HEADER_SIZE - 8);
	const size_t total = HEADER_SIZE + 8 + echo;

	(void)opaque;
	/* a TPM 1.2 command has tag 0x00C1 to 0x00C3, its response 3 more */
	response[0] = command[0];
	response[1] = command[0] == 0x80 ? 0x01 : (uint8_t)(command[1] + 3);
	put32(response + 2, (uint32_t)total);
	put32(response + 6, 0);
	put32(response + 10, nth);
	put32(response + 14, fnv1a(command, size));
	memcpy(response + 18, command + HEADER_SIZE, echo);
	return total;
}

/*
 * The time that a command takes. Returns whether it was cancelled. Called and
 * returns with the lock held.
 */
static bool execute_slowly(TpmStub *t)
{
	const unsigned cancels = t->cancels, releases = t->releases;
	const gint64 end = g_get_monotonic_time() + (gint64)t->delay_ms * 1000;

	if (t->hold) {
		t->held++;
		g_cond_broadcast(&t->changed);
		while (!t->dead && t->cancels == cancels && t->releases == releases)
			g_cond_wait(&t->changed, &t->lock);
		t->held--;
		g_cond_broadcast(&t->changed);
	}
	while (!t->dead && t->cancels == cancels && g_get_monotonic_time() < end)
		g_cond_wait_until(&t->changed, &t->lock, end);
	return t->cancels != cancels;
}

/* A command is whole: returns the size of its response, 0 for none. */
static size_t execute(Connection *c, const uint8_t *command, size_t size, uint8_t *response)
{
	TpmStub *t = c->stub;
	TpmStubAnswer answer;
	void *opaque;
	bool cancelled;
	unsigned nth;

	g_mutex_lock(&t->lock);
	if (!c->initialised) {
		/* A TPM answers the other version's commands with an error. */
		const bool known = (command[0] == 0x80) == (t->version == TPM_STUB_2_0);

		g_mutex_unlock(&t->lock);
		return put_header(t, response, HEADER_SIZE, known ? 0 : RC12_BAD_PARAMETER);
	}
	g_ptr_array_add(t->commands, g_bytes_new(command, size));
	nth = t->commands->len;
	g_cond_broadcast(&t->changed);
	cancelled = execute_slowly(t);
	answer = t->answer;
	opaque = t->opaque;
	g_mutex_unlock(&t->lock);

	if (cancelled)
		return put_header(t, response, HEADER_SIZE, RC_CANCELED);
	return answer(opaque, command, size, nth, response, MAX_SIZE);
}

static size_t refuse(TpmStub *t, uint8_t *response)
{
	g_mutex_lock(&t->lock);
	t->malformed++;
	g_mutex_unlock(&t->lock);
	return put_header(t, response, HEADER_SIZE,
			  t->version == TPM_STUB_2_0 ? RC_COMMAND_SIZE : RC12_BAD_PARAMETER);
}

static gpointer data_main(gpointer opaque)
{
	Connection *c = opaque;
	uint8_t *command = g_malloc(MAX_SIZE), *response = g_malloc(MAX_SIZE);

	while (receive(c->data, command, 6)) {
		const uint32_t size = get32(command + 2);
		size_t answer;

		if (size < HEADER_SIZE || size > MAX_SIZE) {
			answer = refuse(c->stub, response);
		} else {
			if (!receive(c->data, command + 6, size - 6))
				break;
			answer = execute(c, command, size, response);
		}
		if (answer && !transmit(c->data, response, answer))
			break;
	}
	g_free(command);
	g_free(response);
	return NULL;
}

/* The command's number, and the descriptor that may come with it. */
static bool receive_control(int fd, uint32_t *number, int *passed)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	uint8_t buffer[4];
	struct iovec iov = { buffer, sizeof(buffer) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;

	*passed = -1;
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(passed, CMSG_DATA(cmsg), sizeof(int));
	if (!receive(fd, buffer + n, sizeof(buffer) - (size_t)n))
		return false;
	*number = get32(buffer);
	return true;
}

static size_t request_size(uint32_t number)
{
	switch (number) {
	case CMD_INIT:
	case CMD_SET_LOCALITY:
	case CMD_RESET_TPMESTABLISHED:
	case CMD_SET_BUFFERSIZE:
		return 4;
	case CMD_GET_STATEBLOB:
	case CMD_SET_STATEBLOB:
		return 12;
	case CMD_GET_INFO:
		return 16;
	default:
		return 0;
	}
}

static void set_buffer_size(TpmStub *t, uint32_t wanted)
{
	if (wanted)
		t->size = CLAMP(wanted, MIN_SIZE, t->max_size);
}

/* CMD_GET_STATEBLOB: the number of commands stands for the state. */
static size_t get_state_blob(const TpmStub *t, uint32_t type, uint8_t *response)
{
	put32(response, 0);
	put32(response + 4, 0); /* flags: not encrypted */
	put32(response + 8, 8); /* total */
	put32(response + 12, 8);
	put32(response + 16, type);
	put32(response + 20, t->commands->len);
	return 24;
}

/* CMD_SET_STATEBLOB: it must be one of ours. False where the connection ends. */
static bool set_state_blob(Connection *c, const uint8_t *request, uint8_t *response)
{
	const uint32_t type = get32(request + 4), size = get32(request + 8);
	uint8_t blob[8];

	if (size != sizeof(blob) || !receive(c->control, blob, sizeof(blob)))
		return false;
	put32(response, get32(blob) == type ? 0 : RC12_BAD_PARAMETER);
	g_mutex_lock(&c->stub->lock);
	c->stub->restored_blobs++;
	g_mutex_unlock(&c->stub->lock);
	return true;
}

/* Returns the response's size, 0 where the command is unknown. */
static size_t control(Connection *c, uint32_t number, const uint8_t *request, uint8_t *response)
{
	TpmStub *t = c->stub;

	put32(response, 0);
	switch (number) {
	case CMD_GET_CAPABILITY:
		put32(response + 4, CAPABILITIES);
		return 8;
	case CMD_INIT:
		c->initialised = true;
		t->inits++;
		return 4;
	case CMD_GET_TPMESTABLISHED:
		put32(response + 4, (uint32_t)t->established << 24);
		return 8;
	case CMD_SET_LOCALITY:
		t->locality = request[0];
		return 4;
	case CMD_CANCEL_TPM_CMD:
		t->cancels++;
		g_cond_broadcast(&t->changed);
		return 4;
	case CMD_RESET_TPMESTABLISHED:
		t->established = false;
		t->established_resets++;
		return 4;
	case CMD_GET_STATEBLOB:
		return get_state_blob(t, get32(request + 4), response);
	case CMD_SET_BUFFERSIZE:
		set_buffer_size(t, get32(request));
		put32(response + 4, t->size);
		put32(response + 8, MIN_SIZE);
		put32(response + 12, t->max_size);
		return 16;
	case CMD_SHUTDOWN:
	case CMD_STORE_VOLATILE:
	case CMD_SET_STATEBLOB:
	case CMD_STOP:
	case CMD_SET_DATAFD:
		return 4;
	case CMD_GET_CONFIG:
		put32(response + 4, 0);
		return 8;
	case CMD_GET_INFO:
		put32(response + 4, 2);
		put32(response + 8, 2);
		memcpy(response + 12, "{}", 2);
		return 14;
	default:
		return 0;
	}
}

static gpointer control_main(gpointer opaque)
{
	Connection *c = opaque;
	TpmStub *t = c->stub;
	uint8_t request[16], response[32];
	uint32_t number;
	int passed;

	while (receive_control(c->control, &number, &passed)) {
		size_t size;

		if (!receive(c->control, request, request_size(number)))
			break;
		g_mutex_lock(&t->lock);
		if (number == CMD_SET_DATAFD && passed != -1 && c->data == -1) {
			c->data = passed;
			c->data_thread = g_thread_new("tpm-stub-data", data_main, c);
		}
		size = control(c, number, request, response);
		g_mutex_unlock(&t->lock);
		if (number == CMD_SET_STATEBLOB && !set_state_blob(c, request, response))
			break;
		if (!size || !transmit(c->control, response, size))
			break;
	}
	shutdown(c->control, SHUT_RDWR);
	return NULL;
}

TpmStub *tpm_stub_new(enum tpm_stub_version version)
{
	TpmStub *t = g_new0(TpmStub, 1);

	t->version = version;
	g_mutex_init(&t->lock);
	g_cond_init(&t->changed);
	t->connections = g_ptr_array_new_with_free_func(g_free);
	t->commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	t->answer = tpm_stub_answer_default;
	t->max_size = 4096;
	t->size = 4096;
	return t;
}

void tpm_stub_die(TpmStub *t)
{
	guint i;

	g_mutex_lock(&t->lock);
	t->dead = true;
	g_cond_broadcast(&t->changed);
	for (i = 0; i < t->connections->len; i++) {
		Connection *c = g_ptr_array_index(t->connections, i);

		shutdown(c->control, SHUT_RDWR);
		if (c->data != -1)
			shutdown(c->data, SHUT_RDWR);
	}
	g_mutex_unlock(&t->lock);
}

void tpm_stub_hang_up(TpmStub *t)
{
	guint i;

	g_mutex_lock(&t->lock);
	for (i = 0; i < t->connections->len; i++) {
		Connection *c = g_ptr_array_index(t->connections, i);

		if (c->data != -1)
			shutdown(c->data, SHUT_RDWR);
	}
	g_mutex_unlock(&t->lock);
}

void tpm_stub_free(TpmStub *t)
{
	guint i;

	tpm_stub_die(t);
	for (i = 0; i < t->connections->len; i++) {
		Connection *c = g_ptr_array_index(t->connections, i);

		g_thread_join(c->control_thread);
		/* One that the control thread made after tpm_stub_die() looked. */
		if (c->data != -1)
			shutdown(c->data, SHUT_RDWR);
		if (c->data_thread)
			g_thread_join(c->data_thread);
		close(c->control);
		if (c->data != -1)
			close(c->data);
	}
	g_ptr_array_unref(t->connections);
	g_ptr_array_unref(t->commands);
	g_mutex_clear(&t->lock);
	g_cond_clear(&t->changed);
	g_free(t);
}

void tpm_stub_serve(TpmStub *t, int fd)
{
	Connection *c = g_new0(Connection, 1);

	c->stub = t;
	c->control = fd;
	c->data = -1;
	g_mutex_lock(&t->lock);
	g_ptr_array_add(t->connections, c);
	c->control_thread = g_thread_new("tpm-stub-control", control_main, c);
	g_mutex_unlock(&t->lock);
}

int tpm_stub_connect(TpmStub *t)
{
	int fd[2];

	g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	tpm_stub_serve(t, fd[0]);
	return fd[1];
}

void tpm_stub_set_answer(TpmStub *t, TpmStubAnswer answer, void *opaque)
{
	g_mutex_lock(&t->lock);
	t->answer = answer;
	t->opaque = opaque;
	g_mutex_unlock(&t->lock);
}

void tpm_stub_set_max_size(TpmStub *t, uint32_t size)
{
	g_assert_cmpuint(size, >=, MIN_SIZE);
	g_assert_cmpuint(size, <=, MAX_SIZE);
	g_mutex_lock(&t->lock);
	t->max_size = size;
	t->size = size;
	g_mutex_unlock(&t->lock);
}

void tpm_stub_set_delay(TpmStub *t, unsigned delay_ms)
{
	g_mutex_lock(&t->lock);
	t->delay_ms = delay_ms;
	g_mutex_unlock(&t->lock);
}

void tpm_stub_hold(TpmStub *t)
{
	g_mutex_lock(&t->lock);
	t->hold = true;
	g_mutex_unlock(&t->lock);
}

void tpm_stub_wait_held(TpmStub *t)
{
	const gint64 end = g_get_monotonic_time() + WAIT_S * G_TIME_SPAN_SECOND;

	g_mutex_lock(&t->lock);
	while (!t->held)
		if (!g_cond_wait_until(&t->changed, &t->lock, end))
			g_error("tpm_stub: no command came");
	g_mutex_unlock(&t->lock);
}

void tpm_stub_wait_executed(TpmStub *t, unsigned num)
{
	const gint64 end = g_get_monotonic_time() + WAIT_S * G_TIME_SPAN_SECOND;

	g_mutex_lock(&t->lock);
	while (t->commands->len < num)
		if (!g_cond_wait_until(&t->changed, &t->lock, end))
			g_error("tpm_stub: %u commands came, not %u", t->commands->len, num);
	g_mutex_unlock(&t->lock);
}

void tpm_stub_release(TpmStub *t, bool hold)
{
	g_mutex_lock(&t->lock);
	t->hold = hold;
	t->releases++;
	g_cond_broadcast(&t->changed);
	/* so that tpm_stub_wait_held() waits for the next one */
	while (t->held)
		g_cond_wait(&t->changed, &t->lock);
	g_mutex_unlock(&t->lock);
}

void tpm_stub_set_established(TpmStub *t, bool established)
{
	g_mutex_lock(&t->lock);
	t->established = established;
	g_mutex_unlock(&t->lock);
}

static unsigned locked_get(TpmStub *t, const unsigned *counter)
{
	unsigned value;

	g_mutex_lock(&t->lock);
	value = *counter;
	g_mutex_unlock(&t->lock);
	return value;
}

unsigned tpm_stub_executed(TpmStub *t)
{
	unsigned value;

	g_mutex_lock(&t->lock);
	value = t->commands->len;
	g_mutex_unlock(&t->lock);
	return value;
}

GBytes *tpm_stub_command(TpmStub *t, unsigned nth)
{
	GBytes *command;

	g_mutex_lock(&t->lock);
	g_assert_cmpuint(nth, >=, 1);
	g_assert_cmpuint(nth, <=, t->commands->len);
	command = g_bytes_ref(g_ptr_array_index(t->commands, nth - 1));
	g_mutex_unlock(&t->lock);
	return command;
}

unsigned tpm_stub_malformed(TpmStub *t)
{
	return locked_get(t, &t->malformed);
}

unsigned tpm_stub_cancels(TpmStub *t)
{
	return locked_get(t, &t->cancels);
}

unsigned tpm_stub_inits(TpmStub *t)
{
	return locked_get(t, &t->inits);
}

unsigned tpm_stub_restored_blobs(TpmStub *t)
{
	return locked_get(t, &t->restored_blobs);
}

unsigned tpm_stub_established_resets(TpmStub *t)
{
	return locked_get(t, &t->established_resets);
}

uint8_t tpm_stub_locality(TpmStub *t)
{
	uint8_t value;

	g_mutex_lock(&t->lock);
	value = t->locality;
	g_mutex_unlock(&t->lock);
	return value;
}
