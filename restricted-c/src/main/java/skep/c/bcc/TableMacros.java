package skep.c.bcc;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.c.bcc.BccTable.Visibility;
import skep.c.check.NearestName;
import skep.c.check.Types;
import skep.c.lex.Token;
import skep.c.parse.Parser;
import skep.c.parse.TranslationUnit.Invocation;
import skep.c.parse.TypeNames;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.source.Diagnostics;
import skep.source.Span;

/** The macros that declare tables: {@code BPF_HASH(name, key, leaf, size)} and its kin. */
final class TableMacros {
    private static final int DEFAULT_ENTRIES = 10240;
    private static final int HISTOGRAM_ENTRIES = 64;
    private static final int PAGE_BYTES = 4096;

    /** {@code PERF_MAX_STACK_DEPTH} words. */
    private static final int STACK_DEPTH = 127;

    private static final Map<String, MapType> TYPES = Map.ofEntries(
            Map.entry("hash", MapType.HASH),
            Map.entry("array", MapType.ARRAY),
            Map.entry("percpu_hash", MapType.PERCPU_HASH),
            Map.entry("percpu_array", MapType.PERCPU_ARRAY),
            Map.entry("lru_hash", MapType.LRU_HASH),
            Map.entry("lru_percpu_hash", MapType.LRU_PERCPU_HASH),
            Map.entry("lpm_trie", MapType.LPM_TRIE),
            Map.entry("histogram", MapType.HASH),
            Map.entry("prog", MapType.PROG_ARRAY),
            Map.entry("perf_output", MapType.PERF_EVENT_ARRAY),
            Map.entry("perf_array", MapType.PERF_EVENT_ARRAY),
            Map.entry("ringbuf", MapType.RINGBUF),
            Map.entry("cgroup_array", MapType.CGROUP_ARRAY),
            Map.entry("stacktrace", MapType.STACK_TRACE),
            Map.entry("devmap", MapType.DEVMAP),
            Map.entry("devmap_hash", MapType.DEVMAP_HASH),
            Map.entry("cpumap", MapType.CPUMAP),
            Map.entry("xskmap", MapType.XSKMAP),
            Map.entry("sockmap", MapType.SOCKMAP),
            Map.entry("sockhash", MapType.SOCKHASH),
            Map.entry("queue", MapType.QUEUE),
            Map.entry("stack", MapType.STACK),
            Map.entry("array_of_maps", MapType.ARRAY_OF_MAPS),
            Map.entry("hash_of_maps", MapType.HASH_OF_MAPS),
            Map.entry("sk_storage", MapType.SK_STORAGE),
            Map.entry("inode_storage", MapType.INODE_STORAGE),
            Map.entry("task_storage", MapType.TASK_STORAGE),
            Map.entry("cgroup_storage", MapType.CGROUP_STORAGE),
            Map.entry("percpu_cgroup_storage", MapType.PERCPU_CGROUP_STORAGE));

    /** Names of the macros, for the hint when one is mistyped. */
    private static final List<String> NAMES = List.of(
            "BPF_TABLE",
            "BPF_F_TABLE",
            "BPF_TABLE_PUBLIC",
            "BPF_TABLE_PINNED",
            "BPF_TABLE_SHARED",
            "BPF_HASH",
            "BPF_ARRAY",
            "BPF_HISTOGRAM",
            "BPF_PERCPU_HASH",
            "BPF_PERCPU_ARRAY",
            "BPF_LRU_HASH",
            "BPF_LPM_TRIE",
            "BPF_STACK_TRACE",
            "BPF_STACK_TRACE_BUILDID",
            "BPF_PERF_OUTPUT",
            "BPF_PERF_ARRAY",
            "BPF_RINGBUF_OUTPUT",
            "BPF_PROG_ARRAY",
            "BPF_CGROUP_ARRAY",
            "BPF_DEVMAP",
            "BPF_CPUMAP",
            "BPF_XSKMAP",
            "BPF_SOCKMAP",
            "BPF_SOCKHASH",
            "BPF_QUEUE",
            "BPF_STACK",
            "BPF_ARRAY_OF_MAPS",
            "BPF_HASH_OF_MAPS",
            "BPF_SK_STORAGE",
            "BPF_INODE_STORAGE",
            "BPF_TASK_STORAGE",
            "BPF_CGROUP_STORAGE",
            "BPF_PERCPU_CGROUP_STORAGE",
            "BPF_LICENSE",
            "TRACEPOINT_PROBE",
            "RAW_TRACEPOINT_PROBE",
            "KFUNC_PROBE",
            "KRETFUNC_PROBE",
            "KMOD_RET",
            "LSM_PROBE");

    /** A table by the ids of its types. */
    record Declared(
            String name,
            MapType type,
            int key,
            int leaf,
            int maxEntries,
            int flags,
            Optional<String> innerMap,
            String pinnedPath,
            Visibility visibility,
            boolean histogram,
            Span span) {}

    private final Types types;
    private final TypeNames names;
    private final Diagnostics diagnostics;

    TableMacros(Types types, TypeNames names, Diagnostics diagnostics) {
        this.types = types;
        this.names = names;
        this.diagnostics = diagnostics;
    }

    /** The table that the macro declares; an unknown macro is told as a mistake. */
    Optional<Declared> read(Invocation call) {
        var base = call.name();
        var visibility = Visibility.PRIVATE;
        for (var suffix : List.of("_PUBLIC", "_SHARED", "_PINNED")) {
            if (base.endsWith(suffix)) {
                base = base.substring(0, base.length() - suffix.length());
                visibility = suffix.equals("_SHARED")
                        ? Visibility.SHARED
                        : suffix.equals("_PUBLIC") ? Visibility.PUBLIC : Visibility.PRIVATE;
            }
        }
        boolean pinned = call.name().endsWith("_PINNED");
        var args = new ArrayList<>(call.args());
        var path = "";
        if (pinned && !args.isEmpty() && isString(args.getLast())) {
            path = unquoted(args.removeLast());
        }
        var table = table(base, new Arguments(call, args), visibility, path);
        if (table.isEmpty()) {
            diagnostics.error(
                    "unknown-macro",
                    call.span(),
                    "a declaration cannot begin with '" + call.name() + "(…)': there is no such macro",
                    NearestName.of(call.name(), NAMES)
                            .map(n -> "did you mean " + n + "?")
                            .orElse(""));
        }
        return table;
    }

    private static boolean isString(List<Token> tokens) {
        return tokens.size() == 1 && tokens.getFirst().kind() == Token.Kind.STRING;
    }

    private static String unquoted(List<Token> tokens) {
        var text = tokens.isEmpty() ? "" : tokens.getFirst().text();
        return text.length() >= 2 && text.startsWith("\"") ? text.substring(1, text.length() - 1) : text;
    }

    private Optional<Declared> table(String macro, Arguments a, Visibility visibility, String path) {
        int word = types.layout.basic("unsigned long");
        int number = types.signedInt;
        int half = types.unsignedInt;
        return Optional.ofNullable(
                switch (macro) {
                    case "BPF_TABLE" -> general(a, visibility, path, 0);
                    case "BPF_F_TABLE", "BPF_TABLE_PINNED7" -> general(a, visibility, path, (int) a.number(5, 0));
                    case "BPF_TABLE_EXTERN" -> general(a, Visibility.EXTERN, path, 0);
                    case "BPF_HASH" -> keyed(MapType.HASH, a, visibility, path, 0);
                    case "BPF_PERCPU_HASH" -> keyed(MapType.PERCPU_HASH, a, visibility, path, 0);
                    case "BPF_LRU_HASH" -> keyed(MapType.LRU_HASH, a, visibility, path, 0);
                    case "BPF_LRU_PERCPU_HASH" -> keyed(MapType.LRU_PERCPU_HASH, a, visibility, path, 0);
                    case "BPF_LPM_TRIE" -> keyed(MapType.LPM_TRIE, a, visibility, path, MapFlags.NO_PREALLOC);
                    case "BPF_ARRAY", "BPF_PERCPU_ARRAY" ->
                        make(
                                a,
                                macro.equals("BPF_ARRAY") ? MapType.ARRAY : MapType.PERCPU_ARRAY,
                                number,
                                a.type(1, word),
                                a.number(2, DEFAULT_ENTRIES),
                                visibility,
                                path);
                    case "BPF_HISTOGRAM", "BPF_PERCPU_HISTOGRAM" -> histogram(a, visibility, path);
                    case "BPF_STACK_TRACE", "BPF_STACK_TRACE_BUILDID" -> stacks(macro, a, visibility, path);
                    case "BPF_PERF_OUTPUT" -> make(a, MapType.PERF_EVENT_ARRAY, number, half, 0, visibility, path);
                    case "BPF_PERF_ARRAY" ->
                        make(a, MapType.PERF_EVENT_ARRAY, number, half, a.number(1, 0), visibility, path);
                    case "BPF_RINGBUF_OUTPUT" ->
                        make(a, MapType.RINGBUF, Types.VOID, Types.VOID, a.number(1, 8) * PAGE_BYTES, visibility, path);
                    case "BPF_PROG_ARRAY" -> make(a, MapType.PROG_ARRAY, half, half, a.number(1, 0), visibility, path);
                    case "BPF_CGROUP_ARRAY" ->
                        make(a, MapType.CGROUP_ARRAY, half, half, a.number(1, 1), visibility, path);
                    case "BPF_DEVMAP" -> make(a, MapType.DEVMAP, number, number, a.number(1, 1), visibility, path);
                    case "BPF_DEVMAP_HASH" ->
                        make(a, MapType.DEVMAP_HASH, number, number, a.number(1, 1), visibility, path);
                    case "BPF_CPUMAP" -> make(a, MapType.CPUMAP, number, half, a.number(1, 1), visibility, path);
                    case "BPF_XSKMAP" -> make(a, MapType.XSKMAP, number, number, a.number(1, 1), visibility, path);
                    case "BPF_SOCKMAP" -> make(a, MapType.SOCKMAP, half, half, a.number(1, 1), visibility, path);
                    case "BPF_SOCKHASH" ->
                        make(
                                a,
                                MapType.SOCKHASH,
                                a.type(1, half),
                                half,
                                a.number(2, DEFAULT_ENTRIES),
                                visibility,
                                path);
                    case "BPF_QUEUE" ->
                        make(a, MapType.QUEUE, Types.VOID, a.type(1, word), a.number(2, 0), visibility, path);
                    case "BPF_STACK" ->
                        make(a, MapType.STACK, Types.VOID, a.type(1, word), a.number(2, 0), visibility, path);
                    case "BPF_QUEUESTACK" ->
                        make(
                                a.from(1),
                                a.text(0).equals("stack") ? MapType.STACK : MapType.QUEUE,
                                Types.VOID,
                                a.type(2, word),
                                a.number(3, 0),
                                visibility,
                                path);
                    case "BPF_SK_STORAGE" -> storage(MapType.SK_STORAGE, a, visibility, path);
                    case "BPF_INODE_STORAGE" -> storage(MapType.INODE_STORAGE, a, visibility, path);
                    case "BPF_TASK_STORAGE" -> storage(MapType.TASK_STORAGE, a, visibility, path);
                    case "BPF_CGROUP_STORAGE" -> cgroupStorage(MapType.CGROUP_STORAGE, a, visibility, path);
                    case "BPF_PERCPU_CGROUP_STORAGE" ->
                        cgroupStorage(MapType.PERCPU_CGROUP_STORAGE, a, visibility, path);
                    case "BPF_ARRAY_OF_MAPS" ->
                        ofMaps(MapType.ARRAY_OF_MAPS, number, a.text(1), a.number(2, 1), a, visibility, path);
                    case "BPF_HASH_OF_MAPS" ->
                        a.count() > 3
                                ? ofMaps(
                                        MapType.HASH_OF_MAPS,
                                        a.type(1, word),
                                        a.text(2),
                                        a.number(3, 1),
                                        a,
                                        visibility,
                                        path)
                                : ofMaps(MapType.HASH_OF_MAPS, number, a.text(1), a.number(2, 1), a, visibility, path);
                    default -> null;
                });
    }

    private Declared general(Arguments a, Visibility visibility, String path, int flags) {
        var kind = a.text(0);
        var type = TYPES.get(kind);
        if (type == null && kind.equals("extern")) {
            return make(
                    a.from(3), MapType.HASH, a.type(1, Types.VOID), a.type(2, Types.VOID), 0, Visibility.EXTERN, path);
        }
        if (type == null) {
            diagnostics.error(
                    "unknown-table",
                    a.call.span(),
                    "there is no table type \"" + kind + "\"",
                    NearestName.of(kind, TYPES.keySet())
                            .map(n -> "did you mean \"" + n + "\"?")
                            .orElse(""));
            type = MapType.HASH;
        }
        int key = a.type(1, Types.VOID);
        boolean histogram = kind.equals("histogram");
        if (histogram && types.same(key, types.signedInt)) {
            type = MapType.ARRAY;
        }
        return new Declared(
                a.text(3),
                type,
                key,
                a.type(2, Types.VOID),
                (int) a.number(4, 0),
                flags,
                Optional.empty(),
                path,
                visibility,
                histogram,
                a.call.span());
    }

    private Declared keyed(MapType type, Arguments a, Visibility visibility, String path, int flags) {
        int word = types.layout.basic("unsigned long");
        var table = make(a, type, a.type(1, word), a.type(2, word), a.number(3, DEFAULT_ENTRIES), visibility, path);
        return flags == 0 ? table : withFlags(table, flags);
    }

    private Declared histogram(Arguments a, Visibility visibility, String path) {
        int key = a.type(1, types.signedInt);
        boolean array = types.same(key, types.signedInt);
        var table = make(
                a,
                array ? MapType.ARRAY : MapType.HASH,
                key,
                types.layout.basic("unsigned long"),
                a.number(2, HISTOGRAM_ENTRIES),
                visibility,
                path);
        return new Declared(
                table.name,
                table.type,
                table.key,
                table.leaf,
                table.maxEntries,
                0,
                Optional.empty(),
                path,
                visibility,
                true,
                table.span);
    }

    private Declared stacks(String macro, Arguments a, Visibility visibility, String path) {
        boolean buildId = macro.endsWith("BUILDID");
        int element = buildId
                ? types.structure("bpf_stack_build_id").orElse(types.unsignedLong)
                : types.layout.basic("unsigned long");
        int leaf = types.layout.share(new skep.btf.BtfType.Array(element, types.unsignedInt, STACK_DEPTH));
        var table = make(a, MapType.STACK_TRACE, types.signedInt, leaf, a.number(1, DEFAULT_ENTRIES), visibility, path);
        return buildId ? withFlags(table, MapFlags.STACK_BUILD_ID) : table;
    }

    private Declared storage(MapType type, Arguments a, Visibility visibility, String path) {
        var table = make(a, type, types.signedInt, a.type(1, types.unsignedLong), 0, visibility, path);
        return withFlags(table, MapFlags.NO_PREALLOC);
    }

    private Declared cgroupStorage(MapType type, Arguments a, Visibility visibility, String path) {
        int key = types.structure("bpf_cgroup_storage_key").orElse(types.unsignedLong);
        return make(a, type, key, a.type(1, types.unsignedLong), 0, visibility, path);
    }

    private Declared ofMaps(
            MapType type, int key, String inner, long size, Arguments a, Visibility visibility, String path) {
        var table = make(a, type, key, types.signedInt, size, visibility, path);
        return new Declared(
                table.name,
                type,
                key,
                types.signedInt,
                table.maxEntries,
                0,
                Optional.of(inner),
                path,
                visibility,
                false,
                table.span);
    }

    private static Declared withFlags(Declared t, int flags) {
        return new Declared(
                t.name,
                t.type,
                t.key,
                t.leaf,
                t.maxEntries,
                flags,
                t.innerMap,
                t.pinnedPath,
                t.visibility,
                t.histogram,
                t.span);
    }

    private static Declared make(
            Arguments a, MapType type, int key, int leaf, long size, Visibility visibility, String path) {
        return new Declared(
                a.text(0), type, key, leaf, (int) size, 0, Optional.empty(), path, visibility, false, a.call.span());
    }

    /** The arguments of a macro by position. */
    private final class Arguments {
        private final Invocation call;
        private final List<List<Token>> args;

        Arguments(Invocation call, List<List<Token>> args) {
            this.call = call;
            this.args = args;
        }

        int count() {
            return args.size();
        }

        Arguments from(int first) {
            return new Arguments(call, args.subList(Math.min(first, args.size()), args.size()));
        }

        String text(int index) {
            return index < args.size() ? unquoted(args.get(index)) : "";
        }

        int type(int index, int otherwise) {
            if (index >= args.size() || args.get(index).isEmpty()) {
                return otherwise;
            }
            var type = Parser.typeName(args.get(index), names);
            if (type.isEmpty()) {
                diagnostics.error(
                        "c-check",
                        args.get(index).getFirst().span(),
                        "unknown type name '" + args.get(index).getFirst().text() + "'");
                return otherwise;
            }
            return types.layout.idOf(type.get());
        }

        long number(int index, long otherwise) {
            if (index >= args.size() || args.get(index).isEmpty()) {
                return otherwise;
            }
            var number = Parser.expression(args.get(index), names).flatMap(types.layout::constant);
            if (number.isEmpty()) {
                diagnostics.error("c-check", args.get(index).getFirst().span(), "expected a constant expression");
            }
            return number.orElse(otherwise);
        }
    }
}
