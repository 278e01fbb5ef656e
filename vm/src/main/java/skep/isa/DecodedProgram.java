package skep.isa;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;

/**
 * A program whose instructions are all valid and whose jumps and local calls all lead to instructions of the program: what can be
 * run at all. Jumps stay within their function; no path runs over the end of a function; the entry function does something: sets
 * r0 or touches memory.
 *
 * <p>Everything is indexed by slot. The functions lie one behind the other; the first begins at slot 0. Code that no path reaches
 * may be there; it is valid too, but it may run over the end.
 */
public final class DecodedProgram {
    private final Bytecode code;
    private final Insn[] insns;
    private final int[] functionStarts;
    private final BitSet reachable = new BitSet();

    private DecodedProgram(Bytecode code, Insn[] insns, int[] functionStarts) {
        this.code = code;
        this.insns = insns;
        this.functionStarts = functionStarts;
    }

    /**
     * Decodes and checks.
     *
     * @throws InvalidInsnException naming the first slot at fault
     */
    public static DecodedProgram of(Bytecode code) {
        if (code.size() == 0) {
            throw new InvalidInsnException(0, "empty program");
        }
        var insns = new Insn[code.size()];
        for (int slot = 0; slot < insns.length; ) {
            insns[slot] = InsnCodec.decode(code, slot);
            slot += insns[slot].slots();
        }
        var program = new DecodedProgram(code, insns, functionStarts(insns));
        program.check();
        return program;
    }

    public Bytecode code() {
        return code;
    }

    /** The number of slots. */
    public int size() {
        return insns.length;
    }

    /** Whether an instruction begins here; not so for the second slot of a 64-bit immediate load. */
    public boolean begins(int slot) {
        return slot >= 0 && slot < insns.length && insns[slot] != null;
    }

    /** The instruction that begins at this slot; {@link #begins} holds. */
    public Insn at(int slot) {
        assert begins(slot) : slot;
        return insns[slot];
    }

    /** The slot behind the instruction at this slot. */
    public int next(int slot) {
        return slot + insns[slot].slots();
    }

    public int functionCount() {
        return functionStarts.length;
    }

    public int functionStart(int function) {
        return functionStarts[function];
    }

    public int functionEnd(int function) {
        return function + 1 < functionStarts.length ? functionStarts[function + 1] : insns.length;
    }

    /** The function that this slot belongs to. */
    public int functionAt(int slot) {
        int found = Arrays.binarySearch(functionStarts, slot);
        return found >= 0 ? found : -found - 2;
    }

    /** Where the jump, branch or {@code may_goto} at this slot leads, or -1 for other instructions. */
    public int target(int slot) {
        return switch (insns[slot]) {
            case Insn.Jump(int off, boolean _) -> slot + 1 + off;
            case Insn.Branch branch -> slot + 1 + branch.off();
            case Insn.MayGoto(short off) -> slot + 1 + off;
            default -> -1;
        };
    }

    /** The function that the local call or function address at this slot names, as a slot, or -1 for other instructions. */
    public int callee(int slot) {
        return callee(insns[slot], slot);
    }

    private static int callee(Insn insn, int slot) {
        return switch (insn) {
            case Insn.Call(Insn.CallKind kind, int imm, short _) when kind == Insn.CallKind.LOCAL -> slot + 1 + imm;
            case Insn.LoadImm64(Reg _, Insn.ImmKind kind, long imm)
            when kind == Insn.ImmKind.FUNC -> slot + 1 + (int) imm;
            default -> -1;
        };
    }

    private static int[] functionStarts(Insn[] insns) {
        var starts = new BitSet(insns.length);
        starts.set(0);
        for (int slot = 0; slot < insns.length; slot++) {
            if (insns[slot] instanceof Insn.Call(Insn.CallKind kind, int _, short _) && kind == Insn.CallKind.LOCAL
                    || insns[slot] instanceof Insn.LoadImm64(Reg _, Insn.ImmKind imm, long _)
                            && imm == Insn.ImmKind.FUNC) {
                int callee = callee(insns[slot], slot);
                if (callee < 0 || callee >= insns.length || insns[callee] == null) {
                    throw new InvalidInsnException(slot, "call to slot " + callee + ", where no instruction begins");
                }
                starts.set(callee);
            }
        }
        return starts.stream().toArray();
    }

    /** Whether some path from the beginning of its function leads to this slot, all branches taken to be open. */
    public boolean reachable(int slot) {
        return reachable.get(slot);
    }

    private void check() {
        int function = 0;
        for (int slot = 0; slot < insns.length; slot = next(slot)) {
            while (slot >= functionEnd(function)) {
                function++;
            }
            checkInsn(slot, function);
        }
        boolean acts = false;
        for (int i = 0; i < functionStarts.length; i++) {
            findReachable(i);
            acts |= i == 0 && reachable.stream().anyMatch(this::acts);
        }
        if (!acts) {
            throw new InvalidInsnException(0, "the program does nothing: it neither sets r0 nor touches memory");
        }
    }

    private void checkInsn(int slot, int function) {
        int target = target(slot);
        var insn = insns[slot];
        boolean jumps = insn instanceof Insn.Jump || insn instanceof Insn.Branch || insn instanceof Insn.MayGoto;
        if (jumps) {
            checkTarget(slot, target, function);
        }
    }

    private void findReachable(int function) {
        var pending = new ArrayDeque<Integer>();
        pending.add(functionStart(function));
        while (!pending.isEmpty()) {
            int slot = pending.pop();
            // straight on until a path that is known already
            while (!reachable.get(slot)) {
                reachable.set(slot);
                var insn = insns[slot];
                int target = target(slot);
                if (insn instanceof Insn.Exit) {
                    break;
                }
                if (insn instanceof Insn.Jump) {
                    slot = target;
                    continue;
                }
                if (target >= 0) {
                    pending.add(target);
                }
                if (next(slot) >= functionEnd(function)) {
                    throw new InvalidInsnException(
                            slot,
                            "last instruction of a function is neither an exit nor a jump: " + Disassembler.text(insn));
                }
                slot = next(slot);
            }
        }
    }

    private boolean acts(int slot) {
        return switch (insns[slot]) {
            case Insn.Load _, Insn.Store _, Insn.Atomic _, Insn.LoadPacket _, Insn.Call _, Insn.CallX _ -> true;
            default -> written(insns[slot]) == Reg.R0.number();
        };
    }

    private void checkTarget(int slot, int target, int function) {
        if (target < functionStart(function) || target >= functionEnd(function)) {
            throw new InvalidInsnException(
                    slot,
                    "jump to slot " + target + " leaves "
                            + (functionCount() == 1
                                    ? "the program"
                                    : "its function at slot " + functionStart(function)));
        }
        if (!begins(target)) {
            throw new InvalidInsnException(
                    slot, "jump into the middle of the 64-bit immediate load at " + (target - 1));
        }
    }

    /** Number of the register that an instruction names as its result, or -1; calls clobber r0 to r5 besides. */
    public static int written(Insn insn) {
        return switch (insn) {
            case Insn.Alu alu -> alu.dst().number();
            case Insn.Swap swap -> swap.dst().number();
            case Insn.Load load -> load.dst().number();
            case Insn.LoadImm64 load -> load.dst().number();
            case Insn.AddrSpaceCast cast -> cast.dst().number();
            case Insn.Atomic atomic ->
                atomic.op() == AtomicOp.LOAD_ACQ || atomic.op().fetches() && atomic.op() != AtomicOp.CMPXCHG
                        ? atomic.src().number()
                        : -1;
            case Insn.Store _, Insn.LoadPacket _, Insn.Jump _, Insn.Branch _, Insn.MayGoto _ -> -1;
            case Insn.Call _, Insn.CallX _, Insn.Exit _ -> -1;
        };
    }
}
