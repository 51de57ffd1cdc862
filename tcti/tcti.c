/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCTI: TSS 2.0 TPM Command Transmission Interface specification 1.0. A thread
 * runs the transactions, so that transmit returns at once and receive can wait,
 * look or be polled for.
 */
#include "tss2_tcti_indexed.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"
#include "log.h"
#include "thread.h"
#include "tpmix.h"

#define TCTI_MAGIC   0x5450495849444558ull /* "TPIXIDEX" */
#define TCTI_VERSION 2

/* TCTI specification 3.2.5: what may be called next. */
enum state { TRANSMIT, RECEIVE };

struct tcti {
	/* the caller's thread only */
	struct tpmix_device dev; /* the worker's from transmit to its event */
	enum state state;
	pid_t pid;              /* that has the threads */
	int event;              /* readable once the response, or error, is there */
	GThread *worker;

	gint wish;              /* atomic: enum tpmix_door_wish */

	GMutex lock;            /* protects what follows */
	GCond job_given;
	bool job, quit;

	/* the worker's while job is true, then the caller's */
	uint8_t *cmd, *rsp;     /* dev.door.bufsize bytes each */
	uint32_t cmd_len, rsp_len;
	GError *error;          /* of the last transaction */
};

struct context {
	TSS2_TCTI_CONTEXT_COMMON_V2 common;
	struct tcti *tcti;      /* NULL once finalized */
};

static struct tcti *get_tcti(TSS2_TCTI_CONTEXT *context, TSS2_RC *rc)
{
	struct context *c = (struct context *)context;

	*rc = TSS2_TCTI_RC_BAD_REFERENCE;
	if (!c)
		return NULL;
	*rc = TSS2_TCTI_RC_BAD_CONTEXT;
	if (c->common.v1.magic != TCTI_MAGIC || !c->tcti)
		return NULL;
	if (c->tcti->pid != getpid()) {
		tpmix_log(TPMIX_LOG_ERROR,
			  "this context is of the process that forked: initialise one after fork()");
		return NULL;
	}
	*rc = TSS2_RC_SUCCESS;
	return c->tcti;
}

static TSS2_RC to_rc(const GError *error)
{
	if (error->domain != TPMIX_ERROR)
		return TSS2_TCTI_RC_GENERAL_FAILURE;
	switch (error->code) {
	case TPMIX_ERROR_CONFIG:
	case TPMIX_ERROR_SIZE:
		return TSS2_TCTI_RC_BAD_VALUE;
	case TPMIX_ERROR_NO_DEVICE:
		return TSS2_TCTI_RC_NO_CONNECTION;
	default:
		return TSS2_TCTI_RC_IO_ERROR;
	}
}

static TSS2_RC fail(const GError *error)
{
	tpmix_log(TPMIX_LOG_ERROR, "%s", error->message);
	return to_rc(error);
}

static enum tpmix_door_wish get_wish(void *opaque)
{
	return (enum tpmix_door_wish)g_atomic_int_get(&((struct tcti *)opaque)->wish);
}

static gpointer work(gpointer opaque)
{
	struct tcti *t = opaque;
	const uint64_t one = 1;

	g_mutex_lock(&t->lock);
	for (;;) {
		while (!t->job && !t->quit)
			g_cond_wait(&t->job_given, &t->lock);
		if (!t->job)
			break;
		g_mutex_unlock(&t->lock);
		t->rsp_len = tpmix_device_transact(&t->dev, t->cmd, t->cmd_len, t->rsp,
						   get_wish, t, &t->error);
		g_mutex_lock(&t->lock);
		t->job = false;
		/* An eventfd takes it whole, or was interrupted. */
		while (write(t->event, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	g_mutex_unlock(&t->lock);
	return NULL;
}

static TSS2_RC tcti_transmit(TSS2_TCTI_CONTEXT *context, size_t size,
			     const uint8_t *command)
{
	TSS2_RC rc;
	struct tcti *t = get_tcti(context, &rc);

	if (!t)
		return rc;
	if (!command)
		return TSS2_TCTI_RC_BAD_REFERENCE;
	if (t->state != TRANSMIT)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	if (size < TPMIX_HEADER_SIZE || tpmix_header_size(command) != size) {
		tpmix_log(TPMIX_LOG_ERROR,
			  "command of %zu bytes: its header names another size", size);
		return TSS2_TCTI_RC_BAD_VALUE;
	}
	if (size > t->dev.door.bufsize) {
		tpmix_log(TPMIX_LOG_ERROR,
			  "command of %zu bytes: this TPM takes %u", size,
			  t->dev.door.bufsize);
		return TSS2_TCTI_RC_BAD_VALUE;
	}
	memcpy(t->cmd, command, size);
	t->cmd_len = (uint32_t)size;
	g_clear_error(&t->error);
	g_atomic_int_set(&t->wish, TPMIX_GO_ON);
	g_mutex_lock(&t->lock);
	t->job = true;
	g_cond_signal(&t->job_given);
	g_mutex_unlock(&t->lock);
	t->state = RECEIVE;
	return TSS2_RC_SUCCESS;
}

/* TRY_AGAIN where the response is not there after @timeout milliseconds. */
static TSS2_RC wait_event(struct tcti *t, int32_t timeout)
{
	gint64 end = g_get_monotonic_time() + (gint64)timeout * 1000;
	struct pollfd p = { .fd = t->event, .events = POLLIN };
	int left = timeout, n;

	for (;;) {
		n = poll(&p, 1, left);
		if (n > 0)
			return TSS2_RC_SUCCESS;
		if (n == 0)
			return TSS2_TCTI_RC_TRY_AGAIN;
		if (errno != EINTR)
			return TSS2_TCTI_RC_IO_ERROR;
		if (timeout > 0)
			left = (int)(MAX(end - g_get_monotonic_time(), 0) / 1000);
	}
}

static void end_receive(struct tcti *t)
{
	uint64_t count;

	while (read(t->event, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	t->state = TRANSMIT;
}

static TSS2_RC tcti_receive(TSS2_TCTI_CONTEXT *context, size_t *size,
			    uint8_t *response, int32_t timeout)
{
	TSS2_RC rc;
	struct tcti *t = get_tcti(context, &rc);

	if (!t)
		return rc;
	if (!size)
		return TSS2_TCTI_RC_BAD_REFERENCE;
	if (t->state != RECEIVE)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	if (timeout < TSS2_TCTI_TIMEOUT_BLOCK)
		return TSS2_TCTI_RC_BAD_VALUE;
	rc = wait_event(t, timeout);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	/* The worker has it while it sets the event: now all is ours. */
	g_mutex_lock(&t->lock);
	g_mutex_unlock(&t->lock);
	if (t->error) {
		end_receive(t);
		return fail(t->error);
	}
	if (!response || *size < t->rsp_len) {
		rc = response ? TSS2_TCTI_RC_INSUFFICIENT_BUFFER : TSS2_RC_SUCCESS;
		*size = t->rsp_len;
		return rc;
	}
	memcpy(response, t->rsp, t->rsp_len);
	*size = t->rsp_len;
	end_receive(t);
	return TSS2_RC_SUCCESS;
}

static TSS2_RC tcti_cancel(TSS2_TCTI_CONTEXT *context)
{
	TSS2_RC rc;
	struct tcti *t = get_tcti(context, &rc);

	if (!t)
		return rc;
	if (t->state != RECEIVE)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	/* Done between two looks at the device; too late is no error. */
	g_atomic_int_set(&t->wish, TPMIX_CANCEL);
	return TSS2_RC_SUCCESS;
}

static TSS2_RC tcti_get_poll_handles(TSS2_TCTI_CONTEXT *context,
				     TSS2_TCTI_POLL_HANDLE *handles, size_t *count)
{
	TSS2_RC rc;
	struct tcti *t = get_tcti(context, &rc);

	if (!t)
		return rc;
	if (!count)
		return TSS2_TCTI_RC_BAD_REFERENCE;
	if (handles && *count < 1) {
		*count = 1;
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	}
	*count = 1;
	if (handles) {
		handles->fd = t->event;
		handles->events = POLLIN;
		handles->revents = 0;
	}
	return TSS2_RC_SUCCESS;
}

static TSS2_RC tcti_set_locality(TSS2_TCTI_CONTEXT *context, uint8_t locality)
{
	g_autoptr(GError) error = NULL;
	TSS2_RC rc;
	struct tcti *t = get_tcti(context, &rc);

	if (!t)
		return rc;
	if (t->state != TRANSMIT)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	/* Extended localities, 32 and above, are not for this kind of TPM. */
	if (locality >= TPMIX_NUM_LOCALITIES)
		return TSS2_TCTI_RC_BAD_VALUE;
	if (locality && t->dev.door.kind == TPMIX_DOOR_WINDOW)
		return TSS2_TCTI_RC_NOT_SUPPORTED;
	if (locality == t->dev.door.locality)
		return TSS2_RC_SUCCESS;
	return tpmix_door_set_locality(&t->dev.door, locality, &error) ?
	       TSS2_RC_SUCCESS : fail(error);
}

static TSS2_RC tcti_make_sticky(TSS2_TCTI_CONTEXT *context, TPM2_HANDLE *handle,
				uint8_t sticky)
{
	TSS2_RC rc;

	(void)handle;
	(void)sticky;
	return get_tcti(context, &rc) ? TSS2_TCTI_RC_NOT_IMPLEMENTED : rc;
}

static void free_tcti(struct tcti *t)
{
	if (t->worker) {
		g_atomic_int_set(&t->wish, TPMIX_STOP);
		g_mutex_lock(&t->lock);
		t->quit = true;
		g_cond_signal(&t->job_given);
		g_mutex_unlock(&t->lock);
		g_thread_join(t->worker);
	}
	tpmix_device_close(&t->dev);
	if (t->event >= 0)
		close(t->event);
	g_clear_error(&t->error);
	g_cond_clear(&t->job_given);
	g_mutex_clear(&t->lock);
	g_free(t->cmd);
	g_free(t->rsp);
	g_free(t);
}

static void tcti_finalize(TSS2_TCTI_CONTEXT *context)
{
	TSS2_RC rc;
	struct tcti *t = get_tcti(context, &rc);

	if (!t)
		return;
	((struct context *)context)->tcti = NULL;
	((struct context *)context)->common.v1.magic = 0;
	free_tcti(t);
}

static struct tcti *new_tcti(const char *config, GError **error)
{
	struct tcti *t = g_new0(struct tcti, 1);
	struct tpmix_options o;

	g_mutex_init(&t->lock);
	g_cond_init(&t->job_given);
	t->pid = getpid();
	t->event = -1;
	if (!tpmix_options_parse(&o, config, error) ||
	    !tpmix_device_open(&t->dev, &o, error))
		goto fail;
	t->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event < 0) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_IO,
			    "eventfd: %s: close some files", g_strerror(errno));
		goto fail;
	}
	t->cmd = g_malloc(t->dev.door.bufsize);
	t->rsp = g_malloc(t->dev.door.bufsize);
	t->worker = tpmix_thread_new("tpmix-tcti", work, t, error);
	if (!t->worker)
		goto fail;
	tpmix_options_clear(&o);
	return t;
fail:
	tpmix_options_clear(&o);
	free_tcti(t);
	return NULL;
}

TSS2_RC Tss2_Tcti_Indexed_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
			       const char *config)
{
	struct context *c = (struct context *)context;
	g_autoptr(GError) error = NULL;

	if (!size)
		return TSS2_TCTI_RC_BAD_REFERENCE;
	if (!context) {
		*size = sizeof(*c);
		return TSS2_RC_SUCCESS;
	}
	if (*size < sizeof(*c))
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	memset(c, 0, sizeof(*c));
	c->tcti = new_tcti(config, &error);
	if (!c->tcti)
		return fail(error);
	c->common.v1.magic = TCTI_MAGIC;
	c->common.v1.version = TCTI_VERSION;
	c->common.v1.transmit = tcti_transmit;
	c->common.v1.receive = tcti_receive;
	c->common.v1.finalize = tcti_finalize;
	c->common.v1.cancel = tcti_cancel;
	c->common.v1.getPollHandles = tcti_get_poll_handles;
	c->common.v1.setLocality = tcti_set_locality;
	c->common.makeSticky = tcti_make_sticky;
	return TSS2_RC_SUCCESS;
}

const TSS2_TCTI_INFO *Tss2_Tcti_Info(void)
{
	static const TSS2_TCTI_INFO info = {
		.version = TCTI_VERSION,
		.name = "tcti-indexed",
		.description = "drives the registers of a TPM: in this process, inside QEMU, or in memory",
		.config_help = tpmix_options_help,
		.init = Tss2_Tcti_Indexed_Init,
	};

	return &info;
}
