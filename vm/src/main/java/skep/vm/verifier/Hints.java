package skep.vm.verifier;

import java.util.List;
import java.util.Optional;

/** What to do about the commonest rejections, by words of the kernel's message. */
final class Hints {
    private Hints() {}

    private record Row(String words, String hint) {}

    private static final List<Row> ROWS = List.of(
            new Row("or_null", "the look-up may find nothing: compare the pointer with null before using it"),
            new Row(
                    "invalid mem access 'scalar'",
                    "this is a number, not a pointer: read memory at it with probe_read"),
            new Row(
                    "!read_ok",
                    "the register has no value here: on some path it was never set, or a call destroyed it"),
            new Row("infinite loop detected", "nothing that the loop tests changes from one round to the next"),
            new Row("too large. Processed", "bound the loops, or split the program: too many paths must be looked at"),
            new Row("sequence of", "too many branches are open at once: simplify the conditions"),
            new Row("back-edge", "loops need CAP_BPF"),
            new Row("unbounded memory access", "bound the index first: 'if (i >= size) return' or 'i &= size - 1'"),
            new Row("min value is negative", "the index may be negative: make it unsigned or test it against 0"),
            new Row("max value is outside", "the index may reach beyond the end: test it against the size first"),
            new Row("min value is outside", "the access lies beyond the end of what the pointer points to"),
            new Row("offset is outside of the packet", "compare the pointer, plus what is read, with data_end first"),
            new Row("combined stack size", "functions share 512 bytes of stack: use a per-CPU array as scratch space"),
            new Row("invalid write to stack", "the stack has 512 bytes: use a per-CPU array as scratch space"),
            new Row("invalid read from stack", "these bytes of the stack were never written"),
            new Row("invalid stack", "the stack has 512 bytes below r10"),
            new Row("leaks addr", "a kernel address would become visible: CAP_PERFMON is needed for that"),
            new Row("invalid bpf_context access", "this program type has no such field, or not of this size"),
            new Row("reference leak", "what was acquired must be released on every path to the exit"),
            new Row(
                    "func unknown#195896080",
                    "here stood a field, type or constant that this kernel's types do not have (CO-RE): ask with"
                            + " bpf_core_field_exists or bpf_core_enum_value_exists first"),
            new Row("cannot use helper", "choose another helper, or another program type"),
            new Row("GPL-restricted", "declare a GPL-compatible licence"),
            new Row("should have been in", "return one of the values that this program type allows"),
            new Row("unreachable insn", "no path leads to this instruction: remove it"),
            new Row("unbounded min value", "bound the index on both sides first: it may be negative"),
            new Row("pointer prohibited", "only sums with bounded numbers keep a pointer usable"),
            new Row("pointer arithmetic", "only sums with bounded numbers keep a pointer usable"),
            new Row("call stack of", "functions may call each other eight deep, without recursion"),
            new Row("!root", "this needs CAP_PERFMON: without it, guesses of the processor must be harmless too"),
            new Row("misaligned", "access the value at a multiple of its size"),
            new Row("forbidden", "the map was made for reading only, or for writing only"));

    static Optional<String> of(String message) {
        for (var row : ROWS) {
            if (message.contains(row.words())) {
                return Optional.of(row.hint());
            }
        }
        return Optional.empty();
    }
}
