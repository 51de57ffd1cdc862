/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build of QEMU lists the macros here that devices must not use. */
