package skep.vm.jit;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import skep.vm.LinkedProgram;

/** Writes and defines the classes of a program. */
final class JitCompiler {
    /** HotSpot compiles no method above 8,000 bytes of bytecode ({@code HugeMethodLimit}). */
    static final int MAX_METHOD_BYTES = 8_000;

    private static final int FIRST_PLAN_BYTES = 7_000;
    private static final int MIN_PLAN_BYTES = 100;
    private static final ClassDesc SELF = ClassDesc.of("skep.vm.jit.Program");
    private static final ClassDesc CODE = InsnEmitter.desc(JitCode.class);
    private static final ClassDesc CPU = InsnEmitter.CPU;
    private static final ClassDesc FRAME = InsnEmitter.desc(JitFrame.class);
    private static final ClassDesc I = ConstantDescs.CD_int;
    private static final ClassDesc J = ConstantDescs.CD_long;

    private final LinkedProgram linked;
    private final JitProgram program;
    private final Plan plan;
    private final List<Written> written = new ArrayList<>();

    private JitCompiler(LinkedProgram linked, JitProgram program, Plan plan) {
        this.linked = linked;
        this.program = program;
        this.plan = plan;
        for (int i = 0; i < plan.classes(); i++) {
            program.compile(i);
            written.add(write(i));
        }
    }

    /** A class before it is defined. */
    private record Written(byte[] bytes, List<Object> constants) {}

    static JitProgram compile(LinkedProgram linked) {
        return compile(linked, FIRST_PLAN_BYTES);
    }

    /** Compiles with methods of about that many bytes. */
    static JitProgram compile(LinkedProgram linked, int planBytes) {
        var program = new JitProgram(linked);
        var compiler = fitting(linked, program, planBytes);
        var written = compiler.written;
        var codes = new JitCode[written.size()];
        int bytes = 0;
        for (int i = 0; i < codes.length; i++) {
            codes[i] = define(written.get(i));
            bytes += codeBytes(written.get(i).bytes).stream()
                    .mapToInt(Integer::intValue)
                    .sum();
        }
        program.complete(codes, compiler.classesOfFunctions(), bytes);
        return program;
    }

    /** The bytecode of a program in readable form. */
    static String dump(LinkedProgram linked) {
        var out = new StringBuilder();
        for (var written : fitting(linked, new JitProgram(linked), FIRST_PLAN_BYTES).written) {
            for (var method : ClassFile.of().parse(written.bytes).methods()) {
                out.append(method.methodName().stringValue()).append(":\n");
                method.code()
                        .ifPresent(code -> code.forEach(element -> {
                            if (element instanceof Instruction insn) {
                                out.append("    ").append(insn).append('\n');
                            }
                        }));
            }
        }
        return out.toString();
    }

    /** Sizes in bytes of the longest method of each class; for the test that HotSpot can compile them. */
    static List<Integer> longestMethods(LinkedProgram linked) {
        return fitting(linked, new JitProgram(linked), FIRST_PLAN_BYTES).written.stream()
                .map(written ->
                        codeBytes(written.bytes).stream().max(Integer::compare).orElse(0))
                .toList();
    }

    /** Plans so that no method is too long: again with a lower limit while the estimates were too low. */
    private static JitCompiler fitting(LinkedProgram linked, JitProgram program, int planBytes) {
        int limit = planBytes;
        while (true) {
            var compiler = new JitCompiler(linked, program, new Plan(linked, limit));
            boolean fits = compiler.written.stream()
                    .flatMap(written -> codeBytes(written.bytes).stream())
                    .allMatch(bytes -> bytes <= MAX_METHOD_BYTES);
            if (fits) {
                return compiler;
            }
            limit = limit * 2 / 3;
            if (limit < MIN_PLAN_BYTES) {
                throw new AssertionError("no plan keeps methods below " + MAX_METHOD_BYTES + " bytes");
            }
        }
    }

    private Written write(int inClass) {
        var constants = new Constants();
        var bytes = ClassFile.of().build(SELF, builder -> {
            builder.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SYNTHETIC).withInterfaceSymbols(CODE);
            constructor(builder);
            dispatchFunctions(builder, inClass);
            dispatchParts(builder, inClass);
            for (var function : plan.functions()) {
                if (function.inClass() == inClass) {
                    builder.withMethodBody(
                            FunctionEmitter.name(function.start()),
                            FunctionEmitter.FUNCTION,
                            ClassFile.ACC_STATIC,
                            code -> FunctionEmitter.function(code, linked, plan, function, program, constants, SELF));
                }
                for (var part : function.parts()) {
                    if (part.inClass() == inClass) {
                        builder.withMethodBody(
                                partName(part),
                                FunctionEmitter.PART,
                                ClassFile.ACC_STATIC,
                                code -> FunctionEmitter.part(
                                        code, linked, plan, function, part, program, constants, SELF));
                    }
                }
            }
        });
        return new Written(bytes, constants.objects());
    }

    private static String partName(Plan.Part part) {
        return "p" + part.number();
    }

    private static void constructor(ClassBuilder builder) {
        builder.withMethodBody(
                "<init>",
                ConstantDescs.MTD_void,
                0,
                code -> code.aload(0)
                        .invokespecial(ConstantDescs.CD_Object, "<init>", ConstantDescs.MTD_void)
                        .return_());
    }

    private void dispatchFunctions(ClassBuilder builder, int inClass) {
        builder.withMethodBody("call", MethodTypeDesc.of(J, CPU, I, J, J, J, J, J, J), ClassFile.ACC_PUBLIC, code -> {
            var unknown = code.newLabel();
            var cases = new ArrayList<SwitchCase>();
            for (var function : plan.functions()) {
                if (function.inClass() == inClass) {
                    cases.add(SwitchCase.of(function.start(), code.newLabel()));
                }
            }
            code.iload(2).lookupswitch(unknown, cases);
            for (var c : cases) {
                code.labelBinding(c.target()).aload(1);
                for (int local = 3; local <= 13; local += 2) {
                    code.lload(local);
                }
                code.invokestatic(SELF, FunctionEmitter.name(c.caseValue()), FunctionEmitter.FUNCTION)
                        .lreturn();
            }
            unknown(code, unknown);
        });
    }

    private void dispatchParts(ClassBuilder builder, int inClass) {
        builder.withMethodBody("part", MethodTypeDesc.of(I, CPU, FRAME, I), ClassFile.ACC_PUBLIC, code -> {
            var unknown = code.newLabel();
            var cases = new ArrayList<SwitchCase>();
            for (var function : plan.functions()) {
                for (var part : function.parts()) {
                    if (part.inClass() == inClass) {
                        cases.add(SwitchCase.of(part.number(), code.newLabel()));
                    }
                }
            }
            code.iload(3).bipush(Plan.BLOCK_IN_PART_BITS).ishr().lookupswitch(unknown, cases);
            for (var c : cases) {
                code.labelBinding(c.target()).aload(1).aload(2).iload(3);
                code.loadConstant((1 << Plan.BLOCK_IN_PART_BITS) - 1).iand();
                code.invokestatic(SELF, "p" + c.caseValue(), FunctionEmitter.PART)
                        .ireturn();
            }
            unknown(code, unknown);
        });
    }

    private static void unknown(CodeBuilder code, java.lang.classfile.Label label) {
        code.labelBinding(label).aconst_null().athrow();
    }

    private int[] classesOfFunctions() {
        if (plan.classes() == 1) {
            return new int[0];
        }
        var classes = new int[linked.program().size()];
        for (var function : plan.functions()) {
            classes[function.start()] = function.inClass();
        }
        return classes;
    }

    private static JitCode define(Written written) {
        try {
            var lookup = MethodHandles.lookup().defineHiddenClassWithClassData(written.bytes, written.constants, true);
            return (JitCode)
                    lookup.findConstructor(lookup.lookupClass(), java.lang.invoke.MethodType.methodType(void.class))
                            .invoke();
        } catch (Throwable e) {
            throw new AssertionError("generated class does not load", e);
        }
    }

    private static List<Integer> codeBytes(byte[] classBytes) {
        var sizes = new ArrayList<Integer>();
        for (MethodModel method : ClassFile.of().parse(classBytes).methods()) {
            method.code().ifPresent(code -> sizes.add(((CodeAttribute) code).codeLength()));
        }
        return sizes;
    }
}
