package skep.cli;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * Rewrites the pattern switches of a jar into plain {@code instanceof} tests. The JDK links each such switch at run time, with a
 * class made on the spot that its AOT cache cannot hold: about a millisecond a switch, dozens in the shortest run. Run by the
 * launcher when it assembles a build; a class that is not understood is left as it is.
 */
final class SwitchFlattening {
    private static final String BOOTSTRAPS = "java/lang/runtime/SwitchBootstraps";
    private static final String TYPE_SWITCH = "typeSwitch";

    private SwitchFlattening() {}

    /** A switch: the type of its call and the classes of its labels. */
    private record TypeSwitch(String name, MethodTypeDesc type, List<ClassDesc> labels) {}

    /** Arguments: jars, each rewritten in place. */
    public static void main(String[] jars) throws IOException {
        for (var jar : jars) {
            rewrite(Path.of(jar));
        }
    }

    private static void rewrite(Path jar) throws IOException {
        var rewritten = jar.resolveSibling(jar.getFileName() + ".new");
        try (var in = new JarFile(jar.toFile());
                var out = new JarOutputStream(Files.newOutputStream(rewritten))) {
            for (var entries = in.entries(); entries.hasMoreElements(); ) {
                var entry = entries.nextElement();
                byte[] bytes;
                try (var stream = in.getInputStream(entry)) {
                    bytes = stream.readAllBytes();
                }
                var copy = new JarEntry(entry.getName());
                copy.setTime(entry.getTime());
                out.putNextEntry(copy);
                out.write(entry.getName().endsWith(".class") ? flattened(bytes) : bytes);
                out.closeEntry();
            }
        }
        Files.move(rewritten, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    /** The class with its type switches flattened; the same bytes if it has none. */
    static byte[] flattened(byte[] bytes) {
        var format = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(ClassLoader.getSystemClassLoader())
                        .orElse(ClassHierarchyResolver.defaultResolver())));
        var model = format.parse(bytes);
        var found = new ArrayList<TypeSwitch>();
        var transform = ClassTransform.transformingMethodBodies((builder, element) -> {
                    if (element instanceof InvokeDynamicInstruction call && isTypeSwitch(call)) {
                        var flat = new TypeSwitch("typeSwitch$" + found.size(), call.typeSymbol(), labels(call));
                        found.add(flat);
                        builder.invokestatic(model.thisClass().asSymbol(), flat.name, flat.type, isInterface(model));
                    } else {
                        builder.with(element);
                    }
                })
                .andThen(ClassTransform.endHandler(builder -> {
                    for (var flat : found) {
                        builder.withMethodBody(
                                flat.name,
                                flat.type,
                                ClassFile.ACC_PRIVATE | ClassFile.ACC_STATIC | ClassFile.ACC_SYNTHETIC,
                                code -> emit(code, flat));
                    }
                }));
        byte[] result = format.transformClass(model, transform);
        return found.isEmpty() ? bytes : result;
    }

    private static boolean isInterface(ClassModel model) {
        return (model.flags().flagsMask() & ClassFile.ACC_INTERFACE) != 0;
    }

    private static boolean isTypeSwitch(InvokeDynamicInstruction call) {
        return call.name().equalsString(TYPE_SWITCH)
                && call.bootstrapMethod().owner().descriptorString().equals("L" + BOOTSTRAPS + ";")
                && call.bootstrapArgs().stream().allMatch(SwitchFlattening::isReferenceType);
    }

    private static boolean isReferenceType(ConstantDesc label) {
        return label instanceof ClassDesc type && !type.isPrimitive();
    }

    private static List<ClassDesc> labels(InvokeDynamicInstruction call) {
        return call.bootstrapArgs().stream().map(ClassDesc.class::cast).toList();
    }

    /** As {@link java.lang.runtime.SwitchBootstraps#typeSwitch} answers: -1 for null, else the first label from the restart on, or their number. */
    private static void emit(CodeBuilder code, TypeSwitch flat) {
        var notNull = code.newLabel();
        code.aload(0).ifnonnull(notNull).iconst_m1().ireturn().labelBinding(notNull);
        for (int i = 0; i < flat.labels.size(); i++) {
            var next = code.newLabel();
            code.iload(1).loadConstant(i).if_icmpgt(next);
            code.aload(0).instanceOf(flat.labels.get(i)).ifeq(next);
            code.loadConstant(i).ireturn().labelBinding(next);
        }
        code.loadConstant(flat.labels.size()).ireturn();
    }
}
