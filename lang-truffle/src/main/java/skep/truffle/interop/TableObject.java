package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.UnknownKeyException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import java.util.List;
import skep.session.bcc.TypedTable;

/**
 * A table of a C program: a hash that is read and written in the kernel at each access. Keys and values are numbers, strings,
 * arrays, or objects with the members of the C structure.
 */
@ExportLibrary(InteropLibrary.class)
final class TableObject extends GuestObject {
    private static final Members<TableObject> MEMBERS = new Members<TableObject>()
            .property("name", table -> table.table.name())
            .property("type", table -> table.table.type())
            .property("maxEntries", table -> table.table.maxEntries())
            .property("isHistogram", table -> table.table.isHistogram())
            .method("rows", 0, 0, (table, _) -> table.rows())
            .method("clear", 0, 0, (table, _) -> table.clear());

    private final TypedTable table;

    TableObject(TypedTable table) {
        this.table = table;
    }

    private static Object pair(TypedTable.Entry entry) {
        return new ArrayObject(List.of(Guest.of(entry.key()), Guest.of(entry.value())));
    }

    private Object rows() {
        return new ArrayObject(table.entries().stream().map(TableObject::pair).toList());
    }

    private Object clear() {
        table.clear();
        return Nothing.NOTHING;
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Table";
    }

    @Override
    String text() {
        return "table " + table.name();
    }

    @ExportMessage
    boolean hasHashEntries() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    long getHashSize() {
        return table.entries().size();
    }

    @ExportMessage
    @TruffleBoundary
    boolean isHashEntryReadable(Object key) {
        try {
            return table.lookup(Guest.toValue(key)).isPresent();
        } catch (IllegalArgumentException notOfItsType) {
            return false;
        }
    }

    @ExportMessage
    @TruffleBoundary
    Object readHashValue(Object key) throws UnknownKeyException {
        try {
            var value = table.lookup(Guest.toValue(key));
            if (value.isPresent()) {
                return Guest.of(value.get());
            }
        } catch (RuntimeException failure) {
            throw GuestException.of(failure);
        }
        throw UnknownKeyException.create(key);
    }

    @ExportMessage
    boolean isHashEntryModifiable(Object key) {
        return isHashEntryReadable(key);
    }

    @ExportMessage
    boolean isHashEntryInsertable(Object key) {
        return !isHashEntryReadable(key);
    }

    @ExportMessage
    @TruffleBoundary
    void writeHashEntry(Object key, Object value) {
        try {
            table.update(Guest.toValue(key), Guest.toValue(value));
        } catch (RuntimeException failure) {
            throw GuestException.of(failure);
        }
    }

    @ExportMessage
    boolean isHashEntryRemovable(Object key) {
        return !table.isArray() && isHashEntryReadable(key);
    }

    @ExportMessage
    @TruffleBoundary
    void removeHashEntry(Object key) throws UnknownKeyException {
        boolean was;
        try {
            was = table.delete(Guest.toValue(key));
        } catch (RuntimeException failure) {
            throw GuestException.of(failure);
        }
        if (!was) {
            throw UnknownKeyException.create(key);
        }
    }

    @ExportMessage
    @TruffleBoundary
    Object getHashEntriesIterator() {
        return new IteratorObject(
                table.name(), table.entries().stream().map(TableObject::pair).iterator());
    }

    /** Through the entries, as a JavaScript Map does. */
    @ExportMessage
    boolean hasIterator() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    Object getIterator() {
        return getHashEntriesIterator();
    }
}
