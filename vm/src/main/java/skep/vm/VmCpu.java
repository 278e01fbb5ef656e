package skep.vm;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One execution context: the BPF stack, the budget, and the kernel that the program sees. Used by one thread at a time; a
 * program may be started inside another one's helper on the same CPU, as an interrupt would.
 *
 * <p>The stack grows down. A frame is {@value #FRAME_BYTES} bytes; {@link #push} and {@link #pop} move between frames.
 */
public final class VmCpu implements AutoCloseable {
    /** Size of a frame ({@code MAX_BPF_STACK}). */
    public static final int FRAME_BYTES = 512;

    /** Frames of one CPU: eight calls deep ({@code MAX_CALL_FRAMES}), for programs, callbacks and interruptions nested. */
    public static final int MAX_FRAMES = 64;

    /** How many tail calls may follow each other ({@code MAX_TAIL_CALL_CNT}). */
    public static final int MAX_TAIL_CALLS = 33;

    private final VmRuntime runtime;
    private final KernelServices services;
    private final Memory.Block stack;
    private final long stackEnd;
    private final AddressSpace addressSpace;
    private final byte[] kernelBytes = new byte[8];
    private AddressSpace.@Nullable Table favouriteTable;
    private long favouriteLow;
    private long favouriteBytes;
    private long top;
    private int tailCalls;
    private Optional<Packet> packet = Optional.empty();
    private Optional<SeqFile> seqFile = Optional.empty();
    private byte[] scratch = new byte[256];

    /** Odd while a program runs. What a run could still reach may be freed once this has changed. */
    @SuppressWarnings("unused") // through ACTIVITY
    private long activity;

    private static final VarHandle ACTIVITY;

    static {
        try {
            ACTIVITY = MethodHandles.lookup().findVarHandle(VmCpu.class, "activity", long.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private long budget = Long.MAX_VALUE;

    public VmCpu(VmRuntime runtime, KernelServices services) {
        this.runtime = runtime;
        this.services = services;
        this.addressSpace = runtime.addressSpace();
        stack = Memory.allocateStack((long) FRAME_BYTES * MAX_FRAMES);
        stackEnd = stack.address() + stack.sizeBytes();
        top = stackEnd;
        runtime.register(this);
    }

    public VmRuntime runtime() {
        return runtime;
    }

    public KernelServices services() {
        return services;
    }

    /**
     * Calls a BPF function by its address: how helpers run callbacks.
     *
     * @param function what a program loaded with a pseudo function immediate
     */
    public long callback(long function, long a, long b, long c, long d, long e) {
        return runtime.functions().call(this, function, a, b, c, d, e);
    }

    /** Whether a program on this CPU may access the range: in the live part of its stack or in a region. */
    public boolean allows(long address, long sizeBytes, boolean write) {
        return (address >= top && sizeBytes >= 0 && address <= stackEnd - sizeBytes)
                || addressSpace.contains(address, sizeBytes, write);
    }

    /**
     * Enters a function.
     *
     * @return its frame pointer: the end of its frame
     * @throws VmFault if the stack is used up
     */
    public long push() {
        long frame = top;
        if (frame == stack.address()) {
            throw new VmFault("calls are nested deeper than " + MAX_FRAMES + " frames");
        }
        top = frame - FRAME_BYTES;
        return frame;
    }

    /** Leaves the function whose frame pointer this is. */
    public void pop(long frame) {
        top = frame;
    }

    /** A compiled function says that its frame is the innermost one, before it calls what may push another. */
    public void use(long frame) {
        top = frame - FRAME_BYTES;
    }

    /**
     * Makes the writable region that holds this address the favourite one: compiled programs that nobody verified test accesses
     * against it first. Called with the context when a program begins.
     */
    public void favour(long address) {
        var table = addressSpace.table();
        if (table == favouriteTable && address - favouriteLow >= 0 && address - favouriteLow < favouriteBytes) {
            return;
        }
        int found = table.find(address, 1, true);
        favouriteTable = table;
        favouriteLow = found < 0 ? 0 : table.start(found);
        favouriteBytes = found < 0 ? 0 : table.end(found) - favouriteLow;
    }

    /** Where the favourite region begins. */
    public long favouriteLow() {
        return favouriteLow;
    }

    /** How many places in the favourite region an access of that many bytes may begin at. */
    public long favouritePlaces(int sizeBytes) {
        return Math.max(favouriteBytes - sizeBytes + 1, 0);
    }

    /** Lowest address of the current frame. */
    public long stackLow() {
        return top;
    }

    /** Behind the last byte of the outermost frame. */
    public long stackEnd() {
        return stackEnd;
    }

    /**
     * What a tail call runs next.
     *
     * @return null if there have been too many or nothing is at the index: the caller goes on
     */
    public @Nullable Executable tailCallTarget(long mapHandle, int index) {
        if (tailCalls >= MAX_TAIL_CALLS || !(runtime.map(mapHandle).orElse(null) instanceof VmMap.Programs programs)) {
            return null;
        }
        var next = programs.program(index);
        if (next.isPresent()) {
            tailCalls++;
        }
        return next.orElse(null);
    }

    /** Calls what a register holds: a function address or, as some compilers mean it, a helper's number. */
    public long callRegister(long target, long a, long b, long c, long d, long e) {
        if (target != (int) target) {
            return callback(target, a, b, c, d, e);
        }
        return runtime.helper((int) target)
                .orElseThrow(() -> new VmFault("there is no helper " + target))
                .call(this, a, b, c, d, e);
    }

    /** A load from kernel memory, zero-extended; 0 if nothing is mapped there. */
    public long loadKernel(long kernelAddress, int sizeBytes) {
        if (!services.readKernel(kernelAddress, kernelBytes, sizeBytes)) {
            // What the VM itself hands to iterators as an object of the kernel.
            if (!addressSpace.contains(kernelAddress, sizeBytes, false)) {
                return 0;
            }
            Memory.copy(kernelAddress, kernelBytes, 0, sizeBytes);
        }
        long value = 0;
        for (int i = sizeBytes - 1; i >= 0; i--) {
            value = value << 8 | kernelBytes[i] & 0xff;
        }
        return value;
    }

    /** Instructions that unverified programs may still execute on this CPU before they fault; a bound on loops. */
    public long budget() {
        return budget;
    }

    public void setBudget(long insns) {
        budget = insns;
    }

    /** The packet that the running program works on. */
    public Optional<Packet> packet() {
        return packet;
    }

    /** What the iterator program that runs here writes to. */
    public Optional<SeqFile> seqFile() {
        return seqFile;
    }

    void setSeqFile(Optional<SeqFile> file) {
        seqFile = file;
    }

    public void setPacket(Packet packet) {
        this.packet = Optional.of(packet);
    }

    /** Calls a function by its address as a program of its own, for example a timer's callback. */
    public long runCallback(long function, long a, byte[] key, long value) {
        var outer = enter();
        try {
            long frame = push();
            Memory.copy(key, 0, frame - FRAME_BYTES, key.length);
            return callback(function, a, frame - FRAME_BYTES, value, 0, 0);
        } catch (BpfUnwind unwind) {
            return unwind.result();
        } finally {
            leave(outer);
        }
    }

    /** Bytes for the helper that runs, at least this many; the next helper overwrites them. */
    public byte[] scratch(int sizeBytes) {
        if (scratch.length < sizeBytes) {
            scratch = new byte[Math.max(sizeBytes, 2 * scratch.length)];
        }
        return scratch;
    }

    /** Changes whenever a program begins or ends on this CPU; odd while one runs. For any thread. */
    long activity() {
        return (long) ACTIVITY.getVolatile(this);
    }

    /** A program begins, possibly inside another one's helper; returns what {@link #leave} needs. */
    Outer enter() {
        var outer = new Outer(top, tailCalls);
        if (top == stackEnd) {
            ACTIVITY.setVolatile(this, activity + 1);
        }
        tailCalls = 0;
        return outer;
    }

    /** A program ended, in whatever way. */
    void leave(Outer outer) {
        if (outer.top == stackEnd) {
            ACTIVITY.setRelease(this, activity + 1);
        }
        top = outer.top;
        tailCalls = outer.tailCalls;
    }

    /** The state of the program that was interrupted. */
    record Outer(long top, int tailCalls) {}

    @Override
    public void close() {
        runtime.unregister(this);
        stack.close();
    }
}
