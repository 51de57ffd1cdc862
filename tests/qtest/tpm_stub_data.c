/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data channel of the TPM stub: commands come in, are executed and answered;
 * and how the bytes of either channel are moved.
 */
#include "tpm_stub_internal.h"

#include <errno.h>
#include <sys/socket.h>

#define HEADER_SIZE 10u

#define TAG_TPM2        0x8001u
#define TAG_TPM12_RSP   0x00C4u
#define RC_COMMAND_SIZE 0x142u
#define RC_CANCELED     0x909u

bool tpm_stub_receive(int fd, void *buffer, size_t size)
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

bool tpm_stub_transmit(int fd, const void *buffer, size_t size)
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
	const unsigned cancels = t->honoured, releases = t->releases;
	const gint64 end = g_get_monotonic_time() + (gint64)t->delay_ms * 1000;

	if (t->hold) {
		t->held++;
		g_cond_broadcast(&t->changed);
		while (!t->dead && t->honoured == cancels && t->releases == releases)
			g_cond_wait(&t->changed, &t->lock);
		t->held--;
		g_cond_broadcast(&t->changed);
	}
	while (!t->dead && t->honoured == cancels && g_get_monotonic_time() < end)
		g_cond_wait_until(&t->changed, &t->lock, end);
	return t->honoured != cancels;
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

static bool send_response(Connection *c, const uint8_t *response, size_t size)
{
	TpmStub *t = c->stub;
	size_t first;

	g_mutex_lock(&t->lock);
	first = t->first;
	g_mutex_unlock(&t->lock);
	if (first && first < size) {
		if (!tpm_stub_transmit(c->data, response, first))
			return false;
		g_mutex_lock(&t->lock);
		while (t->first && !t->dead)
			g_cond_wait(&t->changed, &t->lock);
		g_mutex_unlock(&t->lock);
		response += first;
		size -= first;
	}
	return tpm_stub_transmit(c->data, response, size);
}

gpointer tpm_stub_data_main(gpointer opaque)
{
	Connection *c = opaque;
	uint8_t *command = g_malloc(MAX_SIZE), *response = g_malloc(MAX_SIZE);

	while (tpm_stub_receive(c->data, command, 6)) {
		const uint32_t size = get32(command + 2);
		size_t answer;

		if (size < HEADER_SIZE || size > MAX_SIZE) {
			answer = refuse(c->stub, response);
		} else {
			if (!tpm_stub_receive(c->data, command + 6, size - 6))
				break;
			answer = execute(c, command, size, response);
		}
		if (answer && !send_response(c, response, answer))
			break;
	}
	g_free(command);
	g_free(response);
	return NULL;
}
