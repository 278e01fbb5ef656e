package skep.vm.inspect;

import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import skep.isa.Xlated;
import skep.target.Inventory;
import skep.target.Inventory.MapRow;
import skep.target.Inventory.ProgramRow;
import skep.target.LoadedMap;

/** Programs, maps and entries as lines, laid out as bpftool 7 lays them out, plain and as JSON. */
final class InventoryText {
    private static final DateTimeFormatter LOADED_AT =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssZ", Locale.ROOT);

    private InventoryText() {}

    static List<String> program(ProgramRow row) {
        var lines = new ArrayList<String>();
        var head = new StringBuilder();
        head.append(row.id()).append(": ").append(row.type().kernelName()).append("  ");
        if (!row.name().isEmpty()) {
            head.append("name ").append(row.name()).append("  ");
        }
        head.append("tag ").append(row.tag());
        if (row.gplCompatible()) {
            head.append("  gpl");
        }
        if (row.runCount().isPresent() && row.runNanos().isPresent()) {
            head.append(" run_time_ns ").append(row.runNanos().get());
            head.append(" run_cnt ").append(row.runCount().get());
        }
        lines.add(head.toString());
        lines.add("\tloaded_at " + LOADED_AT.format(row.loadedAt().atZone(ZoneId.systemDefault())) + "  uid "
                + row.uid());
        var sizes = new StringBuilder("\txlated ").append(row.xlatedBytes()).append('B');
        sizes.append(row.jitedBytes() == 0 ? "  not jited" : "  jited " + row.jitedBytes() + "B");
        if (row.memlockBytes() != 0) {
            sizes.append("  memlock ").append(row.memlockBytes()).append('B');
        }
        if (!row.mapIds().isEmpty()) {
            sizes.append("  map_ids ")
                    .append(row.mapIds().stream().map(String::valueOf).collect(Collectors.joining(",")));
        }
        lines.add(sizes.toString());
        row.btfId().ifPresent(id -> lines.add("\tbtf_id " + id));
        return lines;
    }

    static String programJson(ProgramRow row) {
        var json = new Json();
        json.add("id", row.id()).add("type", row.type().kernelName());
        if (!row.name().isEmpty()) {
            json.add("name", row.name());
        }
        json.add("tag", row.tag()).add("gpl_compatible", row.gplCompatible());
        row.runNanos().ifPresent(nanos -> json.add("run_time_ns", nanos));
        row.runCount().ifPresent(count -> json.add("run_cnt", count));
        json.add("loaded_at", row.loadedAt().getEpochSecond()).add("uid", row.uid());
        json.add("bytes_xlated", row.xlatedBytes()).add("jited", row.jitedBytes() != 0);
        if (row.jitedBytes() != 0) {
            json.add("bytes_jited", row.jitedBytes());
        }
        if (row.memlockBytes() != 0) {
            json.add("bytes_memlock", row.memlockBytes());
        }
        if (!row.mapIds().isEmpty()) {
            json.addRaw("map_ids", row.mapIds().toString().replace(" ", ""));
        }
        row.btfId().ifPresent(id -> json.add("btf_id", id));
        return json.toString();
    }

    static List<String> map(MapRow row) {
        var lines = new ArrayList<String>();
        lines.add(row.id() + ": " + row.type().kernelName() + "  "
                + (row.name().isEmpty() ? "" : "name " + row.name() + "  ") + "flags 0x"
                + Integer.toHexString(row.flags()));
        lines.add("\tkey " + row.keySizeBytes() + "B  value " + row.valueSizeBytes() + "B  max_entries "
                + Integer.toUnsignedString(row.maxEntries())
                + (row.memlockBytes() == 0 ? "" : "  memlock " + row.memlockBytes() + "B"));
        if (row.btfId().isPresent() || row.frozen()) {
            var extra = new ArrayList<String>();
            row.btfId().ifPresent(id -> extra.add("btf_id " + id));
            if (row.frozen()) {
                extra.add("frozen");
            }
            lines.add("\t" + String.join("  ", extra));
        }
        return lines;
    }

    static String mapJson(MapRow row) {
        var json = new Json();
        json.add("id", row.id()).add("type", row.type().kernelName());
        if (!row.name().isEmpty()) {
            json.add("name", row.name());
        }
        json.add("flags", row.flags()).add("bytes_key", row.keySizeBytes()).add("bytes_value", row.valueSizeBytes());
        json.add("max_entries", Integer.toUnsignedLong(row.maxEntries()));
        if (row.memlockBytes() != 0) {
            json.add("bytes_memlock", row.memlockBytes());
        }
        json.add("frozen", row.frozen() ? 1 : 0);
        row.btfId().ifPresent(id -> json.add("btf_id", id));
        return json.toString();
    }

    /** One entry; values of all CPUs are told apart by {@code valueBytes}, the size of one. */
    static List<String> entry(LoadedMap.Entry entry, int valueBytes, boolean perCpu) {
        var lines = new ArrayList<String>();
        int padded = valueBytes + 7 & ~7;
        boolean apart = entry.key().length > 16 || valueBytes > 16;
        if (perCpu) {
            lines.addAll(labelled("key:", entry.key(), 0, entry.key().length, true));
            for (int cpu = 0; (cpu + 1) * padded <= entry.value().length; cpu++) {
                var label = String.format(Locale.ROOT, "value (CPU %02d):", cpu);
                lines.addAll(labelled(label, entry.value(), cpu * padded, valueBytes, valueBytes > 16));
            }
            return lines;
        }
        boolean oneLine = entry.key().length + valueBytes <= 24 && !apart;
        lines.addAll(labelled("key:", entry.key(), 0, entry.key().length, apart));
        lines.addAll(labelled("value:", entry.value(), 0, entry.value().length, apart));
        return oneLine ? List.of(String.join("  ", lines)) : lines;
    }

    private static List<String> labelled(String label, byte[] bytes, int from, int length, boolean apart) {
        var lines = hex(bytes, from, length);
        if (apart || lines.isEmpty()) {
            lines.addFirst(label);
        } else {
            lines.set(0, label + " " + lines.getFirst());
        }
        return lines;
    }

    /** Sixteen bytes a line, two groups of eight. */
    private static List<String> hex(byte[] bytes, int from, int length) {
        var lines = new ArrayList<String>();
        var line = new StringBuilder();
        for (int i = 0; i < length; i++) {
            if (i % 16 == 0 && i > 0) {
                lines.add(line.toString());
                line.setLength(0);
            } else if (i > 0) {
                line.append(i % 8 == 0 ? "  " : " ");
            }
            line.append(String.format(Locale.ROOT, "%02x", bytes[from + i]));
        }
        if (!line.isEmpty()) {
            lines.add(line.toString());
        }
        return lines;
    }

    static String entryJson(
            LoadedMap.Entry entry, int valueBytes, boolean perCpu, Optional<Inventory.EntryTypes> types) {
        var json = new Json().addRaw("key", hexArray(entry.key(), 0, entry.key().length));
        if (!perCpu) {
            return formatted(
                    json.addRaw("value", hexArray(entry.value(), 0, entry.value().length)),
                    entry,
                    valueBytes,
                    false,
                    types);
        }
        int padded = valueBytes + 7 & ~7;
        var values = new ArrayList<String>();
        for (int cpu = 0; (cpu + 1) * padded <= entry.value().length; cpu++) {
            values.add(new Json()
                    .add("cpu", cpu)
                    .addRaw("value", hexArray(entry.value(), cpu * padded, valueBytes))
                    .toString());
        }
        return formatted(
                json.addRaw("values", values.toString().replace("}, {", "},{")), entry, valueBytes, true, types);
    }

    /** The same by its types behind the bytes. */
    private static String formatted(
            Json json, LoadedMap.Entry entry, int valueBytes, boolean perCpu, Optional<Inventory.EntryTypes> types) {
        types.ifPresent(known ->
                json.addRaw("formatted", "{" + TypedJson.entry(known, entry, valueBytes, perCpu, false) + "}"));
        return json.toString();
    }

    /** One instruction of a dump. */
    static String insnJson(Xlated.Line line, boolean opcodes) {
        var json = new Json();
        if (!line.head().isEmpty()) {
            json.add("proto", line.head());
        }
        if (!line.source().isEmpty()) {
            json.add("src", line.source());
        }
        json.add("disasm", line.text());
        if (opcodes) {
            var bytes = line.bytes();
            json.addRaw(
                    "opcodes",
                    new Json()
                            .add("code", "0x%02x".formatted(bytes[0]))
                            .add("src_reg", "0x%x".formatted(bytes[1] >> 4 & 0xf))
                            .add("dst_reg", "0x%x".formatted(bytes[1] & 0xf))
                            .addRaw("off", hexArray(bytes, 2, 2))
                            .addRaw("imm", bytes.length == 8 ? hexArray(bytes, 4, 4) : wideImmediate(bytes))
                            .toString());
        }
        return json.toString();
    }

    private static String wideImmediate(byte[] bytes) {
        var both = java.util.Arrays.copyOfRange(bytes, 4, 16);
        System.arraycopy(bytes, 12, both, 4, 4);
        return hexArray(both, 0, 8);
    }

    private static String hexArray(byte[] bytes, int from, int length) {
        var items = new ArrayList<String>();
        for (int i = 0; i < length; i++) {
            items.add(String.format(Locale.ROOT, "\"0x%02x\"", bytes[from + i]));
        }
        return "[" + String.join(",", items) + "]";
    }

    /** An object in the making. */
    private static final class Json {
        private final StringBuilder text = new StringBuilder("{");

        Json add(String name, long value) {
            return addRaw(name, Long.toString(value));
        }

        Json add(String name, boolean value) {
            return addRaw(name, Boolean.toString(value));
        }

        Json add(String name, String value) {
            return addRaw(name, quoted(value));
        }

        Json addRaw(String name, String value) {
            if (text.length() > 1) {
                text.append(',');
            }
            text.append(quoted(name)).append(':').append(value);
            return this;
        }

        @Override
        public String toString() {
            return text + "}";
        }
    }

    static String quoted(String text) {
        var quoted = new StringBuilder("\"");
        for (var c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
