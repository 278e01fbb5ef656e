package skep.isa.kernel;

import java.util.List;
import java.util.Optional;

/**
 * The record that a tracepoint hands to a program, as tracefs describes it in its {@code format} file.
 *
 * @param category for example {@code sched}
 * @param event for example {@code sched_switch}
 * @param fields all fields in order, the {@code common_} ones included; offsets in bytes from the start of the context
 */
public record TracepointFormat(String category, String event, List<Field> fields) {
    public TracepointFormat {
        fields = List.copyOf(fields);
    }

    /**
     * One field.
     *
     * @param type the C type as written, without array brackets, for example {@code char} or {@code const char *}
     * @param name the field's name
     * @param offsetBytes offset from the start of the context
     * @param sizeBytes size of the whole field
     * @param signed whether the integer type is signed
     * @param arrayLength number of elements, or 0 when it is no array
     * @param dataLoc whether it is a {@code __data_loc} word: low half offset, high half length of the data
     */
    public record Field(
            String type,
            String name,
            int offsetBytes,
            int sizeBytes,
            boolean signed,
            int arrayLength,
            boolean dataLoc) {}

    public Optional<Field> field(String name) {
        return fields.stream().filter(f -> f.name().equals(name)).findFirst();
    }
}
