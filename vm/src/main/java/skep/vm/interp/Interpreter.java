package skep.vm.interp;

import java.util.Optional;
import skep.vm.Backend;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmRuntime;
import skep.vm.verifier.VerifiedProgram;

/** The backend {@code interp}: always there, always checking; the reference of the others. */
public final class Interpreter implements Backend {
    @Override
    public String name() {
        return "interp";
    }

    @Override
    public Optional<String> unavailableReason() {
        return Optional.empty();
    }

    @Override
    public Executable compile(UnverifiedProgram program, VmRuntime runtime) {
        return new Interpreted(LinkedProgram.of(program, runtime));
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return new Interpreted(LinkedProgram.of(program, runtime));
    }

    private static final class Interpreted implements Executable {
        private final LinkedProgram linked;
        private final InnerForm form;

        Interpreted(LinkedProgram linked) {
            this.linked = linked;
            form = InnerForm.of(linked);
            linked.bind(this);
        }

        @Override
        public String backend() {
            return "interp";
        }

        @Override
        public int codeSizeBytes() {
            return 0;
        }

        @Override
        public long call(VmCpu cpu, int slot, long a, long b, long c, long d, long e) {
            return Loop.run(form, cpu, form.indexOf()[slot], a, b, c, d, e);
        }

        @Override
        public void close() {
            linked.release();
        }
    }
}
