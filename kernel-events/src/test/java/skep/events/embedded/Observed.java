package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import skep.isa.kernel.Arch;
import skep.vm.Memory;

/** A kernel under observation: Java code in the place of programs. */
final class Observed implements AutoCloseable {
    final EmbeddedKernel kernel;
    private final RegisterLayout registers;

    /** One firing, read from the context as a program would read it. */
    final class Firing {
        final long nanos = kernel.clockNanos();
        final int cpu;
        private final long context;

        Firing(int cpu, long context) {
            this.cpu = cpu;
            this.context = context;
        }

        Task task() {
            return kernel.firing.current();
        }

        long argument(int index) {
            return Memory.getLong(context + registers.arguments()[index]);
        }

        long result() {
            return Memory.getLong(context + registers.result());
        }

        long word(int offBytes) {
            return Memory.getLong(context + offBytes);
        }

        /** A field of a tracepoint record. */
        long field(Tracepoint point, String name) {
            var field = point.format().field(name).orElseThrow();
            return switch (field.sizeBytes()) {
                case 1 -> Memory.getByte(context + field.offsetBytes());
                case 2 -> Memory.getShort(context + field.offsetBytes());
                case 4 -> Memory.getInt(context + field.offsetBytes());
                default -> Memory.getLong(context + field.offsetBytes());
            };
        }

        String text(Tracepoint point, String name) {
            var field = point.format().field(name).orElseThrow();
            long at = context + field.offsetBytes();
            if (field.dataLoc()) {
                at = context + (Memory.getInt(at) & 0xffff);
            }
            var text = new StringBuilder();
            for (byte b = Memory.getByte(at); b != 0; b = Memory.getByte(++at)) {
                text.append((char) b);
            }
            return text.toString();
        }

        List<String> stack() {
            var addresses = new long[64];
            int depth = kernel.firing.stack(false, 0, addresses);
            var names = new ArrayList<String>();
            for (int i = 0; i < depth; i++) {
                names.add(kernel.symbols.at(addresses[i]).orElseThrow().name());
            }
            return names;
        }
    }

    Observed(String options) {
        kernel = new EmbeddedKernel(EmbeddedOptions.parse(options));
        registers = RegisterLayout.of(kernel.arch);
    }

    static Observed of(Arch arch) {
        return new Observed(arch == Arch.ARM64 ? "" : "arch=x86-64");
    }

    private Attachment attachment(Consumer<Firing> observer) {
        return new Attachment((cpu, context) -> observer.accept(new Firing(cpu, context)), -1);
    }

    Observed entry(String function, Consumer<Firing> observer) {
        return entry(kernel.symbols.find(function).orElseThrow(), observer);
    }

    Observed entry(Routine routine, Consumer<Firing> observer) {
        routine.onEntry = Attachment.with(routine.onEntry, attachment(observer));
        return this;
    }

    Observed exit(String function, Consumer<Firing> observer) {
        return exit(kernel.symbols.find(function).orElseThrow(), observer);
    }

    Observed exit(Routine routine, Consumer<Firing> observer) {
        routine.onReturn = Attachment.with(routine.onReturn, attachment(observer));
        return this;
    }

    Observed event(String category, String name, java.util.function.BiConsumer<Tracepoint, Firing> observer) {
        var point = kernel.findTracepoint(category, name).orElseThrow();
        point.onRecord = Attachment.with(point.onRecord, attachment(f -> observer.accept(point, f)));
        return this;
    }

    Observed raw(String name, Consumer<Firing> observer) {
        var point = kernel.findRawTracepoint(name).orElseThrow();
        point.onRaw = Attachment.with(point.onRaw, attachment(observer));
        return this;
    }

    /** Lets this many milliseconds of virtual time pass. */
    Observed run(long millis) {
        kernel.runUntil(kernel.nowNanos() + millis * 1_000_000);
        return this;
    }

    @Override
    public void close() {
        kernel.close();
    }
}
