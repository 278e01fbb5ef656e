package skep.vm.verifier;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.TreeSet;
import skep.isa.kernel.Helper;

/**
 * The graph of a program, before any path is walked: functions, reachability, the places where paths may meet, loops
 * (strongly connected components) and which registers are read later.
 */
final class ControlFlow {
    private static final int MAX_FUNCTIONS = 256;

    private final Code code;
    private final Log log;
    private final boolean loopsAllowed;

    int[] functionStarts = {0};
    final BitSet prunePoints = new BitSet();
    final BitSet jumpPoints = new BitSet();
    final BitSet forcedCheckpoints = new BitSet();
    final BitSet callbackCalls = new BitSet();
    /** Functions, by index, that may change packet data or sleep. */
    final BitSet changesPacket = new BitSet();

    final BitSet hasTailCall = new BitSet();
    final BitSet hasLdAbs = new BitSet();
    /** Component of each slot; 0 outside of loops. */
    final int[] loop;

    /** Registers read at or after each slot, a bit each. */
    final short[] liveBefore;

    ControlFlow(Code code, Log log, boolean loopsAllowed) {
        this.code = code;
        this.log = log;
        this.loopsAllowed = loopsAllowed;
        this.loop = new int[code.length];
        this.liveBefore = new short[code.length];
    }

    int functionCount() {
        return functionStarts.length;
    }

    int functionEnd(int function) {
        return function + 1 < functionStarts.length ? functionStarts[function + 1] : code.length;
    }

    /** The function that starts here, or -1. */
    int functionStartingAt(int insn) {
        int index = Arrays.binarySearch(functionStarts, insn);
        return index >= 0 ? index : -1;
    }

    /** The function that this slot is in. */
    int functionOf(int insn) {
        int index = Arrays.binarySearch(functionStarts, insn);
        return index >= 0 ? index : -index - 2;
    }

    private final java.util.Map<Integer, int[]> postorders = new java.util.HashMap<>();

    /** The slots of a function that control reaches, successors before what leads to them. */
    int[] postorder(int function) {
        return postorders.computeIfAbsent(function, this::findPostorder);
    }

    private int[] findPostorder(int function) {
        int start = functionStarts[function];
        int length = functionEnd(function) - start;
        var found = new BitSet(length);
        var done = new BitSet(length);
        var stack = new int[length + 1];
        var order = new int[length];
        int count = 0;
        int depth = 0;
        stack[depth++] = start;
        while (depth > 0) {
            int top = stack[depth - 1];
            found.set(top - start);
            if (done.get(top - start)) {
                order[count++] = top;
                depth--;
                continue;
            }
            for (int way = 0; way < 2; way++) {
                int next = successor(top, way == 1);
                if (next >= 0 && !found.get(next - start)) {
                    stack[depth++] = next;
                    found.set(next - start);
                }
            }
            done.set(top - start);
        }
        return Arrays.copyOf(order, count);
    }

    /** The functions and where they start, as the log begins. */
    void tellFunctions() {
        for (int f = 0; log.allPaths() && f < functionStarts.length; f++) {
            log.append("func#" + f + " @" + functionStarts[f] + "\n");
        }
    }

    /** Which registers are live at each slot, and which loop it is in. */
    void tellLiveRegisters(VerifierInput input) {
        if (!log.allPaths()) {
            return;
        }
        log.append("Live regs before insn:\n");
        for (int i = 0; i < code.length; i += code.slots(i)) {
            var text =
                    new StringBuilder(loop[i] != 0 ? "%3d ".formatted(loop[i]) : "    ").append("%3d: ".formatted(i));
            for (int r = 0; r < 10; r++) {
                text.append((liveBefore[i] >> r & 1) != 0 ? (char) ('0' + r) : '.');
            }
            log.append(
                    text.append(' ').append(InsnText.of(input, i)).append('\n').toString());
        }
    }

    /** Collects the functions that calls and references name. */
    void findFunctions(boolean bpfCapable) {
        var starts = new TreeSet<Integer>();
        starts.add(0);
        for (int i = 0; i < code.length; i++) {
            boolean reference = code.isFunctionReference(i);
            if (!reference && !code.isFunctionCall(i) && !code.isKfuncCall(i)) {
                continue;
            }
            if (!bpfCapable) {
                throw Refusal.of(
                        log,
                        Refusal.EPERM,
                        "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN");
            }
            if (reference || code.isFunctionCall(i)) {
                int target = i + code.imm[i] + 1;
                if (target < 0 || target >= code.length) {
                    throw Refusal.of(log, Refusal.EINVAL, "call to invalid destination");
                }
                starts.add(target);
                if (starts.size() > MAX_FUNCTIONS) {
                    throw Refusal.of(log, Refusal.E2BIG, "too many subprograms");
                }
            }
        }
        functionStarts = starts.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Jumps stay within their function, and no function runs into the next. */
    void checkFunctions() {
        int function = 0;
        int end = functionEnd(0);
        for (int i = 0; i < code.length; i++) {
            if (code.isHelperCall(i) && code.imm[i] == Helper.TAIL_CALL.number()) {
                hasTailCall.set(function);
            }
            if (code.cls(i) == Code.LD && (code.mode(i) == Code.MODE_ABS || code.mode(i) == Code.MODE_IND)) {
                hasLdAbs.set(function);
            }
            int operation = code.operation(i);
            if (code.isJump(i) && operation != Code.EXIT && operation != Code.CALL) {
                int target = i + code.jumpOffset(i) + 1;
                if (target < functionStarts[function] || target >= end) {
                    throw Refusal.of(log, Refusal.EINVAL, "jump out of range from insn %d to %d", i, target);
                }
            }
            if (i == end - 1) {
                int op = code.op[i];
                if (op != (Code.JMP | Code.EXIT) && op != (Code.JMP32 | Code.JA) && op != (Code.JMP | Code.JA)) {
                    throw Refusal.of(log, Refusal.EINVAL, "last insn is not an exit or jmp");
                }
                function++;
                if (function < functionCount()) {
                    end = functionEnd(function);
                }
            }
        }
    }

    private static final int DISCOVERED = 0x10;
    private static final int EXPLORED = 0x20;
    private static final int FALLTHROUGH = 1;
    private static final int BRANCH = 2;

    /** Walks the graph once: everything is reachable, and the places where paths may meet are marked. */
    void walk() {
        var state = new int[code.length];
        var stack = new int[code.length + 1];
        int depth = 0;
        stack[depth++] = 0;
        state[0] = DISCOVERED;
        while (depth > 0) {
            int at = stack[depth - 1];
            int next = visit(at, state);
            if (next >= 0) {
                state[next] = DISCOVERED;
                stack[depth++] = next;
            } else {
                state[at] = EXPLORED;
                depth--;
            }
        }
        for (int i = 0; i < code.length; i++) {
            if (state[i] != EXPLORED) {
                throw Refusal.of(log, Refusal.EINVAL, "unreachable insn %d", i);
            }
            if (code.isLdImm64(i)) {
                if (state[i + 1] != 0) {
                    throw Refusal.of(log, Refusal.EINVAL, "jump into the middle of ldimm64 insn %d", i);
                }
                i++;
            }
        }
        spreadPacketChanges();
    }

    /** The next slot to descend into, or -1 when all were. */
    private int visit(int at, int[] state) {
        if (code.isFunctionReference(at)) {
            return visitCall(at, state, true);
        }
        int cls = code.cls(at);
        if (cls != Code.JMP && cls != Code.JMP32) {
            return push(at, at + code.slots(at), FALLTHROUGH, state);
        }
        switch (code.operation(at)) {
            case Code.EXIT -> {
                return -1;
            }
            case Code.CALL -> {
                return visitCallInsn(at, state);
            }
            case Code.JA -> {
                int target = at + code.jumpOffset(at) + 1;
                int next = push(at, target, FALLTHROUGH, state);
                prunePoints.set(target);
                jumpPoints.set(target);
                return next;
            }
            default -> {
                prunePoints.set(at);
                if (code.isMayGoto(at)) {
                    forcedCheckpoints.set(at);
                }
                int next = push(at, at + 1, FALLTHROUGH, state);
                return next >= 0 ? next : push(at, at + code.off[at] + 1, BRANCH, state);
            }
        }
    }

    private int visitCallInsn(int at, int[] state) {
        var helper = code.helper(at);
        if (helper.isPresent()) {
            var h = helper.get();
            if (h == Helper.TIMER_SET_CALLBACK) {
                prunePoints.set(at);
            }
            if (HelperRules.changesPacketData(h)) {
                changesPacket.set(functionOf(at));
            }
            if (HelperRules.callsCallbackNow(h)) {
                callbackCalls.set(at);
                forcedCheckpoints.set(at);
                prunePoints.set(at);
                jumpPoints.set(at);
            }
        }
        if (code.isKfuncCall(at) && iteratorNext(at)) {
            prunePoints.set(at);
            forcedCheckpoints.set(at);
        }
        return visitCall(at, state, code.isFunctionCall(at));
    }

    /** Set by the walker, which knows the names of kernel functions. */
    BitSet iteratorNexts = new BitSet();

    private boolean iteratorNext(int at) {
        return iteratorNexts.get(at);
    }

    private int visitCall(int at, int[] state, boolean enterCallee) {
        int after = at + code.slots(at);
        int next = push(at, after, FALLTHROUGH, state);
        prunePoints.set(after);
        jumpPoints.set(after);
        if (enterCallee) {
            prunePoints.set(at);
            if (next < 0) {
                next = push(at, at + code.imm[at] + 1, BRANCH, state);
            }
        }
        return next;
    }

    private int push(int from, int to, int edge, int[] state) {
        if (edge == FALLTHROUGH && (state[from] & 0xf) >= FALLTHROUGH) {
            return -1;
        }
        if (edge == BRANCH && (state[from] & 0xf) >= BRANCH) {
            return -1;
        }
        if (to < 0 || to >= code.length) {
            throw Refusal.of(log, Refusal.EINVAL, "jump out of range from insn %d to %d", from, to);
        }
        if (edge == BRANCH) {
            prunePoints.set(to);
            jumpPoints.set(to);
        }
        state[from] = DISCOVERED | edge;
        if (state[to] == 0) {
            return to;
        }
        if ((state[to] & 0xf0) == DISCOVERED && !loopsAllowed) {
            throw Refusal.of(log, Refusal.EINVAL, "back-edge from insn %d to %d", from, to);
        }
        return -1;
    }

    private void spreadPacketChanges() {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = 0; i < code.length; i++) {
                if (code.isFunctionCall(i)
                        && changesPacket.get(functionStartingAt(i + code.imm[i] + 1))
                        && !changesPacket.get(functionOf(i))) {
                    changesPacket.set(functionOf(i));
                    changed = true;
                }
            }
        }
    }

    /** Where control may go from a slot within its function, in two places at most; -1 for none. */
    int successor(int insn, boolean taken) {
        int op = code.op[insn];
        if (op == (Code.JMP | Code.EXIT)) {
            return -1;
        }
        if (code.isJump(insn) && op != (Code.JMP | Code.CALL)) {
            boolean always = code.operation(insn) == Code.JA;
            if (taken) {
                return insn + code.jumpOffset(insn) + 1;
            }
            return always ? -1 : insn + 1;
        }
        return taken ? -1 : insn + code.slots(insn);
    }

    /** Tarjan's components, without recursion; a component counts if it is a loop or calls a callback repeatedly. */
    void findLoops() {
        int n = code.length;
        var index = new int[n];
        var low = new int[n];
        var onStack = new BitSet(n);
        var stack = new ArrayDeque<Integer>();
        var work = new int[n + 1];
        var phase = new byte[n];
        int counter = 1;
        int components = 0;
        for (int start : functionStarts) {
            if (index[start] != 0) {
                continue;
            }
            int depth = 0;
            work[depth++] = start;
            index[start] = low[start] = counter++;
            stack.push(start);
            onStack.set(start);
            while (depth > 0) {
                int v = work[depth - 1];
                if (phase[v] < 2) {
                    int w = successor(v, phase[v] == 1);
                    phase[v]++;
                    if (w < 0) {
                        continue;
                    }
                    if (index[w] == 0) {
                        index[w] = low[w] = counter++;
                        stack.push(w);
                        onStack.set(w);
                        work[depth++] = w;
                    } else if (onStack.get(w)) {
                        low[v] = Math.min(low[v], index[w]);
                    }
                    continue;
                }
                depth--;
                if (depth > 0) {
                    int parent = work[depth - 1];
                    low[parent] = Math.min(low[parent], low[v]);
                }
                if (low[v] == index[v]) {
                    boolean counts = stack.peek() != v
                            || successor(v, false) == v
                            || successor(v, true) == v
                            || callbackCalls.get(v);
                    if (counts) {
                        components++;
                    }
                    int w;
                    do {
                        w = stack.pop();
                        onStack.clear(w);
                        loop[w] = counts ? components : 0;
                    } while (w != v);
                }
            }
        }
    }

    private static final int CALLER_SAVED = 0x3f;

    /** Which registers a slot reads; registers that it overwrites are in the upper half. */
    private int usesAndDefines(int i, CallArguments arguments) {
        int d = 1 << code.dst[i];
        int s = 1 << code.src[i];
        boolean x = code.fromReg(i);
        return switch (code.cls(i)) {
            case Code.LD ->
                // loads from packets count as reading everything, as in the kernel
                code.isLdImm64(i) ? d << 16 : 0x7ff;
            case Code.LDX -> s | d << 16;
            case Code.ST -> d;
            case Code.STX -> {
                if (code.mode(i) == Code.MODE_ATOMIC) {
                    yield switch (code.imm[i]) {
                        case Code.ATOMIC_CMPXCHG -> d | s | 1 | 1 << 16;
                        case Code.LOAD_ACQUIRE -> s | d << 16;
                        case Code.STORE_RELEASE -> d | s;
                        default -> (code.imm[i] & Code.ATOMIC_FETCH) != 0 ? d | s | s << 16 : d | s;
                    };
                }
                yield d | s;
            }
            case Code.ALU, Code.ALU64 ->
                switch (code.operation(i)) {
                    case Code.END -> d | d << 16;
                    case Code.NEG -> d | d << 16;
                    case Code.MOV -> x ? s | d << 16 : d << 16;
                    default -> x ? d | s | d << 16 : d | d << 16;
                };
            default ->
                switch (code.operation(i)) {
                    case Code.JA, Code.JCOND -> 0;
                    case Code.EXIT -> 1;
                    case Code.CALL -> {
                        int count = arguments.count(i);
                        int uses = count < 0 ? 0x3e : ((1 << count) - 1) << 1;
                        yield uses | CALLER_SAVED << 16;
                    }
                    default -> x ? d | s : d;
                };
        };
    }

    /** How many registers a call reads, or -1 if unknown. */
    @FunctionalInterface
    interface CallArguments {
        int count(int insn);
    }

    /** Backward data flow over all functions until nothing changes. */
    void findLiveRegisters(CallArguments arguments) {
        var effects = new int[code.length];
        for (int i = 0; i < code.length; i++) {
            effects[i] = usesAndDefines(i, arguments);
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = code.length - 1; i >= 0; i--) {
                int out = 0;
                int next = successor(i, false);
                if (next >= 0 && next < code.length) {
                    out |= liveBefore[next];
                }
                int target = successor(i, true);
                if (target >= 0 && target < code.length) {
                    out |= liveBefore[target];
                }
                short before = (short) ((out & ~(effects[i] >> 16)) | (effects[i] & 0xffff));
                if (before != liveBefore[i]) {
                    liveBefore[i] = before;
                    changed = true;
                }
            }
        }
    }
}
