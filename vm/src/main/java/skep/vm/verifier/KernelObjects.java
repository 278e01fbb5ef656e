package skep.vm.verifier;

import skep.isa.kernel.Helper;
import skep.isa.kernel.HelperPrototype.Parameter;

/** Pointers to the kernel's own objects: typed loads by BTF, kernel pointers in maps, locks. */
final class KernelObjects {
    private final Walker w;

    KernelObjects(Walker walker) {
        this.w = walker;
    }

    private static final int TRUSTED_MODIFIERS = Flag.ALLOC.bit | Flag.TRUSTED.bit | Flag.NON_OWN_REF.bit;

    static boolean isTrusted(RegState reg) {
        if (reg.refObjId != 0) {
            return true;
        }
        boolean unsafe = (reg.flags & ~TRUSTED_MODIFIERS) != 0;
        if (reg.kind.isSocket() || reg.kind == RegKind.MAP_PTR) {
            return !unsafe;
        }
        return (reg.flags & TRUSTED_MODIFIERS) != 0 && !unsafe;
    }

    /** A load through a kernel pointer: faults yield zero, so only the type is checked. */
    void access(int regNo, RegState reg, int off, int size, boolean store, int valueNo) {
        if (!w.allowPointerLeaks) {
            throw Refusal.of(
                    w.log,
                    Refusal.EPERM,
                    "'struct %s' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN",
                    reg.struct);
        }
        if (off < 0) {
            throw w.denied("R%d is ptr_%s invalid negative access: off=%d", regNo, reg.struct, off);
        }
        if (!reg.var.isConstant() || reg.var.value() != 0) {
            throw w.denied(
                    "R%d is ptr_%s invalid variable offset: off=%d, var_off=%s", regNo, reg.struct, off, reg.var);
        }
        if (reg.is(Flag.USER)) {
            throw w.denied("R%d is ptr_%s access user memory: off=%d", regNo, reg.struct, off);
        }
        if (reg.is(Flag.PERCPU)) {
            throw w.denied("R%d is ptr_%s access percpu memory: off=%d", regNo, reg.struct, off);
        }
        if (store) {
            throw w.denied("only read is supported");
        }
        w.kernelTypes.load(reg.struct, reg.flags, off, size, valueNo);
    }

    void mapStruct(int regNo, RegState reg, int off, int size, boolean store, int valueNo) {
        var struct = switch (reg.map().type()) {
            case ARRAY, PERCPU_ARRAY, PROG_ARRAY, PERF_EVENT_ARRAY, CGROUP_ARRAY, ARRAY_OF_MAPS -> "bpf_array";
            case HASH, LRU_HASH, PERCPU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS -> "bpf_htab";
            default -> "bpf_map";
        };
        if (!w.allowPointerLeaks) {
            throw Refusal.of(
                    w.log,
                    Refusal.EPERM,
                    "'struct %s' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN",
                    struct);
        }
        if (off < 0) {
            throw w.denied("R%d is %s invalid negative access: off=%d", regNo, struct, off);
        }
        if (store) {
            throw w.denied("only read is supported");
        }
        w.kernelTypes.load(struct, 0, off, size, valueNo);
    }

    /** The context of a program that is typed by the kernel's BTF. */
    void typedContext(int off, int size, boolean store, int valueNo) {
        if (store || off < 0 || off >= 96 || off % size != 0) {
            throw w.denied("invalid bpf_context access off=%d size=%d", off, size);
        }
        w.kernelTypes.context(off, size, valueNo);
    }

    boolean attachedReturnsVoid() {
        return w.kernelTypes.attachedReturnsVoid();
    }

    boolean lsmReturnsBool() {
        return w.kernelTypes.attachedReturnsBool();
    }

    // ---- kernel pointers in map values ----

    void kptr(int i, int regNo, int valueNo, MapDefinition map, SpecialField field) {
        int cls = w.code.cls(i);
        if (w.code.mode(i) != Code.MODE_MEM) {
            throw w.denied("kptr in map can only be accessed using BPF_MEM instruction mode");
        }
        boolean referenced =
                field.kind() == SpecialField.Kind.KPTR_REF || field.kind() == SpecialField.Kind.KPTR_PERCPU;
        if (cls != Code.LDX && referenced) {
            throw w.denied("store to referenced kptr disallowed");
        }
        if (cls != Code.LDX && field.kind() == SpecialField.Kind.UPTR) {
            throw w.denied("store to uptr disallowed");
        }
        if (cls == Code.LDX) {
            var value = w.regs()[valueNo];
            boolean rcu = referenced
                    && (w.state().activeRcuLocks > 0 || !w.state().sleepable)
                    && Kfuncs.isRcuProtected(field.pointee());
            value.markPointer(RegKind.BTF_ID, Flag.MAYBE_NULL.bit | (rcu ? Flag.RCU.bit : Flag.UNTRUSTED.bit));
            value.struct = field.pointee();
            value.id = w.newId();
        } else if (cls == Code.STX) {
            var value = w.regs()[valueNo];
            if (!value.isZero()) {
                checkKptrStore(valueNo, value, field);
            }
        } else if (w.code.imm[i] != 0) {
            throw w.denied("BPF_ST imm must be 0 when storing to kptr at off=%d", field.offBytes());
        }
    }

    private void checkKptrStore(int valueNo, RegState value, SpecialField field) {
        boolean typeOk = value.kind == RegKind.BTF_ID
                && (value.flags & ~(Flag.MAYBE_NULL.bit | Flag.TRUSTED.bit | Flag.RCU.bit | Flag.UNTRUSTED.bit)) == 0;
        if (typeOk) {
            w.memory.checkPlainOffset(valueNo, value, true);
        }
        if (!typeOk || !w.kernelTypes.matches(value.struct, value.off, field.pointee())) {
            throw w.invalid(
                    "invalid kptr access, R%d type=%s%s expected=ptr_%s or untrusted_ptr_%s",
                    valueNo, value.typeName(), value.struct, field.pointee(), field.pointee());
        }
    }

    // ---- locks ----

    void spinLock(int regNo, RegState reg, boolean lock) {
        var word = "bpf_spin";
        if (!reg.var.isConstant()) {
            throw w.invalid("R%d doesn't have constant offset. %s_lock has to be at the constant offset", regNo, word);
        }
        var map = reg.map();
        var field = map.fields().stream()
                .filter(f -> f.kind() == SpecialField.Kind.SPIN_LOCK)
                .findFirst();
        if (field.isEmpty()) {
            throw w.invalid("map '%s' has no valid %s_lock", map.name(), word);
        }
        long at = reg.off + reg.var.value();
        if (field.get().offBytes() != at) {
            throw w.invalid(
                    "off %d doesn't point to 'struct bpf_spin_lock' that is at %d",
                    at, field.get().offBytes());
        }
        var state = w.state();
        var kind = PathState.Reference.Kind.LOCK;
        if (lock) {
            if (state.activeLocks > 0) {
                throw w.invalid("Locking two bpf_spin_locks are not allowed");
            }
            state.references.add(new PathState.Reference(kind, reg.id, w.insn, map));
            state.activeLocks++;
            state.activeLockId = reg.id;
            state.activeLockOwner = map;
            return;
        }
        if (state.activeLocks == 0) {
            throw w.invalid("%s_unlock without taking a lock", word);
        }
        int id = reg.id;
        if (!state.references.removeIf(r -> r.kind() == kind && r.id() == id && r.owner() == map)) {
            throw w.invalid("%s_unlock of different lock", word);
        }
        state.activeLocks--;
        state.activeLockId = 0;
        state.activeLockOwner = null;
    }

    // ---- helper arguments ----

    void checkStruct(int regNo, RegState reg, Parameter parameter, Helper helper) {
        if (reg.maybeNull() && !parameter.nullable()) {
            throw w.denied("Possibly NULL pointer passed to helper arg%d", regNo);
        }
        var wanted = parameter.detail();
        if (wanted.isEmpty()) {
            return;
        }
        if (!w.kernelTypes.matches(reg.struct, reg.off, wanted)) {
            throw w.denied("R%d is of type %s but %s is expected", regNo, reg.struct, wanted);
        }
    }

    void perCpu(RegState r0, RegState argument, int nullable) {
        r0.markPointer(RegKind.BTF_ID, nullable);
        r0.struct = argument.struct;
    }

    // ---- kernel symbols ----

    void resolveSymbol(int i) {
        w.kernelTypes.requireSymbol(w.code.imm[i]);
    }

    void loadSymbol(int i, RegState reg) {
        w.kernelTypes.loadSymbol(w.code.imm[i], reg);
    }
}
