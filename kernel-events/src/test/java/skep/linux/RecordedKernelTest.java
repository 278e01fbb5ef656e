package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProbeKind;
import skep.linux.sys.LocalSyscalls;
import skep.target.TargetException;

class RecordedKernelTest {
    @Test
    void aKernelThatWasWrittenDownAnswersAsTheLivingOneDoes() throws IOException {
        try {
            new LinuxTargetProvider().open("").close();
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
        }
        var living = new LinuxKernel(Host.of(LocalSyscalls.instance()));
        var bytes = new ByteArrayOutputStream();
        RecordedKernel.write(living, bytes);
        var written = RecordedKernel.read(new ByteArrayInputStream(bytes.toByteArray()));
        assertEquals(living.description(), written.description());
        assertEquals(living.arch(), written.arch());
        assertEquals(living.version(), written.version());
        assertEquals(living.possibleCpus(), written.possibleCpus());
        assertEquals(living.tracepoint("sched", "sched_switch"), written.tracepoint("sched", "sched_switch"));
        for (var kind : List.of(ProbeKind.TRACEPOINT, ProbeKind.RAWTRACEPOINT, ProbeKind.KPROBE, ProbeKind.FENTRY)) {
            assertEquals(living.probes(kind).toList(), written.probes(kind).toList());
        }
        for (var feature : Feature.values()) {
            assertEquals(living.unsupported(feature), written.unsupported(feature));
        }
        assertEquals(living.symbolAddress("vfs_read"), written.symbolAddress("vfs_read"));
        assertEquals(
                living.types().map(types -> types.function("vfs_read")),
                written.types().map(types -> types.function("vfs_read")));
    }

    @Test
    void whatIsNoRecordingIsRefused() {
        var message = assertThrows(
                        IOException.class, () -> RecordedKernel.read(new ByteArrayInputStream(new byte[100])))
                .getMessage();
        assertTrue(message.contains("kernel-info"), message);
    }
}
