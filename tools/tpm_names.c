/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm_names.h"

#include <string.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>

#define CC(name) { TPM2_CC_##name, "TPM2_" #name }

static const struct {
	uint32_t code;
	const char *name;
} commands[] = {
	CC(NV_UndefineSpaceSpecial),
	CC(EvictControl),
	CC(HierarchyControl),
	CC(NV_UndefineSpace),
	CC(ChangeEPS),
	CC(ChangePPS),
	CC(Clear),
	CC(ClearControl),
	CC(ClockSet),
	CC(HierarchyChangeAuth),
	CC(NV_DefineSpace),
	CC(PCR_Allocate),
	CC(PCR_SetAuthPolicy),
	CC(PP_Commands),
	CC(SetPrimaryPolicy),
	CC(FieldUpgradeStart),
	CC(ClockRateAdjust),
	CC(CreatePrimary),
	CC(NV_GlobalWriteLock),
	CC(GetCommandAuditDigest),
	CC(NV_Increment),
	CC(NV_SetBits),
	CC(NV_Extend),
	CC(NV_Write),
	CC(NV_WriteLock),
	CC(DictionaryAttackLockReset),
	CC(DictionaryAttackParameters),
	CC(NV_ChangeAuth),
	CC(PCR_Event),
	CC(PCR_Reset),
	CC(SequenceComplete),
	CC(SetAlgorithmSet),
	CC(SetCommandCodeAuditStatus),
	CC(FieldUpgradeData),
	CC(IncrementalSelfTest),
	CC(SelfTest),
	CC(Startup),
	CC(Shutdown),
	CC(StirRandom),
	CC(ActivateCredential),
	CC(Certify),
	CC(PolicyNV),
	CC(CertifyCreation),
	CC(Duplicate),
	CC(GetTime),
	CC(GetSessionAuditDigest),
	CC(NV_Read),
	CC(NV_ReadLock),
	CC(ObjectChangeAuth),
	CC(PolicySecret),
	CC(Rewrap),
	CC(Create),
	CC(ECDH_ZGen),
	CC(HMAC),
	CC(Import),
	CC(Load),
	CC(Quote),
	CC(RSA_Decrypt),
	CC(HMAC_Start),
	CC(SequenceUpdate),
	CC(Sign),
	CC(Unseal),
	CC(PolicySigned),
	CC(ContextLoad),
	CC(ContextSave),
	CC(ECDH_KeyGen),
	CC(EncryptDecrypt),
	CC(FlushContext),
	CC(LoadExternal),
	CC(MakeCredential),
	CC(NV_ReadPublic),
	CC(PolicyAuthorize),
	CC(PolicyAuthValue),
	CC(PolicyCommandCode),
	CC(PolicyCounterTimer),
	CC(PolicyCpHash),
	CC(PolicyLocality),
	CC(PolicyNameHash),
	CC(PolicyOR),
	CC(PolicyTicket),
	CC(ReadPublic),
	CC(RSA_Encrypt),
	CC(StartAuthSession),
	CC(VerifySignature),
	CC(ECC_Parameters),
	CC(FirmwareRead),
	CC(GetCapability),
	CC(GetRandom),
	CC(GetTestResult),
	CC(Hash),
	CC(PCR_Read),
	CC(PolicyPCR),
	CC(PolicyRestart),
	CC(ReadClock),
	CC(PCR_Extend),
	CC(PCR_SetAuthValue),
	CC(NV_Certify),
	CC(EventSequenceComplete),
	CC(HashSequenceStart),
	CC(PolicyPhysicalPresence),
	CC(PolicyDuplicationSelect),
	CC(PolicyGetDigest),
	CC(TestParms),
	CC(Commit),
	CC(PolicyPassword),
	CC(ZGen_2Phase),
	CC(EC_Ephemeral),
	CC(PolicyNvWritten),
	CC(PolicyTemplate),
	CC(CreateLoaded),
	CC(PolicyAuthorizeNV),
	CC(EncryptDecrypt2),
	CC(AC_GetCapability),
	CC(AC_Send),
	CC(Policy_AC_SendSelect),
	CC(CertifyX509),
	CC(ACT_SetTimeout),
};

static uint32_t be32(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 |
	       (uint32_t)from[2] << 8 | from[3];
}

static uint32_t tag(const uint8_t *data)
{
	return (uint32_t)data[0] << 8 | data[1];
}

uint32_t tpm_code(const uint8_t *data)
{
	return be32(data + 6);
}

char *tpm_command_name(const uint8_t *cmd)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].code == tpm_code(cmd))
			return g_strdup(commands[i].name);
	return g_strdup_printf("command 0x%08x", tpm_code(cmd));
}

char *tpm_rc_name(uint32_t rc)
{
	const char *text;

	if (rc == TPM2_RC_SUCCESS)
		return g_strdup("TPM_RC_SUCCESS");
	text = Tss2_RC_Decode(rc);
	if (g_str_has_prefix(text, "tpm:"))
		text += 4;
	return g_strdup_printf("error 0x%03x, %s", rc, text);
}

static const char *sessions(const uint8_t *data)
{
	switch (tag(data)) {
	case TPM2_ST_SESSIONS:
		return ", with sessions";
	case TPM2_ST_NO_SESSIONS:
		return "";
	default:
		return ", tag unknown";
	}
}

char *tpm_describe(const uint8_t *data, uint32_t len, bool response)
{
	g_autofree char *name = NULL;

	if (len < 10)
		return g_strdup_printf("%u bytes, no header", len);
	name = response ? tpm_rc_name(tpm_code(data)) : tpm_command_name(data);
	return g_strdup_printf("%s, %u bytes%s", name, len, sessions(data));
}
