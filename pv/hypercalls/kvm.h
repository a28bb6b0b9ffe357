/* SPDX-License-Identifier: ISC */
#ifndef PV_HYPERCALLS_KVM_H
#define PV_HYPERCALLS_KVM_H

#include "kernel/platform.h"

extern const struct platform platform_kvm;

#endif
