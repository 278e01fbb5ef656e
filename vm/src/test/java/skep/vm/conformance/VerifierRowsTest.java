package skep.vm.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.btf.Btf;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput.Privilege;

/** The verdicts of a Linux 6.18 kernel, where its rows are present. */
class VerifierRowsTest {
    /** Refused for a result type that only the program's own BTF tells, which the rows leave out; not a matter of safety. */
    private static final Set<String> NEED_BTF = Set.of("ld_abs: reject void return subprog");

    @ParameterizedTest
    @EnumSource(
            value = Privilege.class,
            names = {"FULL", "BPF_ONLY"})
    void verdictsAgreeWithTheKernels(Privilege privilege) throws IOException {
        var unsafe = new ArrayList<String>();
        int agree = 0;
        int disagree = 0;
        for (var name : List.of("verifier.jsonl", "verifier_progs.jsonl")) {
            for (var row : VerifierRow.read(data(name), privilege, kernelTypes())) {
                if (row.reference().isEmpty()) {
                    continue;
                }
                boolean accepted = Verifier.verify(row.input()) instanceof Verdict.Accepted;
                if (accepted == row.reference().get().accepted()) {
                    agree++;
                } else {
                    disagree++;
                    if (accepted && !NEED_BTF.contains(row.name())) {
                        unsafe.add(row.name());
                    }
                }
            }
        }
        int all = agree + disagree;
        assertEquals(List.of(), unsafe);
        int allowed = kernelTypes().isPresent() ? all / 100 : all / 20;
        assertTrue(disagree <= allowed, disagree + " of " + all + " disagree");
    }

    private static Optional<Btf> kernelTypes() throws IOException {
        var file = Path.of("/sys/kernel/btf/vmlinux");
        return Files.isReadable(file) ? Optional.of(Btf.parse(Files.readAllBytes(file))) : Optional.empty();
    }

    private static Path data(String name) {
        var file = Path.of(System.getProperty("skep.root", "."), "../shared/data/verifier", name);
        Assumptions.assumeTrue(Files.exists(file), () -> "no " + file);
        return file;
    }
}
