package skep.jupyter.cell;

import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.MimeBundle;
import skep.session.ViewSink;
import skep.session.view.Picture;
import skep.session.view.TextRenderer;
import skep.session.view.View;

/**
 * What a running trace shows in its cell: a line of progress, then each map in a place of its own that is refreshed while
 * the trace runs, and text as it comes. Thread-safe: the session reports on its thread, the refresher on another.
 */
final class TraceScreen implements ViewSink {
    /** At most four refreshes a second. */
    private static final long REFRESH_MILLIS = 250;

    private final CellOutput output;
    private final TextRenderer renderer = new TextRenderer();
    private final String kernel;
    private final String origin;
    private final Optional<Duration> duration;
    private final String id = UUID.randomUUID().toString();
    private final long startNanos = System.nanoTime();
    private final Set<String> shownMaps = new LinkedHashSet<>();
    private final Set<String> finalMaps = new HashSet<>();
    private final Supplier<Map<String, View.MapView>> maps;
    private final CountDownLatch over = new CountDownLatch(1);
    private boolean ending;
    private boolean progressShown;
    private int probes;
    private long records;
    private long lost;

    /**
     * @param live whether the kernel is a real one; what comes from another is marked
     * @param maps reads the maps as they are
     */
    TraceScreen(
            CellOutput output,
            String kernel,
            boolean live,
            Optional<Duration> duration,
            Supplier<Map<String, View.MapView>> maps) {
        this.output = output;
        this.kernel = kernel;
        this.origin = live ? "" : kernel;
        this.duration = duration;
        this.maps = maps;
    }

    @Override
    public synchronized void accept(View view) {
        switch (view) {
            case View.Attached attached -> {
                probes = attached.probes();
                progress("tracing");
                Thread.ofVirtual().start(this::keepRefreshing);
            }
            case View.LostEvents events -> lost += events.count();
            case View.Ending _ -> ending = true;
            case View.MapView map
            when ending -> {
                finalMaps.add(map.name());
                show(map, true);
            }
            case View.MapView map -> output.display(MapBundles.of(map, true));
            case Picture picture -> output.display(MapBundles.of(picture, origin));
            default -> {
                records += view.isMessage() ? 0 : 1;
                var text = renderer.render(view);
                if (renderer.isForStandardError(view)) {
                    output.stderr(text);
                } else {
                    output.stdout(text);
                }
            }
        }
    }

    @Override
    public boolean drawsPictures() {
        return true;
    }

    private void keepRefreshing() {
        try {
            while (!over.await(REFRESH_MILLIS, TimeUnit.MILLISECONDS)) {
                refresh(maps.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The maps as they are while the trace runs. */
    private synchronized void refresh(Map<String, View.MapView> now) {
        if (!ending && over.getCount() > 0) {
            progress("tracing");
            now.values().stream().filter(map -> !map.rows().isEmpty()).forEach(map -> show(map, false));
        }
    }

    /** The trace has ended; how. */
    synchronized void end(String how) {
        over.countDown();
        if (!progressShown) {
            return;
        }
        progress(how);
        // A map that the script has emptied at its end was a means, not a result.
        finalMaps.forEach(shownMaps::remove);
        shownMaps.forEach(name -> output.update(MimeBundle.plain(""), id + name));
    }

    private void show(View.MapView map, boolean last) {
        var place = id + map.name();
        if (shownMaps.add(map.name())) {
            output.display(MapBundles.of(map, last), place);
        } else {
            output.update(MapBundles.of(map, last), place);
        }
    }

    private void progress(String state) {
        var passed = Duration.ofMillis((System.nanoTime() - startNanos) / 100_000_000 * 100);
        var elapsed = Durations.show(passed);
        var line = state + " · " + probes + (probes == 1 ? " probe · " : " probes · ") + elapsed
                // An embedded kernel's seconds may be longer than ours.
                + duration.filter(whole -> state.equals("tracing") && passed.compareTo(whole) <= 0)
                        .map(whole -> " of " + Durations.show(whole))
                        .orElse("")
                + " · " + records + (records == 1 ? " event · " : " events · ") + lost + " lost · " + kernel;
        var bundle = MimeBundle.plain(line)
                .with(MimeBundle.HTML, "<small>" + (lost > 0 ? "⚠ " : "") + Html.escape(line) + "</small>");
        if (progressShown) {
            output.update(bundle, id);
        } else {
            progressShown = true;
            output.display(bundle, id);
        }
    }
}
