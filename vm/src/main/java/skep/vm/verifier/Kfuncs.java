package skep.vm.verifier;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.isa.kernel.Kfunc;
import skep.isa.kernel.Kfunc.Property;
import skep.isa.kernel.MapType;
import skep.vm.verifier.RegState.IterState;

/** Calls of kernel functions: open-coded iterators, acquired and released objects, critical sections. */
final class Kfuncs {
    private static final Set<String> RCU_PROTECTED =
            Set.of("task_struct", "cgroup", "cpumask", "bpf_cpumask", "prog_test_ref_kfunc");

    private final Walker w;
    private final Map<Integer, Kfunc> bySlot = new HashMap<>();
    private int released;
    private int firstReference;
    private int constant;

    Kfuncs(Walker walker) {
        this.w = walker;
    }

    static boolean isRcuProtected(String struct) {
        return RCU_PROTECTED.contains(struct);
    }

    /** Finds the rows of the functions that the code calls. */
    void resolve() {
        for (int i = 0; i < w.code.length; i++) {
            if (!w.code.isKfuncCall(i)) {
                continue;
            }
            if (!w.isGpl()) {
                throw w.invalid("cannot call kernel function from non-GPL compatible program");
            }
            int slot = i;
            nameAt(i).flatMap(Kfunc::ofName).ifPresent(row -> bySlot.put(slot, row));
        }
    }

    private Optional<String> nameAt(int i) {
        return Optional.ofNullable(w.input.kfuncs().get(w.code.imm[i]));
    }

    BitSet iteratorNexts() {
        var set = new BitSet();
        bySlot.forEach((slot, row) -> {
            if (isIterator(row) && row.name().endsWith("_next")) {
                set.set(slot);
            }
        });
        return set;
    }

    /** Calls of nothing must have turned out to be dead. */
    void checkResolved() {
        for (int i = 0; i < w.code.length; i++) {
            if (w.code.isKfuncCall(i) && w.code.imm[i] == 0 && w.visits[i] > 0) {
                throw w.invalid("invalid kernel function call not eliminated in verifier pass");
            }
        }
    }

    BitSet callbackCalls() {
        return new BitSet();
    }

    private static boolean isIterator(Kfunc row) {
        return row.name().startsWith("bpf_iter_");
    }

    int argumentCount(int i) {
        var row = bySlot.get(i);
        return row == null ? -1 : row.arguments().size();
    }

    boolean allowedUnderLock(int i) {
        var row = bySlot.get(i);
        return row != null && row.name().startsWith("bpf_iter_num_");
    }

    /** One call; answers whether the path ends here. */
    boolean call(int i) {
        var name = nameAt(i);
        if (w.code.imm[i] == 0) {
            // may be dead code: refused at the end if it is not
            w.insn = i + 1;
            return false;
        }
        if (name.isEmpty()) {
            throw w.invalid("kernel btf_id %d is not a function", w.code.imm[i]);
        }
        var row = bySlot.get(i);
        if (row == null || !row.callableFrom(w.input.type())) {
            throw w.denied("calling kernel function %s is not allowed", name.get());
        }
        var state = w.state();
        if (row.has(Property.SLEEP)) {
            if (!state.sleepable) {
                throw w.denied("program must be sleepable to call sleepable kfunc %s", row.name());
            }
            if (state.activeRcuLocks > 0) {
                throw w.denied("kernel func %s is sleepable within rcu_read_lock region", row.name());
            }
            if (state.activePreemptLocks > 0) {
                throw w.denied("kernel func %s is sleepable within non-preemptible region", row.name());
            }
        }
        criticalSections(row);
        if (row.name().equals("bpf_throw")) {
            w.exits.checkLeaks(true, "bpf_throw");
            return true;
        }
        released = 0;
        firstReference = 0;
        constant = 0;
        for (int k = 0; k < row.arguments().size(); k++) {
            argument(i, row, k);
        }
        if (isIterator(row) && row.name().endsWith("_next")) {
            next(i, row);
            return false;
        }
        if (row.has(Property.RELEASE)) {
            var reg = w.regs()[1];
            int id = reg.refObjId;
            if (id == 0 || !w.calls.releaseReference(id)) {
                throw w.invalid("kfunc %s#%d reference has not been acquired before", row.name(), w.code.imm[i]);
            }
        }
        var slice = row.name().startsWith("bpf_dynptr_slice") ? w.dynptrs.stateOf(1) : null;
        int sliceDynptr = slice == null ? 0 : slice.id;
        int sliceReference = slice == null ? 0 : slice.refObjId;
        w.forgetCallerSaved();
        result(i, row, sliceDynptr, sliceReference);
        w.insn = i + 1;
        return false;
    }

    private void criticalSections(Kfunc row) {
        var state = w.state();
        switch (row.name()) {
            case "bpf_rcu_read_lock" -> state.activeRcuLocks++;
            case "bpf_rcu_read_unlock" -> {
                if (state.activeRcuLocks == 0) {
                    throw w.invalid("unmatched rcu read unlock (kernel function %s)", row.name());
                }
                state.activeRcuLocks--;
                if (state.activeRcuLocks == 0) {
                    state.eachReg(reg -> {
                        if (reg.is(Flag.RCU)) {
                            reg.flags &= ~(Flag.RCU.bit | Flag.MAYBE_NULL.bit);
                            reg.flags |= Flag.UNTRUSTED.bit;
                        }
                    });
                }
            }
            case "bpf_preempt_disable" -> state.activePreemptLocks++;
            case "bpf_preempt_enable" -> {
                if (state.activePreemptLocks == 0) {
                    throw w.invalid("unmatched attempt to enable preemption (kernel function %s)", row.name());
                }
                state.activePreemptLocks--;
            }
            default -> {}
        }
    }

    // ---- arguments ----

    private void argument(int i, Kfunc row, int k) {
        int regNo = k + 1;
        var text = row.arguments().get(k);
        boolean nullable = text.endsWith("?");
        var word = nullable ? text.substring(0, text.length() - 1) : text;
        w.checkSource(regNo);
        var reg = w.regs()[regNo];
        switch (word) {
            case "any", "const" -> {
                if (!reg.isScalar()) {
                    throw w.invalid("R%d is not a scalar", regNo);
                }
                if (word.equals("const")) {
                    if (!reg.var.isConstant()) {
                        throw w.invalid("R%d must be a known constant", regNo);
                    }
                    w.precision.mark(regNo);
                    constant = (int) reg.var.value();
                    if (row.name().startsWith("bpf_dynptr_slice")) {
                        if (!w.regs()[regNo - 1].isZero()) {
                            w.memory.sizedAccess(regNo, true, true, true);
                        }
                    }
                }
                return;
            }
            case "size" -> {
                w.memory.sizedAccess(regNo, true, true, false);
                return;
            }
            case "ctx" -> {
                boolean packet =
                        reg.kind == RegKind.BTF_ID && reg.struct.equals("sk_buff") && KernelObjects.isTrusted(reg);
                if (reg.kind != RegKind.CTX && !packet) {
                    throw w.invalid("arg#%d expected pointer to ctx, but got %s", k, reg.typeName());
                }
                w.memory.checkPlainOffset(regNo, reg, false);
                return;
            }
            case "map" -> {
                if (reg.kind == RegKind.BTF_ID && reg.struct.equals("bpf_map")) {
                    if (!KernelObjects.isTrusted(reg)) {
                        throw w.invalid("R%d must be referenced or trusted", regNo);
                    }
                    return;
                }
                if (reg.kind != RegKind.MAP_PTR) {
                    throw w.invalid(
                            "kernel function %s args#%d expected pointer to STRUCT bpf_map but R%d has a %s",
                            row.name(), k, regNo, describe(reg));
                }
                if (row.name().startsWith("bpf_arena") && reg.map().type() != MapType.ARENA) {
                    throw w.invalid("arg#%d is not a pointer to arena", k);
                }
                return;
            }
            case "void" -> {
                return;
            }
            case "mem", "out" -> {
                if (reg.isZero() && nullable) {
                    return;
                }
                if (row.arguments().size() <= k + 1 || row.name().startsWith("bpf_iter_bits")) {
                    if (reg.maybeNull() || reg.isScalar()) {
                        throw w.denied(
                                "R%d type=%s expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
                                regNo, reg.typeName());
                    }
                    w.memory.helperAccess(regNo, 8, false, false, false);
                }
                return;
            }
            case "str" -> {
                return;
            }
            case "dynptr" -> {
                w.dynptrs.checkArgument(regNo, "", true);
                return;
            }
            case "newdynptr" -> {
                w.dynptrs.checkNew(regNo);
                var kind = row.name().endsWith("xdp") ? DynptrKind.XDP : DynptrKind.SKB;
                int parent = 0;
                if (row.name().equals("bpf_dynptr_clone")) {
                    var source = w.dynptrs.stateOf(1);
                    kind = source.dynptr;
                    parent = source.refObjId;
                }
                w.dynptrs.create(regNo, kind, i, parent);
                return;
            }
            default -> {}
        }
        if (word.startsWith("new:")) {
            newIterator(i, regNo, word.substring(4), row);
        } else if (word.startsWith("iter:")) {
            checkIterator(i, regNo, word.substring(5), row);
        } else {
            object(row, k, regNo, reg, word, nullable);
        }
    }

    private String describe(RegState reg) {
        return reg.kind == RegKind.BTF_ID ? "pointer to STRUCT " + reg.struct : reg.isScalar() ? "scalar" : "pointer";
    }

    private void object(Kfunc row, int k, int regNo, RegState reg, String struct, boolean nullable) {
        boolean isNull = reg.isZero();
        boolean demandsTrust = row.has(Property.TRUSTED) || row.has(Property.RELEASE) || row.has(Property.RCU);
        if (isNull || reg.maybeNull()) {
            if (!nullable && (demandsTrust || reg.maybeNull() || isNull)) {
                throw w.denied("Possibly NULL pointer passed to trusted arg%d", k);
            }
            if (isNull) {
                return;
            }
        }
        if (row.has(Property.RELEASE) && reg.refObjId == 0) {
            throw w.invalid("release kernel function %s expects refcounted PTR_TO_BTF_ID", row.name());
        }
        if (reg.kind != RegKind.BTF_ID && !reg.kind.isSocket()) {
            if (demandsTrust && (reg.kind == RegKind.STACK || reg.isScalar() || reg.kind == RegKind.MAP_VALUE)) {
                throw w.invalid("arg#%d pointer type STRUCT %s must point to scalar, or struct with scalar", k, struct);
            }
            throw w.invalid("arg#%d is %s expected %s", k, reg.typeName(), "pointer to STRUCT " + struct);
        }
        if (demandsTrust && !KernelObjects.isTrusted(reg)) {
            if (!row.has(Property.RCU)) {
                throw w.invalid("R%d must be referenced or trusted", regNo);
            }
            if (!reg.is(Flag.RCU)) {
                throw w.invalid("R%d must be a rcu pointer", regNo);
            }
        }
        if (row.has(Property.RELEASE) && reg.off != 0) {
            throw w.invalid("R%d must have zero offset when passed to release func or trusted arg to kfunc", regNo);
        }
        w.memory.checkPlainOffset(regNo, reg, true);
        boolean compatible = reg.struct.equals(struct)
                || (struct.equals("cpumask") && reg.struct.equals("bpf_cpumask"))
                || w.kernelTypes.matches(reg.struct, reg.off, struct);
        if (!compatible) {
            throw w.invalid(
                    "kernel function %s args#%d expected pointer to STRUCT %s but R%d has a pointer to STRUCT %s",
                    row.name(), k, struct, regNo, reg.struct);
        }
        if (reg.refObjId != 0) {
            firstReference = reg.refObjId;
        }
    }

    // ---- iterators ----

    private static int slotsOf(String iterator) {
        return switch (iterator) {
            case "num" -> 1;
            case "bits" -> 2;
            case "task_vma", "css_task" -> 1;
            default -> 3;
        };
    }

    private int spiOf(int regNo, int slots, int k) {
        var reg = w.regs()[regNo];
        if (reg.kind != RegKind.STACK) {
            throw w.invalid("arg#%d expected pointer to an iterator on stack", k);
        }
        if (!reg.var.isConstant()) {
            throw w.invalid("iterator has to be at a constant offset");
        }
        long off = reg.off + reg.var.value();
        int spi = (int) ((-off - 1) / 8);
        if (off % 8 != 0 || off >= 0 || spi < slots - 1) {
            throw w.invalid("cannot pass in iterator at an offset=%d", off);
        }
        return spi;
    }

    private void newIterator(int i, int regNo, String iterator, Kfunc row) {
        int slots = slotsOf(iterator);
        int spi = spiOf(regNo, slots, regNo - 1);
        var frame = w.state().frame(w.regs()[regNo].frame);
        for (int s = spi; s > spi - slots && s >= 0; s--) {
            if (s < frame.stack.length && frame.stack[s].types[7] == StackSlot.ITER) {
                throw w.invalid("expected uninitialized iter_%s as arg #%d", iterator, regNo - 1);
            }
        }
        for (int s = 0; s < slots * 8; s += 8) {
            w.memory.access(i, regNo, s, 8, true, MemoryAccess.NO_REG, false, false);
        }
        boolean rcu = row.has(Property.RCU);
        int id = w.calls.acquireReference(i);
        for (int s = 0; s < slots; s++) {
            var slot = frame.stack[spi - s];
            slot.fill(StackSlot.ITER);
            slot.spilled.markPointer(RegKind.STACK, rcu ? Flag.RCU.bit : Flag.TRUSTED.bit);
            slot.spilled.refObjId = s == 0 ? id : 0;
            slot.spilled.iterator = iterator;
            slot.spilled.iterState = IterState.ACTIVE;
            slot.spilled.iterDepth = 0;
            w.stackLiveness.write(frame.number, spi - s);
        }
    }

    private void checkIterator(int i, int regNo, String iterator, Kfunc row) {
        int slots = slotsOf(iterator);
        int spi = spiOf(regNo, slots, regNo - 1);
        var frame = w.state().frame(w.regs()[regNo].frame);
        for (int s = 0; s < slots; s++) {
            boolean valid = spi - s >= 0
                    && spi < frame.stack.length
                    && frame.stack[spi - s].all(StackSlot.ITER)
                    && frame.stack[spi - s].spilled.iterator.equals(iterator)
                    && (s == 0) == (frame.stack[spi - s].spilled.refObjId != 0);
            if (!valid) {
                throw w.invalid("expected an initialized iter_%s as arg #%d", iterator, regNo - 1);
            }
            w.stackLiveness.read(frame.number, spi - s);
            w.stateText.touchSlot(spi - s);
        }
        firstReference = frame.stack[spi].spilled.refObjId;
        if (row.name().endsWith("_destroy")) {
            w.state().removeReference(firstReference);
            for (int s = 0; s < slots; s++) {
                frame.stack[spi - s].clear();
                w.stackLiveness.write(frame.number, spi - s);
            }
        }
    }

    /** {@code next}: one path on which there is a further element, one on which there is none. */
    private void next(int i, Kfunc row) {
        var state = w.state();
        var pointer = state.regs()[1];
        int spi = (int) (-(pointer.off + pointer.var.value()) - 1) / 8;
        int frameNo = pointer.frame;
        var slot = state.frame(frameNo).stack[spi];
        int reference = slot.spilled.refObjId;
        if (slot.spilled.iterState != IterState.DRAINED) {
            var previous = w.pruning.entryBefore(state, i);
            var active = w.push(i + 1, i, false);
            var activeSlot = active.frame(frameNo).stack[spi];
            activeSlot.spilled.iterState = IterState.ACTIVE;
            activeSlot.spilled.iterDepth++;
            if (previous != null) {
                w.pruning.widenImprecise(previous, active);
            }
            var regs = active.regs();
            for (int r = 0; r <= 5; r++) {
                regs[r].markNotInit();
            }
            var r0 = regs[0];
            if (row.result().equals("mem")) {
                r0.markPointer(RegKind.MEM, Flag.RDONLY.bit);
                r0.memSize = row.name().contains("num") || row.name().contains("bits") ? 4 : 8;
                if (row.name().contains("bits") || row.name().contains("num")) {
                    r0.flags = 0;
                    r0.flags |= Flag.RDONLY.bit;
                }
            } else {
                r0.markPointer(
                        RegKind.BTF_ID,
                        w.state().activeRcuLocks > 0 || !state.sleepable ? Flag.RCU.bit : Flag.TRUSTED.bit);
                r0.struct = row.result().substring(4);
            }
            r0.refObjId = reference;
        }
        slot.spilled.iterState = IterState.DRAINED;
        w.forgetCallerSaved();
        var r0 = w.regs()[0];
        w.markUnknown(r0);
        r0.setConstant(0);
        w.insn = i + 1;
    }

    // ---- results ----

    private void result(int i, Kfunc row, int sliceDynptr, int sliceReference) {
        var r0 = w.regs()[0];
        int nullable = row.has(Property.NULL) ? Flag.MAYBE_NULL.bit : 0;
        var kind = row.result();
        switch (kind) {
            case "int" -> w.markUnknown(r0);
            case "void" -> r0.markNotInit();
            case "arena" -> {
                w.markUnknown(r0);
                r0.kind = RegKind.ARENA;
            }
            case "mem" -> {
                boolean slice = row.name().startsWith("bpf_dynptr_slice");
                r0.markPointer(RegKind.MEM, nullable | (slice && !row.name().endsWith("rdwr") ? Flag.RDONLY.bit : 0));
                r0.memSize = constant;
                r0.dynptrId = sliceDynptr;
                r0.refObjId = sliceReference;
            }
            case "cast" -> castReadOnly(r0);
            case "kernctx" -> {
                r0.markPointer(RegKind.BTF_ID, Flag.TRUSTED.bit);
                r0.struct = kernelContext();
            }
            default -> {
                r0.markPointer(RegKind.BTF_ID, nullable);
                r0.struct = kind.substring(4);
            }
        }
        if (nullable != 0) {
            r0.id = w.newId();
        }
        if (row.has(Property.ACQUIRE)) {
            int id = w.calls.acquireReference(i);
            if (nullable != 0) {
                r0.id = id;
            }
            r0.refObjId = id;
        }
    }

    private void castReadOnly(RegState r0) {
        var types = w.input.kernelTypes();
        if (constant == 0) {
            r0.markPointer(RegKind.MEM, Flag.RDONLY.bit | Flag.UNTRUSTED.bit);
            r0.memSize = 0;
            return;
        }
        if (types.isEmpty() || constant >= types.get().endId()) {
            throw w.invalid("Unknown type ID %d passed to kfunc bpf_rdonly_cast", constant);
        }
        r0.markPointer(RegKind.BTF_ID, Flag.UNTRUSTED.bit);
        r0.struct = types.get().name(constant);
    }

    private String kernelContext() {
        return switch (w.input.type()) {
            case XDP -> "xdp_buff";
            case SCHED_CLS, SCHED_ACT, SOCKET_FILTER, CGROUP_SKB, LWT_IN, LWT_OUT, LWT_XMIT, SK_SKB -> "sk_buff";
            case CGROUP_SOCK_ADDR -> "bpf_sock_addr_kern";
            case KPROBE -> "pt_regs";
            case PERF_EVENT -> "bpf_perf_event_data_kern";
            default -> "bpf_raw_tracepoint_args";
        };
    }
}
