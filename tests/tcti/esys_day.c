/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program as others write them: ESYS over a TCTI that tctildr loads by its name.
 * esys_day NAME:CONFIGURATION; 0 where all is as it must be.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "esys_check.h"

#define NV_INDEX 0x1500020

static const TPM2B_PUBLIC signing_key = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT |
				    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				    TPMA_OBJECT_SENSITIVEDATAORIGIN,
		.parameters.eccDetail = {
			.symmetric.algorithm = TPM2_ALG_NULL,
			.scheme = { .scheme = TPM2_ALG_ECDSA,
				    .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
	},
};

static ESYS_TR make_key(ESYS_CONTEXT *e)
{
	TPM2B_SENSITIVE_CREATE sensitive = { .sensitive.userAuth = { 2, "pw" } };
	TPML_PCR_SELECTION pcrs = { 0 };
	TPM2B_DATA info = { 0 };
	ESYS_TR key;

	TRY(Esys_CreatePrimary(e, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			       ESYS_TR_NONE, &sensitive, &signing_key, &info, &pcrs, &key,
			       NULL, NULL, NULL, NULL));
	TRY(Esys_TR_SetAuth(e, key, &sensitive.sensitive.userAuth));
	return key;
}

/* Parameters encrypted both ways, bound to nothing, authorisation by HMAC. */
static ESYS_TR make_session(ESYS_CONTEXT *e, ESYS_TR key)
{
	TPMT_SYM_DEF aes = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
			     .mode.aes = TPM2_ALG_CFB };
	ESYS_TR session;

	TRY(Esys_StartAuthSession(e, ESYS_TR_NONE, key, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &aes,
				  TPM2_ALG_SHA256, &session));
	TRY(Esys_TRSess_SetAttributes(e, session,
				      TPMA_SESSION_CONTINUESESSION |
				      TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT,
				      0xFF));
	return session;
}

static void sign_and_verify(ESYS_CONTEXT *e, ESYS_TR key, ESYS_TR session)
{
	TPM2B_DIGEST digest = { 32, "0123456789abcdef0123456789abcde" };
	TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
	TPMT_TK_HASHCHECK ticket = { .tag = TPM2_ST_HASHCHECK,
				     .hierarchy = TPM2_RH_NULL };
	TPMT_SIGNATURE *signature;

	TRY(Esys_Sign(e, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme,
		      &ticket, &signature));
	TRY(Esys_VerifySignature(e, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				 &digest, signature, NULL));
	digest.buffer[31] ^= 1;
	demand(Esys_VerifySignature(e, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				    &digest, signature, NULL) != TSS2_RC_SUCCESS,
	       "a changed digest is refused");
	Esys_Free(signature);
}

static void non_volatile(ESYS_CONTEXT *e, ESYS_TR session)
{
	TPM2B_NV_PUBLIC public = { .nvPublic = {
		.nvIndex = NV_INDEX, .nameAlg = TPM2_ALG_SHA256, .dataSize = 64,
		.attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE } };
	TPM2B_AUTH auth = { 0 };
	TPM2B_MAX_NV_BUFFER data = { 64, "what is written by an encrypted session" };
	TPM2B_MAX_NV_BUFFER *got;
	ESYS_TR nv;

	TRY(Esys_NV_DefineSpace(e, ESYS_TR_RH_OWNER, session, ESYS_TR_NONE,
				ESYS_TR_NONE, &auth, &public, &nv));
	TRY(Esys_NV_Write(e, ESYS_TR_RH_OWNER, nv, session, ESYS_TR_NONE,
			  ESYS_TR_NONE, &data, 0));
	TRY(Esys_NV_Read(e, ESYS_TR_RH_OWNER, nv, session, ESYS_TR_NONE, ESYS_TR_NONE,
			 64, 0, &got));
	demand(got->size == 64 && !memcmp(got->buffer, data.buffer, 64), "NV contents");
	Esys_Free(got);
	TRY(Esys_NV_UndefineSpace(e, ESYS_TR_RH_OWNER, nv, session, ESYS_TR_NONE,
				  ESYS_TR_NONE));
}

/* As an event loop does it: poll, then finish without waiting. */
static void asynchronous(ESYS_CONTEXT *e)
{
	TSS2_TCTI_POLL_HANDLE *handles;
	TPM2B_DIGEST *random;
	size_t count;
	int tries = 0;
	TSS2_RC rc;

	TRY(Esys_SetTimeout(e, 0));
	TRY(Esys_GetRandom_Async(e, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, 32));
	TRY(Esys_GetPollHandles(e, &handles, &count));
	demand(count == 1, "one poll handle");
	do {
		struct pollfd p = { .fd = handles->fd, .events = handles->events };

		demand(poll(&p, 1, 30000) == 1, "readable within 30 s");
		rc = Esys_GetRandom_Finish(e, &random);
	} while ((rc & ~TSS2_RC_LAYER_MASK) == TSS2_BASE_RC_TRY_AGAIN && tries++ < 100);
	TRY(rc);
	demand(random->size == 32, "32 random bytes");
	Esys_Free(random);
	free(handles);
	TRY(Esys_SetTimeout(e, TSS2_TCTI_TIMEOUT_BLOCK));
}

int main(int argc, char **argv)
{
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *e;
	ESYS_TR key, session;

	if (argc != 2)
		return 2;
	TRY(Tss2_TctiLdr_Initialize(argv[1], &tcti));
	TRY(Esys_Initialize(&e, tcti, NULL));
	key = make_key(e);
	session = make_session(e, key);
	sign_and_verify(e, key, session);
	non_volatile(e, session);
	asynchronous(e);
	TRY(Esys_FlushContext(e, session));
	TRY(Esys_FlushContext(e, key));
	Esys_Finalize(&e);
	Tss2_TctiLdr_Finalize(&tcti);
	puts("good");
	return 0;
}
