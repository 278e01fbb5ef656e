package skep.isa;

import java.util.Locale;
import skep.isa.Assembler.Parsed;
import skep.isa.Insn.CallKind;
import skep.isa.Insn.ImmKind;
import skep.isa.kernel.Helper;

/** One line of assembly and a cursor in it. The grammar stands above each method; blanks may stand between all tokens. */
final class AssemblyLine {

    private final String text;
    private final int number;
    private int at;

    AssemblyLine(String line, int number) {
        this.text = line.substring(0, endOfCode(line));
        this.number = number;
        skipBlanks();
    }

    /** A comment begins at {@code ;}, {@code //} or a {@code #} that no helper's name or number precedes. */
    private static int endOfCode(String line) {
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            boolean slashes = c == '/' && line.startsWith("//", i);
            boolean hash = c == '#' && (i == 0 || !isWordPart(line.charAt(i - 1)));
            if (c == ';' || slashes || hash) {
                return i;
            }
        }
        return line.length();
    }

    AssemblyException error(String reason) {
        return new AssemblyException(number, at + 1, reason);
    }

    boolean atEnd() {
        return at == text.length();
    }

    void expectEnd() {
        if (!atEnd()) {
            throw error("unexpected " + rest());
        }
    }

    /** {@code [ digits ":" [ "(" hex ")" ] ]}, as in verifier logs. */
    void skipSlotNumber() {
        int digits = at;
        while (digits < text.length() && Character.isDigit(text.charAt(digits))) {
            digits++;
        }
        if (digits == at || digits == text.length() || text.charAt(digits) != ':') {
            return;
        }
        at = digits + 1;
        skipBlanks();
        if (at + 4 <= text.length() && text.charAt(at) == '(' && text.charAt(at + 3) == ')') {
            at += 4;
            skipBlanks();
        }
    }

    /** {@code [ word ":" ]}: the word, or an empty string. */
    String label() {
        int start = at;
        var word = word();
        if (!word.isEmpty() && take(":")) {
            return word;
        }
        at = start;
        return "";
    }

    /**
     * <pre>
     * insn = "exit" | jump | call | "if" reg cond value "goto" target | store | locked | release | assignment
     * </pre>
     */
    Parsed insn() {
        if (take("*")) {
            return new Parsed(store());
        }
        int start = at;
        var word = word();
        switch (word) {
            case "exit" -> {
                return new Parsed(new Insn.Exit());
            }
            case "goto" -> {
                return target(16, off -> new Insn.Jump(off, false));
            }
            case "gotol" -> {
                return target(32, off -> new Insn.Jump(off, true));
            }
            case "may_goto" -> {
                return target(16, off -> new Insn.MayGoto((short) off));
            }
            case "if" -> {
                return branch();
            }
            case "call" -> {
                return call();
            }
            case "callx" -> {
                return new Parsed(new Insn.CallX(reg64()));
            }
            case "lock" -> {
                return new Parsed(locked());
            }
            case "store_release" -> {
                return new Parsed(release());
            }
            default -> {
                at = start;
                return assignment();
            }
        }
    }

    /** {@code target = "pc" signed | label}. */
    private Parsed target(int bits, java.util.function.IntFunction<Insn> make) {
        int start = at;
        if (take("pc") && (peek('+') || peek('-'))) {
            return new Parsed(make.apply((int) signed(bits)));
        }
        at = start;
        var label = word();
        if (label.isEmpty()) {
            throw error("expected pc+N or a label");
        }
        return new Parsed(make.apply(0), label);
    }

    /** {@code branch = "if" reg cond ( reg | number ) "goto" target}. */
    private Parsed branch() {
        var dst = reg();
        var op = jumpOp();
        Operand src = isReg() ? Operand.of(sameWidth(dst)) : Operand.of(imm32());
        if (!word().equals("goto")) {
            throw error("expected goto");
        }
        return target(16, off -> new Insn.Branch(op, dst.width, dst.reg, src, (short) off));
    }

    private JumpOp jumpOp() {
        JumpOp longest = null;
        for (var op : JumpOp.values()) {
            boolean longer =
                    longest == null || op.symbol().length() > longest.symbol().length();
            if (text.startsWith(op.symbol(), at) && longer) {
                longest = op;
            }
        }
        if (longest == null) {
            throw error("expected a comparison");
        }
        at += longest.symbol().length();
        skipBlanks();
        return longest;
    }

    /** {@code call = "call" ( "pc" signed | [ name ] "#" number | number | helper name | label )}. */
    private Parsed call() {
        if (!atEnd() && Character.isDigit(text.charAt(at))) {
            return new Parsed(new Insn.Call(CallKind.HELPER, imm32(), (short) 0));
        }
        int start = at;
        var name = word();
        if (take("#")) {
            int id = imm32();
            if (!name.equals("kfunc")) {
                return new Parsed(new Insn.Call(CallKind.HELPER, id, (short) 0));
            }
            short module = take(":") ? (short) signed(16) : 0;
            return new Parsed(new Insn.Call(CallKind.KFUNC, id, module));
        }
        if (name.startsWith("bpf_")) {
            for (var helper : Helper.values()) {
                if (helper.kernelName().equals(name.substring(4))) {
                    return new Parsed(new Insn.Call(CallKind.HELPER, helper.number(), (short) 0));
                }
            }
        }
        at = start;
        return target(32, off -> new Insn.Call(CallKind.LOCAL, off, (short) 0));
    }

    /** {@code store = "*" pointer "=" ( reg | number )}. */
    private Insn store() {
        var place = place();
        expect("=");
        Operand src = isReg() ? Operand.of(reg64()) : Operand.of(imm32());
        return new Insn.Store(place.size, place.base, place.off, src);
    }

    /** {@code locked = "lock" "*" pointer op reg}. */
    private Insn locked() {
        expect("*");
        var place = place();
        for (var op : AtomicOp.values()) {
            if (!op.symbol().isEmpty() && take(op.symbol())) {
                return new Insn.Atomic(op, place.size, place.base, place.off, reg64());
            }
        }
        throw error("expected one of += |= &= ^=");
    }

    /** {@code release = "store_release" "(" pointer "," reg ")"}. */
    private Insn release() {
        expect("(");
        var place = place();
        expect(",");
        var insn = new Insn.Atomic(AtomicOp.STORE_REL, place.size, place.base, place.off, reg64());
        expect(")");
        return insn;
    }

    /** {@code assignment = reg op ( reg | number ) | reg "=" value}. */
    private Parsed assignment() {
        if (!isReg()) {
            throw error(atEnd() ? "expected an instruction" : "unknown instruction " + rest());
        }
        var dst = reg();
        if (!text.startsWith("==", at) && take("=")) {
            return value(dst);
        }
        for (var op : AluOp.values()) {
            boolean assigns = op.symbol().endsWith("=");
            if (assigns && op != AluOp.MOV && take(op.symbol())) {
                Operand src = isReg() ? Operand.of(sameWidth(dst)) : Operand.of(imm32());
                return new Parsed(new Insn.Alu(op, dst.width, dst.reg, src));
            }
        }
        throw error("expected an assignment");
    }

    /**
     * <pre>
     * value = "*" pointer | "*(uN *)skb[" … "]" | "-" reg | "(sN)" reg | reg | number [ "ll" ]
     *       | "map[" … | "btf[" … | "subprog[" … | swap reg | atomic "(" … ")"
     * </pre>
     */
    private Parsed value(SizedReg dst) {
        if (take("*")) {
            return new Parsed(load(dst.reg));
        }
        if (text.startsWith("-", at) && (text.startsWith("-r", at) || text.startsWith("-w", at))) {
            take("-");
            sameReg(dst);
            return new Parsed(new Insn.Alu(AluOp.NEG, dst.width, dst.reg, Operand.of(dst.reg)));
        }
        for (var op : new AluOp[] {AluOp.MOVSX8, AluOp.MOVSX16, AluOp.MOVSX32}) {
            if (take("(s" + op.off() + ")")) {
                return new Parsed(new Insn.Alu(op, dst.width, dst.reg, Operand.of(sameWidth(dst))));
            }
        }
        if (isReg()) {
            return new Parsed(new Insn.Alu(AluOp.MOV, dst.width, dst.reg, Operand.of(sameWidth(dst))));
        }
        if (!atEnd() && (text.charAt(at) == '-' || Character.isDigit(text.charAt(at)))) {
            return new Parsed(number(dst));
        }
        return namedValue(dst);
    }

    private Insn number(SizedReg dst) {
        boolean hex = text.startsWith("0x", at) || text.startsWith("-0x", at);
        long value = hex ? hex() : signed(64);
        boolean wide = take("ll") || hex;
        if (dst.width == Width.W32) {
            if (value < Integer.MIN_VALUE || value > 0xffff_ffffL) {
                throw error(value + " does not fit 32 bits");
            }
            return new Insn.Alu(AluOp.MOV, Width.W32, dst.reg, Operand.of((int) value));
        }
        if (wide) {
            return new Insn.LoadImm64(dst.reg, ImmKind.NUMBER, value);
        }
        if (value != (int) value) {
            throw error(value + " does not fit 32 bits; append ll");
        }
        return new Insn.Alu(AluOp.MOV, Width.W64, dst.reg, Operand.of((int) value));
    }

    private Parsed namedValue(SizedReg dst) {
        var word = word();
        return switch (word) {
            case "map" -> new Parsed(mapImmediate(dst.reg));
            case "btf" -> {
                expect("[id:");
                int id = (int) signed(32);
                expect("]");
                yield new Parsed(new Insn.LoadImm64(dst.reg, ImmKind.BTF_ID, word64(id, more())));
            }
            case "subprog" -> function(dst.reg);
            case "addr_space_cast" -> new Parsed(addressSpaceCast(dst.reg));
            case "load_acquire" -> {
                expect("(");
                var place = place();
                expect(")");
                yield new Parsed(new Insn.Atomic(AtomicOp.LOAD_ACQ, place.size, place.base, place.off, dst.reg));
            }
            default -> new Parsed(word.startsWith("atomic") ? fetching(word, dst.reg) : swap(word, dst));
        };
    }

    /** {@code "map[" ( "fd:" | "idx:" ) number "]" [ "[0]+" number | "@" number ]}. */
    private Insn mapImmediate(Reg dst) {
        expect("[");
        boolean index = take("idx:");
        if (!index) {
            expect("fd:");
        }
        int map = (int) signed(32);
        expect("]");
        if (take("[0]+")) {
            int off = (int) signed(32);
            return new Insn.LoadImm64(dst, index ? ImmKind.MAP_IDX_VALUE : ImmKind.MAP_VALUE, word64(map, off));
        }
        return new Insn.LoadImm64(dst, index ? ImmKind.MAP_IDX : ImmKind.MAP_FD, word64(map, more()));
    }

    /** {@code "subprog[" ( signed | label ) "]" [ "@" number ]}. */
    private Parsed function(Reg dst) {
        expect("[");
        boolean relative = peek('+') || peek('-');
        int off = relative ? (int) signed(32) : 0;
        var label = relative ? "" : word();
        expect("]");
        return new Parsed(new Insn.LoadImm64(dst, ImmKind.FUNC, word64(off, more())), label);
    }

    private int more() {
        return take("@") ? (int) signed(32) : 0;
    }

    private static long word64(int low, int high) {
        return (long) high << 32 | low & 0xffff_ffffL;
    }

    private Insn addressSpaceCast(Reg dst) {
        expect("(");
        var src = reg64();
        expect(",");
        int high = (int) signed(32);
        expect(",");
        int low = (int) signed(32);
        expect(")");
        return new Insn.AddrSpaceCast(dst, src, high << 16 | low & 0xffff);
    }

    /** {@code ( "le" | "be" | "bswap" ) bits reg}. */
    private Insn swap(String word, SizedReg dst) {
        for (var order : Insn.Swap.Order.values()) {
            for (int bits = 16; bits <= 64; bits *= 2) {
                if (word.equals(order.name().toLowerCase(Locale.ROOT) + bits)) {
                    sameReg(dst);
                    return new Insn.Swap(order, bits, dst.reg);
                }
            }
        }
        throw error("unknown value " + word);
    }

    /** {@code ( "atomic_" | "atomic64_" ) op "(" pointer [ "," "r0" ] "," reg ")"}. */
    private Insn fetching(String word, Reg dst) {
        for (var op : AtomicOp.values()) {
            boolean named = word.endsWith("_" + op.name().toLowerCase(Locale.ROOT));
            if (named && op.fetches()) {
                expect("(");
                var place = place();
                expect(",");
                if (op == AtomicOp.CMPXCHG) {
                    if (dst != Reg.R0 || reg64() != Reg.R0) {
                        throw error("a compare and exchange goes through r0");
                    }
                    expect(",");
                }
                var src = reg64();
                if (op != AtomicOp.CMPXCHG && src != dst) {
                    throw error("the old value goes to the operand " + src + ", not to " + dst);
                }
                expect(")");
                return new Insn.Atomic(op, place.size, place.base, place.off, src);
            }
        }
        throw error("unknown atomic operation " + word);
    }

    /** {@code load = "*" ( pointer | "(uN *)skb[" [ reg "+" ] number "]" )}. */
    private Insn load(Reg dst) {
        var access = access();
        if (!take("skb[")) {
            var place = placeOf(access);
            return new Insn.Load(access.size, access.signed, dst, place.base, place.off);
        }
        boolean indirect = isReg();
        var src = indirect ? reg64() : Reg.R0;
        if (indirect) {
            expect("+");
        }
        int off = imm32();
        expect("]");
        if (dst != Reg.R0 || access.signed) {
            throw error("packet loads go to r0 and are unsigned");
        }
        return new Insn.LoadPacket(access.size, indirect, src, off);
    }

    /** {@code pointer = access "(" reg signed ")"}. */
    private Place place() {
        return placeOf(access());
    }

    private Place placeOf(Access access) {
        expect("(");
        var base = reg64();
        short off = (short) signed(16);
        expect(")");
        return new Place(access.size, base, off);
    }

    /** {@code access = "(" ( "u" | "s" ) bits "*" ")"}. */
    private Access access() {
        expect("(");
        boolean signed = take("s");
        if (!signed) {
            expect("u");
        }
        for (var size : MemSize.values()) {
            if (take(Integer.toString(size.bytes() * 8))) {
                expect("*");
                expect(")");
                return new Access(size, signed);
            }
        }
        throw error("expected 8, 16, 32 or 64");
    }

    private boolean isReg() {
        if (at + 1 >= text.length() || (text.charAt(at) != 'r' && text.charAt(at) != 'w')) {
            return false;
        }
        int end = at + 1;
        while (end < text.length() && Character.isDigit(text.charAt(end))) {
            end++;
        }
        return end > at + 1 && (end == text.length() || !isWordPart(text.charAt(end)));
    }

    /** {@code reg = ( "r" | "w" ) number}. */
    private SizedReg reg() {
        if (!isReg()) {
            throw error("expected a register");
        }
        var width = text.charAt(at) == 'w' ? Width.W32 : Width.W64;
        at++;
        long index = signed(32);
        if (index > Reg.R10.number()) {
            throw error("there is no register " + index);
        }
        return new SizedReg(Reg.of((int) index), width);
    }

    private Reg reg64() {
        var reg = reg();
        if (reg.width != Width.W64) {
            throw error("expected a 64-bit register");
        }
        return reg.reg;
    }

    private Reg sameWidth(SizedReg other) {
        var reg = reg();
        if (reg.width != other.width) {
            throw error("operands differ in width");
        }
        return reg.reg;
    }

    private void sameReg(SizedReg other) {
        if (sameWidth(other) != other.reg) {
            throw error("expected the destination again");
        }
    }

    private int imm32() {
        long value = text.startsWith("0x", at) || text.startsWith("-0x", at) ? hex() : signed(64);
        if (value < Integer.MIN_VALUE || value > 0xffff_ffffL) {
            throw error(value + " does not fit 32 bits");
        }
        return (int) value;
    }

    private long hex() {
        boolean negative = take("-");
        expect("0x");
        int start = at;
        while (at < text.length() && Character.digit(text.charAt(at), 16) >= 0) {
            at++;
        }
        if (at == start || at - start > 16) {
            throw error("expected 1 to 16 hexadecimal digits");
        }
        long value = Long.parseUnsignedLong(text.substring(start, at), 16);
        skipBlanks();
        return negative ? -value : value;
    }

    /** {@code [ "+" | "-" ] digits}, within that many bits. */
    private long signed(int bits) {
        int start = at;
        if (peek('+') || peek('-')) {
            at++;
        }
        int digits = at;
        while (at < text.length() && Character.isDigit(text.charAt(at))) {
            at++;
        }
        if (at == digits) {
            throw error("expected a number");
        }
        try {
            long value = Long.parseLong(text.substring(start, at));
            skipBlanks();
            if (bits < 64 && value >> bits - 1 != 0 && value >> bits - 1 != -1) {
                throw error(value + " does not fit " + bits + " bits");
            }
            return value;
        } catch (NumberFormatException _) {
            throw error("number out of range");
        }
    }

    private String word() {
        int start = at;
        while (at < text.length() && isWordPart(text.charAt(at))) {
            at++;
        }
        var word = text.substring(start, at);
        skipBlanks();
        return word;
    }

    private static boolean isWordPart(char c) {
        return c == '_' || c == '.' || Character.isLetterOrDigit(c);
    }

    private boolean peek(char c) {
        return at < text.length() && text.charAt(at) == c;
    }

    private boolean take(String token) {
        if (!text.startsWith(token, at)) {
            return false;
        }
        at += token.length();
        skipBlanks();
        return true;
    }

    private void expect(String token) {
        if (!take(token)) {
            throw error("expected " + token);
        }
    }

    private String rest() {
        var rest = text.substring(at).strip();
        return rest.length() > 40 ? rest.substring(0, 40) + "…" : rest;
    }

    private void skipBlanks() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    private record SizedReg(Reg reg, Width width) {}

    private record Access(MemSize size, boolean signed) {}

    private record Place(MemSize size, Reg base, short off) {}
}
