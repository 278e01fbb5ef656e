package skep.isa;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntFunction;
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
        return switch (insn) {
            case Insn.Call(Insn.CallKind kind, int imm, short _)
            when kind == Insn.CallKind.HELPER && Helper.ofNumber(imm).isEmpty() -> "call __bpf_call_base+" + imm;
            // What was a descriptor is the number of the map.
            case Insn.LoadImm64 load -> Disassembler.text(load).replace("map[fd:", "map[id:");
            default -> Disassembler.text(insn);
        };
    }

    /**
     * What a listing shows besides the instructions.
     *
     * @param lines source lines, shown in front of what they made
     * @param heads declarations of functions by their first slots
     * @param helpers names of helpers by their distance from {@code __bpf_call_base}
     * @param callees names of functions by their numbers
     * @param opcodes whether each instruction's bytes are shown
     * @param places whether source lines say where they are
     */
    public record Listing(
            LineTable lines,
            Map<Integer, String> heads,
            IntFunction<Optional<String>> helpers,
            IntFunction<Optional<String>> callees,
            boolean opcodes,
            boolean places) {
        /** Instructions and source lines. */
        public static Listing of(LineTable lines) {
            return new Listing(lines, Map.of(), _ -> Optional.empty(), _ -> Optional.empty(), false, false);
        }
    }

    /**
     * An instruction of a listing.
     *
     * @param head declaration of the function that begins here, or empty
     * @param source the line that made it, or empty where that is the line of the instruction before
     * @param text with its opcode, as in {@code (b7) r0 = 0}
     * @param bytes of one or two slots
     */
    public record Line(int slot, String head, String source, String text, byte[] bytes) {}

    /** The program, an instruction at a time. */
    public List<Line> lines(Bytecode raw, Listing listing) {
        var lines = new ArrayList<Line>();
        var shown = Optional.<LineTable.Entry>empty();
        for (int slot = 0; slot < plain.size(); ) {
            int slots = InsnCodec.decode(plain, slot).slots();
            var entry = listing.lines.at(slot);
            var source = entry.isPresent() && !entry.equals(shown) ? source(entry.get(), listing.places) : "";
            shown = entry;
            var bytes = ByteBuffer.allocate(slots * Bytecode.SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < slots; i++) {
                bytes.putLong(raw.slots()[slot + i]);
            }
            lines.add(new Line(
                    slot,
                    listing.heads.getOrDefault(slot, ""),
                    source,
                    "(%02x) ".formatted(plain.opcode(slot)) + called(raw, slot, listing),
                    bytes.array()));
            slot += slots;
        }
        return lines;
    }

    /** Column 0 is one that is not known. */
    private static String source(LineTable.Entry entry, boolean place) {
        var text = entry.text().strip();
        return place
                ? text + " [file:" + entry.source() + " line_num:" + entry.line() + " line_col:"
                        + (entry.start() == 0 ? 0 : entry.start() + 1) + "]"
                : text;
    }

    /** Calls by address and by number get the names that are known. */
    private String called(Bytecode raw, int slot, Listing listing) {
        if (raw.opcode(slot) != CALL_OPCODE) {
            return text(slot);
        }
        int imm = raw.imm(slot);
        if (raw.src(slot) == PSEUDO_CALL) {
            var callee = raw.off(slot) == 0 ? Optional.<String>empty() : listing.callees.apply(imm);
            return text(slot) + callee.map(name -> "#" + name).orElse("");
        }
        return raw.src(slot) == 0 && Helper.ofNumber(imm).isEmpty()
                ? listing.helpers
                        .apply(imm)
                        .map(name -> "call " + name + "#" + imm)
                        .orElseGet(() -> text(slot))
                : text(slot);
    }

    /** The program, one line an instruction: {@code slot: (opcode) text}; in front of them the source that made them. */
    public String text(Bytecode raw, Listing listing) {
        var out = new StringBuilder();
        for (var line : lines(raw, listing)) {
            if (!line.head.isEmpty()) {
                out.append(line.head).append(":\n");
            }
            if (!line.source.isEmpty()) {
                out.append("; ").append(line.source).append('\n');
            }
            out.append("%4d: ".formatted(line.slot)).append(line.text).append('\n');
            if (listing.opcodes) {
                var hex = HexFormat.ofDelimiter(" ");
                out.append("       ").append(hex.formatHex(line.bytes, 0, Bytecode.SLOT_BYTES));
                if (line.bytes.length > Bytecode.SLOT_BYTES) {
                    out.append(' ').append(hex.formatHex(line.bytes, Bytecode.SLOT_BYTES, line.bytes.length));
                }
                out.append('\n');
            }
        }
        return out.toString();
    }
}
