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

/**
 * The types of the kernel that the model imitates. The layouts are those of Debian's Linux 6.12 for cloud machines
 * (packages {@code linux-image-6.12.117+deb12-cloud-arm64} and {@code linux-image-6.12.107+deb12-cloud-amd64}), cut by
 * {@link TypeTrimmer}; functions and tracepoints are added from the model's own declarations.
 */
final class KernelTypes {
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
        private final BtfBuilder builder = BtfBuilder.copyOf(layouts);
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
                }
            }
            return builder.build();
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
