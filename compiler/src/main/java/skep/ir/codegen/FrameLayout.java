package skep.ir.codegen;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import skep.ir.codegen.MachineInsn.Base;
import skep.ir.codegen.MachineInsn.Source;
import skep.isa.AluOp;
import skep.isa.Insn;

/**
 * Places the slots of a function in its frame. Two slots share bytes if at no instruction both hold something: a slot
 * holds something from the first access that may have come before to the last that may come after. Accesses through
 * registers count for every slot whose address the register may hold; a slot whose address is stored, or handed to
 * another function of the program, always holds something.
 */
final class FrameLayout {
    private final MachineFunction function;
    private final int slotCount;
    private final BitSet[] carried;
    private final BitSet escaped = new BitSet();
    private final BitSet[] conflicts;

    private FrameLayout(MachineFunction function) {
        this.function = function;
        this.slotCount = function.slots.size();
        this.carried = new BitSet[function.registerLimit];
        this.conflicts = new BitSet[slotCount];
        Arrays.setAll(carried, i -> new BitSet());
        Arrays.setAll(conflicts, i -> new BitSet());
    }

    /** Sets the place of each slot; registers are still virtual. */
    static void prepare(MachineFunction function) {
        var layout = new FrameLayout(function);
        if (layout.slotCount > 0) {
            layout.followAddresses();
            layout.findConflicts();
        }
        layout.place();
    }

    // Which register may hold the address of which slot

    private void followAddresses() {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (var block : function.blocks) {
                clearMachineRegisters();
                for (var insn : block.insns) {
                    changed |= follow(insn);
                }
            }
        }
    }

    /** Machine registers carry addresses inside a block only, from where arguments are set up to the call. */
    private void clearMachineRegisters() {
        for (int i = 0; i < MachineInsn.FIRST_VIRTUAL; i++) {
            carried[i].clear();
        }
    }

    private boolean follow(MachineInsn insn) {
        switch (insn) {
            case MachineInsn.FrameAddress f -> {
                return carry(f.dst(), bit(f.slot()));
            }
            case MachineInsn.Move m -> {
                if (m.dst() < MachineInsn.FIRST_VIRTUAL) {
                    carried[m.dst()].clear();
                }
                return carry(m.dst(), carried[m.src()]);
            }
            case MachineInsn.MoveUnless m -> {
                return m.src() instanceof Source.OfReg r && carry(m.dst(), carried[r.reg()]);
            }
            case MachineInsn.Alu a -> {
                return a.src() instanceof Source.OfReg r && a.op() != AluOp.NEG && carry(a.dst(), carried[r.reg()]);
            }
            case MachineInsn.Store s -> {
                if (s.src() instanceof Source.OfReg r) {
                    escaped.or(carried[r.reg()]);
                }
            }
            case MachineInsn.Atomic a -> escaped.or(carried[a.src()]);
            case MachineInsn.Call c -> {
                if (c.kind() == Insn.CallKind.LOCAL) {
                    for (int use : c.uses()) {
                        escaped.or(carried[use]);
                    }
                }
                clearMachineRegisters();
            }
            case MachineInsn.Load l -> clearIfMachine(l.dst());
            case MachineInsn.LoadImm l -> clearIfMachine(l.dst());
            case MachineInsn.Swap s -> clearIfMachine(s.dst());
            case MachineInsn.Branch b -> {}
            case MachineInsn.Jump j -> {}
            case MachineInsn.Exit e -> {}
        }
        return false;
    }

    private void clearIfMachine(int register) {
        if (register < MachineInsn.FIRST_VIRTUAL) {
            carried[register].clear();
        }
    }

    private boolean carry(int register, BitSet slots) {
        if (register < MachineInsn.FIRST_VIRTUAL) {
            carried[register].or(slots);
            return false;
        }
        int before = carried[register].cardinality();
        carried[register].or(slots);
        return carried[register].cardinality() != before;
    }

    private static BitSet bit(int index) {
        var set = new BitSet();
        set.set(index);
        return set;
    }

    // Which slots hold something at the same time

    private void findConflicts() {
        int n = function.blocks.size();
        var touches = new BitSet[n][];
        for (int i = 0; i < n; i++) {
            clearMachineRegisters();
            var insns = function.blocks.get(i).insns;
            touches[i] = new BitSet[insns.size()];
            for (int k = 0; k < insns.size(); k++) {
                touches[i][k] = touched(insns.get(k));
                follow(insns.get(k));
            }
        }
        var before = touchedBefore(touches);
        var after = touchedAfter(touches);
        for (int i = 0; i < n; i++) {
            collect(i, touches[i], before[i], after[i]);
        }
    }

    private BitSet touched(MachineInsn insn) {
        var slots = new BitSet();
        for (int use : insn.uses()) {
            slots.or(carried[use]);
        }
        switch (insn) {
            case MachineInsn.FrameAddress f -> slots.set(f.slot());
            case MachineInsn.Load l when l.base() instanceof Base.OfSlot s -> slots.set(s.slot());
            case MachineInsn.Store st when st.base() instanceof Base.OfSlot s -> slots.set(s.slot());
            case MachineInsn.Atomic a when a.base() instanceof Base.OfSlot s -> slots.set(s.slot());
            default -> {}
        }
        return slots;
    }

    /** The slot that the instruction overwrites as a whole, or -1. */
    private int overwritten(MachineInsn insn) {
        return insn instanceof MachineInsn.Store s
                        && s.base() instanceof Base.OfSlot slot
                        && s.offset() == 0
                        && s.size().bytes() == function.slots.get(slot.slot()).sizeBytes()
                        && !escaped.get(slot.slot())
                ? slot.slot()
                : -1;
    }

    private BitSet[] touchedBefore(BitSet[][] touches) {
        int n = function.blocks.size();
        var in = emptySets(n);
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = 0; i < n; i++) {
                var out = (BitSet) in[i].clone();
                for (var touch : touches[i]) {
                    out.or(touch);
                }
                for (int successor : function.blocks.get(i).successors()) {
                    int count = in[successor].cardinality();
                    in[successor].or(out);
                    changed |= in[successor].cardinality() != count;
                }
            }
        }
        return in;
    }

    /** At the end of each block. */
    private BitSet[] touchedAfter(BitSet[][] touches) {
        int n = function.blocks.size();
        var out = emptySets(n);
        var in = emptySets(n);
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = n - 1; i >= 0; i--) {
                for (int successor : function.blocks.get(i).successors()) {
                    out[i].or(in[successor]);
                }
                var at = (BitSet) out[i].clone();
                for (int k = touches[i].length - 1; k >= 0; k--) {
                    stepBack(at, function.blocks.get(i).insns.get(k), touches[i][k]);
                }
                if (!at.equals(in[i])) {
                    in[i] = at;
                    changed = true;
                }
            }
        }
        return out;
    }

    private void stepBack(BitSet at, MachineInsn insn, BitSet touch) {
        int whole = overwritten(insn);
        if (whole >= 0) {
            at.clear(whole);
        } else {
            at.or(touch);
        }
    }

    private void collect(int block, BitSet[] touches, BitSet before, BitSet after) {
        var insns = function.blocks.get(block).insns;
        var needed = new BitSet[insns.size()];
        var at = (BitSet) after.clone();
        for (int k = insns.size() - 1; k >= 0; k--) {
            needed[k] = (BitSet) at.clone();
            stepBack(at, insns.get(k), touches[k]);
        }
        var seen = (BitSet) before.clone();
        BitSet last = new BitSet();
        for (int k = 0; k < insns.size(); k++) {
            var holding = (BitSet) seen.clone();
            holding.and(needed[k]);
            holding.or(touches[k]);
            holding.or(escaped);
            seen.or(touches[k]);
            if (!holding.equals(last)) {
                for (int slot = holding.nextSetBit(0); slot >= 0; slot = holding.nextSetBit(slot + 1)) {
                    conflicts[slot].or(holding);
                }
                last = holding;
            }
        }
    }

    private static BitSet[] emptySets(int n) {
        var sets = new BitSet[n];
        Arrays.setAll(sets, i -> new BitSet());
        return sets;
    }

    // Places

    private void place() {
        function.slotOffset = new int[slotCount];
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < slotCount; i++) {
            order.add(i);
        }
        order.sort(Comparator.comparingInt(i -> -function.slots.get(i).sizeBytes()));
        var placed = new BitSet();
        int depth = 0;
        for (int slot : order) {
            int end = lowestEnd(slot, placed);
            function.slotOffset[slot] = -end;
            placed.set(slot);
            depth = Math.max(depth, end);
        }
        function.frameBytes = (depth + 7) / 8 * 8;
    }

    /** The smallest distance of the slot's first byte below the frame pointer that is aligned and free. */
    private int lowestEnd(int slot, BitSet placed) {
        int size = function.slots.get(slot).sizeBytes();
        int align = function.slots.get(slot).alignBytes();
        int end = (size + align - 1) / align * align;
        boolean moved = true;
        while (moved) {
            moved = false;
            for (int other = placed.nextSetBit(0); other >= 0; other = placed.nextSetBit(other + 1)) {
                int otherEnd = -function.slotOffset[other];
                int otherStart = otherEnd - function.slots.get(other).sizeBytes();
                if (conflicts[slot].get(other) && end > otherStart && end - size < otherEnd) {
                    end = (otherEnd + size + align - 1) / align * align;
                    moved = true;
                }
            }
        }
        return end;
    }
}
