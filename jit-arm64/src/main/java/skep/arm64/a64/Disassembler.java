package skep.arm64.a64;

import java.util.List;

/** Writes A64 words in the syntax of the GNU and LLVM assemblers, aliases preferred as LLVM prefers them. */
public final class Disassembler {
    private static final List<String> CONDITIONS =
            List.of("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv");
    private static final List<String> EXTENDS = List.of("uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx");
    private static final List<String> SHIFTS = List.of("lsl", "lsr", "asr", "ror");
    private static final int ZR_OR_SP = 31;

    private final Encoding row;
    private final int word;
    private final boolean wide;

    private Disassembler(Encoding row, int word) {
        this.row = row;
        this.word = word;
        this.wide = row.width('s') == 0 || field('s') == 1;
    }

    /** One instruction; a word that the table does not have, or whose fields are reserved, is shown as {@code .word 0x…}. */
    public static String disassemble(int word) {
        return Encoding.of(word)
                .map(row -> new Disassembler(row, word).text())
                .filter(text -> !text.isEmpty())
                .orElseGet(() -> String.format(".word 0x%08x", word));
    }

    /** The same for an instruction at an address: branches name the address that they lead to. */
    public static String disassemble(int word, long address) {
        var text = disassemble(word);
        var row = Encoding.of(word);
        boolean relative = row.isPresent()
                && switch (row.get()) {
                    case B, BL, B_COND, CBZ, CBNZ, TBZ, TBNZ, LDR_LITERAL_W, LDR_LITERAL_X, ADR -> true;
                    default -> false;
                };
        int at = text.lastIndexOf('#');
        if (!relative || at < 0) {
            return text;
        }
        return text.substring(0, at) + "0x" + Long.toHexString(address + Long.parseLong(text.substring(at + 1)));
    }

    private String text() {
        return switch (row.operands()) {
            case "" -> row.mnemonic();
            case "bitfield" -> bitfield();
            case "extract" -> extract();
            case "condselect" -> conditionalSelect();
            case "bcond" -> "b." + CONDITIONS.get(field('c')) + " " + relative('i');
            case "testbit" -> testBit();
            case "Rd movwide" -> moveWide();
            case "Rd|sp Rn bitmask" -> row == Encoding.ORR_IMM && field('n') == ZR_OR_SP ? moveBitmask() : plain();
            default -> plain();
        };
    }

    private String plain() {
        var out = new StringBuilder(mnemonic());
        var separator = " ";
        for (var operand : row.operands().split(" ")) {
            var text = operand(operand);
            if (text.equals(RESERVED)) {
                return "";
            }
            if (!text.isEmpty()) {
                out.append(separator).append(text);
                separator = ", ";
            }
        }
        return out.toString();
    }

    private static final String RESERVED = "?";

    /** Size letters and ordering: {@code ldaddalh}, {@code strb}. */
    private String mnemonic() {
        var name = new StringBuilder(row.mnemonic());
        if (row.width('A') > 0 && field('A') == 1) {
            name.append('a');
        }
        if (row.width('L') > 0 && field('L') == 1) {
            name.append('l');
        }
        if (row.width('x') > 0 && field('x') < 2) {
            name.append(field('x') == 0 ? 'b' : 'h');
        }
        return name.toString();
    }

    private String operand(String operand) {
        return switch (operand) {
            case "Rd" -> reg(field('d'), wide);
            case "Rn" -> reg(field('n'), wide);
            case "Rm" -> operandM();
            case "Ra" -> reg(field('a'), wide);
            case "Ru" -> reg(field('u'), wide);
            case "Rd|sp" -> regOrSp(row.width('d') == 0 ? ZR_OR_SP : field('d'), wide);
            case "Rn|sp" -> regOrSp(row.width('n') == 0 ? ZR_OR_SP : field('n'), wide);
            case "Xd" -> reg(field('d'), true);
            case "Wd" -> reg(field('d'), false);
            case "Xn" -> reg(field('n'), true);
            case "Wn" -> reg(field('n'), false);
            case "Xm" -> reg(field('m'), true);
            case "Wm" -> reg(field('m'), false);
            case "Tx" -> reg(field('d'), field('x') == 3);
            case "Tm" -> reg(field('m'), field('x') == 3);
            case "tpidr_el0", "tpidr_el1", "tpidr_el2", "sp_el0", "cntvct_el0", "ctr_el0" ->
                operand.toUpperCase(java.util.Locale.ROOT);
            case "imm12" -> "#" + (field('i')) + (field('h') == 1 ? ", lsl #12" : "");
            case "imm16" ->
                !wide && field('h') > 1 ? RESERVED : "#" + field('i') + (field('h') == 0 ? "" : halfShift());
            case "imm5" -> "#" + field('i');
            case "nzcv" -> "#" + field('v');
            case "uimm" -> "#" + hex(field('i'));
            case "uimm10" -> "#" + field('i');
            case "cond" -> CONDITIONS.get(field('c'));
            case "bitmask" -> bitmask();
            case "shift" -> field('h') == 3 ? RESERVED : shift();
            case "lshift" -> shift();
            case "extend" -> extend();
            case "rel19", "rel26" -> relative('i');
            case "adr" -> "#" + (row.signedField(word, 'p') << 2 | field('i'));
            case "adrp" -> "#" + (((long) row.signedField(word, 'p') << 2 | field('i')) << 12);
            case "mem" -> "[" + base() + "]";
            case "mem_uimm" -> memory((long) field('i') * accessBytes());
            case "mem_simm" -> memory(row.signedField(word, 'i'));
            case "mem_pre" -> "[" + base() + ", #" + row.signedField(word, 'i') + "]!";
            case "mem_post" -> "[" + base() + "], #" + row.signedField(word, 'i');
            case "mem_reg" -> memoryRegister();
            case "mem_pair" -> memory(pairOffset());
            case "mem_pair_pre" -> "[" + base() + ", #" + pairOffset() + "]!";
            case "mem_pair_post" -> "[" + base() + "], #" + pairOffset();
            default -> throw new AssertionError(row + ": " + operand);
        };
    }

    private int field(char name) {
        return row.field(word, name);
    }

    private String operandM() {
        if (row.operands().endsWith("extend")) {
            boolean wideIndex = wide && (field('o') & 3) == 3;
            return reg(field('m'), wideIndex);
        }
        if (row.width('k') > 0 && !wide && field('k') > 31) {
            return RESERVED;
        }
        return reg(field('m'), wide);
    }

    private String shift() {
        return field('k') == 0 && field('h') == 0 ? "" : SHIFTS.get(field('h')) + " #" + field('k');
    }

    private String extend() {
        if (field('k') > 4) {
            return RESERVED;
        }
        boolean sp = row.width('n') > 0 && field('n') == ZR_OR_SP || row.width('d') > 0 && field('d') == ZR_OR_SP;
        if (sp && field('o') == (wide ? 3 : 2)) {
            return field('k') == 0 ? "" : "lsl #" + field('k');
        }
        return EXTENDS.get(field('o')) + (field('k') == 0 ? "" : " #" + field('k'));
    }

    private String bitmask() {
        var value = LogicalImmediate.decode(field('b'), field('r'), field('q'), wide ? 64 : 32);
        return value.isEmpty() ? RESERVED : "#" + hex(value.getAsLong());
    }

    private String base() {
        return regOrSp(field('n'), true);
    }

    private String memory(long offset) {
        return "[" + base() + (offset == 0 ? "" : ", #" + offset) + "]";
    }

    private int accessBytes() {
        if (row.width('x') > 0) {
            return 1 << field('x');
        }
        return switch (row) {
            case LDRSB_X_UIMM, LDRSB_W_UIMM -> 1;
            case LDRSH_X_UIMM, LDRSH_W_UIMM -> 2;
            default -> 4;
        };
    }

    private int pairOffset() {
        return row.signedField(word, 'i') * (wide ? 8 : 4);
    }

    private String memoryRegister() {
        int option = field('o');
        if ((option & 2) == 0) {
            return RESERVED;
        }
        int scale =
                row.width('x') > 0 ? field('x') : row == Encoding.LDRSW_REG ? 2 : row == Encoding.LDRSH_X_REG ? 1 : 0;
        var index = reg(field('m'), (option & 1) == 1);
        String how;
        if (option == 3) {
            how = field('e') == 1 ? ", lsl #" + scale : "";
        } else {
            how = ", " + EXTENDS.get(option) + (field('e') == 1 ? " #" + scale : "");
        }
        return "[" + base() + ", " + index + how + "]";
    }

    private String relative(char name) {
        return "#" + row.signedField(word, name) * 4L;
    }

    private String testBit() {
        int bit = field('p') << 5 | field('k');
        return row.mnemonic() + " " + reg(field('d'), field('p') == 1) + ", #" + bit + ", " + relative('i');
    }

    private String halfShift() {
        return ", lsl #" + field('h') * 16;
    }

    private String moveWide() {
        int half = field('h');
        int imm = field('i');
        if (!wide && half > 1) {
            return "";
        }
        var target = reg(field('d'), wide);
        boolean alias =
                row == Encoding.MOVZ ? imm != 0 || half == 0 : (imm != 0 || half == 0) && (wide || imm != 0xffff);
        if (alias) {
            long value = (long) imm << half * 16;
            if (row == Encoding.MOVN) {
                value = ~value;
            }
            return "mov " + target + ", #" + (wide ? value : (long) (int) value);
        }
        return row.mnemonic() + " " + target + ", #" + imm + (half == 0 ? "" : halfShift());
    }

    /** {@code mov} stands for {@code orr} with the zero register, where no wide move says the same. */
    private String moveBitmask() {
        var decoded = LogicalImmediate.decode(field('b'), field('r'), field('q'), wide ? 64 : 32);
        if (decoded.isEmpty()) {
            return "";
        }
        long value = decoded.getAsLong();
        if (isWideMove(value) || isWideMove(wide ? ~value : ~value & 0xffff_ffffL)) {
            return plain();
        }
        return "mov " + regOrSp(field('d'), wide) + ", #" + (wide ? value : (long) (int) value);
    }

    private static boolean isWideMove(long value) {
        for (int shift = 0; shift < 64; shift += 16) {
            if ((value & ~(0xffffL << shift)) == 0) {
                return true;
            }
        }
        return false;
    }

    private String bitfield() {
        int bits = wide ? 64 : 32;
        int immr = field('r');
        int imms = field('q');
        if (field('b') != (wide ? 1 : 0) || immr >= bits || imms >= bits) {
            return "";
        }
        var d = reg(field('d'), wide);
        var n = reg(field('n'), wide);
        boolean signed = row == Encoding.SBFM;
        if (row == Encoding.BFM) {
            if (imms < immr) {
                return field('n') == ZR_OR_SP
                        ? "bfc " + d + ", #" + (bits - immr) % bits + ", #" + (imms + 1)
                        : "bfi " + d + ", " + n + ", #" + (bits - immr) + ", #" + (imms + 1);
            }
            return "bfxil " + d + ", " + n + ", #" + immr + ", #" + (imms - immr + 1);
        }
        if (imms == bits - 1) {
            return (signed ? "asr " : "lsr ") + d + ", " + n + ", #" + immr;
        }
        if (!signed && imms + 1 == immr) {
            return "lsl " + d + ", " + n + ", #" + (bits - immr);
        }
        if (immr == 0 && (imms == 7 || imms == 15 || imms == 31) && (signed || !wide)) {
            return (signed ? "sxt" : "uxt") + (imms == 7 ? "b " : imms == 15 ? "h " : "w ") + d + ", "
                    + reg(field('n'), false);
        }
        if (imms < immr) {
            return (signed ? "sbfiz " : "ubfiz ") + d + ", " + n + ", #" + (bits - immr) + ", #" + (imms + 1);
        }
        return (signed ? "sbfx " : "ubfx ") + d + ", " + n + ", #" + immr + ", #" + (imms - immr + 1);
    }

    private String extract() {
        if (field('b') != (wide ? 1 : 0) || !wide && field('q') > 31) {
            return "";
        }
        var d = reg(field('d'), wide);
        var n = reg(field('n'), wide);
        if (field('n') == field('m')) {
            return "ror " + d + ", " + n + ", #" + field('q');
        }
        return "extr " + d + ", " + n + ", " + reg(field('m'), wide) + ", #" + field('q');
    }

    private String conditionalSelect() {
        int condition = field('c');
        var d = reg(field('d'), wide);
        var n = reg(field('n'), wide);
        var inverted = CONDITIONS.get(condition ^ 1);
        if (condition < 14 && field('n') == field('m')) {
            if (row == Encoding.CSNEG) {
                return "cneg " + d + ", " + n + ", " + inverted;
            }
            boolean zero = field('n') == ZR_OR_SP;
            boolean increment = row == Encoding.CSINC;
            if (zero) {
                return (increment ? "cset " : "csetm ") + d + ", " + inverted;
            }
            return (increment ? "cinc " : "cinv ") + d + ", " + n + ", " + inverted;
        }
        return row.mnemonic() + " " + d + ", " + n + ", " + reg(field('m'), wide) + ", " + CONDITIONS.get(condition);
    }

    private static String reg(int number, boolean wide) {
        return number == ZR_OR_SP ? wide ? "xzr" : "wzr" : (wide ? "x" : "w") + number;
    }

    private static String regOrSp(int number, boolean wide) {
        return number == ZR_OR_SP ? wide ? "sp" : "wsp" : reg(number, wide);
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }
}
