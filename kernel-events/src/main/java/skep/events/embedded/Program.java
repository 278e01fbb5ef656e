package skep.events.embedded;

import java.util.List;

/**
 * A program that processes of the model can execute.
 *
 * @param path of its binary
 * @param main what it does; the frame's object is the {@link Invocation}
 */
record Program(String path, Routine main) {
    /** The name that its process gets. */
    String comm() {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** A program with its arguments, the name first. */
    record Invocation(Program program, List<String> arguments) {
        Invocation {
            arguments = List.copyOf(arguments);
        }

        /** An argument by position from 1, or a default. */
        String argument(int index, String otherwise) {
            return index < arguments.size() ? arguments.get(index) : otherwise;
        }
    }
}
