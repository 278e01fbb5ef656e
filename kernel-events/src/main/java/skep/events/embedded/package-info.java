/**
 * The embedded kernel: a discrete-event model of Linux that fires probes and obeys the laws that tracing tools reveal.
 *
 * <p>In: {@link skep.events.embedded.EmbeddedOptions} (architecture, seed, CPUs, speed, scenario). Out: firings of programs that are
 * attached to its functions and tracepoints, and {@link skep.events.embedded.GroundTruth}, what truly happened.
 *
 * <p>Start at {@link skep.events.embedded.EmbeddedKernel}, the engine: it takes one step of one CPU at a time, in the order of virtual
 * time. What a step does is in the bodies of {@code Routine}s, which are state machines over a {@code Frame} of a {@code Task}; each
 * subsystem (scheduler, interrupts, slab, page cache, block device, files, channels, processes, system calls) declares its routines by
 * C prototype and its tracepoints by their fields, and everything else (symbols, formats, types, contexts, argument registers)
 * follows from those declarations. {@code Programs} are the user processes.
 *
 * <p>{@link skep.events.embedded.EmbeddedTarget} puts a VM beside the model and a thread behind it. Nothing in this package but its
 * {@code Clockwork} reads the clock of the machine.
 */
@NullMarked
package skep.events.embedded;

import org.jspecify.annotations.NullMarked;
