# SPDX-License-Identifier: BSD-2-Clause
"""Whether this machine stood still. Linux gives its TPM 750 ms for TPM2_GetRandom
(drivers/char/tpm/tpm2-cmd.c), by a clock that goes on while the host has no processor
for QEMU or swtpm."""

import threading
import time

PERIOD_S = 0.02
STALL_S = 0.2  # a command takes several turns of threads that each may wait so long


class Stalls:
    """Notes in the background how late a sleep of PERIOD_S ends."""

    def __init__(self):
        self._longest = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        last = time.monotonic()
        while True:
            time.sleep(PERIOD_S)
            now = time.monotonic()
            self._longest = max(self._longest, now - last)
            last = now

    def longest(self):
        """Seconds, since the last call; 0 where no stall was seen."""
        longest, self._longest = self._longest, 0.0
        return longest if longest >= STALL_S else 0.0
