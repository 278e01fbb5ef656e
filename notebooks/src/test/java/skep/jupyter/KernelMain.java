package skep.jupyter;

import java.util.List;

/** A kernel process for tests, without the launcher. */
final class KernelMain {
    private KernelMain() {}

    public static void main(String[] args) {
        System.exit(new JupyterCommand().run(List.of("kernel", args[0]), System.in, System.out, System.err));
    }
}
