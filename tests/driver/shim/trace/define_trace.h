/* SPDX-License-Identifier: BSD-2-Clause */
/* Tracepoints are made where TRACE_EVENT() stands: shim.h. */
