package skep.vm.jit;

import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.VmCpu;

/** A program as hidden classes. */
final class JitProgram implements Executable {
    private final LinkedProgram linked;
    private JitCode[] codes = new JitCode[0];
    private int[] classOfSlot = new int[0];
    private int bytecodeBytes;
    private int compiling;

    JitProgram(LinkedProgram linked) {
        this.linked = linked;
    }

    /** The class that is being written now. */
    int compiling() {
        return compiling;
    }

    void compile(int inClass) {
        compiling = inClass;
    }

    /**
     * The program is ready.
     *
     * @param classOfSlot the class of each function, by its first slot; empty if there is one class only
     */
    void complete(JitCode[] written, int[] classes, int bytes) {
        codes = written;
        classOfSlot = classes;
        bytecodeBytes = bytes;
        linked.bind(this);
    }

    @Override
    public String backend() {
        return "jvm";
    }

    @Override
    public int codeSizeBytes() {
        return bytecodeBytes;
    }

    @Override
    public long call(VmCpu cpu, int slot, long a, long b, long c, long d, long e) {
        if (linked.checked()) {
            cpu.favour(a);
            return callFunction(cpu, slot, 0, a, b, c, d, e);
        }
        long frame = cpu.push();
        long result = callFunction(cpu, slot, frame, a, b, c, d, e);
        cpu.pop(frame);
        return result;
    }

    long callFunction(VmCpu cpu, int slot, long fp, long a, long b, long c, long d, long e) {
        int inClass = classOfSlot.length == 0 ? 0 : classOfSlot[slot];
        return codes[inClass].call(cpu, slot, fp, a, b, c, d, e);
    }

    JitCode code(int index) {
        return codes[index];
    }

    @Override
    public String dump() {
        return JitCompiler.dump(linked);
    }

    @Override
    public void close() {
        linked.release();
    }
}
