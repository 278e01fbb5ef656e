package skep.events.embedded;

import java.util.HashMap;
import java.util.Map;

/**
 * The kernel stacks of all tasks, as memory. Nothing is ever written to them: what a program reads is computed from the
 * task's frames at that moment, so that walking frame pointers and reading saved user registers works and costs nothing
 * while nobody does it.
 *
 * <p>Only the lowest page is real memory: variables of routines that programs get pointers to.
 *
 * <pre>
 *   base + 16 KiB   end
 *                   struct pt_regs of the system call
 *                   frame record 0: { caller's frame record, return address }, 64 bytes apart
 *                   frame record 1 …
 * </pre>
 */
final class KernelStacks {
    static final int STACK_BYTES = 16 << 10;
    /** Stacks are this far apart: a guard of the same size lies between two. */
    private static final int STRIDE_BYTES = 2 * STACK_BYTES;

    /** The low part holds variables of routines that programs get pointers to; it is real memory. */
    private static final int LOCAL_BYTES = 4096;

    private static final int RECORD_BYTES = 64;

    private final long base;
    private final RegisterLayout registers;
    private final SparseMemory memory;
    private final Map<Integer, Task> owners = new HashMap<>();
    private final java.util.ArrayDeque<Integer> free = new java.util.ArrayDeque<>();
    private int next;

    KernelStacks(long base, RegisterLayout registers, SparseMemory memory) {
        this.memory = memory;
        this.base = base;
        this.registers = registers;
    }

    /** The base of a stack that no task uses. */
    long allocate() {
        int index = free.isEmpty() ? next++ : free.poll();
        return base + (long) index * STRIDE_BYTES;
    }

    void own(Task task) {
        owners.put(index(task.stackBase), task);
        memory.map(task.stackBase, LOCAL_BYTES);
    }

    void release(Task task) {
        if (owners.remove(index(task.stackBase)) != null) {
            free.add(index(task.stackBase));
            memory.unmap(task.stackBase, LOCAL_BYTES);
        }
    }

    private int index(long address) {
        return (int) ((address - base) / STRIDE_BYTES);
    }

    /** Address of the registers that the user had when the system call began. */
    long userRegisters(Task task) {
        return task.stackBase + STACK_BYTES - registers.sizeBytes();
    }

    /** Address of the frame record of a frame; of the outermost one's for negative indices. */
    long frameRecord(Task task, int frame) {
        return userRegisters(task) - (long) RECORD_BYTES * (Math.max(0, frame) + 1);
    }

    /** Copies out; false unless all of the range lies in one stack. */
    boolean read(long address, byte[] into, int length) {
        long off = address - base;
        if (off < 0 || off >= (long) next * STRIDE_BYTES) {
            return false;
        }
        var task = owners.get((int) (off / STRIDE_BYTES));
        long within = off % STRIDE_BYTES;
        if (task == null || length < 0 || within + length > STACK_BYTES) {
            return false;
        }
        if (within < LOCAL_BYTES) {
            return memory.read(address, into, length);
        }
        for (int i = 0; i < length; i++) {
            long at = address + i;
            into[i] = (byte) (word(task, at & ~7L) >>> 8 * (at & 7));
        }
        return true;
    }

    private long word(Task task, long address) {
        long off = address - userRegisters(task);
        if (off >= 0) {
            return userRegister(task, (int) off);
        }
        long below = userRegisters(task) - address;
        int frame = (int) ((below + RECORD_BYTES - 1) / RECORD_BYTES) - 1;
        if (frame > task.depth) {
            return 0;
        }
        return switch ((int) (RECORD_BYTES * (frame + 1L) - below)) {
            case 0 -> frame == 0 ? 0 : frameRecord(task, frame - 1);
            case 8 -> Firing.returnAddress(task, frame);
            default -> 0;
        };
    }

    /** One register of the user, by its offset. */
    long userRegister(Task task, int offBytes) {
        for (int i = 0; i < 6; i++) {
            if (registers.syscallArguments()[i] == offBytes) {
                return task.syscallArguments[i];
            }
        }
        if (offBytes == registers.originalArgument() && registers.link() >= 0) {
            return task.syscallArguments[0];
        }
        if (offBytes == registers.syscallNumber()) {
            return task.syscallNumber;
        }
        var user = innermostUser(task);
        if (offBytes == registers.instructionPointer()) {
            return user == null ? 0 : user.routine.returnAddress(user.pc);
        }
        if (offBytes == registers.stackPointer()) {
            return task.kernel.addresses.userStack() - 256;
        }
        return 0;
    }

    private static @org.jspecify.annotations.Nullable Frame innermostUser(Task task) {
        for (int i = task.depth; i >= 0; i--) {
            if (task.frame(i).routine.user()) {
                return task.frame(i);
            }
        }
        return null;
    }
}
