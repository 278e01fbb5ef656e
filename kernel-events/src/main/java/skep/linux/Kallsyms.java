package skep.linux;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import skep.isa.kernel.KernelInfo.Symbol;

/**
 * The kernel's symbols as {@code /proc/kallsyms} lists them: {@code address type name [module]}, one a line. The text is
 * kept as it is; symbols are indices into it, sorted by address.
 */
final class Kallsyms {
    private final byte[] text;
    private final long[] addresses;
    private final int[] starts;
    private final boolean addressesHidden;
    private volatile Map<String, Integer> byName = Map.of();

    private Kallsyms(byte[] text, long[] addresses, int[] starts, boolean addressesHidden) {
        this.text = text;
        this.addresses = addresses;
        this.starts = starts;
        this.addressesHidden = addressesHidden;
    }

    static Kallsyms parse(byte[] text) {
        int lines = 0;
        for (byte b : text) {
            lines += b == '\n' ? 1 : 0;
        }
        var addresses = new long[lines];
        var starts = new int[lines];
        int count = 0;
        boolean sorted = true;
        for (int at = 0; at < text.length; ) {
            int end = at;
            while (end < text.length && text[end] != '\n') {
                end++;
            }
            long address = 0;
            int i = at;
            for (; i < end && text[i] != ' '; i++) {
                address = address << 4 | Character.digit(text[i], 16);
            }
            // "address t name": the name starts three places behind the address.
            if (i + 3 < end && count < lines) {
                sorted &= count == 0 || Long.compareUnsigned(addresses[count - 1], address) <= 0;
                addresses[count] = address;
                starts[count++] = i + 3;
            }
            at = end + 1;
        }
        addresses = Arrays.copyOf(addresses, count);
        starts = Arrays.copyOf(starts, count);
        boolean hidden = count == 0 || addresses[count - 1] == 0;
        if (!sorted && !hidden) {
            sort(addresses, starts);
        }
        return new Kallsyms(text, addresses, starts, hidden);
    }

    /** Modules follow the kernel proper in the file, so that a few thousand lines are out of order. */
    private static void sort(long[] addresses, int[] starts) {
        var order = new Integer[addresses.length];
        Arrays.setAll(order, i -> i);
        var unsorted = addresses.clone();
        var places = starts.clone();
        Arrays.sort(order, (a, b) -> Long.compareUnsigned(unsorted[a], unsorted[b]));
        for (int i = 0; i < order.length; i++) {
            addresses[i] = unsorted[order[i]];
            starts[i] = places[order[i]];
        }
    }

    /** Whether the kernel shows zeros for addresses ({@code kernel.kptr_restrict}, missing capability). */
    boolean addressesHidden() {
        return addressesHidden;
    }

    int size() {
        return starts.length;
    }

    private char type(int index) {
        return (char) text[starts[index] - 2];
    }

    private String name(int index) {
        return word(starts[index]);
    }

    private String word(int start) {
        int end = start;
        while (end < text.length && text[end] > ' ' && text[end] != ']') {
            end++;
        }
        return new String(text, start, end - start, StandardCharsets.US_ASCII);
    }

    /** The module, or empty for the kernel proper. */
    private String module(int index) {
        int at = starts[index];
        while (at < text.length && text[at] > ' ') {
            at++;
        }
        boolean named = at + 1 < text.length && text[at] != '\n' && text[at + 1] == '[';
        return named ? word(at + 2) : "";
    }

    Optional<Symbol> at(long address) {
        if (addressesHidden) {
            return Optional.empty();
        }
        int low = 0;
        int high = addresses.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(addresses[middle], address) <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        if (high < 0) {
            return Optional.empty();
        }
        int found = high;
        // Of several names at one address the first is the function's own; section marks and aliases follow.
        while (found > 0 && addresses[found - 1] == addresses[high]) {
            found--;
        }
        while (found < high && isMark(found)) {
            found++;
        }
        return Optional.of(new Symbol(name(found), module(found), address - addresses[found]));
    }

    private boolean isMark(int index) {
        return text[starts[index]] == '_'
                && (name(index).equals("_text") || name(index).equals("_stext"));
    }

    Optional<Long> address(String name) {
        var index = byName().get(name);
        return index == null || addressesHidden ? Optional.empty() : Optional.of(addresses[index]);
    }

    /** Whether a function is in a module ({@code vmlinux}: the kernel proper; empty: anywhere). */
    boolean hasFunction(String module, String name) {
        if (module.isEmpty()) {
            var index = byName().get(name);
            return index != null && isText(index);
        }
        var wanted = module.equals("vmlinux") ? "" : module;
        for (int i = 0; i < starts.length; i++) {
            if (isText(i) && matches(i, name) && module(i).equals(wanted)) {
                return true;
            }
        }
        return false;
    }

    /** The module that a function belongs to; empty for one of the kernel proper. */
    Optional<String> moduleOf(String function) {
        var index = byName().get(function);
        return index == null || !isText(index)
                ? Optional.empty()
                : Optional.of(module(index)).filter(module -> !module.isEmpty());
    }

    private boolean matches(int index, String name) {
        int start = starts[index];
        for (int i = 0; i < name.length(); i++) {
            if (start + i >= text.length || text[start + i] != name.charAt(i)) {
                return false;
            }
        }
        int end = start + name.length();
        return end >= text.length || text[end] <= ' ';
    }

    private boolean isText(int index) {
        return switch (type(index)) {
            case 't', 'T', 'w', 'W' -> true;
            default -> false;
        };
    }

    /** Functions as {@code name} or {@code module:name}, sorted; what the compiler made up is left out. */
    List<String> functions() {
        var names = new TreeSet<String>();
        for (int i = 0; i < starts.length; i++) {
            if (isText(i)) {
                var module = module(i);
                var name = name(i);
                if (!name.contains(".") && !name.startsWith("__pfx_") && !name.startsWith("__cfi_")) {
                    names.add(module.isEmpty() ? name : module + ":" + name);
                }
            }
        }
        return List.copyOf(names);
    }

    private Map<String, Integer> byName() {
        if (byName.isEmpty()) {
            var index = HashMap.<String, Integer>newHashMap(starts.length);
            for (int i = 0; i < starts.length; i++) {
                index.putIfAbsent(name(i), i);
            }
            byName = index;
        }
        return byName;
    }
}
