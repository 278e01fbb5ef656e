package skep.vm.verifier;

import java.util.EnumSet;
import java.util.Set;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;

/** Where functions and programs end: nothing is held any more, and the result is one that the kernel understands. */
final class Exits {
    private final Walker w;

    Exits(Walker walker) {
        this.w = walker;
    }

    private static final Set<ProgramType> SLEEPABLE =
            EnumSet.of(ProgramType.TRACING, ProgramType.LSM, ProgramType.KPROBE, ProgramType.STRUCT_OPS);

    /** Rules about the program as a whole. */
    void checkProgram() {
        var type = w.input.type();
        if (type == ProgramType.SYSCALL) {
            if (!w.input.sleepable()) {
                throw w.invalid("Syscall programs can only be sleepable");
            }
            return;
        }
        if (!w.input.sleepable()) {
            return;
        }
        boolean allowed = SLEEPABLE.contains(type);
        if (type == ProgramType.TRACING) {
            allowed = w.input
                    .attachType()
                    .filter(a -> a == AttachType.TRACE_FENTRY
                            || a == AttachType.TRACE_FEXIT
                            || a == AttachType.MODIFY_RETURN
                            || a == AttachType.TRACE_ITER)
                    .isPresent();
        }
        if (!allowed) {
            throw w.invalid("Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable");
        }
    }

    /** Nothing may be held here: references, locks, disabled preemption. */
    void checkLeaks(boolean checkLocks, String what) {
        var state = w.state();
        if (checkLocks && state.activeLocks > 0) {
            throw w.invalid("%s cannot be used inside bpf_spin_lock-ed region", what);
        }
        if (state.current().number == 0 || !"BPF_EXIT instruction in main prog".equals(what)) {
            boolean leaked = false;
            if (state.current().number == 0) {
                for (var reference : state.references) {
                    if (reference.kind() == PathState.Reference.Kind.OBJECT) {
                        w.log.line("Unreleased reference id=" + reference.id() + " alloc_insn=" + reference.insn());
                        leaked = true;
                    }
                }
            }
            if (leaked) {
                throw w.invalid("%s would lead to reference leak", what);
            }
        }
        if (checkLocks && state.activeIrqId != 0) {
            throw w.invalid("%s cannot be used inside bpf_local_irq_save-ed region", what);
        }
        if (checkLocks && state.activeRcuLocks > 0) {
            throw w.invalid("%s cannot be used inside bpf_rcu_read_lock-ed region", what);
        }
        if (checkLocks && state.activePreemptLocks > 0) {
            throw w.invalid("%s cannot be used inside bpf_preempt_disable-ed region", what);
        }
    }

    /** An exit; answers whether the path ends. */
    boolean step(int i) {
        var state = w.state();
        checkLeaks(state.depth() == 0, "BPF_EXIT instruction in main prog");
        if (state.depth() > 0) {
            w.stackLiveness.update(state);
            w.calls.leaveFunction();
            w.stateText.fresh = true;
            return false;
        }
        checkResult();
        return true;
    }

    private record Range(int min, int max) {}

    private void checkResult() {
        var frame = w.state().current();
        var type = w.input.type();
        if (type == ProgramType.LSM && w.kernelObjects.attachedReturnsVoid() && frame.function == 0) {
            return;
        }
        w.checkSource(0);
        if (w.leaksPointer(0)) {
            throw w.denied("R0 leaks addr as return value");
        }
        var reg = w.regs()[0];
        if (frame.inAsyncCallback) {
            enforce(reg, new Range(frame.callbackRetMin, frame.callbackRetMax), "At async callback return");
            return;
        }
        if (frame.function != 0) {
            if (!reg.isScalar()) {
                throw w.invalid("At subprogram exit the register R0 is not a scalar value (%s)", reg.typeName());
            }
            return;
        }
        var range = range(type);
        if (range != null) {
            enforce(reg, range, "At program exit");
        }
    }

    private static final Set<AttachType> ALWAYS_ONE = EnumSet.of(
            AttachType.CGROUP_UDP4_RECVMSG,
            AttachType.CGROUP_UDP6_RECVMSG,
            AttachType.CGROUP_UNIX_RECVMSG,
            AttachType.CGROUP_INET4_GETPEERNAME,
            AttachType.CGROUP_INET6_GETPEERNAME,
            AttachType.CGROUP_UNIX_GETPEERNAME,
            AttachType.CGROUP_INET4_GETSOCKNAME,
            AttachType.CGROUP_INET6_GETSOCKNAME,
            AttachType.CGROUP_UNIX_GETSOCKNAME);

    private @org.jspecify.annotations.Nullable Range range(ProgramType type) {
        var attach = w.input.attachType();
        return switch (type) {
            case CGROUP_SOCK_ADDR -> {
                if (attach.filter(ALWAYS_ONE::contains).isPresent()) {
                    yield new Range(1, 1);
                }
                boolean bind = attach.filter(
                                a -> a == AttachType.CGROUP_INET4_BIND || a == AttachType.CGROUP_INET6_BIND)
                        .isPresent();
                yield new Range(0, bind ? 3 : 1);
            }
            case CGROUP_SKB ->
                new Range(
                        0,
                        attach.filter(a -> a == AttachType.CGROUP_INET_EGRESS).isPresent() ? 3 : 1);
            case CGROUP_SOCK, SOCK_OPS, CGROUP_DEVICE, CGROUP_SYSCTL, CGROUP_SOCKOPT, SK_LOOKUP, NETFILTER ->
                new Range(0, 1);
            case TRACING -> {
                if (attach.isEmpty()) {
                    yield null;
                }
                yield switch (attach.get()) {
                    case TRACE_FENTRY, TRACE_FEXIT -> new Range(0, 0);
                    case TRACE_ITER -> new Range(0, 1);
                    default -> null;
                };
            }
            case LSM -> w.kernelObjects.lsmReturnsBool() ? new Range(0, 1) : null;
            default -> null;
        };
    }

    private void enforce(RegState reg, Range range, String when) {
        if (!reg.isScalar()) {
            throw w.invalid("%s the register R0 is not a known value (%s)", when, reg.typeName());
        }
        w.precision.mark(0);
        if (reg.smin < range.min() || reg.smax > range.max()) {
            throw outside(reg, range.min(), range.max(), when);
        }
    }

    Refusal outside(RegState reg, int min, int max, String when) {
        var text = new StringBuilder(when).append(" the register R0 has");
        boolean unknown = true;
        if (reg.smin > Long.MIN_VALUE) {
            text.append(" smin=").append(reg.smin);
            unknown = false;
        }
        if (reg.smax < Long.MAX_VALUE) {
            text.append(" smax=").append(reg.smax);
            unknown = false;
        }
        if (unknown) {
            text.append(" unknown scalar value");
        }
        return w.invalid("%s should have been in [%d, %d]", text, min, max);
    }
}
