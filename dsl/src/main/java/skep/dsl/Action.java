package skep.dsl;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.source.Span;

/**
 * What a ring-buffer record asks user space to do. A record is
 *
 * <pre>
 *  0        4        8
 *  +--------+--------+----------------------------------------------+
 *  | id u32 | spec   | arguments, each at its offset, zero padded   |
 *  +--------+--------+----------------------------------------------+
 * </pre>
 *
 * {@code spec} is the number of the speculation that holds the record back, 0 for none. {@code id} is the index into {@link CompiledScript#actions}; offsets of arguments count from the start of the record.
 */
public sealed interface Action {
    /** Bytes before the first argument. */
    int HEADER_BYTES = 8;

    /** The statement that asks. */
    Span span();

    /** A value in a record: its type and where it starts, counted from the start of the record. */
    record Argument(Type type, int offsetBytes) {}

    /**
     * A copy of a process's stack, for the value of {@code dw_ustack} with the same id.
     *
     * @param id {@code s64}, never negative
     * @param process {@code u32}
     * @param registersOffset where the process's registers are in the record ({@code struct pt_regs})
     * @param stackOffset where the stack is, from its pointer on
     * @param depth how many frames are wanted
     */
    record StackCopy(
            Argument id,
            Argument process,
            int registersOffset,
            int registersBytes,
            int stackOffset,
            int stackBytes,
            int depth,
            Span span)
            implements Action {}

    /** {@code printf}, {@code errorf}, {@code warnf}, {@code debugf}, {@code fail}: formatted text. */
    record Print(Channel channel, Format format, List<Argument> arguments, Span span) implements Action {
        public Print {
            arguments = List.copyOf(arguments);
        }
    }

    /** Where formatted text goes. */
    enum Channel {
        PRINTF,
        /** Standard error, with the place of the statement. */
        ERRORF,
        /** Standard error, with the place of the statement. */
        WARNF
    }

    /** {@code print(@m, top, div)}: 0 stands for all and for no division. */
    record PrintMap(String map, long top, long div, Span span) implements Action {}

    /**
     * {@code print(@m, form, …)}, {@code printa(@a, @b, …)}: maps as a picture, or in a form for other programs.
     *
     * @param form {@code table}, {@code histogram}, {@code heatmap}, {@code flame}, {@code timeline}, {@code lanes},
     *     {@code folded}, {@code csv}, {@code json}, {@code pprof}, {@code trace}
     * @param file where it is written; empty for the output, or a name made of the map's
     * @param settings {@code top}, {@code sort}, {@code div} and the words {@code rate}, {@code percent},
     *     {@code percentiles}, {@code descending}
     */
    record Show(List<String> maps, String form, Optional<String> file, Map<String, String> settings, Span span)
            implements Action {
        /** The forms there are. */
        public static final List<String> FORMS = List.of(
                "table",
                "histogram",
                "heatmap",
                "flame",
                "timeline",
                "lanes",
                "folded",
                "csv",
                "json",
                "pprof",
                "trace");

        public Show {
            maps = List.copyOf(maps);
            settings = Map.copyOf(settings);
        }
    }

    /** {@code print(@m[k])}: key and value as they were; an aggregation is looked up in the map by the key. */
    record PrintMapEntry(String map, Optional<Argument> key, Optional<Argument> value, Span span) implements Action {}

    /** {@code print(value)}: printed as {@code print} does, with a newline. */
    record PrintValue(Argument value, Span span) implements Action {}

    /**
     * {@code clear(@m)}: removes all entries.
     *
     * @param generation the generation of the map that ended: only entries up to it go; empty for all there are
     */
    record ClearMap(String map, Optional<Argument> generation, Span span) implements Action {}

    /** {@code zero(@m)}: sets all values to zero. */
    record ZeroMap(String map, Span span) implements Action {}

    /** {@code commit(id)}: what the speculation held back is done now. */
    record Commit(Argument speculation, Span span) implements Action {}

    /** {@code discard(id)}: what the speculation held back is forgotten. */
    record Discard(Argument speculation, Span span) implements Action {}

    /** {@code exit(code)}: ends the script; without an argument the status is 0. */
    record Exit(Optional<Argument> code, Span span) implements Action {}

    /** {@code time(format)}: prints the time of day. */
    record Time(String format, Span span) implements Action {}

    /** {@code cat(format, …)}: prints a file. */
    record Cat(Format path, List<Argument> arguments, Span span) implements Action {
        public Cat {
            arguments = List.copyOf(arguments);
        }
    }

    /** {@code system(format, …)}: runs a command (only when unsafe functions are allowed). */
    record System(Format command, List<Argument> arguments, Span span) implements Action {
        public System {
            arguments = List.copyOf(arguments);
        }
    }

    /**
     * {@code join(argv, separator)}: an {@link Type.Array} of strings, ending at the first empty one.
     */
    record Join(Argument strings, String separator, Span span) implements Action {}

    /** {@code skboutput(path, …)}: the packet's bytes are appended to a pcap file. */
    record PacketDump(String path, Argument time, Argument length, int offset, Span span) implements Action {}

    /** {@code unwatch(address)}: watchpoints of this address are detached. */
    record Unwatch(Argument address, Span span) implements Action {}

    /** A helper failed (reported only on request): its name and the negative errno as {@code s64}. */
    record HelperError(String helper, Argument errno, Span span) implements Action {}
}
