package skep.linux;

import java.util.Map;
import java.util.Optional;
import skep.isa.Bytecode;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProgramType;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf;
import skep.linux.sys.Errno;
import skep.target.LoadException;
import skep.target.LoadOptions;

/** Gives programs to the verifier of the kernel: first without a log, and once more with one if it was refused. */
final class ProgramLoader {
    private static final int FIRST_LOG_BYTES = 1 << 20;
    private static final int MAX_LOG_BYTES = 1 << 26;

    /** How many lines before the verdict a message carries. */
    private static final int TELLING_LINES = 3;

    private final Host host;
    private final LinuxKernel kernel;

    ProgramLoader(Host host, LinuxKernel kernel) {
        this.host = host;
        this.kernel = kernel;
    }

    /** Loads a program; a descriptor. */
    int load(ProgramSpec program, Map<String, LinuxMap> maps, ObjectTypes types, LoadOptions options) {
        var code = relocated(program, maps).toBytes();
        int attachType = program.attachType().map(AttachType::number).orElse(0);
        var license = program.license();
        try (var place = attachPlace(program);
                var described = types.describe(program);
                var memory = host.syscalls().allocate(code.length + license.length() * 3L + 1)) {
            memory.putBytes(0, code);
            long end = memory.putString(code.length, license);
            long insns = memory.pushed(end);
            var load = new Bpf.ProgramLoad(
                    program.type(),
                    attachType,
                    program.name(),
                    insns,
                    code.length / Bytecode.SLOT_BYTES,
                    insns + code.length,
                    place.typeId(),
                    place.module().map(AttachPlace.ModuleTypes::fd).orElse(0),
                    0,
                    0,
                    0,
                    program.sleepable() ? Bpf.SLEEPABLE : 0,
                    versionCode(),
                    described.info());
            long fd = host.bpf().programLoad(load);
            if (Errno.isError(fd) && load.functions().lineCount() > 0) {
                // It may be the lines that this kernel refuses; if not, its log is easier to read without them.
                load = load.withFunctions(load.functions().withoutLines());
                fd = host.bpf().programLoad(load);
            }
            if (Errno.isError(fd)) {
                throw rejection(program, load, -fd, options);
            }
            return (int) fd;
        }
    }

    /** Kernels before 5.0 compare it for kprobes; later ones ignore it. */
    private int versionCode() {
        var version = kernel.version();
        return version.major() << 16 | version.minor() << 8 | Math.min(version.patch(), 255);
    }

    private static Bytecode relocated(ProgramSpec program, Map<String, LinuxMap> maps) {
        var slots = program.code().slots();
        for (var reference : program.mapReferences()) {
            var map = maps.get(reference.map());
            if (map == null) {
                throw new IllegalArgumentException(
                        "program " + program.name() + " refers to map " + reference.map() + ", which the object lacks");
            }
            slots[reference.insn()] = slots[reference.insn()] & 0xffff_ffffL | (long) map.fd() << 32;
        }
        return Bytecode.of(slots);
    }

    private AttachPlace attachPlace(ProgramSpec program) {
        boolean typed = program.type() == ProgramType.TRACING || program.type() == ProgramType.LSM;
        return !typed || program.attachTo().isEmpty() ? AttachPlace.NONE : AttachPlace.of(host, kernel, program);
    }

    private LoadException rejection(ProgramSpec program, Bpf.ProgramLoad load, long errno, LoadOptions options) {
        var log = log(load, Math.max(1, options.verifierLogLevel()));
        // Some refusals come before the verifier looks at an instruction: then it only counts them.
        if (log.isBlank() || verdict(log).isBlank()) {
            return new LoadException(withoutLog(program, errno), program, -1, "", (int) errno);
        }
        int insn = lastInsn(log);
        var message = new StringBuilder("the kernel's verifier rejects program ").append(program.name());
        if (insn >= 0) {
            message.append(" at insn ").append(insn);
            program.lines()
                    .at(insn)
                    .ifPresent(place -> message.append(", made by ")
                            .append(place.source())
                            .append(':')
                            .append(place.line())
                            .append(" \"")
                            .append(place.text().strip())
                            .append('"'));
        }
        var verdict = verdict(log);
        message.append(": ").append(verdict.isBlank() ? "it gives no reason but " + Errno.name(errno) : verdict);
        return new LoadException(message.toString(), program, insn, log, (int) errno);
    }

    private String withoutLog(ProgramSpec program, long errno) {
        var what = program.type().kernelName() + " programs"
                + program.attachType()
                        .map(type -> " of type " + type.name().toLowerCase(java.util.Locale.ROOT))
                        .orElse("");
        // A feature that the kernel refuses as a whole explains more than an errno.
        var reason = feature(program)
                .flatMap(kernel::unsupported)
                .map(refusal -> refusal.reason() + (refusal.instead().isEmpty() ? "" : ". " + refusal.instead()))
                .orElseGet(() -> new FeatureProbes(host, kernel).reason(errno, "", what));
        return "program " + program.name() + " could not be loaded: " + reason;
    }

    private static Optional<Feature> feature(ProgramSpec program) {
        return switch (program.type()) {
            case LSM -> Optional.of(Feature.LSM);
            case TRACING ->
                program.attachType().flatMap(type -> switch (type) {
                    case TRACE_FENTRY, TRACE_FEXIT -> Optional.of(Feature.FENTRY);
                    case MODIFY_RETURN -> Optional.of(Feature.FMOD_RET);
                    case TRACE_RAW_TP -> Optional.of(Feature.BTF_TRACEPOINT);
                    case TRACE_ITER -> Optional.of(Feature.ITER);
                    default -> Optional.empty();
                });
            default -> Optional.empty();
        };
    }

    private String log(Bpf.ProgramLoad load, int level) {
        for (int bytes = FIRST_LOG_BYTES; ; bytes *= 8) {
            try (Block log = host.syscalls().allocate(bytes)) {
                long fd = host.bpf()
                        .programLoad(new Bpf.ProgramLoad(
                                load.type(),
                                load.attachType(),
                                load.name(),
                                load.insns(),
                                load.insnCount(),
                                load.license(),
                                load.attachBtfId(),
                                load.attachBtfFd(),
                                level,
                                log.address(),
                                bytes,
                                load.flags(),
                                load.kernelVersion(),
                                load.functions()));
                if (!Errno.isError(fd)) {
                    host.close((int) fd);
                }
                if (fd != -Errno.ENOSPC || bytes >= MAX_LOG_BYTES) {
                    return Bpf.logText(log);
                }
            }
        }
    }

    /** The slot that the verifier looked at last: lines {@code 12: (79) r1 = *(u64 *)(r1 +8)} name it. */
    static int lastInsn(String log) {
        int found = -1;
        int at = 0;
        while (at < log.length()) {
            int number = 0;
            int i = at;
            while (i < log.length() && Character.isDigit(log.charAt(i))) {
                number = number * 10 + (log.charAt(i++) - '0');
            }
            if (i > at && log.startsWith(": (", i)) {
                found = number;
            }
            int end = log.indexOf('\n', at);
            at = end < 0 ? log.length() : end + 1;
        }
        return found;
    }

    /** The last lines that are no statistics, without the states in between. */
    static String verdict(String log) {
        var lines = log.lines()
                .filter(line -> !line.isBlank())
                .filter(line -> !line.startsWith("processed ") && !line.startsWith("verification time "))
                .filter(line -> !line.startsWith("stack depth "))
                .toList();
        return String.join("; ", lines.subList(Math.max(0, lines.size() - TELLING_LINES), lines.size()));
    }
}
