package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.UnknownIdentifierException;
import com.oracle.truffle.api.interop.UnsupportedTypeException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import com.oracle.truffle.api.source.Source;
import skep.session.RunningScript;
import skep.truffle.lang.BpfCLanguage;
import skep.truffle.lang.SkepLanguage;
import skep.truffle.lang.Tracing;

/**
 * The top of one of our languages, what {@code context.getBindings("skep")} and {@code context.getBindings("bpf-c")} give.
 * {@code target}, which may be written, is what is traced.
 *
 * <p>Of {@code skep}: {@code trace(script, options)} prepares, {@code run} runs to the end, {@code start} runs in the background;
 * {@code probes(pattern)} and {@code describe(pattern)} list. Of {@code bpf-c}: {@code compile(text, options)} with the options
 * {@code name}, {@code target}, {@code duration} (seconds) and {@code cflags}.
 */
@ExportLibrary(InteropLibrary.class)
public final class ScopeObject extends GuestObject {
    private static final String TARGET = "target";

    private static final Members<ScopeObject> OF_SCRIPTS = new Members<ScopeObject>()
            .property(TARGET, scope -> scope.tracing.spec())
            .method("trace", 1, 2, ScopeObject::trace)
            .method("run", 1, 2, (scope, a) -> scope.trace(a).runToEnd())
            .method("start", 1, 2, (scope, a) -> scope.trace(a).start())
            .method("probes", 1, 1, (scope, a) -> scope.probes(a, false))
            .method("describe", 1, 1, (scope, a) -> scope.probes(a, true))
            .method("sleep", 1, 1, (_, a) -> sleep(a))
            .method("traceWith", 2, 2, ScopeObject::traceWith)
            .method("tracing", 0, 0, (scope, _) -> Handover.give(scope.tracing))
            .method("adopt", 1, 1, (scope, a) -> scope.adopt(Handover.take(Guest.integer64(a[0]))));

    private static final Members<ScopeObject> OF_PROGRAMS = new Members<ScopeObject>()
            .property(TARGET, scope -> scope.tracing.spec())
            .method("compile", 1, 2, ScopeObject::compile);

    private final String language;
    private final Members<ScopeObject> members;
    private final Tracing tracing;

    private ScopeObject(String language, Members<ScopeObject> members, Tracing tracing) {
        this.language = language;
        this.members = members;
        this.tracing = tracing;
    }

    public static ScopeObject ofScripts(Tracing tracing) {
        return new ScopeObject(SkepLanguage.ID, OF_SCRIPTS, tracing);
    }

    public static ScopeObject ofPrograms(Tracing tracing) {
        return new ScopeObject(BpfCLanguage.ID, OF_PROGRAMS, tracing);
    }

    private Object compile(Object[] arguments) {
        var options = arguments.length == 1 ? ProgramOptions.NONE : ProgramOptions.read(arguments[1]);
        var source = Source.newBuilder(BpfCLanguage.ID, Guest.string(arguments[0]), options.name())
                .build();
        return ProgramObject.compile(tracing, source, options).attached();
    }

    private TraceObject trace(Object[] arguments) {
        var text = Guest.string(arguments[0]);
        var options = arguments.length == 1 ? TraceOptions.of("script") : TraceOptions.read(arguments[1], "script");
        var source = Source.newBuilder(SkepLanguage.ID, text, options.name()).build();
        return tracing.trace(source, options);
    }

    /** With options that Java gave by {@link Handover}. */
    private Object traceWith(Object[] arguments) {
        if (Handover.take(Guest.integer64(arguments[1])) instanceof TraceOptions options) {
            var source = Source.newBuilder(SkepLanguage.ID, Guest.string(arguments[0]), options.name())
                    .build();
            return tracing.trace(source, options);
        }
        throw new IllegalArgumentException("no options");
    }

    private Object probes(Object[] arguments, boolean detailed) {
        return new ArrayObject(tracing.probes(Guest.string(arguments[0]), detailed));
    }

    private static Object sleep(Object[] arguments) {
        Waiting.sleep(Math.max(0, (long) Guest.number(arguments[0])));
        return Nothing.NOTHING;
    }

    /** What Java gives becomes what guests see. */
    private Object adopt(Object thing) {
        if (thing instanceof RunningScript script) {
            var source = Source.newBuilder(SkepLanguage.ID, script.text(), script.name())
                    .build();
            // Its owner is the Java side, and closes its target.
            return new TraceObject(script, source, () -> {});
        }
        return Guest.ofThing(thing);
    }

    @Override
    Members<?> table() {
        return members;
    }

    @Override
    String kind() {
        return "Scope";
    }

    @Override
    String text() {
        return language;
    }

    @ExportMessage
    boolean isScope() {
        return true;
    }

    @ExportMessage
    boolean isMemberModifiable(String member) {
        return member.equals(TARGET);
    }

    @ExportMessage
    boolean isMemberInsertable(@SuppressWarnings("unused") String member) {
        return false;
    }

    @ExportMessage
    @TruffleBoundary
    void writeMember(String member, Object value) throws UnknownIdentifierException, UnsupportedTypeException {
        if (!isMemberModifiable(member)) {
            throw UnknownIdentifierException.create(member);
        }
        if (!InteropLibrary.getUncached().isString(value)) {
            throw UnsupportedTypeException.create(new Object[] {value}, "a target is named by a string");
        }
        var spec = Guest.string(value);
        // What cannot be opened is not taken.
        tracing.open(spec).close();
        tracing.setSpec(spec);
    }
}
