package skep.vm.verifier;

import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Helper;
import skep.isa.kernel.HelperAccess;
import skep.isa.kernel.HelperPrototype;
import skep.isa.kernel.HelperPrototype.Kind;
import skep.isa.kernel.HelperPrototype.Parameter;
import skep.isa.kernel.HelperPrototype.Property;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;

/** Calls: of functions of the program, of helpers by their prototypes, and of callbacks by helpers. */
final class Calls {
    private static final int MAX_ERRNO = 4095;
    private static final int MAX_LOOPS = 1 << 23;

    private final Walker w;
    private final Code code;

    /** Functions that timers run, by index. */
    final BitSet asyncEntries = new BitSet();

    Calls(Walker walker) {
        this.w = walker;
        this.code = walker.code;
    }

    // what the arguments of the helper call in hand have told so far
    private @Nullable MapDefinition map;
    private int mapUid;
    private int refObjId;
    private int releaseReg;
    private long memSize;
    private long sizeMax;
    private int function;
    private long constKey;
    private int fillReg;
    private int fillSize;
    private @Nullable RegState dynptrArg;
    private String kptrStruct = "";

    /** How many registers a call reads, or -1 where only the walk can tell. */
    int argumentCount(int i) {
        if (code.isHelperCall(i)) {
            return code.helper(i)
                    .filter(this::available)
                    .map(h -> h.prototype(w.input.type()).parameters().size())
                    .orElse(-1);
        }
        return code.isKfuncCall(i) ? w.kfuncs.argumentCount(i) : -1;
    }

    /** One call; answers whether the path ends here. */
    boolean step(int i) {
        if (w.lockHeld()) {
            boolean allowed = code.isFunctionCall(i)
                    || (code.isHelperCall(i)
                            && (code.imm[i] == Helper.SPIN_UNLOCK.number() || code.imm[i] == Helper.KPTR_XCHG.number()))
                    || (code.isKfuncCall(i) && w.kfuncs.allowedUnderLock(i));
            if (!allowed) {
                throw w.invalid("function calls are not allowed while holding a lock");
            }
        }
        if (code.isFunctionCall(i)) {
            callFunction(i);
            return false;
        }
        if (code.isKfuncCall(i)) {
            return w.kfuncs.call(i);
        }
        callHelper(i);
        return false;
    }

    // ---- functions of the program ----

    private void callFunction(int i) {
        int callee = w.flow.functionStartingAt(i + code.imm[i] + 1);
        if (w.isGlobal(callee)) {
            callGlobal(i, callee);
            return;
        }
        var state = w.state();
        var caller = state.current();
        var frame = enter(state, callee, i);
        for (int r = 1; r <= 5; r++) {
            frame.regs[r].set(caller.regs[r]);
        }
        for (int r = 0; r <= 5; r++) {
            caller.regs[r].markNotInit();
        }
        w.insn = w.flow.functionStarts[callee];
        w.stackLiveness.leave();
        w.stateText.say("caller:\n");
        w.stateText.all(state, state.depth() - 1);
        w.stateText.say("callee:\n");
        w.stateText.all(state, state.depth());
    }

    private Frame enter(PathState state, int callee, int callsite) {
        if (state.depth() + 1 >= PathState.MAX_FRAMES) {
            throw Refusal.of(w.log, Refusal.E2BIG, "the call stack of %d frames is too deep", state.depth() + 2);
        }
        var frame = new Frame(callsite, state.depth() + 1, callee);
        frame.asyncEntries = state.current().asyncEntries;
        state.frames.add(frame);
        w.stateText.touchAll();
        return frame;
    }

    private void callGlobal(int i, int callee) {
        var info = w.functionInfo(callee).orElseThrow();
        if (w.lockHeld()) {
            throw w.invalid("global function calls are not allowed while holding a lock,\nuse static function instead");
        }
        w.calledGlobals.set(callee);
        try {
            checkGlobalArguments(info);
        } catch (Refusal refusal) {
            throw Refusal.of(
                    w.log, refusal.errno, "Caller passes invalid args into func#%d ('%s')", callee, info.name());
        }
        w.forgetCallerSaved();
        w.markUnknown(w.regs()[0]);
        if (w.flow.changesPacket.get(callee)) {
            forgetPackets();
        }
        w.insn = i + 1;
    }

    private void checkGlobalArguments(VerifierInput.FunctionInfo info) {
        int regNo = 1;
        for (var parameter : info.parameters()) {
            w.checkSource(regNo);
            var reg = w.regs()[regNo];
            switch (parameter.kind()) {
                case SCALAR -> {
                    if (!reg.isScalar()) {
                        throw w.invalid("R%d is not a scalar", regNo);
                    }
                }
                case CONTEXT -> {
                    if (reg.kind != RegKind.CTX) {
                        throw w.invalid("arg#%d expects pointer to ctx", regNo - 1);
                    }
                    w.memory.checkPlainOffset(regNo, reg, false);
                }
                case MEMORY -> {
                    boolean null0 = reg.isZero() || reg.maybeNull();
                    if (parameter.nonNull() && null0) {
                        throw w.invalid("arg#%d is expected to be non-NULL", regNo - 1);
                    }
                    if (!reg.isZero()) {
                        int flags = reg.flags;
                        reg.flags &= ~Flag.MAYBE_NULL.bit;
                        w.memory.helperAccess(regNo, parameter.sizeBytes(), true, false, false);
                        reg.flags = flags;
                    }
                }
                case KERNEL_TRUSTED, KERNEL_UNTRUSTED -> {
                    if (reg.isZero() || reg.maybeNull()) {
                        if (parameter.nonNull()) {
                            throw w.denied("Possibly NULL pointer passed to trusted arg%d", regNo - 1);
                        }
                    } else if (reg.kind != RegKind.BTF_ID) {
                        throw w.denied("R%d type=%s expected=ptr_, trusted_ptr_, rcu_ptr_", regNo, reg.typeName());
                    }
                }
                case DYNPTR -> w.dynptrs.checkArgument(regNo, "", true);
                case ARENA -> {
                    if (reg.kind != RegKind.ARENA && !reg.isScalar()) {
                        throw w.invalid("R%d is not a pointer to arena or scalar.", regNo);
                    }
                }
            }
            regNo++;
        }
    }

    /** The registers at the entry of a function that is verified on its own. */
    void enterGlobal(int callee, Frame frame) {
        int regNo = 1;
        for (var parameter : w.functionInfo(callee).orElseThrow().parameters()) {
            var reg = frame.regs[regNo++];
            int nullable = parameter.nonNull() ? 0 : Flag.MAYBE_NULL.bit;
            switch (parameter.kind()) {
                case SCALAR -> w.markUnknown(reg);
                case CONTEXT -> reg.markPointer(RegKind.CTX, 0);
                case MEMORY -> {
                    reg.markPointer(RegKind.MEM, nullable);
                    reg.memSize = parameter.sizeBytes();
                    reg.id = nullable != 0 ? w.newId() : 0;
                }
                case KERNEL_TRUSTED, KERNEL_UNTRUSTED -> {
                    boolean trusted = parameter.kind() == VerifierInput.Parameter.Kind.KERNEL_TRUSTED;
                    reg.markPointer(RegKind.BTF_ID, nullable | (trusted ? Flag.TRUSTED.bit : Flag.UNTRUSTED.bit));
                    reg.struct = parameter.struct();
                    reg.id = nullable != 0 ? w.newId() : 0;
                }
                case DYNPTR -> {
                    reg.markPointer(RegKind.DYNPTR, 0);
                    reg.dynptr = DynptrKind.LOCAL;
                    reg.firstSlot = true;
                    reg.id = w.newId();
                }
                case ARENA -> reg.markPointer(RegKind.ARENA, 0);
            }
        }
    }

    /** Return from a function to its caller, or from a callback to the helper that called it. */
    void leaveFunction() {
        var state = w.state();
        var callee = state.current();
        var caller = state.frame(state.depth() - 1);
        var result = callee.regs[0];
        if (result.kind == RegKind.STACK) {
            throw w.invalid("cannot return stack pointer to the caller");
        }
        if (!callee.inCallback) {
            if (result.kind == RegKind.NOT_INIT) {
                caller.regs[0].markNotInit();
            }
            caller.regs[0].set(result);
            w.insn = callee.callsite + 1;
            tellReturn(state);
            state.frames.remove(state.depth());
            return;
        }
        w.checkSource(0);
        if (!result.isScalar()) {
            throw w.denied("R0 not a scalar value");
        }
        w.precision.mark(0);
        if (result.smin < callee.callbackRetMin || result.smax > callee.callbackRetMax) {
            throw w.exits.outside(result, callee.callbackRetMin, callee.callbackRetMax, "At callback return");
        }
        w.insn = callee.callsite;
        tellReturn(state);
        state.frames.remove(state.depth());
        var previous = w.pruning.previousEntry(state.parent, callee.callsite);
        if (previous != null) {
            w.pruning.widenImprecise(previous, state);
        }
    }

    private void tellReturn(PathState state) {
        w.stateText.say("returning from callee:\n");
        w.stateText.all(state, state.depth());
        w.stateText.say("to caller at " + w.insn + ":\n");
        w.stateText.all(state, state.depth() - 1);
    }

    void forgetPackets() {
        w.state().eachReg(reg -> {
            if (reg.kind.isPacket() || reg.kind == RegKind.PACKET_END) {
                reg.markNotInit();
                w.markUnknown(reg);
            }
        });
        w.dynptrs.forgetPacketSlices();
    }

    // ---- helpers ----

    /** Uninitialized stack that a helper fills: written after its arguments are checked. */
    void fillAfterCall(int regNo, int size) {
        fillReg = regNo;
        fillSize = size;
    }

    private void resetCall() {
        map = null;
        mapUid = 0;
        refObjId = 0;
        releaseReg = 0;
        memSize = 0;
        sizeMax = 0;
        function = -1;
        constKey = -1;
        fillReg = 0;
        fillSize = 0;
        dynptrArg = null;
        kptrStruct = "";
    }

    static String name(Helper helper) {
        return "bpf_" + helper.kernelName();
    }

    private void callHelper(int i) {
        int number = code.imm[i];
        var found = Helper.ofNumber(number);
        if (found.isEmpty()) {
            throw w.invalid("invalid func unknown#%d", number);
        }
        var helper = found.get();
        var prototype = helper.prototype(w.input.type());
        if (!available(helper)) {
            throw w.invalid("program of this type cannot use helper %s#%d", name(helper), number);
        }
        if (prototype.has(Property.GPL_ONLY) && !w.isGpl()) {
            throw w.invalid("cannot call GPL-restricted function from non-GPL compatible program");
        }
        if (prototype.has(Property.MAY_SLEEP) && !w.state().sleepable) {
            throw w.invalid("helper call might sleep in a non-sleepable prog");
        }
        if (prototype.has(Property.MAY_SLEEP) && w.state().activeRcuLocks > 0) {
            throw w.invalid("sleepable helper %s#%d in rcu_read_lock region", name(helper), number);
        }
        resetCall();
        var parameters = prototype.parameters();
        for (int k = 0; k < parameters.size(); k++) {
            argument(i, helper, prototype, k);
        }
        checkMapOfHelper(helper, number);
        for (int k = 0; k < fillSize; k++) {
            w.memory.access(i, fillReg, k, 1, true, MemoryAccess.NO_REG, false, false);
        }
        release(helper, number);
        special(i, helper);
        var first = new RegState(w.regs()[1]);
        w.forgetCallerSaved();
        result(i, helper, prototype, first);
        if (map != null && !HelperRules.mapFits(map.type(), helper) && !updatesSockmap(map, helper)) {
            throw w.invalid(
                    "cannot pass map_type %d into func %s#%d", map.type().number(), name(helper), number);
        }
        w.insn = i + 1;
        if (helper == Helper.TAIL_CALL) {
            leaveByTailCall(i);
        } else if (HelperRules.changesPacketData(helper)) {
            forgetPackets();
        }
    }

    /** A tail call that succeeds ends the function; one that fails goes on. */
    private void leaveByTailCall(int i) {
        if (w.state().depth() == 0) {
            return;
        }
        w.push(i + 1, i, false);
        forgetPackets();
        w.markUnknown(w.regs()[0]);
        leaveFunction();
    }

    private boolean available(Helper helper) {
        boolean perfmon = w.allowPointerLeaks;
        if (!HelperAccess.allows(w.input.type(), helper, w.bpfCapable, perfmon)) {
            return false;
        }
        var type = w.input.type();
        var attach = w.input.attachType();
        return switch (helper) {
            case SEQ_PRINTF, SEQ_WRITE, SEQ_PRINTF_BTF ->
                attach.filter(a -> a == AttachType.TRACE_ITER).isPresent();
            case GET_FUNC_RET ->
                attach.filter(a -> a != AttachType.TRACE_RAW_TP && a != AttachType.TRACE_ITER)
                        .isPresent();
            case BIND ->
                attach.filter(a -> a == AttachType.CGROUP_INET4_CONNECT || a == AttachType.CGROUP_INET6_CONNECT)
                        .isPresent();
            case TASK_STORAGE_GET, TASK_STORAGE_DELETE -> type != ProgramType.KPROBE || perfmon;
            default -> true;
        };
    }

    private boolean updatesSockmap(MapDefinition target, Helper helper) {
        boolean sockets = target.type() == MapType.SOCKMAP || target.type() == MapType.SOCKHASH;
        if (!sockets || (helper != Helper.MAP_UPDATE_ELEM && helper != Helper.MAP_DELETE_ELEM)) {
            return false;
        }
        boolean allowed = switch (w.input.type()) {
            case TRACING ->
                w.input.attachType().filter(a -> a == AttachType.TRACE_ITER).isPresent();
            case SOCK_OPS -> helper == Helper.MAP_DELETE_ELEM;
            case SOCKET_FILTER, SCHED_CLS, SCHED_ACT, XDP, SK_REUSEPORT, FLOW_DISSECTOR, SK_LOOKUP -> true;
            default -> false;
        };
        if (!allowed) {
            w.log.line("cannot update sockmap in this context");
        }
        return allowed;
    }

    private void checkMapOfHelper(Helper helper, int number) {
        var target = map;
        if (target == null) {
            return;
        }
        boolean writes = switch (helper) {
            case MAP_DELETE_ELEM, MAP_UPDATE_ELEM, MAP_PUSH_ELEM, MAP_POP_ELEM -> true;
            default -> false;
        };
        if (writes && (target.flags() & MapDefinition.RDONLY_PROG) != 0) {
            throw w.denied("write into map forbidden");
        }
    }

    // ---- arguments ----

    private void argument(int i, Helper helper, HelperPrototype prototype, int k) {
        var parameter = prototype.parameters().get(k);
        int regNo = k + 1;
        w.checkSource(regNo);
        var reg = w.regs()[regNo];
        if (parameter.kind() == Kind.ANYTHING) {
            if (w.leaksPointer(regNo)) {
                throw w.denied("R%d leaks addr into helper function", regNo);
            }
            return;
        }
        if (reg.kind.isPacket()
                && !(prototype.has(Property.PACKET_ACCESS)
                        ? w.memory.packetAccess(false)
                        : w.memory.packetAccess(false) && !packetHelperRestricted())) {
            throw w.denied("helper access to the packet is not allowed");
        }
        boolean skipTypes = reg.isZero() && parameter.nullable();
        if (!skipTypes) {
            checkType(regNo, reg, parameter, helper);
            checkOffset(regNo, reg, parameter);
        }
        if (parameter.release()) {
            checkRelease(regNo, reg, parameter);
        }
        if (reg.refObjId != 0 && parameter.kind() != Kind.KPTR) {
            if (refObjId != 0) {
                throw w.denied("more than one arg with ref_obj_id R%d %d %d", regNo, reg.refObjId, refObjId);
            }
            refObjId = reg.refObjId;
        }
        check(i, helper, prototype, k, parameter, regNo, reg);
    }

    /** Packets may be passed only to helpers that say so. */
    private boolean packetHelperRestricted() {
        return switch (w.input.type()) {
            case CGROUP_SOCKOPT -> false;
            default -> true;
        };
    }

    private void check(
            int i, Helper helper, HelperPrototype prototype, int k, Parameter parameter, int regNo, RegState reg) {
        switch (parameter.kind()) {
            case MAP -> {
                if (map != null && (map != reg.map() || mapUid != reg.mapUid)) {
                    throw w.invalid(
                            "timer pointer in R1 map_uid=%d doesn't match map pointer in R2 map_uid=%d",
                            mapUid, reg.mapUid);
                }
                map = reg.map();
                mapUid = reg.mapUid;
            }
            case MAP_KEY -> {
                if (map == null) {
                    throw w.denied("invalid map_ptr to access map->key");
                }
                w.memory.helperAccess(regNo, map.keySizeBytes(), false, false, false);
                if (map.type() == MapType.ARRAY || map.type() == MapType.PERCPU_ARRAY) {
                    constKey = constantKey(reg, map.keySizeBytes());
                }
            }
            case MAP_VALUE -> {
                if (parameter.nullable() && reg.isZero()) {
                    return;
                }
                if (map == null) {
                    throw w.denied("invalid map_ptr to access map->value");
                }
                if (map.type() == MapType.SOCKMAP || map.type() == MapType.SOCKHASH) {
                    return;
                }
                w.memory.helperAccess(regNo, map.valueSizeBytes(), parameter.writes(), false, !parameter.reads());
            }
            case MEMORY -> {
                if (parameter.sizeBytes() > 0) {
                    w.memory.helperAccess(regNo, parameter.sizeBytes(), parameter.writes(), false, !parameter.reads());
                    if (parameter.writes()) {
                        checkAligned(reg, parameter.sizeBytes());
                    }
                }
            }
            case SIZE, SIZE_OR_ZERO -> {
                sizeMax = reg.umax;
                var memory = prototype.parameters().get(k - 1);
                w.memory.sizedAccess(regNo, memory.writes(), parameter.kind() == Kind.SIZE_OR_ZERO, !memory.reads());
            }
            case ALLOC_SIZE, ALLOC_SIZE_OR_ZERO -> {
                if (!reg.var.isConstant()) {
                    throw w.denied("R%d is not a known constant'", regNo);
                }
                memSize = reg.var.value();
                w.precision.mark(regNo);
            }
            case PERCPU_BTF -> {}
            case SPIN_LOCK -> w.kernelObjects.spinLock(regNo, reg, helper == Helper.SPIN_LOCK);
            case TIMER -> timer(regNo, reg);
            case FUNCTION -> function = reg.function;
            case CONST_STRING -> constantString(regNo, reg);
            case KPTR -> kptr(regNo, reg);
            case DYNPTR -> {
                if (parameter.reads()) {
                    w.dynptrs.checkArgument(regNo, parameter.detail(), !parameter.writes());
                } else {
                    w.dynptrs.checkNew(regNo);
                }
                dynptrArg = w.dynptrs.stateOf(regNo);
            }
            default -> {}
        }
    }

    private void checkAligned(RegState reg, int size) {
        if (reg.kind == RegKind.STACK && !reg.var.plus(Tnum.constant(reg.off)).isAligned(size)) {
            throw w.denied("misaligned stack access off %s+%d+%d size %d", reg.var, reg.off, 0, size);
        }
    }

    /** The key of an array look-up, if it is one known number; -1 otherwise. */
    private long constantKey(RegState key, int keySize) {
        if (key.kind != RegKind.STACK || !key.var.isConstant()) {
            return -1;
        }
        int byteNo = (int) -(key.off + key.var.value()) - 1;
        var frame = w.state().frame(key.frame);
        int spi = byteNo / 8;
        if (spi >= frame.stack.length) {
            return -1;
        }
        var slot = frame.stack[spi];
        int at = byteNo & 7;
        int zeroes = 0;
        for (int b = at; b >= 0 && slot.types[b] == StackSlot.ZERO; b--) {
            zeroes++;
        }
        if (zeroes >= keySize) {
            return 0;
        }
        if (!slot.isSpilledScalar()) {
            return -1;
        }
        int spilled = 0;
        for (int b = at; b >= 0 && slot.types[b] == StackSlot.SPILL; b--) {
            spilled++;
        }
        if (spilled != keySize || !slot.spilled.var.isConstant()) {
            return -1;
        }
        w.precision.markSlot(key.frame, spi);
        return slot.spilled.var.value();
    }

    private void checkRelease(int regNo, RegState reg, Parameter parameter) {
        if (parameter.kind() == Kind.DYNPTR) {
            if (reg.kind != RegKind.STACK) {
                throw w.invalid("cannot release unowned const bpf_dynptr");
            }
            if (!w.dynptrs.isAcquired(regNo)) {
                throw w.invalid("arg %d is an unacquired reference", regNo);
            }
        } else if (reg.refObjId == 0 && !reg.isZero()) {
            throw w.invalid("R%d must be referenced when passed to release function", regNo);
        }
        releaseReg = regNo;
    }

    private void checkOffset(int regNo, RegState reg, Parameter parameter) {
        if (parameter.release()) {
            if (parameter.kind() == Kind.DYNPTR && reg.kind == RegKind.STACK) {
                return;
            }
            if (reg.off != 0) {
                throw w.invalid("R%d must have zero offset when passed to release func or trusted arg to kfunc", regNo);
            }
            w.memory.checkPlainOffset(regNo, reg, false);
            return;
        }
        switch (reg.kind) {
            case STACK, PACKET, PACKET_META, MAP_KEY, MAP_VALUE, MEM, BUF, ARENA, SCALAR -> {}
            case BTF_ID -> w.memory.checkPlainOffset(regNo, reg, true);
            default -> w.memory.checkPlainOffset(regNo, reg, false);
        }
    }

    private record Type(RegKind kind, int flags) {
        @Override
        public String toString() {
            return kind.name(flags);
        }
    }

    private static Type type(RegKind kind, Flag... flags) {
        int bits = 0;
        for (var flag : flags) {
            bits |= flag.bit;
        }
        return new Type(kind, bits);
    }

    private static final List<Type> MEMORY = List.of(
            type(RegKind.STACK),
            type(RegKind.PACKET),
            type(RegKind.PACKET_META),
            type(RegKind.MAP_KEY),
            type(RegKind.MAP_VALUE),
            type(RegKind.MEM),
            type(RegKind.MEM, Flag.RINGBUF),
            type(RegKind.BUF),
            type(RegKind.BTF_ID, Flag.TRUSTED));
    private static final List<Type> SCALAR = List.of(type(RegKind.SCALAR));
    private static final List<Type> SOCKETS =
            List.of(type(RegKind.SOCK_COMMON), type(RegKind.SOCKET), type(RegKind.TCP_SOCK), type(RegKind.XDP_SOCK));
    private static final List<Type> BTF_SOCKETS = List.of(
            type(RegKind.SOCK_COMMON),
            type(RegKind.SOCKET),
            type(RegKind.TCP_SOCK),
            type(RegKind.XDP_SOCK),
            type(RegKind.BTF_ID),
            type(RegKind.BTF_ID, Flag.TRUSTED));
    private static final List<Type> BTF =
            List.of(type(RegKind.BTF_ID), type(RegKind.BTF_ID, Flag.TRUSTED), type(RegKind.BTF_ID, Flag.RCU));
    private static final List<Type> PERCPU = List.of(
            type(RegKind.BTF_ID, Flag.PERCPU),
            type(RegKind.BTF_ID, Flag.PERCPU, Flag.RCU),
            type(RegKind.BTF_ID, Flag.PERCPU, Flag.TRUSTED));

    private static List<Type> accepted(Kind kind) {
        return switch (kind) {
            case ANYTHING -> List.of();
            case CONTEXT -> List.of(type(RegKind.CTX));
            case MAP -> List.of(type(RegKind.MAP_PTR));
            case MAP_KEY, MAP_VALUE, MEMORY -> MEMORY;
            case SIZE, SIZE_OR_ZERO, ALLOC_SIZE, ALLOC_SIZE_OR_ZERO -> SCALAR;
            case SPIN_LOCK -> List.of(type(RegKind.MAP_VALUE), type(RegKind.BTF_ID, Flag.ALLOC));
            case SOCK_COMMON -> SOCKETS;
            case BTF_SOCK_COMMON -> BTF_SOCKETS;
            case SOCKET -> List.of(type(RegKind.SOCKET), type(RegKind.BTF_ID, Flag.TRUSTED));
            case BTF -> BTF;
            case RINGBUF_MEMORY -> List.of(type(RegKind.MEM, Flag.RINGBUF));
            case PERCPU_BTF -> PERCPU;
            case FUNCTION -> List.of(type(RegKind.FUNC));
            case STACK -> List.of(type(RegKind.STACK));
            case CONST_STRING, TIMER -> List.of(type(RegKind.MAP_VALUE));
            case KPTR ->
                List.of(
                        type(RegKind.MAP_VALUE),
                        type(RegKind.BTF_ID, Flag.ALLOC),
                        type(RegKind.BTF_ID, Flag.ALLOC, Flag.RCU));
            case DYNPTR -> List.of(type(RegKind.STACK), type(RegKind.DYNPTR));
        };
    }

    private void checkType(int regNo, RegState reg, Parameter parameter, Helper helper) {
        int flags = reg.flags;
        boolean onlyRead = !parameter.writes();
        if (onlyRead) {
            flags &= ~Flag.RDONLY.bit;
        }
        if (parameter.nullable()) {
            flags &= ~Flag.MAYBE_NULL.bit;
        }
        if (parameter.kind() == Kind.MAP_VALUE && map != null) {
            var sockets = map.type() == MapType.SOCKMAP || map.type() == MapType.SOCKHASH;
            if (sockets && helper != Helper.SOCK_MAP_UPDATE && helper != Helper.SOCK_HASH_UPDATE) {
                checkAmong(regNo, reg, flags, BTF_SOCKETS);
                return;
            }
        }
        boolean dynptrMemory = parameter.kind() == Kind.RINGBUF_MEMORY;
        checkAmong(regNo, reg, dynptrMemory ? flags & ~Flag.ALLOC.bit : flags, accepted(parameter.kind()));
        if (reg.kind == RegKind.BTF_ID) {
            w.kernelObjects.checkStruct(regNo, reg, parameter, helper);
        }
    }

    private void checkAmong(int regNo, RegState reg, int flags, List<Type> types) {
        for (var type : types) {
            if (type.kind() == reg.kind && type.flags() == flags) {
                return;
            }
        }
        var list = new StringBuilder();
        for (var type : types) {
            list.append(list.isEmpty() ? "" : ", ").append(type);
        }
        throw w.denied("R%d type=%s expected=%s", regNo, reg.typeName(), list);
    }

    private void timer(int regNo, RegState reg) {
        if (!reg.var.isConstant()) {
            throw w.invalid("R%d doesn't have constant offset. bpf_timer has to be at the constant offset", regNo);
        }
        var owner = reg.map();
        var field = owner.fields().stream()
                .filter(f -> f.kind() == SpecialField.Kind.TIMER)
                .findFirst();
        if (field.isEmpty()) {
            throw w.invalid("map '%s' is not a struct type or bpf_timer is mangled", owner.name());
        }
        long at = reg.var.value() + reg.off;
        if (field.get().offBytes() != at) {
            throw w.invalid(
                    "off %d doesn't point to 'struct bpf_timer' that is at %d",
                    at, field.get().offBytes());
        }
        mapUid = reg.mapUid;
        map = owner;
    }

    private void kptr(int regNo, RegState reg) {
        if (!reg.var.isConstant()) {
            throw w.invalid("R%d doesn't have constant offset. kptr has to be at the constant offset", regNo);
        }
        var owner = reg.map();
        long at = reg.off + reg.var.value();
        var field = owner.fields().stream()
                .filter(f -> f.kind().isKptr() && f.offBytes() == at)
                .findFirst();
        if (owner.fields().stream().noneMatch(f -> f.kind().isKptr())) {
            throw w.invalid("map '%s' has no valid kptr", owner.name());
        }
        if (field.isEmpty()) {
            throw w.denied("off=%d doesn't point to kptr", at);
        }
        if (field.get().kind() == SpecialField.Kind.KPTR_UNTRUSTED) {
            throw w.denied("off=%d kptr isn't referenced kptr", at);
        }
        kptrStruct = field.get().pointee();
    }

    private void constantString(int regNo, RegState reg) {
        var owner = reg.map();
        if ((owner.flags() & MapDefinition.RDONLY_PROG) == 0) {
            throw w.denied("R%d does not point to a readonly map", regNo);
        }
        if (!reg.var.isConstant()) {
            throw w.denied("R%d is not a constant address'", regNo);
        }
        if (owner.constants().isEmpty()) {
            throw w.denied("no direct value access support for this map type");
        }
        long off = reg.off + reg.var.value();
        w.memory.checkMapAccess(regNo, reg, reg.off, owner.valueSizeBytes() - off, false, false);
        for (long at = off; at < owner.valueSizeBytes(); at++) {
            if (owner.constants().get().read((int) at, 1) == 0) {
                return;
            }
        }
        throw w.invalid("string is not zero-terminated");
    }

    // ---- effects ----

    private void release(Helper helper, int number) {
        if (releaseReg == 0) {
            return;
        }
        var reg = w.regs()[releaseReg];
        if (helper == Helper.RINGBUF_SUBMIT_DYNPTR || helper == Helper.RINGBUF_DISCARD_DYNPTR) {
            w.dynptrs.release(releaseReg);
            return;
        }
        if (refObjId != 0) {
            if (!releaseReference(refObjId)) {
                throw w.invalid("func %s#%d reference has not been acquired before", name(helper), number);
            }
        } else if (!reg.isZero()) {
            throw w.invalid("func %s#%d reference has not been acquired before", name(helper), number);
        }
    }

    /** The object is gone: every register that points to it is worthless. */
    boolean releaseReference(int id) {
        if (!w.state().removeReference(id)) {
            return false;
        }
        w.state().eachReg(reg -> {
            if (reg.refObjId == id) {
                w.markUnknown(reg);
                if (!w.allowPointerLeaks) {
                    reg.markNotInit();
                }
            }
        });
        return true;
    }

    int acquireReference(int i) {
        int id = w.newId();
        w.state().references.add(new PathState.Reference(PathState.Reference.Kind.OBJECT, id, i, null));
        return id;
    }

    private void special(int i, Helper helper) {
        var regs = w.regs();
        switch (helper) {
            case TAIL_CALL -> {
                var key = regs[3];
                if (key.isConstant() && map != null && Long.compareUnsigned(key.var.value(), map.maxEntries()) < 0) {
                    // the call may be compiled to this one program
                    w.precision.mark(3);
                }
                w.exits.checkLeaks(true, "tail_call");
            }
            case GET_LOCAL_STORAGE -> {
                if (!regs[2].isZero()) {
                    throw w.invalid("get_local_storage() doesn't support non-zero flags");
                }
            }
            case FOR_EACH_MAP_ELEM -> forEach(i);
            case LOOP -> loop(i);
            case FIND_VMA -> findVma(i);
            case USER_RINGBUF_DRAIN -> drain(i);
            case TIMER_SET_CALLBACK -> timerCallback(i);
            case DYNPTR_FROM_MEM -> {
                if (regs[1].kind != RegKind.MAP_VALUE) {
                    throw w.denied("Unsupported reg type %s for bpf_dynptr_from_mem data", regs[1].typeName());
                }
                w.dynptrs.create(4, DynptrKind.LOCAL, i, 0);
            }
            case RINGBUF_RESERVE_DYNPTR -> w.dynptrs.create(4, DynptrKind.RINGBUF, i, 0);
            default -> {}
        }
    }

    private PathState pushCallback(int i, int callee) {
        var state = w.state();
        var callback = w.push(w.flow.functionStarts[callee], i, false);
        var frame = enter(callback, callee, i);
        frame.inCallback = true;
        callback.callbackUnrollDepth++;
        callback.frame(callback.depth() - 1).callbackDepth++;
        state.current().callbackDepth = 0;
        frame.allowCallbackResult(0, 1);
        for (int r = 0; r <= 5; r++) {
            // the helper's own registers are gone when it returns
            callback.frame(callback.depth() - 1).regs[r].precise = false;
        }
        return callback;
    }

    private void loop(int i) {
        var regs = w.regs();
        w.precision.mark(1);
        var frame = w.state().current();
        if (Long.compareUnsigned(frame.callbackDepth, regs[1].umax) < 0) {
            var callback = pushCallback(i, function);
            var callee = callback.regs();
            w.markUnknown(callee[1]);
            callee[2].set(regs[3]);
        } else {
            frame.callbackDepth = 0;
        }
    }

    static int maxLoops() {
        return MAX_LOOPS;
    }

    private void forEach(int i) {
        var regs = w.regs();
        var target = regs[1].map();
        boolean allowed = switch (target.type()) {
            case HASH, LRU_HASH, PERCPU_HASH, LRU_PERCPU_HASH, ARRAY, PERCPU_ARRAY -> true;
            default -> false;
        };
        if (!allowed) {
            throw Refusal.of(w.log, Refusal.ENOTSUPP, "callback function not allowed for map");
        }
        var callee = pushCallback(i, function).regs();
        callee[1].markPointer(RegKind.MAP_PTR, 0);
        callee[1].map = target;
        callee[2].markPointer(RegKind.MAP_KEY, 0);
        callee[2].map = target;
        callee[3].markPointer(RegKind.MAP_VALUE, 0);
        callee[3].map = target;
        callee[4].set(regs[3]);
    }

    private void findVma(int i) {
        var regs = w.regs();
        var callee = pushCallback(i, function).regs();
        callee[1].set(regs[1]);
        callee[2].markPointer(RegKind.BTF_ID, Flag.TRUSTED.bit);
        callee[2].struct = "vm_area_struct";
        callee[3].set(regs[4]);
    }

    private void drain(int i) {
        var regs = w.regs();
        var callee = pushCallback(i, function).regs();
        callee[1].markPointer(RegKind.DYNPTR, 0);
        callee[1].dynptr = DynptrKind.LOCAL;
        callee[1].firstSlot = true;
        callee[1].id = w.newId();
        callee[2].set(regs[3]);
    }

    private void timerCallback(int i) {
        var owner = w.regs()[1].map();
        asyncEntries.set(function);
        var state = new PathState();
        var frame = new Frame(Frame.MAIN, 0, function);
        state.frames.add(frame);
        state.parent = w.state().parent;
        state.firstInsn = w.flow.functionStarts[function];
        state.branches = 1;
        frame.inAsyncCallback = true;
        frame.asyncEntries = w.state().current().asyncEntries + 1;
        frame.allowCallbackResult(0, 0);
        frame.regs[1].markPointer(RegKind.MAP_PTR, 0);
        frame.regs[1].map = owner;
        frame.regs[2].markPointer(RegKind.MAP_KEY, 0);
        frame.regs[2].map = owner;
        frame.regs[3].markPointer(RegKind.MAP_VALUE, 0);
        frame.regs[3].map = owner;
        w.push(state, w.flow.functionStarts[function], i, false);
    }

    // ---- results ----

    private void result(int i, Helper helper, HelperPrototype prototype, RegState firstArgument) {
        var r0 = w.regs()[0];
        var result = prototype.result();
        int nullable = result.nullable() ? Flag.MAYBE_NULL.bit : 0;
        switch (result.kind()) {
            case INTEGER -> w.markUnknown(r0);
            case VOID -> r0.markNotInit();
            case MAP_VALUE -> {
                var target = map;
                if (target == null) {
                    throw w.invalid("kernel subsystem misconfigured verifier");
                }
                boolean array = target.type() == MapType.ARRAY || target.type() == MapType.PERCPU_ARRAY;
                if (helper == Helper.MAP_LOOKUP_ELEM
                        && array
                        && constKey >= 0
                        && constKey < (target.maxEntries() & 0xffff_ffffL)) {
                    nullable = 0;
                }
                r0.markPointer(RegKind.MAP_VALUE, nullable);
                r0.map = target;
                r0.mapUid = mapUid;
                if (nullable == 0 && w.mayHoldLock(r0)) {
                    r0.id = w.newId();
                }
            }
            case SOCKET -> r0.markPointer(RegKind.SOCKET, nullable);
            case SOCK_COMMON -> r0.markPointer(RegKind.SOCK_COMMON, nullable);
            case TCP_SOCK -> r0.markPointer(RegKind.TCP_SOCK, nullable);
            case RINGBUF_MEMORY -> {
                r0.markPointer(RegKind.MEM, nullable | Flag.RINGBUF.bit);
                r0.memSize = (int) memSize;
            }
            case DYNPTR_MEMORY -> {
                r0.markPointer(RegKind.MEM, nullable);
                r0.memSize = (int) memSize;
            }
            case BTF -> {
                int trust = result.trusted() ? Flag.TRUSTED.bit : 0;
                r0.markPointer(RegKind.BTF_ID, nullable | trust);
                r0.struct = helper == Helper.KPTR_XCHG ? kptrStruct : result.struct();
            }
            case MEMORY_OR_BTF -> w.kernelObjects.perCpu(r0, firstArgument, nullable);
        }
        if (nullable != 0) {
            r0.id = w.newId();
        }
        var dynptr = dynptrArg;
        if (HelperRules.castsPointer(helper)) {
            r0.refObjId = refObjId;
        } else if (HelperRules.readsDynptrObject(helper) && dynptr != null) {
            r0.dynptrId = dynptr.id;
            r0.refObjId = dynptr.refObjId;
        } else if (HelperRules.acquires(helper, map == null ? MapType.UNSPEC : map.type())) {
            int id = acquireReference(i);
            r0.id = id;
            r0.refObjId = id;
        }
        refineResult(helper, r0);
        var target = map;
        if (target != null) {
            w.maps.byFd().forEach((fd, m) -> {
                if (m == target) {
                    w.facts.map(i, fd);
                }
            });
        }
    }

    private void refineResult(Helper helper, RegState r0) {
        switch (helper) {
            case GET_STACK, GET_TASK_STACK, PROBE_READ_STR, PROBE_READ_KERNEL_STR, PROBE_READ_USER_STR, SNPRINTF -> {
                if (helper == Helper.SNPRINTF) {
                    return;
                }
                r0.smax = sizeMax;
                r0.smax32 = (int) sizeMax;
                r0.smin = -MAX_ERRNO;
                r0.smin32 = -MAX_ERRNO;
                Ranges.sync(r0);
            }
            case GET_SMP_PROCESSOR_ID -> {
                r0.umax = w.input.cpus() - 1;
                r0.umax32 = w.input.cpus() - 1;
                r0.smax = w.input.cpus() - 1;
                r0.smax32 = w.input.cpus() - 1;
                r0.umin = 0;
                r0.umin32 = 0;
                r0.smin = 0;
                r0.smin32 = 0;
                Ranges.sync(r0);
            }
            default -> {}
        }
    }
}
