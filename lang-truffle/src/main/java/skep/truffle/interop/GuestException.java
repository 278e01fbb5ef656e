package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.TruffleLanguage;
import com.oracle.truffle.api.exception.AbstractTruffleException;
import com.oracle.truffle.api.interop.ExceptionType;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.UnknownIdentifierException;
import com.oracle.truffle.api.interop.UnsupportedMessageException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import com.oracle.truffle.api.source.Source;
import com.oracle.truffle.api.source.SourceSection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import skep.session.ScriptException;
import skep.session.bcc.BccException;
import skep.source.Diagnostic;
import skep.target.TargetException;
import skep.truffle.lang.SkepLanguage;

/**
 * What went wrong, as Truffle means it: with the place in the source, and {@code diagnostics}, an array of members
 * {@code severity, code, message, hint, line, column, length}. Its message is what the terminal shows.
 */
@ExportLibrary(InteropLibrary.class)
@SuppressWarnings("serial") // exceptions of guest languages are never serialized
public final class GuestException extends AbstractTruffleException {
    private static final long serialVersionUID = 1;

    private final ExceptionType type;
    private final boolean incomplete;
    private final @Nullable SourceSection place;
    private final List<Diagnostic> diagnostics;

    private GuestException(
            String message,
            ExceptionType type,
            boolean incomplete,
            @Nullable SourceSection place,
            List<Diagnostic> diagnostics) {
        super(message);
        this.type = type;
        this.incomplete = incomplete;
        this.place = place;
        this.diagnostics = diagnostics;
    }

    /** A mistake in a script. */
    public static GuestException of(ScriptException mistake, Source source, boolean beforeItRuns) {
        var place = mistake.diagnostics().stream()
                .map(Diagnostic::span)
                .filter(span -> span.source().text().contentEquals(source.getCharacters()))
                .findFirst()
                .map(span -> source.createSection(span.start(), span.end() - span.start()));
        boolean syntax = beforeItRuns && !mistake.diagnostics().isEmpty();
        return new GuestException(
                String.valueOf(mistake.getMessage()),
                type(syntax),
                syntax && isIncomplete(source.getCharacters()),
                place.orElse(null),
                mistake.diagnostics());
    }

    /** A mistake in a C program; the message names its line first. */
    public static GuestException of(BccException mistake, Source source) {
        boolean syntax = mistake.step() == BccException.Step.COMPILE;
        return new GuestException(
                String.valueOf(mistake.getMessage()),
                type(syntax),
                false,
                line(mistake, source).orElse(null),
                List.of());
    }

    private static Optional<SourceSection> line(BccException mistake, Source source) {
        var prefix = source.getName() + ":";
        return String.valueOf(mistake.getMessage())
                .lines()
                .filter(line -> line.startsWith(prefix))
                .map(line -> line.substring(prefix.length()).split("\\D", 2)[0])
                .filter(number -> !number.isEmpty())
                .map(Integer::parseInt)
                .filter(line -> line >= 1 && line <= source.getLineCount())
                .findFirst()
                .map(source::createSection);
    }

    /** Any failure of ours that a guest may catch; others are bugs, and stay what they are. */
    static RuntimeException of(RuntimeException failure) {
        return switch (failure) {
            case AbstractTruffleException already -> already;
            case ScriptException _,
                    BccException _,
                    TargetException _,
                    IllegalArgumentException _,
                    IllegalStateException _,
                    NoSuchElementException _ -> plain(String.valueOf(failure.getMessage()));
            default -> failure;
        };
    }

    /** One without a place. */
    public static GuestException plain(String message) {
        return new GuestException(message, ExceptionType.RUNTIME_ERROR, false, null, List.of());
    }

    /** What ends a text that somebody stops. */
    public static GuestException interrupt() {
        return new GuestException("stopped", ExceptionType.INTERRUPT, false, null, List.of());
    }

    private static ExceptionType type(boolean syntax) {
        return syntax ? ExceptionType.PARSE_ERROR : ExceptionType.RUNTIME_ERROR;
    }

    // More text could still make sense of it: a brace, a bracket or a string is open.
    private static boolean isIncomplete(CharSequence text) {
        int open = 0;
        boolean inString = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && inString) {
                i++;
            } else if (c == '"') {
                inString = !inString;
            } else if (!inString) {
                open += "{([".indexOf(c) >= 0 ? 1 : "})]".indexOf(c) >= 0 ? -1 : 0;
            }
        }
        return open > 0 || inString;
    }

    @ExportMessage
    ExceptionType getExceptionType() {
        return type;
    }

    @ExportMessage
    boolean isExceptionIncompleteSource() throws UnsupportedMessageException {
        if (type != ExceptionType.PARSE_ERROR) {
            throw UnsupportedMessageException.create();
        }
        return incomplete;
    }

    @ExportMessage
    boolean hasSourceLocation() {
        return place != null;
    }

    @ExportMessage(name = "getSourceLocation")
    SourceSection sourceLocation() throws UnsupportedMessageException {
        if (place == null) {
            throw UnsupportedMessageException.create();
        }
        return place;
    }

    @ExportMessage
    boolean hasLanguage() {
        return true;
    }

    @ExportMessage
    Class<? extends TruffleLanguage<?>> getLanguage() {
        return SkepLanguage.class;
    }

    @ExportMessage
    @TruffleBoundary
    Object toDisplayString(@SuppressWarnings("unused") boolean allowSideEffects) {
        return String.valueOf(getMessage());
    }

    @ExportMessage
    boolean hasMembers() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    Object getMembers(@SuppressWarnings("unused") boolean includeInternal) {
        return new ArrayObject(List.of("message", "diagnostics"));
    }

    @ExportMessage
    @TruffleBoundary
    boolean isMemberReadable(String member) {
        return member.equals("message") || member.equals("diagnostics");
    }

    @ExportMessage
    @TruffleBoundary
    Object readMember(String member) throws UnknownIdentifierException {
        return switch (member) {
            case "message" -> String.valueOf(getMessage());
            case "diagnostics" -> diagnostics();
            default -> throw UnknownIdentifierException.create(member);
        };
    }

    private Object diagnostics() {
        var list = new ArrayList<Object>();
        for (var diagnostic : diagnostics) {
            var span = diagnostic.span();
            var members = new LinkedHashMap<String, Object>();
            members.put("severity", diagnostic.severity().name());
            members.put("code", diagnostic.code());
            members.put("message", diagnostic.message());
            members.put("hint", diagnostic.hint());
            members.put("line", span.source().line(span.start()));
            members.put("column", span.source().column(span.start()));
            members.put("length", span.end() - span.start());
            list.add(new RecordObject("Diagnostic", members));
        }
        return new ArrayObject(list);
    }
}
