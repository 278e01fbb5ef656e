package skep.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import skep.isa.kernel.Arch;
import skep.linux.agent.AgentImage;
import skep.session.Targets;
import skep.target.Target;

/** A kernel in a virtual machine under emulation, with our agent at a serial port. Booting takes ten to twenty seconds. */
final class GuestKernel implements AutoCloseable {
    private static final Path SCRIPT = Path.of(System.getProperty("skep.root", ".."), "..", "shared", "vm", "vm");
    private static final int BOOT_SECONDS = 120;

    /** The agent ends with its stream, so that each connection finds a new one. */
    private static final String GUEST = """
            cp /share/agent /tmp/agent; chmod 755 /tmp/agent
            port=$(ls /dev/vport*p1 | head -1); echo "GUEST READY"
            while sleep 0.2; do /tmp/agent 0<>$port 1>&0; done
            """;

    private final Process machine;
    private final Path folder;
    private final Path socket;

    private GuestKernel(Process machine, Path folder, Path socket) {
        this.machine = machine;
        this.folder = folder;
        this.socket = socket;
    }

    /** Why a guest cannot be started here, or empty. Images are made outside of the tests: that takes minutes. */
    static Optional<String> missing(String arch) {
        var cache = System.getenv().getOrDefault("SKEP_VM_DIR", System.getProperty("user.home") + "/.cache/skep-vm");
        if (!Files.isExecutable(SCRIPT)) {
            return Optional.of("there is no " + SCRIPT.normalize());
        }
        var image = Path.of(cache, arch);
        return Files.exists(image.resolve("ready"))
                ? Optional.empty()
                : Optional.of("there is no image of " + arch + "; build one with " + SCRIPT.normalize() + " " + arch);
    }

    /** Boots {@code amd64}, {@code arm64} or {@code arm64-6.12}. */
    static GuestKernel boot(String arch) throws IOException, InterruptedException {
        var folder = Files.createTempDirectory("skep-guest");
        var share = Files.createDirectory(folder.resolve("share"));
        Files.write(share.resolve("agent"), AgentImage.of(arch.startsWith("amd64") ? Arch.X86_64 : Arch.ARM64));
        var commands = Files.writeString(folder.resolve("guest.sh"), GUEST);
        var socket = folder.resolve("agent.sock");
        var console = folder.resolve("console");
        var builder = new ProcessBuilder(SCRIPT.toString(), arch, commands.toString(), share.toString())
                .redirectErrorStream(true)
                .redirectOutput(console.toFile());
        builder.environment().put("VMTIMEOUT", "1800");
        builder.environment().put("MEM", "1024");
        builder.environment()
                .put(
                        "QEMU_EXTRA",
                        "-chardev socket,id=c0,path=" + socket + ",server=on,wait=off -device virtio-serial"
                                + " -device virtserialport,chardev=c0,name=agent");
        var machine = builder.start();
        var guest = new GuestKernel(machine, folder, socket);
        for (int i = 0; i < BOOT_SECONDS * 10; i++) {
            if (read(console).contains("GUEST READY")) {
                return guest;
            }
            if (!machine.isAlive()) {
                break;
            }
            Thread.sleep(100);
        }
        var said = read(console);
        guest.close();
        throw new IOException("the guest " + arch + " did not come up:\n" + said);
    }

    private static String read(Path file) throws IOException {
        return Files.exists(file) ? new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1) : "";
    }

    Target open() {
        return Targets.open("unix:" + socket);
    }

    @Override
    public void close() throws IOException {
        machine.descendants().forEach(ProcessHandle::destroyForcibly);
        machine.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
        try (var files = Files.walk(folder)) {
            files.sorted(java.util.Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }
}
