package skep.vm.verifier;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import skep.vm.verifier.InsnFact.Branch;
import skep.vm.verifier.InsnFact.PointerKind;

/** Collects, over all visits of an instruction, what holds on every path: for the JITs and the checked interpreter. */
final class Facts {
    private static final int SEVERAL = -2;
    private static final int NONE = -1;

    private final boolean[] reached;
    private final PointerKind[] pointers;
    private final boolean[] probed;
    private final int[] maps;
    private final boolean[] taken;
    private final boolean[] skipped;
    private final boolean[] maybeNull;
    private final Belief.@Nullable Recorder beliefs;

    Facts(VerifierInput input, int length) {
        reached = new boolean[length];
        pointers = new PointerKind[length];
        probed = new boolean[length];
        maps = new int[length];
        taken = new boolean[length];
        skipped = new boolean[length];
        maybeNull = new boolean[length];
        java.util.Arrays.fill(maps, NONE);
        beliefs = input.recordFacts() ? new Belief.Recorder(length) : null;
    }

    void reached(int i) {
        reached[i] = true;
    }

    /** How far into the buffers of iterators the program reaches, bytes. */
    private long readOnlyBufferBytes;

    private long writableBufferBytes;

    void buffer(boolean readOnly, long end) {
        if (readOnly) {
            readOnlyBufferBytes = Math.max(readOnlyBufferBytes, end);
        } else {
            writableBufferBytes = Math.max(writableBufferBytes, end);
        }
    }

    VerifiedProgram.BufferUse buffers() {
        return new VerifiedProgram.BufferUse(readOnlyBufferBytes, writableBufferBytes);
    }

    void branch(int i, boolean jumps) {
        if (jumps) {
            taken[i] = true;
        } else {
            skipped[i] = true;
        }
    }

    void access(int i, RegState reg) {
        var kind = switch (reg.kind) {
            case STACK -> PointerKind.STACK;
            case CTX -> PointerKind.CONTEXT;
            case MAP_VALUE -> PointerKind.MAP_VALUE;
            case MAP_KEY -> PointerKind.MAP_KEY;
            case PACKET, PACKET_META -> PointerKind.PACKET;
            case MEM, BUF, TP_BUFFER, FLOW_KEYS -> PointerKind.MEMORY;
            case BTF_ID, MAP_PTR -> PointerKind.KERNEL;
            case SOCKET, SOCK_COMMON, TCP_SOCK, XDP_SOCK -> PointerKind.SOCKET;
            case ARENA -> PointerKind.ARENA;
            default -> PointerKind.MIXED;
        };
        pointers[i] = pointers[i] == null || pointers[i] == kind ? kind : PointerKind.MIXED;
        if (kind == PointerKind.KERNEL || (reg.kind == RegKind.MEM && reg.is(Flag.UNTRUSTED))) {
            probed[i] = true;
        }
    }

    void probed(int i) {
        probed[i] = true;
    }

    void map(int i, int fd) {
        maps[i] = maps[i] == NONE || maps[i] == fd ? fd : SEVERAL;
    }

    void maybeNull(int i) {
        maybeNull[i] = true;
    }

    /** Joins what is believed before a step with what was believed on earlier visits. */
    void believe(int i, Frame frame) {
        if (beliefs != null) {
            beliefs.note(i, frame);
        }
    }

    InsnFact[] facts() {
        var facts = new InsnFact[reached.length];
        for (int i = 0; i < facts.length; i++) {
            if (!reached[i]) {
                facts[i] = InsnFact.DEAD;
                continue;
            }
            var branch =
                    taken[i] ? (skipped[i] ? Branch.BOTH : Branch.ALWAYS) : (skipped[i] ? Branch.NEVER : Branch.NONE);
            facts[i] = new InsnFact(
                    true,
                    pointers[i] == null ? PointerKind.NONE : pointers[i],
                    probed[i],
                    maps[i] >= 0 ? Optional.of(maps[i]) : Optional.empty(),
                    !maybeNull[i],
                    branch);
        }
        return facts;
    }

    List<Belief.At> beliefs() {
        return beliefs == null ? List.of() : beliefs.beliefs();
    }
}
