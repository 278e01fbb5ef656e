package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.UnknownKeyException;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import skep.session.view.TextRenderer;
import skep.session.view.View;

/**
 * A map of a script at one moment: a hash whose entries come in the order in which the map is printed. A key of several parts
 * is an array of them, the key of a map without one the empty array. Read-only.
 */
@ExportLibrary(InteropLibrary.class)
final class MapObject extends GuestObject {
    private static final Members<MapObject> MEMBERS = new Members<MapObject>()
            .property("name", map -> map.view.name())
            .property("size", map -> (long) map.view.rows().size())
            .property("keyed", map -> map.view.keyed())
            .property("value", MapObject::onlyValue)
            .method("rows", 0, 0, (map, _) -> map.rows())
            .method("toString", 0, 0, (map, _) -> map.text())
            .method("handle", 0, 0, (map, _) -> Handover.give(map.view));

    private final View.MapView view;
    private @Nullable Map<Object, View.Row> index;

    MapObject(View.MapView view) {
        this.view = view;
    }

    private Object onlyValue() {
        return view.rows().isEmpty()
                ? Nothing.NOTHING
                : Guest.of(view.rows().getFirst().value());
    }

    private static Object pair(View.Row row) {
        return new ArrayObject(List.of(Guest.key(row.key()), Guest.of(row.value())));
    }

    private Object rows() {
        return new ArrayObject(view.rows().stream().map(MapObject::pair).toList());
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Map";
    }

    @Override
    String text() {
        return new TextRenderer().render(view);
    }

    // Made at the first question for a key; guests ask from one thread at a time.
    private synchronized Map<Object, View.Row> index() {
        if (index == null) {
            index = new HashMap<>();
            for (var row : view.rows()) {
                index.put(Guest.comparable(Guest.key(row.key())), row);
            }
        }
        return index;
    }

    @ExportMessage
    boolean hasHashEntries() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    long getHashSize() {
        return view.rows().size();
    }

    @ExportMessage
    @TruffleBoundary
    boolean isHashEntryReadable(Object key) {
        return index().containsKey(Guest.comparable(key));
    }

    @ExportMessage
    @TruffleBoundary
    Object readHashValue(Object key) throws UnknownKeyException {
        var row = index().get(Guest.comparable(key));
        if (row == null) {
            throw UnknownKeyException.create(key);
        }
        return Guest.of(row.value());
    }

    @ExportMessage
    @TruffleBoundary
    Object getHashEntriesIterator() {
        Iterator<Object> pairs = view.rows().stream().map(MapObject::pair).iterator();
        return new IteratorObject(view.name(), pairs);
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
