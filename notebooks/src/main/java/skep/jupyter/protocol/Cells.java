package skep.jupyter.protocol;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Runs cells one after the other on a thread of its own. After an error, or after an interrupt, the cells that wait are
 * aborted: who presses Stop in the middle of "run all" means all.
 */
final class Cells {
    /** Cells that may wait. */
    private static final int MAX_WAITING = 100_000;

    /** How often a question to the user looks whether the cell was interrupted. */
    private static final long ASK_SLICE_MILLIS = 100;

    private final Kernel kernel;
    private final Sender sender;
    private final History history;
    private final LinkedBlockingQueue<Message> waiting = new LinkedBlockingQueue<>(MAX_WAITING);
    private final SynchronousQueue<String> answers = new SynchronousQueue<>();
    private int count;
    private volatile boolean running;
    private volatile boolean interrupted;
    private volatile boolean asking;

    Cells(Kernel kernel, Sender sender, History history) {
        this.kernel = kernel;
        this.sender = sender;
        this.history = history;
    }

    void start() {
        Thread.ofPlatform().daemon().name("skep-cells").start(() -> {
            try {
                while (true) {
                    run(waiting.take());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** {@code execute_request}. */
    void add(Message request) {
        if (!waiting.offer(request)) {
            abort(request);
        }
    }

    /** Asks the running cell to end, and aborts those that wait. */
    void interrupt() {
        if (running) {
            interrupted = true;
            kernel.interrupt();
        }
    }

    /** {@code input_reply}. */
    void answer(Message reply) {
        if (asking) {
            try {
                var taken = answers.offer(reply.string("value"), 1, TimeUnit.SECONDS);
                assert taken || !asking;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run(Message request) {
        boolean silent = request.content("silent").asBoolean(false);
        boolean store = !silent && request.content("store_history").asBoolean(true);
        var code = request.string("code");
        interrupted = false;
        running = true;
        sender.status(request, "busy");
        if (store) {
            count++;
        }
        if (!silent) {
            sender.broadcast(
                    request, "execute_input", Json.object().put("code", code).put("execution_count", count));
        }
        boolean allowInput = request.content("allow_stdin").asBoolean(false);
        var display = new Display(
                sender, request, count, silent, (prompt, password) -> ask(request, allowInput, prompt, password));
        var outcome = execute(new Kernel.Request(code, count, silent, allowInput), display);
        running = false;
        if (store) {
            history.add(count, code, display.resultText());
        }
        // Taken before the answer goes out: what a client sends once it knows of the error is a cell of its own right.
        var aborted = new ArrayList<Message>();
        if (interrupted
                || outcome instanceof Kernel.Outcome.Failed
                        && request.content("stop_on_error").asBoolean(true)) {
            waiting.drainTo(aborted);
        }
        finish(request, display, outcome);
        aborted.forEach(this::abort);
    }

    private Kernel.Outcome execute(Kernel.Request request, CellOutput output) {
        try {
            return kernel.execute(request, output);
        } catch (RuntimeException | Error e) {
            var trace = new ArrayList<String>();
            trace.add("skep: internal error, please report it: " + e);
            for (var frame : e.getStackTrace()) {
                trace.add("    at " + frame);
            }
            return new Kernel.Outcome.Failed(e.getClass().getSimpleName(), String.valueOf(e.getMessage()), trace);
        }
    }

    private void finish(Message request, Display display, Kernel.Outcome outcome) {
        var content = Json.object().put("execution_count", count);
        switch (outcome) {
            case Kernel.Outcome.Done done -> {
                display.end();
                content.put("status", "ok");
                content.set("payload", pages(done.pages()));
                content.set("user_expressions", expressions(request));
            }
            case Kernel.Outcome.Failed failed -> {
                display.end();
                display.error(failed);
                Display.error(content.put("status", "error"), failed);
            }
        }
        sender.reply(Outbox.Channel.SHELL, request, "execute_reply", content);
        sender.status(request, "idle");
    }

    private void abort(Message request) {
        sender.status(request, "busy");
        sender.reply(
                Outbox.Channel.SHELL,
                request,
                "execute_reply",
                Json.object().put("status", "aborted").put("execution_count", count));
        sender.status(request, "idle");
    }

    private static tools.jackson.databind.JsonNode pages(List<MimeBundle> pages) {
        var payload = JsonNodeFactory.instance.arrayNode();
        for (var page : pages) {
            var entry = payload.addObject().put("source", "page").put("start", 0);
            entry.set("data", Json.of(page.data()));
        }
        return payload;
    }

    private tools.jackson.databind.JsonNode expressions(Message request) {
        var values = Json.object();
        request.content("user_expressions").properties().forEach(entry -> {
            var value = kernel.evaluate(entry.getValue().asString(""));
            values.set(
                    entry.getKey(),
                    value.map(bundle -> Display.content(bundle).put("status", "ok"))
                            .orElseGet(() -> Display.error(
                                    Json.object().put("status", "error"),
                                    new Kernel.Outcome.Failed(
                                            "NameError", entry.getValue().asString("") + " has no value", List.of()))));
        });
        return values;
    }

    private Optional<String> ask(Message request, boolean allowed, String prompt, boolean password) {
        if (!allowed || interrupted) {
            return Optional.empty();
        }
        asking = true;
        try {
            sender.reply(
                    Outbox.Channel.STDIN,
                    request,
                    "input_request",
                    Json.object().put("prompt", prompt).put("password", password));
            while (!interrupted) {
                var line = answers.poll(ASK_SLICE_MILLIS, TimeUnit.MILLISECONDS);
                if (line != null) {
                    return Optional.of(line);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            asking = false;
        }
        return Optional.empty();
    }
}
