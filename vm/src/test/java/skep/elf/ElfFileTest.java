package skep.elf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class ElfFileTest {
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

    private static byte[] program() throws Exception {
        Assumptions.assumeTrue(Files.isRegularFile(JAVA), "no launcher of this JDK");
        return Files.readAllBytes(JAVA);
    }

    @Test
    void aProgramHasSectionsSegmentsAndAnEntryWithinItsCode() throws Exception {
        var file = ElfFile.of(program());
        var text = file.section(".text").orElseThrow();
        assertTrue(text.hasCode());
        assertTrue(file.entryAddress() >= text.address() && file.entryAddress() < text.address() + text.sizeBytes());
        long offset = file.fileOffset(text.address()).orElseThrow();
        assertEquals(text.offset(), offset);
        assertEquals(text.address(), file.address(offset).orElseThrow());
        assertTrue(file.fileOffset(0x7fff_ffff_ffffL).isEmpty());
    }

    @Test
    void anAddressWithinAFunctionFindsIt() throws Exception {
        var libjvm = Path.of(System.getProperty("java.home"), "lib", "server", "libjvm.so");
        Assumptions.assumeTrue(Files.isRegularFile(libjvm), "no libjvm");
        var symbols = ElfFile.of(Files.readAllBytes(libjvm)).symbols();
        var function = symbols.find("JNI_CreateJavaVM").orElseThrow();
        assertTrue(function.isFunction() && function.isGlobal() && function.sizeBytes() > 0);
        assertEquals(
                function,
                symbols.at(function.address() + function.sizeBytes() / 2).orElseThrow());
    }

    @Test
    void damagedFilesAreRefusedWithOurExceptionAndNoOther() throws Exception {
        var good = program();
        var random = new Random(1);
        for (int round = 0; round < 2000; round++) {
            var bytes = java.util.Arrays.copyOf(good, round % 3 == 0 ? random.nextInt(good.length) : good.length);
            for (int i = 0; i < 1 + random.nextInt(8) && bytes.length > 0; i++) {
                int limit = random.nextBoolean() ? Math.min(64, bytes.length) : bytes.length;
                bytes[random.nextInt(limit)] = (byte) random.nextInt();
            }
            try {
                var file = ElfFile.of(bytes);
                file.symbols().forEach(symbol -> symbol.name().length());
                file.buildId();
                file.debugLink();
                UsdtNotes.of(file);
            } catch (MalformedElfException expected) {
                assertTrue(!expected.getMessage().isEmpty());
            }
        }
        assertThrows(MalformedElfException.class, () -> ElfFile.of(new byte[0]));
    }
}
