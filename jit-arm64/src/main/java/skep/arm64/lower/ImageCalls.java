package skep.arm64.lower;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import skep.arm64.a64.Encoding;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.Xlated;
import skep.target.MachineImage;

/** What a kernel's code calls and loads, read out of the code itself. */
final class ImageCalls implements Calls {
    /** Where the code is taken to lie if the kernel does not tell. */
    private static final long NOWHERE = 0xffff_8000_8000_0000L;

    /** What is at a place of the code: a number or an address, and whether that is reached by a {@code bl}. */
    private record Found(long value, boolean near) {}

    private static final Found NOTHING = new Found(0, false);

    private final Xlated xlated;
    private final DecodedProgram program;
    private final int[] words;
    private final MachineImage image;
    private final LoweringOptions.Style style;
    /** What was found at each slot of a call or load. */
    private final Map<Integer, Found> found = new HashMap<>();

    private int at;

    ImageCalls(Xlated xlated, DecodedProgram program, int[] words, MachineImage image, LoweringOptions.Style style) {
        this.xlated = xlated;
        this.program = program;
        this.words = words;
        this.image = image;
        this.style = style;
    }

    /** Where a word of the kernel's code lies: its functions need not lie one behind the other. */
    static long addressOfWord(MachineImage image, int word) {
        int from = 0;
        int functions = Math.min(image.functionBytes().size(), image.addresses().size());
        for (int f = 0; f < functions; f++) {
            int next = from + image.functionBytes().get(f) / 4;
            if (word < next || f == functions - 1) {
                long address = image.addresses().get(f);
                return address == 0 ? NOWHERE + 4L * word : address + 4L * (word - from);
            }
            from = next;
        }
        return NOWHERE + 4L * word;
    }

    long addressOfWord(int word) {
        return addressOfWord(image, word);
    }

    @Override
    public void at(int slot, Insn insn, int word) {
        at = word;
        if (insn instanceof Insn.Call || insn instanceof Insn.LoadImm64) {
            // Our own code comes after the kernel's, and lies elsewhere.
            found.putIfAbsent(slot, here());
        }
    }

    @Override
    public CallTarget target(int slot) {
        var target = found.getOrDefault(slot, NOTHING);
        return new CallTarget(target.value, CallTarget.NO_NUMBER, target.near);
    }

    @Override
    public long throughRegister() {
        return 0;
    }

    @Override
    public long immediate(int slot) {
        if (program.at(slot) instanceof Insn.LoadImm64 load && load.kind() == Insn.ImmKind.NUMBER) {
            return load.imm();
        }
        return found.getOrDefault(slot, NOTHING).value;
    }

    /** A function that is called: where, the instruction at hand says. */
    @Override
    public long functionAddress(int functionSlot) {
        return here().value;
    }

    @Override
    public boolean hasTaskRegister() {
        return style == LoweringOptions.Style.LINUX_6_12;
    }

    @Override
    public boolean isInternal(int slot, Xlated.Internal kind) {
        return xlated.internal(slot).filter(kind::equals).isPresent();
    }

    /** A kernel at exception level 2 keeps the base in another register. */
    @Override
    public Encoding cpuBase() {
        return IntStream.of(words).anyMatch(Encoding.MRS_TPIDR_EL2::matches)
                ? Encoding.MRS_TPIDR_EL2
                : Encoding.MRS_TPIDR_EL1;
    }

    private Found here() {
        if (at < words.length && Encoding.BL.matches(words[at])) {
            return new Found(addressOfWord(at) + 4L * Encoding.BL.signedField(words[at], 'i'), true);
        }
        var moved = moved();
        return moved.isPresent() ? new Found(moved.getAsLong(), false) : NOTHING;
    }

    /** The number that wide moves put into one register from here on. */
    private OptionalLong moved() {
        if (at >= words.length || !(Encoding.MOVZ.matches(words[at]) || Encoding.MOVN.matches(words[at]))) {
            return OptionalLong.empty();
        }
        boolean inverse = Encoding.MOVN.matches(words[at]);
        int register = Encoding.MOVZ.field(words[at], 'd');
        boolean wide = Encoding.MOVZ.field(words[at], 's') == 1;
        long value = (long) Encoding.MOVZ.field(words[at], 'i') << 16 * Encoding.MOVZ.field(words[at], 'h');
        value = inverse ? ~value : value;
        for (int i = at + 1;
                i < words.length && Encoding.MOVK.matches(words[i]) && Encoding.MOVK.field(words[i], 'd') == register;
                i++) {
            int shift = 16 * Encoding.MOVK.field(words[i], 'h');
            value = value & ~(0xffffL << shift) | (long) Encoding.MOVK.field(words[i], 'i') << shift;
        }
        return OptionalLong.of(wide ? value : value & 0xffff_ffffL);
    }

    /** The subtraction from the stack pointer in the function's prologue; a function without a stack has none. */
    @Override
    public int stackBytes(int functionSlot) {
        int function = program.functionAt(functionSlot);
        int from = 0;
        for (int i = 0; i < function && i < image.functionBytes().size(); i++) {
            from += image.functionBytes().get(i) / 4;
        }
        int end = function < image.functionBytes().size()
                ? from + image.functionBytes().get(function) / 4
                : words.length;
        for (int i = from; i < Math.min(end, from + PROLOGUE_WORDS); i++) {
            var row = Encoding.SUB_IMM;
            if (row.matches(words[i]) && row.field(words[i], 'd') == 31 && row.field(words[i], 'n') == 31) {
                return row.field(words[i], 'i');
            }
        }
        return 0;
    }

    /** At most: hints, frame record, count, five registers, r10, stack. */
    private static final int PROLOGUE_WORDS = 16;
}
