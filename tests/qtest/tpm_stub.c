/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests call of the TPM stub: its life, its connections, and what they set,
 * wait for and count.
 */
#include "tpm_stub_internal.h"

#include <sys/socket.h>
#include <unistd.h>

#define WAIT_S 60

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
	c->control_thread = g_thread_new("tpm-stub-control", tpm_stub_control_main, c);
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

void tpm_stub_refuse_reset_established(TpmStub *t, uint32_t result)
{
	g_mutex_lock(&t->lock);
	t->reset_established_result = result;
	g_mutex_unlock(&t->lock);
}

void tpm_stub_refuse_data_channel(TpmStub *t, bool refuse)
{
	g_mutex_lock(&t->lock);
	t->refuses_data = refuse;
	g_mutex_unlock(&t->lock);
}

void tpm_stub_hold_control(TpmStub *t, enum tpm_stub_control command)
{
	g_mutex_lock(&t->lock);
	t->control_hold = command;
	g_mutex_unlock(&t->lock);
}

bool tpm_stub_waits_control(TpmStub *t, unsigned ms)
{
	const gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;
	bool held;

	g_mutex_lock(&t->lock);
	while (!t->control_held && g_cond_wait_until(&t->changed, &t->lock, end))
		;
	held = t->control_held;
	g_mutex_unlock(&t->lock);
	return held;
}

void tpm_stub_release_control(TpmStub *t)
{
	g_mutex_lock(&t->lock);
	t->control_hold = 0;
	g_cond_broadcast(&t->changed);
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

void tpm_stub_send_first(TpmStub *t, size_t bytes)
{
	g_mutex_lock(&t->lock);
	t->first = bytes;
	g_cond_broadcast(&t->changed);
	g_mutex_unlock(&t->lock);
}

void tpm_stub_send_rest(TpmStub *t)
{
	tpm_stub_send_first(t, 0);
}

void tpm_stub_ignore_cancels(TpmStub *t)
{
	g_mutex_lock(&t->lock);
	t->ignores_cancels = true;
	g_mutex_unlock(&t->lock);
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

unsigned tpm_stub_stray_descriptors(TpmStub *t)
{
	return locked_get(t, &t->stray_descriptors);
}

uint8_t tpm_stub_locality(TpmStub *t)
{
	uint8_t value;

	g_mutex_lock(&t->lock);
	value = t->locality;
	g_mutex_unlock(&t->lock);
	return value;
}
