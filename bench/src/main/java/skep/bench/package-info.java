/**
 * Benchmarks, one per published claim.
 *
 * <p>{@link skep.bench.EngineBench} times the VM on the programs of {@code bench/src/main/c} against the same C compiled for this
 * machine. Each of those files is one function, {@code u64 program(u8 *memory, u64 length)}; {@code driver.c} times it natively.
 *
 * <p>{@link skep.bench.EventRate} counts the lines of {@code printf} that come through at a given rate of events, beside bpftrace.
 *
 * <p>{@link skep.bench.CompileBench} times the compiler of the tracing language on the ported tools.
 *
 * <p>{@link skep.bench.LanguageBench} puts Java, JavaScript and Python side by side: callbacks, maps, evaluation, start.
 *
 * <p>Benchmarks may use anything of the project; nothing uses them. What they print are ratios taken in one run: the absolute
 * times of two runs on a busy machine do not compare. Run them on a machine that does nothing else.
 */
@NullMarked
package skep.bench;

import org.jspecify.annotations.NullMarked;
