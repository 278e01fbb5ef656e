package skep.truffle.backend;

import com.oracle.truffle.api.CallTarget;
import com.oracle.truffle.api.CompilerDirectives;
import com.oracle.truffle.api.CompilerDirectives.CompilationFinal;
import org.jspecify.annotations.Nullable;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.VmCpu;
import skep.vm.interp.InnerForm;

/** A program whose functions are Truffle root nodes, made when they are first called. */
final class TruffleProgram implements Executable {
    private final LinkedProgram linked;
    private final InnerForm form;

    @CompilationFinal(dimensions = 1)
    private final @Nullable CallTarget[] targets;

    TruffleProgram(LinkedProgram linked) {
        this.linked = linked;
        form = InnerForm.of(linked, null);
        targets = new CallTarget[form.words().length];
        linked.bind(this);
    }

    String name() {
        return linked.name();
    }

    /** The function that begins at an instruction of the inner form. */
    CallTarget target(int index) {
        var target = targets[index];
        if (target == null) {
            CompilerDirectives.transferToInterpreterAndInvalidate();
            target = make(index);
        }
        return target;
    }

    private synchronized CallTarget make(int index) {
        var made = targets[index];
        if (made == null) {
            made = new BpfRootNode(this, form, index).getCallTarget();
            targets[index] = made;
        }
        return made;
    }

    @Override
    public String backend() {
        return TruffleBackend.NAME;
    }

    @Override
    public int codeSizeBytes() {
        return 0;
    }

    @Override
    public long call(VmCpu cpu, int slot, long a, long b, long c, long d, long e) {
        return (long) target(form.indexOf()[slot]).call(cpu, a, b, c, d, e);
    }

    @Override
    public void close() {
        linked.release();
    }
}
