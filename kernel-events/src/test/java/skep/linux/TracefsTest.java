package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.TracepointFormat.Field;

class TracefsTest {
    @Test
    void fieldsOfAllFormsAreRead() {
        var text = """
                name: made_up
                ID: 7
                format:
                \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

                \tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;
                \tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;
                \tfield:__data_loc char[] name;\toffset:32;\tsize:4;\tsigned:0;
                \tfield:unsigned long args[6];\toffset:40;\tsize:48;\tsigned:0;
                \tfield:__u8 saddr[sizeof(struct sockaddr_in6)];\toffset:88;\tsize:28;\tsigned:0;
                \tfield:pid_t pid;\toffset:116;\tsize:4;\tsigned:1;

                print fmt: "field:%d", REC->pid
                """;
        assertEquals(
                List.of(
                        new Field("unsigned short", "common_type", 0, 2, false, 0, false),
                        new Field("char", "comm", 8, 16, false, 16, false),
                        new Field("const char *", "filename", 24, 8, false, 0, false),
                        new Field("char", "name", 32, 4, false, 0, true),
                        new Field("unsigned long", "args", 40, 48, false, 6, false),
                        new Field("__u8", "saddr", 88, 28, false, 28, false),
                        new Field("pid_t", "pid", 116, 4, true, 0, false)),
                Tracefs.parse("x", "made_up", text).fields());
    }

    @Test
    void aReleaseStartsWithItsVersion() {
        assertEquals(new KernelVersion(6, 18, 44), LinuxKernel.version("6.18.44-fc-v669"));
        assertEquals(new KernelVersion(6, 1, 0), LinuxKernel.version("6.1.0-42-amd64"));
        assertEquals(new KernelVersion(6, 12, 0), LinuxKernel.version("6.12+bpo"));
    }

    @Test
    void theVerifiersLastInstructionAndVerdictAreFoundInItsLog() {
        var log = """
                0: R1=ctx() R10=fp0
                0: (b7) r0 = 0                        ; R0_w=0
                1: (79) r1 = *(u64 *)(r0 +8)
                R0 invalid mem access 'scalar'
                processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
                """;
        assertEquals(1, ProgramLoader.lastInsn(log));
        assertEquals(
                "0: (b7) r0 = 0                        ; R0_w=0; 1: (79) r1 = *(u64 *)(r0 +8); R0 invalid mem access 'scalar'",
                ProgramLoader.verdict(log));
    }

    @Test
    void aCommandIsSplitAsAShellWould() {
        assertEquals(List.of("ls", "-R", "/usr"), TracedChild.words("  ls -R  /usr "));
        assertEquals(List.of("sh", "-c", "exit 7"), TracedChild.words("sh -c 'exit 7'"));
        assertEquals(List.of("a b", "c\"d", ""), TracedChild.words("\"a b\" c\\\"d ''"));
    }
}
