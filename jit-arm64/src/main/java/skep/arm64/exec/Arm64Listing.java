package skep.arm64.exec;

import java.util.Arrays;
import skep.arm64.lower.KernelImage;
import skep.arm64.lower.Listing;
import skep.arm64.lower.Lowering;
import skep.arm64.lower.LoweringOptions;
import skep.arm64.lower.LoweringOptions.Style;
import skep.arm64.lower.UnsupportedInsnException;
import skep.isa.kernel.Arch;
import skep.isa.kernel.KernelInfo;
import skep.isa.object.BpfObject;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.MachineImage;
import skep.target.MachineListing;
import skep.vm.LinkedProgram;
import skep.vm.Machine;
import skep.vm.VmObject;

/** A64 to read: of scripts that are not run, and of what a kernel made. Needs no processor and no emulator. */
public sealed class Arm64Listing implements MachineListing {
    /** The stage {@code arm64-linux}: as the JIT of Linux 6.1 would write it. */
    public static final class Linux extends Arm64Listing {
        public Linux() {
            super("arm64-linux", LoweringOptions.VERIFIED.withStyle(Style.LINUX_6_1));
        }
    }

    /** The stage {@code arm64-linux-6.12}: as that of Linux 6.12 would. */
    public static final class Linux612 extends Arm64Listing {
        public Linux612() {
            super("arm64-linux-6.12", LoweringOptions.VERIFIED.withStyle(Style.LINUX_6_12));
        }
    }

    private final String stage;
    private final LoweringOptions options;

    /** The stage {@code arm64}: as the backend writes it. */
    public Arm64Listing() {
        this("arm64", LoweringOptions.VERIFIED);
    }

    private Arm64Listing(String stage, LoweringOptions options) {
        this.stage = stage;
        this.options = options;
    }

    @Override
    public String stage() {
        return stage;
    }

    @Override
    public Arch arch() {
        return Arch.ARM64;
    }

    @Override
    public String list(BpfObject object, KernelInfo kernel) {
        var out = new StringBuilder();
        try (var machine = new Machine(Machine.Config.ofKernel(kernel));
                var loaded = VmObject.load(machine, object, new LoadOptions(0, "interp"))) {
            for (var program : loaded.programs()) {
                var linked = LinkedProgram.of(program.verified(), machine);
                try (var calls = new LinkedCalls(linked, new Sites(), Runner.ROUTINES)) {
                    var code = Lowering.lower(linked.program(), linked::insn, options, calls)
                            .placed(word -> 4L * word);
                    out.append(String.format(
                            "; program %s: %d bytes of bytecode, %d bytes of A64%n",
                            program.name(), linked.program().size() * 8, code.sizeBytes()));
                    out.append(Listing.of(code, linked.program(), linked.lines(), 0));
                } catch (UnsupportedInsnException unsupported) {
                    throw new LoadException(
                            "program " + program.name() + ": " + unsupported.getMessage(),
                            program.spec(),
                            unsupported.slot(),
                            "");
                } finally {
                    linked.release();
                }
            }
        }
        return out.toString();
    }

    @Override
    public String show(MachineImage image) {
        int[] words = Listing.words(image.code());
        var matched = KernelImage.of(image);
        if (matched.isEmpty()) {
            return Listing.of(words, KernelImage.addresses(image), image.lines(), image.lineAddresses());
        }
        var known = matched.get();
        var differing = known.differing();
        var style = known.style() == Style.LINUX_6_1 ? "Linux 6.1" : "Linux 6.12";
        var head = differing.length == 0
                ? "; word for word as Skep writes it in the style of " + style + "\n"
                : "; differs from Skep's style of " + style + " in words " + Arrays.toString(differing) + "\n";
        return head + known.listing(known.code(), image.lines());
    }
}
