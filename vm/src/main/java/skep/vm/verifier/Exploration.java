package skep.vm.verifier;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The paths that a verification walked, as a tree: each path but the first of a function was left over at a branch of
 * another one. In the order in which they were put aside; at most {@value #MAX_PATHS}, after which only {@link #total} grows.
 *
 * @param paths empty unless {@link VerifierInput#recordPaths} asked for them
 * @param total how many there were
 */
public record Exploration(List<Path> paths, int total) {
    static final int MAX_PATHS = 200_000;

    public static final Exploration NONE = new Exploration(List.of(), 0);

    public Exploration {
        paths = List.copyOf(paths);
    }

    /** How a path ended. */
    public enum End {
        /** At the program's exit, or at that of a function verified on its own. */
        EXIT,
        /** Where the same had been explored before. */
        PRUNED,
        /** It was not safe, and the verification ended. */
        REFUSED,
        /** The verification ended before it was walked. */
        NOT_WALKED
    }

    /**
     * A path.
     *
     * @param parent the path at one of whose branches this one was put aside, -1 for the first of a function
     * @param from the branch
     * @param start the slot at which this one begins
     * @param insns how many instructions were processed on it, without those of paths put aside on it
     * @param last the slot at which it ended
     */
    public record Path(int parent, int from, int start, int insns, int last, End end) {}

    /** Collects while paths are walked. */
    static final class Recorder {
        private final List<Node> nodes = new ArrayList<>();
        private int total;
        private @Nullable Node current;

        private static final class Node {
            final int parent;
            final int from;
            final int start;
            int insns;
            int last;
            End end = End.NOT_WALKED;

            Node(int parent, int from, int start) {
                this.parent = parent;
                this.from = from;
                this.start = start;
                this.last = start;
            }
        }

        private int indexOfCurrent = -1;

        /** A function's first path. */
        void begin(int start) {
            indexOfCurrent = -1;
            walk(put(-1, start));
        }

        /** A path is put aside; its number. */
        int put(int from, int start) {
            total++;
            if (nodes.size() >= MAX_PATHS) {
                return -1;
            }
            nodes.add(new Node(indexOfCurrent, from, start));
            return nodes.size() - 1;
        }

        /** A path that was put aside is taken up. */
        void walk(int path) {
            indexOfCurrent = path;
            current = path < 0 ? null : nodes.get(path);
        }

        void step(int insn) {
            var node = current;
            if (node != null) {
                node.insns++;
                node.last = insn;
            }
        }

        void end(End end) {
            var node = current;
            if (node != null) {
                node.end = end;
            }
        }

        Exploration exploration() {
            return new Exploration(
                    nodes.stream()
                            .map(n -> new Path(n.parent, n.from, n.start, n.insns, n.last, n.end))
                            .toList(),
                    total);
        }
    }
}
