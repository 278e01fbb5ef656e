package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Internet addresses as text, without asking any name service. */
final class Addresses {
    private Addresses() {}

    /** Four or sixteen bytes in network order. */
    static Optional<byte[]> parse(String text) {
        return text.indexOf(':') >= 0 ? version6(text) : version4(text);
    }

    private static Optional<byte[]> version4(String text) {
        var parts = text.split("\\.", -1);
        if (parts.length != 4) {
            return Optional.empty();
        }
        var bytes = new byte[4];
        for (int i = 0; i < 4; i++) {
            if (parts[i].isEmpty() || parts[i].length() > 3 || !parts[i].chars().allMatch(c -> c >= '0' && c <= '9')) {
                return Optional.empty();
            }
            int value = Integer.parseInt(parts[i]);
            if (value > 255) {
                return Optional.empty();
            }
            bytes[i] = (byte) value;
        }
        return Optional.of(bytes);
    }

    private static Optional<byte[]> version6(String text) {
        int gap = text.indexOf("::");
        if (gap >= 0 && text.indexOf("::", gap + 1) >= 0) {
            return Optional.empty();
        }
        var head = groups(gap < 0 ? text : text.substring(0, gap));
        var tail = groups(gap < 0 ? "" : text.substring(gap + 2));
        if (head.isEmpty() || tail.isEmpty()) {
            return Optional.empty();
        }
        int given = head.get().size() + tail.get().size();
        if (gap < 0 ? given != 16 : given > 14) {
            return Optional.empty();
        }
        var bytes = new byte[16];
        for (int i = 0; i < head.get().size(); i++) {
            bytes[i] = head.get().get(i);
        }
        for (int i = 0; i < tail.get().size(); i++) {
            bytes[16 - tail.get().size() + i] = tail.get().get(i);
        }
        return Optional.of(bytes);
    }

    private static Optional<List<Byte>> groups(String text) {
        var bytes = new ArrayList<Byte>();
        if (text.isEmpty()) {
            return Optional.of(bytes);
        }
        var parts = text.split(":", -1);
        for (int i = 0; i < parts.length; i++) {
            if (i == parts.length - 1 && parts[i].indexOf('.') >= 0) {
                var last = version4(parts[i]);
                if (last.isEmpty()) {
                    return Optional.empty();
                }
                for (var b : last.get()) {
                    bytes.add(b);
                }
                continue;
            }
            if (parts[i].isEmpty()
                    || parts[i].length() > 4
                    || !parts[i].chars().allMatch(c -> Character.digit(c, 16) >= 0)) {
                return Optional.empty();
            }
            int value = Integer.parseInt(parts[i], 16);
            bytes.add((byte) (value >> 8));
            bytes.add((byte) value);
        }
        return Optional.of(bytes);
    }
}
