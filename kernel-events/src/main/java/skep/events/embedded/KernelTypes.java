package skep.events.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Kfunc;
import skep.vm.Iteration;
import skep.vm.helpers.KfuncTable;

/**
 * The types of the kernel that the model imitates. The layouts are those of Debian's Linux 6.12.117 (packages
 * {@code linux-image-6.12.117+deb12-arm64-unsigned} and {@code linux-image-6.12.117+deb12-amd64-unsigned}, with their modules
 * {@code nfs}, {@code rdma_cm} and {@code kvm}), cut by {@link TypeTrimmer}; functions, tracepoints and their records are added
 * from the model's own declarations.
 */
final class KernelTypes {
    /**
     * Members that had another name in kernels before 6.12. Tools ask for the old one to know how old a kernel is, and by that
     * which arguments its functions take; programs see the member under both names.
     */
    private static final List<OldName> OLD_NAMES =
            List.of(new OldName("renamedata", "old_mnt_idmap", "old_mnt_userns"));

    private final Btf layouts;

    KernelTypes(Arch arch) {
        var name = "types-" + arch.machine() + ".btf.gz";
        try (var stream = KernelTypes.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IllegalStateException("resource " + name + " is missing");
            }
            try (var zip = new GZIPInputStream(stream)) {
                layouts = Btf.parse(zip.readAllBytes());
            }
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    private record OldName(String struct, String member, String before) {
        BtfType.Struct with(BtfType.Struct type) {
            var members = new ArrayList<>(type.members());
            for (int i = 0; i < members.size(); i++) {
                var known = members.get(i);
                if (known.name().equals(member)) {
                    members.add(i + 1, new BtfType.Member(before, known.typeId(), known.offsetBits(), 0));
                    break;
                }
            }
            return new BtfType.Struct(type.name(), type.sizeBytes(), members);
        }
    }

    /** The layouts, with the old names of members. */
    private BtfBuilder copy() {
        var builder = new BtfBuilder();
        for (int id = layouts.firstId(); id < layouts.endId(); id++) {
            var type = layouts.type(id);
            for (var old : OLD_NAMES) {
                if (type instanceof BtfType.Struct struct && struct.name().equals(old.struct)) {
                    type = old.with(struct);
                }
            }
            builder.add(type);
        }
        return builder;
    }

    /** Where a part of a struct lies. */
    record Field(int offBytes, int sizeBytes) {
        void put(SparseMemory memory, long object, long value) {
            switch (sizeBytes) {
                case 4 -> memory.putInt(object + offBytes, (int) value);
                case 8 -> memory.putLong(object + offBytes, value);
                default -> memory.put(object + offBytes, value, Math.min(8, sizeBytes));
            }
        }
    }

    int sizeBytes(String struct) {
        return (int) layouts.sizeBytes(id(struct));
    }

    /** A part by path, for example {@code f_path.dentry}. */
    Field field(String struct, String path) {
        var place = layouts.path(id(struct), path)
                .orElseThrow(() -> new IllegalStateException("struct " + struct + " has no " + path));
        return new Field((int) place.offsetBytes(), (int) layouts.sizeBytes(place.typeId()));
    }

    /** A constant of an enumeration. */
    int constant(String enumeration, String name) {
        var id = layouts.find(enumeration, BtfKind.ENUM)
                .orElseThrow(() -> new IllegalStateException("no enum " + enumeration));
        if (layouts.type(id) instanceof BtfType.Enumeration values) {
            for (var value : values.values()) {
                if (value.name().equals(name)) {
                    return (int) value.value();
                }
            }
        }
        throw new IllegalStateException("enum " + enumeration + " has no " + name);
    }

    private int id(String struct) {
        return layouts.find(struct, BtfKind.STRUCT).orElseThrow(() -> new IllegalStateException("no struct " + struct));
    }

    /** The layouts with all functions and tracepoints of the model. */
    Btf withDeclarations(Symbols symbols, List<Tracepoint> tracepoints) {
        return new Declarations().build(symbols, tracepoints);
    }

    /** Writes prototypes: C types as words become ids. */
    private final class Declarations {
        private final BtfBuilder builder = copy();
        private final Map<String, Integer> known = new HashMap<>();

        Btf build(Symbols symbols, List<Tracepoint> tracepoints) {
            symbols.named().forEach((name, routine) -> {
                if (routine.probeable()) {
                    var prototype = routine.prototype();
                    var parameters = parameters(prototype.parameters());
                    int id = builder.add(new BtfType.Prototype(type(prototype.returns()), parameters));
                    builder.add(new BtfType.Function(name, id, BtfType.Linkage.STATIC));
                }
            });
            int data = type("void *");
            for (var point : tracepoints) {
                if (!point.category().equals("syscalls")) {
                    var parameters = new ArrayList<BtfType.Parameter>();
                    parameters.add(new BtfType.Parameter("", data));
                    parameters.addAll(parameters(point.rawParameters()));
                    int prototype = builder.add(new BtfType.Prototype(0, parameters));
                    int pointer = builder.add(new BtfType.Pointer(prototype));
                    builder.add(new BtfType.Typedef("btf_trace_" + point.event(), pointer));
                    record(point);
                }
            }
            KfuncTable.rows().forEach(this::declare);
            iterators();
            return builder.build();
        }

        /** What iterators are given: a struct of pointers each, and a function that says of what type they are. */
        private void iterators() {
            // Programs hand them on and look into neither.
            struct("seq_file");
            struct("bpf_map");
            struct("bpf_iter_meta", "struct seq_file *", "seq", "u64", "session_id", "u64", "seq_num");
            iterator(Iteration.TASKS, "struct task_struct *", "task");
            iterator(Iteration.MAP_ELEMENTS, "struct bpf_map *", "map", "void *", "key", "void *", "value");
        }

        private void iterator(String name, String... typesAndNames) {
            var all = new ArrayList<>(List.of("struct bpf_iter_meta *", "meta"));
            all.addAll(List.of(typesAndNames));
            struct("bpf_iter__" + name, all.toArray(String[]::new));
            var parameters = new ArrayList<BtfType.Parameter>();
            for (int i = 0; i < all.size(); i += 2) {
                parameters.add(new BtfType.Parameter(all.get(i + 1), type(all.get(i))));
            }
            int prototype = builder.add(new BtfType.Prototype(type("int"), parameters));
            builder.add(new BtfType.Function("bpf_iter_" + name, prototype, BtfType.Linkage.STATIC));
        }

        /** A struct of words of 8 bytes. */
        private void struct(String name, String... typesAndNames) {
            var members = new ArrayList<BtfType.Member>();
            for (int i = 0; i < typesAndNames.length; i += 2) {
                members.add(new BtfType.Member(typesAndNames[i + 1], type(typesAndNames[i]), 32 * i, 0));
            }
            int id = builder.add(new BtfType.Struct(name, 4 * typesAndNames.length, members));
            known.put("struct " + name, id);
        }

        /** A kernel function that programs may call. */
        private void declare(Kfunc row) {
            var parameters = row.arguments().stream()
                    .map(word -> new BtfType.Parameter("", type(parameterType(word.replace("?", "")))))
                    .toList();
            var result = row.result();
            int returns = type(
                    result.startsWith("ptr:")
                            ? "struct " + result.substring(4) + " *"
                            : result.equals("mem") || result.equals("cast") ? "void *" : result);
            int prototype = builder.add(new BtfType.Prototype(returns, parameters));
            builder.add(new BtfType.Function(row.name(), prototype, BtfType.Linkage.STATIC));
        }

        /** The C type of an argument that a row describes by a word. */
        private String parameterType(String word) {
            int colon = word.indexOf(':');
            return switch (word) {
                case "any", "const" -> "int";
                case "size" -> "u32";
                case "str" -> "const char *";
                case "mem", "out", "void", "map", "callback" -> "void *";
                case "dynptr", "newdynptr" -> "struct bpf_dynptr *";
                case "ctx" -> "struct __sk_buff *";
                default -> colon < 0 ? "struct " + word + " *" : "struct bpf_iter_" + word.substring(colon + 1) + " *";
            };
        }

        /** The record of a tracepoint, as {@code struct trace_event_raw_}… shows it. */
        private void record(Tracepoint point) {
            var members = new ArrayList<BtfType.Member>();
            members.add(new BtfType.Member("ent", type("struct trace_entry"), 0, 0));
            int end = 8;
            for (var field : point.format().fields()) {
                if (field.name().startsWith("common_")) {
                    continue;
                }
                int id = field.dataLoc()
                        ? type("u32")
                        : field.arrayLength() > 0
                                ? builder.add(new BtfType.Array(
                                        type(field.type()), type("unsigned int"), field.arrayLength()))
                                : type(field.type());
                var name = field.dataLoc() ? "__data_loc_" + field.name() : field.name();
                members.add(new BtfType.Member(name, id, 8 * field.offsetBytes(), 0));
                end = Math.max(end, field.offsetBytes() + field.sizeBytes());
            }
            builder.add(new BtfType.Struct("trace_event_raw_" + point.event(), end, members));
        }

        private List<BtfType.Parameter> parameters(List<Prototype.Parameter> declared) {
            return declared.stream()
                    .map(p -> new BtfType.Parameter(p.name(), type(p.type())))
                    .toList();
        }

        private int type(String text) {
            var known = this.known.get(text);
            if (known != null) {
                return known;
            }
            int id = make(text);
            this.known.put(text, id);
            return id;
        }

        private int make(String text) {
            if (text.endsWith("*")) {
                return builder.add(new BtfType.Pointer(
                        type(text.substring(0, text.length() - 1).strip())));
            }
            if (text.startsWith("const ")) {
                int inner = type(text.substring(6).strip());
                return builder.add(new BtfType.Qualified(BtfKind.CONST, inner));
            }
            if (text.endsWith(" const")) {
                return type(text.substring(0, text.length() - 6).strip());
            }
            if (text.equals("void") || text.isEmpty()) {
                return 0;
            }
            if (text.startsWith("struct ") || text.startsWith("union ")) {
                boolean union = text.startsWith("union ");
                var name = text.substring(union ? 6 : 7);
                var found = layouts.find(name, union ? BtfKind.UNION : BtfKind.STRUCT);
                return found.isPresent() ? found.getAsInt() : builder.add(new BtfType.Forward(name, union));
            }
            if (text.startsWith("enum ")) {
                return type("unsigned int");
            }
            for (var kind : new BtfKind[] {BtfKind.TYPEDEF, BtfKind.INT}) {
                var found = layouts.find(text, kind);
                if (found.isPresent()) {
                    return found.getAsInt();
                }
            }
            return fallback(text);
        }

        /** Types that the layouts lack: numbers of the size that they have, under their name. */
        private int fallback(String text) {
            int base = builder.add(
                    CTypes.knows(text)
                            ? CTypes.signed(text)
                                    ? BtfType.Int.signed(text, CTypes.sizeBytes(text))
                                    : BtfType.Int.unsigned(text, CTypes.sizeBytes(text))
                            : BtfType.Int.unsigned(text, 8));
            return base;
        }
    }
}
