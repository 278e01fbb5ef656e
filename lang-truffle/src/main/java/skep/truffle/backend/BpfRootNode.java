package skep.truffle.backend;

import com.oracle.truffle.api.CompilerDirectives;
import com.oracle.truffle.api.CompilerDirectives.CompilationFinal;
import com.oracle.truffle.api.HostCompilerDirectives.BytecodeInterpreterSwitch;
import com.oracle.truffle.api.frame.FrameDescriptor;
import com.oracle.truffle.api.frame.FrameSlotKind;
import com.oracle.truffle.api.frame.VirtualFrame;
import com.oracle.truffle.api.nodes.BytecodeOSRNode;
import com.oracle.truffle.api.nodes.ExplodeLoop;
import com.oracle.truffle.api.nodes.ExplodeLoop.LoopExplosionKind;
import com.oracle.truffle.api.nodes.RootNode;
import org.jspecify.annotations.Nullable;
import skep.vm.HelperFunction;
import skep.vm.RegionCache;
import skep.vm.VmCpu;
import skep.vm.interp.InnerForm;
import skep.vm.interp.Op;

/**
 * One BPF function. Its arguments are the CPU and five numbers; registers are slots of the frame. The loop is exploded by
 * instruction when it is compiled, so that nothing of the dispatch remains; a hot loop is compiled from its back edge on.
 */
final class BpfRootNode extends RootNode implements BytecodeOSRNode {
    /** How often the {@code may_goto} instructions of one function call let the program go on (BPF_MAX_LOOPS). */
    private static final int MAX_MAY_GOTOS = 8 << 20;

    // The frame: r0 to r10, where the current stretch began and what was left of the budget then, what is left of
    // may_gotos.
    // None of them is a local variable: those that differ would make the exploded loop differ.
    private static final int FRAME_POINTER = 10;
    private static final int BUDGET = 11;
    private static final int MAY_GOTOS = 12;
    private static final int FROM = 13;
    private static final int SLOTS = 14;

    private final TruffleProgram program;
    private final int entry;

    @CompilationFinal(dimensions = 1)
    private final long[] words;

    @CompilationFinal(dimensions = 1)
    private final long[] imms;

    @CompilationFinal(dimensions = 1)
    private final int[] slotOf;

    @CompilationFinal(dimensions = 1)
    private final boolean[] kernelLoads;

    @CompilationFinal(dimensions = 1)
    private final HelperFunction[] functions;

    @CompilationFinal
    private @Nullable Object osrMetadata;

    BpfRootNode(TruffleProgram program, InnerForm form, int entry) {
        super(null, descriptor());
        this.program = program;
        this.entry = entry;
        words = form.words();
        imms = form.imms();
        slotOf = form.slotOf();
        kernelLoads = form.kernelLoads();
        functions = form.functions();
    }

    private static FrameDescriptor descriptor() {
        var builder = FrameDescriptor.newBuilder(SLOTS);
        builder.addSlots(SLOTS, FrameSlotKind.Static);
        return builder.build();
    }

    @Override
    public String getName() {
        return program.name() + "@" + slotOf[entry];
    }

    @Override
    public Object execute(VirtualFrame frame) {
        var arguments = frame.getArguments();
        var cpu = (VmCpu) arguments[0];
        for (int r = 1; r <= 5; r++) {
            frame.setLongStatic(r, (long) arguments[r]);
        }
        frame.setLongStatic(0, 0);
        for (int r = 6; r < FRAME_POINTER; r++) {
            frame.setLongStatic(r, 0);
        }
        frame.setLongStatic(FRAME_POINTER, Outside.push(cpu, slotOf[entry]));
        frame.setLongStatic(BUDGET, cpu.budget());
        frame.setLongStatic(MAY_GOTOS, MAX_MAY_GOTOS);
        frame.setLongStatic(FROM, entry);
        return run(frame, cpu, entry);
    }

    @Override
    public Object executeOSR(VirtualFrame frame, int target, Object state) {
        return run(frame, (VmCpu) frame.getArguments()[0], target);
    }

    @Override
    public @Nullable Object getOSRMetadata() {
        return osrMetadata;
    }

    @Override
    public void setOSRMetadata(Object metadata) {
        osrMetadata = metadata;
    }

    @BytecodeInterpreterSwitch
    @ExplodeLoop(kind = LoopExplosionKind.MERGE_EXPLODE)
    private Object run(VirtualFrame frame, VmCpu cpu, int start) {
        long stackLow = cpu.stackLow();
        long stackEnd = cpu.stackEnd();
        var reads = new RegionCache(cpu, false);
        var writes = new RegionCache(cpu, true);
        int pc = start;
        while (true) {
            CompilerDirectives.ensureVirtualized(frame);
            long word = words[pc];
            int op = (int) word & 0xff;
            int dst = (int) word >>> 8 & 0xf;
            int src = (int) word >>> 12 & 0xf;
            if (op < Op.LOAD_B) {
                long b = Alu.takesRegister(op) ? frame.getLongStatic(src) : imms[pc];
                frame.setLongStatic(dst, Alu.apply(op, frame.getLongStatic(dst), b));
                pc++;
                continue;
            }
            if (op < Op.STORE_B_K) {
                long at = frame.getLongStatic(src) + (word >> 32);
                int size = Outside.sizeBytes(op);
                boolean held = at >= stackLow && at <= stackEnd - size || Outside.holds(reads, at, size);
                frame.setLongStatic(
                        dst,
                        held
                                ? Outside.load(op, at)
                                : Outside.loadElsewhere(reads, op, at, slotOf[pc], kernelLoads[pc]));
                pc++;
                continue;
            }
            if (op <= Op.ATOMIC) {
                long at = frame.getLongStatic(dst) + (word >> 32);
                int size = op == Op.ATOMIC ? (int) imms[pc] : Outside.sizeBytes(op);
                if (!(at >= stackLow && at <= stackEnd - size || Outside.holds(writes, at, size))) {
                    Outside.refuse(writes, at, size, slotOf[pc]);
                }
                if (op == Op.ATOMIC) {
                    atomic(frame, (int) (imms[pc] >>> 32), size, at, src);
                } else {
                    // Immediate and register in turn, beginning with an even number.
                    boolean register = (op - Op.STORE_B_K & 1) == 1;
                    Outside.store(size, at, register ? frame.getLongStatic(src) : imms[pc]);
                }
                pc++;
                continue;
            }
            if (op == Op.JA || op >= Op.JEQ64_K && op <= Op.MAY_GOTO) {
                boolean taken = op == Op.JA || (op == Op.MAY_GOTO ? isUsedUp(frame) : jumps(frame, op, dst, src, pc));
                if (!taken) {
                    pc++;
                    continue;
                }
                int target = (int) (word >> 32);
                long budget = budget(frame, pc);
                frame.setLongStatic(BUDGET, budget);
                frame.setLongStatic(FROM, target);
                // As the interpreter has it: may_goto ends a loop, so it never finds the budget used up.
                if (budget < 0 && op != Op.MAY_GOTO) {
                    throw Outside.outOfBudget(slotOf[target]);
                }
                if (target <= pc && CompilerDirectives.inInterpreter() && BytecodeOSRNode.pollOSRBackEdge(this, 1)) {
                    var result = BytecodeOSRNode.tryOSR(this, target, this, null, frame);
                    if (result != null) {
                        return result;
                    }
                }
                pc = target;
                continue;
            }
            cpu.setBudget(budget(frame, pc));
            frame.setLongStatic(FROM, pc + 1L);
            switch (op) {
                case Op.EXIT -> {
                    cpu.pop(frame.getLongStatic(FRAME_POINTER));
                    return frame.getLongStatic(0);
                }
                case Op.LOAD_PACKET -> {
                    long off = dst == 0 ? word >> 32 : (int) (frame.getLongStatic(src) + (word >> 32));
                    frame.setLongStatic(
                            0,
                            Outside.call(
                                    functions[(int) (imms[pc] >>> 32)],
                                    cpu,
                                    slotOf[pc],
                                    frame.getLongStatic(6),
                                    off,
                                    (int) imms[pc],
                                    frame.getLongStatic(0),
                                    frame.getLongStatic(7)));
                }
                case Op.CALL_HELPER ->
                    frame.setLongStatic(
                            0,
                            Outside.call(
                                    functions[(int) imms[pc]],
                                    cpu,
                                    slotOf[pc],
                                    frame.getLongStatic(1),
                                    frame.getLongStatic(2),
                                    frame.getLongStatic(3),
                                    frame.getLongStatic(4),
                                    frame.getLongStatic(5)));
                case Op.CALL_LOCAL -> frame.setLongStatic(0, callLocal(frame, cpu, (int) (word >> 32)));
                case Op.CALL_REGISTER ->
                    frame.setLongStatic(
                            0,
                            Outside.callRegister(
                                    cpu,
                                    slotOf[pc],
                                    frame.getLongStatic(dst),
                                    frame.getLongStatic(1),
                                    frame.getLongStatic(2),
                                    frame.getLongStatic(3),
                                    frame.getLongStatic(4),
                                    frame.getLongStatic(5)));
                case Op.TAIL_CALL -> {
                    var next = Outside.tailCallTarget(cpu, frame.getLongStatic(2), (int) frame.getLongStatic(3));
                    if (next != null) {
                        cpu.pop(frame.getLongStatic(FRAME_POINTER));
                        return Outside.tailCall(next, cpu, frame.getLongStatic(1));
                    }
                }
                default -> throw CompilerDirectives.shouldNotReachHere();
            }
            frame.setLongStatic(BUDGET, cpu.budget());
            pc++;
        }
    }

    /** What is left of the budget once this instruction has been executed. */
    private static long budget(VirtualFrame frame, int pc) {
        return frame.getLongStatic(BUDGET) - (pc - frame.getLongStatic(FROM) + 1);
    }

    private boolean jumps(VirtualFrame frame, int op, int dst, int src, int pc) {
        // Immediate and register in turn, beginning with an odd number.
        long b = (op - Op.JEQ64_K & 1) == 1 ? frame.getLongStatic(src) : imms[pc];
        return Alu.jumps(op, frame.getLongStatic(dst), b);
    }

    private static boolean isUsedUp(VirtualFrame frame) {
        long left = frame.getLongStatic(MAY_GOTOS);
        frame.setLongStatic(MAY_GOTOS, Math.max(0, left - 1));
        return left == 0;
    }

    private static void atomic(VirtualFrame frame, int ordinal, int size, long at, int src) {
        long old = Outside.atomic(ordinal, size, at, frame.getLongStatic(src), frame.getLongStatic(0));
        int written = Outside.written(ordinal, src);
        if (written >= 0) {
            frame.setLongStatic(written, old);
        }
    }

    private long callLocal(VirtualFrame frame, VmCpu cpu, int index) {
        return (long) program.target(index)
                .call(
                        cpu,
                        frame.getLongStatic(1),
                        frame.getLongStatic(2),
                        frame.getLongStatic(3),
                        frame.getLongStatic(4),
                        frame.getLongStatic(5));
    }
}
