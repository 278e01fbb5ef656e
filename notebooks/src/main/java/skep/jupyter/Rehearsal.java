package skep.jupyter;

import java.util.List;
import skep.jupyter.cell.NotebookKernel;
import skep.jupyter.protocol.Client;
import skep.jupyter.protocol.ConnectionFile;
import skep.jupyter.protocol.Json;
import skep.jupyter.protocol.KernelServer;

/** A kernel and its front end in one process: loads the classes that a first cell needs, for the start-up cache. */
final class Rehearsal {
    private static final int PATIENCE_MILLIS = 30_000;

    private static final List<String> CELLS = List.of(
            "%target",
            "%%skep --target embedded:speed=max --duration 300ms\n"
                    + "kprobe:vfs_read { @[comm] = count(); @h = hist(arg2); printf(\"%d\\n\", pid); }",
            "kprobe:vfs_read { nosuch(); }",
            "%%sh\ntrue");

    private Rehearsal() {}

    static void run(String version) {
        var connection = ConnectionFile.local();
        try (var kernel = new NotebookKernel(version, "embedded:speed=max")) {
            var server = new KernelServer(connection, kernel, _ -> {});
            var serving = Thread.ofPlatform().start(server::run);
            try (var client = new Client(connection)) {
                ask(client, Client.Channel.SHELL, "kernel_info");
                ask(client, Client.Channel.SHELL, "history");
                for (var code : CELLS) {
                    ask(client, Client.Channel.SHELL, "execute", "code", code);
                }
                ask(client, Client.Channel.SHELL, "complete", "code", "kprobe:vfs_");
                ask(client, Client.Channel.SHELL, "inspect", "code", "tracepoint:sched:sched_switch");
                ask(client, Client.Channel.CONTROL, "shutdown");
            }
            serving.join(PATIENCE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void ask(Client client, Client.Channel channel, String type, String... members) {
        var content = Json.object();
        for (int i = 0; i + 1 < members.length; i += 2) {
            content.put(members[i], members[i + 1]);
        }
        var id = client.send(channel, type + "_request", content);
        client.answer(channel, id, type + "_reply", PATIENCE_MILLIS);
    }
}
