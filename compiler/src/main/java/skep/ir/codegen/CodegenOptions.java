package skep.ir.codegen;

/** What the machine behind the code generator can do. */
public record CodegenOptions(CpuLevel cpu) {
    /** Runs on every kernel that Skep supports. */
    public static final CodegenOptions DEFAULT = new CodegenOptions(CpuLevel.V3);
}
