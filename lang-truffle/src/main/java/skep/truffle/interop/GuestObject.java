package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.TruffleLanguage;
import com.oracle.truffle.api.interop.ArityException;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.TruffleObject;
import com.oracle.truffle.api.interop.UnknownIdentifierException;
import com.oracle.truffle.api.interop.UnsupportedMessageException;
import com.oracle.truffle.api.interop.UnsupportedTypeException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.truffle.lang.SkepLanguage;

/**
 * What other languages see of a thing of ours: its members, its language, its kind, its text. Arrays, hashes and iterators
 * say more. Nothing here is compiled by Truffle: behind each message stands a call of the session.
 */
@ExportLibrary(InteropLibrary.class)
public abstract class GuestObject implements TruffleObject {
    /** The names and meanings of the members that all objects of the kind have. */
    abstract Members<?> table();

    /** What the kind is called, for example {@code Trace}. */
    abstract String kind();

    /** The text that a shell shows. */
    abstract String text();

    /** Members that only this object has. */
    List<String> ownNames() {
        return List.of();
    }

    /** The value of such a member. */
    Optional<Object> own(String name) {
        return Optional.empty();
    }

    /** A failure of one of the members as guests see it. */
    RuntimeException guestForm(RuntimeException failure) {
        return GuestException.of(failure);
    }

    /** Internal members, which every object has and none lists. */
    private Optional<Object> internal(String name) {
        return switch (name) {
            case "skepKind" -> Optional.of(kind());
            case "skepNames" -> Optional.of(new ArrayObject(ownNames()));
            default -> Optional.empty();
        };
    }

    @SuppressWarnings("unchecked")
    private Members<GuestObject> members() {
        return (Members<GuestObject>) table();
    }

    @ExportMessage
    final boolean hasLanguage() {
        return true;
    }

    @ExportMessage
    final Class<? extends TruffleLanguage<?>> getLanguage() {
        return SkepLanguage.class;
    }

    @ExportMessage
    @TruffleBoundary
    final Object toDisplayString(@SuppressWarnings("unused") boolean allowSideEffects) {
        return text();
    }

    @ExportMessage
    final boolean hasMetaObject() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    final Object getMetaObject() {
        return new KindObject(kind());
    }

    @ExportMessage
    final boolean hasMembers() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    final Object getMembers(@SuppressWarnings("unused") boolean includeInternal) {
        var names = new ArrayList<Object>();
        members().names().forEach(names::add);
        names.addAll(ownNames());
        return new ArrayObject(names);
    }

    @ExportMessage
    @TruffleBoundary
    final boolean isMemberReadable(String member) {
        return members().has(member)
                || own(member).isPresent()
                || internal(member).isPresent();
    }

    @ExportMessage
    @TruffleBoundary
    final Object readMember(String member) throws UnknownIdentifierException {
        try {
            if (members().isMethod(member)) {
                return new MethodObject(this, member);
            }
            if (members().has(member)) {
                return members().read(this, member);
            }
            return own(member).or(() -> internal(member)).orElseThrow(() -> UnknownIdentifierException.create(member));
        } catch (RuntimeException failure) {
            throw guestForm(failure);
        }
    }

    @ExportMessage
    @TruffleBoundary
    final boolean isMemberInternal(String member) {
        return !members().has(member)
                && own(member).isEmpty()
                && internal(member).isPresent();
    }

    @ExportMessage
    @TruffleBoundary
    final boolean isMemberInvocable(String member) {
        return members().isMethod(member) || isExecutable(own(member));
    }

    private static boolean isExecutable(Optional<Object> value) {
        return value.isPresent() && InteropLibrary.getUncached().isExecutable(value.get());
    }

    @ExportMessage
    @TruffleBoundary
    final Object invokeMember(String member, Object... arguments)
            throws UnknownIdentifierException, ArityException, UnsupportedTypeException, UnsupportedMessageException {
        if (members().isMethod(member)) {
            return call(member, arguments);
        }
        var own = own(member);
        if (isExecutable(own)) {
            return InteropLibrary.getUncached().execute(own.orElseThrow(), arguments);
        }
        if (own.isPresent() || members().has(member)) {
            throw UnsupportedMessageException.create();
        }
        throw UnknownIdentifierException.create(member);
    }

    final Object call(String method, Object[] arguments) throws ArityException, UnsupportedTypeException {
        try {
            return members().call(this, method, arguments);
        } catch (RuntimeException failure) {
            throw guestForm(failure);
        }
    }
}
