/* SPDX-License-Identifier: BSD-2-Clause */
#define tpmix_accept real_accept
#include "transaction.c"
