package skep.cli;

import java.time.Duration;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import skep.session.Session;
import skep.session.ViewSink;
import skep.session.view.View;
import skep.target.Target;

/**
 * What moves while a script runs: the maps again and again ({@code --watch}), and a bar for the time of {@code --duration}.
 * A thread of its own asks the session; it ends when the script does.
 */
final class LiveDisplay implements ViewSink {
    private static final long BAR_MILLIS = 250;

    private static final int BAR_COLUMNS = 40;

    /** Cursor home, then nothing on the screen. */
    private static final String CLEAR = "\033[H\033[2J\033[3J";

    private final Terminal terminal;
    private final Optional<Duration> watch;
    private final Optional<Duration> duration;
    private final Supplier<Long> clock;
    private final boolean screen;
    private final Object waiting = new Object();
    private boolean started;
    private boolean ended;
    private long startNanos;

    /**
     * @param watch how often maps are shown
     * @param duration how long the run lasts, if a bar is wanted
     */
    LiveDisplay(
            Terminal terminal, Target target, Optional<Duration> watch, Optional<Duration> duration, boolean screen) {
        this.terminal = terminal;
        this.watch = watch;
        this.duration = duration;
        // A simulated kernel has its own time.
        this.clock = target.isLive() ? System::nanoTime : target::monotonicNanos;
        this.screen = screen;
    }

    @Override
    public void accept(View view) {
        if (view instanceof View.Ending) {
            end();
            terminal.bar("");
            if (screen && watch.isPresent()) {
                terminal.raw(CLEAR);
            }
        }
        terminal.accept(view);
        if (view instanceof View.Attached) {
            synchronized (waiting) {
                started = true;
                startNanos = clock.get();
                waiting.notifyAll();
            }
        }
    }

    @Override
    public void batchEnds() {
        terminal.batchEnds();
    }

    /** Begins to show what a session does. */
    void start(Session session) {
        Thread.ofPlatform().daemon().name("display").start(() -> run(session));
    }

    void end() {
        synchronized (waiting) {
            ended = true;
            waiting.notifyAll();
        }
    }

    private void run(Session session) {
        long stepMillis = watch.map(Duration::toMillis).orElse(BAR_MILLIS);
        if (duration.isPresent()) {
            stepMillis = Math.min(stepMillis, BAR_MILLIS);
        }
        long mapsDue = 0;
        while (sleep(Math.max(1, stepMillis))) {
            mapsDue += stepMillis;
            if (watch.isPresent() && mapsDue >= watch.get().toMillis()) {
                mapsDue = 0;
                show(session.maps());
            }
            duration.ifPresent(this::bar);
        }
    }

    /** False once the script has ended. */
    private boolean sleep(long millis) {
        synchronized (waiting) {
            try {
                while (!started && !ended) {
                    waiting.wait();
                }
                if (!ended) {
                    waiting.wait(millis);
                }
            } catch (InterruptedException e) {
                return false;
            }
            return !ended;
        }
    }

    private void show(List<View.MapView> maps) {
        synchronized (terminal) {
            if (ended) {
                return;
            }
            if (screen) {
                terminal.raw(CLEAR);
            }
            terminal.accept(new View.Text(
                    View.Kind.TIME,
                    LocalTime.now().truncatedTo(ChronoUnit.SECONDS).format(DateTimeFormatter.ISO_LOCAL_TIME) + "\n"));
            maps.stream().filter(map -> !map.rows().isEmpty()).forEach(terminal::accept);
            terminal.batchEnds();
        }
    }

    private void bar(Duration whole) {
        double seconds = (clock.get() - startNanos) / 1e9;
        double all = whole.toNanos() / 1e9;
        int columns = (int) Math.clamp(seconds / all * BAR_COLUMNS, 0.0, BAR_COLUMNS);
        terminal.bar("[" + "#".repeat(columns) + "-".repeat(BAR_COLUMNS - columns) + "] "
                + String.format(Locale.ROOT, "%.1f of %.1f s", Math.min(seconds, all), all));
    }
}
