package skep.events.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the kernel is busy with, as a text of one statement a line:
 *
 * <pre>
 * scenario  = { statement } .
 * statement = "about" text                        what it is, for people
 *           | "param" name value                  a parameter that options may set, with its default
 *           | "services"                          what every machine runs
 *           | "cache" ( "warm" | "cold" )         whether documents are in memory at the start
 *           | "loss" value                        of a thousand packets that leave, so many get lost
 *           | "clients" port value value          machines outside: mean microseconds between two, bytes of a request
 *           | "clients6" port value value         the same, with addresses of IPv6
 *           | "memory" value value                MiB of memory and of swap area
 *           | "rotating" value                    unless it is 0, documents and the large file are on the rotating disk
 *           | "container" name uid program {arg}  a process in a container of this name
 *           | "pair" uid program program          two processes with a socket between them
 *           | "processes" value uid program {arg} .
 * value     = factor { ( "*" | "/" ) factor } .
 * factor    = number | "cpus" | "$" name .
 * </pre>
 */
record Scenario(String name, String about, Map<String, Long> parameters, List<List<String>> statements) {
    static final String DEFAULT = "mixed";
    private static final List<String> NAMES = List.of(
            "mixed",
            "idle",
            "busy",
            "web-server",
            "network-loss",
            "database",
            "kernel-build",
            "memory-leak",
            "disk-saturated",
            "lock-convoy",
            "noisy-neighbour",
            "cold-cache",
            "fork-storm",
            "file-systems",
            "memory-pressure",
            "runtimes",
            "desktop",
            "virtual-machines");

    Scenario {
        parameters = Map.copyOf(parameters);
        statements = List.copyOf(statements);
    }

    static List<String> names() {
        return NAMES;
    }

    /** Reads a scenario of ours. */
    static Scenario load(String name) {
        try (var stream = Scenario.class.getResourceAsStream("scenarios/" + name + ".scenario")) {
            if (stream == null) {
                throw new IllegalStateException("scenario " + name + " is missing");
            }
            return parse(name, new String(stream.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    static Scenario parse(String name, String text) {
        var about = new StringBuilder();
        var parameters = new LinkedHashMap<String, Long>();
        var statements = new ArrayList<List<String>>();
        for (var line : text.lines().map(String::strip).toList()) {
            var words = List.of(line.split("\\s+"));
            switch (words.getFirst()) {
                case "", "#" -> {}
                case "about" -> about.append(line.substring("about".length()).strip());
                case "param" -> parameters.put(words.get(1), Long.parseLong(words.get(2)));
                case "services",
                        "cache",
                        "loss",
                        "clients",
                        "clients6",
                        "memory",
                        "rotating",
                        "pair",
                        "container",
                        "processes" -> statements.add(words);
                default ->
                    throw new IllegalArgumentException("scenario " + name + ": no statement " + words.getFirst());
            }
        }
        return new Scenario(name, about.toString(), parameters, statements);
    }

    /** Puts the processes of this scenario into a kernel. */
    void populate(EmbeddedKernel kernel, Programs programs) {
        for (var statement : statements) {
            if (statement.getFirst().equals("memory")) {
                kernel.pressure.resize(256 * value(statement.get(1), kernel), 256 * value(statement.get(2), kernel));
            }
        }
        kernel.vfs.rotating =
                statements.stream().anyMatch(s -> s.getFirst().equals("rotating") && value(s.get(1), kernel) != 0);
        boolean warm = statements.stream().noneMatch(s -> s.equals(List.of("cache", "cold")));
        programs.bootFiles(warm);
        programs.bootKernelThreads();
        int next = 0;
        for (var statement : statements) {
            switch (statement.getFirst()) {
                case "services" -> programs.bootServices();
                case "loss" -> kernel.network.lossPerMille = (int) value(statement.get(1), kernel);
                case "clients", "clients6" ->
                    kernel.network.bootClient(
                            Integer.parseInt(statement.get(1)),
                            1000 * value(statement.get(2), kernel),
                            (int) value(statement.get(3), kernel),
                            statement.getFirst().endsWith("6") ? Network.AF_INET6 : Network.AF_INET);
                case "container" -> {
                    var task = boot(
                            kernel, statement.subList(3, statement.size()), Integer.parseInt(statement.get(2)), next++);
                    kernel.processes.bootInto(task, kernel.containers.container(statement.get(1)));
                }
                case "pair" -> {
                    int uid = Integer.parseInt(statement.get(1));
                    var first = boot(kernel, List.of(statement.get(2)), uid, next++);
                    var second = boot(kernel, List.of(statement.get(3)), uid, next++);
                    kernel.channels.bootPair(first.process, second.process, true);
                }
                case "processes" -> {
                    long count = Math.max(1, value(statement.get(1), kernel));
                    var program = kernel.userSpace
                            .findProgram(statement.get(3))
                            .orElseThrow(() -> new IllegalArgumentException("no program " + statement.get(3)));
                    var arguments = new ArrayList<>(statement.subList(3, statement.size()));
                    arguments.replaceAll(a -> a.startsWith("$") ? String.valueOf(value(a, kernel)) : a);
                    for (long i = 0; i < count; i++) {
                        kernel.processes.bootProcess(program, arguments, Integer.parseInt(statement.get(2)), next++);
                    }
                }
                default -> {}
            }
        }
    }

    private static Task boot(EmbeddedKernel kernel, List<String> arguments, int uid, int cpu) {
        var program = kernel.userSpace
                .findProgram(arguments.getFirst())
                .orElseThrow(() -> new IllegalArgumentException("no program " + arguments.getFirst()));
        return kernel.processes.bootProcess(program, arguments, uid, cpu);
    }

    private long value(String expression, EmbeddedKernel kernel) {
        long result = 1;
        boolean divide = false;
        for (var factor : expression.split("(?=[*/])|(?<=[*/])")) {
            switch (factor) {
                case "*" -> divide = false;
                case "/" -> divide = true;
                default -> {
                    long number = factor(factor, kernel);
                    result = divide ? result / number : result * number;
                }
            }
        }
        return result;
    }

    private long factor(String text, EmbeddedKernel kernel) {
        if (text.equals("cpus")) {
            return kernel.cpus.length;
        }
        if (!text.startsWith("$")) {
            return Long.parseLong(text);
        }
        var name = text.substring(1);
        var chosen = kernel.options().parameters().get(name);
        var preset = parameters.get(name);
        if (chosen == null && preset == null) {
            throw new IllegalArgumentException("scenario " + this.name + " has no parameter " + name);
        }
        return chosen != null ? chosen : preset;
    }
}
