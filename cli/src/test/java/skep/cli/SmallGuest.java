package skep.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import skep.isa.kernel.Arch;
import skep.linux.agent.AgentImage;
import skep.session.Targets;
import skep.target.Target;

/**
 * An ARM64 kernel of Debian that boots into nothing but a busybox and our agent at a serial port: what {@code .ci/arm64-guest} fetches within
 * a minute, against {@link GuestKernel}'s whole systems. Its file system is an archive that is made here, anew for each boot.
 */
final class SmallGuest implements AutoCloseable {
    private static final Path FETCHED = Path.of(System.getProperty("skep.root", ".."), "cli", "target", "guest-arm64");
    private static final int BOOT_SECONDS = 120;

    /** Modules may need each other, and their order is not written down here: all are tried three times. */
    private static final String INIT = """
            #!/bin/busybox sh
            B=/bin/busybox
            $B mount -t proc proc /proc; $B mount -t sysfs sysfs /sys; $B mount -t devtmpfs dev /dev
            $B mount -t tracefs tracefs /sys/kernel/tracing
            for n in 1 2 3; do for m in /modules/*; do $B insmod $m 2>/dev/null; done; done
            n=0; while [ ! -e /dev/vport0p1 ] && [ $n -lt 100 ]; do $B ls /dev/vport*p1 >/dev/null 2>&1 && break; $B sleep 0.1; n=$((n+1)); done
            port=$($B ls /dev/vport*p1 | $B head -n 1)
            echo GUEST READY
            while $B sleep 0.2; do /agent 0<>$port 1>&0; done
            """;

    private final Process machine;
    private final Path folder;

    private SmallGuest(Process machine, Path folder) {
        this.machine = machine;
        this.folder = folder;
    }

    /** Why it cannot be started here, or empty. */
    static Optional<String> missing() {
        if (!Files.exists(FETCHED.resolve("ready"))) {
            return Optional.of("no ARM64 kernel was fetched; .ci/arm64-guest does it");
        }
        boolean emulator = List.of(System.getenv().getOrDefault("PATH", "").split(":")).stream()
                .anyMatch(bin -> Files.isExecutable(Path.of(bin, "qemu-system-aarch64")));
        return emulator
                ? Optional.empty()
                : Optional.of("qemu-system-aarch64 is not installed (Debian: qemu-system-arm)");
    }

    static SmallGuest boot() throws IOException, InterruptedException {
        var folder = Files.createTempDirectory("skep-guest");
        var console = folder.resolve("console");
        Files.write(folder.resolve("initrd"), archive());
        var command = List.of(
                "qemu-system-aarch64",
                "-M",
                "virt",
                "-cpu",
                "cortex-a72",
                "-smp",
                "2",
                "-m",
                "512",
                "-nographic",
                "-nodefaults",
                "-no-reboot",
                "-serial",
                "stdio",
                "-net",
                "none",
                "-kernel",
                find("vmlinuz").toString(),
                "-initrd",
                folder.resolve("initrd").toString(),
                "-append",
                "console=ttyAMA0 quiet panic=-1",
                "-chardev",
                "socket,id=c0,path=" + folder.resolve("agent.sock") + ",server=on,wait=off",
                "-device",
                "virtio-serial",
                "-device",
                "virtserialport,chardev=c0,name=agent");
        var machine = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(console.toFile())
                .start();
        var guest = new SmallGuest(machine, folder);
        for (int i = 0; i < BOOT_SECONDS * 10 && machine.isAlive(); i++) {
            if (read(console).contains("GUEST READY")) {
                return guest;
            }
            Thread.sleep(100);
        }
        var said = read(console);
        guest.close();
        throw new IOException("the guest did not come up:\n" + said);
    }

    private static String read(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
    }

    private static Path find(String prefix) throws IOException {
        try (var files = Files.walk(FETCHED)) {
            return files.filter(file -> file.getFileName().toString().startsWith(prefix))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** {@code cpio -H newc}: a header of thirteen numbers of eight hexadecimal digits, the name, the content, each padded to four. */
    private static byte[] archive() throws IOException {
        var out = new ByteArrayOutputStream();
        for (var directory : List.of("bin", "dev", "proc", "sys", "etc", "tmp", "modules")) {
            entry(out, directory, 0x41ed, new byte[0]);
        }
        entry(out, "init", 0x81ed, INIT.getBytes(StandardCharsets.US_ASCII));
        entry(out, "agent", 0x81ed, AgentImage.of(Arch.ARM64));
        entry(out, "bin/busybox", 0x81ed, Files.readAllBytes(find("busybox")));
        for (var command : List.of("sh", "cat")) {
            entry(out, "bin/" + command, 0xa1ff, "busybox".getBytes(StandardCharsets.US_ASCII));
        }
        entry(out, "etc/passwd", 0x81a4, "root:x:0:0::/:/bin/sh\n".getBytes(StandardCharsets.US_ASCII));
        try (var files = Files.walk(FETCHED.resolve("lib"))) {
            for (var module :
                    files.filter(f -> f.toString().endsWith(".ko")).sorted().toList()) {
                entry(out, "modules/" + module.getFileName(), 0x81a4, Files.readAllBytes(module));
            }
        }
        entry(out, "TRAILER!!!", 0, new byte[0]);
        return out.toByteArray();
    }

    private static void entry(ByteArrayOutputStream out, String name, int mode, byte[] content) {
        int number = out.size() + 1;
        int[] fields = {number, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length() + 1, 0};
        out.writeBytes("070701".getBytes(StandardCharsets.US_ASCII));
        for (int field : fields) {
            out.writeBytes("%08x".formatted(field).getBytes(StandardCharsets.US_ASCII));
        }
        out.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
        out.write(0);
        pad(out);
        out.writeBytes(content);
        pad(out);
    }

    private static void pad(ByteArrayOutputStream out) {
        while (out.size() % 4 != 0) {
            out.write(0);
        }
    }

    Target open() {
        return Targets.open("unix:" + folder.resolve("agent.sock"));
    }

    @Override
    public void close() throws IOException {
        machine.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
        try (var files = Files.walk(folder)) {
            files.sorted(java.util.Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }
}
