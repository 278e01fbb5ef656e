package skep.linux.agent;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Machine code being written: bytes, labels, and places that wait for a label. */
final class AgentCode {
    /** Puts the distance from a place to its label into the code. */
    @FunctionalInterface
    interface Patch {
        void apply(byte[] code, int place, int target);
    }

    private record Pending(int place, String label, Patch patch) {}

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<String, Integer> labels = new HashMap<>();
    private final List<Pending> pending = new ArrayList<>();

    AgentCode label(String name) {
        labels.put(name, out.size());
        return this;
    }

    AgentCode bytes(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
        return this;
    }

    AgentCode word(int word) {
        return bytes(word, word >> 8, word >> 16, word >> 24);
    }

    /** The last four bytes wait for a label. */
    AgentCode to(String label, Patch patch) {
        pending.add(new Pending(out.size() - 4, label, patch));
        return this;
    }

    byte[] finish() {
        var code = out.toByteArray();
        for (var place : pending) {
            place.patch.apply(code, place.place, labels.get(place.label));
        }
        return code;
    }

    static int word(byte[] code, int at) {
        return code[at] & 0xff | (code[at + 1] & 0xff) << 8 | (code[at + 2] & 0xff) << 16 | code[at + 3] << 24;
    }

    static void put(byte[] code, int at, int word) {
        for (int i = 0; i < 4; i++) {
            code[at + i] = (byte) (word >> 8 * i);
        }
    }
}
