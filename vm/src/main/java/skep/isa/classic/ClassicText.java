package skep.isa.classic;

import java.util.ArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import skep.isa.classic.ClassicOp.Shape;

/**
 * The notations of tcpdump: {@code -d} for people, {@code -ddd} (decimal numbers, the count first) and {@code -dd} (C initialisers) for
 * programs.
 */
public final class ClassicText {
    private static final Pattern LINE =
            Pattern.compile("(?:\\((\\d+)\\)\\s*)?([a-z]+)\\s*(.*?)\\s*(?:\\bjt\\s+(\\d+)\\s+jf\\s+(\\d+))?");
    private static final Pattern NUMBER = Pattern.compile("-?(?:0x[0-9a-fA-F]+|\\d+)");
    private static final Pattern INITIALISER = Pattern.compile(
            "\\{\\s*(0x[0-9a-fA-F]+|\\d+)\\s*,\\s*(\\d+)\\s*,\\s*(\\d+)\\s*,\\s*(0x[0-9a-fA-F]+|\\d+)\\s*\\}\\s*,?");

    private ClassicText() {}

    /** The program as {@code tcpdump -d} prints it. */
    public static String print(ClassicProgram program) {
        var out = new StringBuilder();
        for (int i = 0; i < program.insns().size(); i++) {
            out.append(print(program.insns().get(i), program.op(i), i).stripTrailing())
                    .append('\n');
        }
        return out.toString();
    }

    private static String print(ClassicInsn insn, ClassicOp op, int index) {
        var operand = operand(insn, op, index);
        return op.branches()
                ? "(%03d) %-8s %-16s jt %d\tjf %d"
                        .formatted(index, op.mnemonic(), operand, index + 1 + insn.jt(), index + 1 + insn.jf())
                : "(%03d) %-8s %s".formatted(index, op.mnemonic(), operand);
    }

    private static String operand(ClassicInsn insn, ClassicOp op, int index) {
        int k = insn.k();
        return switch (op.shape()) {
            case NONE -> "";
            case DECIMAL -> op == ClassicOp.RET_K ? "#" + Integer.toUnsignedString(k) : "#" + k;
            case HEX, BRANCH -> "#0x" + Integer.toHexString(k);
            case X, BRANCH_X -> "x";
            case PACKET -> "[" + (Ancillary.at(k) instanceof Ancillary row ? row.label() : Integer.toString(k)) + "]";
            case PACKET_X -> "[x + " + k + "]";
            case MEMORY -> "M[" + k + "]";
            case LENGTH -> "#pktlen";
            case HEADER_LENGTH -> "4*([" + k + "]&0xf)";
            case TARGET -> Integer.toString(index + 1 + k);
        };
    }

    /** The program as {@code tcpdump -ddd} prints it. */
    public static String printNumbers(ClassicProgram program) {
        var out = new StringBuilder().append(program.insns().size()).append('\n');
        for (var insn : program.insns()) {
            out.append("%d %d %d %d%n".formatted(insn.code(), insn.jt(), insn.jf(), insn.k() & 0xffff_ffffL));
        }
        return out.toString();
    }

    /**
     * Reads any of the three notations.
     *
     * @throws InvalidClassicException naming the line that is not understood, or the rule that the program breaks
     */
    public static ClassicProgram read(String text) {
        var insns = new ArrayList<ClassicInsn>();
        int lineNumber = 0;
        int announced = -1;
        for (var raw : text.lines().toList()) {
            lineNumber++;
            var line = raw.strip();
            if (line.isEmpty()) {
                continue;
            }
            if (insns.isEmpty() && announced < 0 && line.matches("\\d{1,6}")) {
                announced = Integer.parseInt(line);
            } else if (Character.isDigit(line.charAt(0))) {
                insns.add(numbers(line, lineNumber));
            } else if (line.charAt(0) == '{') {
                insns.add(initialiser(line, lineNumber));
            } else {
                insns.add(mnemonic(line, lineNumber, insns.size()));
            }
        }
        if (announced >= 0 && announced != insns.size()) {
            throw new InvalidClassicException(
                    "the first line announces " + announced + " instructions, " + insns.size() + " follow");
        }
        return new ClassicProgram(insns);
    }

    private static ClassicInsn numbers(String line, int lineNumber) {
        var words = line.split("\\s+");
        if (words.length != 4) {
            throw bad(lineNumber, "expected code, jt, jf and k", line);
        }
        return new ClassicInsn(
                number(words[0], 0xffff, lineNumber),
                number(words[1], 0xff, lineNumber),
                number(words[2], 0xff, lineNumber),
                number(words[3], 0xffff_ffffL, lineNumber));
    }

    private static ClassicInsn initialiser(String line, int lineNumber) {
        var matcher = INITIALISER.matcher(line);
        if (!matcher.matches()) {
            throw bad(lineNumber, "expected { code, jt, jf, k }", line);
        }
        return new ClassicInsn(
                number(matcher.group(1), 0xffff, lineNumber),
                number(matcher.group(2), 0xff, lineNumber),
                number(matcher.group(3), 0xff, lineNumber),
                number(matcher.group(4), 0xffff_ffffL, lineNumber));
    }

    private static ClassicInsn mnemonic(String line, int lineNumber, int index) {
        var matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            throw bad(lineNumber, "expected an instruction", line);
        }
        var operand = matcher.group(3);
        var shape = shape(matcher, operand);
        for (var op : ClassicOp.values()) {
            boolean sameShape = op.shape() == shape || (shape == Shape.HEX && op.shape() == Shape.DECIMAL);
            if (op.mnemonic().equals(matcher.group(2)) && sameShape) {
                return insn(op, matcher, operand, lineNumber, index);
            }
        }
        throw bad(lineNumber, "no such instruction", line);
    }

    private static Shape shape(Matcher line, String operand) {
        boolean branches = line.group(4) != null;
        if (operand.isEmpty()) {
            return Shape.NONE;
        }
        return switch (operand.charAt(0)) {
            case 'x' -> branches ? Shape.BRANCH_X : Shape.X;
            case '#' -> branches ? Shape.BRANCH : operand.equals("#pktlen") ? Shape.LENGTH : Shape.HEX;
            case '[' -> operand.startsWith("[x") ? Shape.PACKET_X : Shape.PACKET;
            case 'M' -> Shape.MEMORY;
            case '4' -> operand.startsWith("4*(") ? Shape.HEADER_LENGTH : Shape.TARGET;
            default -> Shape.TARGET;
        };
    }

    private static ClassicInsn insn(ClassicOp op, Matcher line, String operand, int lineNumber, int index) {
        int k = switch (op.shape()) {
            case NONE, X, LENGTH, BRANCH_X -> 0;
            case HEADER_LENGTH -> firstNumber(operand.substring(3), lineNumber);
            case TARGET -> firstNumber(operand, lineNumber) - index - 1;
            case PACKET ->
                Ancillary.labelled(operand.substring(1, operand.length() - 1))
                        .map(Ancillary::k)
                        .orElseGet(() -> firstNumber(operand, lineNumber));
            case DECIMAL, HEX, BRANCH, PACKET_X, MEMORY -> firstNumber(operand, lineNumber);
        };
        if (!op.branches()) {
            return new ClassicInsn(op, k);
        }
        return new ClassicInsn(
                op.code(), skipped(line.group(4), lineNumber, index), skipped(line.group(5), lineNumber, index), k);
    }

    private static int skipped(String target, int lineNumber, int index) {
        int skipped = number(target, 0xffff, lineNumber) - index - 1;
        if (skipped < 0 || skipped > 255) {
            throw bad(lineNumber, "a branch skips 0 to 255 instructions", target);
        }
        return skipped;
    }

    private static int firstNumber(String operand, int lineNumber) {
        var matcher = NUMBER.matcher(operand);
        if (!matcher.find()) {
            throw bad(lineNumber, "expected a number", operand);
        }
        return number(matcher.group(), 0xffff_ffffL, lineNumber);
    }

    private static int number(String digits, long max, int lineNumber) {
        try {
            long value = Long.decode(digits.startsWith("0x") || digits.startsWith("-0x") ? digits : decimal(digits));
            if (value > max || value < Integer.MIN_VALUE) {
                throw bad(lineNumber, "number out of range", digits);
            }
            return (int) value;
        } catch (NumberFormatException _) {
            throw bad(lineNumber, "expected a number", digits);
        }
    }

    /** Without leading zeros, which would mean octal. */
    private static String decimal(String digits) {
        return digits.replaceFirst("^(-?)0+(?=\\d)", "$1");
    }

    private static InvalidClassicException bad(int lineNumber, String expected, String found) {
        return new InvalidClassicException("line " + lineNumber + ": " + expected + ": " + found);
    }
}
