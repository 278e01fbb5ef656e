package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
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
import skep.vm.maps.PerfEventArray;
import skep.vm.maps.RingBuffer;

/** An object in the embedded kernel: the VM's, with its attachments. */
final class EmbeddedObject implements LoadedObject {
    private final EmbeddedTarget target;
    private final VmObject object;
    private final List<Link> links = new ArrayList<>();
    /** Buffers of this object with a reader. */
    private final List<Object> readBuffers = new ArrayList<>();

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
        if (probe.kind() == ProbeKind.ITER) {
            target.iterate(loaded, Optional.empty(), probe.pid());
            return new Walked(probe);
        }
        return target.clockwork().locked(() -> {
            var link = new AttachPoints(target.model())
                    .attach(
                            probe,
                            new Attachment(
                                    runner(loaded),
                                    probe.pid().orElse(-1),
                                    typed(probe),
                                    target.model().options().overhead() ? Overhead.nanos(probe.kind(), loaded) : 0),
                            target.clockwork());
            links.add(link);
            return link;
        });
    }

    /** An iterator ran to its end when it was attached. */
    private record Walked(ProbeSpec probe) implements Link {
        @Override
        public String mechanism() {
            return "iterator";
        }

        @Override
        public void close() {}
    }

    @Override
    public byte[] iterate(String program, Optional<String> map) {
        return target.iterate(object.program(program), map.map(object::rawMap), OptionalInt.empty());
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
            target.clockwork().mindsReaders();
        };
    }

    @Override
    public void extend(BpfObject more, LoadOptions options) {
        target.clockwork().locked(() -> object.extend(more, target.options(options)));
    }

    @Override
    public long runOnce(String program, byte[] context) {
        return target.runOnce(this, program, context);
    }

    @Override
    public int programHandle(String program) {
        return object.program(program).id();
    }

    @Override
    public OutputReader openRingBuffer(String map) {
        return openRingBuffer(map, PerfEventArray.DEFAULT_BUFFER_BYTES);
    }

    @Override
    public OutputReader openRingBuffer(String map, long bytesPerCpu) {
        var reader = object.openRingBuffer(map, bytesPerCpu);
        var unread = switch (object.rawMap(map)) {
            case RingBuffer ring -> new Clockwork.Unread(ring, () -> ring.query(0), ring.query(1));
            case PerfEventArray array -> new Clockwork.Unread(array, array::unreadBytes, array.bufferBytes());
            default -> throw new IllegalArgumentException("map " + map + " is no ring buffer");
        };
        target.clockwork().locked(() -> {
            readBuffers.add(unread.buffer());
            target.clockwork().addReader(unread);
        });
        return new Reader(reader, unread.buffer());
    }

    private void forget(Object buffer) {
        target.clockwork().locked(() -> {
            readBuffers.remove(buffer);
            target.clockwork().removeReader(buffer);
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
            readBuffers.forEach(target.clockwork()::removeReader);
            readBuffers.clear();
            object.close();
            target.forget(this);
        });
    }

    /** A reader for which the kernel waits at full speed, until it is closed. */
    private final class Reader implements OutputReader {
        private final OutputReader reader;
        private final Object buffer;

        Reader(OutputReader reader, Object buffer) {
            this.reader = reader;
            this.buffer = buffer;
        }

        @Override
        public int poll(int timeoutMillis, Consumer consumer) {
            return reader.poll(timeoutMillis, consumer);
        }

        @Override
        public int cpu() {
            return reader.cpu();
        }

        @Override
        public long lost() {
            return reader.lost();
        }

        @Override
        public void wakeUp() {
            reader.wakeUp();
        }

        @Override
        public void close() {
            forget(buffer);
            reader.close();
        }
    }
}
