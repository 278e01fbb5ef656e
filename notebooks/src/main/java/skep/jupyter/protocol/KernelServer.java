package skep.jupyter.protocol;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;
import org.zeromq.ZMQException;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Serves a {@link Kernel} to Jupyter front ends until one asks for shutdown.
 *
 * {@snippet :
 * try (var kernel = new SkepKernel()) {
 *     boolean restart = new KernelServer(ConnectionFile.read(file), kernel, System.err::println).run();
 * }
 * }
 */
public final class KernelServer {
    private static final int LINGER_MILLIS = 5_000;

    private final ConnectionFile connection;
    private final Kernel kernel;
    private final Consumer<String> log;
    private final WireFormat wire;
    private final Outbox outbox = new Outbox();
    private final Sender sender = new Sender(outbox);
    private final History history = new History();
    private final Cells cells;
    private final Comms comms;
    private final ExecutorService sideThread = daemon("skep-side");
    private final ExecutorService controlThread = daemon("skep-control");
    private volatile boolean ended;
    private volatile boolean ending;
    private volatile boolean restart;

    /** @param log receives a line for each message that had to be refused */
    public KernelServer(ConnectionFile connection, Kernel kernel, Consumer<String> log) {
        this.connection = connection;
        this.kernel = kernel;
        this.log = log;
        this.wire = new WireFormat(connection.keyBytes());
        this.cells = new Cells(kernel, sender, history);
        this.comms = new Comms(kernel, sender);
    }

    private static ExecutorService daemon(String name) {
        return Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name(name).factory());
    }

    /**
     * Serves until shutdown; once.
     *
     * @return whether the front end is going to start the kernel again
     * @throws ProtocolException if a port cannot be bound
     */
    public boolean run() {
        try (var context = new ZContext();
                var shell = bind(context, SocketType.ROUTER, connection.shellPort());
                var control = bind(context, SocketType.ROUTER, connection.controlPort());
                var stdin = bind(context, SocketType.ROUTER, connection.stdinPort());
                var iopub = bind(context, SocketType.XPUB, connection.iopubPort());
                var _ = new Heartbeat(context, bind(context, SocketType.REP, connection.heartbeatPort()));
                var poller = context.createPoller(5)) {
            context.setLinger(LINGER_MILLIS);
            cells.start();
            poller.register(shell, ZMQ.Poller.POLLIN);
            poller.register(control, ZMQ.Poller.POLLIN);
            poller.register(stdin, ZMQ.Poller.POLLIN);
            poller.register(iopub, ZMQ.Poller.POLLIN);
            poller.register(outbox.wake(), ZMQ.Poller.POLLIN);
            while (!ended) {
                poller.poll();
                receive(poller.pollin(1) ? control : null, this::control);
                receive(poller.pollin(0) ? shell : null, this::shell);
                receive(poller.pollin(2) ? stdin : null, cells::answer);
                if (poller.pollin(3)) {
                    subscription(iopub);
                }
                sendAll(shell, control, stdin, iopub);
            }
            // What was posted just before the end.
            sendAll(shell, control, stdin, iopub);
        } finally {
            sideThread.shutdownNow();
            controlThread.shutdownNow();
            outbox.close();
        }
        return restart;
    }

    private void sendAll(ZMQ.Socket shell, ZMQ.Socket control, ZMQ.Socket stdin, ZMQ.Socket iopub) {
        outbox.drain((channel, message) -> send(
                switch (channel) {
                    case SHELL -> shell;
                    case CONTROL -> control;
                    case STDIN -> stdin;
                    case IOPUB -> iopub;
                },
                message));
    }

    /** Ends {@link #run} as a shutdown request does; from any thread. */
    public void stop() {
        ended = true;
        outbox.nudge();
    }

    /** What a front end's interrupt request does; from any thread. */
    public void interrupt() {
        cells.interrupt();
    }

    private ZMQ.Socket bind(ZContext context, SocketType type, int port) {
        var socket = context.createSocket(type);
        socket.setLinger(LINGER_MILLIS);
        // A front end must never wait for a queue of ours, nor lose what it is slow to take.
        socket.setSndHWM(0);
        if (type == SocketType.ROUTER) {
            socket.setRouterHandover(true);
        }
        var address = connection.address(port);
        try {
            socket.bind(address);
        } catch (ZMQException e) {
            throw new ProtocolException("cannot bind " + address + ": " + e.getMessage());
        }
        return socket;
    }

    private void receive(ZMQ.@org.jspecify.annotations.Nullable Socket socket, Consumer<Message> handler) {
        if (socket == null) {
            return;
        }
        var frames = new ArrayList<byte[]>();
        do {
            frames.add(socket.recv());
        } while (socket.hasReceiveMore());
        try {
            handler.accept(wire.decode(frames));
        } catch (ProtocolException e) {
            log.accept("message refused: " + e.getMessage());
        }
    }

    private void send(ZMQ.Socket socket, Message message) {
        var frames = wire.encode(message);
        for (int i = 0; i < frames.size(); i++) {
            if (i < frames.size() - 1) {
                socket.sendMore(frames.get(i));
            } else {
                socket.send(frames.get(i));
            }
        }
    }

    /** A frame of a new subscriber: 1 and the topic; of one who leaves: 0 and the topic. */
    private void subscription(ZMQ.Socket iopub) {
        var frame = iopub.recv();
        if (frame.length > 0 && frame[0] == 1) {
            send(iopub, sender.welcome(Arrays.copyOfRange(frame, 1, frame.length)));
        }
    }

    // --- requests -----------------------------------------------------------------------------------------------

    private void shell(Message request) {
        switch (request.type()) {
            case "execute_request" -> cells.add(request);
            case "shutdown_request" ->
                on(controlThread, Outbox.Channel.SHELL, request, () -> shutdown(Outbox.Channel.SHELL, request));
            default -> on(sideThread, Outbox.Channel.SHELL, request, () -> side(Outbox.Channel.SHELL, request));
        }
    }

    private void control(Message request) {
        switch (request.type()) {
            case "interrupt_request" ->
                on(controlThread, Outbox.Channel.CONTROL, request, () -> {
                    cells.interrupt();
                    reply(Outbox.Channel.CONTROL, request, Json.object().put("status", "ok"));
                });
            case "shutdown_request" ->
                on(controlThread, Outbox.Channel.CONTROL, request, () -> shutdown(Outbox.Channel.CONTROL, request));
            default -> on(controlThread, Outbox.Channel.CONTROL, request, () -> side(Outbox.Channel.CONTROL, request));
        }
    }

    /** Between busy and idle, on a thread; an error of ours becomes an error reply. */
    private void on(ExecutorService thread, Outbox.Channel channel, Message request, Runnable work) {
        thread.execute(() -> {
            sender.status(request, "busy");
            try {
                work.run();
            } catch (RuntimeException e) {
                log.accept(request.type() + " failed: " + e);
                if (request.type().endsWith("_request")) {
                    reply(
                            channel,
                            request,
                            Display.error(
                                    Json.object().put("status", "error"),
                                    new Kernel.Outcome.Failed(
                                            e.getClass().getSimpleName(), String.valueOf(e.getMessage()), List.of())));
                }
            }
            sender.status(request, "idle");
            if (ending) {
                stop();
            }
        });
    }

    private void side(Outbox.Channel channel, Message request) {
        switch (request.type()) {
            case "kernel_info_request" -> reply(channel, request, info());
            case "connect_request" -> reply(channel, request, ports());
            case "complete_request" -> reply(channel, request, complete(request));
            case "inspect_request" -> reply(channel, request, inspect(request));
            case "is_complete_request" -> reply(channel, request, isComplete(request));
            case "history_request" -> {
                var content = Json.object().put("status", "ok");
                content.set("history", history.answer(request.content()));
                reply(channel, request, content);
            }
            case "comm_info_request" -> reply(channel, request, comms.info(request));
            case "comm_open" -> comms.open(request);
            case "comm_msg" -> comms.message(request);
            case "comm_close" -> comms.close(request);
            default -> log.accept("message of unknown type " + request.type() + " ignored");
        }
    }

    private void reply(Outbox.Channel channel, Message request, ObjectNode content) {
        sender.reply(channel, request, request.type().replace("_request", "_reply"), content);
    }

    private void shutdown(Outbox.Channel channel, Message request) {
        restart = request.content("restart").asBoolean(false);
        cells.interrupt();
        var content = Json.object().put("status", "ok").put("restart", restart);
        reply(channel, request, content);
        sender.broadcast(request, "shutdown_reply", content);
        ending = true;
    }

    private ObjectNode info() {
        var about = kernel.description();
        var language = Json.object()
                .put("name", about.language())
                .put("version", about.languageVersion())
                .put("mimetype", about.mimeType())
                .put("file_extension", about.fileExtension())
                .put("pygments_lexer", about.lexer())
                .put("codemirror_mode", about.highlighter())
                .put("nbconvert_exporter", "");
        var links = JsonNodeFactory.instance.arrayNode();
        about.helpLinks()
                .forEach((text, url) -> links.addObject().put("text", text).put("url", url));
        var content = Json.object()
                .put("status", "ok")
                .put("protocol_version", Sender.PROTOCOL_VERSION)
                .put("implementation", about.implementation())
                .put("implementation_version", about.version())
                .put("banner", about.banner())
                .put("debugger", false);
        content.set("language_info", language);
        content.set("help_links", links);
        content.set("supported_features", JsonNodeFactory.instance.arrayNode());
        return content;
    }

    private ObjectNode ports() {
        return Json.object()
                .put("status", "ok")
                .put("shell_port", connection.shellPort())
                .put("iopub_port", connection.iopubPort())
                .put("stdin_port", connection.stdinPort())
                .put("hb_port", connection.heartbeatPort())
                .put("control_port", connection.controlPort());
    }

    private ObjectNode complete(Message request) {
        var code = request.string("code");
        var found = kernel.complete(code, cursor(code, request));
        var content = Json.object()
                .put("status", "ok")
                .put("cursor_start", code.codePointCount(0, found.start()))
                .put("cursor_end", code.codePointCount(0, found.end()));
        content.set("matches", Json.strings(found.matches()));
        content.set("metadata", Json.object());
        return content;
    }

    private ObjectNode inspect(Message request) {
        var code = request.string("code");
        var found = kernel.inspect(
                code, cursor(code, request), request.content("detail_level").asInt(0));
        var content = found.map(Display::content).orElseGet(() -> {
            var nothing = Json.object();
            nothing.set("data", Json.object());
            nothing.set("metadata", Json.object());
            return nothing;
        });
        return content.put("status", "ok").put("found", found.isPresent());
    }

    // The protocol counts code points, Java counts UTF-16 units.
    private static int cursor(String code, Message request) {
        int points = code.codePointCount(0, code.length());
        int cursor = request.content("cursor_pos").asInt(points);
        return code.offsetByCodePoints(0, Math.clamp(cursor, 0, points));
    }

    private ObjectNode isComplete(Message request) {
        return switch (kernel.isComplete(request.string("code"))) {
            case Kernel.Completeness.Complete() -> Json.object().put("status", "complete");
            case Kernel.Completeness.Incomplete(var indent) ->
                Json.object().put("status", "incomplete").put("indent", indent);
            case Kernel.Completeness.Invalid() -> Json.object().put("status", "invalid");
        };
    }
}
