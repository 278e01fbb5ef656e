package skep.linux;

import java.util.OptionalInt;
import java.util.function.IntConsumer;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.target.Link;

/**
 * Descriptors that keep a program attached. Closing those of {@code links} takes the program off; what is then left are
 * {@code events} without a program, each of which the kernel may take tens of milliseconds to free.
 */
final class LinuxLink implements Link {
    private static final int[] NONE = {};

    private final Host host;
    private final ProbeSpec probe;
    private final String mechanism;
    private int[] links;
    private int[] events;

    LinuxLink(Host host, ProbeSpec probe, String mechanism, int... links) {
        this(host, probe, mechanism, links, NONE);
    }

    LinuxLink(Host host, ProbeSpec probe, String mechanism, int[] links, int[] events) {
        this.host = host;
        this.probe = probe;
        this.mechanism = mechanism;
        this.links = links;
        this.events = events;
    }

    @Override
    public ProbeSpec probe() {
        return probe;
    }

    @Override
    public String mechanism() {
        return mechanism;
    }

    @Override
    public synchronized OptionalInt socket() {
        return probe.kind() == ProbeKind.SOCKET && links.length == 1 ? OptionalInt.of(links[0]) : OptionalInt.empty();
    }

    /** Hands over all descriptors, which are then no longer this link's to close: the links, then the events. */
    synchronized void surrender(IntConsumer toLinks, IntConsumer toEvents) {
        for (int fd : links) {
            toLinks.accept(fd);
        }
        for (int fd : events) {
            toEvents.accept(fd);
        }
        links = NONE;
        events = NONE;
    }

    synchronized boolean isClosed() {
        return links.length == 0 && events.length == 0;
    }

    @Override
    public void close() {
        surrender(host::close, host::close);
    }
}
