package skep.vm.syscall;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.MapSpec;

/** What {@code BPF_OBJ_GET_INFO_BY_FD} answers. */
public sealed interface ObjectInfo {
    int id();

    record MapInfo(int id, MapSpec spec, long memoryBytes, boolean frozen) implements ObjectInfo {}

    /**
     * A program; counts are those of the time while statistics were on.
     *
     * @param verifiedInsns instructions that the verifier stepped over
     */
    record ProgramInfo(
            int id,
            String name,
            ProgramType type,
            String tag,
            boolean gplCompatible,
            Instant loadedAt,
            int xlatedBytes,
            int jitedBytes,
            List<Integer> mapIds,
            long runCount,
            long runNanos,
            int verifiedInsns)
            implements ObjectInfo {}

    record LinkInfo(int id, int programId, Optional<AttachType> attachType, String target, long cookie)
            implements ObjectInfo {}

    record BtfInfo(int id, int types, int sizeBytes) implements ObjectInfo {}
}
