package skep.arm64.lower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import skep.isa.Bytecode;
import skep.isa.kernel.Arch;
import skep.isa.object.LineTable;
import skep.target.MachineImage;

/**
 * What Debian's Linux 6.1 and 6.12 for arm64 made of our programs, beside what we make of the same bytecode. The recordings are written by
 * {@code skep.bench.Arm64Sizes --record}: on a Cortex-A72, which lacks LSE, and on a processor that has it.
 */
class KernelImageTest {
    static Stream<String> images() throws IOException {
        var lines = new java.util.ArrayList<String>();
        for (var file : List.of(
                "linux-6.1-images.txt",
                "linux-6.1-images-lse.txt",
                "linux-6.12-images.txt",
                "linux-6.12-images-lse.txt")) {
            try (var in = KernelImageTest.class.getResourceAsStream(file)) {
                lines.addAll(new String(in.readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .map(line -> file.replaceFirst("^linux-([0-9.]+)-.*", "$1 ") + line)
                        .toList());
            }
        }
        return lines.stream();
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("images")
    void linuxsStyleIsLinuxsCodeWordForWordAndOursIsShorter(String line) {
        var version = line.substring(0, line.indexOf(' '));
        var fields = line.substring(version.length() + 1).split(" ");
        var image = new MachineImage(
                Arch.ARM64,
                HexFormat.of().parseHex(fields[2]),
                numbers(fields[3], Integer::valueOf),
                fields.length > 4 ? numbers(fields[4], Long::valueOf) : List.of(),
                Bytecode.ofBytes(HexFormat.of().parseHex(fields[1])),
                LineTable.EMPTY,
                List.of());
        var laid = KernelImage.of(image).orElseThrow(() -> new AssertionError(fields[0] + ": another length"));
        assertEquals(List.of(), Arrays.stream(laid.differing()).boxed().toList(), fields[0]);
        assertEquals("LINUX_" + version.replace('.', '_'), laid.style().name(), fields[0]);
        int own = laid.own().sizeBytes();
        assertTrue(own < image.code().length, () -> fields[0] + ": " + own + " bytes");
    }

    /** What stands between brackets, separated by commas. */
    private static <T> List<T> numbers(String list, Function<String, T> number) {
        return Arrays.stream(list.substring(1, list.length() - 1).split(","))
                .filter(text -> !text.isEmpty())
                .map(number)
                .toList();
    }
}
