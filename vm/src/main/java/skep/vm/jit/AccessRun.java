package skep.vm.jit;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import skep.isa.AluOp;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.vm.VmCpu;

/**
 * Instructions of checked code that run one after the other, entered only at the first, in which several accesses go to places
 * near each other: the same register, plus constants. One test at the beginning covers all of them; if it fails, the run is
 * executed with a test at each access.
 *
 * @param start first slot
 * @param end behind the last slot
 * @param spans what to test
 * @param proved slots that need no test of their own then
 */
record AccessRun(int start, int end, List<Span> spans, BitSet proved) {
    private static final int MAX_INSNS = 64;
    private static final int MAX_SPAN_BYTES = 4096;

    /**
     * Places that are accessed.
     *
     * @param reg what they are relative to, as it is when the run begins
     */
    record Span(Reg reg, long lowBytes, int sizeBytes) {}

    /** The run that begins with the access at this slot, if it saves a test. */
    static AccessRun at(DecodedProgram program, Blocks blocks, BitSet stops, int start, int to) {
        return new Builder(program, blocks, stops, start, to).build();
    }

    boolean saves() {
        return !spans.isEmpty();
    }

    private record Value(Reg reg, long plus) {}

    private static final class Accessed {
        private final List<Integer> slots = new ArrayList<>();
        private long low = Long.MAX_VALUE;
        private long high = Long.MIN_VALUE;
    }

    private static final class Builder {
        private final DecodedProgram program;
        private final Blocks blocks;
        private final BitSet stops;
        private final int start;
        private final int to;
        private final @org.jspecify.annotations.Nullable Value[] values = new Value[Reg.values().length];
        private final Map<Reg, Accessed> accessed = new LinkedHashMap<>();

        Builder(DecodedProgram program, Blocks blocks, BitSet stops, int start, int to) {
            this.program = program;
            this.blocks = blocks;
            this.stops = stops;
            this.start = start;
            this.to = to;
            for (var reg : Reg.values()) {
                values[reg.number()] = new Value(reg, 0);
            }
        }

        AccessRun build() {
            int slot = start;
            for (int insns = 0; slot < to && insns < MAX_INSNS && goesOn(slot); insns++) {
                if (!follow(program.at(slot), slot)) {
                    break;
                }
                slot = program.next(slot);
            }
            var spans = new ArrayList<Span>();
            var proved = new BitSet();
            accessed.forEach((reg, places) -> {
                if (places.slots.size() > 1 && places.high - places.low <= MAX_SPAN_BYTES) {
                    spans.add(new Span(reg, places.low, (int) (places.high - places.low)));
                    places.slots.forEach(proved::set);
                }
            });
            if (!proved.get(start)) {
                return new AccessRun(start, start, List.of(), proved);
            }
            return new AccessRun(start, program.next(proved.length() - 1), List.copyOf(spans), proved);
        }

        /** Whether control comes to this slot from the one before it only. */
        private boolean goesOn(int slot) {
            return slot == start
                    || !stops.get(slot)
                            && program.reachable(slot)
                            && (!blocks.begins(slot) || blocks.predecessors(slot) == 1);
        }

        /** Follows an instruction; false if the run ends before it. */
        private boolean follow(Insn insn, int slot) {
            switch (insn) {
                case Insn.Alu alu -> values[alu.dst().number()] = alu.width() == Width.W64 ? alu(alu) : null;
                case Insn.Swap swap -> values[swap.dst().number()] = null;
                case Insn.LoadImm64 load -> values[load.dst().number()] = null;
                case Insn.Load load -> {
                    access(slot, load.base(), load.off(), load.size());
                    values[load.dst().number()] = null;
                }
                case Insn.Store store -> access(slot, store.base(), store.off(), store.size());
                case Insn.Branch _ -> {}
                default -> {
                    return false;
                }
            }
            return true;
        }

        private @org.jspecify.annotations.Nullable Value alu(Insn.Alu alu) {
            var old = values[alu.dst().number()];
            return switch (alu.src()) {
                case Operand.OfReg(Reg src) when alu.op() == AluOp.MOV -> values[src.number()];
                case Operand.OfImm(int imm)
                when old != null && alu.op() == AluOp.ADD -> new Value(old.reg, old.plus + imm);
                case Operand.OfImm(int imm)
                when old != null && alu.op() == AluOp.SUB -> new Value(old.reg, old.plus - imm);
                default -> null;
            };
        }

        private void access(int slot, Reg base, short off, MemSize size) {
            var value = values[base.number()];
            boolean ownFrame = base == Reg.R10 && off >= -VmCpu.FRAME_BYTES && off <= -size.bytes();
            if (value == null || ownFrame || value.reg == Reg.R10) {
                return;
            }
            var places = accessed.computeIfAbsent(value.reg, _ -> new Accessed());
            places.slots.add(slot);
            places.low = Math.min(places.low, value.plus + off);
            places.high = Math.max(places.high, value.plus + off + size.bytes());
        }
    }
}
