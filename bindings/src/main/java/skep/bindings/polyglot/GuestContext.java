package skep.bindings.polyglot;

import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.EnvironmentAccess;
import org.graalvm.polyglot.HostAccess;
import org.graalvm.polyglot.PolyglotAccess;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.FileSystem;
import org.graalvm.polyglot.io.IOAccess;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.graalvm.polyglot.proxy.ProxyObject;
import skep.bindings.java.Values;
import skep.bindings.java.Variables;
import skep.bindings.python.PythonFiles;
import skep.truffle.interop.Guests;
import skep.truffle.interop.Handover;
import skep.truffle.lang.Tracing;

/**
 * A Truffle context with the languages {@code skep} and {@code bpf-c} and what guests may reach: the session's variables, lists,
 * maps and arrays of Java, and what is exported by name; no class of the JVM. Outside a sandbox also files, processes and
 * the live kernel, which tools need. One thread at a time.
 */
public final class GuestContext implements AutoCloseable {
    private static final String PYTHON = "python";
    private static final String JS = "js";
    private static final String SKEP = "skep";
    private static final String BPF_C = "bpf-c";

    private final Context context;
    private final Tracing tracing;
    private final Variables variables = Variables.shared();

    /**
     * @param languages {@code python}, {@code js}; those of ours are always there
     * @param target what is traced unless a script says otherwise
     * @param sandbox whether files, processes and the live kernel are out of reach
     * @param modules where an import of the JavaScript module {@code skep} is found
     */
    public GuestContext(
            List<String> languages,
            String target,
            boolean sandbox,
            Optional<Path> modules,
            OutputStream out,
            OutputStream err) {
        var all = new ArrayList<>(languages);
        all.add(SKEP);
        all.add(BPF_C);
        var builder = Context.newBuilder(all.toArray(String[]::new))
                .allowHostAccess(hostAccess())
                .allowPolyglotAccess(polyglotAccess(all))
                .allowNativeAccess(!sandbox)
                .allowCreateProcess(!sandbox)
                .allowCreateThread(!sandbox)
                .allowEnvironmentAccess(sandbox ? EnvironmentAccess.NONE : EnvironmentAccess.INHERIT)
                .allowIO(io(sandbox, modules, languages.contains(PYTHON)))
                .option("engine.WarnInterpreterOnly", "false")
                .option("skep.Target", target)
                .option("bpf-c.Target", target)
                .out(out)
                .err(err);
        if (languages.contains(JS)) {
            builder.option("js.esm-eval-returns-exports", "true")
                    .option("js.foreign-object-prototype", "true")
                    .option("js.text-encoding", "true")
                    .option("js.ecmascript-version", "staging");
        }
        if (languages.contains(PYTHON)) {
            // Its collector would run on a thread of its own: a second thread shuts JavaScript out of the context.
            builder.allowExperimentalOptions(true)
                    .option("python.BackgroundGCTask", "false")
                    // It warns that its own streams are not ours; PolyglotSession replaces them.
                    .option("log.python.level", "SEVERE")
                    .option("python.PosixModuleBackend", sandbox ? "java" : "native")
                    .option("python.PythonPath", PythonFiles.folder().toString())
                    .option("python.DontWriteBytecodeFlag", Boolean.toString(sandbox));
        }
        context = builder.build();
        tracing = (Tracing)
                Handover.take(context.getBindings(SKEP).invokeMember("tracing").asLong());
        if (languages.contains(PYTHON)) {
            offerToPython(context);
        }
    }

    /** What Python's package {@code skep} asks for: the top of the tracing language, started only then. */
    public static void offerToPython(Context context) {
        ProxyExecutable scope = _ -> context.getBindings(SKEP);
        context.getPolyglotBindings().putMember("skep.scope", scope);
    }

    /** Languages see each other, as the rights of all are the same. */
    private static PolyglotAccess polyglotAccess(List<String> languages) {
        var access = PolyglotAccess.newBuilder().allowEvalBetween(languages.toArray(String[]::new));
        languages.forEach(access::allowBindingsAccess);
        return access.build();
    }

    private static HostAccess hostAccess() {
        return HostAccess.newBuilder(HostAccess.EXPLICIT)
                .allowListAccess(true)
                .allowMapAccess(true)
                .allowArrayAccess(true)
                .allowIterableAccess(true)
                .allowIteratorAccess(true)
                .allowBigIntegerNumberAccess(true)
                .build();
    }

    private static IOAccess io(boolean sandbox, Optional<Path> modules, boolean python) {
        if (!sandbox && modules.isEmpty()) {
            return IOAccess.ALL;
        }
        var files = sandbox
                ? FileSystem.allowInternalResourceAccess(FileSystem.newDenyIOFileSystem())
                : FileSystem.newDefaultFileSystem();
        Optional<Path> readable = sandbox && python ? Optional.of(PythonFiles.folder()) : Optional.empty();
        return IOAccess.newBuilder()
                .allowHostSocketAccess(!sandbox)
                .fileSystem(new ModuleFiles(files, modules, readable))
                .build();
    }

    /** Traces somewhere else from now on. */
    public void setTarget(String spec) {
        context.getBindings(SKEP).putMember("target", spec);
        context.getBindings(BPF_C).putMember("target", spec);
    }

    public String target() {
        return context.getBindings(SKEP).getMember("target").asString();
    }

    /**
     * Evaluates a text.
     *
     * @param language {@code skep}, {@code bpf-c}, {@code python}, {@code js}
     * @param name of the text in messages
     * @throws org.graalvm.polyglot.PolyglotException as the text throws, or with the place of what is wrong with it
     */
    public Value eval(String language, String name, String text) {
        return context.eval(Source.newBuilder(language, text, name).buildLiteral());
    }

    public Value eval(Source source) {
        return context.eval(source);
    }

    /** The global variables of a language. */
    public Value bindings(String language) {
        return context.getBindings(language);
    }

    public Context context() {
        return context;
    }

    /** The session's variables as an object of guests. */
    public ProxyObject shared() {
        return new SharedVariables();
    }

    // --- values ---

    /** A Java object as guests see it; a trace, map or histogram is the same thing on both sides. */
    public Object toGuest(Object object) {
        return Values.toSession(object)
                .<Object>map(thing -> context.getBindings(SKEP).invokeMember("adopt", Handover.give(thing)))
                .orElse(object);
    }

    /** A value of a guest as Java sees it: numbers, strings and things of ours; other objects stay {@link Value}s. */
    public Object toJava(Value value) {
        if (value.isHostObject()) {
            return value.asHostObject();
        }
        if (value.isProxyObject()) {
            return value.asProxyObject();
        }
        if (value.isBoolean()) {
            return value.asBoolean();
        }
        if (value.isString()) {
            return value.asString();
        }
        if (value.isNumber()) {
            return number(value);
        }
        return ours(value).orElse(value);
    }

    private static Object number(Value value) {
        if (value.fitsInLong()) {
            return value.asLong();
        }
        return value.fitsInBigInteger() ? (Object) value.asBigInteger() : value.asDouble();
    }

    /** The thing of ours that a guest's value is, or holds as {@code skepOwn}. */
    private static Optional<Object> ours(Value value) {
        var own = value.hasMember("skepOwn") ? value.getMember("skepOwn") : value;
        var kind = own.getMetaObject();
        boolean isOurs = kind != null
                && kind.isMetaObject()
                && kind.getMetaQualifiedName().startsWith("skep.")
                && own.canInvokeMember("handle");
        return isOurs
                ? Optional.of(Values.ofSession(
                        Handover.take(own.invokeMember("handle").asLong())))
                : Optional.empty();
    }

    private final class SharedVariables implements ProxyObject {
        @Override
        public Object getMember(String key) {
            var value = variables.values().get(key);
            return value == null ? null : toGuest(value);
        }

        @Override
        public Object getMemberKeys() {
            return variables.values().keySet().toArray();
        }

        @Override
        public boolean hasMember(String key) {
            return variables.values().containsKey(key);
        }

        @Override
        public void putMember(String key, Value value) {
            variables.put(key, toJava(value));
        }

        @Override
        public boolean removeMember(String key) {
            return variables.values().remove(key) != null;
        }
    }

    /**
     * Ends what a thread runs in this context, from another thread: a wait for a trace as Ctrl-C does, so that the trace keeps
     * its results; anything else by an interrupt. Returns at once.
     */
    public void stop(Thread running) {
        if (Guests.isWaiting(running)) {
            running.interrupt();
        } else {
            tracing.interrupt(running);
        }
    }

    /** Stops all that runs and frees it. */
    @Override
    public void close() {
        context.close(true);
    }
}
