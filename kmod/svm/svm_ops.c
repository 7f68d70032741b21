// SPDX-License-Identifier: GPL-2.0
/*
 * AMD-V's table of operations, and nothing else. Next: svm.h.
 */
#include "svm.h"

const struct lodge_vendor_ops svm_ops = {
	.name = "AMD-V",
	.kvm = "kvm_amd",
	.vcpu_size = sizeof(struct svm_vcpu),
	.vm_size = sizeof(struct lodge_vm),
	.tdp_format = &svm_npt_format,
	.hypercall = 0xd9,
	.not_nested = {
		.flags = KVM_STATE_NESTED_GIF_SET,
		.format = KVM_STATE_NESTED_FORMAT_SVM,
		.size = sizeof(struct kvm_nested_state),
	},
	.probe = svm_probe,
	.setup = svm_setup,
	.teardown = svm_teardown,
	.hw_in_use = svm_hw_in_use,
	.hw_enable = svm_hw_enable,
	.hw_disable = svm_hw_disable,
	.hw_prove = svm_hw_prove,
	.vm_init = svm_vm_init,
	.vm_destroy = svm_vm_destroy,
	.vcpu_create = svm_vcpu_create,
	.vcpu_destroy = svm_vcpu_destroy,
	.vcpu_reset = svm_vcpu_reset,
	.bracket_begin = svm_bracket_begin,
	.enter = svm_enter,
	.bracket_end = svm_bracket_end,
	.sync_from_hw = svm_sync_from_hw,
	.sync_to_hw = svm_sync_to_hw,
	.inject = svm_inject,
	.irq_allowed = svm_irq_allowed,
	.nmi_allowed = svm_nmi_allowed,
	.request_irq_window = svm_request_irq_window,
	.request_nmi_window = svm_request_nmi_window,
	.flush_tlb = svm_flush_tlb,
	.set_tdp_root = svm_set_tdp_root,
	.set_msr_intercept = svm_set_msr_intercept,
	.set_tsc = svm_set_tsc,
	.update_intercepts = svm_update_intercepts,
	.explain = svm_explain,
};
