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

    /** Where printed text is continued; none after anything else was shown. */
    private String stream = "";

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
        stream = "";
        places.put(place, bundle);
        all.add(bundle);
    }

    /** Pieces of text that follow each other are one, as front ends have it. */
    private synchronized void print(String kind, String text) {
        var earlier = stream.startsWith(kind) ? places.get(stream) : null;
        var place = earlier == null ? kind + place() : stream;
        var before = earlier == null ? "" : earlier.data().getOrDefault(MimeBundle.PLAIN, "");
        put(place, MimeBundle.plain(before + text));
        stream = place;
    }

    private synchronized String place() {
        return "#" + next++;
    }

    @Override
    public void stdout(String text) {
        print("out", text);
    }

    @Override
    public void stderr(String text) {
        print("err", text);
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
        stream = "";
        places.clear();
    }

    @Override
    public Optional<String> input(String prompt, boolean password) {
        return Optional.empty();
    }
}
