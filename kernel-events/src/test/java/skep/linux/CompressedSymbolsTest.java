package skep.linux;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.linux.sys.LocalSyscalls;

/** Symbols that were stripped from a program and put back as distributions do. */
class CompressedSymbolsTest {
    @TempDir
    private Path folder;

    private void run(String... command) throws Exception {
        int status = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        Assumptions.assumeTrue(status == 0, () -> String.join(" ", command) + " fails here");
    }

    @Test
    void functionsOfAStrippedProgramAreFoundInItsCompressedSection() throws Exception {
        for (var tool : new String[] {"gcc", "strip", "objcopy", "xz"}) {
            Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin", tool)), "there is no " + tool);
        }
        Files.writeString(
                folder.resolve("p.c"),
                "int hidden_away(int x) { return x * 3; } int main(int c, char **v) { return hidden_away(c); }");
        run("gcc", "-O0", "-o", "p", "p.c");
        run("cp", "p", "mini");
        run("strip", "--strip-debug", "mini");
        run("xz", "mini");
        run("strip", "p");
        var host = Host.of(LocalSyscalls.instance());
        assertFalse(LinuxBinary.open(host, folder.resolve("p").toString())
                .orElseThrow()
                .hasFunction("hidden_away"));
        run("objcopy", "--add-section", ".gnu_debugdata=mini.xz", "p", "with");
        assertTrue(LinuxBinary.open(host, folder.resolve("with").toString())
                .orElseThrow()
                .hasFunction("hidden_away"));
    }
}
