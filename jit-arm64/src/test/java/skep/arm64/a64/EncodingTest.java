package skep.arm64.a64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EncodingTest {
    private static final long SEED = 20_261_122;
    private static final int RANDOM_WORDS_PER_ROW = 400;

    @TempDir
    Path scratch;

    @Test
    void everyLogicalImmediateIsDecodedAndEncodedBack() {
        int found = 0;
        var seen = new java.util.HashSet<Long>();
        for (int bits13 = 0; bits13 < 1 << 13; bits13++) {
            var value = LogicalImmediate.decode(bits13 >> 12, bits13 >> 6 & 63, bits13 & 63, 64);
            if (value.isPresent() && seen.add(value.getAsLong())) {
                found++;
                int encoded = LogicalImmediate.encode(value.getAsLong(), 64).orElseThrow();
                assertEquals(
                        value,
                        LogicalImmediate.decode(encoded >> 12, encoded >> 6 & 63, encoded & 63, 64),
                        "" + bits13);
            }
        }
        assertEquals(5334, found);
    }

    @Test
    void valuesThatAreNoRunOfOnesHaveNoLogicalImmediate() {
        for (long value : new long[] {0, -1, 5, 0x1234, 0x8000_0000_0000_0005L}) {
            assertTrue(LogicalImmediate.encode(value, 64).isEmpty(), Long.toHexString(value));
        }
    }

    @Test
    void rowsAndLlvmAgreeOnEveryForm() throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of("/usr/bin/llvm-mc")), "llvm-mc is not installed (Debian: apt install llvm)");
        var words = new ArrayList<>(words());
        var expected = llvm(words);
        assertEquals(words.size(), expected.size());
        var wrong = new ArrayList<String>();
        for (int i = 0; i < words.size(); i++) {
            var ours = Disassembler.disassemble(words.get(i));
            if (!same(ours, expected.get(i))) {
                wrong.add(String.format(
                        "%08x %s: ours %s, theirs %s", words.get(i), Encoding.of(words.get(i)), ours, expected.get(i)));
            }
        }
        assertEquals(List.of(), wrong.subList(0, Math.min(60, wrong.size())), wrong.size() + " of " + words.size());
    }

    /**
     * GNU's assembler makes of our text the word that it came from. Not for {@code adrp}, whose distance counts in pages of where it lies;
     * GNU's disassembler reads that.
     */
    @Test
    void gnuAssemblesOurTextBackToTheSameWords() throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of("/usr/bin/aarch64-linux-gnu-as")),
                "aarch64-linux-gnu-as is not installed (Debian: apt install binutils-aarch64-linux-gnu)");
        var words = new ArrayList<Integer>();
        var source = new StringBuilder(".arch armv8.5-a+lse\n");
        for (int word : words()) {
            var text = Disassembler.disassemble(word);
            if (!text.startsWith(".word") && Encoding.of(word).orElseThrow() != Encoding.ADRP) {
                words.add(word);
                source.append(relocatable(word, text)).append('\n');
            }
        }
        var input = Files.writeString(scratch.resolve("gnu.s"), source);
        var object = scratch.resolve("gnu.o");
        var messages = scratch.resolve("gnu.err");
        run(messages, "aarch64-linux-gnu-as", "-o", object.toString(), input.toString());
        var flat = scratch.resolve("gnu.bin");
        run(messages, "aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", object.toString(), flat.toString());
        assertTrue(Files.exists(flat), () -> head(messages));
        var made = java.nio.ByteBuffer.wrap(Files.readAllBytes(flat)).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        var wrong = new ArrayList<String>();
        for (int word : words) {
            int theirs = made.getInt();
            if (theirs != word && !isSynonym(word, theirs)) {
                wrong.add(String.format("%08x: %s is %08x", word, Disassembler.disassemble(word), theirs));
            }
        }
        assertEquals(List.of(), wrong.subList(0, Math.min(60, wrong.size())), wrong.size() + " of " + words.size());
    }

    /** Distances are given from the instruction itself. */
    private static String relocatable(int word, String text) {
        boolean relative = switch (Encoding.of(word).orElseThrow()) {
            case B, BL, B_COND, CBZ, CBNZ, TBZ, TBNZ, LDR_LITERAL_W, LDR_LITERAL_X, ADR -> true;
            default -> false;
        };
        int at = text.lastIndexOf('#');
        return relative ? text.substring(0, at) + ".+(" + text.substring(at + 1) + ")" : text;
    }

    /** Two words for one instruction: our text is the same for both. */
    private static boolean isSynonym(int word, int theirs) {
        return Disassembler.disassemble(word).equals(Disassembler.disassemble(theirs));
    }

    private static String head(Path file) {
        try {
            return String.join("\n", Files.readAllLines(file).stream().limit(40).toList());
        } catch (IOException unreadable) {
            return unreadable.toString();
        }
    }

    private static void run(Path messages, String... command) throws IOException, InterruptedException {
        new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(messages.toFile()))
                .start()
                .waitFor();
    }

    /**
     * Every register, condition, shift and other short field of each row through all its values, longer ones at their limits and at all powers
     * of two, all bit masks, and words that are random in all fields; the other fields random.
     */
    private static LinkedHashSet<Integer> words() {
        var random = new Random(SEED);
        var words = new LinkedHashSet<Integer>();
        for (var row : Encoding.values()) {
            int base = row.word("");
            for (char field = 'A'; field <= 'z'; field++) {
                for (int value : values(row.width(field))) {
                    words.add(fill(row, base, random, field, value));
                }
            }
            if (row.operands().contains("bitmask")) {
                for (int mask = 0; mask < 1 << 13; mask++) {
                    int fields = row.word("brq", mask >> 12 == 0 ? 0 : -1, signed(mask >> 6), signed(mask));
                    words.add(fields | random.nextInt() & 0x8000_03ff & ~base & free(row));
                    words.add(fields | 0x8000_0000 | random.nextInt(1 << 10) & free(row));
                }
            }
            for (int i = 0; i < RANDOM_WORDS_PER_ROW; i++) {
                words.add(fill(row, base, random, '0', 0));
            }
        }
        return words;
    }

    private static int signed(int sixBits) {
        return sixBits << 26 >> 26;
    }

    /** The bits of a row's registers and width. */
    private static int free(Encoding row) {
        int bits = 0;
        for (char field : new char[] {'s', 'n', 'd'}) {
            if (row.width(field) > 0) {
                bits |= row.word("" + field, -1) ^ row.word("");
            }
        }
        return bits;
    }

    private static int[] values(int width) {
        if (width <= 6) {
            return java.util.stream.IntStream.range(0, width == 0 ? 0 : 1 << width)
                    .toArray();
        }
        int top = 1 << width - 1;
        int all = (1 << width) - 1;
        var limits = java.util.stream.IntStream.of(0, 1, 2, 3, top - 1, top, top + 1, all - 1, all);
        return java.util.stream.IntStream.concat(
                        limits, java.util.stream.IntStream.range(0, width).map(bit -> 1 << bit))
                .distinct()
                .toArray();
    }

    private static int fill(Encoding row, int base, Random random, char fixed, int value) {
        int word = base;
        for (char field = 'A'; field <= 'z'; field++) {
            int width = row.width(field);
            if (width > 0) {
                int pick = field == fixed ? value : random.nextInt(1 << width);
                word |= row.word("" + field, pick << 32 - width >> 32 - width) & ~base;
            }
        }
        return word;
    }

    /** One line a word; an empty line for one that LLVM refuses. */
    private List<String> llvm(List<Integer> words) throws IOException, InterruptedException {
        var bytes = new StringBuilder();
        for (int word : words) {
            bytes.append(String.format(
                    "0x%02x 0x%02x 0x%02x 0x%02x%n", word & 0xff, word >> 8 & 0xff, word >> 16 & 0xff, word >>> 24));
        }
        var input = Files.writeString(scratch.resolve("words"), bytes);
        var output = scratch.resolve("listing");
        var process = new ProcessBuilder(
                        "llvm-mc",
                        "--disassemble",
                        "-triple=aarch64",
                        "-mattr=+lse,+v8.5a",
                        "--show-encoding",
                        input.toString())
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        process.waitFor();
        var byWord = new java.util.HashMap<Integer, String>();
        for (var line : Files.readAllLines(output, StandardCharsets.UTF_8)) {
            int at = line.indexOf("// encoding: [");
            if (at < 0) {
                continue;
            }
            var parts = line.substring(at + 14, line.indexOf(']', at)).split(",");
            int word = 0;
            for (int i = 0; i < 4; i++) {
                word |= Integer.decode(parts[i]) << 8 * i;
            }
            byWord.put(word, line.substring(0, at).strip().replaceAll("\\s+", " "));
        }
        return words.stream().map(word -> byWord.getOrDefault(word, "")).toList();
    }

    /** Equal but for the spelling of numbers; what LLVM refuses must be no instruction for us either. */
    private static boolean same(String ours, String theirs) {
        if (theirs.isEmpty()) {
            return ours.startsWith(".word");
        }
        return normal(ours).equals(normal(theirs));
    }

    private static String normal(String text) {
        var out = new StringBuilder();
        var matcher =
                java.util.regex.Pattern.compile("#(-?)(0x[0-9a-f]+|[0-9]+)").matcher(text);
        while (matcher.find()) {
            var digits = matcher.group(2);
            long value = digits.startsWith("0x")
                    ? Long.parseUnsignedLong(digits.substring(2), 16)
                    : Long.parseUnsignedLong(digits);
            matcher.appendReplacement(out, "#" + (matcher.group(1).isEmpty() ? value : -value));
        }
        return matcher.appendTail(out).toString();
    }
}
