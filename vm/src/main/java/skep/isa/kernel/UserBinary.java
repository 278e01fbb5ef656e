package skep.isa.kernel;

import java.util.List;
import java.util.Optional;
import skep.btf.Btf;

/** A program or library of the traced machine, as far as probes are concerned. Read lazily; safe for any thread. */
public interface UserBinary {
    /** Its absolute path. */
    String path();

    /** The names of its functions, each once, sorted; C++ and Rust names as the linker knows them. */
    List<String> functions();

    /**
     * Its functions by the names that C++ or Rust gives them, in the order of the linker's names.
     *
     * @param pattern a name with its parameters or without them, perhaps with wildcards
     */
    default List<CppFunction> cppFunctions(String pattern) {
        return List.of();
    }

    /**
     * A function with two names.
     *
     * @param name the linker's
     * @param readable the language's, parameters included
     */
    record CppFunction(String name, String readable) {}

    boolean hasFunction(String name);

    /** A function or variable by name. */
    default Optional<Symbol> symbol(String name) {
        return Optional.empty();
    }

    /** Whether a function covers an address of the file. */
    default boolean isCode(long address) {
        return true;
    }

    /**
     * Something with a name and a place.
     *
     * @param address as the file has it, before it is loaded anywhere
     * @param sizeBytes 0 if the file does not tell
     */
    record Symbol(long address, long sizeBytes) {}

    /**
     * What a function takes and returns, by the binary's debugging information: types with a function of this name among
     * them. Empty if nothing is known.
     */
    default Optional<Btf> functionTypes(String function) {
        return Optional.empty();
    }

    /** The places of its static probes, in the order of the file; several may share a name. */
    List<UsdtProbe> staticProbes();
}
