package skep.vm.jit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.isa.AluOp;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Width;
import skep.vm.LinkedProgram;

/**
 * Which code goes into which method of which class, so that no method passes a limit. Sizes are estimates; the compiler measures
 * afterwards and plans again with a lower limit if one was wrong.
 */
final class Plan {
    /** Bytes of bytecode, estimated, of all methods of one class; bounds its constant pool. */
    private static final int MAX_CLASS_BYTES = 250_000;

    /** Parts of one class and blocks of one part, as {@link JitCode#part} numbers them. */
    static final int PART_BITS = 8;

    static final int BLOCK_IN_PART_BITS = JitCode.BLOCK_BITS - PART_BITS;
    private static final int MAX_PARTS = 1 << PART_BITS;
    private static final int MAX_BLOCKS = 1 << BLOCK_IN_PART_BITS;

    private final LinkedProgram linked;
    private final DecodedProgram program;
    private final int maxMethodBytes;
    private final List<Function> functions = new ArrayList<>();
    private int classes = 1;
    private int classBytes;
    private int partsInClass;

    Plan(LinkedProgram linked, int maxMethodBytes) {
        this.linked = linked;
        this.program = linked.program();
        this.maxMethodBytes = maxMethodBytes;
        for (int i = 0; i < program.functionCount(); i++) {
            functions.add(function(i));
        }
    }

    List<Function> functions() {
        return functions;
    }

    int classes() {
        return classes;
    }

    /**
     * A function of the program.
     *
     * @param inClass the class that has the method to call
     * @param parts empty if that method holds all of the function
     */
    record Function(
            int start,
            int end,
            Blocks blocks,
            Map<Integer, SwitchTree> trees,
            Set<Integer> absorbed,
            Map<Integer, CountedLoop> loops,
            int inClass,
            List<Part> parts) {
        Part partOf(int slot) {
            int low = 0;
            int high = parts.size() - 1;
            while (low < high) {
                int middle = (low + high + 1) >>> 1;
                if (parts.get(middle).start <= slot) {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            return parts.get(low);
        }

        /** The number under which the block at this slot is entered from another part. */
        int idOf(int slot) {
            var part = partOf(slot);
            return part.inClass << JitCode.BLOCK_BITS | part.number << BLOCK_IN_PART_BITS | part.entries.indexOf(slot);
        }
    }

    /**
     * Slots {@code start} to {@code end} of a long function.
     *
     * @param number within its class
     * @param entries slots that are entered from elsewhere, in order
     */
    record Part(int start, int end, int inClass, int number, List<Integer> entries) {}

    private Function function(int index) {
        int start = program.functionStart(index);
        int end = program.functionEnd(index);
        var blocks = new Blocks(program, start, end);
        var trees = new HashMap<Integer, SwitchTree>();
        var absorbed = new HashSet<Integer>();
        for (int slot = start; slot < end; slot = program.next(slot)) {
            if (program.reachable(slot) && !absorbed.contains(slot)) {
                Optional<SwitchTree> tree = SwitchTree.at(program, blocks, slot);
                if (tree.isPresent()) {
                    trees.put(slot, tree.get());
                    absorbed.addAll(tree.get().absorbed());
                }
            }
        }
        var loops = loops(blocks, trees, absorbed);
        int bytes = 0;
        for (int slot = start; slot < end; slot = program.next(slot)) {
            bytes += estimate(slot, trees, absorbed, loops);
        }
        if (bytes <= maxMethodBytes) {
            return new Function(start, end, blocks, trees, absorbed, loops, classFor(bytes, false), List.of());
        }
        int home = classFor(100, false);
        return new Function(start, end, blocks, trees, absorbed, loops, home, parts(blocks, trees, absorbed, loops));
    }

    private Map<Integer, CountedLoop> loops(Blocks blocks, Map<Integer, SwitchTree> trees, Set<Integer> absorbed) {
        var loops = new HashMap<Integer, CountedLoop>();
        for (int slot = blocks.start(); slot < blocks.end(); slot = program.next(slot)) {
            if (blocks.begins(slot) && program.reachable(slot) && !absorbed.contains(slot)) {
                CountedLoop.at(program, blocks, slot)
                        .filter(loop -> !trees.containsKey(loop.end()) && isPlain(loop))
                        .ifPresent(loop -> loops.put(loop.head(), loop));
            }
        }
        return loops;
    }

    /** Whether all loads of a loop are what they look like: of memory, and as the program says. */
    private boolean isPlain(CountedLoop loop) {
        for (int slot = loop.head(); slot < loop.end(); slot = program.next(slot)) {
            boolean rewritten = linked.insn(slot) != program.at(slot);
            if (rewritten || program.at(slot) instanceof Insn.Load && linked.isKernelLoad(slot)) {
                return false;
            }
        }
        return true;
    }

    private List<Part> parts(
            Blocks blocks, Map<Integer, SwitchTree> trees, Set<Integer> absorbed, Map<Integer, CountedLoop> loops) {
        var parts = new ArrayList<Part>();
        var entries = new ArrayList<Integer>();
        int start = blocks.start();
        int bytes = 0;
        for (int slot = start; slot < blocks.end(); slot = program.next(slot)) {
            int more = estimate(slot, trees, absorbed, loops);
            if (slot > start && (bytes + more > maxMethodBytes || entries.size() >= MAX_BLOCKS)) {
                parts.add(part(start, slot, bytes, entries));
                entries = new ArrayList<>();
                start = slot;
                bytes = 0;
            }
            if (slot == start || blocks.begins(slot)) {
                entries.add(slot);
            }
            bytes += more;
        }
        parts.add(part(start, blocks.end(), bytes, entries));
        return List.copyOf(parts);
    }

    private Part part(int start, int end, int bytes, List<Integer> entries) {
        int inClass = classFor(bytes, true);
        return new Part(start, end, inClass, partsInClass++, List.copyOf(entries));
    }

    private int classFor(int bytes, boolean part) {
        if (classBytes + bytes > MAX_CLASS_BYTES || (part && partsInClass == MAX_PARTS)) {
            classes++;
            classBytes = 0;
            partsInClass = 0;
        }
        classBytes += bytes;
        return classes - 1;
    }

    /** Bytes of bytecode for the instruction at this slot, rather too many than too few. */
    private int estimate(
            int slot, Map<Integer, SwitchTree> trees, Set<Integer> absorbed, Map<Integer, CountedLoop> loops) {
        if (!program.reachable(slot) || absorbed.contains(slot)) {
            return 0;
        }
        var tree = trees.get(slot);
        if (tree != null) {
            return 60 + 4 * tree.targets().length + 8 * tree.absorbed().size();
        }
        int checks = linked.checked() ? 32 : 0;
        var loop = loops.get(slot);
        // the tests before a loop, and its body once more
        int twice = loop == null ? 0 : 120 + 60 * loop.accesses().size() + 20 * (loop.end() - loop.head());
        return twice + size(program.at(slot), checks);
    }

    private static int size(Insn insn, int checks) {
        return switch (insn) {
            case Insn.Alu alu -> alu(alu);
            case Insn.Swap _ -> 14;
            case Insn.Load _, Insn.Store _ -> 18 + checks;
            case Insn.Atomic _ -> 24 + checks;
            case Insn.LoadImm64 _, Insn.AddrSpaceCast _ -> 5;
            case Insn.Jump _ -> 12 + checks;
            case Insn.Branch _ -> 22 + checks;
            case Insn.MayGoto _ -> 26;
            case Insn.LoadPacket _, Insn.Call _, Insn.CallX _ -> 46 + checks;
            case Insn.Exit _ -> 18 + checks;
        };
    }

    private static int alu(Insn.Alu alu) {
        boolean divides = alu.op() == AluOp.DIV || alu.op() == AluOp.MOD;
        boolean constant = alu.src() instanceof Operand.OfImm;
        return divides && constant ? 52 : alu.width() == Width.W64 ? 9 : 15;
    }
}
