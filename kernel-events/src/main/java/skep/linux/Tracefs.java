package skep.linux;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.TracepointFormat;
import skep.linux.sys.Sys;
import skep.target.TargetException;

/** The tracing file system: which tracepoints there are, their numbers and the layout of their records. */
final class Tracefs {
    private static final String PLACE = "/sys/kernel/tracing";
    private static final String OLD_PLACE = "/sys/kernel/debug/tracing";

    private final Host host;
    private volatile String folder = "";

    Tracefs(Host host) {
        this.host = host;
    }

    /** Where it is mounted; mounts it where it belongs if it is not and this is permitted. */
    private String folder() {
        if (folder.isEmpty()) {
            folder = find();
        }
        return folder;
    }

    private String find() {
        for (var place : List.of(PLACE, OLD_PLACE)) {
            if (host.files().exists(place + "/events")) {
                return place;
            }
        }
        try (var words = host.syscalls().allocate(256)) {
            long place = words.putString(0, "tracefs");
            long end = words.putString(place, PLACE);
            long start = words.pushed(end);
            host.syscalls().call(Sys.MOUNT, start, start + place, start, 0, 0);
        }
        if (host.files().exists(PLACE + "/events")) {
            return PLACE;
        }
        throw new TargetException("tracefs is not mounted at " + PLACE
                + " and cannot be mounted by this user; as root: mount -t tracefs tracefs " + PLACE);
    }

    boolean has(String file) {
        return host.files().exists(folder() + "/" + file);
    }

    Optional<byte[]> read(String file) {
        return host.files().read(folder() + "/" + file);
    }

    /** Appends a line to a file of it; 0 or minus an errno. */
    long append(String file, String line) {
        return host.files().append(folder() + "/" + file, line);
    }

    /** The number by which perf knows a tracepoint. */
    Optional<Long> id(String category, String event) {
        return host.files().number(folder() + "/events/" + category + "/" + event + "/id");
    }

    /** All tracepoints as {@code category:event}, sorted. */
    List<String> events() {
        var text = read("available_events").map(bytes -> new String(bytes, StandardCharsets.UTF_8));
        return text.orElse("").lines().sorted().toList();
    }

    Optional<TracepointFormat> format(String category, String event) {
        return formatText(category, event).map(text -> parse(category, event, text));
    }

    Optional<String> formatText(String category, String event) {
        if (category.isEmpty() || event.isEmpty() || category.contains("/") || event.contains("/")) {
            return Optional.empty();
        }
        return host.files().text(folder() + "/events/" + category + "/" + event + "/format");
    }

    /**
     * Reads a format file. Its lines that matter, with tabs between the parts:
     *
     * <pre>  field:unsigned long args[6];  offset:16;  size:48;  signed:0;</pre>
     */
    static TracepointFormat parse(String category, String event, String text) {
        var fields = new ArrayList<TracepointFormat.Field>();
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf('\n', at);
            end = end < 0 ? text.length() : end;
            int field = text.indexOf("field:", at);
            if (field >= 0 && field < end) {
                field(text.substring(field, end)).ifPresent(fields::add);
            } else if (text.startsWith("print fmt", at)) {
                break;
            }
            at = end + 1;
        }
        return new TracepointFormat(category, event, fields);
    }

    private static Optional<TracepointFormat.Field> field(String line) {
        // A declaration may itself hold a semicolon only in theory; the properties follow the last ones.
        int properties = line.indexOf(";\toffset:");
        if (properties < 0) {
            return Optional.empty();
        }
        var declaration = line.substring("field:".length(), properties).strip();
        boolean dataLoc = declaration.startsWith("__data_loc ");
        boolean relLoc = declaration.startsWith("__rel_loc ");
        if (dataLoc || relLoc) {
            declaration = declaration.substring(declaration.indexOf(' ') + 1);
        }
        int offset = number(line, "offset:");
        int size = number(line, "size:");
        boolean signed = number(line, "signed:") == 1;
        int bracket = declaration.lastIndexOf('[');
        var length = "";
        if (bracket >= 0) {
            int close = declaration.lastIndexOf(']');
            length = declaration.substring(bracket + 1, Math.max(close, bracket + 1));
            declaration = (declaration.substring(0, bracket) + declaration.substring(close + 1)).strip();
        }
        int name = declaration.length();
        while (name > 0 && Character.isJavaIdentifierPart(declaration.charAt(name - 1))) {
            name--;
        }
        var type = declaration.substring(0, name).strip();
        int elements = bracket < 0 || dataLoc || relLoc ? 0 : elements(length, type, size);
        return Optional.of(
                new TracepointFormat.Field(type, declaration.substring(name), offset, size, signed, elements, dataLoc));
    }

    /** A length may be a macro or an expression; then the size of the field tells it. */
    private static int elements(String length, String type, int size) {
        int number = 0;
        for (int i = 0; i < length.length(); i++) {
            char c = length.charAt(i);
            if (c < '0' || c > '9') {
                return size / elementBytes(type);
            }
            number = number * 10 + (c - '0');
        }
        return length.isEmpty() ? size / elementBytes(type) : number;
    }

    private static int elementBytes(String type) {
        return switch (type) {
            case "short", "unsigned short", "u16", "__u16", "s16", "__s16", "__be16", "__le16", "uint16_t" -> 2;
            case "int", "unsigned int", "unsigned", "u32", "__u32", "s32", "__s32", "__be32", "__le32", "uint32_t" -> 4;
            case "long", "unsigned long", "u64", "__u64", "s64", "__s64", "__be64", "__le64", "uint64_t" -> 8;
            default -> type.endsWith("*") ? 8 : 1;
        };
    }

    private static int number(String line, String key) {
        int at = line.indexOf(key);
        int value = 0;
        if (at >= 0) {
            for (at += key.length(); at < line.length() && Character.isDigit(line.charAt(at)); at++) {
                value = value * 10 + (line.charAt(at) - '0');
            }
        }
        return value;
    }
}
