package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.UnknownIdentifierException;
import com.oracle.truffle.api.interop.UnsupportedTypeException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import com.oracle.truffle.api.source.Source;
import skep.truffle.lang.BpfCLanguage;
import skep.truffle.lang.Tracing;

/**
 * The top of the language {@code bpf-c}: {@code compile(text, options)} with options {@code name}, {@code target},
 * {@code duration} (seconds) and {@code cflags}; {@code target}, which may be written.
 */
@ExportLibrary(InteropLibrary.class)
public final class ProgramScope extends GuestObject {
    private static final String TARGET = "target";

    private static final Members<ProgramScope> MEMBERS = new Members<ProgramScope>()
            .property(TARGET, scope -> scope.tracing.spec())
            .method("compile", 1, 2, ProgramScope::compile);

    private final Tracing tracing;

    public ProgramScope(Tracing tracing) {
        this.tracing = tracing;
    }

    private Object compile(Object[] arguments) {
        var options = arguments.length == 1 ? ProgramOptions.NONE : ProgramOptions.read(arguments[1]);
        var source = Source.newBuilder(BpfCLanguage.ID, Guest.string(arguments[0]), options.name())
                .build();
        return ProgramObject.compile(tracing, source, options).attached();
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Scope";
    }

    @Override
    String text() {
        return "bpf-c";
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
        tracing.open(spec).close();
        tracing.setSpec(spec);
    }
}
