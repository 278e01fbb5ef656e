package skep.vm.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.elf.ObjectWriter;
import skep.isa.Assembler;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.ProgramSpec;
import skep.target.ToolCommand;

class CommandsTest {
    @TempDir
    Path folder;

    @Test
    void thePluginReadsHexAndWritesHex() {
        var program = HexFormat.of()
                .formatHex(Assembler.assemble("r0 = *(u16 *)(r1 +1)\nr0 += r2\nexit")
                        .toBytes());
        assertEquals("3303\n", output("vm plugin", program + "\n", "aa 00 33"));
        assertEquals("3303\n", output("vm plugin", "", "aa0033", "--program", program, "--backend=interp"));
    }

    @Test
    void conformancePrintsALineARowAndTotals() throws IOException {
        var rows = Files.writeString(folder.resolve("rows.jsonl"), """
                {"suite": "s", "name": "one", "insns": "b7000000010000009500000000000000", "mem": null, "result": "0x1", "error": null, "asm_error": null}
                {"suite": "s", "name": "bad", "insns": "b700000001000000", "mem": null, "result": null, "error": "falls off", "asm_error": null}
                {"suite": "s", "name": "two", "insns": "b7000000010000009500000000000000", "mem": null, "result": "0x2", "error": null, "asm_error": null}
                {"name": "k", "kind": "cbpf", "aux": 64, "insns": "16000000000000000000", "data": "", "frag_data": "", "tests": [[0, 1]]}
                """);
        var lines = output("vm conformance", "", rows.toString()).lines().toList();
        assertTrue(
                lines.get(0).startsWith("{\"name\": \"one\", \"ok\": true, \"r0\": \"0x1\", \"us\": "), lines.get(0));
        assertTrue(
                lines.get(1).startsWith("{\"name\": \"bad\", \"ok\": true, \"error\": \"insn 0: last instruction"),
                lines.get(1));
        assertTrue(lines.get(2).startsWith("{\"name\": \"two\", \"ok\": false, \"r0\": \"0x1\""), lines.get(2));
        assertTrue(lines.get(3).startsWith("{\"name\": \"k\", \"ok\": false, \"error\": \"filter of 10"), lines.get(3));
        assertEquals("2 right, 1 refused, 1 wrong of 4", lines.get(4));
    }

    private static final String ROWS = """
            {"name": "good", "insns": "b7000000010000009500000000000000", "prog_type_id": 5, "kernel_6_18": {"verdict": "accept"}}
            {"name": "bad", "insns": "bf300000000000009500000000000000", "prog_type_id": 5, "kernel_6_18": {"verdict": "reject", "log_tail": "R3 !read_ok"}}
            {"name": "unsure", "insns": "bf300000000000009500000000000000", "prog_type_id": 5, "kernel_6_18": {"verdict": "accept"}}
            {"name": "blocked", "insns": "b7000000010000009500000000000000", "prog_type_id": 5, "kernel_6_18": {"verdict": "env_blocked"}}
            """;

    @Test
    void verifyPrintsALineARowInTheirOrderAndTotals() throws IOException {
        var plain = Files.writeString(folder.resolve("rows.jsonl"), ROWS);
        var gzip = folder.resolve("rows.jsonl.gz");
        try (var out = new java.util.zip.GZIPOutputStream(Files.newOutputStream(gzip))) {
            out.write(ROWS.getBytes(StandardCharsets.UTF_8));
        }
        for (var file : List.of(plain, gzip)) {
            var lines = output("vm verify", "", file.toString()).lines().toList();
            assertEquals(5, lines.size());
            assertTrue(
                    lines.get(0)
                            .matches("\\{\"name\": \"good\", \"verdict\": \"accept\", \"message\": \"\", "
                                    + "\"insns_processed\": 2, \"us\": \\d+}"),
                    lines.get(0));
            assertTrue(
                    lines.get(1)
                            .startsWith("{\"name\": \"bad\", \"verdict\": \"reject\", \"message\": \"R3 !read_ok\""),
                    lines.get(1));
            assertEquals("2 agree, 1 disagree (0 accepted that the reference rejects) of 3", lines.get(4));
        }
    }

    @Test
    void verifySaysWhichRowIsMalformed() throws IOException {
        assertEquals("vm verify: there is no file nowhere\n", errors("vm verify", "nowhere"));
        assertTrue(errors("vm verify").startsWith("vm verify: a file of rows or an ELF object is needed"));
        assertTrue(errors("vm verify", "--quick").startsWith("vm verify: unknown option --quick; there are --explain"));
        var file = Files.writeString(
                folder.resolve("bad.jsonl"), ROWS.lines().findFirst().orElseThrow() + "\n{\"name\": 7}\n");
        assertEquals("vm verify: " + file + ": row 2: row without name\n", errors("vm verify", file.toString()));
        var odd = Files.writeString(folder.resolve("odd.jsonl"), "{\"name\": \"x\", \"insns\": \"b70\"}\n");
        assertTrue(errors("vm verify", odd.toString()).startsWith("vm verify: " + odd + ": row 1: "));
    }

    @Test
    void explainShowsTheLoopThatCosts() throws IOException {
        var code = HexFormat.of().formatHex(Assembler.assemble("""
                        r6 = 0
                        call bpf_get_prandom_u32
                        if r0 > 7 goto pc+1
                        r7 = 1
                        r6 += 1
                        if r6 < 50 goto pc-5
                        r0 = 0
                        exit
                        """).toBytes());
        var file = Files.writeString(
                folder.resolve("loop.jsonl"),
                "{\"name\": \"loop\", \"insns\": \"" + code + "\", \"prog_type_id\": 5}\n");
        var text = output("vm verify", "", "--explain", file.toString());
        assertTrue(text.contains("is the loop of slots 1 to 5"), text);
        assertTrue(text.contains("-- by branch: paths"), text);
        assertTrue(text.contains("├ from 2 to 4, as explored before at 4"), text);
        assertTrue(text.contains("-- by instruction"), text);
    }

    @Test
    void anObjectFileIsExplainedBySourceLine() throws IOException {
        var code = Assembler.assemble("r0 = 0\nr0 += 1\nif r0 < 9 goto pc-2\nr0 = 0\nexit");
        var lines = new LineTable(List.of(
                new LineTable.Entry(0, "x.bt", 0, 1, 1, "begin {"),
                new LineTable.Entry(1, "x.bt", 0, 1, 2, "  while ($i < 9) { $i++; }"),
                new LineTable.Entry(3, "x.bt", 0, 1, 3, "}")));
        var program = new ProgramSpec(
                "count", ProgramType.SOCKET_FILTER, Optional.empty(), "", "GPL", code, List.of(), lines);
        var file = Files.write(
                folder.resolve("count.o"),
                ObjectWriter.write(new BpfObject(List.of(program), List.of()), Map.of("count", "socket")));
        var text = output("vm verify", "", "--explain", file.toString());
        assertTrue(text.contains("== count"), text);
        assertTrue(text.contains("-- by source line"), text);
        assertTrue(text.contains("line 2: while ($i < 9) { $i++; }"), text);
        assertTrue(text.contains("%, is the loop of slots 1 to 2, 9 rounds"), text);
    }

    private static String errors(String command, String... arguments) {
        var err = new ByteArrayOutputStream();
        ServiceLoader.load(ToolCommand.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(c -> c.name().equals(command))
                .findFirst()
                .orElseThrow()
                .run(
                        List.of(arguments),
                        new ByteArrayInputStream(new byte[0]),
                        new PrintStream(new ByteArrayOutputStream()),
                        new PrintStream(err, true, StandardCharsets.UTF_8));
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aCaptureIsFilteredByTheNumbersOfTcpdump() throws IOException {
        var capture = ByteBuffer.allocate(1000).order(ByteOrder.LITTLE_ENDIAN);
        capture.putInt(0xa1b2c3d4).putShort((short) 2).putShort((short) 4);
        capture.putInt(0).putInt(0).putInt(65535).putInt(1);
        for (int etherType : new int[] {0x0008, 0xdd86, 0x0608}) {
            capture.putInt(7).putInt(5).putInt(20).putInt(60);
            capture.put(new byte[12]).putShort((short) etherType).put(new byte[6]);
        }
        var file = folder.resolve("a.pcap");
        Files.write(file, java.util.Arrays.copyOf(capture.array(), capture.position()));
        assertEquals(
                "2: 7.000005 length 60\n1 of 3 packets\n",
                output("pcap", "", "-f", "4\n40 0 0 12\n21 0 1 34525\n6 0 0 65535\n6 0 0 0\n", file.toString()));
    }

    @Test
    void aProgramIsTimedVerifiedIfItCanBe() throws IOException {
        var memory = Files.write(folder.resolve("memory"), new byte[] {5, 0, 0, 0, 0, 0, 0, 0});
        var good = Files.write(
                folder.resolve("good"),
                Assembler.assemble("r0 = *(u8 *)(r1 +0)\nr0 += r2\nexit").toBytes());
        var far = Files.write(
                folder.resolve("far"),
                Assembler.assemble("r2 = *(u8 *)(r1 +0)\nr1 += r2\nr0 = *(u32 *)(r1 +0)\nexit")
                        .toBytes());
        var short_ = Files.write(folder.resolve("short"), new byte[] {1, 2, 3});
        for (var backend : List.of("interp", "jvm", "tiered")) {
            var options = List.of("--seconds", "0", "--memory", memory.toString(), "--backend", backend);
            var line = bench(options, good.toString());
            assertTrue(line.contains(" ns a run minimum, ") && line.contains("3 insns"), line);
            assertTrue(line.contains("r0 0xd, ") && line.contains(", verified"), line);
            var checked = bench(options, "--verify", "no", good.toString());
            assertTrue(checked.contains("r0 0xd, ") && checked.contains("checked at run time"), checked);
            assertTrue(bench(options, far.toString()).contains("outside every region"), "a fault is told");
            assertTrue(bench(options, short_.toString()).contains("vm bench: "), "half an instruction");
            assertTrue(bench(options, folder.resolve("none").toString()).contains("cannot read"), "no such file");
        }
    }

    private static String bench(List<String> options, String... more) {
        var arguments = new java.util.ArrayList<>(options);
        arguments.addAll(List.of(more));
        return output("vm bench", "", arguments.toArray(String[]::new));
    }

    private static String output(String command, String input, String... arguments) {
        var bytes = new ByteArrayOutputStream();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        for (var tool : ServiceLoader.load(ToolCommand.class)) {
            if (tool.name().equals(command)) {
                tool.run(
                        List.of(arguments), new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), out, out);
            }
        }
        return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }
}
