package skep.linux;

import skep.isa.kernel.ProbeSpec;
import skep.target.Link;

/** Descriptors that keep a program attached, in the order in which they must close. */
final class LinuxLink implements Link {
    private final Host host;
    private final ProbeSpec probe;
    private final String mechanism;
    private int[] descriptors;

    LinuxLink(Host host, ProbeSpec probe, String mechanism, int... descriptors) {
        this.host = host;
        this.probe = probe;
        this.mechanism = mechanism;
        this.descriptors = descriptors;
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
    public synchronized void close() {
        for (int fd : descriptors) {
            host.close(fd);
        }
        descriptors = new int[0];
    }
}
