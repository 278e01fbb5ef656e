package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import skep.isa.kernel.Arch;
import skep.session.Listing;
import skep.session.ScriptException;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.view.TextRenderer;
import skep.session.view.View;
import skep.target.Target;
import skep.target.TargetException;

/** Static probes of a program: listing, arguments of all forms, semaphores, places that differ. */
class StaticProbeTest {
    /** Notes as {@code sys/sdt.h} makes them; the second place of {@code shop:sold} has its arguments elsewhere. */
    private static final String PROGRAM = """
            unsigned short gate __attribute__((section(".probes"))) = 0;
            int global = -77;
            struct { long pad; short in; } record = {1, -3};
            long table[4] = {10, 20, 30, 40};
            char word[] = "hello";
            #define NOTE(name, arguments, semaphore) \\
              "990: nop\\n.pushsection .note.stapsdt,\\"?\\",\\"note\\"\\n.balign 4\\n" \\
              ".4byte 992f-991f, 994f-993f, 3\\n991: .asciz \\"stapsdt\\"\\n992: .balign 4\\n" \\
              "993: .8byte 990b\\n.8byte _.stapsdt.base\\n.8byte " semaphore "\\n" \\
              ".asciz \\"shop\\"\\n.asciz \\"" name "\\"\\n.asciz \\"" arguments "\\"\\n994: .balign 4\\n.popsection\\n" \\
              ".ifndef _.stapsdt.base\\n.pushsection .stapsdt.base,\\"aG\\",\\"progbits\\",.stapsdt.base,comdat\\n" \\
              ".weak _.stapsdt.base\\n.hidden _.stapsdt.base\\n_.stapsdt.base: .space 1\\n.size _.stapsdt.base, 1\\n.popsection\\n.endif\\n"
            int getchar(void);
            int main(int argc, char **argv) {
              if (argc > 1) getchar();
              register long *r8 __asm__("r8"); register long *r9 __asm__("r9"); register long r10 __asm__("r10");
              long local[2] = {-100, -200};
              word[0] = 'h'; table[0]++; global--; record.in--;
              if (*(volatile unsigned short *)&gate) {
                r8 = local; r9 = table; r10 = 2;
                __asm__ volatile(NOTE("sold",
                 "-4@%%edi 8@%%rsi -1@%%al 1@%%al 2@%%cx -8@$-5 8@$0x10 8@(%%r8) -8@8(%%r8) 8@(%%r9,%%r10,8) -4@global(%%rip) -2@record+8(%%rip)", "gate")
                 :: "D"(-1L), "S"(word), "a"(0xf0L), "c"(0x1ffffL), "r"(r8), "r"(r9), "r"(r10), "m"(local), "m"(table), "m"(global), "m"(record));
                __asm__ volatile(NOTE("sold", "-4@%%ecx 8@%%rdx", "gate") :: "c"(7L), "d"(word));
                __asm__ volatile(NOTE("closed", "", "0"));
              }
              return 0;
            }
            """;

    @TempDir
    Path folder;

    private Target target;
    private Path program;

    @BeforeEach
    void compile() throws IOException, InterruptedException {
        try {
            target = Targets.open(Targets.LIVE);
        } catch (TargetException refused) {
            Assumptions.abort("this user may not trace the live kernel");
            throw refused;
        }
        Assumptions.assumeTrue(target.kernel().arch() == Arch.X86_64, "the notes are for x86-64");
        var source = Files.writeString(folder.resolve("shop.c"), PROGRAM);
        program = folder.resolve("shop");
        Process compiler;
        try {
            compiler = new ProcessBuilder("cc", "-O1", "-o", program.toString(), source.toString())
                    .inheritIO()
                    .start();
        } catch (IOException missing) {
            Assumptions.abort("no C compiler here");
            throw missing;
        }
        assertTrue(compiler.waitFor(60, TimeUnit.SECONDS) && compiler.exitValue() == 0);
    }

    @AfterEach
    void close() {
        target.close();
    }

    private String run(String script) {
        var renderer = new TextRenderer();
        var text = new StringBuilder();
        var options =
                SessionOptions.DEFAULT.withDuration(Duration.ofSeconds(30)).withCommand(program.toString());
        try (var session = Session.prepare(target, "stdin", script, options, view -> {
            if (!renderer.isForStandardError(view)) {
                text.append(renderer.render(view));
            }
        })) {
            session.run();
        }
        return text.toString().strip();
    }

    @Test
    void argumentsOfAllFormsHaveTheirValuesWhereverAPlaceHasThem() {
        var said = run("usdt:" + program + ":shop:sold { if (arg0 < 0) { "
                + "printf(\"%d %s\\n\", arg0, str(arg1)); } else { printf(\"%d %s\\n\", arg0, str(arg1)); } }");
        assertEquals("-1 hello\n7 hello", said);
        // The first place is alone in having more than two.
        assertThrows(ScriptException.class, () -> run("usdt:" + program + ":shop:sold { print(arg2); }"));
    }

    @Test
    void constantsPartsOfRegistersMemoryAndVariablesAreRead() throws IOException, InterruptedException {
        Files.writeString(
                folder.resolve("shop.c"), PROGRAM.replace("NOTE(\"sold\", \"-4@%%ecx", "NOTE(\"other\", \"-4@%%ecx"));
        assertEquals(
                0,
                new ProcessBuilder(
                                "cc",
                                "-O1",
                                "-o",
                                program.toString(),
                                folder.resolve("shop.c").toString())
                        .start()
                        .waitFor());
        var said = run(
                "usdt:" + program
                        + ":sold { printf(\"%d %d %d %d %d %d %d %d %d %d %d\\n\", arg0, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9, arg10, arg11); }");
        assertEquals("-1 -16 240 65535 -5 16 -100 -200 30 -78 -4", said);
    }

    @Test
    void aProbeWithoutArgumentsSaysSo() {
        var refused = assertThrows(ScriptException.class, () -> run("usdt:" + program + ":closed { print(arg0); }"));
        assertTrue(refused.getMessage().contains("it has no arguments"), refused.getMessage());
    }

    @Test
    void staticProbesAndFunctionsOfAProgramAreListed() {
        var lines = new ArrayList<String>();
        Listing.list(target, "usdt:" + program + ":*", false, lines::add);
        assertEquals(List.of("usdt:" + program + ":shop:sold", "usdt:" + program + ":shop:closed"), lines);
        lines.clear();
        Listing.list(target, "uprobe:" + program + ":mai*", false, lines::add);
        assertEquals(List.of("uprobe:" + program + ":main"), lines);
        lines.clear();
        Listing.list(target, "usdt:*", false, lines::add);
        assertEquals(List.of(), lines);
    }

    @Test
    void theProbesOfAProcessAreThoseOfAllThatItHasMapped() throws IOException, InterruptedException {
        var process = new ProcessBuilder(program.toString(), "wait").start();
        try {
            var pid = OptionalInt.of((int) process.pid());
            var lines = new ArrayList<String>();
            // Its libraries are mapped by the loader, after it has started.
            for (int i = 0; i < 6_000 && lines.stream().noneMatch(line -> line.endsWith(":getchar")); i++) {
                Thread.sleep(10);
                lines.clear();
                Listing.list(target, "uprobe:*:getchar", false, pid, lines::add);
            }
            assertTrue(lines.getFirst().contains("/libc"), lines.toString());
            lines.clear();
            Listing.list(target, "usdt:*", false, pid, lines::add);
            assertTrue(lines.contains("usdt:" + program + ":shop:sold"), lines.toString());
            assertTrue(lines.contains("usdt:" + program + ":shop:closed"), lines.toString());
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void eachPlaceOfAStaticProbeIsAProbeThatWasAttached() {
        for (var body : List.of("{ @++; }", "{ @ = max(arg1); }")) {
            var attached = new ArrayList<Integer>();
            var options =
                    SessionOptions.DEFAULT.withDuration(Duration.ofSeconds(30)).withCommand(program.toString());
            var script = "usdt:" + program + ":shop:sold " + body + " usdt:" + program + ":closed { @c++; }";
            try (var session = Session.prepare(target, "stdin", script, options, view -> {
                if (view instanceof View.Attached of) {
                    attached.add(of.probes());
                }
            })) {
                session.run();
            }
            assertEquals(List.of(3), attached, body);
        }
    }
}
