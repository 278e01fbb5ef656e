package skep.arm64.lower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import skep.isa.Bytecode;
import skep.isa.kernel.Arch;
import skep.isa.object.LineTable;
import skep.target.MachineImage;

/**
 * What Debian's Linux 6.1 for arm64 made of our programs, beside what we make of the same bytecode. The recordings are written by
 * {@code skep.bench.Arm64Sizes --record}: on a Cortex-A72, which lacks LSE, and on a processor that has it.
 */
class KernelImageTest {
    static Stream<String> images() throws IOException {
        var lines = new java.util.ArrayList<String>();
        for (var file : List.of("linux-6.1-images.txt", "linux-6.1-images-lse.txt")) {
            try (var in = KernelImageTest.class.getResourceAsStream(file)) {
                lines.addAll(new String(in.readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .toList());
            }
        }
        return lines.stream();
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("images")
    void linuxsStyleIsLinuxsCodeWordForWordAndOursIsShorter(String line) {
        var fields = line.split(" ");
        var sizes = fields[3].substring(1, fields[3].length() - 1);
        var image = new MachineImage(
                Arch.ARM64,
                HexFormat.of().parseHex(fields[2]),
                Arrays.stream(sizes.split(",")).map(Integer::valueOf).toList(),
                List.of(),
                Bytecode.ofBytes(HexFormat.of().parseHex(fields[1])),
                LineTable.EMPTY);
        var laid = KernelImage.of(image).orElseThrow(() -> new AssertionError(fields[0] + ": another length"));
        assertEquals(List.of(), Arrays.stream(laid.differing()).boxed().toList(), fields[0]);
        int own = laid.own().sizeBytes();
        assertTrue(own < image.code().length, () -> fields[0] + ": " + own + " bytes");
    }
}
