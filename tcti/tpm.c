/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm.h"

#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>
#include <libtpms/tpm_memory.h>
#include <libtpms/tpm_nvfilename.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tpm2_types.h>

#include "bus.h"
#include "log.h"
#include "store.h"
#include "thread.h"

#define HEADER_SIZE     10u
#define MAX_HANDLES     64u
/* How long a command waits for other processes' ones. */
#define TURN_LIMIT_S    120u

struct tpmix_tpm {
	struct tpmix_store *store;
	GBytes *changed;        /* permanent state that this command left; or NULL */
	unsigned int locality;  /* of the running command */
	bool started;           /* libtpms is initialised */
	bool cold;              /* the volatile state is left out */
	bool off;               /* TPM2_Shutdown was the last command */
	bool warned;            /* that the volatile state is in memory only */
	gint canceled;          /* atomic: the running command was */
};

/* libtpms' callbacks have no argument of ours. Set from open to close. */
static struct tpmix_tpm *the_tpm;

static TPM_RESULT nvram_init(void)
{
	return TPM_SUCCESS;
}

static TPM_RESULT nvram_load(unsigned char **data, uint32_t *length,
			     uint32_t number, const char *name)
{
	GBytes *bytes = NULL;
	const void *from;
	gsize len;

	(void)number;
	if (!strcmp(name, TPM_PERMANENT_ALL_NAME))
		bytes = the_tpm->changed ? the_tpm->changed :
			tpmix_store_permanent(the_tpm->store);
	else if (!strcmp(name, TPM_VOLATILESTATE_NAME) && !the_tpm->cold)
		bytes = tpmix_store_volatile(the_tpm->store);
	if (!bytes)
		return TPM_RETRY; /* there is none */
	from = g_bytes_get_data(bytes, &len);
	if (TPM_Malloc(data, (uint32_t)len) != TPM_SUCCESS)
		return TPM_FAIL;
	memcpy(*data, from, len);
	*length = (uint32_t)len;
	return TPM_SUCCESS;
}

static TPM_RESULT nvram_store(const unsigned char *data, uint32_t length,
			      uint32_t number, const char *name)
{
	(void)number;
	if (strcmp(name, TPM_PERMANENT_ALL_NAME))
		return TPM_FAIL;
	g_clear_pointer(&the_tpm->changed, g_bytes_unref);
	the_tpm->changed = g_bytes_new(data, length);
	return TPM_SUCCESS;
}

static TPM_RESULT nvram_delete(uint32_t number, const char *name, TPM_BOOL must)
{
	(void)number;
	(void)name;
	/* TPM 2.0 in libtpms deletes nothing but a volatile state that it loaded. */
	return must ? TPM_FAIL : TPM_SUCCESS;
}

static TPM_RESULT io_init(void)
{
	return TPM_SUCCESS;
}

static TPM_RESULT io_locality(TPM_MODIFIER_INDICATOR *locality, uint32_t number)
{
	(void)number;
	*locality = the_tpm->locality;
	return TPM_SUCCESS;
}

static TPM_RESULT io_presence(TPM_BOOL *presence, uint32_t number)
{
	(void)number;
	*presence = FALSE;
	return TPM_SUCCESS;
}

static bool power_on(struct tpmix_tpm *t)
{
	t->started = TPMLIB_MainInit() == TPM_SUCCESS;
	if (!t->started)
		TPMLIB_Terminate();
	return t->started;
}

static void power_off(struct tpmix_tpm *t)
{
	if (t->started)
		TPMLIB_Terminate();
	t->started = false;
	g_clear_pointer(&t->changed, g_bytes_unref);
}

static void put_be(uint8_t *to, uint64_t val, unsigned int size)
{
	while (size--) {
		to[size] = (uint8_t)val;
		val >>= 8;
	}
}

static uint32_t get_be32(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 |
	       (uint32_t)from[2] << 8 | from[3];
}

static void put_header(uint8_t *to, uint32_t size, uint32_t code)
{
	put_be(to, TPM2_ST_NO_SESSIONS, 2);
	put_be(to + 2, size, 4);
	put_be(to + 6, code, 4);
}

static uint32_t response_code(const uint8_t *rsp)
{
	return get_be32(rsp + 6);
}

/* Only libtpms, nothing is stored. NULL where it gave no response. */
static uint8_t *execute(struct tpmix_tpm *t, const uint8_t *cmd, uint32_t len,
			uint32_t *rsp_len)
{
	/* libtpms writes to what it is given. */
	g_autofree uint8_t *copy = g_memdup2(cmd, len);
	unsigned char *rsp = NULL;
	uint32_t size = 0, room = 0;
	uint8_t *result = NULL;

	if (t->started &&
	    TPMLIB_Process(&rsp, &size, &room, copy, len) == TPM_SUCCESS &&
	    size >= HEADER_SIZE)
		result = g_memdup2(rsp, size);
	free(rsp);
	*rsp_len = size;
	return result;
}

static GBytes *volatile_state(void)
{
	unsigned char *buf = NULL;
	uint32_t len = 0;
	GBytes *bytes = NULL;

	if (TPMLIB_VolatileAll_Store(&buf, &len) == TPM_SUCCESS)
		bytes = g_bytes_new(buf, len);
	free(buf);
	return bytes;
}

/* Stores what the last command changed; see the top of tpm.h. */
static bool keep(struct tpmix_tpm *t, GError **error)
{
	g_autoptr(GBytes) vol = volatile_state();
	g_autoptr(GBytes) permanent = g_steal_pointer(&t->changed);
	g_autoptr(GError) why = NULL;

	if (!vol) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "libtpms does not hand out its volatile state");
		return false;
	}
	if (permanent)
		return tpmix_store_commit(t->store, permanent, vol, error);
	/* Volatile state may be lost, but not without a word. */
	if (!tpmix_store_volatile_set(t->store, vol, &why) && !t->warned) {
		tpmix_log(TPMIX_LOG_WARNING,
			  "%s (PCRs and sessions last as long as this process)",
			  why->message);
		t->warned = true;
	}
	return true;
}

/* The TPM as of the last response: it never ran the command. */
static void roll_back(struct tpmix_tpm *t)
{
	power_off(t);
	if (!power_on(t))
		tpmix_log(TPMIX_LOG_ERROR, "libtpms does not start again");
	/* What it stored by starting is what was there. */
	g_clear_pointer(&t->changed, g_bytes_unref);
}

void tpmix_tpm_cancel(struct tpmix_tpm *t)
{
	g_atomic_int_set(&t->canceled, 1);
	TPMLIB_CancelCommand();
}

uint32_t tpmix_tpm_bufsize(struct tpmix_tpm *t)
{
	int size = 0;

	(void)t;
	TPMLIB_GetTPMProperty(TPMPROP_TPM_BUFFER_MAX, &size);
	return (uint32_t)size;
}

/* Handles from @first on, of its kind. Returns their number. */
static uint32_t get_handles(struct tpmix_tpm *t, uint32_t first,
			    uint32_t handles[MAX_HANDLES])
{
	uint8_t cmd[HEADER_SIZE + 12];
	g_autofree uint8_t *rsp = NULL;
	uint32_t len, n = 0, i;

	put_header(cmd, sizeof(cmd), TPM2_CC_GetCapability);
	put_be(cmd + HEADER_SIZE, TPM2_CAP_HANDLES, 4);
	put_be(cmd + HEADER_SIZE + 4, first, 4);
	put_be(cmd + HEADER_SIZE + 8, MAX_HANDLES, 4);
	rsp = execute(t, cmd, sizeof(cmd), &len);
	/* moreData, capability, count, handles */
	if (rsp && response_code(rsp) == TPM2_RC_SUCCESS && len >= HEADER_SIZE + 9)
		n = get_be32(rsp + HEADER_SIZE + 5);
	n = MIN(n, MIN(MAX_HANDLES, len / 4));
	for (i = 0; i < n && HEADER_SIZE + 13 + 4 * i <= len; i++)
		handles[i] = get_be32(rsp + HEADER_SIZE + 9 + 4 * i);
	return i;
}

static void flush_loaded(struct tpmix_tpm *t)
{
	static const uint32_t kinds[] = { TPM2_TRANSIENT_FIRST,
					  TPM2_LOADED_SESSION_FIRST };
	uint8_t cmd[HEADER_SIZE + 4];
	uint32_t handles[MAX_HANDLES], n, i, k, len;

	put_header(cmd, sizeof(cmd), TPM2_CC_FlushContext);
	for (k = 0; k < G_N_ELEMENTS(kinds); k++) {
		n = get_handles(t, kinds[k], handles);
		for (i = 0; i < n; i++) {
			put_be(cmd + HEADER_SIZE, handles[i], 4);
			g_free(execute(t, cmd, sizeof(cmd), &len));
		}
	}
}

static uint32_t startup(struct tpmix_tpm *t, uint16_t type)
{
	uint8_t cmd[HEADER_SIZE + 2];
	g_autofree uint8_t *rsp = NULL;
	uint32_t len;

	put_header(cmd, sizeof(cmd), TPM2_CC_Startup);
	put_be(cmd + HEADER_SIZE, type, 2);
	rsp = execute(t, cmd, sizeof(cmd), &len);
	return rsp ? response_code(rsp) : TPM2_RC_FAILURE;
}

/*
 * The TPM is on, and answers commands; on failure nothing was stored. @flush: nobody
 * has what was left loaded.
 */
static bool start(struct tpmix_tpm *t, bool flush, GError **error)
{
	const char *dir = tpmix_store_dir(t->store);
	uint32_t rc;

	if (!power_on(t) && tpmix_store_volatile(t->store)) {
		/* As of another version of libtpms. */
		t->cold = true;
		power_on(t);
	}
	if (!t->started) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "state directory %s: libtpms does not take what is there: put it back from a backup, or move it away to begin with a new TPM",
			    dir);
		return false;
	}
	/* Part 1, 12.2.3: STATE is for a TPM that was shut down so. */
	rc = startup(t, TPM2_SU_STATE);
	if (rc == TPM2_RC_INITIALIZE) {
		/* With its volatile state it is as the last process left it. */
		rc = TPM2_RC_SUCCESS;
		if (flush)
			flush_loaded(t);
	} else {
		if (tpmix_store_volatile(t->store))
			tpmix_log(TPMIX_LOG_WARNING,
				  "state directory %s: libtpms does not take the volatile state: the TPM starts as after a loss of power",
				  dir);
		if (rc != TPM2_RC_SUCCESS)
			rc = startup(t, TPM2_SU_CLEAR);
	}
	if (rc != TPM2_RC_SUCCESS) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_DATA,
			    "state directory %s: TPM2_Startup failed with 0x%x",
			    dir, rc);
		return false;
	}
	if (!keep(t, error))
		return false;
	t->cold = false;
	return true;
}

/* Another process had the TPM: its state is the one to go on from. */
static bool restart(struct tpmix_tpm *t, GError **error)
{
	power_off(t);
	t->off = false;
	if (start(t, false, error))
		return true;
	power_off(t);
	return false;
}

static uint8_t *error_response(uint32_t code, uint32_t *len)
{
	uint8_t *rsp = g_malloc(HEADER_SIZE);

	*len = HEADER_SIZE;
	put_header(rsp, HEADER_SIZE, code);
	return rsp;
}

/* In a turn. */
static uint8_t *process(struct tpmix_tpm *t, unsigned int locality, const uint8_t *cmd,
			uint32_t len, uint32_t *rsp_len)
{
	g_autoptr(GError) error = NULL;
	g_autofree uint8_t *rsp = NULL;

	t->locality = locality;
	rsp = execute(t, cmd, len, rsp_len);
	if (!rsp)
		return NULL;
	if (!keep(t, &error)) {
		tpmix_log(TPMIX_LOG_ERROR, "%s", error->message);
		roll_back(t);
		return error_response(TPM2_RC_NV_UNAVAILABLE, rsp_len);
	}
	t->off = get_be32(cmd + 6) == TPM2_CC_Shutdown &&
		 response_code(rsp) == TPM2_RC_SUCCESS;
	return g_steal_pointer(&rsp);
}

/* False and the response's code where the TPM is not to be had. */
static bool begin(struct tpmix_tpm *t, uint32_t *code)
{
	g_autoptr(GError) error = NULL;
	bool changed, ok;

	ok = tpmix_store_begin(t->store, TURN_LIMIT_S, &t->canceled, &changed, &error);
	if (ok && (changed || !t->started) && !restart(t, &error)) {
		tpmix_store_end(t->store);
		ok = false;
	}
	if (ok)
		return true;
	*code = TPM2_RC_CANCELED;
	if (g_error_matches(error, TPMIX_ERROR, TPMIX_ERROR_CANCELED))
		return false;
	tpmix_log(TPMIX_LOG_ERROR, "%s", error->message);
	*code = g_error_matches(error, TPMIX_ERROR, TPMIX_ERROR_BUSY) ? TPM2_RC_RETRY :
		TPM2_RC_NV_UNAVAILABLE;
	return false;
}

uint8_t *tpmix_tpm_process(struct tpmix_tpm *t, unsigned int locality,
			   const uint8_t *cmd, uint32_t len, uint32_t *rsp_len)
{
	uint32_t code;
	uint8_t *rsp;

	g_atomic_int_set(&t->canceled, 0);
	if (!begin(t, &code))
		return error_response(code, rsp_len);
	rsp = process(t, locality, cmd, len, rsp_len);
	tpmix_store_end(t->store);
	return rsp;
}

struct tpmix_tpm *tpmix_tpm_open(const char *dir, unsigned int wait_s, GError **error)
{
	static struct libtpms_callbacks callbacks = {
		.sizeOfStruct = sizeof(callbacks),
		.tpm_nvram_init = nvram_init,
		.tpm_nvram_loaddata = nvram_load,
		.tpm_nvram_storedata = nvram_store,
		.tpm_nvram_deletename = nvram_delete,
		.tpm_io_init = io_init,
		.tpm_io_getlocality = io_locality,
		.tpm_io_getphysicalpresence = io_presence,
	};
	struct tpmix_tpm *t = g_new0(struct tpmix_tpm, 1);
	sigset_t saved;
	bool ok;

	if (!g_atomic_pointer_compare_and_exchange(&the_tpm, NULL, t)) {
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_BUSY,
			    "this process has a TPM already: libtpms is one a process");
		g_free(t);
		return NULL;
	}
	t->store = tpmix_store_open(dir, wait_s, error);
	if (!t->store)
		goto fail;
	tpmix_signals_block(&saved);
	ok = TPMLIB_ChooseTPMVersion(TPMLIB_TPM_VERSION_2) == TPM_SUCCESS &&
	     TPMLIB_RegisterCallbacks(&callbacks) == TPM_SUCCESS;
	if (!ok)
		g_set_error(error, TPMIX_ERROR, TPMIX_ERROR_NO_DEVICE,
			    "this libtpms has no TPM 2.0");
	ok = ok && start(t, tpmix_store_is_alone(t->store), error);
	tpmix_signals_restore(&saved);
	if (!ok)
		goto fail;
	tpmix_store_end(t->store);
	return t;
fail:
	tpmix_tpm_close(t);
	return NULL;
}

bool tpmix_tpm_is(const struct tpmix_tpm *t, const char *dir)
{
	return tpmix_store_is(t->store, dir);
}

/* A TPM that was shut down, and that nobody uses any more, is without power. */
static void end_shut_down(struct tpmix_tpm *t)
{
	bool changed;

	if (!tpmix_store_begin(t->store, 0, NULL, &changed, NULL))
		return;
	if (!changed && tpmix_store_is_alone(t->store))
		tpmix_store_volatile_set(t->store, NULL, NULL);
	tpmix_store_end(t->store);
}

void tpmix_tpm_close(struct tpmix_tpm *t)
{
	if (t->off)
		end_shut_down(t);
	power_off(t);
	if (t->store)
		tpmix_store_close(t->store);
	g_free(t);
	g_atomic_pointer_set(&the_tpm, NULL);
}
