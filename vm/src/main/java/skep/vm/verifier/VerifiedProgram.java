package skep.vm.verifier;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.Bytecode;
import skep.isa.kernel.ProgramType;

/**
 * A program that the verifier accepted, with what it learnt. Only the verifier makes one; immutable.
 *
 * <p>The code is as loaded: nothing is rewritten. {@link #fact} tells what holds at a slot on every path.
 */
public final class VerifiedProgram {
    private final VerifierInput input;
    private final List<Function> functions;
    private final Map<Integer, MapDefinition> maps;
    private final InsnFact[] facts;
    private final List<Belief.At> beliefs;
    private final BufferUse buffers;

    VerifiedProgram(
            VerifierInput input,
            List<Function> functions,
            Map<Integer, MapDefinition> maps,
            InsnFact[] facts,
            List<Belief.At> beliefs,
            BufferUse buffers) {
        this.input = input;
        this.functions = List.copyOf(functions);
        this.maps = Map.copyOf(maps);
        this.facts = facts;
        this.beliefs = List.copyOf(beliefs);
        this.buffers = buffers;
    }

    public Bytecode code() {
        return input.code();
    }

    public String name() {
        return input.name();
    }

    public ProgramType type() {
        return input.type();
    }

    /** What was judged. */
    public VerifierInput input() {
        return input;
    }

    /** The functions, sorted by first slot; the first is the entry. */
    public List<Function> functions() {
        return functions;
    }

    /** The maps that the code refers to, by the descriptor in the code. */
    public Map<Integer, MapDefinition> maps() {
        return maps;
    }

    /** What holds at a slot on every path that reaches it. */
    public InsnFact fact(int insn) {
        return facts[insn];
    }

    /** What was believed before each slot, if {@link VerifierInput#recordFacts} asked for it. */
    public Optional<Belief.At> belief(int insn) {
        return insn < beliefs.size() ? Optional.of(beliefs.get(insn)) : Optional.empty();
    }

    /** How much of the buffers that an iterator hands over it uses: they must be that long when it is attached. */
    public BufferUse buffers() {
        return buffers;
    }

    /** Bytes used of buffers that may only be read, and of others. */
    public record BufferUse(long readOnlyBytes, long writableBytes) {}

    /**
     * A function of the program.
     *
     * @param start first slot
     * @param end slot behind the last
     * @param stackBytes deepest stack that it uses, rounded as the kernel rounds
     */
    public record Function(int start, int end, int stackBytes) {}
}
