package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import skep.isa.kernel.TracepointFormat;

/**
 * A tracepoint: its record as C fields, laid out by the rules of C behind the eight common bytes, and the arguments that a
 * raw tracepoint sees. Both are declared once, in {@link #declare}; the published format and the writer follow from it.
 */
final class Tracepoint {
    private static final int COMMON_BYTES = 8;

    private final TracepointFormat format;
    private final List<Prototype.Parameter> rawParameters;
    final int id;
    final int recordBytes;
    final int[] offsets;
    final int[] sizes;
    final boolean[] dataLocs;
    /** Attached programs, or null. Changed under the kernel's lock only. */
    Attachment @Nullable [] onRecord;

    Attachment @Nullable [] onRaw;

    private Tracepoint(int id, TracepointFormat format, List<Prototype.Parameter> rawParameters) {
        this.id = id;
        this.format = format;
        this.rawParameters = rawParameters;
        var own = format.fields().subList(COMMON.size(), format.fields().size());
        offsets = own.stream().mapToInt(TracepointFormat.Field::offsetBytes).toArray();
        sizes = own.stream().mapToInt(TracepointFormat.Field::sizeBytes).toArray();
        dataLocs = new boolean[own.size()];
        int end = COMMON_BYTES;
        for (int i = 0; i < own.size(); i++) {
            dataLocs[i] = own.get(i).dataLoc();
            end = Math.max(end, offsets[i] + sizes[i]);
        }
        recordBytes = end;
    }

    private static final List<TracepointFormat.Field> COMMON = List.of(
            new TracepointFormat.Field("unsigned short", "common_type", 0, 2, false, 0, false),
            new TracepointFormat.Field("unsigned char", "common_flags", 2, 1, false, 0, false),
            new TracepointFormat.Field("unsigned char", "common_preempt_count", 3, 1, false, 0, false),
            new TracepointFormat.Field("int", "common_pid", 4, 4, true, 0, false));

    /**
     * Declares a tracepoint.
     *
     * @param fields C members separated by {@code ;}, for example {@code char comm[16]; pid_t pid; __data_loc char[] name}.
     *     A member that is padded beyond its size is written {@code int fd:8}
     * @param raw the arguments of the raw tracepoint, as of a function
     */
    static Tracepoint declare(int id, String category, String event, String fields, String raw) {
        var list = new ArrayList<>(COMMON);
        int off = COMMON_BYTES;
        for (var member : fields.split(";")) {
            if (!member.isBlank()) {
                var field = field(member.strip(), off);
                list.add(field);
                off = field.offsetBytes() + field.sizeBytes();
            }
        }
        return new Tracepoint(id, new TracepointFormat(category, event, list), Prototype.parameters(raw));
    }

    private static TracepointFormat.Field field(String member, int off) {
        if (member.startsWith("__data_loc ")) {
            var rest = Prototype.split(member.substring("__data_loc ".length()));
            int at = align(off, 4);
            return new TracepointFormat.Field(
                    rest.type().replace("[]", "").strip(), rest.name(), at, 4, false, 0, true);
        }
        int widened = 0;
        int colon = member.lastIndexOf(':');
        if (colon >= 0) {
            widened = Integer.parseInt(member.substring(colon + 1).strip());
            member = member.substring(0, colon);
        }
        int count = 0;
        int bracket = member.indexOf('[');
        if (bracket >= 0) {
            count = Integer.parseInt(member.substring(bracket + 1, member.indexOf(']')));
            member = member.substring(0, bracket);
        }
        var declarator = Prototype.split(member.strip());
        int size = CTypes.sizeBytes(declarator.type());
        int at = align(off, widened > 0 ? widened : size);
        int whole = widened > 0 ? widened : size * Math.max(1, count);
        return new TracepointFormat.Field(
                declarator.type(), declarator.name(), at, whole, CTypes.signed(declarator.type()), count, false);
    }

    private static int align(int off, int size) {
        return off + size - 1 & -size;
    }

    TracepointFormat format() {
        return format;
    }

    List<Prototype.Parameter> rawParameters() {
        return rawParameters;
    }

    String category() {
        return format.category();
    }

    String event() {
        return format.event();
    }

    /** Whether anything is attached: ask before collecting arguments. */
    boolean active() {
        return onRecord != null || onRaw != null;
    }
}
