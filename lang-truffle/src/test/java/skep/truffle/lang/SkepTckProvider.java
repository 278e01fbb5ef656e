package skep.truffle.lang;

import java.util.Collection;
import java.util.List;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.graalvm.polyglot.tck.LanguageProvider;
import org.graalvm.polyglot.tck.Snippet;
import org.graalvm.polyglot.tck.TypeDescriptor;

/** What the interop TCK is told of the tracing language: a script is what it runs, a trace and its results are its values. */
public final class SkepTckProvider implements LanguageProvider {
    private static final TypeDescriptor TRACE =
            TypeDescriptor.intersection(TypeDescriptor.OBJECT, TypeDescriptor.ITERABLE);

    @Override
    public String getId() {
        return SkepLanguage.ID;
    }

    /** The language defines no functions that others could call; the host stands in. */
    @Override
    public Value createIdentityFunction(Context context) {
        return context.asValue((ProxyExecutable) arguments -> arguments[0]);
    }

    @Override
    public Collection<? extends Snippet> createValueConstructors(Context context) {
        return List.of(
                value(context, "integer", "@ = 7", TypeDescriptor.NUMBER),
                value(context, "unsigned", "@ = (uint64)-1", TypeDescriptor.NUMBER),
                value(context, "string", "@ = \"x\"", TypeDescriptor.STRING),
                value(context, "boolean", "@ = true", TypeDescriptor.BOOLEAN),
                value(
                        context,
                        "tuple",
                        "@ = (1, 2)",
                        TypeDescriptor.intersection(TypeDescriptor.OBJECT, TypeDescriptor.ARRAY)),
                value(
                        context,
                        "histogram",
                        "@ = hist(5)",
                        TypeDescriptor.intersection(TypeDescriptor.OBJECT, TypeDescriptor.ARRAY)),
                Snippet.newBuilder(
                                "map",
                                function(context, "begin { @[1] = 2; exit(); }", "map"),
                                TypeDescriptor.intersection(
                                        TypeDescriptor.OBJECT,
                                        TypeDescriptor.hash(TypeDescriptor.ANY, TypeDescriptor.ANY),
                                        TypeDescriptor.ITERABLE))
                        .build(),
                Snippet.newBuilder(
                                "trace",
                                context.asValue((ProxyExecutable) _ -> context.eval("skep", "begin { exit(); }")),
                                TRACE)
                        .build());
    }

    private static Snippet value(Context context, String name, String statement, TypeDescriptor type) {
        return Snippet.newBuilder(name, function(context, "begin { " + statement + "; exit(); }", "value"), type)
                .build();
    }

    private static Value function(Context context, String script, String member) {
        return context.asValue((ProxyExecutable)
                _ -> context.eval("skep", script).invokeMember("run").invokeMember(member, "@"));
    }

    @Override
    public Collection<? extends Snippet> createExpressions(Context context) {
        return List.of();
    }

    @Override
    public Collection<? extends Snippet> createStatements(Context context) {
        return List.of();
    }

    @Override
    public Collection<? extends Snippet> createScripts(Context context) {
        return List.of(
                script(context, "prints", "begin { print(1); @[comm] = count(); exit(); }"),
                script(context, "ends", "begin { exit(); }"));
    }

    private static Snippet script(Context context, String name, String text) {
        var source = Source.newBuilder("skep", text, name + ".bt").buildLiteral();
        return Snippet.newBuilder(name, context.parse(source), TRACE).build();
    }

    @Override
    public Collection<? extends Source> createInvalidSyntaxScripts(Context context) {
        return List.of(
                Source.newBuilder("skep", "begin {", "open.bt").buildLiteral(),
                Source.newBuilder("skep", "kprobe:vfs_read { nosuch(); }", "unknown.bt")
                        .buildLiteral());
    }
}
