package skep.jupyter.protocol;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import tools.jackson.databind.node.ObjectNode;

/** The output of one cell as messages. Text is gathered for a moment, so that a busy script does not flood the front end. */
final class Display implements CellOutput {
    /** Characters of text that one cell may show; what comes later is counted and dropped. */
    static final int MAX_TEXT_CHARS = 1_000_000;

    /** Pictures and tables that one cell may show; {@link #update} is not limited. */
    static final int MAX_DISPLAYS = 1_000;

    private static final int FLUSH_CHARS = 16_384;
    private static final Duration GATHERED = Duration.ofMillis(50);

    private static final ScheduledExecutorService CLOCK = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("skep-display").factory());

    private final Sender sender;
    private final Message parent;
    private final int count;
    private final boolean silent;
    private final BiFunction<String, Boolean, Optional<String>> asker;

    private final StringBuilder gathered = new StringBuilder();
    private String stream = "stdout";
    private boolean flushIsDue;
    private long textChars;
    private long droppedChars;
    private int displays;
    private int droppedDisplays;
    private String resultText = "";

    /** @param asker asks the user: prompt, whether it is a password */
    Display(
            Sender sender,
            Message parent,
            int count,
            boolean silent,
            BiFunction<String, Boolean, Optional<String>> asker) {
        this.sender = sender;
        this.parent = parent;
        this.count = count;
        this.silent = silent;
        this.asker = asker;
    }

    @Override
    public void stdout(String text) {
        write("stdout", text);
    }

    @Override
    public void stderr(String text) {
        write("stderr", text);
    }

    private synchronized void write(String name, String text) {
        if (silent || text.isEmpty()) {
            return;
        }
        if (textChars >= MAX_TEXT_CHARS) {
            droppedChars += text.length();
            return;
        }
        if (!stream.equals(name)) {
            flush();
            stream = name;
        }
        var shown = text.length() > MAX_TEXT_CHARS - textChars
                ? text.substring(0, (int) (MAX_TEXT_CHARS - textChars))
                : text;
        textChars += shown.length();
        droppedChars += text.length() - shown.length();
        gathered.append(shown);
        if (gathered.length() >= FLUSH_CHARS) {
            flush();
        } else if (!flushIsDue) {
            flushIsDue = true;
            CLOCK.schedule(this::flush, GATHERED.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Sends what has gathered. */
    synchronized void flush() {
        flushIsDue = false;
        if (!gathered.isEmpty()) {
            stream(stream, gathered.toString());
            gathered.setLength(0);
        }
    }

    private void stream(String name, String text) {
        sender.broadcast(parent, "stream", Json.object().put("name", name).put("text", text));
    }

    /** The cell has ended: sends what is left, and says what was not shown. */
    synchronized void end() {
        flush();
        if (droppedChars > 0) {
            stream(
                    "stderr",
                    "skep: a cell shows " + MAX_TEXT_CHARS + " characters of text; " + droppedChars
                            + " more were left out. Filter or aggregate in the script, or write to a file.\n");
            droppedChars = 0;
        }
        if (droppedDisplays > 0) {
            stream(
                    "stderr",
                    "skep: a cell shows " + MAX_DISPLAYS + " pictures and tables; " + droppedDisplays
                            + " more were left out.\n");
            droppedDisplays = 0;
        }
    }

    @Override
    public synchronized void result(MimeBundle bundle) {
        resultText = bundle.data().getOrDefault(MimeBundle.PLAIN, "");
        if (!silent) {
            flush();
            sender.broadcast(parent, "execute_result", content(bundle).put("execution_count", count));
        }
    }

    @Override
    public void display(MimeBundle bundle) {
        show("display_data", content(bundle));
    }

    @Override
    public void display(MimeBundle bundle, String displayId) {
        show("display_data", content(bundle, displayId));
    }

    @Override
    public synchronized void update(MimeBundle bundle, String displayId) {
        if (!silent) {
            sender.broadcast(parent, "update_display_data", content(bundle, displayId));
        }
    }

    private synchronized void show(String type, ObjectNode content) {
        if (silent) {
            return;
        }
        if (displays >= MAX_DISPLAYS) {
            droppedDisplays++;
            return;
        }
        displays++;
        flush();
        sender.broadcast(parent, type, content);
    }

    @Override
    public synchronized void clear(boolean wait) {
        if (!silent) {
            gathered.setLength(0);
            sender.broadcast(parent, "clear_output", Json.object().put("wait", wait));
        }
    }

    synchronized void error(Kernel.Outcome.Failed failed) {
        flush();
        if (!silent) {
            sender.broadcast(parent, "error", error(Json.object(), failed));
        }
    }

    static ObjectNode error(ObjectNode content, Kernel.Outcome.Failed failed) {
        content.put("ename", failed.name()).put("evalue", failed.value());
        content.set("traceback", Json.strings(failed.traceback()));
        return content;
    }

    @Override
    public Optional<String> input(String prompt, boolean password) {
        flush();
        return asker.apply(prompt, password);
    }

    /** What {@link #result} was given, as text; empty if there was none. */
    synchronized String resultText() {
        return resultText;
    }

    static ObjectNode content(MimeBundle bundle) {
        var content = Json.object();
        content.set("data", Json.of(bundle.data()));
        content.set("metadata", Json.of(bundle.metadata()));
        return content;
    }

    private static ObjectNode content(MimeBundle bundle, String displayId) {
        var content = content(bundle);
        content.set("transient", Json.object().put("display_id", displayId));
        return content;
    }
}
