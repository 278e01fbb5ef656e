package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Features of the language whose meaning shows only when a script runs, on the embedded kernel. */
class LanguageFeaturesTest {
    @TempDir
    Path folder;

    private static MainTest.Result run(String program, String... more) {
        var args = new ArrayList<>(List.of("--target", "embedded:speed=max", "-q", "-e", program));
        args.addAll(List.of(more));
        return MainTest.skep("", args.toArray(String[]::new));
    }

    private static void prints(String expected, String program) {
        var result = run(program);
        assertEquals(0, result.status(), result.err());
        assertEquals(expected, result.out().strip(), result.err());
    }

    private static void isRefused(String message, String program, String... more) {
        var result = run(program, more);
        assertEquals(1, result.status(), result.out());
        assertTrue(result.err().contains(message), result.err());
    }

    private String library(String text) throws IOException {
        var file = folder.resolve("library.bpf.c");
        Files.writeString(file, text);
        return "import \"" + file + "\"; ";
    }

    @Test
    void functionsOfImportedCAreCalled() throws IOException {
        var library = library("""
                #include <linux/types.h>
                #include "own.h"
                static int twice(int x) { return FACTOR * x; }
                int added(int a, int b) { return twice(a) + b; }
                int negated(int x) { return -x; }
                __u64 high(__u64 x) { return x << 40; }
                int group_of(struct task_struct *task) { return task->tgid; }
                """);
        Files.writeString(folder.resolve("own.h"), "#define FACTOR 2\n");
        prints(
                "7\n-5\n1099511627776",
                library + "begin { print(added(2, 3)); print(negated(5)); print(high(1)); exit(); }");
        prints("true", library + "kprobe:vfs_read { print(group_of(curtask) == pid); exit(); }");
        isRefused("requires 2 arguments, got 1", library + "begin { print(added(1)); }");
        isRefused("Unknown function: 'twice'", library + "begin { print(twice(1)); }");
    }

    @Test
    void mistakesInImportedCAreTold() throws IOException {
        isRefused("library.bpf.c:1:", library("int broken(int x) { return y; }") + "begin { print(broken(1)); }");
    }

    @Test
    void importedFunctionsThatCannotBeCalledAreTold() throws IOException {
        var result = run(library("int sum(int x) { return x; }") + "begin { exit(); }");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.err().contains("'sum' is a function of the language"), result.err());
    }

    @Test
    void socketsHaveCookies() {
        prints("true", "fentry:tcp_sendmsg { print(socket_cookie(args.sk) > 0); exit(); }");
    }

    @Test
    void structuresAreFoundFromTheirMembers() {
        prints("true\ntrue", """
                kprobe:vfs_read {
                  $file = (struct file *)arg0;
                  $path = (uint64)$file + offsetof(struct file, f_path);
                  print(container_of($path, struct file, f_path) == $file);
                  print(container_of($path, typeof(struct file), f_path).f_mode == $file.f_mode);
                  exit();
                }""");
    }

    @Test
    void settingsAreMembersOfConfig() {
        prints(
                "99\nbpftrace",
                "config = { max_strlen = 99 } begin { print(config.max_strlen); print(config.stack_mode); exit(); }");
    }

    @Test
    void recordsAreComparedByName() {
        prints("true\ntrue", """
                begin {
                  $r = (a=1, b="x");
                  print($r == (b="x", a=1));
                  print($r != (a=1, b="y"));
                  exit();
                }""");
    }

    @Test
    void parentsOfOtherTasksAreAskedFor() {
        prints("true", "kprobe:vfs_read { print(ppid(curtask) == ppid && pcomm(curtask) == pcomm); exit(); }");
    }

    @Test
    void typesThatDecisionsRestOnAreLocked() {
        isRefused(
                "The new type 'uint64' doesn't fit into the locked type 'uint32'",
                "begin { let $c; if comptime (typeinfo($c).full_type == \"uint32\") { $c = (uint64)2; } $c = (uint32)1; }");
        prints("wide", """
                begin {
                  @x = (uint32)1;
                  if comptime (typeinfo(@x).full_type == "uint64") { print("wide"); }
                  @x = (uint64)2;
                  clear(@x);
                  exit();
                }""");
    }

    @Test
    void variablesEndWithTheirBlocksWhereTheLevelSaysSo() {
        prints("1", "begin { if (1) { $x = 1; } print($x); exit(); }");
        isRefused("Undefined or undeclared variable: $x", "begin { if (1) { $x = 1; } print($x); }", "--lang=0.24");
    }

    @Test
    void theDeclarationThatIsShadowedIsShown() {
        isRefused("This is the initial declaration.", "begin { let $x = 1; { let $x = 2; } }");
    }

    @Test
    void loopsWithInvariantsGiveTheSameResults() {
        prints("true\n10", """
                kprobe:vfs_read {
                  $i = 0;
                  $same = 0;
                  while ($i < 10) {
                    if (pid == (uint32)(pid + 0) && arg2 > 0) { $same++; }
                    $i++;
                  }
                  print($same == 10);
                  print($i);
                  exit();
                }""");
    }

    @Test
    void theClockOfElapsedIsNoProbeOfTheScript() {
        var result =
                MainTest.skep("", "--target", "embedded:speed=max", "-e", "begin { print(elapsed >= 0); exit(); }");
        assertTrue(result.err().contains("Attached 1 probe "), result.err());
    }
}
