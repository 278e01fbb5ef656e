package skep.vm;

import java.util.Optional;
import skep.isa.Bytecode;
import skep.isa.DecodedProgram;
import skep.isa.Disassembler;
import skep.isa.Insn;
import skep.isa.InvalidInsnException;
import skep.isa.MemSize;
import skep.isa.Reg;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.vm.verifier.InsnFact;
import skep.vm.verifier.InsnFact.PointerKind;
import skep.vm.verifier.VerifiedProgram;

/**
 * A program whose numbers have become things of one runtime: what every backend starts from. Slots are those of the program.
 *
 * <p>Linking refuses whatever cannot be run, before anything runs.
 */
public final class LinkedProgram {
    private final String name;
    private final DecodedProgram program;
    private final VmRuntime runtime;
    private final Optional<VerifiedProgram> verified;
    private final ProgramType type;
    private final int tableNumber;
    private final long[] immediates;
    private final @org.jspecify.annotations.Nullable HelperFunction[] calls;
    private final @org.jspecify.annotations.Nullable VmMap[] maps;

    private LinkedProgram(
            String name, ProgramType type, Bytecode code, Optional<VerifiedProgram> verified, VmRuntime runtime) {
        this.name = name;
        this.type = type;
        this.runtime = runtime;
        this.verified = verified;
        try {
            program = DecodedProgram.of(code);
        } catch (InvalidInsnException invalid) {
            throw new RefusedProgramException(invalid.slot(), invalid.reason());
        }
        tableNumber = runtime.functions().reserve();
        immediates = new long[code.size()];
        calls = new HelperFunction[code.size()];
        maps = new VmMap[code.size()];
        for (int slot = 0; slot < code.size(); slot = program.next(slot)) {
            if (verified.isEmpty() && program.reachable(slot)) {
                checkInsn(slot);
            }
            link(slot);
        }
    }

    public static LinkedProgram of(UnverifiedProgram program, VmRuntime runtime) {
        return new LinkedProgram(program.name(), program.type(), program.code(), Optional.empty(), runtime);
    }

    public static LinkedProgram of(VerifiedProgram program, VmRuntime runtime) {
        return new LinkedProgram(program.name(), program.type(), program.code(), Optional.of(program), runtime);
    }

    public String name() {
        return name;
    }

    public DecodedProgram program() {
        return program;
    }

    public VmRuntime runtime() {
        return runtime;
    }

    /** Whether every access must be tested because no verifier has seen the program. */
    public boolean checked() {
        return verified.isEmpty();
    }

    /** The instruction to execute at this slot: as in the program but for 32-bit packet pointers of the context. */
    public Insn insn(int slot) {
        var insn = program.at(slot);
        if (insn instanceof Insn.Load(MemSize size, boolean _, Reg dst, Reg base, short off)
                && size == MemSize.W
                && fact(slot).pointer() == PointerKind.CONTEXT) {
            int wide = PacketContext.pointerSlot(type, off);
            if (wide >= 0) {
                return new Insn.Load(MemSize.DW, false, dst, base, (short) wide);
            }
        }
        return insn;
    }

    /** What the verifier knows of this slot; of an unverified program nothing. */
    public InsnFact fact(int slot) {
        return verified.isPresent() ? verified.get().fact(slot) : UNKNOWN;
    }

    private static final InsnFact UNKNOWN =
            new InsnFact(true, PointerKind.NONE, false, Optional.empty(), false, InsnFact.Branch.NONE);

    /** Whether a load may go to the simulated kernel's memory, which is not there to be dereferenced. */
    public boolean isKernelLoad(int slot) {
        var fact = fact(slot);
        return fact.probed()
                || fact.pointer() == PointerKind.KERNEL
                || fact.pointer() == PointerKind.SOCKET
                || fact.pointer() == PointerKind.MIXED;
    }

    /** Which source made which instruction, as far as the loader told. */
    public LineTable lines() {
        return verified.map(program -> program.input().lines()).orElse(LineTable.EMPTY);
    }

    /** How much of the stack the function that begins at this slot uses, in bytes; all of it if nobody verified it. */
    public int stackBytes(int slot) {
        return verified.stream()
                .flatMap(program -> program.functions().stream())
                .filter(function -> function.start() == slot)
                .findFirst()
                .map(VerifiedProgram.Function::stackBytes)
                .orElse(VmCpu.FRAME_BYTES);
    }

    /** The number that the 64-bit immediate load at this slot loads. */
    public long immediate(int slot) {
        return immediates[slot];
    }

    /** The map that the 64-bit immediate load at this slot names, or that the helper call there is always about. */
    public Optional<VmMap> map(int slot) {
        var named = maps[slot];
        if (named != null) {
            return Optional.of(named);
        }
        return fact(slot).mapFd().flatMap(runtime::mapByFd);
    }

    /** What the helper or kernel function call, or packet load, at this slot calls. */
    public HelperFunction call(int slot) {
        var function = calls[slot];
        assert function != null : slot;
        return function;
    }

    /** Whether this is a call of the helper that replaces the running program by another one. */
    public static boolean isTailCall(Insn insn) {
        return insn instanceof Insn.Call(Insn.CallKind kind, int imm, short _)
                && kind == Insn.CallKind.HELPER
                && imm == Helper.TAIL_CALL.number();
    }

    /** Makes the program's functions callable by address. */
    public void bind(Executable executable) {
        runtime.functions().bind(tableNumber, executable);
    }

    /** Undoes {@link #bind}. */
    public void release() {
        runtime.functions().release(tableNumber);
    }

    /** What a verifier would have found in code that can be reached. */
    private void checkInsn(int slot) {
        var insn = program.at(slot);
        if (DecodedProgram.written(insn) == Reg.R10.number()) {
            throw refused(slot, "r10 is read-only: " + Disassembler.text(insn));
        }
        if (insn instanceof Insn.Jump && program.target(slot) == slot) {
            throw refused(slot, "jump to itself never ends");
        }
    }

    private void link(int slot) {
        switch (program.at(slot)) {
            case Insn.LoadImm64 load when dead(slot) -> immediates[slot] = 0;
            case Insn.LoadImm64 load -> immediates[slot] = immediate(slot, load);
            case Insn.Call call when !isTailCall(call) -> linkCall(slot, call);
            case Insn.LoadPacket _ ->
                calls[slot] = runtime.packetLoad()
                        .orElseThrow(() -> refused(slot, "packet loads need a program that is given a packet"));
            case Insn.AddrSpaceCast _ ->
                throw refused(slot, "address space casts need an arena, which this machine does not have");
            case Insn.CallX _ when !checked() -> throw refused(slot, "calls through a register are not verified");
            default -> {}
        }
    }

    /** What no path gets to need not be there: weak functions, and instructions that CO-RE found no field for. */
    private boolean dead(int slot) {
        return !checked() && !fact(slot).reached();
    }

    private void linkCall(int slot, Insn.Call call) {
        if (dead(slot)) {
            calls[slot] = (_, _, _, _, _, _) -> {
                throw new VmFault("insn " + slot + " is called, which the verifier saw no way to");
            };
            return;
        }
        switch (call.kind()) {
            case HELPER ->
                calls[slot] =
                        runtime.helper(call.imm()).orElseThrow(() -> refused(slot, "there is no helper " + call.imm()));
            case KFUNC ->
                calls[slot] = runtime.kfunc(call.imm(), call.off())
                        .orElseThrow(() -> refused(slot, "there is no kernel function with BTF id " + call.imm()));
            case LOCAL -> {}
        }
    }

    private long immediate(int slot, Insn.LoadImm64 load) {
        int low = (int) load.imm();
        int high = (int) (load.imm() >>> 32);
        return switch (load.kind()) {
            case NUMBER -> load.imm();
            case MAP_FD -> map(slot, runtime.mapByFd(low), low).handle();
            case MAP_IDX -> map(slot, runtime.mapByIndex(low), low).handle();
            case MAP_VALUE -> value(slot, map(slot, runtime.mapByFd(low), low), high);
            case MAP_IDX_VALUE -> value(slot, map(slot, runtime.mapByIndex(low), low), high);
            case FUNC -> FunctionTable.address(tableNumber, program.callee(slot));
            case BTF_ID ->
                runtime.variableAddress(low, high)
                        .orElseThrow(() -> refused(slot, "there is no kernel variable with BTF id " + low));
        };
    }

    private VmMap map(int slot, Optional<VmMap> found, int number) {
        var map = found.orElseThrow(() -> refused(slot, "descriptor " + number + " is no map"));
        maps[slot] = map;
        return map;
    }

    private long value(int slot, VmMap map, int offBytes) {
        return map.directValueAddress(offBytes)
                .orElseThrow(() -> refused(
                        slot, "map " + map.spec().name() + " has no value at offset " + offBytes + " to point to"));
    }

    private static RefusedProgramException refused(int slot, String reason) {
        return new RefusedProgramException(slot, reason);
    }
}
