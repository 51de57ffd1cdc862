/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU generates its trace functions from the trace-events files of its own
 * tree, and a plug-in cannot add to them: here they do nothing.
 */
#ifndef PLUGIN_TRACE_H
#define PLUGIN_TRACE_H

static inline void trace_tpmix_mmio_read(unsigned size, uint64_t addr,
                                               uint64_t val)
{
}

static inline void trace_tpmix_mmio_write(unsigned size, uint64_t addr,
                                                uint64_t val)
{
}

static inline void trace_tpmix_start(uint32_t ticket, unsigned locty,
                                           uint32_t len)
{
}

static inline void trace_tpmix_cancel(uint32_t ticket)
{
}

static inline void trace_tpmix_complete(uint32_t ticket, uint32_t len,
                                              int ret)
{
}

static inline void trace_mmio_replay_read(uint64_t offset, uint64_t value,
                                          unsigned size, uint64_t n)
{
}

static inline void trace_mmio_replay_write(uint64_t offset, uint64_t value,
                                           unsigned size, uint64_t n)
{
}

static inline void trace_mmio_replay_repeat_read(const char *when,
                                                 uint64_t offset,
                                                 uint64_t first,
                                                 uint64_t second, unsigned size)
{
}

static inline void trace_mmio_replay_repeat_write(const char *when,
                                                  uint64_t offset,
                                                  uint64_t value, unsigned size)
{
}

#endif /* PLUGIN_TRACE_H */
