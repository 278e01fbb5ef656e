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

    /** Each field of each row at its limits, the other fields random, and words that are random in all fields. */
    private static LinkedHashSet<Integer> words() {
        var random = new Random(SEED);
        var words = new LinkedHashSet<Integer>();
        for (var row : Encoding.values()) {
            int base = row.word("");
            for (char field = 'A'; field <= 'z'; field++) {
                int width = row.width(field);
                for (int value : width == 0 ? new int[0] : new int[] {0, 1, (1 << width) - 1, 1 << width - 1}) {
                    words.add(fill(row, base, random, field, value));
                }
            }
            for (int i = 0; i < RANDOM_WORDS_PER_ROW; i++) {
                words.add(fill(row, base, random, '0', 0));
            }
        }
        return words;
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
