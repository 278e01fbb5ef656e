package skep.events.embedded;

import java.util.List;

/** What the kernel is busy with: which processes exist, and what they do. */
final class Scenario {
    static final String DEFAULT = "mixed";

    private final EmbeddedKernel kernel;
    private final Programs programs;

    Scenario(EmbeddedKernel kernel) {
        this.kernel = kernel;
        this.programs = new Programs(kernel);
    }

    static List<String> names() {
        return List.of("mixed", "idle", "busy", "web-server", "network-loss");
    }

    void populate(String name) {
        programs.bootFiles();
        kernelThreads();
        switch (name) {
            case "idle" -> services();
            case "busy" -> {
                services();
                for (int i = 0; i < 2 * kernel.cpus.length; i++) {
                    kernel.processes.bootProcess(programs.churn, List.of("churn"), 1000, i);
                }
            }
            case "web-server", "network-loss" -> {
                services();
                if (name.equals("network-loss")) {
                    kernel.network.lossPerMille = 40;
                }
                web(4_000_000, 24);
                kernel.processes.bootProcess(programs.fetcher, List.of("curl"), 1000, 1);
                kernel.processes.bootProcess(programs.fetcher, List.of("curl"), 1000, 2);
            }
            default -> {
                services();
                kernel.network.lossPerMille = 2;
                web(30_000_000, 4);
                kernel.processes.bootProcess(programs.fetcher, List.of("curl"), 1000, 1);
                for (int i = 0; i < Math.max(1, kernel.cpus.length / 2); i++) {
                    kernel.processes.bootProcess(programs.fileServer, List.of("httpd"), 33, i);
                }
                kernel.processes.bootProcess(programs.database, List.of("postgres"), 113, 1);
                kernel.processes.bootProcess(programs.make, List.of("make", "-j2"), 1000, 2);
                kernel.processes.bootProcess(programs.backup, List.of("tar"), 1000, 3);
            }
        }
    }

    /** The processes that every machine has: they wake up now and then. */
    private void services() {
        kernel.processes.bootProcess(programs.init, List.of("systemd"), 0, 0);
        var journal = kernel.processes.bootProcess(programs.journal, List.of("systemd-journald"), 0, 0);
        var cron = kernel.processes.bootProcess(programs.logger, List.of("cron"), 0, 1);
        int[] pair = kernel.channels.bootPair(cron.process, journal.process);
        assert pair[0] == Programs.LOG_DESCRIPTOR && pair[1] == Programs.LOG_DESCRIPTOR;
        kernel.processes.bootProcess(programs.monitor, List.of("node_exporter"), 998, 2);
    }

    /** A web server whose customers come this often, and some who knock at a closed port. */
    private void web(long meanNanos, int workers) {
        kernel.processes.bootProcess(programs.webServer, List.of("nginx", String.valueOf(workers)), 33, 0);
        kernel.network.bootClient(80, meanNanos, 420);
        kernel.network.bootClient(22, 40 * meanNanos, 60);
    }

    private void kernelThreads() {
        kernel.processes.bootKernelThread("kworker/u" + 2 * kernel.cpus.length + ":0", programs.flusher, "", -1);
        for (var cpu : kernel.cpus) {
            kernel.processes.bootKernelThread("ksoftirqd/" + cpu.id, programs.softirqThread, "", cpu.id);
        }
    }
}
