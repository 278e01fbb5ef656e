package skep.ir.codegen;

/**
 * What the machine behind the code generator can do, and how it is used.
 *
 * @param scratch whether values that do not fit the stack may be placed in a per-CPU map, see
 *     {@link skep.ir.pass.ScratchPlacement}
 */
public record CodegenOptions(CpuLevel cpu, boolean scratch) {
    /** Runs on every kernel that Skep supports. */
    public static final CodegenOptions DEFAULT = new CodegenOptions(CpuLevel.V3);

    public CodegenOptions(CpuLevel cpu) {
        this(cpu, true);
    }
}
