package skep.vm.conformance;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PushbackInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.zip.GZIPInputStream;

/** A program of a public suite and what must come of it. */
sealed interface TestRow {
    String name();

    /**
     * A row of bpf_conformance or of ubpf's own tests: r1 points to {@code memory}, r2 is its length.
     *
     * @param code empty if the suite's assembler could not make one
     * @param result r0; empty if the program must be refused
     * @param negative whether the result is one that must not come out: a test of the tester
     */
    record Conformance(String name, Optional<byte[]> code, byte[] memory, OptionalLong result, boolean negative)
            implements TestRow {}

    /**
     * A row of Linux's lib/test_bpf.c: a program that is run on data of several sizes.
     *
     * @param flags bit 0: no data; 1: must be refused; 2: the packet has a fragment; 4: memory instead of a packet
     */
    record Kernel(String name, boolean classic, int flags, byte[] code, byte[] data, byte[] fragment, List<Run> runs)
            implements TestRow {
        static final int NO_DATA = 1;
        static final int MUST_FAIL = 1 << 1;
        static final int FRAGMENT = 1 << 2;
        static final int MEMORY = 1 << 4;

        boolean is(int flag) {
            return (flags & flag) != 0;
        }

        /** A run on the first {@code sizeBytes} of the data, and the low word of r0. */
        record Run(int sizeBytes, int result) {}
    }

    /**
     * Reads a file of rows, one JSON object a line, plain or compressed with gzip.
     *
     * @throws IllegalArgumentException naming the line that is no row
     */
    static List<TestRow> read(Path file) throws IOException {
        var rows = new ArrayList<TestRow>();
        var lines = lines(file);
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            try {
                rows.add(parse(lines.get(i)));
            } catch (IllegalArgumentException noRow) {
                throw new IllegalArgumentException(file + ":" + (i + 1) + ": " + noRow.getMessage(), noRow);
            }
        }
        return rows;
    }

    /** The lines of a file, plain or compressed with gzip. */
    static List<String> lines(Path file) throws IOException {
        try (var raw = new PushbackInputStream(Files.newInputStream(file), 2)) {
            var head = raw.readNBytes(2);
            raw.unread(head);
            boolean compressed = head.length == 2 && head[0] == 0x1f && head[1] == (byte) 0x8b;
            try (var reader = new BufferedReader(
                    new InputStreamReader(compressed ? new GZIPInputStream(raw) : raw, StandardCharsets.UTF_8))) {
                return reader.lines().toList();
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
        }
    }

    /**
     * Parses one row.
     *
     * @throws IllegalArgumentException if it is none
     */
    static TestRow parse(String line) {
        var row = Json.object(line);
        var name = Json.string(row, "name").orElseThrow(() -> new IllegalArgumentException("row without name"));
        return row.containsKey("tests") ? kernel(name, row) : conformance(name, row);
    }

    private static TestRow conformance(String name, Map<?, ?> row) {
        boolean mustFail = Json.string(row, "error").isPresent()
                || Json.string(row, "asm_error").isPresent();
        var result = Json.string(row, "result");
        return new Conformance(
                name,
                Json.string(row, "insns").map(TestRow::bytes),
                Json.string(row, "mem").map(TestRow::bytes).orElse(new byte[0]),
                mustFail || result.isEmpty() ? OptionalLong.empty() : OptionalLong.of(number(result.get())),
                Json.string(row, "suite").orElse("").endsWith("_negative"));
    }

    private static TestRow kernel(String name, Map<?, ?> row) {
        var runs = new ArrayList<Kernel.Run>();
        if (row.get("tests") instanceof List<?> tests) {
            for (var test : tests) {
                if (test instanceof List<?> pair
                        && pair.size() == 2
                        && pair.get(0) instanceof Number size
                        && pair.get(1) instanceof Number result) {
                    runs.add(new Kernel.Run(size.intValue(), result.intValue()));
                }
            }
        }
        return new Kernel(
                name,
                Json.string(row, "kind").orElse("").equals("cbpf"),
                Json.integer(row, "aux"),
                Json.string(row, "insns").map(TestRow::bytes).orElse(new byte[0]),
                Json.string(row, "data").map(TestRow::bytes).orElse(new byte[0]),
                Json.string(row, "frag_data").map(TestRow::bytes).orElse(new byte[0]),
                List.copyOf(runs));
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
    }

    private static long number(String text) {
        return text.startsWith("0x") || text.startsWith("0X")
                ? Long.parseUnsignedLong(text.substring(2), 16)
                : Long.parseLong(text);
    }
}
