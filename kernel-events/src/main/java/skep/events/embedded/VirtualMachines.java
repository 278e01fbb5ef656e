package skep.events.embedded;

import skep.isa.kernel.Arch;

/** A hypervisor of which the model is the host: {@code ioctl(KVM_RUN)} lets a guest run until it exits for a reason. */
final class VirtualMachines {
    static final int KVM_RUN = 0xae80;
    /** Reasons of VMX with how often they come among 20 exits. */
    private static final int[][] REASONS = {{1, 6}, {12, 4}, {30, 2}, {32, 4}, {48, 3}, {49, 1}};

    private static final int WEIGHTS = 20;
    /** Exception class of a data abort, as a guest of arm64 leaves with. */
    private static final int DATA_ABORT = 0x24;

    private final EmbeddedKernel kernel;
    final Routine ioctl;
    private final Routine run;
    private final Routine enterGuest;
    private final Tracepoint exit;

    VirtualMachines(EmbeddedKernel kernel) {
        this.kernel = kernel;
        boolean arm = kernel.arch == Arch.ARM64;
        exit = arm
                ? kernel.tracepoint(
                        "kvm",
                        "kvm_exit",
                        "int ret; unsigned int esr_ec; unsigned long vcpu_pc",
                        "int ret, unsigned int esr_ec, unsigned long vcpu_pc")
                : kernel.tracepoint(
                        "kvm",
                        "kvm_exit",
                        "unsigned int exit_reason; unsigned long guest_rip; u32 isa; u64 info1; u64 info2; u32 intr_info;"
                                + " u32 error_code; unsigned int vcpu_id",
                        "struct kvm_vcpu *vcpu, u32 isa");
        ioctl = kernel.function(
                "long kvm_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)", this::ioctl);
        run = kernel.function("int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)", this::run);
        enterGuest = kernel.function(
                arm
                        ? "int kvm_arm_vcpu_enter_exit(struct kvm_vcpu *vcpu)"
                        : "int vcpu_enter_guest(struct kvm_vcpu *vcpu)",
                this::enterGuest);
    }

    private void ioctl(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(run, frame.a2);
            default -> task.ret(task.result);
        }
    }

    /** Enters the guest until it needs its program, as for input and output. */
    private void run(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(enterGuest, frame.a0);
            case 1 -> {
                if (task.result > 0 && ++frame.v0 < 16 && !task.cpu.needResched) {
                    frame.pc = 0;
                }
            }
            default -> task.ret(0);
        }
    }

    private void enterGuest(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(kernel.rng.exponential(60_000));
            default -> {
                int reason = reason();
                kernel.truth.count("guest exits", 1);
                if (exit.active()) {
                    if (kernel.arch == Arch.ARM64) {
                        kernel.tracer.raw(exit, task, 0, DATA_ABORT, 0xffff_8000L);
                        kernel.tracer
                                .begin(exit, task)
                                .num(0)
                                .num(DATA_ABORT)
                                .num(0xffff_8000L)
                                .fire();
                    } else {
                        kernel.tracer.raw(exit, task, frame.a0, 1);
                        kernel.tracer
                                .begin(exit, task)
                                .num(reason)
                                .num(0xffff_ffff_8100_0000L)
                                .num(1)
                                .num(0)
                                .num(0)
                                .num(0)
                                .num(0)
                                .num(0)
                                .fire();
                    }
                }
                // only input and output go back to the program
                task.ret(reason == 30 ? 0 : 1);
            }
        }
    }

    private int reason() {
        int at = kernel.rng.below(WEIGHTS);
        for (var reason : REASONS) {
            at -= reason[1];
            if (at < 0) {
                return reason[0];
            }
        }
        return REASONS[0][0];
    }
}
