package skep.vm.conformance;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.btf.Btf;
import skep.isa.Bytecode;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Kfunc;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.SpecialField;
import skep.vm.verifier.VerifierInput;
import skep.vm.verifier.VerifierInput.Privilege;

/**
 * A program with the verdict of a reference kernel: what {@code skep vm verify} reads.
 *
 * @param input what is judged
 * @param reference what the reference said; empty if it could not judge
 */
public record VerifierRow(String name, VerifierInput input, Optional<Reference> reference) {
    /** A verdict: the last line of the reference's log is empty if the program was accepted. */
    public record Reference(boolean accepted, String message, int insnsProcessed) {}

    /** Rows with a section name the flags of the system call; the others those of Linux's test_verifier. */
    private static final int STRICT_ALIGNMENT = 1;

    private static final int STRICT_ALIGNMENT_OF_TEST = 2;
    private static final int FIRST_FD = 100;
    private static final int STATE_FREQUENCY = 8;
    private static final int SLEEPABLE = 16;

    /**
     * Reads a file of rows, one JSON object a line; plain or gzip.
     *
     * @throws IllegalArgumentException naming the row that is malformed
     */
    public static List<VerifierRow> read(Path file, Privilege privilege, Optional<Btf> kernel) throws IOException {
        var rows = new ArrayList<VerifierRow>();
        int number = 0;
        for (var line : TestRow.lines(file)) {
            number++;
            if (!line.isBlank()) {
                try {
                    rows.add(parse(Json.object(line), privilege, kernel));
                } catch (IllegalArgumentException | IndexOutOfBoundsException malformed) {
                    throw new IllegalArgumentException("row " + number + ": " + malformed.getMessage(), malformed);
                }
            }
        }
        return rows;
    }

    private static VerifierRow parse(Map<?, ?> row, Privilege privilege, Optional<Btf> kernel) {
        var name = Json.string(row, "name").orElseThrow(() -> new IllegalArgumentException("row without name"));
        var hex = Json.string(row, "insns").orElseThrow(() -> new IllegalArgumentException("row without insns"));
        var slots = Bytecode.ofBytes(HexFormat.of().parseHex(hex)).slots();
        var maps = new HashMap<Integer, MapDefinition>();
        var kfuncs = new HashMap<Integer, String>();
        for (var fixup : objects(row.get("fixups"))) {
            apply(fixup, row, slots, maps, kfuncs);
        }
        var type = ProgramType.ofNumber(Json.integer(row, "prog_type_id")).orElse(ProgramType.UNSPEC);
        int flags = Json.integer(row, "flags");
        var section = Json.string(row, "sec").orElse("");
        boolean sleepable = (flags & SLEEPABLE) != 0
                || section.contains(".s/")
                || section.endsWith(".s")
                || section.equals("syscall");
        var input = VerifierInput.of(Bytecode.of(slots), type)
                .name(name)
                .attachType(attachType(row, type))
                .attachTo(attachTo(row, section))
                .maps(fd -> Optional.ofNullable(maps.get(fd)))
                .functions(functions(row))
                .kfuncs(kfuncs)
                .privilege(privilege)
                .sleepable(sleepable)
                .strictAlignment((flags & (section.isEmpty() ? STRICT_ALIGNMENT_OF_TEST : STRICT_ALIGNMENT)) != 0)
                .everyStateKept((flags & STATE_FREQUENCY) != 0)
                .logLevel(0);
        kernel.ifPresent(input::kernelTypes);
        return new VerifierRow(name, input.build(), reference(row, privilege));
    }

    private static Optional<AttachType> attachType(Map<?, ?> row, ProgramType type) {
        int number = Json.integer(row, "expected_attach_type");
        boolean zeroMeansSomething = type == ProgramType.CGROUP_SKB;
        return number != 0 || zeroMeansSomething ? AttachType.ofNumber(number) : Optional.empty();
    }

    private static String attachTo(Map<?, ?> row, String section) {
        int slash = section.indexOf('/');
        return Json.string(row, "attach_func").orElse(slash < 0 ? "" : section.substring(slash + 1));
    }

    private static List<VerifierInput.FunctionInfo> functions(Map<?, ?> row) {
        var functions = new ArrayList<VerifierInput.FunctionInfo>();
        if (row.get("func_info") instanceof List<?> list) {
            for (var item : list) {
                if (item instanceof List<?> pair && pair.getFirst() instanceof Number insn) {
                    functions.add(new VerifierInput.FunctionInfo(insn.intValue(), "func", false, true, List.of()));
                }
            }
        }
        functions.sort(Comparator.comparingInt(VerifierInput.FunctionInfo::insn));
        return functions;
    }

    private static Optional<Reference> reference(Map<?, ?> row, Privilege privilege) {
        var key = privilege == Privilege.FULL ? "kernel_6_18" : "kernel_6_18_cap_bpf_only";
        if (!(row.get(key) instanceof Map<?, ?> verdict)) {
            return Optional.empty();
        }
        var message = Json.string(verdict, "log_tail").orElse("");
        int processed = Json.integer(verdict, "insns_processed");
        return switch (Json.string(verdict, "verdict").orElse("")) {
            case "accept" -> Optional.of(new Reference(true, "", processed));
            case "reject" -> Optional.of(new Reference(false, message, processed));
            default -> Optional.empty();
        };
    }

    private static List<Map<?, ?>> objects(@org.jspecify.annotations.Nullable Object list) {
        var objects = new ArrayList<Map<?, ?>>();
        if (list instanceof List<?> items) {
            for (var item : items) {
                if (item instanceof Map<?, ?> object) {
                    objects.add(object);
                }
            }
        }
        return objects;
    }

    // ---- maps and functions that the program names ----

    private static void apply(
            Map<?, ?> fixup,
            Map<?, ?> row,
            long[] slots,
            Map<Integer, MapDefinition> maps,
            Map<Integer, String> kfuncs) {
        int insn = Json.integer(fixup, "insn");
        var kind = Json.string(fixup, "kind").orElse("");
        switch (kind) {
            case "kfunc" -> {
                var name = Json.string(fixup, "sym")
                        .or(() -> Json.string(fixup, "kfunc"))
                        .orElse("");
                int id = kfuncs.entrySet().stream()
                        .filter(e -> e.getValue().equals(name))
                        .map(Map.Entry::getKey)
                        .findFirst()
                        .orElse(kfuncs.size() + 1);
                boolean exists = Kfunc.ofName(name).isPresent();
                kfuncs.put(id, name);
                slots[insn] = withImmediate(slots[insn], exists ? id : 0) & ~0xffff_0000L;
            }
            case "map_fd", "map_value" -> {
                int index = Json.integer(fixup, "map");
                if (index < 0) {
                    slots[insn] = withImmediate(slots[insn], 1);
                    return;
                }
                int fd = FIRST_FD + index;
                maps.put(fd, definition(fd, objects(row.get("maps")).get(index)));
                slots[insn] = withImmediate(slots[insn], fd);
                if (kind.equals("map_value")) {
                    slots[insn + 1] = withImmediate(slots[insn + 1], Json.integer(fixup, "off"));
                }
            }
            default -> {
                int fd = fixture(kind);
                maps.put(fd, Fixtures.map(kind, fd));
                slots[insn] = withImmediate(slots[insn], fd);
            }
        }
    }

    private static int fixture(String kind) {
        return FIRST_FD + Fixtures.index(kind);
    }

    private static long withImmediate(long slot, int immediate) {
        return (slot & 0xffff_ffffL) | (long) immediate << 32;
    }

    private static MapDefinition definition(int id, Map<?, ?> map) {
        var name = Json.string(map, "name").orElse("");
        var type = MapType.ofNumber(Json.integer(map, "type")).orElse(MapType.UNSPEC);
        var plain = MapDefinition.of(
                id,
                name,
                type,
                Json.integer(map, "key_size"),
                Json.integer(map, "value_size"),
                type == MapType.RINGBUF || type == MapType.USER_RINGBUF
                        ? Json.integer(map, "max_entries")
                        : Math.max(1, Json.integer(map, "max_entries")),
                Json.integer(map, "flags"));
        var definition = plain.withFields(Fixtures.fields(name));
        return switch (type) {
            case ARRAY_OF_MAPS, HASH_OF_MAPS ->
                definition.withInner(MapDefinition.of(1000 + id, "", MapType.ARRAY, 4, 4, 1, 0));
            default -> definition;
        };
    }

    /** The maps that rows name without describing them, and the special fields of values whose BTF the rows leave out. */
    private static final class Fixtures {
        private static final List<String> KINDS = List.of(
                "map_hash_8b",
                "map_hash_16b",
                "map_hash_48b",
                "map_array_48b",
                "map_array_ro",
                "map_array_wo",
                "map_array_small",
                "prog1",
                "prog2",
                "map_in_map",
                "map_sockmap",
                "map_sockhash",
                "map_xskmap",
                "map_stacktrace",
                "cgroup_storage",
                "percpu_cgroup_storage",
                "map_spin_lock",
                "sk_storage_map",
                "map_event_output",
                "map_reuseport_array",
                "map_ringbuf",
                "map_timer",
                "map_kptr");

        static int index(String kind) {
            int index = KINDS.indexOf(kind);
            if (index < 0) {
                throw new IllegalArgumentException("no map of kind " + kind);
            }
            return index;
        }

        static MapDefinition map(String kind, int id) {
            var map = switch (kind) {
                case "map_hash_8b" -> map(id, kind, MapType.HASH, 8, 8, 1, 0);
                case "map_hash_16b" -> map(id, kind, MapType.HASH, 8, 16, 1, 0);
                case "map_hash_48b" -> map(id, kind, MapType.HASH, 8, 48, 1, 0);
                case "map_array_48b" -> map(id, kind, MapType.ARRAY, 4, 48, 1, 0);
                case "map_array_ro" -> map(id, kind, MapType.ARRAY, 4, 48, 1, MapDefinition.RDONLY_PROG);
                case "map_array_wo" -> map(id, kind, MapType.ARRAY, 4, 48, 1, MapDefinition.WRONLY_PROG);
                case "map_array_small" -> map(id, kind, MapType.ARRAY, 4, 1, 1, 0);
                case "prog1" -> map(id, kind, MapType.PROG_ARRAY, 4, 4, 4, 0);
                case "prog2" -> map(id, kind, MapType.PROG_ARRAY, 4, 4, 8, 0);
                case "map_in_map" ->
                    map(id, kind, MapType.ARRAY_OF_MAPS, 4, 4, 1, 0)
                            .withInner(map(1000 + id, "", MapType.ARRAY, 4, 4, 1, 0));
                case "map_sockmap" -> map(id, kind, MapType.SOCKMAP, 4, 4, 1, 0);
                case "map_sockhash" -> map(id, kind, MapType.SOCKHASH, 4, 4, 1, 0);
                case "map_xskmap" -> map(id, kind, MapType.XSKMAP, 4, 4, 1, 0);
                case "map_stacktrace" -> map(id, kind, MapType.STACK_TRACE, 4, 8, 1, 0);
                case "cgroup_storage" -> map(id, kind, MapType.CGROUP_STORAGE, 16, 64, 0, 0);
                case "percpu_cgroup_storage" -> map(id, kind, MapType.PERCPU_CGROUP_STORAGE, 16, 64, 0, 0);
                case "map_spin_lock" -> map(id, kind, MapType.ARRAY, 4, 8, 1, 0);
                case "sk_storage_map" -> map(id, kind, MapType.SK_STORAGE, 4, 8, 0, 1);
                case "map_event_output" -> map(id, kind, MapType.PERF_EVENT_ARRAY, 4, 4, 1, 0);
                case "map_reuseport_array" -> map(id, kind, MapType.REUSEPORT_SOCKARRAY, 4, 8, 1, 0);
                case "map_ringbuf" -> map(id, kind, MapType.RINGBUF, 0, 0, 4096, 0);
                case "map_timer" -> map(id, kind, MapType.ARRAY, 4, 16, 1, 0);
                default -> map(id, kind, MapType.ARRAY, 4, 24, 1, 0);
            };
            return map.withFields(fields(kind));
        }

        private static MapDefinition map(
                int id, String name, MapType type, int keySize, int valueSize, int entries, int flags) {
            return MapDefinition.of(id, name, type, keySize, valueSize, entries, flags);
        }

        static List<SpecialField> fields(String name) {
            return switch (name) {
                case "map_spin_lock" -> List.of(SpecialField.of(SpecialField.Kind.SPIN_LOCK, 4));
                case "map_timer" -> List.of(SpecialField.of(SpecialField.Kind.TIMER, 0));
                case "map_kptr" ->
                    List.of(
                            SpecialField.kptr(SpecialField.Kind.KPTR_UNTRUSTED, 0, "prog_test_ref_kfunc"),
                            SpecialField.kptr(SpecialField.Kind.KPTR_REF, 8, "prog_test_ref_kfunc"),
                            SpecialField.kptr(SpecialField.Kind.KPTR_REF, 16, "prog_test_member"));
                case "__tasks_kfunc_map" -> List.of(SpecialField.kptr(SpecialField.Kind.KPTR_REF, 0, "task_struct"));
                case "__cgrps_kfunc_map" -> List.of(SpecialField.kptr(SpecialField.Kind.KPTR_REF, 0, "cgroup"));
                case "__cpumask_map", ".bss.MASK" ->
                    List.of(SpecialField.kptr(SpecialField.Kind.KPTR_REF, 0, "bpf_cpumask"));
                default -> List.of();
            };
        }
    }
}
