package skep.events.embedded;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.target.AttachException;
import skep.target.Link;

/** Where programs go: finds the attach point that a probe names. Called under the kernel's lock. */
final class AttachPoints {
    private static final int SUGGESTIONS = 3;
    /** How many perf samples a second are possible. */
    private static final long MAX_FREQUENCY = 100_000;

    private final EmbeddedKernel kernel;

    AttachPoints(EmbeddedKernel kernel) {
        this.kernel = kernel;
    }

    Link attach(ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        return switch (probe.kind()) {
            case KPROBE -> entry(kernelRoutine(probe), probe, attachment, clockwork);
            case KRETPROBE -> exit(kernelRoutine(probe), probe, attachment, clockwork);
            case UPROBE -> {
                var place = placeOf(probe);
                yield place.isPresent()
                        ? at(List.of(place.get()), probe, attachment, clockwork)
                        : entry(userRoutine(probe), probe, attachment, clockwork);
            }
            case URETPROBE -> exit(userRoutine(probe), probe, attachment, clockwork);
            case TRACEPOINT -> record(probe, attachment, clockwork);
            case RAWTRACEPOINT -> raw(probe, attachment, clockwork);
            case INTERVAL -> timed(probe, attachment, clockwork, List.of(kernel.cpus[0]));
            case PROFILE -> timed(probe, attachment, clockwork, List.of(kernel.cpus));
            case FENTRY -> entry(kernelRoutine(probe), probe, attachment, clockwork);
            case FEXIT -> exit(kernelRoutine(probe), probe, attachment, clockwork);
            case SOFTWARE -> software(probe, attachment, clockwork);
            case HARDWARE -> hardware(probe, attachment, clockwork);
            case WATCHPOINT -> throw refused(probe, "Use a kprobe of the function that writes.");
            case USDT -> staticProbe(probe, attachment, clockwork);
            case ITER, BEGIN, END, SELF, TEST, BENCH, FMOD_RET, LSM, SOCKET, XDP, TC, CGROUP ->
                throw refused(probe, "");
        };
    }

    private static AttachException refused(ProbeSpec probe, String hint) {
        return new AttachException(
                probe,
                probe.displayName() + ": the embedded kernel has no "
                        + probe.kind().longName() + " probes",
                hint);
    }

    private static Link link(ProbeSpec probe, String mechanism, Clockwork clockwork, Runnable detach) {
        return new Link() {
            private boolean closed;

            @Override
            public ProbeSpec probe() {
                return probe;
            }

            @Override
            public String mechanism() {
                return mechanism;
            }

            @Override
            public void close() {
                clockwork.locked(() -> {
                    if (!closed) {
                        closed = true;
                        detach.run();
                    }
                });
            }
        };
    }

    private static Link entry(Routine routine, ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        routine.onEntry = Attachment.with(routine.onEntry, attachment);
        return link(
                probe,
                probe.kind().longName(),
                clockwork,
                () -> routine.onEntry = Attachment.without(routine.onEntry, attachment));
    }

    private static Link exit(Routine routine, ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        routine.onReturn = Attachment.with(routine.onReturn, attachment);
        return link(
                probe,
                probe.kind().longName(),
                clockwork,
                () -> routine.onReturn = Attachment.without(routine.onReturn, attachment));
    }

    private Link record(ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        var point = kernel.findTracepoint(probe.module(), probe.target())
                .orElseThrow(() -> unknown(
                        probe,
                        "tracepoint",
                        probe.module() + ":" + probe.target(),
                        kernel.allTracepoints().stream()
                                .map(t -> t.category() + ":" + t.event())
                                .toList()));
        point.onRecord = Attachment.with(point.onRecord, attachment);
        return link(
                probe, "tracepoint", clockwork, () -> point.onRecord = Attachment.without(point.onRecord, attachment));
    }

    private Link raw(ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        var point = kernel.findRawTracepoint(probe.target())
                .orElseThrow(() -> unknown(probe, "raw tracepoint", probe.target(), kernel.rawTracepointNames()));
        point.onRaw = Attachment.with(point.onRaw, attachment);
        return link(
                probe, "raw tracepoint", clockwork, () -> point.onRaw = Attachment.without(point.onRaw, attachment));
    }

    private Routine kernelRoutine(ProbeSpec probe) {
        var routine = kernel.symbols
                .find(probe.target())
                .filter(r -> probe.module().isEmpty() || probe.module().equals("vmlinux"))
                .orElseThrow(() -> unknown(probe, "function", probe.target(), kernel.symbols.probeableNames()));
        if (!routine.probeable()) {
            throw new AttachException(
                    probe,
                    probe.displayName() + ": " + routine + " is entry code, where the kernel allows no probes",
                    "");
        }
        return atStart(probe, routine);
    }

    private Routine userRoutine(ProbeSpec probe) {
        var image = image(probe);
        var address = address(probe);
        if (address.isPresent()) {
            return image.symbols
                    .at(image.baseAddress() + address.getAsLong())
                    .filter(routine ->
                            routine.probeable() && routine.address == image.baseAddress() + address.getAsLong())
                    .orElseThrow(() -> new AttachException(
                            probe,
                            probe.displayName() + ": no function of " + image + " begins at " + probe.target(),
                            "The embedded kernel has no instructions between functions and static probes."));
        }
        return atStart(
                probe,
                image.symbols
                        .find(probe.target())
                        .filter(Routine::probeable)
                        .orElseThrow(() -> unknown(
                                probe, "function of " + image, probe.target(), image.symbols.probeableNames())));
    }

    /** The offset in its file that a user probe names instead of a function. */
    private static OptionalLong address(ProbeSpec probe) {
        return probe.target().matches("0x[0-9a-f]{1,15}")
                ? OptionalLong.of(Long.parseLong(probe.target().substring(2), 16))
                : OptionalLong.empty();
    }

    /** The static probe whose place a user probe names by its offset. */
    private Optional<StaticProbe> placeOf(ProbeSpec probe) {
        var address = address(probe);
        return address.isEmpty()
                ? Optional.empty()
                : image(probe).probes().stream()
                        .filter(place -> place.offset() == address.getAsLong())
                        .findFirst();
    }

    private UserImage image(ProbeSpec probe) {
        return kernel.userSpace
                .find(probe.module())
                .orElseThrow(() -> unknown(
                        probe,
                        "binary",
                        probe.module(),
                        kernel.userSpace.images().keySet()));
    }

    /** All places of a static probe, or the one at the offset that the probe names. */
    private Link staticProbe(ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        var candidates = probe.module().isEmpty() && probe.pid().isPresent()
                ? mapped(probe.pid().getAsInt())
                : List.of(image(probe));
        int colon = probe.target().lastIndexOf(':');
        var provider = colon < 0 ? "" : probe.target().substring(0, colon);
        var name = probe.target().substring(colon + 1);
        var places = candidates.stream()
                .flatMap(image -> image.probes().stream())
                .filter(place -> place.name().equals(name)
                        && (provider.isEmpty() || place.provider().equals(provider))
                        && (probe.offset() == 0 || place.offset() == probe.offset()))
                .toList();
        if (places.isEmpty()) {
            throw unknown(
                    probe,
                    "static probe in " + (probe.module().isEmpty() ? "this process" : probe.module()),
                    probe.target(),
                    candidates.stream()
                            .flatMap(image -> image.probes().stream())
                            .map(StaticProbe::toString)
                            .toList());
        }
        return at(places, probe, attachment, clockwork);
    }

    private static Link at(List<StaticProbe> places, ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        places.forEach(place -> place.attached = Attachment.with(place.attached, attachment));
        return link(
                probe,
                "static probe",
                clockwork,
                () -> places.forEach(place -> place.attached = Attachment.without(place.attached, attachment)));
    }

    private List<UserImage> mapped(int pid) {
        var task = kernel.processes.find(pid);
        return task == null ? List.of() : kernel.userSpace.mapped(task.process);
    }

    private static Routine atStart(ProbeSpec probe, Routine routine) {
        if (probe.offset() != 0) {
            throw new AttachException(
                    probe,
                    probe.displayName() + ": functions of the embedded kernel have no instructions at offsets",
                    "Attach to " + routine + " without an offset.");
        }
        return routine;
    }

    private static AttachException unknown(ProbeSpec probe, String what, String name, Collection<String> known) {
        var nearest = known.stream()
                .sorted(Comparator.comparingInt((String other) -> distance(name, other))
                        .thenComparing(other -> other))
                .limit(SUGGESTIONS)
                .collect(Collectors.joining(", "));
        return new AttachException(
                probe,
                probe.displayName() + ": the embedded kernel has no " + what + " " + name,
                nearest.isEmpty() ? "" : "Did you mean " + nearest + "?");
    }

    /** Edit distance of two names; a name that contains the other counts as close. */
    static int distance(String a, String b) {
        var row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        boolean contains = a.length() > 3 && b.contains(a);
        return contains ? Math.min(row[b.length()], 3) : row[b.length()];
    }

    private Link timed(ProbeSpec probe, Attachment attachment, Clockwork clockwork, List<Cpu> cpus) {
        long period = probe.target().equals("hz") ? 1_000_000_000L / Math.max(1, probe.value()) : probe.value();
        if (period < 1_000_000_000L / MAX_FREQUENCY) {
            throw new AttachException(
                    probe, probe.displayName() + ": a period of " + period + " ns is too short", "Use 10 us or more.");
        }
        return sampled(
                probe,
                attachment,
                clockwork,
                cpus,
                period,
                false,
                probe.kind() == ProbeKind.PROFILE ? "cpu clock" : "timer");
    }

    private Link sampled(
            ProbeSpec probe,
            Attachment attachment,
            Clockwork clockwork,
            List<Cpu> cpus,
            long period,
            boolean whileBusy,
            String mechanism) {
        var list = new Attachment[] {attachment};
        var timers = cpus.stream()
                .map(cpu -> new SampleTimer(cpu, list, period, whileBusy))
                .toList();
        timers.forEach(timer -> kernel.post(timer, kernel.nowNanos() + period));
        return link(probe, mechanism, clockwork, () -> timers.forEach(SampleTimer::cancel));
    }

    /** An event that the kernel counts: it fires where it happens; clocks are timers. */
    private Link software(ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        var kind = switch (probe.target()) {
            case "page-faults", "faults", "minor-faults" -> Counters.Kind.PAGE_FAULTS;
            case "context-switches", "cs" -> Counters.Kind.CONTEXT_SWITCHES;
            case "cpu-migrations" -> Counters.Kind.MIGRATIONS;
            case "cpu-clock", "cpu", "task-clock" -> Counters.Kind.CLOCK;
            default ->
                throw refused(probe, "It has page-faults, context-switches, cpu-migrations, cpu-clock, task-clock.");
        };
        if (kind == Counters.Kind.CLOCK) {
            boolean busy = probe.target().equals("task-clock");
            long period = Math.max(1_000_000_000L / MAX_FREQUENCY, probe.value());
            return sampled(probe, attachment, clockwork, List.of(kernel.cpus), period, busy, "cpu clock");
        }
        return link(probe, "software event", clockwork, kernel.counters.attach(kind, probe.value(), attachment));
    }

    /** An event of the processor: the model knows how often it happens in a second of work, and samples by that. */
    private Link hardware(ProbeSpec probe, Attachment attachment, Clockwork clockwork) {
        long rate = Counters.ratePerSecond(probe.target());
        if (rate == 0) {
            throw refused(probe, "It has cpu-cycles, instructions, branch-misses, cache-references and the like.");
        }
        double seconds = (double) Math.max(1, probe.value()) / rate;
        long period = Math.max(1_000_000_000L / MAX_FREQUENCY, (long) (seconds * 1e9));
        return sampled(probe, attachment, clockwork, List.of(kernel.cpus), period, true, "modelled counter");
    }

    /** Fires programs on a CPU at regular times. */
    private final class SampleTimer extends Event implements Interrupts.Expiry {
        private final Cpu cpu;
        private final Attachment[] list;
        private final long period;
        private boolean cancelled;

        private final boolean whileBusy;

        SampleTimer(Cpu cpu, Attachment[] list, long period, boolean whileBusy) {
            this.whileBusy = whileBusy;
            this.cpu = cpu;
            this.list = list;
            this.period = period;
        }

        @Override
        void happen() {
            kernel.post(this, timeNanos + period);
            if (!whileBusy || !cpu.idling()) {
                kernel.interrupts.raise(cpu, this);
            }
        }

        @Override
        public void expire(Task task) {
            if (!cancelled) {
                kernel.firing.sample(task, list, period);
            }
        }

        void cancel() {
            cancelled = true;
            kernel.events.cancel(this);
        }
    }
}
