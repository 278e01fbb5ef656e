package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.BpfObject;
import skep.target.Link;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.target.LoadedObject;
import skep.target.OutputReader;
import skep.vm.VmObject;
import skep.vm.VmProgram;
import skep.vm.maps.RingBuffer;

/** An object in the embedded kernel: the VM's, with its attachments. */
final class EmbeddedObject implements LoadedObject {
    private final EmbeddedTarget target;
    private final VmObject object;
    private final List<Link> links = new ArrayList<>();
    /** Ring buffers with a reader. Replaced, never changed: the kernel's thread walks it. */
    private RingBuffer[] readRings = {};

    private boolean closed;

    EmbeddedObject(EmbeddedTarget target, VmObject object) {
        this.target = target;
        this.object = object;
    }

    VmProgram programs(String name) {
        return object.program(name);
    }

    @Override
    public LoadedMap map(String name) {
        return object.map(name);
    }

    @Override
    public List<LoadedProgram> programs() {
        return object.summaries();
    }

    @Override
    public Link attach(String program, ProbeSpec probe) {
        var loaded = object.program(program);
        return target.clockwork().locked(() -> {
            var link = new AttachPoints(target.model())
                    .attach(
                            probe,
                            new Attachment(runner(loaded), probe.pid().orElse(-1), typed(probe)),
                            target.clockwork());
            links.add(link);
            return link;
        });
    }

    private static boolean typed(ProbeSpec probe) {
        return probe.kind() == ProbeKind.FENTRY || probe.kind() == ProbeKind.FEXIT;
    }

    private Attachment.Runner runner(VmProgram program) {
        if (!target.clockwork().atFullSpeed()) {
            return (cpu, context) -> program.run(target.cpu(cpu), context);
        }
        return (cpu, context) -> {
            program.run(target.cpu(cpu), context);
            if (readRings.length > 0) {
                target.clockwork().minds(readRings);
            }
        };
    }

    @Override
    public void extend(BpfObject more, LoadOptions options) {
        target.clockwork().locked(() -> object.extend(more, options));
    }

    @Override
    public long runOnce(String program, byte[] context) {
        return target.runOnce(this, program, context);
    }

    @Override
    public OutputReader openRingBuffer(String map) {
        var reader = object.openRingBuffer(map);
        if (!(object.rawMap(map) instanceof RingBuffer ring)) {
            return reader;
        }
        target.clockwork().locked(() -> {
            readRings = with(ring);
            target.clockwork().addReader(ring);
        });
        return new Reader(reader, ring);
    }

    private RingBuffer[] with(RingBuffer added) {
        var longer = java.util.Arrays.copyOf(readRings, readRings.length + 1);
        longer[readRings.length] = added;
        return longer;
    }

    private void forget(RingBuffer ring) {
        target.clockwork().locked(() -> {
            readRings =
                    java.util.Arrays.stream(readRings).filter(r -> r != ring).toArray(RingBuffer[]::new);
            target.clockwork().removeReader(ring);
        });
    }

    @Override
    public void close() {
        target.clockwork().locked(() -> {
            if (closed) {
                return;
            }
            closed = true;
            links.forEach(Link::close);
            for (var ring : readRings) {
                target.clockwork().removeReader(ring);
            }
            readRings = new RingBuffer[0];
            object.close();
            target.forget(this);
        });
    }

    /** A reader for which the kernel waits at full speed, until it is closed. */
    private final class Reader implements OutputReader {
        private final OutputReader reader;
        private final RingBuffer ring;

        Reader(OutputReader reader, RingBuffer ring) {
            this.reader = reader;
            this.ring = ring;
        }

        @Override
        public int poll(int timeoutMillis, Consumer consumer) {
            return reader.poll(timeoutMillis, consumer);
        }

        @Override
        public void wakeUp() {
            reader.wakeUp();
        }

        @Override
        public void close() {
            forget(ring);
            reader.close();
        }
    }
}
