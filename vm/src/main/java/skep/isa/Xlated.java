package skep.isa;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.isa.kernel.Helper;
import skep.isa.object.LineTable;

/**
 * Bytecode as a kernel hands it to its JIT, with what only the kernel itself may write: {@link #plain} is the same without, so that
 * {@link DecodedProgram} takes it, and {@link #internal} says what stood there (Linux 6.18, {@code kernel/bpf/verifier.c}).
 *
 * @param plain each internal instruction replaced by one that does nothing to control flow; calls of functions relative. Where the kernel uses
 *     its own eleventh register, that stays, and {@link DecodedProgram} refuses it
 * @param internals what was replaced, by slot
 */
public record Xlated(Bytecode plain, Map<Integer, Internal> internals) {
    private static final int MOV_OPCODE = 0xbf;
    private static final int MOV32_OPCODE = 0xbc;
    private static final int NOSPEC_OPCODE = 0xc2;
    private static final int CALL_OPCODE = 0x85;
    private static final int PSEUDO_CALL = 1;
    private static final int LD_IMM64_OPCODE = 0x18;

    /** {@code BPF_ADDR_PERCPU}, Linux 6.10. */
    private static final int PER_CPU_OFF = -1;

    /** Immediate of a move of 32 bits that only clears the upper half ({@code BPF_ZEXT_REG}). */
    private static final int ZERO_EXTEND_IMM = 1;

    /** {@code BPF_REG_AX}: a register that only the kernel has. */
    private static final int AUXILIARY = 11;

    public Xlated {
        internals = Map.copyOf(internals);
    }

    /** An instruction that only the kernel writes. */
    public enum Internal {
        /** The address of this CPU's copy: the register becomes the other one plus the CPU's base. */
        PER_CPU_ADDRESS,
        /** No speculation beyond this place. */
        NOSPEC
    }

    /** Reads what {@code BPF_OBJ_GET_INFO_BY_FD} gives of a program. */
    public static Xlated of(Bytecode xlated) {
        var slots = xlated.slots();
        var internals = new TreeMap<Integer, Internal>();
        for (int i = 0; i < slots.length; i++) {
            switch (xlated.opcode(i)) {
                case LD_IMM64_OPCODE -> i++;
                case MOV_OPCODE -> {
                    if (xlated.off(i) == PER_CPU_OFF) {
                        internals.put(i, Internal.PER_CPU_ADDRESS);
                        slots[i] = Bytecode.pack(MOV_OPCODE, xlated.dst(i), xlated.src(i), 0, 0);
                    }
                }
                case MOV32_OPCODE -> {
                    if (xlated.imm(i) == ZERO_EXTEND_IMM && xlated.dst(i) == xlated.src(i)) {
                        slots[i] = Bytecode.pack(MOV32_OPCODE, xlated.dst(i), xlated.src(i), xlated.off(i), 0);
                    }
                }
                case NOSPEC_OPCODE -> {
                    internals.put(i, Internal.NOSPEC);
                    slots[i] = InsnCodec.encode(new Insn.Jump(0, false));
                }
                case CALL_OPCODE -> {
                    // A jited program's calls have the function's number in place of the distance, which is in the
                    // offset field. It
                    // is not 0: no function ends with a call.
                    if (xlated.src(i) == PSEUDO_CALL && xlated.off(i) != 0) {
                        slots[i] = Bytecode.pack(CALL_OPCODE, 0, PSEUDO_CALL, 0, xlated.off(i));
                    }
                }
                default -> {}
            }
        }
        return new Xlated(Bytecode.of(slots), internals);
    }

    /** What only the kernel writes at this slot. */
    public Optional<Internal> internal(int slot) {
        return Optional.ofNullable(internals.get(slot));
    }

    /** The instruction at this slot as text. */
    public String text(int slot) {
        if (plain.dst(slot) == AUXILIARY || plain.src(slot) == AUXILIARY) {
            return auxiliary(slot);
        }
        var insn = InsnCodec.decode(plain, slot);
        return internal(slot).map(kind -> text(kind, insn)).orElseGet(() -> text(insn));
    }

    /** Written with a register that the instruction does not name, which is then renamed. */
    private String auxiliary(int slot) {
        int other = plain.dst(slot) == 9 || plain.src(slot) == 9 ? 8 : 9;
        int dst = plain.dst(slot) == AUXILIARY ? other : plain.dst(slot);
        int src = plain.src(slot) == AUXILIARY ? other : plain.src(slot);
        long renamed = Bytecode.pack(plain.opcode(slot), dst, src, plain.off(slot), plain.imm(slot));
        return Disassembler.text(InsnCodec.decode(plain.with(slot, renamed), slot))
                .replaceAll("\\b([rw])" + other + "\\b", "$1" + AUXILIARY);
    }

    private static String text(Internal kind, Insn insn) {
        return switch (kind) {
            case PER_CPU_ADDRESS ->
                insn instanceof Insn.Alu move && move.src() instanceof Operand.OfReg(Reg src)
                        ? move.dst() + " = this_cpu(" + src + ")"
                        : Disassembler.text(insn);
            case NOSPEC -> "nospec";
        };
    }

    /** A helper that the kernel has replaced by its address counts from the first of all helpers. */
    private static String text(Insn insn) {
        return insn instanceof Insn.Call(Insn.CallKind kind, int imm, short _)
                        && kind == Insn.CallKind.HELPER
                        && Helper.ofNumber(imm).isEmpty()
                ? "call __bpf_call_base+" + imm
                : Disassembler.text(insn);
    }

    /** The program, one line an instruction: {@code slot: (opcode) text}; in front of them the source that made them. */
    public String text(LineTable lines) {
        var out = new StringBuilder();
        var shown = "";
        for (int slot = 0;
                slot < plain.size();
                slot += InsnCodec.decode(plain, slot).slots()) {
            var source = lines.at(slot)
                    .map(at -> "; " + at.source() + ":" + at.line() + ": "
                            + at.text().strip() + "\n")
                    .orElse("");
            out.append(source.equals(shown) ? "" : source);
            shown = source;
            out.append("%4d: (%02x) ".formatted(slot, plain.opcode(slot)))
                    .append(text(slot))
                    .append('\n');
        }
        return out.toString();
    }
}
