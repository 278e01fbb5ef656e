package skep.arm64.exec;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import skep.arm64.lower.AccessCheck;
import skep.vm.AddressSpace;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/**
 * The process that runs emitted code, and the JVM's end of its pipes. One per JVM; calls are made one at a time, nested ones by the
 * thread that is inside a helper. After a fault the process is gone and the next call starts another: code and data stay in the
 * shared memory.
 */
final class Runner implements CodeHost {
    /** A program that no verifier has seen may run this long. */
    private static final long UNVERIFIED_SECONDS = 20;

    private static final String EMULATOR = "qemu-aarch64";
    private static final int SIGTRAP = 5;

    private final SharedPool pool;
    private final List<String> command;
    private Optional<Running> running = Optional.empty();
    private final Sites sites = new Sites();
    private final CodeSpace space = new CodeSpace(SharedPool.CODE, SharedPool.CODE_BYTES);
    private final Map<Long, Arm64Executable> programs = new TreeMap<>();

    private Runner(SharedPool pool, List<String> command) {
        this.pool = pool;
        this.command = command;
    }

    private record Running(Process process, InputStream in, OutputStream out) {}

    /**
     * What a call out gives.
     *
     * @param result the value of r0; of a tail call the address of the code to go on with
     * @param goesOn whether this is a tail call that is taken
     * @param context what r1 is there
     */
    record Answer(long result, boolean goesOn, long context) {
        Answer(long result) {
            this(result, false, 0);
        }
    }

    /** A call that the code makes, or a fault in it: the runner's words for the executable to translate. */
    static final class Fault extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final long codeAddress;

        Fault(String message, long codeAddress) {
            super(message, null, false, false);
            this.codeAddress = codeAddress;
        }

        /** Address of the instruction at fault, or 0. */
        long codeAddress() {
            return codeAddress;
        }
    }

    /** Why emitted code cannot be run on this machine; empty if it can. */
    static Optional<String> unavailableReason() {
        if (Processor.isHere() || emulator().isPresent()) {
            return Optional.empty();
        }
        return Optional.of(
                "this is no aarch64 machine and " + EMULATOR + " is not installed (Debian: apt install qemu-user)");
    }

    private static Optional<Path> emulator() {
        var path = Optional.ofNullable(System.getenv("PATH")).orElse("/usr/bin:/bin");
        for (var folder : path.split(":")) {
            var candidate = Path.of(folder, EMULATOR);
            if (Files.isExecutable(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    static Runner create(SharedPool pool) {
        try {
            var file = Files.createTempFile("skep-arm64-", "");
            Files.write(file, RunnerImage.elf());
            if (!file.toFile().setExecutable(true)) {
                throw new IOException("cannot make " + file + " executable");
            }
            file.toFile().deleteOnExit();
            var command = Processor.isHere()
                    ? List.of(file.toString(), pool.path())
                    : List.of(emulator().orElseThrow().toString(), file.toString(), pool.path());
            return new Runner(pool, command);
        } catch (IOException failure) {
            throw new UncheckedIOException("the ARM64 runner cannot be written", failure);
        }
    }

    @Override
    public Sites sites() {
        return sites;
    }

    @Override
    public synchronized long publish(int[] words, Arm64Executable program) {
        long address = publish(words);
        programs.put(address, program);
        return address;
    }

    synchronized long publish(int[] words) {
        long address = space.take(4L * words.length);
        for (int i = 0; i < words.length; i++) {
            Memory.putInt(address + 4L * i, words[i]);
        }
        forgetInstructions(address, address + 4L * words.length);
        return address;
    }

    @Override
    public synchronized void retract(long address, long sizeBytes) {
        programs.remove(address);
        space.give(address, sizeBytes);
    }

    /**
     * The instruction caches' maintenance: whoever executes from now on sees what was written. A process that starts later has nothing
     * to forget.
     */
    private void forgetInstructions(long from, long to) {
        var process = running.filter(r -> r.process.isAlive());
        if (process.isEmpty()) {
            return;
        }
        try {
            Mailbox.put(Mailbox.ENTRY, from);
            Mailbox.put(Mailbox.ARGUMENTS, to);
            send(process.get(), 'I');
            if (process.get().in.read() != 'I') {
                throw ended(process.get(), -1, Optional.empty());
            }
        } catch (IOException failure) {
            throw ended(process.get(), -1, Optional.empty());
        }
    }

    @Override
    public VmFault explain(Fault fault) {
        synchronized (this) {
            for (var program : programs.values()) {
                if (program.covers(fault.codeAddress())) {
                    return program.explained(fault);
                }
            }
        }
        return new VmFault(String.valueOf(fault.getMessage()));
    }

    @Override
    public Routines routines() {
        return ROUTINES;
    }

    /** In the runner's image, which lies where it was linked for. */
    static final Routines ROUTINES = new Routines(
            StaticElf.addressOfWord(RunnerImage.CALL_OUT_WORD),
            StaticElf.addressOfWord(RunnerImage.CALL_REGISTER_WORD),
            StaticElf.addressOfWord(RunnerImage.LOAD_KERNEL_WORD),
            StaticElf.addressOfWord(RunnerImage.RETURN_WORD));

    /** Writes the table that checked code reads. */
    static void setRegions(List<AddressSpace.Region> regions, long stackLow, long stackEnd) {
        if (regions.size() + 1 > Mailbox.MAX_REGIONS) {
            throw new VmFault("more than " + Mailbox.MAX_REGIONS + " regions");
        }
        int at = Mailbox.REGION_TABLE;
        Mailbox.put(at, regions.size() + 1L);
        at = putRegion(at + AccessCheck.HEADER_BYTES, stackLow, stackEnd, true);
        for (var region : regions) {
            at = putRegion(at, region.base(), region.end(), region.writable());
        }
    }

    private static int putRegion(int at, long base, long end, boolean writable) {
        Mailbox.put(at, base);
        Mailbox.put(at + 8, end);
        Mailbox.put(at + 16, writable ? 1 : 0);
        return at + AccessCheck.REGION_BYTES;
    }

    @Override
    public synchronized long call(VmCpu cpu, long entry, long[] arguments, long stack, boolean bounded) {
        var process = running.filter(r -> r.process.isAlive()).orElseGet(this::launch);
        var timer = bounded ? Optional.of(new Timer(process.process)) : Optional.<Timer>empty();
        var outer = Mailbox.snapshot();
        try {
            Mailbox.fillSnapshot(cpu.services());
            Mailbox.put(Mailbox.ENTRY, entry);
            for (int i = 0; i < 5; i++) {
                Mailbox.put(Mailbox.ARGUMENTS + 8 * i, arguments[i]);
            }
            Mailbox.put(Mailbox.STACK, stack);
            Mailbox.put(Mailbox.REGIONS, SharedPool.BASE + Mailbox.REGION_TABLE);
            send(process, 'E');
            while (true) {
                int letter = process.in.read();
                switch (letter) {
                    case 'R' -> {
                        return Mailbox.get(Mailbox.RESULT);
                    }
                    case 'H' -> serveCall(process, cpu);
                    default -> throw ended(process, letter, timer);
                }
            }
        } catch (IOException failure) {
            throw ended(process, -1, timer);
        } finally {
            timer.ifPresent(Timer::stop);
            Mailbox.restoreSnapshot(outer);
        }
    }

    private void serveCall(Running process, VmCpu cpu) throws IOException {
        long a = Mailbox.get(Mailbox.HELPER_ARGUMENTS);
        long b = Mailbox.get(Mailbox.HELPER_ARGUMENTS + 8);
        long c = Mailbox.get(Mailbox.HELPER_ARGUMENTS + 16);
        long d = Mailbox.get(Mailbox.HELPER_ARGUMENTS + 24);
        long e = Mailbox.get(Mailbox.HELPER_ARGUMENTS + 32);
        Answer answer;
        try {
            long number = Mailbox.get(Mailbox.HELPER);
            answer = Mailbox.get(Mailbox.THROUGH_REGISTER) != 0
                    ? new Answer(cpu.callRegister(number, a, b, c, d, e))
                    : sites.call(number, cpu, a, b, c, d, e);
        } catch (RuntimeException thrown) {
            abandon(process);
            throw thrown;
        }
        Mailbox.put(Mailbox.RESULT, answer.result());
        Mailbox.put(Mailbox.ENDS, answer.goesOn() ? 1 : 0);
        Mailbox.put(Mailbox.TAIL_CONTEXT, answer.context());
        send(process, 'C');
    }

    /** The runner leaves the code that called out, and its stack with it; only then may the stack be used for anything else. */
    private static void abandon(Running process) throws IOException {
        if (process.process.isAlive()) {
            send(process, 'U');
            if (process.in.read() != 'D') {
                process.process.destroyForcibly();
            }
        }
    }

    /** Ends the process; the next call would start another. */
    synchronized void close() {
        running.ifPresent(r -> r.process.destroyForcibly());
        running = Optional.empty();
    }

    private static void send(Running process, char command) throws IOException {
        process.out.write(command);
        process.out.flush();
    }

    private Running launch() {
        Mailbox.put(Mailbox.OUTER_FRAME, 0);
        Mailbox.put(Mailbox.SIGNAL_STACK, SharedPool.CODE - Mailbox.SIGNAL_STACK_BYTES);
        Mailbox.put(Mailbox.SIGNAL_STACK + 8, 0);
        Mailbox.put(Mailbox.SIGNAL_STACK + 16, Mailbox.SIGNAL_STACK_BYTES);
        // struct sigaction of arm64: handler, flags (SA_SIGINFO | SA_ONSTACK), restorer, mask.
        Mailbox.put(Mailbox.SIGNAL_ACTION + 8, 0x0800_0004L);
        Mailbox.put(Mailbox.SIGNAL_ACTION + 16, 0);
        Mailbox.put(Mailbox.SIGNAL_ACTION + 24, 0);
        try {
            var process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            var started = new Running(process, process.getInputStream(), process.getOutputStream());
            running = Optional.of(started);
            return started;
        } catch (IOException failure) {
            throw new UncheckedIOException("the ARM64 runner cannot be started: " + pool.path(), failure);
        }
    }

    private Fault ended(Running process, int letter, Optional<Timer> timer) {
        process.process.destroyForcibly();
        running = Optional.empty();
        if (letter == 'F') {
            long signal = Mailbox.get(Mailbox.SIGNAL);
            if (signal == SIGTRAP) {
                return new Fault("an access outside every region", Mailbox.get(Mailbox.FAULT_LINK) - 4);
            }
            long address = Mailbox.get(Mailbox.FAULT_ADDRESS);
            var what = SharedPool.isGuard(address)
                    ? "the stack is used up: an access to the guard pages at 0x"
                    : "signal " + signal + " at address 0x";
            return new Fault(what + Long.toHexString(address), Mailbox.get(Mailbox.FAULT_PC));
        }
        if (timer.isPresent() && timer.get().fired) {
            return new Fault("it ran for more than " + UNVERIFIED_SECONDS + " s", 0);
        }
        return new Fault("the ARM64 runner ended", 0);
    }

    /** Ends a process that does not answer. */
    private static final class Timer {
        private final Thread thread;
        private volatile boolean fired;

        Timer(Process process) {
            thread = Thread.ofVirtual().start(() -> {
                try {
                    TimeUnit.SECONDS.sleep(UNVERIFIED_SECONDS);
                    fired = true;
                    process.destroyForcibly();
                } catch (InterruptedException _) {
                    // it answered in time
                }
            });
        }

        void stop() {
            thread.interrupt();
        }
    }
}
