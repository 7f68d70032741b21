// SPDX-License-Identifier: GPL-2.0
/*
 * VT-x's table of operations, and nothing else. Next: vmx.h.
 */
#include "vmx.h"

const struct lodge_vendor_ops vmx_ops = {
	.name = "VT-x",
	.kvm = "kvm_intel",
	.vcpu_size = sizeof(struct vmx_vcpu),
	.vm_size = sizeof(struct lodge_vm),
	.tdp_format = &vmx_ept_format,
	.not_nested = {
		.format = KVM_STATE_NESTED_FORMAT_VMX,
		.size = sizeof(struct kvm_nested_state),
		.hdr.vmx.vmxon_pa = ~0ULL,
		.hdr.vmx.vmcs12_pa = ~0ULL,
	},
	.probe = vmx_probe,
	.setup = vmx_setup,
	.teardown = vmx_teardown,
	.hw_in_use = vmx_hw_in_use,
	.hw_enable = vmx_hw_enable,
	.hw_disable = vmx_hw_disable,
	.hw_prove = vmx_hw_prove,
	.hw_crash = vmx_hw_crash,
	.vm_init = vmx_vm_init,
	.vm_destroy = vmx_vm_destroy,
	.vcpu_create = vmx_vcpu_create,
	.vcpu_destroy = vmx_vcpu_destroy,
	.vcpu_reset = vmx_vcpu_reset,
	.bracket_begin = vmx_bracket_begin,
	.enter = vmx_enter,
	.bracket_end = vmx_bracket_end,
	.sync_from_hw = vmx_sync_from_hw,
	.sync_to_hw = vmx_sync_to_hw,
	.inject = vmx_inject,
	.irq_allowed = vmx_irq_allowed,
	.nmi_allowed = vmx_nmi_allowed,
	.request_irq_window = vmx_request_irq_window,
	.request_nmi_window = vmx_request_nmi_window,
	.flush_tlb = vmx_flush_tlb,
	.set_tdp_root = vmx_set_tdp_root,
	.set_msr_intercept = vmx_set_msr_intercept,
	.set_tsc = vmx_set_tsc,
	.set_timer = vmx_set_timer,
	.update_intercepts = vmx_update_intercepts,
	.explain = vmx_explain,
};
