package skep.vm.jit;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import skep.isa.MemSize;

/**
 * How generated code dereferences an address that it has proved: through {@link skep.vm.Memory}, or, where the JVM was started
 * with {@code --add-exports java.base/jdk.internal.misc=ALL-UNNAMED}, through the JDK's own accessor, which saves a comparison
 * an access. Generated classes alone may know it: nothing is compiled against it.
 */
final class RawAccess {
    private static final ClassDesc MEMORY = InsnEmitter.desc(skep.vm.Memory.class);
    private static final ClassDesc ACCESSOR = ClassDesc.of("jdk.internal.misc.Unsafe");
    private static final boolean DIRECT =
            Object.class.getModule().isExported("jdk.internal.misc", RawAccess.class.getModule());

    private RawAccess() {}

    /** Before the address is pushed. */
    static void begin(CodeBuilder code) {
        if (DIRECT) {
            code.invokestatic(ACCESSOR, "getUnsafe", MethodTypeDesc.of(ACCESSOR));
        }
    }

    /** Replaces the address on the stack by what lies there. */
    static void get(CodeBuilder code, MemSize size) {
        var type = MethodTypeDesc.of(type(size), ConstantDescs.CD_long);
        if (DIRECT) {
            code.invokevirtual(ACCESSOR, "get" + name(size), type);
        } else {
            code.invokestatic(MEMORY, "get" + name(size), type);
        }
    }

    /** Stores the value on the stack at the address below it. */
    static void put(CodeBuilder code, MemSize size) {
        var type = MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long, type(size));
        if (DIRECT) {
            code.invokevirtual(ACCESSOR, "put" + name(size), type);
        } else {
            code.invokestatic(MEMORY, "put" + name(size), type);
        }
    }

    private static String name(MemSize size) {
        return switch (size) {
            case B -> "Byte";
            case H -> "Short";
            case W -> "Int";
            case DW -> "Long";
        };
    }

    private static ClassDesc type(MemSize size) {
        return switch (size) {
            case B -> ConstantDescs.CD_byte;
            case H -> ConstantDescs.CD_short;
            case W -> ConstantDescs.CD_int;
            case DW -> ConstantDescs.CD_long;
        };
    }
}
