package skep.jupyter.protocol;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * Where and how a front end wants to talk: the file it passes when it starts a kernel.
 *
 * @param ip address to bind
 * @param shellPort requests
 * @param controlPort requests that must be served while a cell runs
 * @param stdinPort questions to the user
 * @param iopubPort what everybody sees
 * @param heartbeatPort bytes that come back
 * @param key of the signature; empty for none
 */
public record ConnectionFile(
        String ip, int shellPort, int controlPort, int stdinPort, int iopubPort, int heartbeatPort, String key) {

    private static final List<String> PORTS =
            List.of("shell_port", "control_port", "stdin_port", "iopub_port", "hb_port");

    /**
     * Reads a connection file.
     *
     * @throws IOException if it cannot be read
     * @throws ProtocolException if it is no connection file, or wants a transport or signature that is not supported
     */
    public static ConnectionFile read(Path file) throws IOException {
        JsonNode json;
        try {
            json = Json.readObject(Files.readAllBytes(file));
        } catch (ProtocolException e) {
            throw new ProtocolException(file + ": " + e.getMessage());
        }
        var transport = json.path("transport").asString("tcp");
        if (!transport.equals("tcp")) {
            throw new ProtocolException(file + ": transport is " + transport + "; only tcp is supported");
        }
        var scheme = json.path("signature_scheme").asString("hmac-sha256");
        if (!scheme.equals("hmac-sha256")) {
            throw new ProtocolException(file + ": signature_scheme is " + scheme + "; only hmac-sha256 is supported");
        }
        for (var port : PORTS) {
            if (!json.path(port).isInt()
                    || json.path(port).asInt() < 0
                    || json.path(port).asInt() > 0xffff) {
                throw new ProtocolException(file + ": has no valid " + port);
            }
        }
        return new ConnectionFile(
                json.path("ip").asString("127.0.0.1"),
                json.path("shell_port").asInt(),
                json.path("control_port").asInt(),
                json.path("stdin_port").asInt(),
                json.path("iopub_port").asInt(),
                json.path("hb_port").asInt(),
                Json.text(json, "key"));
    }

    /** On this machine alone: free ports and a key of its own. */
    public static ConnectionFile local() {
        var ports = new int[PORTS.size()];
        var held = new ArrayList<ServerSocket>();
        try {
            // All are held until all are found, so that they differ.
            for (int i = 0; i < ports.length; i++) {
                var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                held.add(socket);
                ports[i] = socket.getLocalPort();
            }
            for (var socket : held) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ConnectionFile(
                "127.0.0.1",
                ports[0],
                ports[1],
                ports[2],
                ports[3],
                ports[4],
                UUID.randomUUID().toString());
    }

    byte[] keyBytes() {
        return key.getBytes(StandardCharsets.UTF_8);
    }

    String address(int port) {
        return "tcp://" + ip + ":" + port;
    }
}
