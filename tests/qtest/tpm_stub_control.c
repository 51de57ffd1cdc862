/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control channel of the TPM stub, as QEMU's backends/tpm/tpm_ioctl.h has it:
 * init, locality, cancel, the established bit, buffer sizes, state blobs.
 */
#include "tpm_stub_internal.h"

#include <errno.h>
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

/* What a state blob begins with, with its type */
#define BLOB 0xB10B5000u

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
	if (!tpm_stub_receive(fd, buffer + n, sizeof(buffer) - (size_t)n))
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
	put32(response + 16, BLOB | type);
	put32(response + 20, t->commands->len);
	return 24;
}

/* CMD_SET_STATEBLOB: it must be one of ours. False where the connection ends. */
static bool set_state_blob(Connection *c, const uint8_t *request, uint8_t *response)
{
	const uint32_t type = get32(request + 4), size = get32(request + 8);
	uint8_t blob[8];

	if (size != sizeof(blob) || !tpm_stub_receive(c->control, blob, sizeof(blob)))
		return false;
	put32(response, get32(blob) == (BLOB | type) ? 0 : RC12_BAD_PARAMETER);
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
		t->honoured += !t->ignores_cancels;
		g_cond_broadcast(&t->changed);
		return 4;
	case CMD_RESET_TPMESTABLISHED:
		put32(response, t->reset_established_result);
		t->established &= t->reset_established_result != 0;
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

/* CMD_SET_DATAFD: a new data channel, in the place of one that may have ended. */
static void set_data(Connection *c, int fd)
{
	TpmStub *t = c->stub;

	if (c->data_thread) {
		shutdown(c->data, SHUT_RDWR);
		g_thread_join(c->data_thread);
	}
	g_mutex_lock(&t->lock);
	if (c->data != -1)
		close(c->data);
	c->data = fd;
	c->data_thread = g_thread_new("tpm-stub-data", tpm_stub_data_main, c);
	g_mutex_unlock(&t->lock);
}

/* What came with a command: false where one had to and did not, or is refused. */
static bool take_descriptor(Connection *c, uint32_t number, int passed)
{
	const bool wanted = number == CMD_SET_DATAFD;
	bool refused;

	g_mutex_lock(&c->stub->lock);
	refused = wanted && c->stub->refuses_data;
	c->stub->stray_descriptors += passed != -1 && !wanted;
	g_mutex_unlock(&c->stub->lock);
	if (passed == -1)
		return !wanted;
	if (wanted && !refused)
		set_data(c, passed);
	else
		close(passed);
	return !refused;
}

/* Whether it had to wait. */
static bool hold_control(TpmStub *t, uint32_t number)
{
	bool held;

	g_mutex_lock(&t->lock);
	while (!t->dead && t->control_hold == number) {
		t->control_held = true;
		g_cond_broadcast(&t->changed);
		g_cond_wait(&t->changed, &t->lock);
	}
	held = t->control_held;
	t->control_held = false;
	g_mutex_unlock(&t->lock);
	return held;
}

/* The answer, of a state blob in two parts. */
static bool answer_control(Connection *c, uint32_t number, const uint8_t *response, size_t size)
{
	size_t sent = number == CMD_GET_STATEBLOB ? 16 : 0;

	if (!tpm_stub_transmit(c->control, response, sent))
		return false;
	if (hold_control(c->stub, number)) {
		/* Whoever else reads there gets one of these. */
		for (; sent < size; sent++) {
			if (!tpm_stub_transmit(c->control, response + sent, 1))
				return false;
			g_usleep(5000);
		}
	}
	return tpm_stub_transmit(c->control, response + sent, size - sent);
}

gpointer tpm_stub_control_main(gpointer opaque)
{
	Connection *c = opaque;
	TpmStub *t = c->stub;
	uint8_t request[16], response[32];
	uint32_t number;
	int passed;

	while (receive_control(c->control, &number, &passed)) {
		bool complete = take_descriptor(c, number, passed);
		size_t size;

		if (!tpm_stub_receive(c->control, request, request_size(number)))
			break;
		g_mutex_lock(&t->lock);
		size = control(c, number, request, response);
		g_mutex_unlock(&t->lock);
		if (!complete)
			put32(response, RC12_BAD_PARAMETER);
		if (number == CMD_SET_STATEBLOB && !set_state_blob(c, request, response))
			break;
		if (!size || !answer_control(c, number, response, size))
			break;
	}
	shutdown(c->control, SHUT_RDWR);
	return NULL;
}
