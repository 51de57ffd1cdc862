/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of a library in another's program: they take none of its signals. The
 * kernel hands a signal of the process to any thread that does not block it, so all
 * of ours block all, as do those that a library below starts.
 */
#ifndef TPMIX_THREAD_H
#define TPMIX_THREAD_H

#include <glib.h>
#include <signal.h>

/* As g_thread_try_new(), with all signals blocked. */
GThread *tpmix_thread_new(const char *name, GThreadFunc func, gpointer data,
			  GError **error);

/*
 * Around what may start threads inside: they inherit the caller's mask. Short, for
 * the program hears no signal meanwhile. @saved is for the second call.
 */
void tpmix_signals_block(sigset_t *saved);
void tpmix_signals_restore(const sigset_t *saved);

#endif /* TPMIX_THREAD_H */
