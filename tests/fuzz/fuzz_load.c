/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a migrated state: three bytes of configuration, the bytes of
 * struct tpmix_state_all as this machine lays it out, actions. tpmix_valid() and
 * model_valid() have to be of one opinion on each; what they accept has to keep the
 * invariant, R1, R2 and R3 through the actions, and no sanitizer may speak.
 */
#include <string.h>

#include "game.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct game game;
	struct actions actions;
	struct actions_config config = actions_begin(&actions, data, size);
	struct tpmix_state_all state;
	struct tpmix candidate;

	if ((size_t)(actions.end - actions.at) < sizeof(state)) {
		return -1; /* keep it out of the corpus */
	}
	memcpy(&state, actions.at, sizeof(state));
	actions.at += sizeof(state);
	game_begin(&game, &config);
	candidate = game.main->e;
	candidate.s = state;
	if (tpmix_valid(&candidate) != model_valid(&candidate.cfg, &state)) {
		game_fail(&game, "tpmix_valid() is %d", tpmix_valid(&candidate));
	}
	if (tpmix_valid(&candidate)) {
		memset(game.main->ram_cmd, 0x80, config.capacity);
		memset(game.main->copy.cmd, 0x80, config.capacity);
		memset(game.main->cmd, 0x80, config.capacity);
		memset(game.main->rsp, 0x5A, config.capacity);
		memset(game.main->run, 0xAA, config.capacity);
		game_load(&game, &state);
		game_continue(&game, &actions);
	}
	game_end(&game);
	return 0;
}
