package skep.isa.kernel;

import java.util.List;
import java.util.Optional;

/** A program or library of the traced machine, as far as probes are concerned. Read lazily; safe for any thread. */
public interface UserBinary {
    /** Its absolute path. */
    String path();

    /** The names of its functions, each once, sorted; C++ and Rust names as the linker knows them. */
    List<String> functions();

    boolean hasFunction(String name);

    /** A function or variable by name. */
    default Optional<Symbol> symbol(String name) {
        return Optional.empty();
    }

    /**
     * Something with a name and a place.
     *
     * @param address as the file has it, before it is loaded anywhere
     * @param sizeBytes 0 if the file does not tell
     */
    record Symbol(long address, long sizeBytes) {}

    /** The places of its static probes, in the order of the file; several may share a name. */
    List<UsdtProbe> staticProbes();
}
