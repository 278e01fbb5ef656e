package skep.isa.classic;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import skep.isa.classic.ClassicOp.Shape;

/** A filter program that keeps the kernel's rules: it always ends, divides by no constant zero, and reads no memory before writing it. */
public record ClassicProgram(List<ClassicInsn> insns) {
    /** {@code BPF_MAXINSNS}. */
    public static final int MAX_INSNS = 4096;

    /** Words of scratch memory ({@code BPF_MEMWORDS}). */
    public static final int MEMORY_WORDS = 16;

    private static final int ALL_WORDS = (1 << MEMORY_WORDS) - 1;

    /**
     * Checks.
     *
     * @throws InvalidClassicException at the first rule broken
     */
    public ClassicProgram {
        insns = List.copyOf(insns);
        if (insns.isEmpty() || insns.size() > MAX_INSNS) {
            throw new InvalidClassicException("a filter has 1 to " + MAX_INSNS + " instructions, not " + insns.size());
        }
        for (int i = 0; i < insns.size(); i++) {
            check(insns.get(i), i, insns.size());
        }
        int last = insns.size() - 1;
        if (!op(insns.get(last), last).returns()) {
            throw new InvalidClassicException(last, "the last instruction is no ret");
        }
        checkMemory(insns);
    }

    /** Reads instructions of eight bytes. */
    public static ClassicProgram ofBytes(byte[] bytes) {
        if (bytes.length % ClassicInsn.BYTES != 0) {
            throw new InvalidClassicException("filter of " + bytes.length + " bytes is not a multiple of 8");
        }
        var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        var insns = new ArrayList<ClassicInsn>();
        while (buffer.hasRemaining()) {
            int code = buffer.getShort() & 0xffff;
            int jt = buffer.get() & 0xff;
            int jf = buffer.get() & 0xff;
            insns.add(new ClassicInsn(code, jt, jf, buffer.getInt()));
        }
        return new ClassicProgram(insns);
    }

    public byte[] toBytes() {
        var buffer = ByteBuffer.allocate(insns.size() * ClassicInsn.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (var insn : insns) {
            buffer.putShort((short) insn.code())
                    .put((byte) insn.jt())
                    .put((byte) insn.jf())
                    .putInt(insn.k());
        }
        return buffer.array();
    }

    ClassicOp op(int insn) {
        return op(insns.get(insn), insn);
    }

    private static ClassicOp op(ClassicInsn insn, int index) {
        return ClassicOp.ofCode(insn.code())
                .orElseThrow(() -> new InvalidClassicException(index, "unknown code 0x%x".formatted(insn.code())));
    }

    private static void check(ClassicInsn insn, int index, int count) {
        var op = op(insn, index);
        int k = insn.k();
        switch (op) {
            case DIV_K, MOD_K -> require(k != 0, index, "division by zero");
            case LSH_K, RSH_K -> require(Integer.compareUnsigned(k, 32) < 0, index, "shift by 32 bits or more");
            case LD_MEM, LDX_MEM, ST, STX ->
                require(
                        Integer.compareUnsigned(k, MEMORY_WORDS) < 0,
                        index,
                        "there is no M[" + Integer.toUnsignedString(k) + "]");
            case LD_ABS_W, LD_ABS_H, LD_ABS_B ->
                require(
                        k >= 0 || k < Ancillary.BASE || Ancillary.at(k) != null,
                        index,
                        "there is no ancillary data at " + k);
            case JA ->
                require(
                        Integer.compareUnsigned(k, count - index - 1) < 0,
                        index,
                        "jump over " + Integer.toUnsignedString(k) + " instructions leaves the program");
            default -> {
                if (op.branches()) {
                    int farther = Math.max(insn.jt(), insn.jf());
                    require(
                            index + farther + 1 < count,
                            index,
                            "jump over " + farther + " instructions leaves the program");
                }
            }
        }
    }

    /** No word of memory is read unless it was written on every path that leads there. */
    private static void checkMemory(List<ClassicInsn> insns) {
        var writtenAt = new int[insns.size()];
        Arrays.fill(writtenAt, ALL_WORDS);
        int written = 0;
        for (int i = 0; i < insns.size(); i++) {
            var insn = insns.get(i);
            var op = op(insn, i);
            written &= writtenAt[i];
            if (op == ClassicOp.ST || op == ClassicOp.STX) {
                written |= 1 << insn.k();
            } else if (op.shape() == Shape.MEMORY) {
                require((written & 1 << insn.k()) != 0, i, "M[" + insn.k() + "] is read before it is written");
            } else if (op == ClassicOp.JA) {
                writtenAt[i + 1 + insn.k()] &= written;
                written = ALL_WORDS;
            } else if (op.branches()) {
                writtenAt[i + 1 + insn.jt()] &= written;
                writtenAt[i + 1 + insn.jf()] &= written;
                written = ALL_WORDS;
            }
        }
    }

    private static void require(boolean holds, int index, String otherwise) {
        if (!holds) {
            throw new InvalidClassicException(index, otherwise);
        }
    }
}
