package skep.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import skep.isa.kernel.ProbeSpec;
import skep.target.Link;

/** One probe of several that share a link of the kernel. The link closes with the last of them. */
final class SharedLink implements Link {
    private final Link whole;
    private final AtomicInteger open;
    private final ProbeSpec probe;
    private boolean closed;

    private SharedLink(Link whole, AtomicInteger open, ProbeSpec probe) {
        this.whole = whole;
        this.open = open;
        this.probe = probe;
    }

    /** A link for each probe. */
    static List<Link> of(Link whole, List<ProbeSpec> probes) {
        var open = new AtomicInteger(probes.size());
        var links = new ArrayList<Link>();
        probes.forEach(probe -> links.add(new SharedLink(whole, open, probe)));
        return links;
    }

    @Override
    public ProbeSpec probe() {
        return probe;
    }

    @Override
    public String mechanism() {
        return whole.mechanism();
    }

    /** Leaves the group; the whole link, for the caller to close, if it was the last. */
    synchronized Optional<Link> leave() {
        if (closed) {
            return Optional.empty();
        }
        closed = true;
        return open.decrementAndGet() == 0 ? Optional.of(whole) : Optional.empty();
    }

    @Override
    public void close() {
        leave().ifPresent(Link::close);
    }
}
