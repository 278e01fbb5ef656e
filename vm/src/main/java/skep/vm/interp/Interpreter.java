package skep.vm.interp;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
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
        return new Interpreted(name(), LinkedProgram.of(program, runtime), null);
    }

    @Override
    public Executable compile(VerifiedProgram program, VmRuntime runtime) {
        return new Interpreted(name(), LinkedProgram.of(program, runtime), null);
    }

    static final class Interpreted implements Executable {
        private final String backend;
        private final LinkedProgram linked;
        private final InnerForm form;

        Interpreted(String backend, LinkedProgram linked, @Nullable BeliefWatch watch) {
            this.backend = backend;
            this.linked = linked;
            form = InnerForm.of(linked, watch);
            linked.bind(this);
        }

        @Override
        public String backend() {
            return backend;
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
