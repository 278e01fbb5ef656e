package skep.vm.jit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.AluOp;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;

/**
 * An innermost loop of one block that counts: how often it will run is known when it is entered, and where its accesses will go. Such a loop
 * is written twice. The fast copy is entered if all its accesses, first to last, are allowed; it tests nothing, and HotSpot
 * sees a counter that it understands. The slow copy is the loop as it stands.
 *
 * @param head first slot
 * @param end slot of the branch back
 * @param counter the register that is compared; it grows by {@code stride} each time
 * @param limit what it is compared with: constant or a register that the loop does not change
 * @param accesses the loads and stores at addresses that move by a constant each time, by slot
 * @param strides by how much each register grows each time; only of those that do so steadily
 * @param bulk whether the loop does nothing but copy or fill, element after element
 */
record CountedLoop(
        int head,
        int end,
        Reg counter,
        long stride,
        JumpOp op,
        Operand limit,
        Map<Integer, Access> accesses,
        Map<Reg, Long> strides,
        Bulk bulk) {
    private static final int MAX_SLOTS = 200;
    private static final int MAX_ACCESSES = 12;
    private static final long MAX_STRIDE = 1 << 16;

    /** What a whole loop may come to. */
    enum Bulk {
        NONE,
        /** One load and one store of what was loaded. */
        COPY,
        /** One store of a byte that does not change. */
        FILL
    }

    /**
     * A load or store.
     *
     * @param number 0 for the first of the loop
     * @param address where it goes the first time
     * @param step how far its address moves each time
     */
    record Access(int number, boolean write, MemSize size, Linear address, long step) {}

    /** A sum of registers, each as it was when the iteration began, and a constant. */
    record Linear(int[] factors, long constant) {
        static Linear of(Reg reg) {
            var factors = new int[Reg.values().length];
            factors[reg.number()] = 1;
            return new Linear(factors, 0);
        }

        static Linear of(long constant) {
            return new Linear(new int[Reg.values().length], constant);
        }

        Linear plus(Linear other, int sign) {
            var sum = factors.clone();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += sign * other.factors[i];
            }
            return new Linear(sum, constant + sign * other.constant);
        }

        Linear times(int factor) {
            var product = factors.clone();
            for (int i = 0; i < product.length; i++) {
                product[i] *= factor;
            }
            return new Linear(product, constant * factor);
        }

        boolean isConstant() {
            for (int factor : factors) {
                if (factor != 0) {
                    return false;
                }
            }
            return true;
        }

        /** By how much this register plus a constant differs from the register, if it is no more than that. */
        Optional<Long> growthOf(Reg reg) {
            return plus(of(reg), -1).isConstant() ? Optional.of(constant) : Optional.empty();
        }
    }

    /** The loop whose block begins at this slot, if there is one of that kind. */
    static Optional<CountedLoop> at(DecodedProgram program, Blocks blocks, int head) {
        int end = head;
        while (program.target(end) < 0 && !(program.at(end) instanceof Insn.Exit)) {
            end = program.next(end);
            if (end >= blocks.end() || end - head > MAX_SLOTS || blocks.begins(end)) {
                return Optional.empty();
            }
        }
        boolean loops = program.at(end) instanceof Insn.Branch && program.target(end) == head && end > head;
        return loops ? new Builder(program, head, end).build() : Optional.empty();
    }

    private static final class Builder {
        private final DecodedProgram program;
        private final int head;
        private final int end;
        private final Map<Reg, Linear> values = new HashMap<>();
        private final Map<Integer, Linear> addresses = new HashMap<>();
        private final Map<Reg, Long> strides = new HashMap<>();
        private int loads;
        private int stores;
        private int others;

        Builder(DecodedProgram program, int head, int end) {
            this.program = program;
            this.head = head;
            this.end = end;
            for (var reg : Reg.values()) {
                values.put(reg, Linear.of(reg));
            }
        }

        Optional<CountedLoop> build() {
            for (int slot = head; slot < end; slot = program.next(slot)) {
                if (!follow(program.at(slot), slot)) {
                    return Optional.empty();
                }
            }
            for (var reg : Reg.values()) {
                var value = values.get(reg);
                if (value != null) {
                    value.growthOf(reg).filter(g -> Math.abs(g) <= MAX_STRIDE).ifPresent(g -> strides.put(reg, g));
                }
            }
            return counted((Insn.Branch) program.at(end));
        }

        /** Follows what an instruction does to the registers; false if such a loop is left alone. */
        private boolean follow(Insn insn, int slot) {
            switch (insn) {
                case Insn.Alu alu -> set(alu.dst(), alu.width() == Width.W64 ? alu(alu) : null);
                case Insn.Swap swap -> set(swap.dst(), null);
                case Insn.LoadImm64 load
                when load.kind() == Insn.ImmKind.NUMBER -> set(load.dst(), Linear.of(load.imm()));
                case Insn.Load load -> {
                    address(slot, load.base(), load.off());
                    loads++;
                    values.remove(load.dst());
                }
                case Insn.Store store -> {
                    address(slot, store.base(), store.off());
                    stores++;
                }
                default -> {
                    return false;
                }
            }
            return true;
        }

        private void set(Reg reg, @org.jspecify.annotations.Nullable Linear value) {
            if (value == null) {
                others++;
                values.remove(reg);
            } else {
                values.put(reg, value);
            }
        }

        private @org.jspecify.annotations.Nullable Linear alu(Insn.Alu alu) {
            var dst = values.get(alu.dst());
            var src = switch (alu.src()) {
                case Operand.OfReg(Reg reg) -> values.get(reg);
                case Operand.OfImm(int imm) -> Linear.of(imm);
            };
            if (src == null || (dst == null && alu.op() != AluOp.MOV)) {
                return null;
            }
            return switch (alu.op()) {
                case MOV -> src;
                case ADD -> dst.plus(src, 1);
                case SUB -> dst.plus(src, -1);
                case LSH ->
                    alu.src() instanceof Operand.OfImm(int imm) && imm >= 0 && imm < 8 ? dst.times(1 << imm) : null;
                default -> null;
            };
        }

        private void address(int slot, Reg base, short off) {
            var value = values.get(base);
            if (value != null) {
                addresses.put(slot, value.plus(Linear.of(off), 1));
            }
        }

        private Optional<CountedLoop> counted(Insn.Branch branch) {
            if (branch.width() != Width.W64) {
                return Optional.empty();
            }
            // "limit > counter" is "counter < limit"
            boolean turned =
                    (branch.op() == JumpOp.JGT || branch.op() == JumpOp.JSGT) && branch.src() instanceof Operand.OfReg;
            var counter = turned && branch.src() instanceof Operand.OfReg(Reg reg) ? reg : branch.dst();
            var limit = turned ? Operand.of(branch.dst()) : branch.src();
            var op = !turned ? branch.op() : branch.op() == JumpOp.JGT ? JumpOp.JLT : JumpOp.JSLT;
            long stride = strides.getOrDefault(counter, 0L);
            boolean upwards = (op == JumpOp.JLT || op == JumpOp.JSLT) && stride > 0;
            boolean constantLimit = switch (limit) {
                case Operand.OfReg(Reg reg) -> strides.getOrDefault(reg, 1L) == 0;
                case Operand.OfImm _ -> true;
            };
            if (!constantLimit || !(upwards || (op == JumpOp.JNE && stride != 0))) {
                return Optional.empty();
            }
            var accesses = accesses();
            return accesses.size() > MAX_ACCESSES
                    ? Optional.empty()
                    : Optional.of(new CountedLoop(
                            head, end, counter, stride, op, limit, accesses, Map.copyOf(strides), bulk(accesses)));
        }

        private Map<Integer, Access> accesses() {
            var accesses = new HashMap<Integer, Access>();
            for (int slot = head; slot < end; slot = program.next(slot)) {
                var address = addresses.get(slot);
                if (address == null || !steady(address)) {
                    continue;
                }
                long step = step(address);
                if (Math.abs(step) > MAX_STRIDE) {
                    continue;
                }
                boolean write = program.at(slot) instanceof Insn.Store;
                var size = program.at(slot) instanceof Insn.Load load
                        ? load.size()
                        : ((Insn.Store) program.at(slot)).size();
                accesses.put(slot, new Access(accesses.size(), write, size, address, step));
            }
            return accesses;
        }

        private boolean steady(Linear value) {
            for (var reg : Reg.values()) {
                if (value.factors[reg.number()] != 0 && !strides.containsKey(reg)) {
                    return false;
                }
            }
            return true;
        }

        private long step(Linear value) {
            long step = 0;
            for (var reg : Reg.values()) {
                step += value.factors[reg.number()] * strides.getOrDefault(reg, 0L);
            }
            return step;
        }

        private Bulk bulk(Map<Integer, Access> accesses) {
            boolean restKnown = others == 0 && values.values().stream().allMatch(this::steady);
            if (!restKnown || stores != 1 || accesses.size() != loads + stores) {
                return Bulk.NONE;
            }
            int storeSlot = slotOf(accesses, true);
            var store = (Insn.Store) program.at(storeSlot);
            if (accesses.get(storeSlot).step != store.size().bytes()) {
                return Bulk.NONE;
            }
            if (loads == 0) {
                boolean same = store.src() instanceof Operand.OfImm
                        || (store.src() instanceof Operand.OfReg(Reg reg) && strides.getOrDefault(reg, 1L) == 0);
                return same && store.size() == MemSize.B ? Bulk.FILL : Bulk.NONE;
            }
            int loadSlot = slotOf(accesses, false);
            if (loads != 1 || loadSlot > storeSlot) {
                return Bulk.NONE;
            }
            var load = (Insn.Load) program.at(loadSlot);
            boolean copies = store.src().equals(Operand.of(load.dst()))
                    && load.size() == store.size()
                    && accesses.get(loadSlot).step == load.size().bytes()
                    && !values.containsKey(load.dst());
            return copies ? Bulk.COPY : Bulk.NONE;
        }

        private static int slotOf(Map<Integer, Access> accesses, boolean write) {
            return accesses.entrySet().stream()
                    .filter(e -> e.getValue().write == write)
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .orElse(-1);
        }
    }

    Access only(boolean write) {
        return accesses.values().stream()
                .filter(a -> a.write == write)
                .findFirst()
                .orElseThrow();
    }

    /** The accesses in the order of their numbers. */
    List<Access> ordered() {
        var ordered = new ArrayList<>(accesses.values());
        ordered.sort(java.util.Comparator.comparingInt(Access::number));
        return ordered;
    }
}
