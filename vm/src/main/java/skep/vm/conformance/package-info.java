/**
 * The machine measured from outside: subcommands that run programs of public test suites on any backend.
 *
 * <p>{@link skep.vm.conformance.ConformanceCommand} runs files of test rows ({@link skep.vm.conformance.TestRow}),
 * {@link skep.vm.conformance.PluginCommand} speaks bpf_conformance's plugin protocol, {@link skep.vm.conformance.BenchCommand} times raw
 * programs, {@link skep.vm.conformance.PcapCommand} filters packet files with classic programs. None of these programs is verified:
 * backends run them checked. Data in: files and standard input; out: lines.
 */
@NullMarked
package skep.vm.conformance;

import org.jspecify.annotations.NullMarked;
