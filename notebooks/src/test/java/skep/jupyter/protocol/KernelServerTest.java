package skep.jupyter.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.node.ObjectNode;

/** The protocol against a kernel whose cells are words: what each means stands in {@link Words}. */
@Timeout(300)
class KernelServerTest {
    private static final int PATIENCE_MILLIS = 200_000;
    private static final int QUIET_MILLIS = 200;

    private final ConnectionFile connection = ConnectionFile.local();
    private final Words kernel = new Words();
    private final List<String> log = new CopyOnWriteArrayList<>();
    private Thread serving = new Thread();
    private Client client = new Client(connection);

    @BeforeEach
    void serve() throws InterruptedException {
        client.close();
        var server = new KernelServer(connection, kernel, log::add);
        serving = Thread.ofPlatform().daemon().start(server::run);
        client = new Client(connection);
        assertTrue(client.isAlive(PATIENCE_MILLIS));
        // A question to a front end whose channel for questions is not connected yet would be lost. It is when it is
        // heard.
        client.sendFrames(Client.Channel.STDIN, List.of("nonsense".getBytes(StandardCharsets.US_ASCII)));
        while (log.isEmpty()) {
            Thread.sleep(5);
        }
        log.clear();
        // The subscription must have arrived before the first status is sent.
        assertEquals(
                "iopub_welcome",
                client.receive(Client.Channel.IOPUB, PATIENCE_MILLIS)
                        .orElseThrow()
                        .type());
    }

    @AfterEach
    void shutDown() throws InterruptedException {
        var id = client.send(
                Client.Channel.CONTROL, "shutdown_request", Json.object().put("restart", false));
        assertTrue(client.answer(Client.Channel.CONTROL, id, "shutdown_reply", PATIENCE_MILLIS)
                .isPresent());
        serving.join(PATIENCE_MILLIS);
        assertFalse(serving.isAlive(), "the server must end");
        client.close();
    }

    private String send(String code) {
        return client.send(
                Client.Channel.SHELL,
                "execute_request",
                Json.object().put("code", code).put("allow_stdin", true));
    }

    private Message reply(String id) {
        return client.answer(Client.Channel.SHELL, id, "execute_reply", PATIENCE_MILLIS)
                .orElseThrow();
    }

    /** All that a request led to on iopub until the kernel was idle again. */
    private List<Message> shown(String id) {
        var messages = new ArrayList<Message>();
        while (true) {
            var message = client.receive(Client.Channel.IOPUB, PATIENCE_MILLIS).orElseThrow();
            if (Json.text(message.parent(), "msg_id").equals(id)) {
                messages.add(message);
                if (message.string("execution_state").equals("idle")) {
                    return messages;
                }
            }
        }
    }

    private static List<String> types(List<Message> messages) {
        return messages.stream().map(Message::type).toList();
    }

    @Test
    void aCellIsEchoedShownAndAnsweredBetweenBusyAndIdle() {
        var id = send("say hello");
        assertEquals("ok", reply(id).string("status"));
        var shown = shown(id);
        assertEquals(List.of("status", "execute_input", "stream", "status"), types(shown));
        assertEquals("hello", shown.get(2).string("text"));
    }

    @Test
    void aWrongSignatureIsRefusedAndTheKernelGoesOn() {
        client.sendFrames(
                Client.Channel.SHELL,
                List.of(
                        "<IDS|MSG>".getBytes(StandardCharsets.US_ASCII),
                        "0".repeat(64).getBytes(StandardCharsets.US_ASCII),
                        "{\"msg_type\":\"execute_request\",\"msg_id\":\"1\"}".getBytes(StandardCharsets.US_ASCII),
                        "{}".getBytes(StandardCharsets.US_ASCII),
                        "{}".getBytes(StandardCharsets.US_ASCII),
                        "{\"code\":\"say evil\"}".getBytes(StandardCharsets.US_ASCII)));
        client.sendFrames(Client.Channel.SHELL, List.of("nonsense".getBytes(StandardCharsets.US_ASCII)));
        assertEquals("ok", reply(send("say fine")).string("status"));
        assertEquals(List.of("say fine"), kernel.ran);
        assertEquals(2, log.size(), log.toString());
        assertTrue(log.getFirst().contains("wrong signature"), log.toString());
    }

    @Test
    void anUnknownMessageIsIgnoredAloud() {
        var id = client.send(Client.Channel.SHELL, "dance_request", Json.object());
        assertEquals(List.of("status", "status"), types(shown(id)));
        assertTrue(log.getFirst().contains("dance_request"), log.toString());
    }

    @Test
    void completionIsAnsweredWhileACellRunsAndAnInterruptEndsIt() throws InterruptedException {
        var id = send("wait");
        assertTrue(kernel.waiting.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS));
        var question = client.send(
                Client.Channel.SHELL,
                "complete_request",
                Json.object().put("code", "say \uD83D\uDC1D he").put("cursor_pos", 8));
        var answer = client.answer(Client.Channel.SHELL, question, "complete_reply", PATIENCE_MILLIS)
                .orElseThrow();
        assertEquals("hello", answer.content("matches").get(0).asString());
        // Positions are code points: the bee is one.
        assertEquals(6, answer.content("cursor_start").asInt());
        assertEquals(8, answer.content("cursor_end").asInt());
        var queued = send("say later");
        shellIsRead();
        var interrupt = client.send(Client.Channel.CONTROL, "interrupt_request", Json.object());
        assertTrue(client.answer(Client.Channel.CONTROL, interrupt, "interrupt_reply", PATIENCE_MILLIS)
                .isPresent());
        assertEquals("ok", reply(id).string("status"));
        assertEquals("aborted", reply(queued).string("status"));
        assertEquals(List.of("wait"), kernel.ran);
    }

    @Test
    void anErrorAbortsTheCellsThatWait() {
        var wait = send("input");
        var failing = send("fail");
        var after = send("say after");
        shellIsRead();
        answerQuestion("x");
        assertEquals("ok", reply(wait).string("status"));
        var error = reply(failing);
        assertEquals("error", error.string("status"));
        assertEquals("Failure", error.string("ename"));
        assertEquals("aborted", reply(after).string("status"));
        assertEquals("ok", reply(send("say again")).string("status"));
    }

    /** Each channel is a connection of its own: what was sent on one may be read after what is sent on another later. */
    private void shellIsRead() {
        var id = client.send(Client.Channel.SHELL, "kernel_info_request", Json.object());
        assertTrue(client.answer(Client.Channel.SHELL, id, "kernel_info_reply", PATIENCE_MILLIS)
                .isPresent());
    }

    private void answerQuestion(String line) {
        var question = client.receive(Client.Channel.STDIN, PATIENCE_MILLIS).orElseThrow();
        assertEquals("input_request", question.type());
        client.send(Client.Channel.STDIN, "input_reply", Json.object().put("value", line));
    }

    @Test
    void aCellAsksTheUser() {
        var id = send("input");
        answerQuestion("forty-two");
        assertEquals("ok", reply(id).string("status"));
        var text = shown(id).stream()
                .filter(message -> message.type().equals("stream"))
                .findFirst();
        assertEquals("forty-two", text.orElseThrow().string("text"));
    }

    @Test
    void anExceptionOfTheKernelIsAnErrorReplyAndNotTheEnd() {
        // Whoever sends a cell as soon as the error is known is not taken for one who sent it before.
        for (int i = 0; i < 50; i++) {
            assertEquals("error", reply(send("throw")).string("status"));
            assertEquals("ok", reply(send("say alive")).string("status"));
        }
    }

    @Test
    void textBeyondTheCapIsCountedAndSaid() {
        var id = send("flood");
        reply(id);
        var shown = shown(id);
        long chars = 0;
        String notice = "";
        for (var message : shown) {
            if (message.type().equals("stream") && message.string("name").equals("stdout")) {
                chars += message.string("text").length();
            } else if (message.type().equals("stream")) {
                notice += message.string("text");
            }
        }
        assertEquals(Display.MAX_TEXT_CHARS, chars);
        assertTrue(notice.contains(" 500000 more were left out"), notice);
    }

    @Test
    void aSilentCellShowsNothingAndHasNoNumber() {
        var id = client.send(
                Client.Channel.SHELL,
                "execute_request",
                Json.object().put("code", "say quiet").put("silent", true));
        assertEquals(0, reply(id).content("execution_count").asInt());
        assertEquals(List.of("status", "status"), types(shown(id)));
    }

    @Test
    void aCommOfAKnownTargetIsOpenUntilItCloses() {
        open("echo", "c1");
        assertEquals("echo", comms().path("c1").path("target_name").asString());
        var content = Json.object().put("comm_id", "c1");
        content.set("data", Json.object().put("n", 7));
        var id = client.send(Client.Channel.SHELL, "comm_msg", content);
        var echo = shown(id).stream()
                .filter(message -> message.type().equals("comm_msg"))
                .findFirst();
        assertEquals(7, echo.orElseThrow().content("data").path("n").asInt());
        client.send(Client.Channel.SHELL, "comm_close", content);
        assertTrue(comms().isEmpty());
    }

    @Test
    void aCommOfAnUnknownTargetIsClosedAtOnce() {
        var shown = shown(open("nowhere", "c2"));
        assertEquals(List.of("status", "comm_close", "status"), types(shown));
        assertTrue(comms().isEmpty());
    }

    private String open(String target, String id) {
        return client.send(
                Client.Channel.SHELL,
                "comm_open",
                Json.object().put("comm_id", id).put("target_name", target));
    }

    private tools.jackson.databind.JsonNode comms() {
        var id = client.send(Client.Channel.SHELL, "comm_info_request", Json.object());
        return client.answer(Client.Channel.SHELL, id, "comm_info_reply", PATIENCE_MILLIS)
                .orElseThrow()
                .content("comms");
    }

    @Test
    void aResultIsReplacedByItsDisplayId() {
        var id = send("picture");
        reply(id);
        var shown = shown(id);
        assertEquals(List.of("status", "execute_input", "display_data", "update_display_data", "status"), types(shown));
        assertEquals(
                shown.get(2).content("transient").path("display_id").asString(),
                shown.get(3).content("transient").path("display_id").asString());
        assertTrue(client.receive(Client.Channel.IOPUB, QUIET_MILLIS).isEmpty(), "nothing after idle");
    }

    /** {@code say X} prints, {@code wait} blocks until interrupted, {@code input} asks, and so on. */
    private static final class Words implements Kernel {
        final List<String> ran = new CopyOnWriteArrayList<>();
        final CountDownLatch waiting = new CountDownLatch(1);
        private final CountDownLatch interrupted = new CountDownLatch(1);

        @Override
        public Description description() {
            return new Description("words", "1", "words", "1", "text/plain", ".w", "null", "text", "", Map.of());
        }

        @Override
        public Outcome execute(Request request, CellOutput output) {
            ran.add(request.code());
            switch (request.code()) {
                case "wait" -> {
                    waiting.countDown();
                    try {
                        assertTrue(interrupted.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS));
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }
                case "input" -> output.stdout(output.input("?", false).orElse("nobody"));
                case "fail" -> {
                    return new Outcome.Failed("Failure", "as asked", List.of("as asked"));
                }
                case "throw" -> throw new IllegalStateException("a bug");
                case "flood" -> {
                    for (int i = 0; i < 1500; i++) {
                        output.stdout("x".repeat(1000));
                    }
                }
                case "picture" -> {
                    output.display(MimeBundle.plain("one"), "p");
                    output.update(MimeBundle.plain("two"), "p");
                }
                default -> output.stdout(request.code().substring("say ".length()));
            }
            return Outcome.Done.PLAIN;
        }

        @Override
        public Completions complete(String code, int cursor) {
            return new Completions(List.of("hello"), cursor - 2, cursor);
        }

        @Override
        public Optional<MimeBundle> inspect(String code, int cursor, int detail) {
            return Optional.empty();
        }

        @Override
        public Completeness isComplete(String code) {
            return new Completeness.Complete();
        }

        @Override
        public Optional<CommHandler> openComm(String target, Comm comm, ObjectNode data) {
            return target.equals("echo")
                    ? Optional.of(new CommHandler() {
                        @Override
                        public void message(ObjectNode message) {
                            comm.send(message);
                        }

                        @Override
                        public void closed(ObjectNode last) {}
                    })
                    : Optional.empty();
        }

        @Override
        public void interrupt() {
            interrupted.countDown();
        }

        @Override
        public void close() {}
    }
}
