package skep.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import skep.btf.BtfBuilder;
import skep.btf.BtfType;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf;
import skep.linux.sys.Errno;

/**
 * The BTF of a program of several functions, while it is being loaded: the kernel calls back only functions that BTF
 * describes, as static ones. Every parameter is described as a number; of static functions the verifier believes the
 * code, not the types. Where the kernel refuses the BTF, the program goes without.
 */
final class FunctionTypes implements AutoCloseable {
    private static final int WORD_BYTES = 8;

    private final Host host;
    private Bpf.FunctionInfo info = Bpf.FunctionInfo.NONE;
    private final List<Block> owned = new ArrayList<>();
    private int fd = -1;

    FunctionTypes(Host host, ProgramSpec program, ObjectTypes types) {
        this.host = host;
        if (types.describes(program)) {
            var records = types.records(program);
            owned.add(records);
            int count = program.functions().size();
            info = new Bpf.FunctionInfo(types.fd(), records.pushed(records.sizeBytes()), count);
        } else if (program.functions().size() > 1) {
            describe(program);
        }
    }

    Bpf.FunctionInfo info() {
        return info;
    }

    private void describe(ProgramSpec program) {
        var builder = new BtfBuilder();
        int word = builder.add(BtfType.Int.signed("long", WORD_BYTES));
        int count = program.functions().size();
        var records = ByteBuffer.allocate(count * Bpf.FunctionInfo.RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (var function : program.functions()) {
            var parameters = new ArrayList<BtfType.Parameter>();
            for (int i = 0; i < function.parameters(); i++) {
                parameters.add(new BtfType.Parameter("a" + i, word));
            }
            int prototype = builder.add(new BtfType.Prototype(word, parameters));
            var linkage = function.insn() == 0 ? BtfType.Linkage.GLOBAL : BtfType.Linkage.STATIC;
            records.putInt(function.insn());
            records.putInt(builder.add(new BtfType.Function(identifier(function.name()), prototype, linkage)));
        }
        var bytes = builder.toBytes();
        long types = own(bytes);
        long loaded = host.bpf().btfLoad(types, bytes.length, 0, 0);
        if (!Errno.isError(loaded)) {
            fd = (int) loaded;
            info = new Bpf.FunctionInfo(fd, own(records.array()), count);
        }
    }

    /** BTF takes C identifiers as names of functions. */
    private static String identifier(String name) {
        return name.replaceAll("[^A-Za-z0-9_]", "_").replaceFirst("^(?=[0-9])", "_");
    }

    /** The address of these bytes in the process that makes the calls. */
    private long own(byte[] bytes) {
        var block = host.syscalls().allocate(bytes.length);
        owned.add(block);
        block.putBytes(0, bytes);
        return block.pushed(bytes.length);
    }

    @Override
    public void close() {
        if (fd >= 0) {
            host.close(fd);
        }
        for (var block : owned.reversed()) {
            block.close();
        }
    }
}
