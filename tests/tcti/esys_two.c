/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that opens the TPM twice, as systemd-cryptenroll and libtpm2_pkcs11 do:
 * ESYS over two contexts that tctildr loads, alternating and from two threads.
 * esys_two NAME:CONFIGURATION NAME:CONFIGURATION; 0 where all is as it must be.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "esys_check.h"

#define NV_INDEX        0x1500021
#define INCREMENTS      8

struct user {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR session, nv;
};

static void begin(struct user *u, const char *config)
{
	const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };

	TRY(Tss2_TctiLdr_Initialize(config, &u->tcti));
	TRY(Esys_Initialize(&u->esys, u->tcti, NULL));
	/* What is begun by _Async() is waited for in _Finish(). */
	TRY(Esys_SetTimeout(u->esys, TSS2_TCTI_TIMEOUT_BLOCK));
	TRY(Esys_StartAuthSession(u->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &none,
				  TPM2_ALG_SHA256, &u->session));
	TRY(Esys_TRSess_SetAttributes(u->esys, u->session, TPMA_SESSION_CONTINUESESSION,
				      0xFF));
}

static void end(struct user *u)
{
	TRY(Esys_FlushContext(u->esys, u->session));
	Esys_Finalize(&u->esys);
	Tss2_TctiLdr_Finalize(&u->tcti);
}

static void define_counter(struct user *u)
{
	const TPM2B_NV_PUBLIC public = { .nvPublic = {
		.nvIndex = NV_INDEX, .nameAlg = TPM2_ALG_SHA256, .dataSize = 8,
		.attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE |
			      TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT } };
	const TPM2B_AUTH auth = { 0 };

	TRY(Esys_NV_DefineSpace(u->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				ESYS_TR_NONE, &auth, &public, &u->nv));
}

static void increment(struct user *u)
{
	TRY(Esys_NV_Increment(u->esys, ESYS_TR_RH_OWNER, u->nv, u->session, ESYS_TR_NONE,
			      ESYS_TR_NONE));
}

static uint64_t counter(struct user *u)
{
	TPM2B_MAX_NV_BUFFER *got;
	uint64_t val = 0;
	int i;

	TRY(Esys_NV_Read(u->esys, ESYS_TR_RH_OWNER, u->nv, u->session, ESYS_TR_NONE,
			 ESYS_TR_NONE, 8, 0, &got));
	demand(got->size == 8, "a counter of 8 bytes");
	for (i = 0; i < 8; i++)
		val = val << 8 | got->buffer[i];
	Esys_Free(got);
	return val;
}

static void finish_random(ESYS_CONTEXT *e)
{
	TPM2B_DIGEST *random;

	TRY(Esys_GetRandom_Finish(e, &random));
	demand(random->size == 32, "32 random bytes");
	Esys_Free(random);
}

/* Both have a command under way, and take their responses in either order. */
static void overlapping(struct user u[2])
{
	int i;

	for (i = 0; i < 4; i++) {
		TRY(Esys_GetRandom_Async(u[i % 2].esys, ESYS_TR_NONE, ESYS_TR_NONE,
					 ESYS_TR_NONE, 32));
		TRY(Esys_GetRandom_Async(u[!(i % 2)].esys, ESYS_TR_NONE, ESYS_TR_NONE,
					 ESYS_TR_NONE, 32));
		finish_random(u[i / 2].esys);
		finish_random(u[!(i / 2)].esys);
	}
}

static void *work(void *opaque)
{
	struct user *u = opaque;
	int i;

	for (i = 0; i < INCREMENTS; i++) {
		TPM2B_DIGEST *random;

		increment(u);
		TRY(Esys_GetRandom(u->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, 16,
				   &random));
		demand(random->size == 16, "16 random bytes");
		Esys_Free(random);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct user u[2];
	pthread_t thread;
	uint64_t val;

	if (argc != 3)
		return 2;
	begin(&u[0], argv[1]);
	begin(&u[1], argv[2]);
	define_counter(&u[0]);
	increment(&u[0]);
	val = counter(&u[0]);
	TRY(Esys_TR_FromTPMPublic(u[1].esys, NV_INDEX, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, &u[1].nv));
	overlapping(u);
	demand(!pthread_create(&thread, NULL, work, &u[1]), "a thread");
	work(&u[0]);
	pthread_join(thread, NULL);
	demand(counter(&u[0]) == val + 2 * INCREMENTS, "each increment ran once");
	demand(counter(&u[1]) == val + 2 * INCREMENTS, "and the other one sees it");
	/* The one that came first goes first; what is left works on. */
	end(&u[0]);
	TRY(Esys_NV_UndefineSpace(u[1].esys, ESYS_TR_RH_OWNER, u[1].nv, u[1].session,
				  ESYS_TR_NONE, ESYS_TR_NONE));
	end(&u[1]);
	puts("good");
	return 0;
}
