package skep.arm64.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.arm64.lower.UnsupportedInsnException;
import skep.isa.Bytecode;
import skep.isa.DecodedProgram;

/** Public conformance programs as A64 code on an emulated processor. */
class EmulatedConformanceTest {
    private static final Path DATA = Path.of(System.getProperty("skep.root", ".."), "..", "shared", "data", "isa");

    @TempDir
    Path scratch;

    @ParameterizedTest
    @EnumSource
    void conformanceProgramsGiveTheirResults(EmulatedBatch.Way way) throws IOException, InterruptedException {
        var rows = lines("conformance.jsonl");
        var jobs = new ArrayList<EmulatedBatch.Job>();
        var names = new ArrayList<String>();
        var expected = new ArrayList<Long>();
        var wrong = new ArrayList<String>();
        for (var row : rows) {
            var result = text(row, "result");
            var code = text(row, "insns");
            boolean mustFail = text(row, "error").isPresent()
                    || text(row, "suite").orElse("").endsWith("_negative")
                    || text(row, "name").orElse("").startsWith("err-");
            if (result.isEmpty() || code.isEmpty() || mustFail) {
                continue;
            }
            DecodedProgram program;
            try {
                program = DecodedProgram.of(Bytecode.ofBytes(HexFormat.of().parseHex(code.get())));
                way.lower(program, new EmulatedBatch.TestCalls(program, 0));
            } catch (UnsupportedInsnException refusal) {
                if (!isExpected(refusal)) {
                    wrong.add(text(row, "name").orElse("?") + " refused: " + refusal.getMessage());
                }
                continue;
            }
            jobs.add(new EmulatedBatch.Job(
                    program, HexFormat.of().parseHex(text(row, "mem").orElse(""))));
            names.add(text(row, "name").orElse("?"));
            expected.add(Long.parseUnsignedLong(result.get().replaceFirst("^0x", ""), 16));
        }
        var results = new EmulatedBatch(scratch, way).run(jobs);
        for (int i = 0; i < results.size(); i++) {
            var actual = results.get(i);
            if (actual.isEmpty() || actual.getAsLong() != expected.get(i)) {
                wrong.add(names.get(i) + ": expected " + Long.toHexString(expected.get(i)) + ", was "
                        + (actual.isEmpty() ? "a fault" : Long.toHexString(actual.getAsLong())));
            }
        }
        assertEquals(List.of(), wrong, jobs.size() + " programs");
    }

    private static boolean isExpected(UnsupportedInsnException refusal) {
        var reason = String.valueOf(refusal.getMessage());
        return reason.equals("no such call in this test") || reason.startsWith("Linux 6.1 ");
    }

    @ParameterizedTest
    @EnumSource(names = {"CHECKED", "VERIFIED"})
    void programsOfTheKernelsOwnTestModuleGiveTheirResults(EmulatedBatch.Way way)
            throws IOException, InterruptedException {
        var jobs = new ArrayList<EmulatedBatch.Job>();
        var names = new ArrayList<String>();
        var expected = new ArrayList<Integer>();
        var wrong = new ArrayList<String>();
        var tests = Pattern.compile("\"tests\": \\[\\[(\\d+), (-?\\d+)\\]");
        for (var row : lines("test_bpf.jsonl.gz")) {
            var matcher = tests.matcher(row);
            if (!row.contains("\"kind\": \"ebpf\"") || !matcher.find()) {
                continue;
            }
            DecodedProgram program;
            try {
                program = DecodedProgram.of(Bytecode.ofBytes(
                        HexFormat.of().parseHex(text(row, "insns").orElseThrow())));
                way.lower(program, new EmulatedBatch.TestCalls(program, 0));
            } catch (UnsupportedInsnException refusal) {
                if (!isExpected(refusal)) {
                    wrong.add(text(row, "name").orElse("?") + " refused: " + refusal.getMessage());
                }
                continue;
            }
            jobs.add(new EmulatedBatch.Job(program, new byte[Integer.parseInt(matcher.group(1))]));
            names.add(text(row, "name").orElse("?"));
            expected.add((int) Long.parseLong(matcher.group(2)));
        }
        var results = new EmulatedBatch(scratch, way).run(jobs);
        for (int i = 0; i < results.size(); i++) {
            var actual = results.get(i);
            if (actual.isEmpty() || (int) actual.getAsLong() != expected.get(i)) {
                wrong.add(names.get(i) + ": expected " + Integer.toHexString(expected.get(i)) + ", was "
                        + (actual.isEmpty() ? "a fault" : Long.toHexString(actual.getAsLong())));
            }
        }
        assertEquals(List.of(), wrong, jobs.size() + " programs");
    }

    @Tag("slow")
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"CHECKED", "VERIFIED"})
    void theyDoHoweverTheyAreMade(EmulatedBatch.Way way) throws IOException, InterruptedException {
        programsOfTheKernelsOwnTestModuleGiveTheirResults(way);
    }

    private static List<String> lines(String file) throws IOException {
        var path = DATA.resolve(file);
        Assumptions.assumeTrue(Files.isReadable(path), "conformance data is not here: " + file);
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of("/usr/bin/qemu-aarch64")),
                "qemu-aarch64 is not installed (Debian: apt install qemu-user)");
        try (var in = Files.newInputStream(path);
                var reader = new BufferedReader(new InputStreamReader(
                        file.endsWith(".gz") ? new GZIPInputStream(in) : in, StandardCharsets.UTF_8))) {
            return reader.lines().toList();
        }
    }

    private static Optional<String> text(String row, String field) {
        var matcher = Pattern.compile("\"" + field + "\": \"([^\"]*)\"").matcher(row);
        return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }
}
