package skep.linux;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import skep.linux.sys.LocalSyscalls;
import skep.target.ToolCommand;

/** {@code skep link}: what keeps programs attached in the live kernel. */
public final class LinkCommand implements ToolCommand {
    @Override
    public String name() {
        return "link";
    }

    @Override
    public String summary() {
        return """
                shows links: what keeps programs attached
                  link list [-j]""";
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        boolean json = arguments.contains("-j") || arguments.contains("--json");
        var words = arguments.stream().filter(word -> !word.startsWith("-")).toList();
        if (!words.isEmpty() && !words.equals(List.of("list")) && !words.equals(List.of("show"))) {
            err.println("ERROR: link takes list, not '" + String.join(" ", words) + "'");
            return 2;
        }
        var host = Host.of(LocalSyscalls.instance());
        if (LinuxTargetProvider.missing(host) != 0) {
            err.println("ERROR: listing what is loaded needs CAP_SYS_ADMIN: run as root");
            return 1;
        }
        try (var inventory = new LinuxInventory(host)) {
            var rows = inventory.links();
            if (json) {
                out.println("["
                        + String.join(",", rows.stream().map(LinkCommand::json).toList()) + "]");
            } else {
                rows.forEach(row -> out.println(row.id() + ": " + row.type() + "  prog " + row.programId()
                        + (row.detail().isEmpty() ? "" : "  " + row.detail())));
            }
            return 0;
        }
    }

    private static String json(LinuxInventory.LinkRow row) {
        return "{\"id\":" + row.id() + ",\"type\":\"" + row.type() + "\",\"prog_id\":" + row.programId()
                + ",\"target\":\"" + row.detail() + "\"}";
    }
}
