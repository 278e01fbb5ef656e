package skep.vm.verifier;

import java.util.Arrays;
import java.util.List;

/**
 * The union of what was believed of a register or a stack slot over all visits of an instruction.
 *
 * @param content what it holds; the bounds are of a {@link Content#NUMBER}, or of the distance of a {@link Content#FRAME}
 *     pointer from its frame's end
 */
public record Belief(
        Content content,
        long umin,
        long umax,
        long smin,
        long smax,
        int umin32,
        int umax32,
        int smin32,
        int smax32,
        long knownMask,
        long knownValue) {
    /** The kinds of contents of which something can be checked. */
    public enum Content {
        /** Nothing is believed, or nothing that the value alone shows. */
        ANYTHING,
        NUMBER,
        /** A pointer into the current function's stack. */
        FRAME,
        /** Some other pointer that is not null. */
        NON_NULL
    }

    public static final Belief NONE =
            new Belief(Content.ANYTHING, 0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 0, -1, Integer.MIN_VALUE, -1, 0, 0);

    /** Whether a concrete value is among those believed possible, in a function whose frame ends at {@code frame}. */
    public boolean admits(long value, long frame) {
        return switch (content) {
            case ANYTHING -> true;
            case NON_NULL -> value != 0;
            case FRAME -> value - frame >= smin && value - frame <= smax;
            case NUMBER ->
                Long.compareUnsigned(value, umin) >= 0
                        && Long.compareUnsigned(value, umax) <= 0
                        && value >= smin
                        && value <= smax
                        && Integer.compareUnsigned((int) value, umin32) >= 0
                        && Integer.compareUnsigned((int) value, umax32) <= 0
                        && (int) value >= smin32
                        && (int) value <= smax32
                        && (value & knownMask) == knownValue;
        };
    }

    /**
     * What was believed of the registers and of the stack before a slot.
     *
     * @param registers eleven
     * @param stack by eight bytes, the first those below the frame's end
     */
    public record At(List<Belief> registers, List<Slot> stack) {
        public At {
            registers = List.copyOf(registers);
            stack = List.copyOf(stack);
        }

        /** What is wrong with a state of the machine, in one clause; empty if nothing is. */
        public String contradiction(long[] values, long frame, StackReader reader) {
            for (int r = 0; r < registers.size(); r++) {
                if (!registers.get(r).admits(values[r], frame)) {
                    return "r" + r + " = " + values[r] + " is not in " + registers.get(r);
                }
            }
            for (int s = 0; s < stack.size(); s++) {
                int below = 8 * (s + 1);
                long value = reader.read(frame - below);
                if (!stack.get(s).admits(value, frame)) {
                    return "fp-" + below + " = " + value + " is not in " + stack.get(s);
                }
            }
            return "";
        }
    }

    /** Reads eight bytes of the stack. */
    @FunctionalInterface
    public interface StackReader {
        long read(long address);
    }

    /**
     * Eight bytes of stack.
     *
     * @param zeroes a bit for each byte, lowest address first, that is zero
     * @param number what is believed of the low {@code numberBytes}, zero-extended
     * @param numberBytes 0 if they are no spilled register
     */
    public record Slot(int zeroes, Belief number, int numberBytes) {
        boolean admits(long value, long frame) {
            for (int k = 0; k < 8; k++) {
                if ((zeroes >> k & 1) != 0 && (value >>> 8 * k & 0xff) != 0) {
                    return false;
                }
            }
            long low = numberBytes == 8 ? value : value & (1L << 8 * numberBytes) - 1;
            return numberBytes == 0 || number.admits(low, frame);
        }
    }

    // ---- collecting ----

    /** Collects while paths are walked. */
    static final class Recorder {
        private final Sums[] visited;

        Recorder(int length) {
            visited = new Sums[length];
        }

        private static final class Sums {
            final Sum[] regs = new Sum[Frame.REGISTERS];
            SlotSum[] stack = new SlotSum[0];
        }

        /** What is believed before a step, joined with what was on earlier visits. */
        void note(int insn, Frame frame) {
            var sums = visited[insn];
            if (sums == null) {
                sums = new Sums();
                for (int r = 0; r < sums.regs.length; r++) {
                    sums.regs[r] = new Sum(frame.regs[r], frame);
                }
                sums.stack = new SlotSum[frame.stack.length];
                for (int s = 0; s < sums.stack.length; s++) {
                    sums.stack[s] = new SlotSum(frame.stack[s], frame);
                }
                visited[insn] = sums;
                return;
            }
            for (int r = 0; r < sums.regs.length; r++) {
                sums.regs[r].join(new Sum(frame.regs[r], frame));
            }
            if (frame.stack.length < sums.stack.length) {
                sums.stack = Arrays.copyOf(sums.stack, frame.stack.length);
            }
            for (int s = 0; s < sums.stack.length; s++) {
                sums.stack[s].join(new SlotSum(frame.stack[s], frame));
            }
        }

        List<At> beliefs() {
            return Arrays.stream(visited)
                    .map(sums -> sums == null
                            ? new At(List.of(), List.of())
                            : new At(
                                    Arrays.stream(sums.regs).map(Sum::belief).toList(),
                                    Arrays.stream(sums.stack)
                                            .map(SlotSum::belief)
                                            .toList()))
                    .toList();
        }
    }

    /** A union being built. */
    private static final class Sum {
        private Content content;
        private final RegState union;

        Sum(RegState reg, Frame frame) {
            content = contentOf(reg, frame);
            union = new RegState(reg);
            if (content == Content.FRAME) {
                union.smin += reg.off;
                union.smax += reg.off;
            }
        }

        private static Content contentOf(RegState reg, Frame frame) {
            if (reg.isScalar()) {
                return Content.NUMBER;
            }
            if (reg.maybeNull()) {
                return Content.ANYTHING;
            }
            return switch (reg.kind) {
                case STACK -> reg.frame == frame.number ? Content.FRAME : Content.NON_NULL;
                case CTX, MAP_PTR, MAP_VALUE, MAP_KEY, PACKET, PACKET_META, PACKET_END -> Content.NON_NULL;
                case MEM -> reg.is(Flag.UNTRUSTED) ? Content.ANYTHING : Content.NON_NULL;
                default -> Content.ANYTHING;
            };
        }

        void join(Sum other) {
            if (content != other.content) {
                content = Content.ANYTHING;
                return;
            }
            var a = union;
            var b = other.union;
            a.umin = Ranges.umin(a.umin, b.umin);
            a.umax = Ranges.umax(a.umax, b.umax);
            a.smin = Math.min(a.smin, b.smin);
            a.smax = Math.max(a.smax, b.smax);
            a.umin32 = Ranges.umin(a.umin32, b.umin32);
            a.umax32 = Ranges.umax(a.umax32, b.umax32);
            a.smin32 = Math.min(a.smin32, b.smin32);
            a.smax32 = Math.max(a.smax32, b.smax32);
            a.var = a.var.union(b.var);
        }

        Belief belief() {
            return content == Content.ANYTHING
                    ? NONE
                    : new Belief(
                            content,
                            union.umin,
                            union.umax,
                            union.smin,
                            union.smax,
                            union.umin32,
                            union.umax32,
                            union.smin32,
                            union.smax32,
                            ~union.var.mask(),
                            union.var.value());
        }
    }

    private static final class SlotSum {
        private int zeroes;
        private final Sum number;
        private int bytes;

        SlotSum(StackSlot slot, Frame frame) {
            int spilled = 0;
            for (int t = 0; t < StackSlot.BYTES; t++) {
                byte type = slot.types[t];
                zeroes |= type == StackSlot.ZERO ? 1 << 7 - t : 0;
                spilled += type == StackSlot.SPILL ? 1 : 0;
            }
            number = new Sum(slot.spilled, frame);
            boolean whole = spilled == StackSlot.BYTES || slot.spilled.umax >>> 8 * spilled == 0;
            bytes = spilled > 0 && slot.isSpilledReg() && whole ? spilled : 0;
        }

        void join(SlotSum other) {
            zeroes &= other.zeroes;
            if (bytes == other.bytes) {
                number.join(other.number);
            } else {
                bytes = 0;
            }
        }

        Slot belief() {
            return new Slot(zeroes, bytes == 0 ? NONE : number.belief(), bytes);
        }
    }
}
