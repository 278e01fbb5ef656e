package skep.ir.codegen;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.ir.Value;
import skep.source.Span;

/** A function under code generation: blocks in layout order, named by index; mutable until it is emitted. */
final class MachineFunction {
    final String name;
    final List<MachineBlock> blocks = new ArrayList<>();
    final List<Slot> slots = new ArrayList<>();
    int registerLimit = MachineInsn.FIRST_VIRTUAL;

    /** Distance of each slot from the frame pointer, negative; set by {@link FrameLayout}. */
    int[] slotOffset = {};

    int frameBytes;

    MachineFunction(String name) {
        this.name = name;
    }

    /**
     * A piece of the frame.
     *
     * @param origin the slot of the IR it stands for; empty if it holds a spilled register
     */
    record Slot(int sizeBytes, int alignBytes, String name, Span span, Optional<Value> origin) {}

    /** Straight-line code that ends with a branch, jump or exit. */
    static final class MachineBlock {
        List<MachineInsn> insns = new ArrayList<>();
        int loopDepth;

        MachineInsn end() {
            return insns.getLast();
        }

        int[] successors() {
            return switch (end()) {
                case MachineInsn.Branch b -> new int[] {b.then(), b.otherwise()};
                case MachineInsn.Jump j -> new int[] {j.target()};
                default -> MachineInsn.NONE;
            };
        }
    }

    int newRegister() {
        return registerLimit++;
    }

    int newSlot(Slot slot) {
        slots.add(slot);
        return slots.size() - 1;
    }
}
