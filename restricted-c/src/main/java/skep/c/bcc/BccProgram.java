package skep.c.bcc;

import java.util.List;
import java.util.Optional;
import skep.isa.object.BpfObject;
import skep.source.Diagnostic;

/** A checked program: what it declares, and a factory of objects with the functions that are to be loaded. */
public final class BccProgram {
    private final List<BccTable> tables;
    private final List<BccFunction> functions;
    private final List<Diagnostic> warnings;
    private final String license;

    BccProgram(List<BccTable> tables, List<BccFunction> functions, List<Diagnostic> warnings, String license) {
        this.tables = List.copyOf(tables);
        this.functions = List.copyOf(functions);
        this.warnings = List.copyOf(warnings);
        this.license = license;
    }

    /** The tables in the order of their declaration. */
    public List<BccTable> tables() {
        return tables;
    }

    public Optional<BccTable> table(String name) {
        return tables.stream().filter(t -> t.name().equals(name)).findFirst();
    }

    /** The functions that can be attached, in the order of the source. */
    public List<BccFunction> functions() {
        return functions;
    }

    public Optional<BccFunction> function(String name) {
        return functions.stream().filter(f -> f.name().equals(name)).findFirst();
    }

    public List<Diagnostic> warnings() {
        return warnings;
    }

    /** What {@code BPF_LICENSE} says, {@code GPL} otherwise. */
    public String license() {
        return license;
    }

    /**
     * The maps of all tables, and a program for each use.
     *
     * @param uses may be empty: then the object has maps only
     * @throws CompileException if a function cannot be compiled for its use
     */
    public BpfObject object(List<FunctionUse> uses) {
        throw new UnsupportedOperationException(uses.toString());
    }
}
