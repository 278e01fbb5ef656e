package skep.vm.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import skep.btf.Btf;
import skep.elf.ElfException;
import skep.target.ToolCommand;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput.Privilege;

/** {@code skep vm verify [--explain | --table] [--cap-bpf-only] FILE…}. */
public final class VerifyCommand implements ToolCommand {
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");

    @Override
    public String name() {
        return "vm verify";
    }

    @Override
    public String summary() {
        return """
                judges programs as Linux 6.18 does and compares the verdicts with a kernel's
                usage: skep vm verify [--explain | --table] [--cap-bpf-only] FILE…
                FILE holds one JSON object a line: insns in hexadecimal, fixups, prog_type_id, a reference verdict; plain or
                gzip. Or it is an ELF object.
                Prints a JSON line a row (name, verdict, message, insns_processed, us) and a line of totals.
                --explain       draws the paths that were explored and what each line, loop and branch cost
                --table         prints the disagreements as a table, for docs/verifier-parity.md
                --cap-bpf-only  judges as for a user without CAP_PERFMON
                """;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        var unknown = arguments.stream()
                .filter(a -> a.startsWith("-") && !OPTIONS.contains(a))
                .findFirst();
        if (unknown.isPresent()) {
            err.println("vm verify: unknown option " + unknown.get() + "; there are " + String.join(", ", OPTIONS));
            return 2;
        }
        var files = arguments.stream().filter(a -> !a.startsWith("-")).toList();
        if (files.isEmpty()) {
            err.println("vm verify: a file of rows or an ELF object is needed");
            return 2;
        }
        var mode = arguments.contains("--explain")
                ? Mode.EXPLAIN
                : arguments.contains("--table") ? Mode.TABLE : Mode.LINES;
        var privilege = arguments.contains("--cap-bpf-only") ? Privilege.BPF_ONLY : Privilege.FULL;
        var totals = new Totals();
        for (var file : files) {
            try {
                for (var row : rows(Path.of(file), privilege)) {
                    judge(row, mode, totals, out);
                }
            } catch (NoSuchFileException e) {
                err.println("vm verify: there is no file " + file);
                return 2;
            } catch (IOException e) {
                err.println("vm verify: cannot read " + file + ": " + e.getMessage());
                return 2;
            } catch (IllegalArgumentException | ElfException e) {
                err.println("vm verify: " + file + ": " + e.getMessage());
                return 2;
            }
        }
        out.println(totals);
        return totals.disagree == 0 ? 0 : 1;
    }

    private enum Mode {
        LINES,
        TABLE,
        EXPLAIN
    }

    private static final List<String> OPTIONS = List.of("--explain", "--table", "--cap-bpf-only");

    private static List<VerifierRow> rows(Path file, Privilege privilege) throws IOException {
        var kernel = Files.isReadable(KERNEL_TYPES)
                ? Optional.of(Btf.parse(Files.readAllBytes(KERNEL_TYPES)))
                : Optional.<Btf>empty();
        var bytes = Files.readAllBytes(file);
        if (!ObjectInputs.isObject(bytes)) {
            return VerifierRow.read(file, privilege, kernel);
        }
        var name = file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
        return ObjectInputs.of(bytes, name, kernel).stream()
                .map(input -> new VerifierRow(
                        input.name(), input.toBuilder().privilege(privilege).build(), Optional.empty()))
                .toList();
    }

    private static final class Totals {
        int agree;
        int disagree;
        int unsafe;

        @Override
        public String toString() {
            return agree + " agree, " + disagree + " disagree (" + unsafe + " accepted that the reference rejects) of "
                    + (agree + disagree);
        }
    }

    private static void judge(VerifierRow row, Mode mode, Totals totals, PrintStream out) {
        var input =
                mode == Mode.EXPLAIN ? row.input().toBuilder().recordPaths(true).build() : row.input();
        long start = System.nanoTime();
        var verdict = Verifier.verify(input);
        long micros = (System.nanoTime() - start) / 1000;
        boolean accepted = verdict instanceof Verdict.Accepted;
        var message = verdict instanceof Verdict.Rejected rejected ? rejected.message() : "";
        boolean agrees = true;
        if (row.reference().isPresent()) {
            agrees = row.reference().get().accepted() == accepted;
            if (agrees) {
                totals.agree++;
            } else {
                totals.disagree++;
                totals.unsafe += accepted ? 1 : 0;
            }
        }
        if (mode == Mode.EXPLAIN) {
            out.print(ExplorationText.of(row.name(), input, verdict));
        } else if (mode == Mode.TABLE) {
            if (!agrees) {
                out.println("| " + row.name() + " | " + (accepted ? "accept" : "reject: " + message) + " | "
                        + (accepted ? "reject: " + row.reference().get().message() : "accept") + " |");
            }
        } else {
            out.println("{\"name\": " + Json.quote(row.name()) + ", \"verdict\": \"" + (accepted ? "accept" : "reject")
                    + "\", \"message\": " + Json.quote(message) + ", \"insns_processed\": "
                    + verdict.stats().insnsProcessed() + ", \"us\": " + String.format(Locale.ROOT, "%d", micros) + "}");
        }
    }
}
