package skep.isa.kernel;

import java.util.List;

/** A program or library of the traced machine, as far as probes are concerned. Read lazily; safe for any thread. */
public interface UserBinary {
    /** Its absolute path. */
    String path();

    /** The names of its functions, each once, sorted; C++ and Rust names as the linker knows them. */
    List<String> functions();

    boolean hasFunction(String name);

    /** The places of its static probes, in the order of the file; several may share a name. */
    List<UsdtProbe> staticProbes();
}
