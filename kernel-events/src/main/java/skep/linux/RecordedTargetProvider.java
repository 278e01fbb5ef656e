package skep.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import skep.isa.kernel.KernelInfo;
import skep.isa.object.BpfObject;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TargetProvider;
import skep.target.TracedProcess;

/** {@code kernel:FILE}: a kernel that was written down; scripts compile for it, and nothing runs. */
public final class RecordedTargetProvider implements TargetProvider {
    @Override
    public String scheme() {
        return "kernel";
    }

    @Override
    public String title() {
        return "a kernel written down with kernel-info: compiles for it (-d), runs nothing";
    }

    @Override
    public Target open(String options) {
        if (options.isEmpty()) {
            throw new IllegalArgumentException(
                    "target kernel needs a file: kernel:FILE, made by skep kernel-info > FILE");
        }
        try (var in = Files.newInputStream(Path.of(options))) {
            return new Recorded("kernel:" + options, RecordedKernel.read(in));
        } catch (NoSuchFileException missing) {
            throw new TargetException("there is no file " + options);
        } catch (IOException unreadable) {
            throw new TargetException(options + ": " + unreadable.getMessage(), unreadable);
        }
    }

    private record Recorded(String spec, KernelInfo kernel) implements Target {
        private TargetException runsNothing() {
            return new TargetException(
                    "a kernel that was written down runs nothing; print what would be loaded with -d object");
        }

        @Override
        public LoadedObject load(BpfObject object, LoadOptions options) {
            throw runsNothing();
        }

        @Override
        public TracedProcess spawn(String command) {
            throw runsNothing();
        }

        @Override
        public void start(Optional<Duration> duration) {}

        @Override
        public long monotonicNanos() {
            return 0;
        }

        @Override
        public long wallClockOffsetNanos() {
            return 0;
        }

        @Override
        public boolean ended() {
            return true;
        }

        @Override
        public void close() {}
    }
}
