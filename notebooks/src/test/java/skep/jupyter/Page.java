package skep.jupyter;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.MimeBundle;

/** Keeps what a cell shows: as bundles, and as a reader without graphics sees it. */
public class Page implements CellOutput {
    private final Map<String, MimeBundle> places = new LinkedHashMap<>();
    private final List<MimeBundle> all = new ArrayList<>();
    private int next;

    /** The texts that stand there at the end, from top to bottom. */
    public synchronized List<String> shown() {
        return bundles().stream()
                .map(bundle -> bundle.data().getOrDefault(MimeBundle.PLAIN, ""))
                .filter(text -> !text.isEmpty())
                .toList();
    }

    /** What stands there at the end, from top to bottom. */
    public synchronized List<MimeBundle> bundles() {
        return List.copyOf(places.values());
    }

    /** All that was ever sent, updates too. */
    public synchronized List<MimeBundle> sent() {
        return List.copyOf(all);
    }

    private synchronized void put(String place, MimeBundle bundle) {
        places.put(place, bundle);
        all.add(bundle);
    }

    private synchronized String place() {
        return "#" + next++;
    }

    @Override
    public void stdout(String text) {
        put(place(), MimeBundle.plain(text));
    }

    @Override
    public void stderr(String text) {
        put(place(), MimeBundle.plain(text));
    }

    @Override
    public void result(MimeBundle bundle) {
        display(bundle);
    }

    @Override
    public void display(MimeBundle bundle) {
        display(bundle, place());
    }

    @Override
    public void display(MimeBundle bundle, String displayId) {
        put(displayId, bundle);
    }

    @Override
    public void update(MimeBundle bundle, String displayId) {
        put(displayId, bundle);
    }

    @Override
    public synchronized void clear(boolean wait) {
        places.clear();
    }

    @Override
    public Optional<String> input(String prompt, boolean password) {
        return Optional.empty();
    }
}
