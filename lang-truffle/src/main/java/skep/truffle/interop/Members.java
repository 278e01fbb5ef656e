package skep.truffle.interop;

import com.oracle.truffle.api.interop.ArityException;
import com.oracle.truffle.api.interop.UnsupportedTypeException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** What one kind of object answers by name: properties, and methods with how many arguments they take. */
final class Members<T extends GuestObject> {
    private final Map<String, Member<T>> byName = new LinkedHashMap<>();

    /** Does a method's work; arguments are guest values. */
    @FunctionalInterface
    interface Body<T> {
        Object call(T self, Object[] arguments) throws UnsupportedTypeException;
    }

    private sealed interface Member<T> {}

    private record Property<T>(Function<T, Object> read) implements Member<T> {}

    private record Method<T>(int least, int most, Body<T> body) implements Member<T> {}

    Members<T> property(String name, Function<T, Object> read) {
        byName.put(name, new Property<>(read));
        return this;
    }

    Members<T> method(String name, int least, int most, Body<T> body) {
        byName.put(name, new Method<>(least, most, body));
        return this;
    }

    boolean has(String name) {
        return byName.containsKey(name);
    }

    boolean isMethod(String name) {
        return byName.get(name) instanceof Method<T>;
    }

    /** The names, in the order in which they were declared. */
    Iterable<String> names() {
        return byName.keySet();
    }

    /** The value of a property that there is. */
    Object read(T self, String name) {
        if (byName.get(name) instanceof Property<T>(Function<T, Object> read)) {
            return read.apply(self);
        }
        throw new IllegalArgumentException(name);
    }

    /** Calls a method that there is. */
    Object call(T self, String name, Object[] arguments) throws ArityException, UnsupportedTypeException {
        if (byName.get(name) instanceof Method<T>(int least, int most, Body<T> body)) {
            if (arguments.length < least || arguments.length > most) {
                throw ArityException.create(least, most, arguments.length);
            }
            return body.call(self, arguments);
        }
        throw new IllegalArgumentException(name);
    }
}
