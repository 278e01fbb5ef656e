package skep.jupyter.protocol;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.node.ObjectNode;

/** The comms that are open: two-way lines between a front end's widgets and the kernel. Thread-safe. */
final class Comms {
    /** A front end that opens more has a leak. */
    private static final int MAX_OPEN = 10_000;

    private final Kernel kernel;
    private final Sender sender;
    private final Map<String, Open> open = new ConcurrentHashMap<>();

    private record Open(String target, Line line, Kernel.CommHandler handler) {}

    Comms(Kernel kernel, Sender sender) {
        this.kernel = kernel;
        this.sender = sender;
    }

    /** {@code comm_open}. A target that nobody knows is closed again, as the protocol wants it. */
    void open(Message request) {
        var id = request.string("comm_id");
        var target = request.string("target_name");
        var comm = new Line(request, id);
        var handler = open.size() < MAX_OPEN
                ? kernel.openComm(target, comm, data(request))
                : java.util.Optional.<Kernel.CommHandler>empty();
        handler.ifPresentOrElse(
                known -> open.put(id, new Open(target, comm, known)), () -> comm.send("comm_close", Json.object()));
    }

    /** {@code comm_msg}; a comm that is not open is ignored. */
    void message(Message request) {
        var comm = open.get(request.string("comm_id"));
        if (comm != null) {
            comm.line.parent = request;
            comm.handler.message(data(request));
        }
    }

    /** {@code comm_close}. */
    void close(Message request) {
        var comm = open.remove(request.string("comm_id"));
        if (comm != null) {
            comm.handler.closed(data(request));
        }
    }

    /** The reply to {@code comm_info_request}. */
    ObjectNode info(Message request) {
        var wanted = request.string("target_name");
        var comms = Json.object();
        open.forEach((id, comm) -> {
            if (wanted.isEmpty() || wanted.equals(comm.target)) {
                comms.set(id, Json.object().put("target_name", comm.target));
            }
        });
        var content = Json.object().put("status", "ok");
        content.set("comms", comms);
        return content;
    }

    private static ObjectNode data(Message request) {
        return request.content("data") instanceof ObjectNode data ? data : Json.object();
    }

    private final class Line implements Kernel.Comm {
        // What was heard last: an answer belongs to it.
        private volatile Message parent;
        private final String id;

        Line(Message parent, String id) {
            this.parent = parent;
            this.id = id;
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public void send(ObjectNode data) {
            send("comm_msg", data);
        }

        @Override
        public void close(ObjectNode data) {
            open.remove(id);
            send("comm_close", data);
        }

        private void send(String type, ObjectNode data) {
            var content = Json.object().put("comm_id", id);
            content.set("data", data);
            sender.broadcast(parent, type, content);
        }
    }
}
