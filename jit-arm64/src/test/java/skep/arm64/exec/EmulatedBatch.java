package skep.arm64.exec;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.arm64.lower.Calls;
import skep.arm64.lower.Lowering;
import skep.arm64.lower.LoweringOptions;
import skep.arm64.lower.MachineCode;
import skep.arm64.lower.UnsupportedInsnException;
import skep.isa.DecodedProgram;
import skep.isa.Insn;

/**
 * Runs many programs in one emulated process: a static executable that holds their code, calls one after the other and writes each
 * result to its standard output. A program that faults ends the process; the rest is run by another one.
 */
final class EmulatedBatch {
    /** Helper 5 of the conformance rows: ends the program when its argument is zero. */
    static final int UNWIND = 5;

    private static final int STACK_BYTES = 64 * 1024;
    private static final int TIMEOUT_SECONDS = 600;
    private static final int TABLE = 23;
    private static final int LEFT = 24;
    private static final int SAVED_SP = 27;
    private static final int REGIONS = 28;
    private static final int SYS_WRITE = 64;
    private static final int SYS_EXIT = 93;
    private static final int RECORD_BYTES = 40;

    private final Path scratch;
    private final Way way;

    EmulatedBatch(Path scratch, Way way) {
        this.scratch = scratch;
        this.way = way;
    }

    /** The ways in which code is made. */
    enum Way {
        CHECKED(LoweringOptions.CHECKED),
        CHECKED_WITHOUT_LSE(LoweringOptions.CHECKED.withLse(false)),
        VERIFIED(LoweringOptions.VERIFIED),
        VERIFIED_WITHOUT_LSE(LoweringOptions.VERIFIED.withLse(false)),
        BLINDED(LoweringOptions.VERIFIED.blinded(7)),
        LINUX_6_1(LoweringOptions.VERIFIED.withStyle(LoweringOptions.Style.LINUX_6_1)),
        LINUX_6_1_WITHOUT_LSE(LoweringOptions.VERIFIED
                .withStyle(LoweringOptions.Style.LINUX_6_1)
                .withLse(false)),
        LINUX_6_12(LoweringOptions.VERIFIED.withStyle(LoweringOptions.Style.LINUX_6_12)),
        LINUX_6_12_WITHOUT_LSE(LoweringOptions.VERIFIED
                .withStyle(LoweringOptions.Style.LINUX_6_12)
                .withLse(false)),
        /** As if a conditional branch reached 16 words, and a jump 64. */
        SHORT_SIGHTED(LoweringOptions.VERIFIED);

        final LoweringOptions options;

        Way(LoweringOptions options) {
            this.options = options;
        }

        MachineCode lower(DecodedProgram program, Calls calls) {
            if (options.style() == LoweringOptions.Style.LINUX_6_1) {
                // Its calls reach the upper half of the address space only, where no test's helper can be.
                for (int slot = 0; slot < program.size(); slot = program.next(slot)) {
                    if (program.at(slot) instanceof Insn.Call call && call.kind() != Insn.CallKind.LOCAL) {
                        throw new UnsupportedInsnException(slot, "no such call in this test");
                    }
                }
            }
            return this == SHORT_SIGHTED
                    ? Lowering.lower(program, options, calls, () -> new Assembler(5, 7))
                    : Lowering.lower(program, options, calls);
        }
    }

    /** A program and the memory that r1 points to; r2 is its length. */
    record Job(DecodedProgram program, byte[] memory) {}

    /** The result of each job, empty where it faulted. */
    List<OptionalLong> run(List<Job> jobs) throws IOException, InterruptedException {
        var results = new ArrayList<OptionalLong>();
        while (results.size() < jobs.size()) {
            var rest = jobs.subList(results.size(), jobs.size());
            for (long result : runOnce(rest)) {
                results.add(OptionalLong.of(result));
            }
            if (results.size() < jobs.size()) {
                results.add(OptionalLong.empty());
            }
        }
        return results;
    }

    private List<Long> runOnce(List<Job> jobs) throws IOException, InterruptedException {
        var asm = new Assembler();
        int afterCall = emitDriver(asm, jobs.size());
        int unwindWord = asm.size();
        int goOn = asm.label();
        asm.conditional(Encoding.CBNZ.word("sd", 1, 0), goOn);
        asm.move(SAVED_SP, StaticElf.DATA_BASE + STACK_BYTES);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, SAVED_SP);
        asm.branch(Encoding.B, afterCall);
        asm.bind(goOn);
        asm.emit(Encoding.RET_LR.word(""));
        if (asm.tooFar().length > 0) {
            throw new AssertionError();
        }
        int driverWords = asm.size();
        var words = new ArrayList<int[]>();
        words.add(asm.words());
        var entries = new int[jobs.size()];
        int at = driverWords;
        for (int i = 0; i < entries.length; i++) {
            int from = at;
            MachineCode code = way.lower(
                            jobs.get(i).program(),
                            new TestCalls(jobs.get(i).program(), StaticElf.addressOfWord(unwindWord)))
                    .placed(word -> StaticElf.addressOfWord(from + word));
            entries[i] = at;
            words.add(code.words());
            at += code.words().length;
        }
        var all = new int[at];
        int fill = 0;
        for (var part : words) {
            System.arraycopy(part, 0, all, fill, part.length);
            fill += part.length;
        }
        var file = scratch.resolve("batch-" + System.nanoTime());
        Files.write(file, StaticElf.write(all, 0, data(jobs, entries), 0));
        if (!file.toFile().setExecutable(true)) {
            throw new IOException("cannot make " + file + " executable");
        }
        return results(file, jobs.size());
    }

    /** Returns the label behind the call. */
    private static int emitDriver(Assembler asm, int count) {
        long stackTop = StaticElf.DATA_BASE + STACK_BYTES;
        asm.move(TABLE, stackTop);
        asm.move(LEFT, count);
        asm.move(SAVED_SP, stackTop);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, SAVED_SP);
        int again = asm.label();
        int afterCall = asm.label();
        int done = asm.label();
        asm.bind(again);
        asm.conditional(Encoding.CBZ.word("sd", 1, LEFT), done);
        asm.emit(Encoding.LDP_OFFSET, "siund", 1, 1, 1, TABLE, 0);
        asm.emit(Encoding.LDP_OFFSET, "siund", 1, 3, REGIONS, TABLE, 9);
        asm.emit(Encoding.BLR, "n", 9);
        asm.bind(afterCall);
        asm.emit(Encoding.STR_UIMM, "xind", 3, 0, TABLE, 0);
        asm.move(0, 1);
        asm.emit(Encoding.MOV_REG, "smd", 1, TABLE, 1);
        asm.move(2, 8);
        asm.move(8, SYS_WRITE);
        asm.emit(Encoding.SVC.word(""));
        asm.emit(Encoding.ADD_IMM, "sind", 1, RECORD_BYTES, TABLE, TABLE);
        asm.emit(Encoding.SUB_IMM, "sind", 1, 1, LEFT, LEFT);
        asm.branch(Encoding.B, again);
        asm.bind(done);
        asm.move(0, 0);
        asm.move(8, SYS_EXIT);
        asm.emit(Encoding.SVC.word(""));
        return afterCall;
    }

    /** The stack, then a record a job {result, memory, length, entry, regions}, then memories and regions. */
    private static byte[] data(List<Job> jobs, int[] entries) {
        int tableAt = STACK_BYTES;
        int at = tableAt + jobs.size() * RECORD_BYTES;
        int size = at + jobs.size() * 80;
        for (var job : jobs) {
            size += job.memory().length + 32;
        }
        var out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < entries.length; i++) {
            var memory = jobs.get(i).memory();
            int regionsAt = (at + 7) / 8 * 8;
            int memoryAt = regionsAt + 64;
            at = memoryAt + memory.length + 16;
            out.position(tableAt + i * RECORD_BYTES);
            out.putLong(0).putLong(StaticElf.DATA_BASE + memoryAt).putLong(memory.length);
            out.putLong(StaticElf.addressOfWord(entries[i])).putLong(StaticElf.DATA_BASE + regionsAt);
            out.position(regionsAt);
            out.putLong(2)
                    .putLong(StaticElf.DATA_BASE)
                    .putLong(StaticElf.DATA_BASE + STACK_BYTES)
                    .putLong(1);
            out.putLong(StaticElf.DATA_BASE + memoryAt)
                    .putLong(StaticElf.DATA_BASE + memoryAt + memory.length)
                    .putLong(1);
            out.position(memoryAt);
            out.put(memory);
        }
        return out.array();
    }

    private static List<Long> results(Path file, int count) throws IOException, InterruptedException {
        var process = new ProcessBuilder("qemu-aarch64", file.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        var results = new ArrayList<Long>();
        var watchdog = Thread.ofVirtual().start(() -> {
            try {
                if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException _) {
                process.destroyForcibly();
            }
        });
        try (var in = new DataInputStream(process.getInputStream())) {
            while (results.size() < count) {
                results.add(Long.reverseBytes(in.readLong()));
            }
        } catch (EOFException _) {
            // the process ended early: the caller sees fewer results
        }
        process.waitFor();
        watchdog.interrupt();
        return results;
    }

    /** Only the helper that ends programs is there. */
    record TestCalls(DecodedProgram program, long unwindAddress) implements Calls {
        @Override
        public CallTarget target(int slot) {
            if (program.at(slot) instanceof Insn.Call(Insn.CallKind kind, int imm, short _)
                    && kind == Insn.CallKind.HELPER
                    && imm == UNWIND) {
                return new CallTarget(unwindAddress, 0, true);
            }
            throw new UnsupportedInsnException(slot, "no such call in this test");
        }

        @Override
        public long throughRegister() {
            throw new UnsupportedInsnException(-1, "no such call in this test");
        }

        @Override
        public long immediate(int slot) {
            return program.at(slot) instanceof Insn.LoadImm64 load ? load.imm() : 0;
        }
    }
}
