package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.InvalidArrayIndexException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import java.util.List;
import java.util.stream.Collectors;

/** Elements in order: a tuple, an array, a stack from its innermost frame on. Read-only. */
@ExportLibrary(InteropLibrary.class)
final class ArrayObject extends GuestObject {
    private static final Members<ArrayObject> MEMBERS = new Members<>();

    private final List<Object> elements;

    /** @param elements guest values */
    ArrayObject(List<?> elements) {
        this.elements = List.copyOf(elements);
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Array";
    }

    @Override
    String text() {
        return elements.stream().map(Guest::text).collect(Collectors.joining(", ", "[", "]"));
    }

    @ExportMessage
    boolean hasArrayElements() {
        return true;
    }

    @ExportMessage
    long getArraySize() {
        return elements.size();
    }

    @ExportMessage
    boolean isArrayElementReadable(long index) {
        return index >= 0 && index < elements.size();
    }

    @ExportMessage
    @TruffleBoundary
    Object readArrayElement(long index) throws InvalidArrayIndexException {
        if (!isArrayElementReadable(index)) {
            throw InvalidArrayIndexException.create(index);
        }
        return elements.get((int) index);
    }
}
