package skep.vm.verifier;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import skep.isa.kernel.ContextLayout;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProgramType;
import skep.vm.verifier.VerifierInput.Privilege;

/**
 * Walks every path of a program depth-first, one instruction at a time, until all paths end safely or one does not.
 * Holds what the parts share: the input, the current state, counters, the log.
 */
final class Walker {
    private static final int MAX_INSNS = 1_000_000;
    private static final int MAX_PENDING = 8192;
    private static final int MAX_FUNCTIONS = 256;

    final VerifierInput input;
    final Code code;
    final Log log;
    final ControlFlow flow;
    final Facts facts;
    final Optional<ContextLayout> contextLayout;

    final boolean bpfCapable;
    final boolean allowPointerLeaks;
    final boolean allowUninitStack;
    final boolean bypassSpectre1;
    final boolean bypassSpectre4;

    final Arithmetic arithmetic;
    final Branches branches;
    final MemoryAccess memory;
    final StackAccess stack;
    final Dynptrs dynptrs;
    final KernelObjects kernelObjects;
    final Calls calls;
    final Kfuncs kfuncs;
    final KernelTypes kernelTypes;
    final Precision precision;
    final Pruning pruning;
    final StackLiveness stackLiveness;
    final Speculation speculation;
    final Exits exits;
    final MapReferences maps;

    private @Nullable PathState state;
    private final Deque<Pending> pending = new ArrayDeque<>();
    private final RegKind[] usedKind;
    private final Map<Integer, Integer> stackDepths = new HashMap<>();
    final int[] visits;

    int insn;
    int previousInsn;
    int insnsProcessed;
    int jumpsProcessed;
    private int ids;
    private boolean historyOpen;
    boolean exploreLimits;
    boolean endlessLoop;

    /** The tree of paths, if it was asked for. */
    final Exploration.@Nullable Recorder paths;

    private record Pending(PathState state, int insn, int previousInsn, long logPosition, int path) {}

    Walker(VerifierInput input) {
        this.input = input;
        code = new Code(input.code());
        log = new Log(input.logLevel());
        bpfCapable = input.privilege() != Privilege.NONE;
        boolean perfmon = input.privilege() == Privilege.FULL;
        allowPointerLeaks = perfmon;
        allowUninitStack = perfmon;
        bypassSpectre1 = perfmon;
        bypassSpectre4 = perfmon;
        flow = new ControlFlow(code, log, bpfCapable);
        facts = new Facts(input, code.length);
        contextLayout = ContextLayout.of(input.type(), input.attachType(), input.arch(), bpfCapable);
        visits = new int[code.length];
        paths = input.recordPaths() ? new Exploration.Recorder() : null;
        usedKind = new RegKind[code.length];
        maps = new MapReferences(this);
        stackLiveness = new StackLiveness(this);
        precision = new Precision(this);
        speculation = new Speculation(this);
        arithmetic = new Arithmetic(this);
        branches = new Branches(this);
        memory = new MemoryAccess(this);
        stack = new StackAccess(this);
        dynptrs = new Dynptrs(this);
        kernelObjects = new KernelObjects(this);
        calls = new Calls(this);
        kfuncs = new Kfuncs(this);
        kernelTypes = new KernelTypes(this);
        pruning = new Pruning(this);
        exits = new Exits(this);
    }

    // ---- the whole verification ----

    void run() {
        flow.findFunctions(bpfCapable);
        flow.tellFunctions();
        kfuncs.resolve();
        flow.checkFunctions();
        checkFunctionTypes();
        maps.resolve();
        flow.iteratorNexts = kfuncs.iteratorNexts();
        kfuncs.callbackCalls().stream().forEach(flow.callbackCalls::set);
        flow.walk();
        exits.checkProgram();
        flow.findLoops();
        flow.findLiveRegisters(calls::argumentCount);
        flow.tellLiveRegisters(input);
        walkFunction(0);
        for (var info : input.functions()) {
            int function = flow.functionStartingAt(info.insn());
            if (info.global() && function > 0 && (calledGlobals.get(function))) {
                walkFunction(function);
            }
        }
        new StackDepth(this, stackDepths).check();
        kfuncs.checkResolved();
    }

    final BitSet calledGlobals = new BitSet();

    private void checkFunctionTypes() {
        if (input.functions().isEmpty()) {
            return;
        }
        for (var info : input.functions()) {
            int function = flow.functionStartingAt(info.insn());
            if (function < 0) {
                throw invalid("func_info BTF section doesn't match subprog layout in BPF program");
            }
            if (!info.returnsInt() && flow.hasLdAbs.get(function)) {
                throw invalid("LD_ABS is only allowed in functions that return 'int'.");
            }
            if (!info.returnsInt() && flow.hasTailCall.get(function)) {
                throw invalid("tail_call is only allowed in functions that return 'int'.");
            }
        }
    }

    Optional<VerifierInput.FunctionInfo> functionInfo(int function) {
        int start = flow.functionStarts[function];
        return input.functions().stream().filter(f -> f.insn() == start).findFirst();
    }

    boolean isGlobal(int function) {
        return function > 0
                && functionInfo(function)
                        .map(VerifierInput.FunctionInfo::global)
                        .orElse(false);
    }

    private void walkFunction(int function) {
        var first = new PathState();
        var frame = new Frame(Frame.MAIN, 0, function);
        first.frames.add(frame);
        first.branches = 1;
        first.sleepable = input.sleepable();
        if (function == 0) {
            frame.regs[1].markPointer(RegKind.CTX, 0);
        } else {
            calls.enterGlobal(function, frame);
        }
        state = first;
        insn = flow.functionStarts[function];
        previousInsn = -1;
        first.firstInsn = insn;
        pending.clear();
        stateText.touchAll();
        stateText.fresh = false;
        if (paths != null) {
            paths.begin(insn);
        }
        explore();
    }

    private void explore() {
        while (true) {
            boolean ended = step();
            if (!ended) {
                continue;
            }
            stateText.touchAll();
            pruning.pathEnded(state());
            stackLiveness.update(state());
            var next = pending.pollLast();
            if (next == null) {
                log.endOfFunction();
                return;
            }
            state = next.state();
            insn = next.insn();
            previousInsn = next.previousInsn();
            historyOpen = false;
            if (paths != null) {
                paths.walk(next.path());
            }
            if (!log.allPaths()) {
                log.cutTo(next.logPosition());
            }
            stateText.fresh = true;
        }
    }

    final StepText stateText = new StepText(this);

    /** One instruction; answers whether the path ends here. */
    private boolean step() {
        historyOpen = false;
        var current = state();
        if (insn < 0 || insn >= code.length) {
            throw Refusal.of(log, Refusal.EFAULT, "invalid insn idx %d insn_cnt %d", insn, code.length);
        }
        int i = insn;
        visits[i]++;
        if (paths != null) {
            paths.step(i);
        }
        if (++insnsProcessed > MAX_INSNS) {
            throw Refusal.of(log, Refusal.E2BIG, "BPF program is too large. Processed %d insn", insnsProcessed);
        }
        current.lastInsn = previousInsn;
        current.insn = i;
        if (flow.prunePoints.get(i)) {
            if (pruning.visited(i)) {
                stateText.safe(i, previousInsn, current);
                if (paths != null) {
                    paths.end(Exploration.End.PRUNED);
                }
                return true;
            }
        }
        if (flow.jumpPoints.get(i)) {
            recordJump(0, 0);
        }
        stateText.before(i, previousInsn, current);
        facts.reached(i);
        if (input.recordFacts()) {
            facts.believe(i, current.current());
        }
        int prior = previousInsn;
        previousInsn = i;
        if (current.speculative && speculation.barrier[i]) {
            return true;
        }
        stackLiveness.begin(current, i);
        try {
            boolean ended = execute(i);
            stackLiveness.commit();
            if (ended && paths != null) {
                paths.end(Exploration.End.EXIT);
            }
            return ended || (state().speculative && speculation.barrierAfter[i]);
        } catch (Refusal refusal) {
            if (state().speculative && refusal.harmlessUnderSpeculation()) {
                speculation.barrier[i] = true;
                speculation.forget(i);
                stackLiveness.commit();
                return true;
            }
            previousInsn = prior;
            if (paths != null) {
                paths.end(Exploration.End.REFUSED);
            }
            throw refusal;
        }
    }

    private boolean execute(int i) {
        switch (code.cls(i)) {
            case Code.ALU, Code.ALU64 -> {
                arithmetic.step(i);
                insn = i + 1;
            }
            case Code.LDX -> {
                load(i);
                insn = i + 1;
            }
            case Code.STX -> {
                if (code.mode(i) == Code.MODE_ATOMIC) {
                    atomic(i);
                } else {
                    if (code.mode(i) != Code.MODE_MEM || code.imm[i] != 0) {
                        throw invalid("BPF_STX uses reserved fields");
                    }
                    store(i, false);
                }
                insn = i + 1;
            }
            case Code.ST -> {
                if (code.mode(i) != Code.MODE_MEM || code.src[i] != 0) {
                    throw invalid("BPF_ST uses reserved fields");
                }
                int dst = code.dst[i];
                checkSource(dst);
                var kind = regs()[dst].kind;
                memory.access(i, dst, code.off[i], code.size(i), true, MemoryAccess.NO_REG, false, false);
                samePointerKind(i, kind);
                insn = i + 1;
            }
            case Code.JMP, Code.JMP32 -> {
                return jump(i);
            }
            default -> loadSpecial(i);
        }
        return false;
    }

    private boolean jump(int i) {
        jumpsProcessed++;
        int operation = code.operation(i);
        boolean narrow = code.cls(i) == Code.JMP32;
        int src = code.src[i];
        int imm = code.imm[i];
        int off = code.off[i];
        switch (operation) {
            case Code.CALL -> {
                boolean kfunc = src == Code.PSEUDO_KFUNC_CALL;
                if (code.fromReg(i)
                        || (!kfunc && off != 0)
                        || src > Code.PSEUDO_KFUNC_CALL
                        || code.dst[i] != 0
                        || narrow) {
                    throw invalid("BPF_CALL uses reserved fields");
                }
                return calls.step(i);
            }
            case Code.JA -> {
                if (code.fromReg(i) || src != 0 || code.dst[i] != 0 || (!narrow && imm != 0) || (narrow && off != 0)) {
                    throw invalid("BPF_JA uses reserved fields");
                }
                insn = i + 1 + code.jumpOffset(i);
                return false;
            }
            case Code.EXIT -> {
                if (code.fromReg(i) || imm != 0 || src != 0 || code.dst[i] != 0 || narrow) {
                    throw invalid("BPF_EXIT uses reserved fields");
                }
                return exits.step(i);
            }
            default -> {
                insn = branches.step(i);
                return false;
            }
        }
    }

    private void load(int i) {
        int mode = code.mode(i);
        if (mode != Code.MODE_MEM && mode != Code.MODE_MEMSX) {
            throw invalid("BPF_LDX uses reserved fields");
        }
        loadFrom(i, false, mode == Code.MODE_MEMSX);
    }

    private void loadFrom(int i, boolean strict, boolean signed) {
        int src = code.src[i];
        int dst = code.dst[i];
        checkSource(src);
        checkDestination(dst);
        var kind = regs()[src].kind;
        boolean trustMix = regs()[src].is(Flag.UNTRUSTED);
        memory.access(i, src, code.off[i], code.size(i), false, dst, strict, signed);
        samePointerKind(i, kind);
        if (trustMix) {
            facts.probed(i);
        }
        Ranges.keepSane(regs()[dst]);
    }

    private void store(int i, boolean strict) {
        int src = code.src[i];
        int dst = code.dst[i];
        checkSource(src);
        checkSource(dst);
        var kind = regs()[dst].kind;
        memory.access(i, dst, code.off[i], code.size(i), true, src, strict, false);
        samePointerKind(i, kind);
    }

    /** One instruction cannot serve pointers that need different code. */
    private void samePointerKind(int i, RegKind kind) {
        var before = usedKind[i];
        if (before == null) {
            usedKind[i] = kind;
        } else if (before != kind && (needsOwnCode(before) || needsOwnCode(kind))) {
            throw invalid("same insn cannot be used with different pointers");
        }
    }

    private static boolean needsOwnCode(RegKind kind) {
        return switch (kind) {
            case CTX, SOCKET, SOCK_COMMON, TCP_SOCK, XDP_SOCK, BTF_ID, ARENA -> true;
            default -> false;
        };
    }

    private void atomic(int i) {
        int imm = code.imm[i];
        int dst = code.dst[i];
        int src = code.src[i];
        int size = code.size(i);
        switch (imm) {
            case Code.LOAD_ACQUIRE -> {
                checkSource(src);
                if (!atomicAllowed(regs()[src])) {
                    throw denied("BPF_ATOMIC loads from R%d %s is not allowed", src, regs()[src].typeName());
                }
                loadFrom(i, true, false);
                return;
            }
            case Code.STORE_RELEASE -> {
                checkSource(dst);
                if (!atomicAllowed(regs()[dst])) {
                    throw denied("BPF_ATOMIC stores into R%d %s is not allowed", dst, regs()[dst].typeName());
                }
                store(i, true);
                return;
            }
            case 0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, Code.ATOMIC_XCHG, Code.ATOMIC_CMPXCHG -> {}
            default -> throw invalid("BPF_ATOMIC uses invalid atomic opcode %02x", imm);
        }
        if (size != 4 && size != 8) {
            throw invalid("invalid atomic operand size");
        }
        checkSource(src);
        checkSource(dst);
        if (imm == Code.ATOMIC_CMPXCHG) {
            checkSource(0);
            if (leaksPointer(0)) {
                throw denied("R%d leaks addr into mem", 0);
            }
        }
        if (leaksPointer(src)) {
            throw denied("R%d leaks addr into mem", src);
        }
        if (!atomicAllowed(regs()[dst])) {
            throw denied("BPF_ATOMIC stores into R%d %s is not allowed", dst, regs()[dst].typeName());
        }
        var kind = regs()[dst].kind;
        int loaded = MemoryAccess.NO_REG;
        if ((imm & Code.ATOMIC_FETCH) != 0) {
            loaded = imm == Code.ATOMIC_CMPXCHG ? 0 : src;
            checkDestination(loaded);
        }
        int off = code.off[i];
        var pointer = new RegState(regs()[dst]);
        memory.access(i, dst, off, size, false, MemoryAccess.NO_REG, true, false);
        if (loaded >= 0) {
            if (loaded == dst) {
                // the address is overwritten by what was there: the store is checked first
                memory.access(i, dst, off, size, true, MemoryAccess.NO_REG, true, false);
                markUnknown(regs()[loaded]);
                samePointerKind(i, pointer.kind);
                return;
            }
            memory.access(i, dst, off, size, false, loaded, true, false);
        }
        memory.access(i, dst, off, size, true, MemoryAccess.NO_REG, true, false);
        samePointerKind(i, kind);
    }

    private static boolean atomicAllowed(RegState reg) {
        return switch (reg.kind) {
            case CTX, PACKET, PACKET_META, PACKET_END, FLOW_KEYS, SOCKET, SOCK_COMMON, TCP_SOCK, XDP_SOCK -> false;
            default -> true;
        };
    }

    private void loadSpecial(int i) {
        switch (code.mode(i)) {
            case Code.MODE_ABS, Code.MODE_IND -> {
                insn = i + 1;
                loadPacket(i);
            }
            case Code.MODE_IMM -> {
                loadImmediate(i);
                insn = i + 2;
            }
            default -> throw invalid("invalid BPF_LD mode");
        }
    }

    private void loadPacket(int i) {
        var type = input.type();
        if (type != ProgramType.SOCKET_FILTER && type != ProgramType.SCHED_CLS && type != ProgramType.SCHED_ACT) {
            throw invalid("BPF_LD_[ABS|IND] instructions not allowed for this program type");
        }
        boolean indirect = code.mode(i) == Code.MODE_IND;
        if (code.dst[i] != 0 || code.off[i] != 0 || code.size(i) == 8 || (!indirect && code.src[i] != 0)) {
            throw invalid("BPF_LD_[ABS|IND] uses reserved fields");
        }
        checkSource(6);
        exits.checkLeaks(true, "BPF_LD_[ABS|IND]");
        if (regs()[6].kind != RegKind.CTX) {
            throw invalid("at the time of BPF_LD_ABS|IND R6 != pointer to skb");
        }
        if (indirect) {
            checkSource(code.src[i]);
        }
        memory.checkPlainOffset(6, regs()[6], false);
        forgetCallerSaved();
        markUnknown(regs()[0]);
        if (state().depth() > 0) {
            // beyond the packet's end, the function returns zero
            push(i + 1, i, false);
            regs()[0].markConstantZero();
            calls.leaveFunction();
        }
    }

    private void loadImmediate(int i) {
        if (code.off[i] != 0) {
            throw invalid("BPF_LD_IMM64 uses reserved fields");
        }
        int dst = code.dst[i];
        checkDestination(dst);
        var reg = regs()[dst];
        switch (code.src[i]) {
            case 0 -> {
                markUnknown(reg);
                reg.setConstant((code.imm[i] & 0xffff_ffffL) | (long) code.imm[i + 1] << 32);
            }
            case Code.PSEUDO_BTF_ID -> kernelObjects.loadSymbol(i, reg);
            case Code.PSEUDO_FUNC -> {
                int function = flow.functionStartingAt(i + code.imm[i] + 1);
                if (input.functions().isEmpty()) {
                    throw invalid("missing btf func_info");
                }
                if (isGlobal(function)) {
                    throw invalid("callback function not static");
                }
                reg.markPointer(RegKind.FUNC, 0);
                reg.function = function;
            }
            default -> maps.load(i, reg);
        }
    }

    // ---- what the parts share ----

    PathState state() {
        var current = state;
        if (current == null) {
            throw new IllegalStateException("no path");
        }
        return current;
    }

    boolean hasState() {
        return state != null;
    }

    RegState[] regs() {
        return state().regs();
    }

    Refusal denied(String format, Object... arguments) {
        return Refusal.of(log, Refusal.EACCES, format, arguments);
    }

    Refusal invalid(String format, Object... arguments) {
        return Refusal.of(log, Refusal.EINVAL, format, arguments);
    }

    int newId() {
        return ++ids;
    }

    void markUnknown(RegState reg) {
        reg.markUnknown();
        reg.precise = !bpfCapable;
    }

    void checkSource(int regNo) {
        if (regNo >= Frame.REGISTERS) {
            throw invalid("R%d is invalid", regNo);
        }
        stateText.touchReg(regNo);
        if (regs()[regNo].kind == RegKind.NOT_INIT) {
            throw denied("R%d !read_ok", regNo);
        }
    }

    void checkDestination(int regNo) {
        if (regNo >= Frame.REGISTERS) {
            throw invalid("R%d is invalid", regNo);
        }
        stateText.touchReg(regNo);
        if (regNo == 10) {
            throw denied("frame pointer is read only");
        }
    }

    /** Whether using the register as a number would tell an address to someone who may not know it. */
    boolean leaksPointer(int regNo) {
        return !allowPointerLeaks && !regs()[regNo].isScalar();
    }

    void forgetCallerSaved() {
        for (int r = 0; r <= 5; r++) {
            regs()[r].markNotInit();
            stateText.touchReg(r);
        }
    }

    private static final java.util.Set<String> GPL_LICENSES = java.util.Set.of(
            "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL");

    boolean isGpl() {
        return GPL_LICENSES.contains(input.license());
    }

    boolean hasArena() {
        return maps.hasArena();
    }

    /** Another path, to be walked later. */
    PathState push(int target, int from, boolean speculative) {
        var copy = new PathState(state());
        return push(copy, target, from, speculative);
    }

    PathState push(PathState copy, int target, int from, boolean speculative) {
        copy.speculative |= speculative;
        if (pending.size() >= MAX_PENDING) {
            throw Refusal.of(log, Refusal.E2BIG, "The sequence of %d jumps is too complex.", pending.size());
        }
        var parent = copy.parent;
        if (parent != null) {
            parent.branches++;
        }
        pending.addLast(new Pending(copy, target, from, log.position(), paths == null ? -1 : paths.put(from, target)));
        return copy;
    }

    /** Notes how the path came here; what is noted for one instruction twice is one note. */
    void recordJump(int flags, long linked) {
        var history = state().history;
        if (historyOpen) {
            history.amendLast(flags, linked);
            return;
        }
        history.push(state().insn, state().lastInsn, flags, linked);
        historyOpen = true;
    }

    void noteStackDepth(int function, int bytes) {
        stackDepths.merge(function, bytes, Math::max);
    }

    boolean notNull(RegState reg) {
        if (reg.maybeNull()) {
            return false;
        }
        return switch (reg.kind) {
            case SOCKET, TCP_SOCK, MAP_VALUE, MAP_KEY, SOCK_COMMON, MAP_PTR -> true;
            case BTF_ID -> KernelObjects.isTrusted(reg);
            case MEM -> !reg.is(Flag.UNTRUSTED);
            default -> false;
        };
    }

    boolean mayHoldLock(RegState reg) {
        if (reg.kind == RegKind.MAP_VALUE) {
            var map = reg.map();
            return map.has(SpecialField.Kind.SPIN_LOCK) || map.has(SpecialField.Kind.RES_SPIN_LOCK);
        }
        return false;
    }

    boolean lockHeld() {
        return state().activeLocks > 0;
    }

    boolean canSleep() {
        var current = state();
        return current.sleepable
                && current.activeRcuLocks == 0
                && current.activePreemptLocks == 0
                && current.activeIrqId == 0
                && current.activeLocks == 0;
    }

    List<VerifiedProgram.Function> functions() {
        var list = new ArrayList<VerifiedProgram.Function>();
        for (int f = 0; f < flow.functionCount(); f++) {
            list.add(new VerifiedProgram.Function(
                    flow.functionStarts[f], flow.functionEnd(f), StackDepth.rounded(stackDepths.getOrDefault(f, 0))));
        }
        return list;
    }

    /** The stack that each function uses, as the statistics show it. */
    String stackDepthText() {
        var text = new StringBuilder();
        for (int f = 0; f < flow.functionCount(); f++) {
            text.append(f == 0 ? "" : "+").append(stackDepths.getOrDefault(f, 0));
        }
        return text.toString();
    }

    static int maxFunctions() {
        return MAX_FUNCTIONS;
    }

    Optional<Helper> helperAt(int i) {
        return code.helper(i);
    }
}
