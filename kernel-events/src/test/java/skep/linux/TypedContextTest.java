package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.Assembler;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput;

/** What the arguments of typed tracepoints are to the running kernel's verifier, above all whether they may be null, they are to ours. */
class TypedContextTest {
    private static final Pattern VALUE = Pattern.compile("R6=([a-z_0-9]+)");
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");

    @BeforeAll
    static void kernel() {
        var reason = LiveVerifier.unavailableReason();
        Assumptions.assumeTrue(reason.isEmpty(), () -> "Unsupported " + reason.orElse(""));
        Assumptions.assumeTrue(Files.isReadable(KERNEL_TYPES), "Unsupported: the kernel publishes no types");
    }

    @Test
    void someArgumentsAreWhatTheKernelSays() throws IOException {
        compare(7);
    }

    @Test
    @Tag("slow")
    void everyArgumentIsWhatTheKernelSays() throws IOException {
        compare(1);
    }

    private static void compare(int step) throws IOException {
        var types = Btf.parse(Files.readAllBytes(KERNEL_TYPES));
        var wrong = new ArrayList<String>();
        int number = 0;
        try (var live = new LiveVerifier(Optional.of(types))) {
            for (int id : types.ids(BtfKind.TYPEDEF).toArray()) {
                if (types.name(id).startsWith("btf_trace_")
                        && types.resolved(id) instanceof BtfType.Pointer pointer
                        && types.resolved(pointer.typeId()) instanceof BtfType.Prototype prototype) {
                    var name = types.name(id).substring("btf_trace_".length());
                    for (int i = 1; i < prototype.parameters().size(); i++) {
                        int typeId = prototype.parameters().get(i).typeId();
                        boolean asked = types.resolved(typeId) instanceof BtfType.Pointer to
                                && !(types.resolved(to.typeId()) instanceof BtfType.Union)
                                && number++ % step == 0;
                        if (asked) {
                            compare(live, types, name, i - 1).ifPresent(wrong::add);
                        }
                    }
                }
            }
        }
        assertEquals(List.of(), wrong);
    }

    private static Optional<String> compare(LiveVerifier live, Btf types, String tracepoint, int argument) {
        var code = Assembler.assemble("r6 = *(u64 *)(r1 +" + 8 * argument + ")\nr0 = 0\nexit");
        var input = VerifierInput.of(code, ProgramType.TRACING)
                .attachType(Optional.of(AttachType.TRACE_RAW_TP))
                .attachTo(tracepoint)
                .kernelTypes(types)
                .logLevel(2)
                .build();
        var kernels = live.judge(input, 2).filter(j -> !j.log().isEmpty());
        var ours = Verifier.verify(input);
        if (kernels.isEmpty()) {
            return Optional.empty();
        }
        var expected = kernels.get().accepted() + " " + value(kernels.get().log());
        var actual = (ours instanceof Verdict.Accepted) + " " + value(ours.log());
        return expected.equals(actual)
                ? Optional.empty()
                : Optional.of(tracepoint + " " + argument + ": " + actual + ", the kernel: " + expected);
    }

    private static String value(String log) {
        var matcher = VALUE.matcher(log);
        return matcher.find() ? matcher.group(1) : "";
    }
}
