package skep.c.bcc;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.c.check.Types;
import skep.c.lower.Lowering;
import skep.c.lower.Operand;
import skep.c.lower.Operand.Scalar;
import skep.c.parse.TranslationUnit.FunctionDefinition;
import skep.ir.Module;
import skep.ir.ModuleBuilder;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.pass.Optimizer;
import skep.source.Diagnostics;
import skep.source.Span;

/**
 * A C source whose functions are called by programs of another language: what they take, and the functions themselves
 * with the maps they use. Arguments and results are passed in 64 bits. A pointer that is passed is read through
 * {@code probe_read}, since nothing is known of where it points; it cannot be written through.
 *
 * @param functions those that are neither static nor programs of their own, in the order of the source
 * @param module their code, for a module that calls them
 */
public record FunctionLibrary(List<Signature> functions, Module module) {
    /** The kernel's limit for functions of BPF programs: five registers. */
    public static final int MAX_PARAMETERS = 5;

    public FunctionLibrary {
        functions = List.copyOf(functions);
    }

    /** A function as its callers see it. */
    public record Signature(String name, List<Parameter> parameters, CTypeInfo result, Span span) {
        public Signature {
            parameters = List.copyOf(parameters);
        }
    }

    /** A parameter; the name may be empty. */
    public record Parameter(String name, CTypeInfo type) {}

    /** Reads and checks a source. What is wrong goes to {@code diagnostics}; then the library is not to be used. */
    public static FunctionLibrary read(BccRequest request, Diagnostics diagnostics) {
        var analysis = new Analysis(request, diagnostics);
        analysis.read();
        var module = new ModuleBuilder();
        var functions = new ArrayList<Signature>();
        if (!diagnostics.hasErrors()) {
            var types = new CTypeReader(analysis.types);
            for (var function : analysis.entries.values()) {
                if (isCallable(function, analysis.types, diagnostics)) {
                    functions.add(signature(function, analysis.types, types));
                    write(function, analysis, module, diagnostics);
                }
            }
        }
        if (diagnostics.hasErrors()) {
            return new FunctionLibrary(List.of(), new Module(List.of(), List.of()));
        }
        var writer = new ProgramWriter(analysis, request, diagnostics);
        var maps = writer.finish().maps();
        var code = writer.resolved(Optimizer.optimize(new Module(module.build().functions(), maps)));
        return new FunctionLibrary(functions, code);
    }

    /** Programs have sections of their own; what cannot be passed in registers is told. */
    private static boolean isCallable(FunctionDefinition function, Types types, Diagnostics diagnostics) {
        if (Analysis.section(function.attributes())
                .filter(s -> !s.equals(".text"))
                .isPresent()) {
            return false;
        }
        if (function.type().parameters().size() > MAX_PARAMETERS) {
            diagnostics.error(
                    "c-check",
                    function.span(),
                    "'" + function.name() + "' has "
                            + function.type().parameters().size()
                            + " parameters; functions of BPF programs have at most " + MAX_PARAMETERS);
            return false;
        }
        for (var parameter : function.type().parameters()) {
            if (!types.isScalar(types.layout.idOf(parameter.type()))) {
                diagnostics.error("c-check", parameter.span(), "a structure cannot be passed by value");
                return false;
            }
        }
        int result = types.layout.idOf(function.type().result());
        if (!types.isVoid(result) && !types.isScalar(result)) {
            diagnostics.error("c-check", function.span(), "a structure cannot be a result");
            return false;
        }
        return true;
    }

    private static Signature signature(FunctionDefinition function, Types types, CTypeReader reader) {
        var parameters = new ArrayList<Parameter>();
        for (var parameter : function.type().parameters()) {
            parameters.add(new Parameter(parameter.name(), reader.read(types.layout.idOf(parameter.type()))));
        }
        var result = reader.read(types.layout.idOf(function.type().result()));
        return new Signature(function.name(), parameters, result, function.span());
    }

    private static void write(
            FunctionDefinition function, Analysis analysis, ModuleBuilder module, Diagnostics diagnostics) {
        var declared = function.type().parameters();
        var builder = module.function(
                function.name(),
                Type.I64,
                declared.stream().<Type>map(_ -> Type.I64).toList(),
                function.span());
        var lowering = new Lowering(builder, module, analysis.unit, analysis.dialect, diagnostics);
        var parameters = new ArrayList<Operand>();
        for (int i = 0; i < declared.size(); i++) {
            int type = analysis.types.layout.idOf(declared.get(i).type());
            var word = builder.param(i);
            parameters.add(
                    analysis.types.isPointer(type)
                            ? new Scalar(type, builder.intToPtr(Region.GENERIC, word))
                            : lowering.arithmeticConvert(new Scalar(analysis.types.unsignedLong, word), type));
        }
        lowering.program(function, parameters);
    }

    /** The function of this name. */
    public Optional<Signature> function(String name) {
        return functions.stream().filter(f -> f.name().equals(name)).findFirst();
    }
}
