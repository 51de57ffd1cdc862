/* SPDX-License-Identifier: BSD-2-Clause */
/* Any actions, from power-on; see game.h for what is checked. */
#include "game.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct game game;
	struct actions actions;
	struct actions_config config = actions_begin(&actions, data, size);

	game_begin(&game, &config);
	game_continue(&game, &actions);
	game_end(&game);
	return 0;
}
