package skep.target;

import skep.isa.kernel.Arch;
import skep.isa.kernel.KernelInfo;
import skep.isa.object.BpfObject;

/** Shows machine code with the bytecode and the source that made it; found by {@link java.util.ServiceLoader}. */
public interface MachineListing {
    /** The word that asks for it among the stages of a script's compilation, for example {@code arm64}. */
    String stage();

    /** Whose code it shows. */
    Arch arch();

    /**
     * The code of an object's programs, which are verified and compiled but not run.
     *
     * @throws LoadException if a program is rejected
     */
    String list(BpfObject object, KernelInfo kernel);

    /** A kernel's code. */
    String show(MachineImage image);
}
