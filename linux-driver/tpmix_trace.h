/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the indexed door: tracefs, events/tpmix. A transaction is a ring and
 * a completion; each of the others says that something was not as it should be.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tpmix

#if !defined(TPMIX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TPMIX_TRACE_H

#include <linux/tracepoint.h>

/* The doorbell is rung; trapped: the command went through the trapped window. */
TRACE_EVENT(tpmix_ring,
	TP_PROTO(u32 ticket, u16 csum, u32 len, bool trapped),
	TP_ARGS(ticket, csum, len, trapped),
	TP_STRUCT__entry(
		__field(u32, ticket)
		__field(u32, len)
		__field(u16, csum)
		__field(bool, trapped)
	),
	TP_fast_assign(
		__entry->ticket = ticket;
		__entry->len = len;
		__entry->csum = csum;
		__entry->trapped = trapped;
	),
	TP_printk("ticket=%u len=%u csum=%#06x %s", __entry->ticket,
		  __entry->len, __entry->csum,
		  __entry->trapped ? "trapped" : "window")
);

/* The response was read, and is what its checksum says. */
TRACE_EVENT(tpmix_completion,
	TP_PROTO(u32 ticket, u32 size, bool trapped),
	TP_ARGS(ticket, size, trapped),
	TP_STRUCT__entry(
		__field(u32, ticket)
		__field(u32, size)
		__field(bool, trapped)
	),
	TP_fast_assign(
		__entry->ticket = ticket;
		__entry->size = size;
		__entry->trapped = trapped;
	),
	TP_printk("ticket=%u size=%u %s", __entry->ticket, __entry->size,
		  __entry->trapped ? "trapped" : "window")
);

/* The command is written and rung again, as @ticket. */
TRACE_EVENT(tpmix_retry,
	TP_PROTO(u32 ticket, u32 accepted, u32 status),
	TP_ARGS(ticket, accepted, status),
	TP_STRUCT__entry(
		__field(u32, ticket)
		__field(u32, accepted)
		__field(u32, status)
	),
	TP_fast_assign(
		__entry->ticket = ticket;
		__entry->accepted = accepted;
		__entry->status = status;
	),
	TP_printk("ticket=%u accepted=%u status=%#x", __entry->ticket,
		  __entry->accepted, __entry->status)
);

/* What was read of the response was not it; it is read again. */
TRACE_EVENT(tpmix_reread,
	TP_PROTO(u32 ticket, u32 size, u32 csum),
	TP_ARGS(ticket, size, csum),
	TP_STRUCT__entry(
		__field(u32, ticket)
		__field(u32, size)
		__field(u32, csum)
	),
	TP_fast_assign(
		__entry->ticket = ticket;
		__entry->size = size;
		__entry->csum = csum;
	),
	TP_printk("ticket=%u size=%u csum=%#010x", __entry->ticket,
		  __entry->size, __entry->csum)
);

DECLARE_EVENT_CLASS(tpmix_ticket,
	TP_PROTO(u32 ticket),
	TP_ARGS(ticket),
	TP_STRUCT__entry(
		__field(u32, ticket)
	),
	TP_fast_assign(
		__entry->ticket = ticket;
	),
	TP_printk("ticket=%u", __entry->ticket)
);

/* The rest of the transaction goes by the registers. */
DEFINE_EVENT(tpmix_ticket, tpmix_fallback,
	TP_PROTO(u32 ticket),
	TP_ARGS(ticket)
);

/* The locality was gone in the middle of a transaction. */
DEFINE_EVENT(tpmix_ticket, tpmix_regain,
	TP_PROTO(u32 ticket),
	TP_ARGS(ticket)
);

#endif /* TPMIX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE tpmix_trace
#include <trace/define_trace.h>
